//! Stored responses by Idempotency-Key, so that a repeated request changes nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Result, Tx, WriteTx};
use crate::domain::TokenId;

const RETENTION: TimeDelta = TimeDelta::hours(24);
/// Limit per token; the oldest responses are deleted first.
const MAX_RESPONSES: i64 = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// SHA-256 of the request.
    pub request_hash: String,
    pub status: u16,
    pub body: String,
}

/// The response stored for this token and key in the last 24 hours.
pub async fn find(tx: &mut Tx, token: &TokenId, key: &str, now: DateTime<Utc>) -> Result<Option<StoredResponse>> {
    let sql = "select request_hash, status, body from idempotency_keys
               where token_id = $1 and key = $2 and created_at > $3";
    let row = row!(tx, (String, i64, String), sql, token.as_str(), key, now - RETENTION)?;
    let kept = |(request_hash, status, body)| {
        let status = u16::try_from(status).map_err(Error::other)?;
        Ok(StoredResponse { request_hash, status, body })
    };
    row.map(kept).transpose()
}

/// Stores a response, and deletes expired ones and those beyond the limit.
pub async fn insert(
    tx: &mut WriteTx,
    token: &TokenId,
    key: &str,
    kept: &StoredResponse,
    now: DateTime<Utc>,
) -> Result<()> {
    run!(tx, "delete from idempotency_keys where created_at <= $1", now - RETENTION)?;
    run!(
        tx,
        "delete from idempotency_keys where token_id = $1 and key in (
           select key from idempotency_keys where token_id = $1 order by created_at desc, key limit 100000 offset $2)",
        token.as_str(),
        MAX_RESPONSES - 1
    )?;
    run!(
        tx,
        "insert into idempotency_keys (token_id, key, request_hash, status, body, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        token.as_str(),
        key,
        kept.request_hash.as_str(),
        i64::from(kept.status),
        kept.body.as_str(),
        now
    )?;
    Ok(())
}
