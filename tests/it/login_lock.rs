//! Brute-force protection of the login, and who is not locked out by it.

use axum::extract::FromRequestParts as _;
use axum::http::{Request, StatusCode};
use candor::db::{known_browsers, login_failures, managers};
use candor::domain::Manager;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::login_backoff::{FREE_ATTEMPTS, MAX_FAILURES};
use candor::domain::manager::LinkPurpose;
use candor::web::access::known_browser::KnownBrowser;
use candor::web::access::login_throttle::{self, VerifiedPassword};
use candor::web::edge::client_ip::ClientAddress;
use candor::worker::sweep;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::support::TestDb;
use crate::support::app::{Browser, PASSWORD, TestApp};

async fn try_login(browser: &mut Browser, manager: &Manager, password: &str) -> StatusCode {
    browser.post("/login", &[("email", &manager.email), ("password", password)]).await.status
}

const LOGGED_IN: StatusCode = StatusCode::SEE_OTHER;
const REJECTED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// Sends wrong passwords from an unknown browser, at the pace that the throttle allows.
async fn guess_password(app: &TestApp, manager: &Manager, times: i64) {
    for _ in 0..times {
        assert_eq!(try_login(&mut app.visitor(), manager, "a wrong password").await, REJECTED);
        app.clock.advance(TimeDelta::minutes(15));
    }
}

async fn failure_count(app: &TestApp, manager: &Manager) -> i64 {
    login_failures::load(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap().count
}

#[apply(on_both_databases!)]
async fn backoff_doubles_until_the_right_password(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.visitor();
    for _ in 0..=FREE_ATTEMPTS {
        assert_eq!(try_login(&mut browser, &manager, "a wrong password").await, REJECTED);
    }
    for wait in [1, 2, 4, 8, 16] {
        app.clock.advance(TimeDelta::seconds(wait) - TimeDelta::milliseconds(1));
        assert_eq!(try_login(&mut browser, &manager, PASSWORD).await, REJECTED, "{wait} seconds are not over");
        app.clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(try_login(&mut browser, &manager, "a wrong password").await, REJECTED);
    }
    app.clock.advance(TimeDelta::seconds(32));
    assert_eq!(try_login(&mut browser, &manager, PASSWORD).await, LOGGED_IN);
    assert_eq!(failure_count(&app, &manager).await, 0);
}

#[apply(on_both_databases!)]
async fn locked_account_checks_no_password(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    for _ in 0..10 {
        try_login(&mut app.visitor(), &manager, "a wrong password").await;
    }
    assert_eq!(
        failure_count(&app, &manager).await,
        FREE_ATTEMPTS + 1,
        "attempts at a locked door don't lengthen the wait"
    );
    assert_eq!(try_login(&mut app.visitor(), &manager, PASSWORD).await, REJECTED);
}

#[apply(on_both_databases!)]
async fn concurrent_guesses_count_individually(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut guesses = JoinSet::new();
    for _ in 0..25 {
        let (mut browser, manager) = (app.visitor(), manager.clone());
        guesses.spawn(async move { try_login(&mut browser, &manager, "a wrong password").await });
    }
    assert!(guesses.join_all().await.into_iter().all(|status| status == REJECTED));
    assert_eq!(failure_count(&app, &manager).await, FREE_ATTEMPTS + 1);
}

#[apply(on_both_databases!)]
async fn after_100_failures_only_a_reset_unlocks(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut tx = app.db.write().await.unwrap();
    for _ in 0..MAX_FAILURES - 1 {
        login_failures::add(&mut tx, Some(&manager.id), app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    app.clock.advance(TimeDelta::minutes(15));
    guess_password(&app, &manager, 1).await;
    app.clock.advance(TimeDelta::days(365));
    assert_eq!(try_login(&mut app.visitor(), &manager, PASSWORD).await, REJECTED);
    let token = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    app.visitor().post(&format!("/setup/{token}"), &[("password", "gravel lantern otter")]).await;
    assert_eq!(try_login(&mut app.visitor(), &manager, "gravel lantern otter").await, LOGGED_IN);
}

#[apply(on_both_databases!)]
async fn known_browser_logs_in_during_an_attack(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    browser.post("/logout", &[]).await;
    assert!(browser.cookies.contains_key("device") && !browser.cookies.contains_key("sid"));
    for _ in 0..10 {
        try_login(&mut app.visitor(), &manager, "a wrong password").await;
    }
    assert_eq!(try_login(&mut app.visitor(), &manager, PASSWORD).await, REJECTED, "a stranger's browser has to wait");
    assert_eq!(try_login(&mut browser, &manager, PASSWORD).await, LOGGED_IN);
    assert_eq!(failure_count(&app, &manager).await, FREE_ATTEMPTS + 1, "which is no comfort to those who guess");
}

#[apply(on_both_databases!)]
async fn known_browser_has_its_own_counter(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let browser = app.through_login(&manager).await;
    for _ in 0..=FREE_ATTEMPTS {
        assert_eq!(try_login(&mut browser.clone(), &manager, "a wrong password").await, REJECTED);
    }
    assert_eq!(try_login(&mut browser.clone(), &manager, PASSWORD).await, REJECTED, "it has to wait as well");
    assert_eq!(
        (failure_count(&app, &manager).await, try_login(&mut app.visitor(), &manager, PASSWORD).await),
        (0, LOGGED_IN)
    );
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(try_login(&mut browser.clone(), &manager, PASSWORD).await, LOGGED_IN);
    assert_eq!(app.number("select cast(sum(failures) as bigint) from known_browsers").await, 0);
}

#[apply(on_both_databases!)]
async fn unknown_and_known_email_write_equally(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let unknown = Manager { email: "nobody@example.org".into(), ..manager.clone() };
    let counted = async || app.number("select cast(coalesce(sum(failures), 0) as bigint) from login_failures").await;
    for tries in 1..=8 {
        for who in [&manager, &unknown] {
            assert_eq!(try_login(&mut app.visitor(), who, "a wrong password").await, REJECTED);
        }
        assert_eq!(counted().await, 2 * tries, "one row is written for every attempt, also at a locked door");
    }
    assert_eq!(app.number("select count(*) from login_failures").await, 2, "unknown addresses share one row");
}

#[apply(on_both_databases!)]
async fn new_password_forgets_known_browsers(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    let fields = [("current", PASSWORD), ("password", "gravel lantern otter")];
    assert_eq!(browser.post("/admin/account/password", &fields).await.status, LOGGED_IN);
    assert_eq!(app.number("select count(*) from known_browsers").await, 0);
}

#[apply(on_both_databases!)]
async fn known_browser_belongs_to_one_manager_by_hash(test: TestDb) {
    let app = TestApp::new(test).await;
    let (ines, rui) = (app.manager("Ines", Viewer).await, app.manager("Rui", Owner).await);
    let browser = app.through_login(&ines).await;
    let hash = candor::credentials::secret_token::hash_token(&browser.cookies["device"]);
    assert_eq!(app.texts("select token_hash from known_browsers").await.concat(), hash);
    let known =
        async |id| known_browsers::failures(&mut app.db.read().await.unwrap(), &hash, id).await.unwrap().is_some();
    assert_eq!((known(&ines.id).await, known(&rui.id).await), (true, false));
    let mut again = browser.clone();
    assert_eq!(try_login(&mut again, &ines, PASSWORD).await, LOGGED_IN);
    assert_eq!(again.cookies["device"], browser.cookies["device"], "a browser that is known stays the same");
    assert_eq!(try_login(&mut again, &rui, PASSWORD).await, LOGGED_IN);
    assert_ne!(again.cookies["device"], browser.cookies["device"]);
    for _ in 0..25 {
        app.through_login(&ines).await;
        app.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(app.number("select count(*) from known_browsers").await, 20 + 1, "twenty of Ines and one of Rui");
    assert!(!known(&ines.id).await, "the one unused for longest went first");
}

#[apply(on_both_databases!)]
async fn unused_browser_is_forgotten_after_180_days(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let browser = app.through_login(&manager).await;
    app.clock.advance(TimeDelta::days(179));
    assert_eq!(try_login(&mut browser.clone(), &manager, PASSWORD).await, LOGGED_IN);
    app.clock.advance(TimeDelta::days(179));
    sweep(&app).await.unwrap();
    assert_eq!(app.number("select count(*) from known_browsers").await, 1);
    app.clock.advance(TimeDelta::days(1));
    sweep(&app).await.unwrap();
    assert_eq!(app.number("select count(*) from known_browsers").await, 0);
}

#[apply(on_both_databases!)]
async fn known_browser_bypasses_network_limit(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut known = app.through_login(&manager).await;
    let mut stranger = app.visitor();
    for browser in [&mut known, &mut stranger] {
        browser.peer = Some([203, 0, 113, 7].into());
    }
    for _ in 0..12 {
        try_login(&mut stranger, &manager, "a wrong password").await;
    }
    assert_eq!(try_login(&mut stranger, &manager, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(try_login(&mut known, &manager, PASSWORD).await, LOGGED_IN);
}

#[apply(on_both_databases!)]
async fn login_attempts_per_network_are_limited(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let from = |address: &str| {
        let mut browser = app.visitor();
        browser.peer = Some(address.parse().unwrap());
        browser
    };
    for number in 0..10 {
        let mut browser = from(&format!("2001:db8:0:1::{number}"));
        let email = format!("nobody{number}@example.org");
        assert_eq!(browser.post("/login", &[("email", &email), ("password", "x")]).await.status, REJECTED);
    }
    let mut browser = from("2001:db8:0:1:ffff::1");
    let refused = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "7"));
    assert!(refused.text().contains("Too many attempts came from your network"), "{}", refused.text());
    assert_eq!(try_login(&mut from("2001:db8:0:2::1"), &manager, PASSWORD).await, LOGGED_IN, "others are let in");
    app.clock.advance(TimeDelta::seconds(6));
    assert_eq!(try_login(&mut browser, &manager, PASSWORD).await, LOGGED_IN);
    let mut browser = from("2001:db8:0:1:ffff::2");
    assert_eq!(try_login(&mut browser, &manager, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    let spoofed = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", "203.0.113.7")];
    let refused = browser.post_with("/login", &[("email", &manager.email), ("password", PASSWORD)], &spoofed).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "only a trusted proxy says who comes");
}

async fn verify_password(app: &TestApp, manager: &Manager) -> VerifiedPassword {
    let (mut parts, ()) = Request::new(()).into_parts();
    let Ok(device) = KnownBrowser::from_request_parts(&mut parts, &app.state).await;
    let attempt =
        login_throttle::begin_attempt(&app.state, &manager.email, ClientAddress(None), &device).await.unwrap();
    match attempt.try_password(PASSWORD.to_owned()).await.unwrap() {
        Some(proven) => proven,
        None => panic!("it is the right one"),
    }
}

#[apply(on_both_databases!)]
async fn verified_password_counts_once_committed(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    guess_password(&app, &manager, 1).await;
    let proven = verify_password(&app, &manager).await;
    assert_eq!(failure_count(&app, &manager).await, 2, "one that is being looked at counts as wrong");
    let mut tx = app.db.write().await.unwrap();
    let confirmed = proven.confirm(&mut tx).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_eq!(confirmed.map(|confirmed| confirmed.id), Some(manager.id.clone()));
    assert_eq!(failure_count(&app, &manager).await, 0);
}

#[apply(on_both_databases!)]
async fn password_replaced_during_verification_is_rejected(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut manager = app.manager("Ines", Viewer).await;
    let proven = verify_password(&app, &manager).await;
    let mut tx = app.db.write().await.unwrap();
    managers::set_password(&mut tx, &mut manager, "the hash of a new one", None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let mut tx = app.db.write().await.unwrap();
    assert!(proven.confirm(&mut tx).await.unwrap().is_none());
    let (_, hash) = managers::find_by_email(&mut tx, &manager.email).await.unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("the hash of a new one"));
}

#[apply(on_both_databases!)]
async fn manager_changed_during_verification_is_rejected(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Keeper", Owner).await;
    let mut disabled = app.manager("Disabled", Viewer).await;
    let mut promoted = app.manager("Promoted", Viewer).await;
    let tries = [verify_password(&app, &disabled).await, verify_password(&app, &promoted).await];
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut disabled, app.clock.now()).await.unwrap();
    managers::set_role(&mut tx, &mut promoted, Owner, app.clock.now()).await.unwrap();
    for proven in tries {
        assert!(proven.confirm(&mut tx).await.unwrap().is_none());
    }
}
