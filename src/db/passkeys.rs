//! Passkeys: public keys that managers log in with.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::second_factor::{MAX_PASSKEYS, Passkey};
use crate::domain::{ManagerId, PasskeyId};

const MAX_LISTED: i64 = 100;

/// A passkey with its public key, for verifying a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub id: PasskeyId,
    pub manager_id: ManagerId,
    /// The public key and its counter, as JSON.
    pub credential: String,
}

#[apply(from_row!)]
struct Row {
    id: String,
    name: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

/// Oldest first.
pub async fn list(tx: &mut Tx, manager: &ManagerId) -> Result<Vec<Passkey>> {
    let sql = "select id, name, created_at, last_used_at from passkeys where manager_id = $1
               order by created_at, id limit $2";
    rows!(tx, Row, sql, manager.as_str(), MAX_LISTED)?.into_iter().map(Passkey::try_from).collect()
}

/// The registered credentials, so that a device doesn't register a second one.
pub async fn credentials(tx: &mut Tx, manager: &ManagerId) -> Result<Vec<String>> {
    let sql = "select credential from passkeys where manager_id = $1 limit $2";
    Ok(rows!(tx, (String,), sql, manager.as_str(), MAX_LISTED)?.into_iter().map(|(text,)| text).collect())
}

pub async fn find_by_credential(tx: &mut Tx, credential_hash: &str) -> Result<Option<Credential>> {
    let sql = "select id, manager_id, credential from passkeys where credential_hash = $1";
    let row = row!(tx, (String, String, String), sql, credential_hash)?;
    row.map(|(id, manager, credential)| {
        Ok(Credential {
            id: PasskeyId::parse(&id).ok_or_else(|| Error::other("a passkey's id"))?,
            manager_id: ManagerId::parse(&manager).ok_or_else(|| Error::other("a manager's id"))?,
            credential,
        })
    })
    .transpose()
}

/// Fails with `Conflict` if the credential is already registered, and with `Full` at [`MAX_PASSKEYS`].
pub async fn create(
    tx: &mut WriteTx,
    manager: &ManagerId,
    passkey: &Passkey,
    credential_hash: &str,
    credential: &str,
) -> Result<()> {
    if list(tx, manager).await?.len() >= MAX_PASSKEYS {
        return Err(Error::Full("Limit reached (20 passkeys). Remove one first."));
    }
    run!(
        tx,
        "insert into passkeys (id, manager_id, name, credential_hash, credential, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        passkey.id.as_str(),
        manager.as_str(),
        passkey.name.as_str(),
        credential_hash,
        credential,
        passkey.created_at
    )?;
    Ok(())
}

/// Stores the key with its new counter and the time of use.
pub async fn touch(tx: &mut WriteTx, id: &PasskeyId, credential: &str, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update passkeys set credential = $1, last_used_at = $2 where id = $3", credential, now, id.as_str())?;
    Ok(())
}

/// Fails with `NotFound` if the manager has no such passkey.
pub async fn delete(tx: &mut WriteTx, manager: &ManagerId, id: &PasskeyId) -> Result<()> {
    let gone = run!(tx, "delete from passkeys where id = $1 and manager_id = $2", id.as_str(), manager.as_str())?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}

impl TryFrom<Row> for Passkey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: PasskeyId::parse(&row.id).ok_or_else(|| Error::other("a passkey's id"))?,
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        })
    }
}
