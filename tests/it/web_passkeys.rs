//! Passkeys: registration on the account page, and login.

use axum::http::StatusCode;
use candor::db::managers;
use candor::domain::Manager;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::worker::sweep;
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};
use crate::support::fake_authenticator::FakeAuthenticator;

pub const HERE: &str = "https://status.test";

pub async fn request_challenge(browser: &mut Browser, address: &str) -> Value {
    let answer = browser.post(address, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

async fn add_passkey(browser: &mut Browser, name: &str) -> (FakeAuthenticator, Answer) {
    let mut device = FakeAuthenticator::at(HERE);
    let options = request_challenge(browser, "/admin/account/passkeys/challenge").await;
    let credential = device.make(&options);
    let answer = browser.post("/admin/account/passkeys", &[("name", name), ("credential", &credential)]).await;
    (device, answer)
}

pub async fn with_passkey(app: &TestApp) -> (Manager, FakeAuthenticator, Browser) {
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    let (device, answer) = add_passkey(&mut browser, "Laptop").await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::OK, "Recovery codes"), "{}", answer.text());
    (manager, device, browser)
}

async fn log_in(browser: &mut Browser, credential: &str) -> Answer {
    browser.post("/login/passkey", &[("credential", credential), ("next", "/admin/incidents")]).await
}

/// The login failed with the same text for every reason.
async fn assert_rejected(browser: &mut Browser, credential: &str, why: &str) {
    let answer = log_in(browser, credential).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
    assert!(answer.word(".summary").contains("Unknown passkey"), "{why}");
    assert!(browser.get("/admin").await.location().starts_with("/login"), "{why}");
}

#[apply(on_both_databases!)]
async fn passkey_is_a_complete_login(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, mut here) = with_passkey(&app).await;
    app.clock.advance(TimeDelta::hours(1));
    for _ in 0..2 {
        let mut browser = app.visitor();
        let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
        let stranger = browser.cookies["__Host-sid"].clone();
        let answer = log_in(&mut browser, &device.sign(&options)).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/admin/incidents"),
            "{}",
            answer.text()
        );
        assert_eq!(browser.get("/admin").await.status, StatusCode::OK, "no second step");
        assert_ne!(browser.cookies["__Host-sid"], stranger, "the login has a new id");
        let record = app.audit().await.remove(0);
        assert_eq!(
            (record.action.as_str(), record.actor.manager_id),
            ("manager.login-by-passkey", Some(manager.id.clone()))
        );
        here = browser;
    }
    let list = here.get("/admin/account/factors").await;
    assert!(list.words("main li").concat().contains("used just now"), "{}", list.text());
}

#[apply(on_both_databases!)]
async fn passkey_makes_password_alone_insufficient(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let answer = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/login/factor");
    let step = browser.get("/login/factor").await;
    assert_eq!(step.attributes("form[data-passkey=use]", "action"), ["/login/passkey"]);
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_eq!(log_in(&mut browser, &device.sign(&options)).await.location(), "/admin/incidents");
}

#[apply(on_both_databases!)]
async fn challenge_works_once_and_in_its_session_only(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    let credential = device.sign(&options);
    assert_rejected(&mut app.visitor(), &credential, "without a session").await;
    let mut other = app.visitor();
    request_challenge(&mut other, "/login/passkey/challenge").await;
    assert_rejected(&mut other, &credential, "in another session").await;
    let mut copy = browser.clone();
    assert_eq!(log_in(&mut browser, &credential).await.status, StatusCode::SEE_OTHER);
    assert_rejected(&mut copy, &credential, "a second time").await;

    // A wrong answer uses up its challenge.
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_rejected(&mut browser, "{}", "no answer at all").await;
    assert_rejected(&mut browser, &device.sign(&options), "after a wrong answer").await;

    // A challenge that the server did not issue.
    let mut browser = app.visitor();
    let mut options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    options["publicKey"]["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    assert_rejected(&mut browser, &device.sign(&options), "a challenge of the client's own").await;
}

#[apply(on_both_databases!)]
async fn challenge_expires_after_five_minutes(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    app.clock.advance(TimeDelta::minutes(5));
    assert_rejected(&mut browser, &device.sign(&options), "too late").await;
}

#[apply(on_both_databases!)]
async fn passkey_is_bound_to_this_origin(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, mut inside) = with_passkey(&app).await;
    for origin in ["https://status.test.evil.example", "http://status.test", "https://status.test:8443", "null"] {
        let mut browser = app.visitor();
        let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
        device.origin = origin.into();
        assert_rejected(&mut browser, &device.sign(&options), origin).await;
        let mut other = FakeAuthenticator::at(origin);
        let options = request_challenge(&mut inside, "/admin/account/passkeys/challenge").await;
        let credential = other.make(&options);
        let fields = [("name", "Phone"), ("credential", credential.as_str())];
        let answer = inside.post("/admin/account/passkeys", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{origin}");
        assert!(answer.message("name").contains("not accepted"), "{origin}");
    }
}

#[apply(on_both_databases!)]
async fn the_user_must_be_verified(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_eq!(options["publicKey"]["userVerification"], "required");
    device.verifies = false;
    assert_rejected(&mut browser, &device.sign(&options), "whoever held the device").await;
}

#[apply(on_both_databases!)]
async fn passkey_of_disabled_manager_is_rejected(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, _) = with_passkey(&app).await;
    let mut owner = app.logged_in(Owner).await;
    let id = owner.cookies.remove("sid").unwrap();
    owner.cookies.insert("__Host-sid".into(), id);
    let disabled = owner.post(&format!("/admin/managers/{}/disablement", manager.id), &[]).await;
    assert_eq!(disabled.status, StatusCode::SEE_OTHER);
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_rejected(&mut browser, &device.sign(&options), "disabled").await;
}

#[apply(on_both_databases!)]
async fn lost_provider_role_keeps_own_logins(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, mut inside) = with_passkey(&app).await;
    app.manager("Keeper", Owner).await;
    let link = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    assert_eq!(app.visitor().get(&format!("/setup/{link}")).await.status, StatusCode::OK);
    let mut tx = app.db.write().await.unwrap();
    assert!(managers::revoke_access(&mut tx, &manager).await.unwrap());
    assert!(!managers::revoke_access(&mut tx, &manager).await.unwrap(), "there is nothing left to end");
    tx.commit_unaudited().await.unwrap();
    assert!(inside.get("/admin").await.location().starts_with("/login"), "the session is over");
    assert_ne!(app.visitor().get(&format!("/setup/{link}")).await.status, StatusCode::OK, "so is the link");
    assert_eq!(app.number("select count(*) from known_browsers").await, 0);
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_eq!(log_in(&mut browser, &device.sign(&options)).await.location(), "/admin/incidents");
}

#[apply(on_both_databases!)]
async fn removed_passkey_is_rejected(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, mut inside) = with_passkey(&app).await;
    let list = inside.get("/admin/account/factors").await;
    let removal = list.attributes("main li form", "action").remove(0);
    let mut vera = app.through_login(&app.manager("Vera", Viewer).await).await;
    assert_eq!(vera.post(&removal, &[]).await.status, StatusCode::NOT_FOUND, "it is not hers");
    let removed = inside.post(&removal, &[]).await;
    assert_eq!(removed.location(), "/admin/account/factors?done=passkey-removed");
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    assert_rejected(&mut browser, &device.sign(&options), "removed").await;
    app.through_login(&manager).await;
}

#[apply(on_both_databases!)]
async fn device_registers_one_passkey(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, _, mut inside) = with_passkey(&app).await;
    let options = request_challenge(&mut inside, "/admin/account/passkeys/challenge").await;
    assert_eq!(options["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(options["publicKey"]["authenticatorSelection"]["residentKey"], "required");
    let (_, answer) = add_passkey(&mut inside, "  ").await;
    assert!(answer.message("name").contains("Give the passkey a name"), "{}", answer.text());
    let (_, answer) = add_passkey(&mut inside, "Phone").await;
    assert_eq!(answer.location(), "/admin/account/factors?done=passkey-added", "recovery codes are there already");
}

#[apply(on_both_databases!)]
async fn own_passkey_is_a_fresh_proof(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, mut inside) = with_passkey(&app).await;
    let mut vera = app.through_login(&app.manager("Vera", Viewer).await).await;
    let (mut other, _) = add_passkey(&mut vera, "Phone").await;
    app.clock.advance(TimeDelta::minutes(10));
    let asked = inside.post("/admin/managers", &[("name", "Rui")]).await;
    assert_eq!(asked.attributes("form[data-passkey=use]", "action"), ["/admin/managers"]);
    let options = request_challenge(&mut inside, "/login/passkey/challenge").await;
    let credential = other.sign(&options);
    let refused = inside.post("/admin/managers", &[("name", "Rui"), ("proof_passkey", &credential)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "somebody else's");
    assert_eq!(refused.word("h1"), "Confirm it's you");
    let options = request_challenge(&mut inside, "/login/passkey/challenge").await;
    let credential = device.sign(&options);
    let answer = inside.post("/admin/managers", &[("name", "Rui"), ("proof_passkey", &credential)]).await;
    assert_eq!(
        (answer.status, answer.word("h1").as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "Managers"),
        "no address yet"
    );
    assert_eq!(answer.field("name"), "Rui");
}

#[apply(on_both_databases!)]
async fn without_a_name_and_tls_there_are_no_passkeys(test: TestDb) {
    let app = TestApp::at(test, "http://127.0.0.1:3000").await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    assert!(browser.get("/admin/account/factors").await.text().contains("http://localhost:3000"));
    assert_eq!(app.visitor().get("/login").await.words("form[data-passkey]").len(), 0);
    assert_eq!(browser.post("/admin/account/passkeys/challenge", &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(app.visitor().post("/login/passkey/challenge", &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(app.session_count().await, 1);
}

#[apply(on_both_databases!)]
async fn challenges_are_bounded_used_once_and_swept(test: TestDb) {
    const COUNT: &str = "select count(*) from challenges";
    let app = TestApp::at(test, HERE).await;
    let (manager, mut device, mut inside) = with_passkey(&app).await;
    assert_eq!(app.number(COUNT).await, 0, "making the passkey used it");
    let mut options = Value::Null;
    for _ in 0..3 {
        options = request_challenge(&mut inside, "/login/passkey/challenge").await;
        request_challenge(&mut inside, "/admin/account/passkeys/challenge").await;
    }
    assert_eq!(app.number(COUNT).await, 2, "one of each kind per session");
    let proof = [("proof_passkey", device.sign(&options)), ("next", "/admin".to_owned())];
    let proof: Vec<_> = proof.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(inside.post("/admin/proof", &proof).await.location(), "/admin");
    assert_eq!(app.number(COUNT).await, 0, "the new id of the session has none");
    request_challenge(&mut inside, "/login/passkey/challenge").await;
    app.clock.advance(TimeDelta::minutes(5));
    sweep(&app).await.unwrap();
    assert_eq!((app.number(COUNT).await, app.sessions(&manager).await.len()), (0, 1), "the session stays");
    request_challenge(&mut inside, "/login/passkey/challenge").await;
    inside.post("/logout", &[]).await;
    assert_eq!(app.number(COUNT).await, 0, "it ends with its session");
}

fn browser_at(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.visitor();
    browser.peer = Some(address.parse().unwrap());
    browser
}

#[apply(on_both_databases!)]
async fn anonymous_challenges_cannot_block_logins(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut early = browser_at(&app, "198.51.100.7");
    let waiting = request_challenge(&mut early, "/login/passkey/challenge").await;
    // 999 sessions from one /48, as one customer with many networks could create them.
    app.tamper(
        "insert into sessions (id_hash, manager_id, data, address, user_agent, created_at, last_seen_at)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 999)
         select substr('000000000000000000000000000000000000000000000000000000000000' || cast(1000 + i as text), -64),
           null, '{}', '2001:db8:1::/48', '', '2026-11-10T12:00:00+00:00', '2026-11-10T12:00:00+00:00' from n",
        "insert into sessions (id_hash, manager_id, data, address, user_agent, created_at, last_seen_at)
         select lpad(i::text, 64, '0'), null, '{}', '2001:db8:1::/48', '',
           '2026-11-10T12:00:00Z', '2026-11-10T12:00:00Z' from generate_series(1, 999) i",
    )
    .await;
    let strangers = "select count(*) from sessions where manager_id is null";
    assert_eq!(app.number(strangers).await, 1000);
    for number in 0..30 {
        request_challenge(&mut browser_at(&app, &format!("2001:db8:1:{number:x}::1")), "/login/passkey/challenge")
            .await;
    }
    assert_eq!(app.number(strangers).await, 1000, "for each that came the oldest of them went");
    let mut late = browser_at(&app, "203.0.113.9");
    let fresh = request_challenge(&mut late, "/login/passkey/challenge").await;
    for (browser, options) in [(&mut early, &waiting), (&mut late, &fresh)] {
        assert_eq!(log_in(browser, &device.sign(options)).await.status, StatusCode::SEE_OTHER);
    }
}
