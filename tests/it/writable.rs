//! `/readyz` is 503 with a reason whenever managers could not post.

use axum::http::StatusCode;
use candor::db::{Db, TABLES, VIEWS};
use candor::domain::{IncidentId, Visibility};
use candor::worker::{Worker, probe_if_due};
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::server::until;
use crate::support::{TestDb, fixtures};

async fn get_readiness(app: &TestApp) -> (StatusCode, Value, Value) {
    let answer = app.visitor().get("/readyz").await;
    let mut document: Value = serde_json::from_slice(&answer.body).unwrap();
    (answer.status, document["trouble"].take(), document["reason"].take())
}

async fn is_ready(app: &TestApp) -> bool {
    get_readiness(app).await == (StatusCode::OK, Value::Null, Value::Null)
}

#[apply(on_both_databases!)]
async fn missing_tables_make_readiness_fail_until_they_are_back(test: TestDb) {
    let app = TestApp::new(test).await;
    probe_if_due(&app.state).await;
    assert!(is_ready(&app).await);
    let rename = "alter table passkeys rename to elsewhere";
    app.tamper(rename, rename).await;
    app.clock.advance(TimeDelta::seconds(3));
    probe_if_due(&app.state).await;
    let sentence = "Tables are missing from the database, or may not be written.";
    assert_eq!(
        get_readiness(&app).await,
        (StatusCode::SERVICE_UNAVAILABLE, "incomplete".into(), sentence.into()),
        "within five seconds"
    );
    let back = "alter table elsewhere rename to passkeys";
    app.tamper(back, back).await;
    app.clock.advance(TimeDelta::seconds(1));
    probe_if_due(&app.state).await;
    assert!(is_ready(&app).await);
}

#[apply(on_both_databases!)]
async fn a_stuck_writer_makes_readiness_fail_until_it_ends(test: TestDb) {
    let app = TestApp::new(test).await;
    let other = Db::at(&app.test.url).unwrap();
    let stuck = other.write().await.unwrap();
    let state = app.state.clone();
    let probing = tokio::spawn(async move { probe_if_due(&state).await });
    until("it waits for the lock", || {
        app.clock.advance(TimeDelta::milliseconds(100));
        app.state.writes().failure().is_some()
    })
    .await;
    app.state.worker_heartbeat().beat();
    let (status, word, _) = get_readiness(&app).await;
    assert_eq!((status, word), (StatusCode::SERVICE_UNAVAILABLE, "locked".into()));
    drop(stuck);
    other.close().await;
    probing.await.unwrap();
    app.clock.advance(TimeDelta::seconds(3));
    probe_if_due(&app.state).await;
    app.publish().await;
    app.state.worker_heartbeat().beat();
    assert!(is_ready(&app).await, "{:?}", get_readiness(&app).await);
}

#[apply(on_both_databases!)]
async fn failing_work_of_the_worker_makes_readiness_fail(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut incident = fixtures::incident("embargoed", app.clock.now());
    incident.visibility = Visibility::Embargoed(app.clock.now() + TimeDelta::minutes(1));
    app.add(&[incident]).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let rename = "alter table incident_index rename to elsewhere";
    app.tamper(rename, rename).await;
    app.clock.advance(TimeDelta::minutes(1));
    work.tick(&app).await;
    app.clock.advance(TimeDelta::seconds(2));
    work.tick(&app).await;
    app.state.worker_heartbeat().beat();
    let (status, word, _) = get_readiness(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{word}");
    let back = "alter table elsewhere rename to incident_index";
    app.tamper(back, back).await;
    work.tick(&app).await;
    assert!(is_ready(&app).await, "{:?}", get_readiness(&app).await);
    assert_eq!(app.incident(IncidentId::parse("embargoed").unwrap().as_str()).await.visibility, Visibility::Public);
}

#[apply(on_both_databases!)]
async fn the_probe_knows_every_table_and_view(test: TestDb) {
    let app = TestApp::new(test).await;
    let sql = match &app.db {
        Db::Sqlite { .. } => {
            "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite%'"
        }
        Db::Postgres(..) => {
            "select table_name::text from information_schema.tables where table_schema = current_schema()"
        }
    };
    let mut found = app.texts(sql).await;
    found.retain(|name| name != "_sqlx_migrations");
    found.sort();
    let mut known: Vec<_> = TABLES.into_iter().chain(VIEWS).collect();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[apply(on_both_databases!)]
async fn probe_leaves_no_trace(test: TestDb) {
    let app = TestApp::new(test).await;
    let before = (app.counts().await, app.publisher.site().revision);
    for _ in 0..3 {
        app.clock.advance(TimeDelta::seconds(3));
        probe_if_due(&app.state).await;
    }
    assert!(!app.publisher.follow().await.unwrap(), "nothing new to publish");
    assert_eq!((app.counts().await, app.publisher.site().revision), before);
}

#[tokio::test]
async fn a_truncated_file_makes_readiness_fail() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    probe_if_due(&app.state).await;
    assert!(is_ready(&app).await);
    let file = app.test.url.strip_prefix("sqlite://").unwrap();
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();
    app.clock.advance(TimeDelta::seconds(3));
    probe_if_due(&app.state).await;
    let (status, word, _) = get_readiness(&app).await;
    assert_eq!((status, word), (StatusCode::SERVICE_UNAVAILABLE, "damaged".into()));
}

#[tokio::test]
async fn a_read_only_postgres_makes_readiness_fail() {
    let Some(test) = TestDb::postgres().await else { return };
    let app = TestApp::new(test).await;
    let separator = if app.test.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20default_transaction_read_only%3Don", app.test.url);
    let (state, mut visitor) = app.restart_with(Db::at(&url).unwrap());
    state.publisher.publish().await.unwrap();
    probe_if_due(&state).await;
    let answer = visitor.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("\"trouble\":\"read_only\""), "{}", answer.text());
    assert!(answer.text().contains("\"reason\":\"The database is read-only.\""), "{}", answer.text());
}

#[tokio::test]
async fn a_server_without_any_page_is_not_healthy() {
    let app = TestApp::unpublished(TestDb::sqlite().await, "http://status.test");
    assert_eq!(app.visitor().get("/healthz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    app.publish().await;
    assert_eq!(app.visitor().get("/healthz").await.status, StatusCode::OK);
}
