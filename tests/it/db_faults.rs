//! Every statement of posting an update fails in every way, and every await is cancelled: no partial write remains, the
//! answer matches the outcome, and the next write works.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::http::StatusCode;
use candor::db::faults::{self, Fault, FaultInjector};
use candor::db::{Db, Error, audit_chain, components};
use candor::domain::Role::Publisher;
use chrono::TimeDelta;
use sqlx::error::{DatabaseError, ErrorKind};

use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures::{actor, component, entry, incident};
use crate::support::{TestDb, now};

type FaultKind = fn(&str) -> Fault;

/// Fails statement `at`, or every statement from there on.
struct InjectedFault {
    at: usize,
    onwards: bool,
    only: Option<&'static str>,
    way: FaultKind,
    seen: AtomicUsize,
    struck: Mutex<Option<String>>,
}

impl InjectedFault {
    fn at(at: usize, only: Option<&'static str>, way: FaultKind) -> Arc<Self> {
        let (seen, struck) = (AtomicUsize::new(0), Mutex::new(None));
        Arc::new(Self { at, onwards: false, only, way, seen, struck })
    }

    fn from_commit_on(way: FaultKind) -> Arc<Self> {
        let (seen, struck) = (AtomicUsize::new(0), Mutex::new(None));
        Arc::new(Self { at: 0, onwards: true, only: Some("commit"), way, seen, struck })
    }

    fn struck(&self) -> Option<String> {
        self.struck.lock().unwrap().clone()
    }
}

impl FaultInjector for InjectedFault {
    fn inject(&self, sql: &str) -> Option<Fault> {
        let begun = self.onwards && self.struck().is_some();
        if sql == "rollback" || (!begun && self.only.is_some_and(|only| only != sql)) {
            return None;
        }
        let number = self.seen.fetch_add(1, SeqCst);
        if number != self.at && !begun {
            return None;
        }
        self.struck.lock().unwrap().get_or_insert_with(|| sql.to_owned());
        Some((self.way)(sql))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("(code: {0}) fault injection")]
struct Code(&'static str);

impl DatabaseError for Code {
    fn message(&self) -> &str {
        "fault injection"
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// SQLite returns `code` and keeps the transaction open.
fn sqlite_error(code: &'static str) -> Fault {
    Fault { sql: None, error: Some(sqlx::Error::Database(Box::new(Code(code)))) }
}

/// SQLite returns `code` and has rolled the transaction back.
fn sqlite_rollback(sql: &str, number: &'static str) -> Fault {
    let is_begin = sql.starts_with("begin");
    Fault { sql: (!is_begin).then_some("rollback"), ..sqlite_error(number) }
}

/// PostgreSQL fails with the error that `sql` raises.
fn postgres_error(sql: &'static str) -> Fault {
    Fault { sql: Some(sql), error: None }
}

fn connection_lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
}

const SQLITE: [(&str, FaultKind); 9] = [
    ("BUSY", |_| sqlite_error("5")),
    ("LOCKED", |_| sqlite_error("6")),
    ("NOMEM", |sql| sqlite_rollback(sql, "7")),
    ("READONLY", |_| sqlite_error("8")),
    ("IOERR", |sql| sqlite_rollback(sql, "778")),
    ("IOERR, transaction still open", |_| sqlite_error("1034")),
    ("CORRUPT", |_| sqlite_error("11")),
    ("FULL", |sql| sqlite_rollback(sql, "13")),
    ("lost", |_| Fault { sql: None, error: Some(sqlx::Error::WorkerCrashed) }),
];

const POSTGRES: [(&str, FaultKind); 9] = [
    ("disk full", |_| postgres_error("do $$begin raise exception using errcode = '53100'; end$$")),
    ("out of memory", |_| postgres_error("do $$begin raise exception using errcode = '53200'; end$$")),
    ("I/O error", |_| postgres_error("do $$begin raise exception using errcode = '58030'; end$$")),
    ("lock not available", |_| postgres_error("do $$begin raise exception using errcode = '55P03'; end$$")),
    ("serialization", |_| postgres_error("do $$begin raise exception using errcode = '40001'; end$$")),
    ("read-only", |_| postgres_error("do $$begin raise exception using errcode = '25006'; end$$")),
    ("damaged data", |_| postgres_error("do $$begin raise exception using errcode = 'XX001'; end$$")),
    ("terminated", |_| postgres_error("select pg_terminate_backend(pg_backend_pid())")),
    ("cut", |_| Fault { sql: None, error: Some(connection_lost()) }),
];

/// Must agree: revision, audit rows, updates, and the version of the incident.
type Written = (i64, i64, i64, i64);

struct Writer {
    app: TestApp,
    publisher: Browser,
}

impl Writer {
    async fn new(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        app.add(&[incident("a", now())]).await;
        let publisher = app.logged_in(Publisher).await;
        Self { app, publisher }
    }

    async fn written(&self) -> Written {
        // Waits for any transaction that is still ending.
        drop(self.app.db.write().await.expect("a transaction that writes"));
        let mut numbers = Vec::new();
        for sql in [
            "select number from revision",
            "select count(*) from audit_log",
            "select count(*) from incident_updates",
            "select version from incidents",
        ] {
            numbers.push(self.app.number(sql).await);
        }
        (numbers[0], numbers[1], numbers[2], numbers[3])
    }

    async fn post(&mut self) -> Answer {
        let version = self.app.number("select version from incidents").await.to_string();
        let fields = [("version", version.as_str()), ("phase", "identified"), ("body", "It is the disk.")];
        self.publisher.post("/admin/incidents/a/updates", &fields).await
    }

    async fn write(&self) -> Result<(), Error> {
        let tx = self.app.db.write().await?;
        tx.commit(&actor(), now(), entry()).await.map(drop)
    }
}

fn after_one_post(before: Written) -> Written {
    (before.0 + 1, before.1 + 1, before.2 + 1, before.3 + 1)
}

/// Posts with a fault at each statement in turn, until there are no more statements or, unless `publishes`, until the
/// change is committed and only publishing remains.
async fn every_statement(poster: &mut Writer, what: &str, way: FaultKind, publishes: bool) {
    let (mut number, mut commits) = (0, 0);
    loop {
        // A session may send only so many forms a minute.
        poster.app.clock.advance(TimeDelta::seconds(1));
        let before = poster.written().await;
        let strike = InjectedFault::at(number, None, way);
        let answer = faults::scope(strike.clone(), poster.post()).await;
        let after = poster.written().await;
        let context = format!("{what} at statement {number}: {:?}", strike.struck());
        let is_written = after == after_one_post(before);
        assert!(is_written || after == before, "{context}: half-written, {before:?} {after:?}");
        assert_eq!(answer.status == StatusCode::SEE_OTHER, is_written, "{context}: {}", answer.text());
        if answer.status != StatusCode::SEE_OTHER {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{context}: {}", answer.text());
        }
        poster.write().await.unwrap_or_else(|error| panic!("{context}: the next write: {error}"));
        if strike.struck().is_none() {
            assert!(is_written && number > 15, "{context}");
            return;
        }
        let struck = strike.struck().unwrap_or_default();
        commits += usize::from(struck == "commit");
        if !publishes && commits > 0 && number > 15 && is_written && !struck.starts_with("begin") {
            return;
        }
        // Publishing after the commit only reads, with over a hundred statements: testing every fourth is enough.
        let is_committed = is_written && commits > 0 && !struck.starts_with("begin");
        number += if is_committed { 4 } else { 1 };
    }
}

#[tokio::test]
async fn every_statement_fails_in_every_way_on_sqlite() {
    for (index, (what, way)) in SQLITE.into_iter().enumerate() {
        every_statement(&mut Writer::new(TestDb::sqlite().await).await, what, way, index == 0).await;
    }
}

#[tokio::test]
async fn every_statement_fails_in_every_way_on_postgres() {
    for (index, (what, way)) in POSTGRES.into_iter().enumerate() {
        let Some(test) = TestDb::postgres().await else { return };
        every_statement(&mut Writer::new(test).await, what, way, index == 0).await;
    }
}

/// The output of `future`, or none if it is still pending after `limit` polls and is dropped.
async fn poll_limited<F: Future>(future: F, limit: usize) -> Option<F::Output> {
    let (mut future, mut polls) = (pin!(future), 0);
    std::future::poll_fn(|context| {
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls > limit => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[apply(on_both_databases!)]
async fn a_dropped_post_writes_all_or_nothing(test: TestDb) {
    let mut poster = Writer::new(test).await;
    for limit in 0.. {
        // A session may send only so many forms a minute.
        poster.app.clock.advance(TimeDelta::seconds(1));
        let before = poster.written().await;
        let answer = poll_limited(poster.post(), limit).await;
        let after = poster.written().await;
        let is_written = after == after_one_post(before);
        assert!(is_written || after == before, "{limit} polls: half-written, {before:?} {after:?}");
        poster.write().await.unwrap_or_else(|error| panic!("{limit} polls: the next write: {error}"));
        if let Some(answer) = answer {
            assert!(is_written && answer.status == StatusCode::SEE_OTHER && limit > 2, "{limit}: {}", answer.text());
            break;
        }
    }
}

#[apply(on_both_databases!)]
async fn a_dropped_search_leaves_no_transaction_open(test: TestDb) {
    let poster = Writer::new(test).await;
    for limit in 0.. {
        // A new search each time, so that none comes from the cache.
        let address = format!("/history?q=word{limit}");
        let answer = poll_limited(async { poster.app.visitor().get(&address).await }, limit).await;
        poster.write().await.unwrap_or_else(|error| panic!("{limit} polls: the next write: {error}"));
        if let Some(answer) = answer {
            assert_eq!(answer.status, StatusCode::OK);
            assert!(limit > 0, "{limit}");
            break;
        }
    }
    // As many as there are connections: none has a transaction left open.
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(poster.app.db.read().await.expect("a transaction that reads"));
    }
    let revision = readers[0].revision().await.unwrap();
    for reader in &mut readers {
        assert_eq!(reader.revision().await.unwrap(), revision);
    }
}

fn commit_then_disconnect(sql: &str) -> Fault {
    Fault { sql: (sql == "commit").then_some("commit"), error: Some(connection_lost()) }
}

#[apply(on_both_databases!)]
async fn commit_with_unknown_outcome_is_checked(test: TestDb) {
    let mut poster = Writer::new(test).await;
    for number in 0.. {
        let before = poster.written().await;
        let strike = InjectedFault::at(number, Some("commit"), commit_then_disconnect);
        let answer = faults::scope(strike.clone(), poster.post()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "commit {number}: {}", answer.text());
        assert_eq!(poster.written().await, after_one_post(before));
        if strike.struck().is_none() {
            assert!(number > 0);
            return;
        }
    }
}

#[apply(on_both_databases!)]
async fn unknown_commit_outcome_is_reported(test: TestDb) {
    let mut poster = Writer::new(test).await;
    let before = poster.written().await;
    let answer = faults::scope(InjectedFault::from_commit_on(commit_then_disconnect), poster.post()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("Your change may have been saved"), "{}", answer.text());
    assert_eq!(poster.written().await, after_one_post(before));
    poster.write().await.unwrap();
}

#[apply(on_both_databases!)]
async fn a_failed_transaction_refuses_further_statements(test: TestDb) {
    // After `begin`, and on PostgreSQL after the lock.
    let (at, way): (usize, FaultKind) = match &test.db {
        Db::Sqlite { .. } => (1, |sql| sqlite_rollback(sql, "13")),
        Db::Postgres(..) => (2, |_| postgres_error("select 1 / 0")),
    };
    let strike = InjectedFault::at(at, None, way);
    let mut tx = faults::scope(strike.clone(), test.write()).await.unwrap();
    assert!(components::create(&mut tx, component("API"), now()).await.is_err());
    assert!(strike.struck().is_some());
    // Without a transaction, SQLite would commit each statement.
    assert!(components::create(&mut tx, component("DNS"), now()).await.is_err());
    assert!(tx.commit(&actor(), now(), entry()).await.is_err());
    let mut tx = test.read().await.unwrap();
    assert!(components::list(&mut tx).await.unwrap().is_empty());
    assert!(audit_chain::head(&mut tx).await.unwrap().is_none());
}

/// SQLite rolls the transaction back.
#[tokio::test]
async fn full_sqlite_database_recovers_with_space() {
    let mut poster = Writer::new(TestDb::sqlite().await).await;
    let before = poster.written().await;
    let Db::Sqlite { writer, .. } = &poster.app.db else { unreachable!() };
    let mut connection = writer.acquire().await.unwrap();
    let (pages,): (i64,) = sqlx::query_as("pragma page_count").fetch_one(&mut *connection).await.unwrap();
    let limit = format!("pragma max_page_count = {pages}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&mut *connection).await.unwrap();
    drop(connection);
    let version = poster.app.number("select version from incidents").await.to_string();
    let text = "It is the disk. ".repeat(1_000);
    let fields = [("version", version.as_str()), ("phase", "identified"), ("body", text.as_str())];
    let refused = poster.publisher.post("/admin/incidents/a/updates", &fields).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text());
    assert_eq!(poster.written().await, before);
    // The limit belongs to the old connection; a new one has none.
    assert_eq!(poster.post().await.status, StatusCode::SEE_OTHER);
    assert_eq!(poster.written().await, after_one_post(before));
}
