//! Identities at an OpenID provider; each belongs to one manager.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::oidc_roles::Identity;
use crate::domain::{Manager, ManagerId};

pub async fn find_manager(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<Manager>> {
    let row = row!(
        tx,
        (String,),
        "select manager_id from oidc_identities where issuer = $1 and subject = $2",
        issuer,
        subject
    )?;
    match row.and_then(|(id,)| ManagerId::parse(&id)) {
        Some(id) => super::managers::find(tx, &id).await.map(Some),
        None => Ok(None),
    }
}

pub async fn is_connected(tx: &mut Tx, manager: &ManagerId, issuer: &str) -> Result<bool> {
    let sql = "select subject from oidc_identities where manager_id = $1 and issuer = $2";
    Ok(row!(tx, (String,), sql, manager.as_str(), issuer)?.is_some())
}

/// Oldest first.
pub async fn list(tx: &mut Tx, manager: &ManagerId) -> Result<Vec<Identity>> {
    let sql = "select issuer, subject, email from oidc_identities where manager_id = $1 order by created_at, issuer";
    let rows = rows!(tx, (String, String, String), sql, manager.as_str())?;
    Ok(rows.into_iter().map(|(issuer, subject, email)| Identity { issuer, subject, email }).collect())
}

/// Connects the identity to the manager and deletes their unused one-time links. `Conflict` if the identity is
/// connected already, or the manager has another one at this issuer.
pub async fn create(tx: &mut WriteTx, manager: &mut Manager, identity: &Identity, now: DateTime<Utc>) -> Result<()> {
    let sql =
        "insert into oidc_identities (issuer, subject, email, manager_id, created_at) values ($1, $2, $3, $4, $5)";
    let Identity { issuer, subject, email } = identity;
    run!(tx, sql, issuer.as_str(), subject.as_str(), email.as_str(), manager.id.as_str(), now)?;
    super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    manager.has_identity = true;
    Ok(())
}

pub async fn touch(tx: &mut WriteTx, issuer: &str, subject: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "update oidc_identities set last_used_at = $1 where issuer = $2 and subject = $3";
    run!(tx, sql, now, issuer, subject)?;
    Ok(())
}

/// Removes all identities of the manager. `Conflict` if no active owner would be left.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &mut Manager) -> Result<()> {
    run!(tx, "delete from oidc_identities where manager_id = $1", manager.id.as_str())?;
    let was_owner = super::managers::is_active_owner(manager);
    manager.has_identity = false;
    if was_owner { super::managers::ensure_an_owner(tx).await } else { Ok(()) }
}
