//! Consecutive wrong passwords, per manager.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::ManagerId;
use crate::domain::login_backoff::LoginFailures;

/// The key that counts attempts for unknown email addresses.
const UNKNOWN: &str = "unknown";

/// Wrong passwords for `manager` since the last correct one.
pub async fn load(tx: &mut Tx, manager: &ManagerId) -> Result<LoginFailures> {
    let sql = "select failures, failed_at from login_failures where manager_id = $1";
    let row = row!(tx, (i64, DateTime<Utc>), sql, manager.as_str())?;
    Ok(row.map(|(count, at)| LoginFailures { count, last_at: Some(at) }).unwrap_or_default())
}

/// Counts a wrong password; `None` is an unknown email address.
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

pub async fn clear(tx: &mut WriteTx, manager: &ManagerId) -> Result<()> {
    run!(tx, "delete from login_failures where manager_id = $1", manager.as_str())?;
    Ok(())
}
