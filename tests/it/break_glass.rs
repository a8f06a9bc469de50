//! Password login switched off for everyone except one break-glass owner.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use axum::http::{HeaderMap, StatusCode};
use candor::db::faults::{self, Fault, FaultInjector};
use candor::db::{login_failures, login_policy, managers};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::domain::{Manager, PasswordPolicy};
use candor::notify::Mailer;
use chrono::TimeDelta;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::oidc::{assert_logged_in, with_provider};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::fake_oidc::Person;
use crate::support::smtp::FakeSmtpServer;

async fn set_break_glass_owner(browser: &mut Browser, keeper: &str) -> Answer {
    let version = browser.get("/admin/settings").await.field("version");
    let policy = browser.get("/admin/settings").await;
    let version =
        policy.attributes("form[action='/admin/policy'] input[name=version]", "value").pop().unwrap_or(version);
    browser.post("/admin/policy", &[("password_only_for", keeper), ("version", &version)]).await
}

async fn load_password_policy(app: &TestApp) -> PasswordPolicy {
    login_policy::load(&mut app.db.read().await.unwrap()).await.unwrap().passwords
}

async fn log_in(app: &TestApp, manager: &Manager, password: &str) -> Answer {
    app.visitor().post("/login", &[("email", &manager.email), ("password", password)]).await
}

#[apply(on_both_databases!)]
async fn owner_disables_passwords_except_break_glass(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let (ines, rui) = (app.manager("Ines", Owner).await, app.manager("Rui", Owner).await);
    let mut browser = app.through_login(&rui).await;
    let settings = browser.get("/admin/settings").await;
    assert_eq!(
        settings.words("select[name=password_only_for] option"),
        [
            "Allowed for everyone",
            "Disabled, except for Ines (ines@example.org)",
            "Disabled, except for Rui (rui@example.org)"
        ]
    );
    let answer = set_break_glass_owner(&mut browser, ines.id.as_str()).await;
    assert_eq!(answer.location(), "/admin/settings?done=policy-saved", "{}", answer.text());
    assert_eq!(load_password_policy(&app).await, PasswordPolicy::BreakGlass(ines.id.clone()));
    assert_eq!(app.audit().await[0].after.as_ref().unwrap()["passwords"]["break_glass"], ines.id.as_str());
    assert_eq!(log_in(&app, &rui, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.through_login(&ines).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Vera", &[])).await;
    assert_eq!(set_break_glass_owner(&mut browser, "").await.status, StatusCode::SEE_OTHER);
    app.through_login(&rui).await;
}

#[apply(on_both_databases!)]
async fn passwords_can_be_disabled_only_with_another_login(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&ines).await;
    assert!(browser.get("/admin/settings").await.words("select[name=password_only_for]").is_empty());
    let refused = set_break_glass_owner(&mut browser, ines.id.as_str()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.message("password_only_for").contains("only if an identity provider is configured"),
        "{}",
        refused.text()
    );
    assert_eq!(load_password_policy(&app).await, PasswordPolicy::Everyone);
    // Without a provider, the setting can still be changed or kept.
    app.set_break_glass_owner(&ines).await;
    assert_eq!(set_break_glass_owner(&mut browser, ines.id.as_str()).await.status, StatusCode::SEE_OTHER);
    assert_eq!(set_break_glass_owner(&mut browser, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(load_password_policy(&app).await, PasswordPolicy::Everyone);
}

#[apply(on_both_databases!)]
async fn break_glass_needs_owner_with_password(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let ines = app.manager("Ines", Owner).await;
    let paula = app.manager("Paula", Publisher).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Rui", &["owners"])).await;
    let mut tx = app.db.write().await.unwrap();
    let (rui, _) = managers::find_by_email(&mut tx, "rui@example.org").await.unwrap().unwrap();
    drop(tx);
    let mut browser = app.through_login(&ines).await;
    for id in [paula.id.as_str(), rui.id.as_str(), "nobody", "' or 1=1"] {
        let refused = set_break_glass_owner(&mut browser, id).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
        assert!(refused.message("password_only_for").contains("Choose an owner"), "{id}");
    }
    assert_eq!(load_password_policy(&app).await, PasswordPolicy::Everyone);
}

/// Status, headers and body without what differs in every answer.
fn comparable_answer(answer: &Answer, email: &str) -> (StatusCode, HeaderMap, String) {
    let policy = answer.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("none");
    let mut headers = answer.headers.clone();
    for name in ["x-request-id", "content-length"] {
        headers.remove(name);
    }
    headers.insert("content-security-policy", policy.replace(nonce, "NONCE").parse().unwrap());
    (answer.status, headers, answer.text().replace(nonce, "NONCE").replace(email, "EMAIL"))
}

#[apply(on_both_databases!)]
async fn disabled_password_answers_like_a_wrong_one(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let keeper = app.manager("Keeper", Owner).await;
    let mut seen_of = Vec::new();
    for (name, password) in [("Right", PASSWORD), ("Wrong", "not the right one")] {
        let manager = app.manager(name, Viewer).await;
        app.set_break_glass_owner(&keeper).await;
        seen_of.push(comparable_answer(&log_in(&app, &manager, password).await, &manager.email));
        let count = login_failures::load(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap().count;
        assert_eq!(count, 1, "{name}: it counts as a wrong one");
        assert_eq!(app.audit().await[0].action, "manager.deny-login");
    }
    seen_of.push(comparable_answer(&log_in(&app, &keeper, "not the right one").await, &keeper.email));
    let unknown = Manager { email: "nobody@example.org".into(), ..keeper };
    seen_of.push(comparable_answer(&log_in(&app, &unknown, PASSWORD).await, &unknown.email));
    for (index, other) in seen_of.iter().enumerate() {
        assert_eq!(*other, seen_of[0], "attempt {index}");
    }
}

#[apply(on_both_databases!)]
async fn break_glass_owner_cannot_be_removed(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, rui) = (app.manager("Ines", Owner).await, app.manager("Rui", Owner).await);
    let mut browser = app.through_login(&rui).await;
    app.set_break_glass_owner(&ines).await;
    for (action, fields) in [("role", &[("role", "publisher")][..]), ("disablement", &[])] {
        let answer = browser.post(&format!("/admin/managers/{}/{action}", ines.id), fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{action}");
        assert!(answer.message("role").contains("This owner keeps a password as the fallback"), "{}", answer.text());
    }
    // A rolled-back transaction ends only when this thread yields, which it does not while it waits for the shell.
    app.db.write().await.unwrap().commit_unaudited().await.unwrap();
    let shell = stderr_text(&candor(&app.test, &["manager", "disable", &ines.email], ""), 1);
    assert!(shell.contains("This owner keeps a password as the fallback"), "{shell}");
    let manager = managers::find(&mut app.db.read().await.unwrap(), &ines.id).await.unwrap();
    assert!(manager.role == Owner && manager.is_active());
    let same = browser.post(&format!("/admin/managers/{}/role", ines.id), &[("role", "owner")]).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "to stay an owner is no loss");
}

#[apply(on_both_databases!)]
async fn break_glass_owner_keeps_role_after_oidc_login(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.manager("Other", Owner).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Ines", &["owners"])).await;
    let mut tx = app.db.write().await.unwrap();
    let (mut ines, _) = managers::find_by_email(&mut tx, "ines@example.org").await.unwrap().unwrap();
    managers::set_password(&mut tx, &mut ines, "$argon2id$", None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    app.set_break_glass_owner(&ines).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Ines", &[])).await;
    let manager = managers::find(&mut app.db.read().await.unwrap(), &ines.id).await.unwrap();
    assert_eq!(manager.role, Owner);
    assert!(app.audit().await.iter().any(|record| record.action == "manager.retain-role"));
}

#[apply(on_both_databases!)]
async fn password_links_are_for_break_glass_owner_only(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    let mut browser = app.through_login(&ines).await;
    let early = app.link(LinkPurpose::Reset, Some(&vera), TimeDelta::minutes(30)).await;
    app.set_break_glass_owner(&ines).await;
    let link = app.visitor().get(&format!("/setup/{early}")).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND, "one that was made before is dead");
    let used = app.visitor().post(&format!("/setup/{early}"), &[("password", "gravel lantern otter")]).await;
    assert_eq!(used.status, StatusCode::NOT_FOUND);
    let reset = browser.post(&format!("/admin/managers/{}/reset", vera.id), &[]).await;
    assert_eq!(reset.status, StatusCode::CONFLICT);
    let fields = [("name", "Rui"), ("email", "rui@example.org"), ("role", "viewer")];
    let invitation = browser.post("/admin/managers", &fields).await;
    assert_eq!(invitation.status, StatusCode::CONFLICT);
    assert!(invitation.text().contains("Password login is disabled"), "{}", invitation.text());
    let own = browser.post(&format!("/admin/managers/{}/reset", ines.id), &[]).await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text());
}

#[apply(on_both_databases!)]
async fn reset_mail_is_for_break_glass_owner_only(test: TestDb) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mailer(test, mailer).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    app.set_break_glass_owner(&ines).await;
    let mut bodies = Vec::new();
    for manager in [&vera, &ines] {
        let answer = app.visitor().post("/forgotten", &[("email", &manager.email)]).await;
        bodies.push((answer.status, answer.location().to_owned()));
        app.mail_worker().deliver_due().await.unwrap();
    }
    assert_eq!(bodies[0], bodies[1], "both are answered alike");
    let to: Vec<String> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, [format!("TO:<{}>", ines.email)]);
}

#[apply(on_both_databases!)]
async fn disabled_password_is_no_proof(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    let mut browser = app.through_login(&vera).await;
    app.set_break_glass_owner(&ines).await;
    app.clock.advance(TimeDelta::minutes(10));
    let asked = browser.get("/admin/account/totp").await;
    assert!(asked.attributes("input[type=password]", "name").is_empty(), "it is not asked for");
    let given = browser.post("/admin/proof", &[("proof_password", PASSWORD), ("next", "/admin/account/totp")]).await;
    assert_eq!(given.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("current", PASSWORD), ("password", "gravel lantern otter")];
    let changed = browser.post("/admin/account/password", &fields).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);
    assert!(
        browser.get("/admin/account").await.attributes("form[action='/admin/account/password']", "method").is_empty()
    );
}

#[apply(on_both_databases!)]
async fn command_line_enables_passwords_again(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    app.set_break_glass_owner(&ines).await;
    assert_eq!(log_in(&app, &vera, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = stdout_text(&candor(&app.test, &["manager", "passwords", "on"], ""));
    assert_eq!(words, "Password login is enabled for everyone.\n");
    assert_eq!(load_password_policy(&app).await, PasswordPolicy::Everyone);
    assert_eq!(
        (app.audit().await[0].action.as_str(), app.audit().await[0].actor.name.as_str()),
        ("policy.edit", "shell")
    );
    app.through_login(&vera).await;
    let again = stderr_text(&candor(&app.test, &["manager", "passwords", "on"], ""), 1);
    assert!(again.contains("already enabled"), "{again}");
}

#[apply(on_both_databases!)]
async fn guessing_current_password_is_throttled_like_login(test: TestDb) {
    let app = TestApp::new(test).await;
    let vera = app.manager("Vera", Viewer).await;
    let mut browser = app.with_session(&vera).await;
    let guess = [("current", "not the right one"), ("password", "gravel lantern otter")];
    for _ in 0..3 {
        let wrong = browser.post("/admin/account/password", &guess).await;
        assert!(wrong.message("current").contains("Incorrect current password"), "{}", wrong.text());
        assert_eq!(app.audit().await[0].action, "manager.deny-reauthentication");
    }
    let right = [("current", PASSWORD), ("password", "gravel lantern otter")];
    let locked = browser.post("/admin/account/password", &right).await;
    assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY, "the door is locked for a second");
    assert_eq!(log_in(&app, &vera, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY, "and so is the login");
    app.clock.advance(TimeDelta::seconds(4));
    let answer = browser.post("/admin/account/password", &right).await;
    assert_eq!(answer.location(), "/admin/account?done=password-set", "{}", answer.text());
}

/// Changes the email of all accounts between the check of a password and the next transaction.
#[derive(Default)]
struct ChangeAfterCheck {
    is_checked: AtomicBool,
}

impl FaultInjector for ChangeAfterCheck {
    fn inject(&self, sql: &str) -> Option<Fault> {
        // An attempt counts as wrong until the password is verified.
        if sql.starts_with("delete from login_failures") {
            self.is_checked.store(true, SeqCst);
        }
        let change = "update managers set email = 'ines@tidewater.example', version = version + 1";
        let begins = sql.starts_with("begin") && self.is_checked.swap(false, SeqCst);
        begins.then_some(Fault { sql: Some(change), error: None })
    }
}

#[apply(on_both_databases!)]
async fn password_change_of_changed_account_is_rejected(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.with_session(&manager).await;
    let fields = [("current", PASSWORD), ("password", "gravel lantern otter")];
    let answer =
        faults::scope(Arc::new(ChangeAfterCheck::default()), browser.post("/admin/account/password", &fields)).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::CONFLICT, "Conflict"));
    assert!(answer.text().contains("Your account was changed in the meantime."), "{}", answer.text());
    let login = [("email", "ines@tidewater.example"), ("password", PASSWORD)];
    assert_eq!(app.visitor().post("/login", &login).await.location(), "/admin", "the old password still holds");
    assert!(!app.audit().await.iter().any(|record| record.action == "manager.set-password"));
}
