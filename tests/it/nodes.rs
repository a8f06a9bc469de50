//! What nodes on one database share: leases, the announcement of changes, the list of nodes, and schemas of other versions.

use std::sync::Arc;
use std::time::Duration;

use candor::db::faults::{self, Fault, FaultInjector};
use candor::db::leases::{self, Hold};
use candor::db::outbox::{self, Outcome};
use candor::db::{Db, Error, components, nodes, sessions};
use candor::domain::Role::Owner;
use candor::worker::{self, Worker};
use chrono::TimeDelta;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::app::TestApp;
use crate::support::fixtures::component;
use crate::support::{TestDb, now};

async fn hold(app: &TestApp, holder: &str) -> Hold {
    let mut tx = app.db.write().await.unwrap();
    let hold = leases::hold(&mut tx, leases::OUTBOX, holder, leases::LEASE, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    hold
}

const END_LEASE: &str = "update leases set expires_at = now() - interval '1 second'";

#[tokio::test]
async fn lease_goes_to_another_node_only_after_its_end() {
    let Some(test) = TestDb::postgres().await else { return };
    let app = TestApp::new(test).await;
    assert_eq!(hold(&app, "one").await, Hold::Held(1));
    assert_eq!(hold(&app, "one").await, Hold::Held(1), "renewing keeps the token");
    let Hold::Elsewhere(left) = hold(&app, "two").await else { panic!("it is held") };
    assert!(left > TimeDelta::seconds(20) && left <= leases::LEASE, "{left}");
    // The database's clock counts, not the node's.
    app.clock.advance(TimeDelta::hours(1));
    assert!(matches!(hold(&app, "two").await, Hold::Elsewhere(_)));
    app.tamper("", END_LEASE).await;
    assert_eq!(hold(&app, "two").await, Hold::Held(2));
    assert!(matches!(hold(&app, "one").await, Hold::Elsewhere(_)));
}

#[tokio::test]
async fn restarted_sqlite_server_takes_over_at_once() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    assert_eq!(hold(&app, "one").await, Hold::Held(1));
    assert_eq!(hold(&app, "two").await, Hold::Held(2));
}

/// Breaks the connection near the end of a sweep, as the kill of a node does.
struct KilledSweep;

impl FaultInjector for KilledSweep {
    fn inject(&self, sql: &str) -> Option<Fault> {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        sql.starts_with("delete from known_browsers").then(|| Fault { sql: None, error: Some(error.into()) })
    }
}

#[apply(on_both_databases!)]
async fn next_node_sweeps_after_a_killed_one(test: TestDb) {
    let app = TestApp::new(test).await;
    app.with_session(&app.manager("Ines", Owner).await).await;
    app.clock.advance(sessions::ENDED_RETENTION + TimeDelta::days(1));
    let leases_and_sessions = async || (app.number("select count(*) from leases").await, app.session_count().await);
    faults::scope(Arc::new(KilledSweep), Worker::default().tick(&app)).await;
    assert_eq!(leases_and_sessions().await, (0, 1), "the lease is rolled back with the work");
    Worker::default().tick(&app).await;
    assert_eq!(leases_and_sessions().await, (1, 0));
}

#[apply(on_both_databases!)]
async fn results_of_an_earlier_sender_are_ignored(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    outbox::add_reset(&mut tx, None, app.clock.now()).await.unwrap();
    let first = outbox::lease_due(&mut tx, 1, app.clock.now()).await.unwrap().remove(0);
    assert!(outbox::lease_due(&mut tx, 1, app.clock.now()).await.unwrap().is_empty(), "it is being sent");
    let second = outbox::lease_due(&mut tx, 2, app.clock.now()).await.unwrap().remove(0);
    assert_eq!((first.id.as_str(), second.attempts), (second.id.as_str(), 2));
    outbox::finish(&mut tx, &first, Outcome::Sent, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_eq!(app.number("select count(*) from outbox where done_at is not null").await, 0);
    let mut tx = app.db.write().await.unwrap();
    outbox::finish(&mut tx, &second, Outcome::Sent, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_eq!(app.number("select count(*) from outbox where done_at is not null").await, 1);
}

#[apply(on_both_databases!)]
async fn commit_of_another_process_is_announced_within_a_second(test: TestDb) {
    let app = TestApp::new(test).await;
    let other = Db::at(&app.test.url).unwrap();
    other.prepare(now()).await.unwrap();
    let (stop, following) = (CancellationToken::new(), other.clone());
    let stopping = stop.clone();
    let follows = tokio::spawn(async move { following.follow_changes(None, stopping).await });
    let mut changes = other.changes().subscribe();
    let listens = async {
        while !other.is_listening() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), listens).await.expect("it listens");
    // What it announces at its start.
    let settles = async { while timeout(Duration::from_millis(2500), changes.changed()).await.is_ok() {} };
    timeout(Duration::from_secs(30), settles).await.expect("it announces only changes");
    app.logged_in(Owner).await;
    let mut tx = app.db.write().await.unwrap();
    components::create(&mut tx, component("API"), now()).await.unwrap();
    app.test.commit(tx).await;
    timeout(Duration::from_secs(3), changes.changed()).await.expect("the change is announced");
    stop.cancel();
    follows.await.unwrap().unwrap();
    other.close().await;
}

#[tokio::test]
async fn first_server_that_accepts_writes_is_used() {
    let Some(test) = TestDb::postgres().await else { return };
    let url: url::Url = test.url.parse().unwrap();
    let socket = url.query_pairs().find(|(name, _)| name == "host");
    let Some((_, socket)) = socket else { return };
    // Nothing listens at the first port.
    let several = format!("postgres://postgres@localhost{}?host=127.0.0.1,{socket}&port=1,5432", url.path());
    for db in [Db::at(&several).unwrap(), Db::at(&several).unwrap().for_server()] {
        db.prepare(now()).await.unwrap();
        db.read().await.unwrap().revision().await.unwrap();
        db.close().await;
    }
    let nowhere = Db::at(&format!("postgres://postgres@localhost{}?host=127.0.0.1,127.0.0.1&port=1,2", url.path()));
    let nowhere = nowhere.unwrap();
    let Err(Error::Unavailable(reason)) = nowhere.read().await.map(drop) else { panic!("no server") };
    assert!(reason.contains("127.0.0.1:1") && reason.contains("127.0.0.1:2"), "{reason}");
    nowhere.close().await;
}

#[tokio::test]
async fn nodes_are_listed_and_messages_of_dead_ones_released() {
    let Some(test) = TestDb::postgres().await else { return };
    let app = TestApp::new(test).await;
    worker::nodes::record_beat(&app.state).await.unwrap();
    let listed = nodes::list(&mut app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].is_alive() && listed[0].id == **app.state.node_id());
    app.tamper("", "update nodes set seen_at = now() - interval '31 seconds'").await;
    assert!(!nodes::list(&mut app.db.read().await.unwrap()).await.unwrap()[0].is_alive());
    worker::nodes::say_goodbye(&app.state).await;
    assert!(nodes::list(&mut app.db.read().await.unwrap()).await.unwrap().is_empty());
}

const LATER: &str = "create table later (id integer); insert into _sqlx_migrations (version, description, success, \
    checksum, execution_time) values (2, 'later', true, '\\x00', 1)";

#[apply(on_both_databases!)]
async fn newer_schema_is_used_unless_it_is_above_the_floor(test: TestDb) {
    let app = TestApp::new(test).await;
    app.tamper(LATER, LATER).await;
    let older = Db::at(&app.test.url).unwrap();
    older.prepare(now()).await.unwrap();
    assert!(older.is_migrated().await.unwrap());
    components::create(&mut older.write().await.unwrap(), component("API"), now()).await.unwrap();
    older.close().await;
    let raise = "update schema_floor set version = 2";
    app.tamper(raise, raise).await;
    let older = Db::at(&app.test.url).unwrap();
    let Err(Error::Schema(reason)) = older.prepare(now()).await else { panic!("it is too old") };
    assert!(reason.to_string().contains("needs at least a program with schema 2"), "{reason}");
    older.close().await;
}
