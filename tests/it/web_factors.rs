//! Authenticator app, recovery codes, and the policy that requires a second factor.

use axum::http::StatusCode;
use candor::db::{managers, totp};
use candor::domain::Manager;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use chrono::TimeDelta;
use totp_rs::{Builder, Secret};

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};

pub struct App(Vec<u8>);

impl App {
    pub fn of(page: &Answer) -> Self {
        let key: String = page.word("dd code").split_whitespace().collect();
        Self(Secret::try_from_base32(&key).unwrap().as_ref().to_vec())
    }

    pub fn code(&self, app: &TestApp, steps: i64) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().unwrap();
        totp.generate((app.clock.now().timestamp() + steps * 30).try_into().unwrap()).to_string()
    }
}

pub async fn enrol(app: &TestApp, browser: &mut Browser) -> (App, Vec<String>) {
    assert_eq!(browser.post("/admin/account/totp", &[]).await.location(), "/admin/account/totp");
    let phone = App::of(&browser.get("/admin/account/totp").await);
    let code = phone.code(app, 0);
    let answer = browser.post("/admin/account/totp/confirmation", &[("code", &code)]).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::OK, "Recovery codes"), "{}", answer.text());
    // The code that confirmed the app is used up.
    app.clock.advance(TimeDelta::seconds(60));
    (phone, answer.words(".codes li"))
}

pub async fn manager_with_app(app: &TestApp) -> (Manager, App, Vec<String>) {
    let manager = app.manager("Ines", Owner).await;
    let (phone, codes) = enrol(app, &mut app.through_login(&manager).await).await;
    (manager, phone, codes)
}

/// A browser after the password step.
pub async fn half_logged_in(app: &TestApp, manager: &Manager) -> Browser {
    let mut browser = app.visitor();
    let answer = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login/factor"));
    browser
}

#[apply(on_both_databases!)]
async fn half_login_ended_during_code_check_fails(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Keeper", Owner).await;
    let (mut manager, _, codes) = manager_with_app(&app).await;
    let mut browser = half_logged_in(&app, &manager).await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut manager, app.clock.now()).await.unwrap();
    let mut giving = Box::pin(send_code(&mut browser, &codes[0]));
    // The code is checked in a write transaction, and this test holds the only one.
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut giving).await;
    assert!(early.is_err(), "{early:?}");
    tx.commit_unaudited().await.unwrap();
    assert_eq!(giving.await.location(), "/login");
    assert!(browser.get("/admin").await.location().starts_with("/login"), "nobody is logged in");
}

pub async fn send_code(browser: &mut Browser, code: &str) -> Answer {
    browser.post("/login/factor", &[("code", code)]).await
}

#[apply(on_both_databases!)]
async fn totp_counts_after_confirmation(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    assert_eq!(browser.get("/admin/account/totp").await.words("svg[role=img]").len(), 0);
    browser.post("/admin/account/totp", &[]).await;
    let shown = browser.get("/admin/account/totp").await;
    assert_eq!(shown.words("svg[role=img]").len(), 1, "{}", shown.text());
    let phone = App::of(&shown);
    assert_eq!(App::of(&browser.get("/admin/account/totp").await).0, phone.0, "looking makes no new secret");
    let wrong = browser.post("/admin/account/totp/confirmation", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.message("code").contains("Incorrect code"), "{}", wrong.text());
    app.through_login(&manager).await;
    let code = phone.code(&app, 0);
    let codes = browser.post("/admin/account/totp/confirmation", &[("code", &code)]).await.words(".codes li");
    assert_eq!(codes.len(), 10);
    half_logged_in(&app, &manager).await;
    assert_eq!(app.audit().await[1].action, "manager.add-totp");
    let again = browser.post("/admin/account/totp", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[apply(on_both_databases!)]
async fn totp_secret_is_never_stored_in_plain(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, codes) = manager_with_app(&app).await;
    let stored = totp::find(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap().unwrap();
    assert_eq!(app.secret_key.open(manager.id.as_str(), &stored.secret).unwrap(), phone.0);
    let spelled = Secret::from(phone.0.clone()).to_base32();
    let hashes = app.texts("select code_hash from recovery_codes").await;
    let sessions = app.texts("select data from sessions").await;
    let everything = format!("{stored:?} {hashes:?} {sessions:?} {:?}", app.audit().await);
    assert!(!everything.contains(&spelled));
    for code in &codes {
        let plain = code.replace('-', "");
        assert!(!everything.contains(code) && !everything.contains(&plain));
        assert!(hashes.contains(&candor::credentials::secret_token::hash_token(&plain)));
    }
}

#[apply(on_both_databases!)]
async fn half_login_reaches_only_the_second_step(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let sessions = app.sessions(&manager).await.len();
    let mut browser = half_logged_in(&app, &manager).await;
    let half = browser.cookies["sid"].clone();
    for address in ["/admin", "/admin/account", "/admin/account/factors", "/admin/managers"] {
        assert!(browser.get(address).await.location().starts_with("/login?"), "{address}");
    }
    for address in ["/admin/incidents", "/admin/account/totp/removal", "/admin/proof", "/logout"] {
        assert!(browser.post(address, &[]).await.location().starts_with("/login?"), "{address}");
    }
    assert_eq!(app.sessions(&manager).await.len(), sessions, "nobody is logged in yet");
    assert_eq!(browser.get("/login/factor").await.word("h1"), "Two-factor authentication");
    let code = phone.code(&app, 0);
    assert_eq!(send_code(&mut browser, &code).await.location(), "/admin");
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    assert_ne!(browser.cookies["sid"], half, "the login has a new id");
    let mut old = app.visitor();
    old.cookies.insert("sid".into(), half);
    assert_eq!(old.get("/login/factor").await.location(), "/login");
    let actions: Vec<String> = app.audit().await.into_iter().map(|record| record.action).take(2).collect();
    assert_eq!(actions, ["manager.login", "manager.begin-login"]);
}

#[apply(on_both_databases!)]
async fn half_login_expires_after_five_minutes(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let mut browser = half_logged_in(&app, &manager).await;
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(browser.get("/login/factor").await.location(), "/login");
    let code = phone.code(&app, 0);
    assert_eq!(send_code(&mut browser, &code).await.location(), "/login");
    assert!(browser.get("/admin").await.location().starts_with("/login"));
    assert_eq!(app.visitor().get("/login/factor").await.location(), "/login", "nobody gave a password here");
}

#[apply(on_both_databases!)]
async fn account_change_ends_half_login(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let mut owner = app.logged_in(Owner).await;
    for change in ["disablement", "role"] {
        let mut browser = half_logged_in(&app, &manager).await;
        let address = format!("/admin/managers/{}/{change}", manager.id);
        assert_eq!(owner.post(&address, &[("role", "viewer")]).await.status, StatusCode::SEE_OTHER);
        let code = phone.code(&app, 0);
        assert_eq!(send_code(&mut browser, &code).await.location(), "/login", "{change}");
        owner.post(&format!("/admin/managers/{}/enablement", manager.id), &[]).await;
    }
}

#[apply(on_both_databases!)]
async fn totp_code_works_once_within_one_step(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    for steps in [-2, 2] {
        let code = phone.code(&app, steps);
        let refused = send_code(&mut half_logged_in(&app, &manager).await, &code).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{steps}");
        assert!(refused.message("code").contains("Incorrect"), "{}", refused.text());
        assert_eq!(refused.field("code"), "", "a code is not shown again");
    }
    for steps in [-1, 0, 1] {
        let code = phone.code(&app, steps);
        assert_eq!(send_code(&mut half_logged_in(&app, &manager).await, &code).await.location(), "/admin", "{steps}");
        let again = send_code(&mut half_logged_in(&app, &manager).await, &code).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{steps} a second time");
    }
    // The current code is older than the last accepted one.
    let earlier = phone.code(&app, 0);
    assert_eq!(
        send_code(&mut half_logged_in(&app, &manager).await, &earlier).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(app.audit().await[0].action, "manager.deny-code");
}

#[apply(on_both_databases!)]
async fn ten_wrong_codes_lock_totp_only(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, codes) = manager_with_app(&app).await;
    // Wrong codes count per manager, across logins.
    let wrong = phone.code(&app, 9);
    for _ in 0..5 {
        let mut browser = half_logged_in(&app, &manager).await;
        send_code(&mut browser, &wrong).await;
        assert!(send_code(&mut browser, &wrong).await.message("code").contains("Incorrect or already used code"));
    }
    let mut browser = half_logged_in(&app, &manager).await;
    let right = phone.code(&app, 0);
    let locked = send_code(&mut browser, &right).await;
    assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(locked.message("code").contains("Too many wrong codes"), "{}", locked.text());
    assert_eq!(send_code(&mut browser, &codes[0]).await.location(), "/admin");

    app.clock.advance(TimeDelta::minutes(15));
    send_code(&mut half_logged_in(&app, &manager).await, &wrong).await;
    let right = phone.code(&app, 0);
    let locked = send_code(&mut half_logged_in(&app, &manager).await, &right).await;
    assert!(locked.message("code").contains("Too many"), "the eleventh locks it again");
    app.clock.advance(TimeDelta::minutes(15));
    let right = phone.code(&app, 0);
    assert_eq!(send_code(&mut half_logged_in(&app, &manager).await, &right).await.location(), "/admin");
    app.clock.advance(TimeDelta::minutes(1));
    send_code(&mut half_logged_in(&app, &manager).await, &wrong).await;
    let right = phone.code(&app, 0);
    assert_eq!(
        send_code(&mut half_logged_in(&app, &manager).await, &right).await.location(),
        "/admin",
        "the count began anew"
    );
}

#[apply(on_both_databases!)]
async fn a_recovery_code_works_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, _, codes) = manager_with_app(&app).await;
    let typed = codes[3].to_uppercase().replace('-', " ");
    assert_eq!(send_code(&mut half_logged_in(&app, &manager).await, &typed).await.location(), "/admin");
    assert_eq!(app.audit().await[0].action, "manager.login-by-recovery-code");
    let again = send_code(&mut half_logged_in(&app, &manager).await, &codes[3]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut browser = half_logged_in(&app, &manager).await;
    send_code(&mut browser, &codes[4]).await;
    assert!(browser.get("/admin/account/factors").await.text().contains("8 of 10 codes left."));
}

#[apply(on_both_databases!)]
async fn code_is_a_fresh_proof_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let mut browser = half_logged_in(&app, &manager).await;
    let login = phone.code(&app, 0);
    send_code(&mut browser, &login).await;
    app.clock.advance(TimeDelta::minutes(10));
    let asked = browser.post("/admin/account/recovery-codes", &[]).await;
    assert_eq!((asked.status, asked.words("#proof_code").len()), (StatusCode::FORBIDDEN, 1));
    let old = browser.post("/admin/account/recovery-codes", &[("proof_code", &login)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(old.message("proof_code").contains("already used"), "{}", old.text());
    let code = phone.code(&app, 0);
    let answer = browser.post("/admin/account/recovery-codes", &[("proof_code", &code)]).await;
    assert_eq!((answer.status, answer.words(".codes li").len()), (StatusCode::OK, 10));
    let again = send_code(&mut half_logged_in(&app, &manager).await, &code).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "a code that proved something opens nothing more");
}

#[apply(on_both_databases!)]
async fn new_recovery_codes_replace_old_ones(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    assert_eq!(browser.post("/admin/account/recovery-codes", &[]).await.status, StatusCode::CONFLICT);
    let (_, old) = enrol(&app, &mut browser).await;
    let new = browser.post("/admin/account/recovery-codes", &[]).await.words(".codes li");
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !old.contains(code)));
    assert_eq!(
        send_code(&mut half_logged_in(&app, &manager).await, &old[0]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(send_code(&mut half_logged_in(&app, &manager).await, &new[0]).await.location(), "/admin");
}

#[apply(on_both_databases!)]
async fn adding_factor_ends_other_sessions_and_rotates_id(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let (mut here, mut there) = (app.through_login(&manager).await, app.through_login(&manager).await);
    let before = here.cookies["sid"].clone();
    enrol(&app, &mut here).await;
    assert_ne!(here.cookies["sid"], before);
    assert_eq!(here.get("/admin").await.status, StatusCode::OK);
    assert!(there.get("/admin").await.location().starts_with("/login"));
    let mut old = app.visitor();
    old.cookies.insert("sid".into(), before);
    assert!(old.get("/admin").await.location().starts_with("/login"));
}

#[apply(on_both_databases!)]
async fn without_factors_password_suffices(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    enrol(&app, &mut browser).await;
    let removed = browser.post("/admin/account/totp/removal", &[]).await;
    assert_eq!(removed.location(), "/admin/account/factors?done=totp-removed");
    assert_eq!(app.number("select count(*) from recovery_codes").await, 0, "the way back goes with the factor");
    app.through_login(&manager).await;
    let twice = browser.post("/admin/account/totp/removal", &[]).await;
    assert_eq!(twice.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn new_password_keeps_second_factor(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let token = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    let answer = app.visitor().post(&format!("/setup/{token}"), &[("password", PASSWORD)]).await;
    assert_eq!((answer.location(), answer.cookies().len()), ("/login", 0), "the link logs nobody in");
    let code = phone.code(&app, 0);
    assert_eq!(send_code(&mut half_logged_in(&app, &manager).await, &code).await.location(), "/admin");
}

#[apply(on_both_databases!)]
async fn policy_requires_second_factor_setup(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&owner).await;
    let version = browser.get("/admin/settings").await.field("version");
    let chosen = [("second_factor_required", "1"), ("version", version.as_str())];
    let saved = browser.post("/admin/policy", &chosen).await;
    assert_eq!(saved.location(), "/admin/settings?done=policy-saved");
    assert_eq!(app.audit().await[0].action, "policy.edit");
    let asked = browser.post("/admin/policy", &chosen).await;
    assert!(asked.location().starts_with("/admin/account/factors?next="), "the owner too: {}", asked.location());
    enrol(&app, &mut browser).await;
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    let stale = browser.post("/admin/policy", &[("version", "1")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);

    let viewer = app.manager("Vera", Viewer).await;
    let mut vera = app.through_login(&viewer).await;
    assert_eq!(vera.get("/admin").await.location(), "/admin/account/factors");
    enrol(&app, &mut vera).await;
    assert_eq!(vera.get("/admin").await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn required_factor_leads_back_to_the_page(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut browser = app.through_login(&manager).await;
    app.require_second_factor().await;
    let asked = browser.get("/admin/incidents/new?template=x").await;
    assert_eq!(asked.location(), "/admin/account/factors?next=%2Fadmin%2Fincidents%2Fnew%3Ftemplate%3Dx");
    let factors = browser.get(asked.location()).await;
    let next = factors.field("next");
    assert_eq!(next, "/admin/incidents/new?template=x");
    let page = browser.post("/admin/account/totp", &[("next", &next)]).await.location().to_owned();
    let enrolment = browser.get(&page).await;
    let code = App::of(&enrolment).code(&app, 0);
    let fields = [("next", enrolment.field("next")), ("code", code)];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let codes = browser.post("/admin/account/totp/confirmation", &fields).await;
    assert_eq!(codes.word("h1"), "Recovery codes", "{}", codes.text());
    assert_eq!(codes.attributes("main a.primary", "href"), ["/admin/incidents/new?template=x"]);
    let foreign = browser.get("/admin/account/factors?next=https://evil.test/").await;
    assert!(!foreign.text().contains("evil.test"), "{}", foreign.text());
}

#[apply(on_both_databases!)]
async fn form_sent_without_the_required_factor_is_kept(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut browser = app.through_login(&manager).await;
    app.require_second_factor().await;
    let asked = browser.post("/admin/incidents", &[("title", "Late"), ("body", "We look into it.")]).await;
    let next = browser.get(asked.location()).await.field("next");
    assert!(next.starts_with("/admin/pending-forms/"), "{next}");
    enrol(&app, &mut browser).await;
    let form = browser.get(&next).await;
    assert_eq!(
        (form.field("title"), form.field("body")),
        ("Late".into(), "We look into it.".into()),
        "{}",
        form.text()
    );
    assert!(app.incidents().await.is_empty());
}

#[apply(on_both_databases!)]
async fn required_last_factor_cannot_be_removed(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    enrol(&app, &mut browser).await;
    app.require_second_factor().await;
    let refused = browser.post("/admin/account/totp/removal", &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("add another before this one goes"), "{}", refused.text());
    half_logged_in(&app, &manager).await;
    app.passkey(&manager, "laptop").await;
    assert_eq!(browser.post("/admin/account/totp/removal", &[]).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn owner_removes_lost_factors(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Vera", Viewer).await;
    let mut vera = app.through_login(&manager).await;
    enrol(&app, &mut vera).await;
    let mut owner = app.logged_in(Owner).await;
    let address = format!("/admin/managers/{}", manager.id);
    assert!(owner.get(&address).await.text().contains("Authenticator app."));
    let removed = owner.post(&format!("{address}/factors/removal"), &[]).await;
    assert_eq!(removed.location(), format!("{address}?done=factors-removed"));
    assert!(vera.get("/admin").await.location().starts_with("/login"), "the sessions end");
    app.through_login(&manager).await;
    assert_eq!(app.number("select count(*) from recovery_codes").await, 0);
}
