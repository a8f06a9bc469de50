//! Keyed hashes of addresses that unsubscribed or complained. An import does not add them again.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::subscriber::SUPPRESSION_LIFETIME;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionReason {
    Unsubscribed,
    /// The subscriber asked to delete everything.
    Erased,
    /// Marked a message as unwanted.
    Complaint,
}

impl SuppressionReason {
    pub fn key(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Erased => "erased",
            Self::Complaint => "complaint",
        }
    }
}

/// `address_hmac` is keyed with the server's key file, so a copy of the database does not reveal addresses.
pub async fn insert(tx: &mut WriteTx, address_hmac: &str, reason: SuppressionReason, now: DateTime<Utc>) -> Result<()> {
    let sql = "insert into suppressions (address_hmac, reason, created_at) values ($1, $2, $3)
               on conflict (address_hmac) do update set reason = excluded.reason, created_at = excluded.created_at";
    run!(tx, sql, address_hmac, reason.key(), now)?;
    Ok(())
}

pub async fn is_suppressed(tx: &mut Tx, address_hmac: &str) -> Result<bool> {
    Ok(row!(tx, (String,), "select reason from suppressions where address_hmac = $1", address_hmac)?.is_some())
}

/// All suppressed addresses.
pub async fn list_all(tx: &mut Tx) -> Result<HashSet<String>> {
    Ok(rows!(tx, (String,), "select address_hmac from suppressions")?.into_iter().map(|(hmac,)| hmac).collect())
}

/// Lifts a suppression: the address subscribed again.
pub async fn delete(tx: &mut WriteTx, address_hmac: &str) -> Result<()> {
    run!(tx, "delete from suppressions where address_hmac = $1", address_hmac)?;
    Ok(())
}

pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from suppressions where created_at <= $1", now - SUPPRESSION_LIFETIME)?;
    Ok(())
}
