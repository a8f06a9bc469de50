//! Browsers that a manager has logged in with before. The database holds the SHA-256 of their cookie.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::ManagerId;
use crate::domain::login_backoff::LoginFailures;

/// How long an unused browser stays known.
pub const RETENTION: TimeDelta = TimeDelta::days(180);
/// Limit per manager; the browser unused for longest is deleted first.
const MAX_BROWSERS: i64 = 20;

/// Consecutive wrong passwords from this browser; `None` unless it is one of the manager's.
pub async fn failures(tx: &mut Tx, token_hash: &str, manager: &ManagerId) -> Result<Option<LoginFailures>> {
    let sql = "select failures, failed_at from known_browsers where token_hash = $1 and manager_id = $2";
    let row = row!(tx, (i64, Option<DateTime<Utc>>), sql, token_hash, manager.as_str())?;
    Ok(row.map(|(count, last_at)| LoginFailures { count, last_at }))
}

pub async fn add_failure(tx: &mut WriteTx, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
    run!(
        tx,
        "update known_browsers set failures = failures + 1, failed_at = $1 where token_hash = $2",
        now,
        token_hash
    )?;
    Ok(())
}

pub async fn clear_failures(tx: &mut WriteTx, token_hash: &str) -> Result<()> {
    run!(tx, "update known_browsers set failures = 0, failed_at = null where token_hash = $1", token_hash)?;
    Ok(())
}

/// Stores a browser of the manager or updates its last use.
pub async fn save(tx: &mut WriteTx, token_hash: &str, manager: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    run!(
        tx,
        "insert into known_browsers (token_hash, manager_id, failures, created_at, last_used_at) values ($1, $2, 0, $3, $3)
         on conflict (token_hash) do update set last_used_at = excluded.last_used_at",
        token_hash,
        manager.as_str(),
        now
    )?;
    run!(
        tx,
        "delete from known_browsers where manager_id = $1 and token_hash not in
           (select token_hash from known_browsers where manager_id = $1 order by last_used_at desc, token_hash limit $2)",
        manager.as_str(),
        MAX_BROWSERS
    )?;
    Ok(())
}

/// Returns the number of deleted browsers.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId) -> Result<u64> {
    run!(tx, "delete from known_browsers where manager_id = $1", manager.as_str())
}

pub async fn delete_unused(tx: &mut WriteTx, unused_since: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from known_browsers where last_used_at <= $1", unused_since)?;
    Ok(())
}
