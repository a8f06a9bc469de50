//! How many password hashes are computed, by count instead of time. The queue and the count are global to the process,
//! so these tests have their own process and run one at a time.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
#[path = "it/support/mod.rs"]
mod support;

use std::time::Duration;

use axum::http::StatusCode;
use candor::credentials::password;
use candor::db::managers;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::notify::Mailer;
use chrono::TimeDelta;

use support::TestDb;
use support::app::{ORIGIN, PASSWORD, TestApp};
use support::fixtures;

static TEST_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[apply(on_both_databases!)]
async fn full_hashing_queue_rejects_immediately_and_pages_work(test: TestDb) {
    let _turn = TEST_LOCK.lock().await;
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut known = app.through_login(&manager).await;
    let link = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    let right = [("email", manager.email.as_str()), ("password", PASSWORD)];
    let waiting: Vec<password::QueueSlot> = std::iter::from_fn(|| app.passwords().slot().ok()).collect();
    assert!(waiting.len() > 50, "{}", waiting.len());
    let (before, rows) = (password::hash_count(), app.audit().await.len());
    let link = format!("/setup/{link}");
    for (address, fields) in [("/login", &right[..]), (&link, &[("password", "gravel lantern otter")][..])] {
        let mut stranger = app.visitor();
        let answered = tokio::time::timeout(Duration::from_secs(5), stranger.post(address, fields)).await;
        let answer = answered.expect("at once: nobody's turn comes");
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"), "{address}");
        assert!(answer.cookies().is_empty() && answer.text().contains("<h1"), "a page says so");
    }
    for address in ["/", "/history", "/api/v2/status.json", "/healthz", "/login"] {
        assert_eq!(app.visitor().get(address).await.status, StatusCode::OK, "{address}");
    }
    assert_eq!(known.get("/admin").await.status, StatusCode::OK, "who is in goes on working");
    assert_eq!(password::hash_count(), before, "nothing was hashed");
    assert_eq!(app.audit().await.len(), rows, "a flood fills no audit");
    known.cookies.remove("sid");
    assert_eq!(known.post("/login", &right).await.location(), "/admin", "a known browser has places of its own");
    drop(waiting);
    assert_eq!(app.visitor().post("/login", &right).await.location(), "/admin");
    assert_eq!(app.visitor().get(&link).await.status, StatusCode::OK, "the link was not used up");
}

#[apply(on_both_databases!)]
async fn known_and_unknown_accounts_cost_the_same_hashing(test: TestDb) {
    let _turn = TEST_LOCK.lock().await;
    let mailer = Mailer::new("smtp://127.0.0.1:9", "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mailer(test, mailer).await;
    let keeper = app.manager("Keeper", Owner).await;
    for name in ["Known", "Locked"] {
        app.manager(name, Viewer).await;
    }
    let mut disabled = app.manager("Disabled", Viewer).await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut disabled, app.clock.now()).await.unwrap();
    managers::create(&mut tx, fixtures::manager("Invited", Viewer), None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let everybody = ["Unknown", "Known", "Disabled", "Invited", "Locked"];
    let log_in = async |name: &str, password: &str| {
        let email = format!("{}@example.org", name.to_lowercase());
        let before = password::hash_count();
        let answer = app.visitor().post("/login", &[("email", &email), ("password", password)]).await;
        (answer.status, password::hash_count() - before)
    };
    // The dummy hash is computed once, at the first login with an unknown address.
    log_in("Unknown", "x").await;
    for _ in 0..3 {
        log_in("Locked", "a wrong password").await;
    }
    let once = (StatusCode::UNPROCESSABLE_ENTITY, 1);
    for password in ["a wrong password", "", &"x".repeat(2000)] {
        for name in everybody {
            assert_eq!(log_in(name, password).await, once, "{name} with {} bytes", password.len());
        }
    }
    for name in ["Disabled", "Locked"] {
        assert_eq!(log_in(name, PASSWORD).await, once, "{name} with the right password");
    }
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(log_in("Known", PASSWORD).await, (StatusCode::SEE_OTHER, 1), "the right one costs the same");
    app.set_break_glass_owner(&keeper).await;
    assert_eq!(log_in("Known", PASSWORD).await, once, "one that does not count costs the same");
    for name in everybody {
        let before = password::hash_count();
        let asked = app.visitor().post("/forgotten", &[("email", &format!("{name}@example.org"))]).await;
        assert_eq!((asked.location(), password::hash_count() - before), ("/forgotten?sent", 0), "{name}");
    }
}

#[apply(on_both_databases!)]
async fn queue_overflow_does_not_count_as_wrong_proof(test: TestDb) {
    let _turn = TEST_LOCK.lock().await;
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.with_session(&manager).await;
    let waiting: Vec<password::QueueSlot> = std::iter::from_fn(|| app.passwords().slot().ok()).collect();
    for round in 0..7 {
        let busy = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
        assert_eq!((busy.status, busy.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"), "{round}");
    }
    drop(waiting);
    let proved = browser.post("/admin/proof", &[("proof_password", PASSWORD)]).await;
    assert_eq!(proved.location(), "/admin", "{} {}", proved.status, proved.text());
}
