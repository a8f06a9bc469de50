//! Secrets are not in the log at its most verbose level, in the database or in a backup of it.

use std::path::Path;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use candor::credentials::secret_token;
use candor::db::Db;
use candor::domain::Manager;
use candor::domain::Role::Owner;
use candor::notify::Mailer;
use chrono::TimeDelta;
use sqlx::AssertSqlSafe;

use crate::cli::{candor, stdout_text};
use crate::oidc::provider_address;
use crate::support::TestDb;
use crate::support::app::{Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::fake_oidc::{FakeProvider, Person, SECRET as CLIENT_SECRET};
use crate::support::smtp::FakeSmtpServer;
use crate::web_factors::{App, half_logged_in, send_code};
use crate::web_hostile::listen;

const MAIL_PASSWORD: &str = "hush-hush-of-the-mail";
const WRONG: &str = "a wrong password of mine";
const CHOSEN: &str = "gravel lantern otter";

/// Secrets, each with a description.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 15, "{what} is too short to be told from chance: {secret}");
        self.0.push((what, secret));
    }

    fn found_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        let is_in = |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        self.0.iter().filter(|(_, secret)| is_in(secret)).map(|(what, _)| *what).collect()
    }
}

#[apply(on_both_databases!)]
async fn no_secret_is_in_log_database_or_backup(test: TestDb) {
    let log = listen();
    let (issuer, sink) = (FakeProvider::open(&test.clock).await, FakeSmtpServer::open().await);
    let url = sink.url.replace("smtp://", &format!("smtp://candor:{MAIL_PASSWORD}@"));
    let mailer = Mailer::new(&url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mail_and_provider(test, mailer, issuer.provider()).await;
    let mut secrets = Secrets::default();
    secrets.add("the client's secret", CLIENT_SECRET);
    secrets.add("the mail server's password", MAIL_PASSWORD);
    secrets
        .add("the mail server's password as it travels", BASE64_STANDARD.encode(format!("\0candor\0{MAIL_PASSWORD}")));
    let ines = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&ines).await;
    add_passwords(&app, &mut browser, &mut secrets).await;
    add_factors(&app, &ines, &mut browser, &mut secrets).await;
    add_tokens(&app, &mut browser, &mut secrets).await;
    add_links(&app, &sink, &mut browser, &mut secrets).await;
    add_provider_secrets(&app, &issuer, &mut secrets).await;
    let log_text = log.text();
    assert!(log_text.contains("/login/oidc/callback") && log_text.contains("TRACE"), "all of it is heard");
    assert_eq!(secrets.found_in(log_text.as_bytes()), [""; 0], "in the log");
    assert_eq!(secrets.found_in(&dump(&app).await), [""; 0], "in the database");
    assert_eq!(secrets.found_in(format!("{:?}", app.audit().await).as_bytes()), [""; 0], "in the audit");
    assert_eq!(secrets.found_in(&std::fs::read(app.site_file()).unwrap()), [""; 0], "in the stored Site");
    if let Db::Sqlite { .. } = &app.db {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup.db");
        stdout_text(&candor(&app.test, &["backup", file.to_str().unwrap()], ""));
        let backup = std::fs::read(file).unwrap();
        assert!(backup.windows(16).any(|part| part == b"ines@example.org"), "the backup can be read");
        assert_eq!(secrets.found_in(&backup), [""; 0], "in the backup");
    }
}

async fn add_passwords(app: &TestApp, browser: &mut Browser, secrets: &mut Secrets) {
    secrets.add("a password", PASSWORD);
    secrets.add("a wrong password", WRONG);
    for name in ["sid", "device"] {
        secrets.add("a cookie", browser.cookies[name].clone());
    }
    app.visitor().post("/login", &[("email", "ines@example.org"), ("password", WRONG)]).await;
    browser.post("/admin/proof", &[("proof_password", WRONG)]).await;
    browser.post("/admin/account/password", &[("current", WRONG), ("password", CHOSEN)]).await;
    app.clock.advance(TimeDelta::minutes(15));
    let proved = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/admin", "{}", proved.text());
    secrets.add("a cookie after a proof", browser.cookies["sid"].clone());
}

async fn add_factors(app: &TestApp, ines: &Manager, browser: &mut Browser, secrets: &mut Secrets) {
    browser.post("/admin/account/totp", &[]).await;
    let page = browser.get("/admin/account/totp").await;
    secrets.add("the key of an app", page.word("dd code").split_whitespace().collect::<String>());
    let phone = App::of(&page);
    let confirmed = browser.post("/admin/account/totp/confirmation", &[("code", &phone.code(app, 0))]).await;
    let codes = confirmed.words(".codes li");
    assert_eq!(codes.len(), 10, "{}", confirmed.text());
    for code in &codes {
        secrets.add("a recovery code", code.clone());
        secrets.add("a recovery code", code.replace('-', ""));
    }
    let mut waiting = half_logged_in(app, ines).await;
    secrets.add("the cookie of half a login", waiting.cookies["sid"].clone());
    assert_eq!(send_code(&mut waiting, &codes[0]).await.location(), "/admin");
    secrets.add("a cookie", waiting.cookies["sid"].clone());
}

async fn add_tokens(app: &TestApp, browser: &mut Browser, secrets: &mut Secrets) {
    let fields = [("name", "Deploy"), ("scope", "read"), ("days", "7")];
    let created = browser.post("/admin/tokens", &fields).await.field("token");
    let unknown = secret_token::fresh_api_token();
    let version = app.texts("select cast(version as text) from login_policy").await.remove(0);
    let allowed = browser.post("/admin/policy", &[("version", &version), ("api_key_in_query", "yes")]).await;
    assert_eq!(allowed.location(), "/admin/settings?done=policy-saved");
    for (secret, status) in [(&created, StatusCode::OK), (&unknown, StatusCode::UNAUTHORIZED)] {
        secrets.add("an API token", secret.clone());
        let mut program = app.visitor();
        program.peer = Some([127, 0, 0, 1].into());
        let bearer = format!("Bearer {secret}");
        assert_eq!(program.get_with("/v1/token", &[("authorization", &bearer)]).await.status, status);
        assert_eq!(program.get(&format!("/v1/pages?api_key={secret}")).await.status, status);
        let address = format!("/v1/nothing?api_key={secret}");
        program.send(Method::POST, &address, &[("authorization", &bearer)], "".into()).await;
        program.peer = Some([203, 0, 113, 5].into());
        program.get(&format!("/v1/pages?api_key={secret}")).await;
    }
}

async fn add_links(app: &TestApp, sink: &FakeSmtpServer, browser: &mut Browser, secrets: &mut Secrets) {
    let invited = [("name", "Rui"), ("email", "rui@example.org"), ("role", "viewer")];
    let link = browser.post("/admin/managers", &invited).await.field("link");
    let invitation = link.strip_prefix(ORIGIN).unwrap();
    app.visitor().get(invitation).await;
    app.visitor().post(invitation, &[("password", "short")]).await;
    app.visitor().post_with(invitation, &[("password", CHOSEN)], &[("sec-fetch-site", "cross-site")]).await;
    let mut rui = app.visitor();
    assert_eq!(rui.post(invitation, &[("password", CHOSEN)]).await.location(), "/admin?done=welcome");
    app.visitor().post("/forgotten", &[("email", "rui@example.org")]).await;
    app.mail_worker().deliver_due().await.unwrap();
    let login = BASE64_STANDARD.encode(format!("\0candor\0{MAIL_PASSWORD}"));
    let logins = sink.logins();
    assert!(
        !logins.is_empty() && logins.iter().all(|said| *said == login),
        "it was said to the server, for each mail: {logins:?}"
    );
    let texts: Vec<String> = sink.mails().iter().map(super::support::smtp::Mail::text).collect();
    let mut lines = texts.iter().flat_map(|text| text.lines());
    let reset = lines.find_map(|line| line.strip_prefix(ORIGIN)).expect("a link").to_owned();
    app.visitor().get(&reset).await;
    let answer = app.visitor().post(&reset, &[("password", "another lantern otter")]).await;
    assert_eq!(answer.location(), "/login");
    secrets.add("a password that was chosen", CHOSEN);
    secrets.add("a password that was chosen", "another lantern otter");
    secrets.add("an invitation", invitation.strip_prefix("/setup/").unwrap());
    secrets.add("a mailed link", reset.strip_prefix("/setup/").unwrap());
    secrets.add("a cookie", rui.cookies["sid"].clone());
}

async fn add_provider_secrets(app: &TestApp, issuer: &FakeProvider, secrets: &mut Secrets) {
    let mut vera = app.visitor();
    let redirect = vera.post("/login/oidc", &[]).await;
    secrets.add("the cookie of a question", vera.cookies["sid"].clone());
    let back = issuer.authorize(&provider_address(&redirect), &Person::named("Vera", &[]));
    assert_eq!(vera.get(&back.address()).await.location(), "/admin");
    let given = issuer.issued_tokens();
    assert_eq!(given.len(), 2);
    for token in given {
        secrets.add("a token of the provider", token);
    }
    // The session may keep the code in the file: it is used up and so worthless.
    secrets.add("a code of the provider", back.code);
    secrets.add("a cookie", vera.cookies["sid"].clone());
}

/// Every row of every table as bytes; for SQLite, the files.
async fn dump(app: &TestApp) -> Vec<u8> {
    match &app.db {
        Db::Sqlite { path, .. } => {
            let file =
                |ending: &str| std::fs::read(format!("{}{ending}", Path::new(path).display())).unwrap_or_default();
            let whole = [file(""), file("-wal")].concat();
            assert!(whole.windows(16).any(|part| part == b"ines@example.org"), "the file can be read");
            whole
        }
        Db::Postgres(pool, _) => {
            let tables = "select tablename::text from pg_tables where schemaname = 'public'";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.unwrap();
            assert!(tables.len() > 20, "{tables:?}");
            let mut whole = String::new();
            for table in tables {
                let rows = AssertSqlSafe(format!("select t::text from \"{table}\" t"));
                let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(pool).await.unwrap();
                whole += &rows.join("\n");
            }
            assert!(whole.contains("ines@example.org"));
            whole.into_bytes()
        }
    }
}
