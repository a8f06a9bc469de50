//! One-time links. The database holds the SHA-256 of a token, never the token.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, WriteTx};
use crate::domain::ManagerId;
use crate::domain::manager::LinkPurpose;

/// An unused link that has not expired.
#[derive(Clone, Debug)]
pub struct Link {
    pub purpose: LinkPurpose,
    /// `None` for the setup link that creates the first owner.
    pub manager_id: Option<ManagerId>,
    pub expires_at: DateTime<Utc>,
}

/// Stores a link and deletes the manager's earlier ones, except a pending email confirmation: anyone can request a
/// reset link, which must not cancel the confirmation.
pub async fn create(tx: &mut WriteTx, token_hash: &str, link: &Link, now: DateTime<Utc>) -> Result<()> {
    let manager = link.manager_id.as_ref().map(ManagerId::as_str);
    match &link.manager_id {
        Some(manager) => {
            let sql = "delete from one_time_links where manager_id = $1 and purpose <> 'email'";
            run!(tx, sql, manager.as_str())?;
        }
        None => delete_setup(tx).await?,
    }
    let sql = "insert into one_time_links (token_hash, purpose, manager_id, created_at, expires_at)
               values ($1, $2, $3, $4, $5)";
    run!(tx, sql, token_hash, link.purpose.key(), manager, now, link.expires_at)?;
    Ok(())
}

/// Finds a valid link without using it.
pub async fn find(tx: &mut Tx, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Link>> {
    let sql = "select purpose, manager_id, expires_at from one_time_links where token_hash = $1 and expires_at > $2";
    let row = row!(tx, (String, Option<String>, DateTime<Utc>), sql, token_hash, now)?;
    row.map(|(purpose, manager, expires_at)| {
        Ok(Link {
            purpose: LinkPurpose::from_key(&purpose).ok_or_else(|| Error::other("a link's purpose"))?,
            manager_id: manager.as_deref().and_then(ManagerId::parse),
            expires_at,
        })
    })
    .transpose()
}

/// Stores a manager's new email address until `expires_at` as unconfirmed, and replaces an earlier one. `token_hash` is
/// the hash of a token that was not mailed yet.
pub async fn request_email(
    tx: &mut WriteTx,
    manager: &ManagerId,
    email: &str,
    token_hash: &str,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    cancel_email(tx, manager).await?;
    let sql = "insert into one_time_links (token_hash, purpose, manager_id, email, created_at, expires_at)
               values ($1, 'email', $2, $3, $4, $5)";
    run!(tx, sql, token_hash, manager.as_str(), email, now, expires_at)?;
    Ok(())
}

/// Replaces the token of the link that confirms `email`; returns whether that address is still pending.
pub async fn renew_email_token(
    tx: &mut WriteTx,
    manager: &ManagerId,
    email: &str,
    token_hash: &str,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool> {
    let sql = "update one_time_links set token_hash = $1, expires_at = $2
               where manager_id = $3 and purpose = 'email' and email = $4 and expires_at > $5";
    Ok(run!(tx, sql, token_hash, expires_at, manager.as_str(), email, now)? > 0)
}

/// The unconfirmed email address of a manager.
pub async fn pending_email(tx: &mut Tx, manager: &ManagerId, now: DateTime<Utc>) -> Result<Option<String>> {
    let sql = "select email from one_time_links where manager_id = $1 and purpose = 'email' and expires_at > $2";
    Ok(row!(tx, (String,), sql, manager.as_str(), now)?.map(|(email,)| email))
}

/// Deletes the unconfirmed email address; returns whether there was one.
pub async fn cancel_email(tx: &mut WriteTx, manager: &ManagerId) -> Result<bool> {
    let sql = "delete from one_time_links where manager_id = $1 and purpose = 'email'";
    Ok(run!(tx, sql, manager.as_str())? > 0)
}

/// Fails with `NotFound` if the link was used concurrently.
pub async fn consume(tx: &mut WriteTx, token_hash: &str) -> Result<()> {
    let used = run!(tx, "delete from one_time_links where token_hash = $1", token_hash)?;
    if used == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Returns the number of deleted links.
pub async fn delete_for_manager(tx: &mut WriteTx, manager: &ManagerId) -> Result<u64> {
    run!(tx, "delete from one_time_links where manager_id = $1", manager.as_str())
}

/// Deletes links that would create the first owner.
pub async fn delete_setup(tx: &mut WriteTx) -> Result<()> {
    run!(tx, "delete from one_time_links where purpose = 'setup'")?;
    Ok(())
}

pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from one_time_links where expires_at <= $1", now)?;
    Ok(())
}
