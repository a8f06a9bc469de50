//! Which denied requests are audited, and which intentionally are not.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use candor::db::managers;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::audit::{Action, Effect};
use candor::notify::Mailer;
use candor::worker::Worker;
use chrono::TimeDelta;
use serde_json::json;

use crate::oidc::provider_address;
use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::fake_oidc::{FakeProvider, Person, Signing};
use crate::support::fixtures;
use crate::web_factors::{half_logged_in, manager_with_app};

/// A word in the input of every denied attempt, which must not be in any row.
const SECRET: &str = "xylophone-secret";

async fn with_everything(test: TestDb) -> (TestApp, FakeProvider) {
    let issuer = FakeProvider::open(&test.clock).await;
    let mailer = Mailer::new("smtp://127.0.0.1:9", "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    (TestApp::with_mail_and_provider(test, mailer, issuer.provider()).await, issuer)
}

/// The new rows of denied attempts since the last check.
struct AuditWatch<'a> {
    app: &'a TestApp,
    seen: i64,
    kinds: BTreeSet<String>,
}

impl<'a> AuditWatch<'a> {
    fn over(app: &'a TestApp) -> Self {
        Self { app, seen: 0, kinds: BTreeSet::new() }
    }

    async fn new_rows(&mut self) -> Vec<(String, String)> {
        let rows = self.app.audit().await;
        let news = rows.iter().filter(|row| row.id > self.seen && row.is_denial());
        let news: Vec<_> = news.map(|row| (row.action.clone(), row.actor.name.clone())).collect();
        self.seen = rows.first().map_or(self.seen, |row| row.id);
        // Stays below the limit per minute after which denials are summarized.
        self.app.clock.advance(TimeDelta::seconds(61));
        self.kinds.extend(news.iter().map(|(action, _)| action.clone()));
        news
    }

    /// Expects one new row with this action and actor.
    async fn expect_row(&mut self, action: &str, who: &str, what: &str) {
        assert_eq!(self.new_rows().await, [(action.to_owned(), who.to_owned())], "{what}");
    }
}

fn browser_at(app: &TestApp, address: [u8; 4]) -> Browser {
    let mut browser = app.visitor();
    browser.peer = Some(address.into());
    browser
}

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.visitor().post("/login", &[("email", email), ("password", password)]).await
}

async fn provider_callback(browser: &mut Browser, issuer: &FakeProvider, person: &Person) -> Answer {
    let redirect = browser.post("/login/oidc", &[]).await;
    browser.get(&issuer.authorize(&provider_address(&redirect), person).address()).await
}

#[apply(on_both_databases!)]
async fn every_denial_is_audited_without_secrets(test: TestDb) {
    let (app, issuer) = with_everything(test).await;
    let mut watch = AuditWatch::over(&app);
    deny_roles_and_pages(&app, &mut watch).await;
    deny_passwords(&app, &mut watch).await;
    deny_second_factors_and_proofs(&app, &issuer, &mut watch).await;
    deny_provider_logins(&app, &issuer, &mut watch).await;
    deny_tokens(&app, &mut watch).await;
    let mut flooding = browser_at(&app, [192, 0, 2, 99]);
    for _ in 0..15 {
        flooding.get(&format!("/setup/{SECRET}")).await;
    }
    assert_eq!(watch.new_rows().await.len(), 10);
    Worker::default().tick(&app).await;
    watch.expect_row("audit.suppress-denials", "anonymous", "what was only counted").await;
    assert_eq!(watch.kinds, denied_actions(), "every denied action was provoked");
    assert!(!format!("{:?}", app.audit().await).contains(SECRET));
}

/// The key of every denied action; each is triggered.
fn denied_actions() -> BTreeSet<String> {
    let denied = Action::ALL.iter().filter(|action| action.effect() == Effect::Denied);
    denied.map(|action| action.key().to_owned()).collect()
}

async fn deny_roles_and_pages(app: &TestApp, watch: &mut AuditWatch<'_>) {
    let mut vera = app.with_session(&app.manager("Vera", Viewer).await).await;
    for address in ["/admin/groups", "/admin/incidents"] {
        assert_eq!(vera.post(address, &[("name", SECRET)]).await.status, StatusCode::FORBIDDEN);
        watch.expect_row("manager.deny-role", "Vera", "what the role does not reach").await;
    }
    assert_eq!(vera.get("/admin/managers").await.status, StatusCode::FORBIDDEN);
    watch.expect_row("manager.deny-role", "Vera", "a page beyond the role").await;
    vera.post_with("/admin/incidents", &[("title", SECRET)], &[("sec-fetch-site", "cross-site")]).await;
    watch.expect_row("manager.deny-cross-site", "anonymous", "a form of a foreign page").await;
    app.visitor().post_with(&format!("/setup/{SECRET}"), &[], &[]).await;
    watch.expect_row("manager.deny-cross-site", "anonymous", "a form of no page at all").await;
    app.visitor().get(&format!("/setup/{SECRET}")).await;
    watch.expect_row("manager.deny-link", "anonymous", "looking behind a link that never was").await;
    app.visitor().post(&format!("/setup/{SECRET}"), &[("password", SECRET)]).await;
    watch.expect_row("manager.deny-link", "anonymous", "using one").await;
}

async fn deny_passwords(app: &TestApp, watch: &mut AuditWatch<'_>) {
    let mut gone = app.manager("Gone", Publisher).await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut gone, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    app.manager("Rui", Publisher).await;
    let refuse_login = "manager.deny-login";
    for (email, password, what) in [
        ("never@example.org", SECRET, "nobody's address"),
        ("rui@example.org", SECRET, "a wrong password"),
        ("gone@example.org", PASSWORD, "a disabled manager"),
    ] {
        assert_eq!(log_in(app, email, password).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        watch.expect_row(refuse_login, "anonymous", what).await;
    }
    for _ in 0..3 {
        log_in(app, "rui@example.org", SECRET).await;
    }
    let locked = log_in(app, "rui@example.org", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(watch.new_rows().await.len(), 4, "the right one, while the account waits");
    let mut busy = browser_at(app, [192, 0, 2, 50]);
    for _ in 0..10 {
        busy.post("/login/passkey/challenge", &[]).await;
    }
    assert_eq!(watch.new_rows().await, [], "a question guesses nothing");
    for _ in 0..10 {
        busy.post("/login/passkey/challenge", &[]).await;
    }
    let refused = busy.post("/login", &[("email", "rui@example.org"), ("password", SECRET)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    watch.expect_row(refuse_login, "anonymous", "too many from one network").await;
    app.visitor().post("/login/passkey", &[("credential", SECRET)]).await;
    watch.expect_row(refuse_login, "anonymous", "a passkey that answers nothing").await;
    for _ in 0..20 {
        busy.post("/login/passkey/challenge", &[]).await;
    }
    let refused = busy.post("/login/passkey", &[("credential", SECRET)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    watch.expect_row(refuse_login, "anonymous", "a passkey, too many from one network").await;
}

async fn deny_second_factors_and_proofs(app: &TestApp, issuer: &FakeProvider, watch: &mut AuditWatch<'_>) {
    let (ines, _, _) = manager_with_app(app).await;
    watch.new_rows().await;
    let mut waiting = half_logged_in(app, &ines).await;
    for code in ["123456", SECRET] {
        waiting.post("/login/factor", &[("code", code)]).await;
        watch.expect_row("manager.deny-code", "anonymous", "a wrong code after the password").await;
    }
    for (field, value) in [("proof_password", SECRET), ("proof_code", "123456"), ("proof_passkey", SECRET)] {
        let mut browser = app.with_session(&ines).await;
        let wrong = browser.post("/admin/proof", &[(field, value)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        watch.expect_row("manager.deny-reauthentication", "Ines", "a wrong proof").await;
    }
    let mut browser = app.with_session(&ines).await;
    browser.post("/admin/account/password", &[("current", SECRET), ("password", "gravel lantern otter")]).await;
    watch.expect_row("manager.deny-reauthentication", "Ines", "a wrong password for a new one").await;
    let redirect = browser.post("/admin/proof/oidc", &[("path", "/admin")]).await;
    let back = issuer.authorize(&provider_address(&redirect), &Person::named("Else", &[]));
    assert_eq!(browser.get(&back.address()).await.status, StatusCode::CONFLICT);
    watch.expect_row("manager.deny-reauthentication", "Ines", "somebody else's login at the provider").await;
}

async fn deny_provider_logins(app: &TestApp, issuer: &FakeProvider, watch: &mut AuditWatch<'_>) {
    let refuse_login = "manager.deny-login";
    app.visitor().get(&format!("/login/oidc/callback?code={SECRET}&state={SECRET}")).await;
    watch.expect_row(refuse_login, "anonymous", "an answer that nobody asked for").await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    let state = issuer.authorize(&provider_address(&redirect), &Person::named("Eve", &[])).state;
    browser.get(&format!("/login/oidc/callback?state={state}&error=access_denied&error_description={SECRET}")).await;
    watch.expect_row(refuse_login, "anonymous", "somebody whom the provider refuses").await;
    issuer.sign_with(Signing::Strangers);
    provider_callback(&mut app.visitor(), issuer, &Person::named("Eve", &[])).await;
    watch.expect_row(refuse_login, "anonymous", "a token that the provider has not signed").await;
    issuer.sign_with(Signing::Ours);
    let nowhere = Person { email: "eve@elsewhere.test".into(), ..Person::named("Eve", &[]) };
    let unverified = Person { verified: false, ..Person::named("Eve", &[]) };
    for (person, what) in [
        (nowhere, "somebody without a role"),
        (unverified, "an address that is not verified"),
        (Person::named("Ines", &[]), "an address that is taken"),
        (Person::named("Gone", &[]), "a disabled manager"),
    ] {
        provider_callback(&mut app.visitor(), issuer, &person).await;
        watch.expect_row(refuse_login, "anonymous", what).await;
    }
}

async fn deny_tokens(app: &TestApp, watch: &mut AuditWatch<'_>) {
    let mut program = ApiClient::new(app, &app.manager("Ana", Viewer).await, "Copy", Scope::Read).await;
    assert_eq!(program.send(Method::POST, "/components", &json!({})).await.status, StatusCode::FORBIDDEN);
    watch.expect_row("token.deny-scope", "Ana by Copy", "what the scope does not reach").await;
    program.browser.peer = Some([203, 0, 113, 5].into());
    assert_eq!(program.send(Method::GET, "/components", &json!({})).await.status, StatusCode::FORBIDDEN);
    watch.expect_row("token.deny-cleartext", "Ana by Copy", "a token in the open").await;
    program.browser.peer = Some([127, 0, 0, 1].into());
    program.secret = SECRET.into();
    assert_eq!(program.send(Method::GET, "/components", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    watch.expect_row("token.deny", "anonymous", "a token that nobody has").await;
}

/// These requests try no credentials: a row for each would let clients fill the disk. The log and the metrics
/// contain them.
#[apply(on_both_databases!)]
async fn harmless_failures_are_not_audited(test: TestDb) {
    let (app, _issuer) = with_everything(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let manager = app.manager("Ines", Owner).await;
    let mut owner = app.with_session(&manager).await;
    let program = ApiClient::new(&app, &manager, "Eager", Scope::Admin).await;
    let mut busy = browser_at(&app, [192, 0, 2, 50]);
    for _ in 0..10 {
        busy.post("/forgotten", &[("email", "ines@example.org")]).await;
        busy.post("/login/oidc", &[]).await;
    }
    let before = app.audit().await.len();
    let mut answers = Vec::new();
    // Throttled requests test no credentials.
    answers.push((busy.post("/forgotten", &[("email", "ines@example.org")]).await, 429));
    answers.push((busy.post("/login/oidc", &[]).await, 429));
    answers.push((busy.post("/login/passkey/challenge", &[]).await, 429));
    for _ in 0..60 {
        program.send(Method::POST, "/components", &json!({})).await;
    }
    answers.push((program.send(Method::POST, "/components", &json!({})).await, 429));
    // Requests without credentials.
    answers.push((app.visitor().get("/admin").await, 303));
    answers.push((app.visitor().post("/admin/groups", &[("name", "Maps")]).await, 401));
    answers.push((app.visitor().get("/v1/pages").await, 401));
    answers.push((app.visitor().get("/login/factor").await, 303));
    answers.push((app.visitor().post("/login/factor", &[("code", "123456")]).await, 303));
    // Authorized requests with invalid input.
    answers.push((owner.post("/admin/groups", &[]).await, 422));
    answers.push((owner.post("/admin/incidents/it", &[("version", "9"), ("title", "Else")]).await, 409));
    answers.push((owner.post("/admin/managers/never/role", &[("role", "viewer")]).await, 404));
    app.clock.advance(TimeDelta::minutes(10));
    answers.push((owner.post("/admin/managers", &[("name", "Rui")]).await, 403));
    // Unknown addresses.
    answers.push((app.visitor().get("/wp-login.php").await, 404));
    answers.push((app.visitor().post_with("/wp-login.php", &[], &[]).await, 403));
    answers.push((owner.post("/admin/groups", &[("name", &"x".repeat(600_000))]).await, 413));
    for (place, (answer, status)) in answers.iter().enumerate() {
        assert_eq!(answer.status.as_u16(), *status, "{place}");
    }
    let rows: Vec<_> = app.audit().await.into_iter().map(|row| (row.action, row.subject_name)).collect();
    assert_eq!(rows.len(), before, "{rows:?}");
}
