//! The clock is set forward and back: timers, durations and counters are right again at once.

use axum::http::StatusCode;
use candor::db::{login_failures, outbox, totp};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::worker::Worker;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{PASSWORD, TestApp};

/// Runs `change` while the clock is two hours ahead; then sets the clock right and runs the worker.
async fn with_clock_ahead<T>(app: &TestApp, change: impl AsyncFnOnce() -> T) -> T {
    let (mut work, right) = (Worker::default(), app.clock.now());
    work.tick(app).await;
    app.clock.set_wall(right + TimeDelta::hours(2));
    work.tick(app).await;
    let output = change().await;
    app.clock.set_wall(right);
    work.tick(app).await;
    output
}

#[apply(on_both_databases!)]
async fn clock_set_back_locks_no_account(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let attempt = async |password: &str| {
        let mut visitor = app.visitor();
        visitor.peer = Some("192.0.2.7".parse().unwrap());
        visitor.post("/login", &[("email", &manager.email), ("password", password)]).await.status
    };
    with_clock_ahead(&app, async || {
        for _ in 0..4 {
            attempt("a wrong password").await;
        }
    })
    .await;
    let failures = login_failures::load(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap();
    assert!(failures.last_at.is_some_and(|at| at <= app.clock.now()), "{failures:?}");
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(attempt(PASSWORD).await, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn session_from_the_future_expires_in_time(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = with_clock_ahead(&app, async || app.with_session(&manager).await).await;
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::hours(12) + TimeDelta::minutes(1));
    assert_eq!(browser.get("/admin").await.status, StatusCode::SEE_OTHER, "it lives for 12 hours at most");
}

#[apply(on_both_databases!)]
async fn link_from_the_future_expires_in_time(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let lifetime = TimeDelta::minutes(30);
    let token = with_clock_ahead(&app, async || app.link(LinkPurpose::Reset, Some(&manager), lifetime).await).await;
    let link = format!("/setup/{token}");
    assert_eq!(app.visitor().get(&link).await.status, StatusCode::OK);
    app.clock.advance(lifetime);
    assert_eq!(app.visitor().get(&link).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn mail_queued_in_the_future_is_sent(test: TestDb) {
    let app = TestApp::new(test).await;
    with_clock_ahead(&app, async || {
        let mut tx = app.db.write().await.unwrap();
        outbox::add_reset(&mut tx, None, app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    })
    .await;
    assert!(outbox::is_due(&mut app.db.read().await.unwrap(), app.state.node_id(), app.clock.now()).await.unwrap());
}

#[apply(on_both_databases!)]
async fn totp_step_from_the_future_blocks_no_code(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    with_clock_ahead(&app, async || {
        let (mut tx, now) = (app.db.write().await.unwrap(), app.clock.now());
        totp::store_pending(&mut tx, &manager.id, "sealed", now).await.unwrap();
        totp::accept(&mut tx, &manager.id, candor::credentials::totp::time_step(now), now).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    })
    .await;
    let stored = totp::find(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap().unwrap();
    assert_eq!(stored.last_step, Some(candor::credentials::totp::time_step(app.clock.now())));
}

#[apply(on_both_databases!)]
async fn clock_set_back_is_reflected_immediately(test: TestDb) {
    let app = TestApp::new(test).await;
    let shown = with_clock_ahead(&app, async || app.publisher.site().confirmed_at).await;
    assert_eq!(shown, app.clock.now() + TimeDelta::hours(2));
    assert_eq!(app.publisher.site().confirmed_at, app.clock.now());
    let ready = app.visitor().get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
}
