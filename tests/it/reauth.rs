//! Re-authentication before sensitive actions: submitted text survives it. Also the actions of the account page that
//! require it, and the owner's list of all sessions.

use axum::http::StatusCode;
use candor::db::managers;
use candor::domain::Manager;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};
use crate::support::fixtures;
use crate::web_factors::manager_with_app;

async fn after_ten_minutes(app: &TestApp, manager: &Manager) -> Browser {
    let browser = app.through_login(manager).await;
    app.clock.advance(TimeDelta::minutes(10));
    browser
}

/// Submits a re-authentication form like a browser: its hidden fields and this proof.
async fn submit_proof(browser: &mut Browser, asked: &Answer, proof: &[(&str, &str)]) -> Answer {
    let action = asked.attributes("main form", "action").remove(0);
    let names = asked.attributes("main form input[type=hidden]", "name");
    let values = asked.attributes("main form input[type=hidden]", "value");
    let mut fields: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    fields.extend(proof);
    browser.post(&action, &fields).await
}

#[apply(on_both_databases!)]
async fn reauth_after_ten_minutes_keeps_typed_text(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = after_ten_minutes(&app, &owner).await;
    let typed = [("name", "Rui \"Ñ\" <b>"), ("email", "rui@example.org"), ("role", "publisher")];
    let asked = browser.post("/admin/managers", &typed).await;
    assert_eq!((asked.status, asked.word("h1").as_str()), (StatusCode::FORBIDDEN, "Confirm it's you"));
    assert_eq!(managers::count(&mut app.db.read().await.unwrap()).await.unwrap(), 1);
    let answer = submit_proof(&mut browser, &asked, &[("proof_password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::OK, "Invitation link"), "{}", answer.text());
    let all = managers::list(&mut app.db.read().await.unwrap(), None, 100).await.unwrap();
    let rui = all.iter().find(|manager| manager.email == "rui@example.org").unwrap();
    assert_eq!((rui.name.as_str(), rui.role), ("Rui \"Ñ\" <b>", Publisher));
    assert!(app.audit().await.iter().any(|record| record.action == "manager.reauthenticate"));
}

#[apply(on_both_databases!)]
async fn reauth_rotates_session_id_and_lasts_ten_minutes(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = after_ten_minutes(&app, &owner).await;
    let before = browser.cookies["sid"].clone();
    let asked = browser.post("/admin/account/totp", &[]).await;
    let answer = submit_proof(&mut browser, &asked, &[("proof_password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/admin/account/totp");
    assert_ne!(browser.cookies["sid"], before);
    let mut old = app.visitor();
    old.cookies.insert("sid".into(), before);
    assert!(old.get("/admin").await.location().starts_with("/login"), "the old id opens nothing");
    app.clock.advance(TimeDelta::minutes(9));
    assert_eq!(browser.get("/admin/account/totp").await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(browser.get("/admin/account/totp").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK, "the rest goes on");
    assert_eq!(app.sessions(&owner).await.len(), 1);
}

#[apply(on_both_databases!)]
async fn protected_page_is_shown_after_reauth(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = after_ten_minutes(&app, &app.manager("Vera", Viewer).await).await;
    let asked = browser.get("/admin/account/passkeys/new").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let wrong = submit_proof(&mut browser, &asked, &[("proof_password", "something else")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = submit_proof(&mut browser, &wrong, &[("proof_password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/admin/account/passkeys/new");
    assert_eq!(browser.get("/admin/account/passkeys/new").await.status, StatusCode::OK);
    let elsewhere = [("next", "//evil.test"), ("proof_password", PASSWORD)];
    assert_eq!(browser.post("/admin/proof", &elsewhere).await.location(), "/admin");
}

#[apply(on_both_databases!)]
async fn fifth_wrong_proof_ends_the_session(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = after_ten_minutes(&app, &owner).await;
    let address = format!("/admin/managers/{}/role", owner.id);
    let mut asked = browser.post(&address, &[("role", "viewer")]).await;
    for round in 0..4 {
        let proof = if round % 2 == 0 { ("proof_password", "something else") } else { ("proof_code", "123456") };
        asked = submit_proof(&mut browser, &asked, &[proof]).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{round}");
        assert_eq!(asked.attributes("input[name=role]", "value"), ["viewer"], "what was typed is kept");
        assert_eq!(app.audit().await[0].action, "manager.deny-reauthentication");
    }
    assert!(asked.message("proof_password").is_empty());
    let fifth = submit_proof(&mut browser, &asked, &[("proof_password", "")]).await;
    assert_eq!(fifth.status, StatusCode::UNAUTHORIZED, "what was typed is given back");
    assert!(app.sessions(&owner).await.is_empty(), "the session is over");
    let mut again = app.through_login(&owner).await;
    assert_eq!(again.post(&address, &[("role", "owner")]).await.status, StatusCode::SEE_OTHER, "the login is a proof");
}

#[apply(on_both_databases!)]
async fn concurrent_wrong_proofs_get_five_guesses(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let browser = after_ten_minutes(&app, &owner).await;
    let mut guessing = JoinSet::new();
    for number in 0..50 {
        let (mut browser, code) = (browser.clone(), format!("{number:06}"));
        guessing.spawn(async move { browser.post("/admin/proof", &[("proof_code", &code)]).await });
    }
    let answers = guessing.join_all().await;
    let asked_again = answers.iter().filter(|answer| answer.status == StatusCode::UNPROCESSABLE_ENTITY).count();
    let ended = answers.iter().filter(|answer| answer.location().starts_with("/login")).count();
    assert_eq!(asked_again + ended, 50);
    assert!(asked_again <= 4, "{asked_again}");
    let audit = app.audit().await;
    let checked = audit.iter().filter(|row| row.action == "manager.deny-reauthentication").count();
    // Every checked proof is audited. The sixth attempt ends the session, perhaps before earlier ones are checked.
    assert!((asked_again..=5).contains(&checked), "{checked} checked, {asked_again} asked again");
    assert!(app.sessions(&owner).await.is_empty(), "the session is over");
}

#[apply(on_both_databases!)]
async fn unchecked_proof_does_not_count_as_wrong(test: TestDb) {
    let app = TestApp::new(test).await;
    let (owner, _, _) = manager_with_app(&app).await;
    // Ten wrong codes lock the app; each session stays below the number that would end it.
    for number in 0..10 {
        let code = format!("{number:06}");
        let wrong = app.with_session(&owner).await.post("/admin/proof", &[("proof_code", &code)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut browser = app.with_session(&owner).await;
    for round in 0..7 {
        let locked = browser.post("/admin/proof", &[("proof_code", "123456")]).await;
        assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY, "{round}");
        assert!(locked.message("proof_code").starts_with("Too many wrong codes."), "{round}: {}", locked.text());
    }
    // Nor does a password count that was not verified, because the network is throttled.
    let mut neighbour = app.visitor();
    let network = Some("203.0.113.5".parse().unwrap());
    (neighbour.peer, browser.peer) = (network, network);
    let unknown = [("email", "nobody@example.org"), ("password", "wrong")];
    let mut tried = 0;
    while neighbour.post("/login", &unknown).await.status != StatusCode::TOO_MANY_REQUESTS {
        tried += 1;
        assert!(tried < 100, "nobody is held up");
    }
    for round in 0..7 {
        let held_up = browser.post("/admin/proof", &[("proof_password", "wrong")]).await;
        assert_eq!(held_up.status, StatusCode::TOO_MANY_REQUESTS, "{round}");
    }
    app.clock.advance(TimeDelta::minutes(5));
    let proved = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/admin", "{} {}", proved.status, proved.text());
}

#[apply(on_both_databases!)]
async fn session_save_keeps_wrong_proof_count(test: TestDb) {
    let app = TestApp::at(test, "https://status.test").await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&owner).await;
    for _ in 0..4 {
        let (mut one, mut other) = (browser.clone(), browser.clone());
        let wrong = [("proof_code", "123456")];
        let (wrong, asked) =
            tokio::join!(one.post("/admin/proof", &wrong), other.post("/login/passkey/challenge", &[]));
        assert_eq!((wrong.status, asked.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::OK));
    }
    let fifth = browser.post("/admin/proof", &[("proof_code", "123456")]).await;
    assert_eq!(fifth.location(), "/login?next=%2Fadmin");
    assert!(app.sessions(&owner).await.is_empty());
}

#[apply(on_both_databases!)]
async fn reauth_password_is_throttled_like_login(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    for _ in 0..4 {
        let mut browser = app.with_session(&owner).await;
        let wrong = browser.post("/admin/proof", &[("proof_password", "wrong")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut browser = app.with_session(&owner).await;
    let right = [("proof_password", PASSWORD)];
    let locked = browser.post("/admin/proof", &right).await;
    assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY, "the account waits");
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(browser.post("/admin/proof", &right).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn reauth_page_never_contains_passwords(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = after_ten_minutes(&app, &app.manager("Ines", Owner).await).await;
    let secret = "never to be seen again";
    let typed = [("email", "new@example.org"), ("password", secret), ("current", secret), ("new_password", secret)];
    let asked = browser.post("/admin/account/email", &typed).await;
    assert_eq!(asked.attributes("input[name=email]", "value"), ["new@example.org"]);
    assert!(!asked.text().contains(secret));
    let wrong = submit_proof(&mut browser, &asked, &[("proof_password", secret)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.text().contains(secret));
    assert!(!format!("{:?}", app.audit().await).contains(secret));
}

#[apply(on_both_databases!)]
async fn reauth_page_escapes_typed_text(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = after_ten_minutes(&app, &app.manager("Ines", Owner).await).await;
    let nasty = "\"'></form><script>alert(1)</script>\r\n&amp;";
    let asked = browser.post("/admin/managers?x=%22%3E%3Cb%3E", &[(nasty, nasty), ("name", nasty)]).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(!asked.text().contains("<script>alert") && !asked.text().contains("\"><b>"), "{}", asked.text());
    assert_eq!(asked.attributes("input[name=name]", "value"), [nasty.replace("\r\n", "\n")]);
}

#[apply(on_both_databases!)]
async fn deleting_an_incident_needs_reauth(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut incident = fixtures::incident("it", app.clock.now());
    incident.recompute();
    app.add(std::slice::from_ref(&incident)).await;
    let mut browser = after_ten_minutes(&app, &app.manager("Paula", Publisher).await).await;
    let version = incident.version.to_string();
    let typed = [("title", incident.title.as_str()), ("version", version.as_str())];
    let asked = browser.post("/admin/incidents/it/deletion", &typed).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert_eq!(app.incidents().await.len(), 1);
    let answer = submit_proof(&mut browser, &asked, &[("proof_password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/admin/incidents?done=incident-deleted", "{}", answer.text());
    assert!(app.incidents().await.is_empty());
}

#[apply(on_both_databases!)]
async fn manager_changes_own_email(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    let token = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    let answer = browser.post("/admin/account/email", &[("email", " Figueiredo@Example.ORG ")]).await;
    assert_eq!(answer.location(), "/admin/account?done=email-set");
    let record = app.audit().await.remove(0);
    assert_eq!(record.action, "manager.set-email");
    assert_eq!(record.before.unwrap()["email"], "ines@example.org");
    assert_eq!(record.after.unwrap()["email"], "figueiredo@example.org");
    let login = |email| [("email", email), ("password", PASSWORD)];
    let old = app.visitor().post("/login", &login("ines@example.org")).await;
    let new = app.visitor().post("/login", &login("figueiredo@example.org")).await;
    assert_eq!((old.status, new.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER));
    let link = app.visitor().get(&format!("/setup/{token}")).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND, "a link for the old address is dead");
}

#[apply(on_both_databases!)]
async fn taken_email_is_rejected(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Rui", Viewer).await;
    let mut browser = app.through_login(&app.manager("Ines", Viewer).await).await;
    for (typed, message) in [("RUI@example.org", "already exists"), ("nonsense", "valid e-mail address")] {
        let answer = browser.post("/admin/account/email", &[("email", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.message("email").contains(message), "{}", answer.text());
        assert_eq!(answer.field("email"), typed, "what was typed is kept");
    }
    let own = browser.post("/admin/account/email", &[("email", "ines@example.org")]).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER, "the own address is not taken");
}

#[apply(on_both_databases!)]
async fn owner_lists_and_ends_sessions(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.through_login(&app.manager("Ines", Owner).await).await;
    let vera = app.manager("Vera", Viewer).await;
    let (mut one, mut other) = (app.through_login(&vera).await, app.through_login(&vera).await);
    let list = owner.get("/admin/sessions").await;
    let mut who = list.words("tbody th");
    who.sort();
    assert_eq!(who, ["Ines", "Vera", "Vera"]);
    assert_eq!(list.words("tbody strong"), ["Current session"]);
    let short = candor::credentials::secret_token::hash_token(&one.cookies["sid"])[..16].to_owned();
    let ended = owner.post(&format!("/admin/sessions/{short}/revocation"), &[]).await;
    assert_eq!(ended.location(), "/admin/sessions?done=session-revoked");
    assert!(one.get("/admin").await.location().starts_with("/login"));
    assert_eq!(other.get("/admin").await.status, StatusCode::OK);
    let record = app.audit().await.remove(0);
    assert_eq!((record.action.as_str(), record.subject_name.as_str()), ("manager.revoke-session", "Vera"));
    for bad in ["", "0000000000000000", &short[..1]] {
        let answer = owner.post(&format!("/admin/sessions/{bad}/revocation"), &[]).await;
        assert!(answer.status.is_client_error(), "{bad}");
    }
}

/// Only with PostgreSQL can a test take the database away between two statements; the code that counts attempts is
/// the same for both databases.
#[tokio::test]
async fn database_outage_does_not_count_as_wrong_proof() {
    let Some(test) = TestDb::postgres().await else { return };
    let app = TestApp::new(test).await;
    let mut browser = after_ten_minutes(&app, &app.manager("Ines", Owner).await).await;
    browser.cookies.remove("device");
    let never = "select 1";
    let goes_away = "create function go_away() returns trigger language plpgsql as
                     $$ begin raise exception 'shutting down' using errcode = '57P01'; end $$;
                     create trigger go_away before insert or update on login_failures
                     for each row execute function go_away()";
    app.tamper(never, goes_away).await;
    for round in 0..7 {
        let away = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
        assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{round}: {}", away.text());
    }
    app.tamper(never, "drop trigger go_away on login_failures").await;
    let proved = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/admin", "{} {}", proved.status, proved.text());
}
