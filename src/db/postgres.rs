//! What Candor asks of PostgreSQL, and what it sets itself so that nothing depends on the defaults of the role, the
//! database or a pooler in between.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::ACQUIRE_TIMEOUT;
use super::{Result, connection, schema};

/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 10;
/// How long opening a transaction that writes may take: the writers' lock is waited for 5 s.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(8);

/// What a transaction begins with, in one message. The settings end with the transaction, so they also hold behind a
/// pooler, where two transactions of one connection may reach two sessions, and they leave no trace there.
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
            $then
        )
    };
}

/// A consistent state to read.
pub(super) const BEGIN_READ: &str = begin!("repeatable read, read only", "10s", "");
/// The only writer. Each of its statements sees what the writers before it committed. It is not `read write`: an
/// operator may have made the database read-only.
pub(super) const BEGIN_WRITE: &str = begin!("read committed", "10s", "; select pg_advisory_xact_lock(1128353860)");
/// The same, with the time that a large table needs.
const BEGIN_MIGRATION: &str = begin!("read committed", "10min", "; select pg_advisory_xact_lock(1128353860)");

/// Connects only when it is needed. Nothing is sent at the start of a session but what PgBouncer takes.
pub(super) fn pool(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("candor")
        .extra_float_digits(None)
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // `begin` finds out whether a connection still lives.
        .test_before_acquire(false)
        .max_lifetime(Duration::from_secs(15 * 60));
    Ok(pool.connect_lazy_with(options))
}

/// Brings the schema up to date in one transaction: all of it or nothing.
///
/// # Errors
/// Where the database is away, or its schema is not one of ours or newer.
pub(super) async fn migrate(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    let migrated = migrate_on(&mut connection).await;
    // It holds prepared statements that were dropped, or a transaction that failed.
    connection::close(connection).await;
    migrated
}

async fn migrate_on(connection: &mut PgConnection) -> Result<()> {
    let mut tx = connection.begin_with(BEGIN_MIGRATION).await?;
    schema::refuse_postgres_pre_release(&mut tx).await?;
    schema::POSTGRES.run_direct(None, &mut *tx, false).await?;
    // Behind a pooler this session goes to another client, who prepares statements under the same names.
    sqlx::raw_sql("deallocate all").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
