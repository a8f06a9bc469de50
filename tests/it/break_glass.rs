//! Passwords that were switched off for all but one owner.

use axum::http::{HeaderMap, StatusCode};
use candor::db::{login_failures, login_policy, managers};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::domain::{Manager, Passwords};
use candor::notify::Mailer;
use chrono::TimeDelta;

use crate::cli::{candor, refused, said};
use crate::oidc::{is_in, with_provider};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::fake_oidc::Person;
use crate::support::smtp::Sink;

on_both_databases!(
    an_owner_switches_passwords_off_for_all_but_one,
    passwords_are_switched_off_only_where_there_is_another_way_in,
    only_an_owner_with_a_password_keeps_one,
    a_password_that_does_not_count_is_answered_like_a_wrong_one,
    the_keeper_of_the_password_can_not_be_lost,
    the_keeper_who_logs_in_elsewhere_stays_an_owner,
    links_for_passwords_are_for_the_keeper_alone,
    a_mail_with_a_link_is_for_the_keeper_alone,
    a_password_that_does_not_count_proves_nothing,
    the_shell_lets_passwords_count_again,
    guessing_the_current_password_meets_the_lock_of_the_login,
    a_password_is_not_set_for_an_account_that_was_changed_meanwhile,
);

async fn choose(browser: &mut Browser, keeper: &str) -> Answer {
    let version = browser.get("/admin/settings").await.field("version");
    let policy = browser.get("/admin/settings").await;
    let version =
        policy.attributes("form[action='/admin/policy'] input[name=version]", "value").pop().unwrap_or(version);
    browser.post("/admin/policy", &[("password_only_for", keeper), ("version", &version)]).await
}

async fn passwords(app: &TestApp) -> Passwords {
    login_policy::load(&mut app.db.read().await.unwrap()).await.unwrap().passwords
}

async fn log_in(app: &TestApp, manager: &Manager, password: &str) -> Answer {
    app.visitor().post("/login", &[("email", &manager.email), ("password", password)]).await
}

async fn an_owner_switches_passwords_off_for_all_but_one(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let (ines, rui) = (app.manager("Ines", Owner).await, app.manager("Rui", Owner).await);
    let mut browser = app.through_login(&rui).await;
    let settings = browser.get("/admin/settings").await;
    assert_eq!(
        settings.words("select[name=password_only_for] option"),
        ["Everybody's count", "Only Ines's (ines@example.org)", "Only Rui's (rui@example.org)"]
    );
    let done = choose(&mut browser, ines.id.as_str()).await;
    assert_eq!(done.location(), "/admin/settings?done=policy-saved", "{}", done.text());
    assert_eq!(passwords(&app).await, Passwords::OnlyFor(ines.id.clone()));
    assert_eq!(app.audit().await[0].after.as_ref().unwrap()["passwords"]["only_for"], ines.id.as_str());
    assert_eq!(log_in(&app, &rui, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.through_login(&ines).await;
    is_in(&mut app.visitor(), &issuer, &Person::named("Vera", &[])).await;
    assert_eq!(choose(&mut browser, "").await.status, StatusCode::SEE_OTHER);
    app.through_login(&rui).await;
}

async fn passwords_are_switched_off_only_where_there_is_another_way_in(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&ines).await;
    assert!(browser.get("/admin/settings").await.words("select[name=password_only_for]").is_empty());
    let refused = choose(&mut browser, ines.id.as_str()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.message("password_only_for").contains("can log in at an identity provider"), "{}", refused.text());
    assert_eq!(passwords(&app).await, Passwords::Everybody);
    // Whoever takes the provider away later can still switch them on, and leave them as they are.
    app.leave_one_password(&ines).await;
    assert_eq!(choose(&mut browser, ines.id.as_str()).await.status, StatusCode::SEE_OTHER);
    assert_eq!(choose(&mut browser, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(passwords(&app).await, Passwords::Everybody);
}

async fn only_an_owner_with_a_password_keeps_one(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let ines = app.manager("Ines", Owner).await;
    let paula = app.manager("Paula", Publisher).await;
    is_in(&mut app.visitor(), &issuer, &Person::named("Rui", &["owners"])).await;
    let mut tx = app.db.write().await.unwrap();
    let (rui, _) = managers::find_by_email(&mut tx, "rui@example.org").await.unwrap().unwrap();
    drop(tx);
    let mut browser = app.through_login(&ines).await;
    for id in [paula.id.as_str(), rui.id.as_str(), "nobody", "' or 1=1"] {
        let refused = choose(&mut browser, id).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
        assert!(refused.message("password_only_for").contains("Choose an owner"), "{id}");
    }
    assert_eq!(passwords(&app).await, Passwords::Everybody);
}

/// Status, headers and body without what differs in every answer.
fn seen(answer: &Answer, email: &str) -> (StatusCode, HeaderMap, String) {
    let policy = answer.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("none");
    let mut headers = answer.headers.clone();
    for name in ["x-request-id", "content-length"] {
        headers.remove(name);
    }
    headers.insert("content-security-policy", policy.replace(nonce, "NONCE").parse().unwrap());
    (answer.status, headers, answer.text().replace(nonce, "NONCE").replace(email, "EMAIL"))
}

async fn a_password_that_does_not_count_is_answered_like_a_wrong_one(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let keeper = app.manager("Keeper", Owner).await;
    let mut seen_of = Vec::new();
    for (name, password) in [("Right", PASSWORD), ("Wrong", "not the right one")] {
        let manager = app.manager(name, Viewer).await;
        app.leave_one_password(&keeper).await;
        seen_of.push(seen(&log_in(&app, &manager, password).await, &manager.email));
        let count = login_failures::of(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap().count;
        assert_eq!(count, 1, "{name}: it counts as a wrong one");
        assert_eq!(app.audit().await[0].action, "manager.deny-login");
    }
    seen_of.push(seen(&log_in(&app, &keeper, "not the right one").await, &keeper.email));
    let nobody = Manager { email: "nobody@example.org".into(), ..keeper };
    seen_of.push(seen(&log_in(&app, &nobody, PASSWORD).await, &nobody.email));
    for (index, other) in seen_of.iter().enumerate() {
        assert_eq!(*other, seen_of[0], "attempt {index}");
    }
}

async fn the_keeper_of_the_password_can_not_be_lost(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, rui) = (app.manager("Ines", Owner).await, app.manager("Rui", Owner).await);
    let mut browser = app.through_login(&rui).await;
    app.leave_one_password(&ines).await;
    for (action, fields) in [("role", &[("role", "publisher")][..]), ("disablement", &[])] {
        let answer = browser.post(&format!("/admin/managers/{}/{action}", ines.id), fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{action}");
        assert!(answer.message("role").contains("the owner whose password still counts"), "{}", answer.text());
    }
    // What was refused is undone once this thread rests, which it does not while it waits for the shell.
    app.db.write().await.unwrap().commit_unaudited().await.unwrap();
    let shell = refused(&candor(&app.test, &["manager", "disable", &ines.email], ""), 1);
    assert!(shell.contains("the owner whose password still counts"), "{shell}");
    let kept = managers::find(&mut app.db.read().await.unwrap(), &ines.id).await.unwrap();
    assert!(kept.role == Owner && kept.is_active());
    let same = browser.post(&format!("/admin/managers/{}/role", ines.id), &[("role", "owner")]).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "to stay an owner is no loss");
}

async fn the_keeper_who_logs_in_elsewhere_stays_an_owner(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.manager("Other", Owner).await;
    is_in(&mut app.visitor(), &issuer, &Person::named("Ines", &["owners"])).await;
    let mut tx = app.db.write().await.unwrap();
    let (mut ines, _) = managers::find_by_email(&mut tx, "ines@example.org").await.unwrap().unwrap();
    managers::set_password(&mut tx, &mut ines, "$argon2id$", None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    app.leave_one_password(&ines).await;
    is_in(&mut app.visitor(), &issuer, &Person::named("Ines", &[])).await;
    let kept = managers::find(&mut app.db.read().await.unwrap(), &ines.id).await.unwrap();
    assert_eq!(kept.role, Owner);
    assert!(app.audit().await.iter().any(|record| record.action == "manager.retain-role"));
}

async fn links_for_passwords_are_for_the_keeper_alone(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    let mut browser = app.through_login(&ines).await;
    let early = app.link(LinkPurpose::Reset, Some(&vera), TimeDelta::minutes(30)).await;
    app.leave_one_password(&ines).await;
    let link = app.visitor().get(&format!("/setup/{early}")).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND, "one that was made before is dead");
    let used = app.visitor().post(&format!("/setup/{early}"), &[("password", "gravel lantern otter")]).await;
    assert_eq!(used.status, StatusCode::NOT_FOUND);
    let reset = browser.post(&format!("/admin/managers/{}/reset", vera.id), &[]).await;
    assert_eq!(reset.status, StatusCode::CONFLICT);
    let fields = [("name", "Rui"), ("email", "rui@example.org"), ("role", "viewer")];
    let invitation = browser.post("/admin/managers", &fields).await;
    assert_eq!(invitation.status, StatusCode::CONFLICT);
    assert!(invitation.text().contains("Passwords are switched off here"), "{}", invitation.text());
    let own = browser.post(&format!("/admin/managers/{}/reset", ines.id), &[]).await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text());
}

async fn a_mail_with_a_link_is_for_the_keeper_alone(test: TestDb) {
    let sink = Sink::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN).unwrap();
    let app = TestApp::with_mailer(test, mailer).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    app.leave_one_password(&ines).await;
    let mut bodies = Vec::new();
    for manager in [&vera, &ines] {
        let answer = app.visitor().post("/forgotten", &[("email", &manager.email)]).await;
        bodies.push((answer.status, answer.location().to_owned()));
        app.courier().deliver_due().await.unwrap();
    }
    assert_eq!(bodies[0], bodies[1], "both are answered alike");
    let to: Vec<String> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, [format!("TO:<{}>", ines.email)]);
}

async fn a_password_that_does_not_count_proves_nothing(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    let mut browser = app.through_login(&vera).await;
    app.leave_one_password(&ines).await;
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

async fn the_shell_lets_passwords_count_again(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let (ines, vera) = (app.manager("Ines", Owner).await, app.manager("Vera", Viewer).await);
    app.leave_one_password(&ines).await;
    assert_eq!(log_in(&app, &vera, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = said(&candor(&app.test, &["manager", "passwords", "on"], ""));
    assert_eq!(words, "Everybody's password counts again.\n");
    assert_eq!(passwords(&app).await, Passwords::Everybody);
    assert_eq!(
        (app.audit().await[0].action.as_str(), app.audit().await[0].actor.name.as_str()),
        ("policy.edit", "shell")
    );
    app.through_login(&vera).await;
    let again = refused(&candor(&app.test, &["manager", "passwords", "on"], ""), 1);
    assert!(again.contains("counts already"), "{again}");
}

async fn guessing_the_current_password_meets_the_lock_of_the_login(test: TestDb) {
    let app = TestApp::new(test).await;
    let vera = app.manager("Vera", Viewer).await;
    let mut browser = app.with_session(&vera).await;
    let guess = [("current", "not the right one"), ("password", "gravel lantern otter")];
    for _ in 0..3 {
        let wrong = browser.post("/admin/account/password", &guess).await;
        assert!(wrong.message("current").contains("not your current password"), "{}", wrong.text());
        assert_eq!(app.audit().await[0].action, "manager.deny-reauthentication");
    }
    let right = [("current", PASSWORD), ("password", "gravel lantern otter")];
    let locked = browser.post("/admin/account/password", &right).await;
    assert_eq!(locked.status, StatusCode::UNPROCESSABLE_ENTITY, "the door is locked for a second");
    assert_eq!(log_in(&app, &vera, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY, "and so is the login");
    app.clock.advance(TimeDelta::seconds(4));
    let done = browser.post("/admin/account/password", &right).await;
    assert_eq!(done.location(), "/admin/account?done=password-set", "{}", done.text());
}

/// The current password was right, and while the new one is hashed somebody changes the account.
async fn a_password_is_not_set_for_an_account_that_was_changed_meanwhile(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.with_session(&manager).await;
    let fields = [("current", PASSWORD), ("password", "gravel lantern otter")];
    let changing = async {
        let mut tried = false;
        loop {
            let mut tx = app.db.write().await.unwrap();
            let counted = login_failures::of(&mut tx, &manager.id).await.unwrap().count > 0;
            // Counted as wrong before it is looked at, forgiven once it was right; then the new one is hashed.
            if tried && !counted {
                let email = "ines@tidewater.example".to_owned();
                managers::set_email(&mut tx, &mut manager.clone(), email, app.clock.now()).await.unwrap();
                return tx.commit_unaudited().await.unwrap();
            }
            tried |= counted;
            drop(tx);
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(browser.post("/admin/account/password", &fields), changing);
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::CONFLICT, "Not done"));
    assert!(answer.text().contains("Your account was changed in the meantime."), "{}", answer.text());
    let login = [("email", "ines@tidewater.example"), ("password", PASSWORD)];
    assert_eq!(app.visitor().post("/login", &login).await.location(), "/admin", "the old password still holds");
    assert!(!app.audit().await.iter().any(|record| record.action == "manager.set-password"));
}
