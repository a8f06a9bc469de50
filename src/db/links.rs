//! One-time links. The database holds the SHA-256 of a token, never the token.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, WriteTx};
use crate::domain::ManagerId;
use crate::domain::manager::LinkPurpose;

/// A link that is still good.
#[derive(Clone, Debug)]
pub struct Link {
    pub purpose: LinkPurpose,
    /// Nobody yet, where it creates the first owner.
    pub manager_id: Option<ManagerId>,
    pub expires_at: DateTime<Utc>,
}

/// Keeps a link; earlier ones of the same purpose and manager no longer work.
///
/// # Errors
/// Where the database can't be written.
pub async fn create(tx: &mut WriteTx, token_hash: &str, link: &Link, now: DateTime<Utc>) -> Result<()> {
    let manager = link.manager_id.as_ref().map(ManagerId::as_str);
    match &link.manager_id {
        Some(manager) => {
            delete_of(tx, manager).await?;
        }
        None => delete_setup(tx).await?,
    }
    let sql = "insert into manager_links (token_hash, purpose, manager_id, created_at, expires_at)
               values ($1, $2, $3, $4, $5)";
    run!(tx, sql, token_hash, link.purpose.key(), manager, now, link.expires_at)?;
    Ok(())
}

/// The link with this hash, if it has neither been used nor run out. Looking does not use it.
///
/// # Errors
/// Where the database can't be read.
pub async fn find(tx: &mut Tx, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Link>> {
    let sql = "select purpose, manager_id, expires_at from manager_links where token_hash = $1 and expires_at > $2";
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

/// Uses a link up.
///
/// # Errors
/// `NotFound` where somebody was faster.
pub async fn consume(tx: &mut WriteTx, token_hash: &str) -> Result<()> {
    let used = run!(tx, "delete from manager_links where token_hash = $1", token_hash)?;
    if used == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Ends every link of a manager; tells how many there were.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_of(tx: &mut WriteTx, manager: &ManagerId) -> Result<u64> {
    run!(tx, "delete from manager_links where manager_id = $1", manager.as_str())
}

/// Ends every link that would create a first owner.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_setup(tx: &mut WriteTx) -> Result<()> {
    run!(tx, "delete from manager_links where purpose = 'setup'")?;
    Ok(())
}

/// Forgets links that ran out before `now`.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from manager_links where expires_at <= $1", now)?;
    Ok(())
}
