//! What every manager is asked for: one row.

use super::{Error, Result, Tx, WriteTx};
use crate::domain::{ManagerId, Policy};

/// The policy.
///
/// # Errors
/// Where the database can't be read.
pub async fn load(tx: &mut Tx) -> Result<Policy> {
    let sql = "select second_factor_required, api_key_in_query, version from policy where id = 1";
    let (second_factor_required, api_key_in_query, version) =
        row!(tx, (bool, bool, i64), sql)?.ok_or(Error::NotFound)?;
    Ok(Policy { second_factor_required, api_key_in_query, version })
}

/// Whether the policy asks this manager for a second factor that they don't have yet.
///
/// # Errors
/// Where the database can't be read.
pub async fn is_unmet(tx: &mut Tx, manager: &ManagerId) -> Result<bool> {
    Ok(load(tx).await?.second_factor_required && !super::factors::of(tx, manager).await?.any())
}

/// Changes the policy, if it still is of this version.
///
/// # Errors
/// A conflict where somebody changed it in between.
pub async fn update(tx: &mut WriteTx, policy: Policy) -> Result<()> {
    let sql = "update policy set second_factor_required = $1, api_key_in_query = $2, version = version + 1
               where id = 1 and version = $3";
    let changed = run!(tx, sql, policy.second_factor_required, policy.api_key_in_query, policy.version)?;
    if changed == 0 { Err(Error::Conflict("the policy was changed in the meantime")) } else { Ok(()) }
}
