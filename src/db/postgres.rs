//! PostgreSQL settings, set explicitly so that defaults of the role, the database or a pooler don't matter.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::connection::ACQUIRE_TIMEOUT;
use super::{Result, connection, schema};

const CONNECTIONS: u32 = 10;
/// Longer than the 5 s `lock_timeout` for the writers' lock.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(8);

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
            $then
        )
    };
}

pub(super) const BEGIN_READ: &str = begin!("repeatable read, read only", "10s", "");
/// Each statement sees what earlier writers committed. Not `read write`, which would override an operator's read-only
/// setting.
pub(super) const BEGIN_WRITE: &str = begin!("read committed", "10s", "; select pg_advisory_xact_lock(1128353860)");
pub(super) const BEGIN_DELIVERY: &str = begin!("read committed", "10s", "");
/// Migrating a large table takes longer.
const BEGIN_MIGRATION: &str = begin!("read committed", "10min", "; select pg_advisory_xact_lock(1128353860)");

/// Connects lazily, and only with startup parameters that PgBouncer accepts.
pub(super) fn pool(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("candor")
        .extra_float_digits(None)
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // `begin` detects dead connections.
        .test_before_acquire(false)
        .max_lifetime(Duration::from_secs(15 * 60));
    Ok(pool.connect_lazy_with(options))
}

/// Migrates in one transaction.
pub(super) async fn migrate(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    let migrated = migrate_on(&mut connection).await;
    // The connection holds dropped prepared statements or a failed transaction.
    connection::close(connection).await;
    migrated
}

async fn migrate_on(connection: &mut PgConnection) -> Result<()> {
    let mut tx = connection.begin_with(BEGIN_MIGRATION).await?;
    schema::refuse_postgres_pre_release(&mut tx).await?;
    schema::POSTGRES.run_direct(None, &mut *tx, false).await?;
    // Behind a pooler, this session's next client prepares statements of the same names.
    sqlx::raw_sql("deallocate all").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
