//! Wrong passwords in a row, by manager.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::ManagerId;
use crate::domain::login_backoff::LoginFailures;

/// Counts the wrong passwords for unknown addresses.
const UNKNOWN: &str = "unknown";

/// The wrong passwords for `manager` since the last right one.
///
/// # Errors
/// Where the database can't be read.
pub async fn load(tx: &mut Tx, manager: &ManagerId) -> Result<LoginFailures> {
    let sql = "select failures, failed_at from login_failures where manager_id = $1";
    let row = row!(tx, (i64, DateTime<Utc>), sql, manager.as_str())?;
    Ok(row.map(|(count, at)| LoginFailures { count, last_at: Some(at) }).unwrap_or_default())
}

/// Counts one more, for `manager` or for nobody.
///
/// # Errors
/// Where the database can't be written.
pub async fn add(tx: &mut WriteTx, manager: Option<&ManagerId>, now: DateTime<Utc>) -> Result<()> {
    run!(
        tx,
        "insert into login_failures (manager_id, failures, failed_at) values ($1, 1, $2)
         on conflict (manager_id) do update set failures = login_failures.failures + 1, failed_at = excluded.failed_at",
        manager.map_or(UNKNOWN, ManagerId::as_str),
        now
    )?;
    Ok(())
}

/// Forgets them.
///
/// # Errors
/// Where the database can't be written.
pub async fn clear(tx: &mut WriteTx, manager: &ManagerId) -> Result<()> {
    run!(tx, "delete from login_failures where manager_id = $1", manager.as_str())?;
    Ok(())
}
