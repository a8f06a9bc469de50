//! Counts and deletes the second factors of a manager.

use super::{Result, Tx, WriteTx};
use crate::domain::{Factors, ManagerId};

pub async fn load(tx: &mut Tx, manager: &ManagerId) -> Result<Factors> {
    let sql = "select (select count(*) from totp_secrets where manager_id = $1 and confirmed_at is not null),
                      (select count(*) from passkeys where manager_id = $1),
                      (select count(*) from recovery_codes where manager_id = $1)";
    let (totp, passkeys, recovery_codes) = row!(tx, (i64, i64, i64), sql, manager.as_str())?.unwrap_or_default();
    Ok(Factors { totp: totp > 0, passkeys, recovery_codes })
}

/// Also deletes the recovery codes.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId) -> Result<()> {
    run!(tx, "delete from totp_secrets where manager_id = $1", manager.as_str())?;
    run!(tx, "delete from passkeys where manager_id = $1", manager.as_str())?;
    run!(tx, "delete from recovery_codes where manager_id = $1", manager.as_str())?;
    Ok(())
}
