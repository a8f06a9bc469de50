//! Recovery codes. The database holds the SHA-256 of a code, never the code.

use chrono::{DateTime, Utc};

use super::{Result, WriteTx};
use crate::domain::ManagerId;

/// Stores new codes and deletes the manager's earlier ones.
pub async fn replace(tx: &mut WriteTx, manager: &ManagerId, hashes: &[String], now: DateTime<Utc>) -> Result<()> {
    delete_for_manager(tx, manager).await?;
    for hash in hashes {
        let sql = "insert into recovery_codes (code_hash, manager_id, created_at) values ($1, $2, $3)";
        run!(tx, sql, hash.as_str(), manager.as_str(), now)?;
    }
    Ok(())
}

/// Deletes the code if it is one of the manager's, and returns whether it was.
pub async fn consume(tx: &mut WriteTx, manager: &ManagerId, hash: &str) -> Result<bool> {
    let sql = "delete from recovery_codes where code_hash = $1 and manager_id = $2";
    Ok(run!(tx, sql, hash, manager.as_str())? > 0)
}

pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId) -> Result<()> {
    run!(tx, "delete from recovery_codes where manager_id = $1", manager.as_str())?;
    Ok(())
}
