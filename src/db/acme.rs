//! What the nodes of one page share to get a certificate.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcmeKind {
    /// The account at the directory that is the name.
    Account,
    /// The certificate for the domains that are the name.
    Certificate,
    /// The answer to the token that is the name.
    Challenge,
    /// The node that orders a certificate for the domains that are the name, since the time of the row.
    Order,
}

impl AcmeKind {
    fn key(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Certificate => "certificate",
            Self::Challenge => "challenge",
            Self::Order => "order",
        }
    }
}

pub async fn find(tx: &mut Tx, kind: AcmeKind, name: &str) -> Result<Option<String>> {
    let sql = "select value from acme where kind = $1 and name = $2";
    Ok(row!(tx, (String,), sql, kind.key(), name)?.map(|(value,)| value))
}

/// Since when the row exists in its present form.
pub async fn find_time(tx: &mut Tx, kind: AcmeKind, name: &str) -> Result<Option<DateTime<Utc>>> {
    let sql = "select updated_at from acme where kind = $1 and name = $2";
    Ok(row!(tx, (DateTime<Utc>,), sql, kind.key(), name)?.map(|(at,)| at))
}

pub async fn put(tx: &mut WriteTx, kind: AcmeKind, name: &str, value: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "insert into acme (kind, name, value, updated_at) values ($1, $2, $3, $4)
               on conflict (kind, name) do update set value = excluded.value, updated_at = excluded.updated_at";
    run!(tx, sql, kind.key(), name, value, now)?;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, kind: AcmeKind, name: &str) -> Result<()> {
    run!(tx, "delete from acme where kind = $1 and name = $2", kind.key(), name)?;
    Ok(())
}

/// Deletes the challenges of an order that was not finished.
pub async fn delete_old_challenges(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from acme where kind = $1 and updated_at <= $2", AcmeKind::Challenge.key(), before)?;
    Ok(())
}
