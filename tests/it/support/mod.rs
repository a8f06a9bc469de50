//! The database and the fixed clock of each test.

#[allow(dead_code, reason = "only the walks over every route need it")]
pub mod actors;
#[allow(dead_code, reason = "only the tests of the management API need it")]
pub mod api_client;
#[allow(dead_code, reason = "only the tests through the router need it")]
pub mod app;
#[allow(dead_code, reason = "only the tests of mail need it")]
pub mod dns;
#[allow(dead_code, reason = "only the tests of deliveries need it")]
pub mod endpoint;
#[allow(dead_code, reason = "not every test binary has a database that fails")]
pub mod failure;
#[allow(dead_code, reason = "only the tests of passkeys need it")]
pub mod fake_authenticator;
#[allow(dead_code, reason = "only the tests of the identity provider need it")]
pub mod fake_oidc;
#[allow(dead_code, reason = "only the tests of imports need it")]
pub mod fake_statuspage;
#[allow(dead_code, reason = "not every test binary needs all of them")]
pub mod fixtures;
#[allow(dead_code, reason = "only the tests through the router need it")]
pub mod html;
#[allow(dead_code, reason = "only the tests of nasty texts need it")]
pub mod html_allowlist;
#[allow(dead_code, reason = "only the tests of ACME need it")]
pub mod pebble;
pub mod postgres;
#[allow(dead_code, reason = "only the tests of HTTP/2 need it")]
pub mod raw_http2;
#[allow(dead_code, reason = "only the tests over a socket need it")]
pub mod server;
#[allow(dead_code, reason = "only the tests of mail need it")]
pub mod smtp;
#[allow(dead_code, reason = "only the tests of subscribers need it")]
pub mod subscribers;
#[allow(dead_code, reason = "only the tests of TLS need it")]
pub mod tls;
#[allow(dead_code, reason = "not every test binary runs tools")]
pub mod tools;

use std::ops::Deref;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use candor::clock::Clock;
use candor::db::{self, Db, WriteTx};
use candor::domain::Incident;
use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, TimeZone as _, Utc};
use tempfile::TempDir;

/// Makes two tests of an `async fn NAME(TestDb)`: `NAME::sqlite` and `NAME::postgres`.
#[allow(unused_macros, reason = "the tests of migrations treat the two databases differently")]
macro_rules! on_both_databases {
    ($(#[$attribute:meta])* async fn $name:ident($($argument:tt)*) $body:block) => {
        $(#[$attribute])*
        async fn $name($($argument)*) $body

        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let test = super::$name($crate::support::TestDb::sqlite().await);
                $crate::support::fail_if_hung(Box::pin(test)).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(db) = $crate::support::TestDb::postgres().await {
                    $crate::support::fail_if_hung(Box::pin(super::$name(db))).await;
                }
            }
        }
    };
}

/// Panics if `test` waits for what never happens, so that the other tests still run and the output names this one.
/// `test` is boxed because the futures of large tests, moved by value, overflow the stack of a test's thread (2 MiB).
#[allow(dead_code, reason = "the tests of migrations treat the two databases differently")]
pub async fn fail_if_hung(test: Pin<Box<impl Future<Output = ()>>>) {
    tokio::time::timeout(HUNG_AFTER, test).await.expect("a test that ends");
}

/// Several times longer than the slowest test takes on a slow machine.
const HUNG_AFTER: Duration = Duration::from_secs(15 * 60);

/// A migrated, empty database, deleted when dropped.
#[allow(dead_code, reason = "not every test binary moves the clock or asks for the address")]
pub struct TestDb {
    pub db: Db,
    /// Fixed at [`now`] until the test moves it.
    pub clock: Clock,
    /// The database address for the command line.
    pub url: String,
    // Held for its `drop`.
    _home: Home,
}

enum Home {
    Sqlite {
        folder: TempDir,
    },
    Postgres {
        database: postgres::Database,
    },
    #[allow(dead_code, reason = "only one test needs it")]
    Elsewhere,
}

impl Drop for Home {
    fn drop(&mut self) {
        match self {
            Self::Sqlite { folder } => failure::copy_sqlite(folder.path()),
            Self::Postgres { database } => database.dump_if_failing(),
            Self::Elsewhere => {}
        }
    }
}

impl TestDb {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("candor.db").display());
        let test = Self::over(url, Home::Sqlite { folder });
        test.db.prepare(now()).await.expect("migrations");
        test
    }

    /// None, with a message, if this machine has no PostgreSQL.
    pub async fn postgres() -> Option<Self> {
        let database = postgres::Database::migrated().await?;
        Some(Self::over(database.url.clone(), Home::Postgres { database }))
    }

    #[allow(dead_code, reason = "only one test needs it")]
    pub fn on(cluster: &postgres::Cluster) -> Self {
        Self::at(cluster.url.clone())
    }

    /// The caller owns the database: it is not deleted.
    #[allow(dead_code, reason = "only one test needs it")]
    pub fn at(url: String) -> Self {
        Self::over(url, Home::Elsewhere)
    }

    fn over(url: String, home: Home) -> Self {
        let db = Db::at(&url).expect("a database address");
        Self { db, clock: Clock::fixed(now()), url, _home: home }
    }
}

#[allow(dead_code, reason = "only some test binaries write")]
impl TestDb {
    /// Sets the clock to [`noon`], for a test with dates in its expectations.
    pub fn at_noon(self) -> Self {
        self.clock.set_wall(noon());
        self
    }

    /// Commits `tx` with an audit row of a test, and returns the new revision.
    pub async fn commit(&self, tx: WriteTx) -> i64 {
        tx.commit(&fixtures::actor(), self.clock.now(), fixtures::entry()).await.expect("a commit")
    }

    pub async fn insert(&self, incidents: &[Incident]) {
        let mut tx = self.write().await.expect("a transaction");
        for incident in incidents {
            db::incidents::insert(&mut tx, incident).await.expect("an incident");
        }
        self.commit(tx).await;
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

/// The time at which tests start, with microseconds: CANDOR_TEST_NOW, or a Tuesday noon.
pub fn now() -> DateTime<Utc> {
    let setting = std::env::var("CANDOR_TEST_NOW").ok();
    let start = setting.map(|at| at.parse::<DateTime<Utc>>().expect("CANDOR_TEST_NOW, like 2032-02-29T12:00:00Z"));
    start.map_or_else(noon, |start| start + MICROSECONDS)
}

/// The start of tests with dates in their expectations: a Tuesday noon.
#[allow(dead_code, reason = "not every test binary has dates in its expectations")]
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 10, 12, 0, 0).unwrap() + MICROSECONDS
}

/// Noon, `days` after the day of [`now`]: a few hours from then don't cross midnight.
#[allow(dead_code, reason = "not every test binary plans days ahead")]
pub fn noon_in(days: i64) -> DateTime<Utc> {
    (now().date_naive() + TimeDelta::days(days)).and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12)
}

/// A day as pages write it: with the year unless it is the year of [`now`].
#[allow(dead_code, reason = "not every test binary reads pages")]
pub fn day_name(at: DateTime<Utc>) -> String {
    at.format(if at.year() == now().year() { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

const MICROSECONDS: TimeDelta = TimeDelta::microseconds(123_456);

/// The folder of recorded documents, which is not in the repository; none, with a message, if it is missing.
#[allow(dead_code, reason = "not every test binary reads recorded documents")]
pub fn fixtures() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures");
    let folder = std::env::var_os("CANDOR_FIXTURES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        skipped(&format!("no recorded documents in {}", folder.display()));
        return None;
    }
    Some(folder)
}

/// Prints why a test is skipped. The test runner would capture `eprintln!`.
pub fn skipped(reason: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}
