//! One-time links: first owner, invitation and password reset.

use axum::http::StatusCode;
use candor::db::managers;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::worker::{SETUP_LINK_LIFETIME, offer_setup_link};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::support::TestDb;
use crate::support::app::{Answer, ORIGIN, PASSWORD, TestApp};

const FIRST: [(&str, &str); 3] =
    [("name", "Ines"), ("email", "ines@tidewater.example"), ("password", "gravel lantern otter")];
const NEW: [(&str, &str); 1] = [("password", "gravel lantern otter")];

fn link_path(answer: &Answer) -> String {
    let link = answer.field("link");
    link.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{link}")).to_owned()
}

/// A one-time link would skip the second factor.
#[apply(on_both_databases!)]
async fn manager_with_second_factor_cannot_be_reinvited(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let other = app.manager("Rui", Publisher).await;
    let forget = "update managers set password_hash = null where email = 'rui@example.org'";
    app.tamper(forget, forget).await;
    let path = format!("/admin/managers/{}/reset", other.id);
    assert_eq!(owner.post(&path, &[]).await.word("h1"), "Invitation link");
    app.passkey(&other, "key").await;
    let reset = owner.post(&path, &[]).await;
    assert_ne!(reset.word("h1"), "Invitation link");
    let link = reset.field("link");
    let chosen = [("password", "a sentence that nobody guesses")];
    let answer = app.visitor().post(link.strip_prefix(app.origin.as_str()).unwrap(), &chosen).await;
    assert_eq!(answer.location(), "/login", "it does not log in");
}

async fn setup_link_path(app: &TestApp) -> String {
    let link = offer_setup_link(app).await.unwrap().expect("a link");
    link.strip_prefix(ORIGIN).unwrap().to_owned()
}

async fn is_invalid_link(app: &TestApp, path: &str) -> bool {
    let (shown, sent) = (app.visitor().get(path).await, app.visitor().post(path, &FIRST).await);
    assert_eq!(shown.status, sent.status);
    shown.status == StatusCode::NOT_FOUND && shown.text().contains("This link is no longer valid")
}

#[apply(on_both_databases!)]
async fn setup_link_creates_first_owner(test: TestDb) {
    let app = TestApp::new(test).await;
    let path = setup_link_path(&app).await;
    let mut browser = app.visitor();
    let shown = browser.get(&path).await;
    assert_eq!((shown.status, shown.header("referrer-policy")), (StatusCode::OK, "no-referrer"));
    assert_eq!(shown.header("cache-control"), "no-store");
    let wrong = browser.post(&path, &[("name", "Ines"), ("email", "not one"), ("password", "short")]).await;
    assert_eq!((wrong.status, wrong.header("referrer-policy")), (StatusCode::UNPROCESSABLE_ENTITY, "no-referrer"));
    assert_eq!((wrong.field("name"), wrong.field("email")), ("Ines".into(), "not one".into()));
    assert!(!wrong.message("email").is_empty() && !wrong.message("password").is_empty());
    let answer = browser.post(&path, &FIRST).await;
    assert_eq!(answer.location(), "/admin/setup/page?done=welcome");
    let list = browser.get("/admin/managers").await;
    assert_eq!(list.status, StatusCode::OK, "logged in as an owner");
    assert!(!list.word("tbody").contains("never"), "{}", list.word("tbody"));
    let record = app.audit().await.remove(0);
    assert_eq!((record.action.as_str(), record.subject_name.as_str()), ("manager.create-first-owner", "Ines"));
}

#[apply(on_both_databases!)]
async fn welcome_names_what_the_role_may_do(test: TestDb) {
    let app = TestApp::new(test).await;
    for (name, role, words) in [
        ("Olga", Owner, "adding your components"),
        ("Paula", Publisher, "post incidents and maintenance"),
        ("Vera", Viewer, "read everything"),
    ] {
        let manager = app.manager(name, role).await;
        let path = format!("/setup/{}", app.link(LinkPurpose::Invite, Some(&manager), TimeDelta::days(3)).await);
        let mut browser = app.visitor();
        let answer = browser.post(&path, &NEW).await;
        let welcome = browser.get(answer.location()).await.word("[role=status]");
        assert!(welcome.contains(words), "{name}: {welcome}");
        assert_eq!(welcome.contains("components"), role == Owner, "{name}: {welcome}");
        let stored = managers::find(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap();
        assert_eq!(stored.last_login_at, Some(app.clock.now()), "{name} is logged in");
    }
}

#[apply(on_both_databases!)]
async fn opening_a_link_does_not_consume_it(test: TestDb) {
    let app = TestApp::new(test).await;
    let path = setup_link_path(&app).await;
    for _ in 0..3 {
        assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK);
    }
    assert_eq!(app.visitor().post(&path, &FIRST).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn a_link_works_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = format!("/setup/{}", app.link(LinkPurpose::Invite, Some(&manager), TimeDelta::days(3)).await);
    assert_eq!(app.visitor().post(&path, &NEW).await.location(), "/admin?done=welcome");
    let before = app.all_content().await;
    assert!(is_invalid_link(&app, &path).await);
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn setup_link_expires_after_30_minutes(test: TestDb) {
    let app = TestApp::new(test).await;
    assert_eq!(SETUP_LINK_LIFETIME, TimeDelta::minutes(30));
    let path = setup_link_path(&app).await;
    app.clock.advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(1));
    assert!(is_invalid_link(&app, &path).await);
    assert_eq!(managers::count(&mut app.db.read().await.unwrap()).await.unwrap(), 0);
}

#[apply(on_both_databases!)]
async fn concurrent_setups_create_one_owner(test: TestDb) {
    let app = TestApp::new(test).await;
    let path = setup_link_path(&app).await;
    let mut hurrying = JoinSet::new();
    for number in 0..20 {
        let (mut browser, path) = (app.visitor(), path.clone());
        hurrying.spawn(async move {
            let email = format!("owner{number}@tidewater.example");
            let fields = [("name", "Ines"), ("email", email.as_str()), ("password", "gravel lantern otter")];
            browser.post(&path, &fields).await.status
        });
    }
    let mut statuses = hurrying.join_all().await;
    statuses.sort_unstable();
    let mut expected = vec![StatusCode::NOT_FOUND; 19];
    expected.insert(0, StatusCode::SEE_OTHER);
    assert_eq!(statuses, expected);
    assert_eq!(managers::count(&mut app.db.read().await.unwrap()).await.unwrap(), 1);
    assert_eq!(app.counts().await.1, 1, "one audit row");
}

#[apply(on_both_databases!)]
async fn setup_link_fails_when_a_manager_exists(test: TestDb) {
    let app = TestApp::new(test).await;
    let path = setup_link_path(&app).await;
    app.manager("Ines", Owner).await;
    assert!(is_invalid_link(&app, &path).await);
    assert!(offer_setup_link(&app).await.unwrap().is_none());
    let forged = format!("/setup/{}", app.link(LinkPurpose::Setup, None, TimeDelta::days(1)).await);
    assert!(is_invalid_link(&app, &forged).await);
}

#[apply(on_both_databases!)]
async fn invitation_expires_after_three_days(test: TestDb) {
    let app = TestApp::new(test).await;
    let keeper = app.manager("Keeper", Owner).await;
    let invite = async |email: &str| {
        let mut owner = app.with_session(&keeper).await;
        let fields = [("name", "Rui"), ("email", email), ("role", "publisher")];
        let answer = owner.post("/admin/managers", &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        link_path(&answer)
    };
    let (early, late) = (invite("rui@example.org").await, invite("rosa@example.org").await);
    app.clock.advance(TimeDelta::days(3) - TimeDelta::seconds(1));
    let mut browser = app.visitor();
    assert_eq!(browser.post(&early, &NEW).await.location(), "/admin?done=welcome");
    assert_eq!(browser.get("/admin/incidents/new").await.status, StatusCode::OK, "logged in as a publisher");
    app.clock.advance(TimeDelta::seconds(1));
    assert!(is_invalid_link(&app, &late).await);
    let taken = app.with_session(&keeper).await;
    let fields = [("name", "Rui"), ("email", "RUI@example.org"), ("role", "publisher")];
    let taken = taken.clone().post("/admin/managers", &fields).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.message("email").contains("already exists"), "{}", taken.message("email"));
}

#[apply(on_both_databases!)]
async fn reset_link_expires_and_ends_older_link_and_sessions(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut owner = app.logged_in(Owner).await;
    let reset = format!("/admin/managers/{}/reset", manager.id);
    let first = link_path(&owner.post(&reset, &[]).await);
    let second = link_path(&owner.post(&reset, &[]).await);
    assert!(is_invalid_link(&app, &first).await, "an older link still works");
    let mut somewhere = app.through_login(&manager).await;
    let answer = app.visitor().post(&second, &NEW).await;
    assert_eq!((answer.location(), answer.cookies().len()), ("/login", 0), "a reset does not log in");
    assert_eq!(somewhere.get("/admin").await.status, StatusCode::SEE_OTHER);
    let old = app.visitor().post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    let third = link_path(&owner.post(&reset, &[]).await);
    app.clock.advance(TimeDelta::minutes(30));
    assert!(is_invalid_link(&app, &third).await);
}

#[apply(on_both_databases!)]
async fn a_disabled_manager_has_no_link(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut owner = app.logged_in(Owner).await;
    let reset = format!("/admin/managers/{}/reset", manager.id);
    let path = link_path(&owner.post(&reset, &[]).await);
    owner.post(&format!("/admin/managers/{}/disablement", manager.id), &[]).await;
    assert!(is_invalid_link(&app, &path).await);
    assert_eq!(owner.post(&reset, &[]).await.status, StatusCode::CONFLICT);
}

#[apply(on_both_databases!)]
async fn only_token_hash_is_stored(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = link_path(&app.logged_in(Owner).await.post(&format!("/admin/managers/{}/reset", manager.id), &[]).await);
    let token = path.strip_prefix("/setup/").unwrap();
    assert_eq!(token.len(), 43);
    assert_eq!(
        app.texts("select token_hash from one_time_links").await,
        [candor::credentials::secret_token::hash_token(token)]
    );
    assert!(!format!("{:?}", app.audit().await).contains(token), "the token is in the audit");
}

#[apply(on_both_databases!)]
async fn unknown_and_used_links_look_the_same(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Ines", Viewer).await;
    for token in ["x", &"A".repeat(43), "%2e%2e", "%00", &"x".repeat(5000)] {
        assert!(is_invalid_link(&app, &format!("/setup/{token}")).await, "{token}");
    }
}
