//! PostgreSQL settings, set explicitly so that defaults of the role, the database or a pooler don't matter.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::Opening;
use super::deadlines::{ACQUIRE_TIMEOUT, bounded};
use super::link::{Limits, Link};
use super::postgres_url::parse_servers;
use super::servers::Servers;
use super::{Outage, Result, connection, schema};

const CONNECTIONS: u32 = 10;
/// Longer than the 5 s `lock_timeout` for the writers' lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(6);

/// Begins a transaction in one message. `set local` ends with the transaction, so it also works behind a pooler, which
/// may run two transactions of one connection in two sessions.
macro_rules! begin {
    ($mode:literal, $statement_timeout:literal, $then:literal) => {
        concat!(
            "begin isolation level ",
            $mode,
            "; set local statement_timeout = '",
            $statement_timeout,
            "'; set local lock_timeout = '5s'",
            "; set local idle_in_transaction_session_timeout = '30s'",
            "; set local standard_conforming_strings = on",
            "; set local timezone = 'UTC'",
            "; set local datestyle = 'ISO, MDY'",
            // To compile a statement takes longer than to run it: almost all are short.
            "; set local jit = off",
            $then
        )
    };
}

/// Of all changes.
const WRITERS_LOCK: &str = "select pg_advisory_xact_lock(1128353860)";
/// Migrating a large table takes longer.
const BEGIN_MIGRATION: &str =
    begin!("read committed", "10min", "; set local lock_timeout = '2s'; select pg_advisory_xact_lock(1128353860)");
/// A change of a table that waits for its lock holds up everybody behind it, so it gives up soon and tries again.
const MIGRATION_ATTEMPTS: u32 = 5;
const MIGRATION_PAUSE: Duration = Duration::from_secs(1);

pub(super) fn reading(limits: Limits) -> Opening {
    let begin = match limits {
        Limits::Command => begin!("repeatable read, read only", "10s", ""),
        Limits::Server => begin!("repeatable read, read only", "2900ms", ""),
    };
    Opening { begin, limit: ACQUIRE_TIMEOUT, lock: None, statement: limits.read() }
}

/// Each statement sees what earlier writers committed. Not `read write`, which would override an operator's read-only
/// setting.
pub(super) fn writing(limits: Limits) -> Opening {
    let begin = match limits {
        Limits::Command => begin!("read committed", "10s", ""),
        Limits::Server => begin!("read committed", "5900ms", ""),
    };
    // The lock is a message of its own: others may hold it for seconds, but a silent network is noticed sooner.
    Opening { begin, limit: ACQUIRE_TIMEOUT, lock: Some((WRITERS_LOCK, LOCK_TIMEOUT)), statement: limits.write() }
}

/// PostgreSQL has no statistics yet of deliveries that were just inserted. It would read and sort all of them for each
/// lease instead of reading a few in the order of an index.
pub(super) fn delivering(limits: Limits) -> Opening {
    let begin = match limits {
        Limits::Command => {
            begin!("read committed", "10s", "; set local enable_sort = off; set local enable_bitmapscan = off")
        }
        Limits::Server => {
            begin!("read committed", "5900ms", "; set local enable_sort = off; set local enable_bitmapscan = off")
        }
    };
    Opening { begin, limit: ACQUIRE_TIMEOUT, lock: None, statement: limits.write() }
}

/// Connects lazily, and only with startup parameters that PgBouncer accepts.
pub(super) fn pool(url: &str) -> Result<(PgPool, Link)> {
    let prepared = |options: PgConnectOptions| options.extra_float_digits(None).disable_statement_logging();
    let servers: Vec<_> = parse_servers(url)?.into_iter().map(prepared).collect();
    let first = servers.first().cloned().unwrap_or_default();
    let link = Link::new(Servers::new(servers));
    let trusting = link.servers.clone();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // `begin` detects dead connections.
        .test_before_acquire(false)
        .before_acquire(move |_, connection| {
            let is_trusted = trusting.trusts(connection.age);
            Box::pin(async move { Ok(is_trusted) })
        })
        .max_lifetime(Duration::from_secs(15 * 60));
    Ok((pool.connect_lazy_with(first), link))
}

/// Migrates in one transaction.
pub(super) async fn migrate(pool: &PgPool, link: &Link) -> Result<()> {
    link.prepare(pool).await?;
    for attempt in 1.. {
        let mut connection = pool.acquire().await.inspect_err(|error| link.note_refusal(error))?;
        let migrated = migrate_on(&mut connection).await;
        // The connection holds dropped prepared statements or a failed transaction.
        connection::close(connection).await;
        match migrated {
            Err(error) if attempt < MIGRATION_ATTEMPTS && Outage::from_error(&error) == Outage::Locked => {
                tracing::info!("the migration waits for a lock: {error}");
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            migrated => return migrated,
        }
    }
    unreachable!("the last attempt returns")
}

async fn migrate_on(connection: &mut PgConnection) -> Result<()> {
    let mut tx = bounded(LOCK_TIMEOUT, connection.begin_with(BEGIN_MIGRATION)).await?;
    schema::refuse_postgres_schema(&mut tx).await?;
    schema::POSTGRES.run_direct(None, &mut *tx, false).await?;
    // Behind a pooler, this session's next client prepares statements of the same names.
    sqlx::raw_sql("deallocate all").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
