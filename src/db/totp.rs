//! Authenticator apps, one per manager. The secret is stored encrypted.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::ManagerId;

#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// Encrypted, with the manager's id as associated data.
    pub secret: String,
    /// When the first code was accepted; until then the app is no second factor.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The step of the last accepted code.
    pub last_step: Option<i64>,
    /// Consecutive wrong codes.
    pub failures: i64,
    pub failed_at: Option<DateTime<Utc>>,
}

/// Returns unconfirmed apps too.
pub async fn find(tx: &mut Tx, manager: &ManagerId) -> Result<Option<Totp>> {
    let sql = "select secret, confirmed_at, last_step, failures, failed_at from totp_secrets where manager_id = $1";
    row!(tx, Totp, sql, manager.as_str())
}

/// Stores an unconfirmed secret and replaces an earlier unconfirmed one. `Conflict` if an app is confirmed already.
pub async fn store_pending(tx: &mut WriteTx, manager: &ManagerId, secret: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "insert into totp_secrets (manager_id, secret, created_at, failures) values ($1, $2, $3, 0)
               on conflict (manager_id) do update
                 set secret = excluded.secret, created_at = excluded.created_at, failures = 0, failed_at = null
                 where totp_secrets.confirmed_at is null";
    let kept = run!(tx, sql, manager.as_str(), secret, now)?;
    if kept == 0 { Err(Error::Conflict("There is already an authenticator app. Remove it first.")) } else { Ok(()) }
}

/// Records that the code of `step` was accepted; the first one confirms the app.
pub async fn accept(tx: &mut WriteTx, manager: &ManagerId, step: i64, now: DateTime<Utc>) -> Result<()> {
    let sql = "update totp_secrets set last_step = $1, failures = 0, failed_at = null,
                 confirmed_at = coalesce(confirmed_at, $2) where manager_id = $3";
    run!(tx, sql, step, now, manager.as_str())?;
    Ok(())
}

/// Counts a wrong code.
pub async fn refuse(tx: &mut WriteTx, manager: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    let sql = "update totp_secrets set failures = failures + 1, failed_at = $1 where manager_id = $2";
    run!(tx, sql, now, manager.as_str())?;
    Ok(())
}

/// Fails with `NotFound` if the manager has no app.
pub async fn delete(tx: &mut WriteTx, manager: &ManagerId) -> Result<()> {
    let gone = run!(tx, "delete from totp_secrets where manager_id = $1", manager.as_str())?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}
