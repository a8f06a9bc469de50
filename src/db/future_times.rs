//! Times that lie in the future although they were the present when they were written: the clock was ahead, and has
//! been set right. What waits for such a time to pass (a lock, a limit, a retry, the end of a session or a link) would
//! wait as long as the clock was ahead.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, WriteTx};
use crate::domain::parse_time::CLOCK_TOLERANCE;

/// How far ahead a mail may be due: the longest pause between two attempts, and the lease of one that is being made.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(20);
/// How many links are mended at a time; there are as many as managers were invited.
const MAX_LINKS: i64 = 1_000;

/// Every time that is only ever written as the present, and that something waits for.
const PRESENT_COLUMNS: [&str; 11] = [
    "update sessions set created_at = $1 where created_at > $2",
    "update sessions set last_seen_at = $1 where last_seen_at > $2",
    "update login_failures set failed_at = $1 where failed_at > $2",
    "update known_browsers set failed_at = $1 where failed_at > $2",
    "update known_browsers set last_used_at = $1 where last_used_at > $2",
    "update totp_secrets set failed_at = $1 where failed_at > $2",
    "update api_tokens set last_used_at = $1 where last_used_at > $2",
    "update outbox set created_at = $1 where created_at > $2",
    "update idempotency_keys set created_at = $1 where created_at > $2",
    "update draft_presence set opened_at = $1 where opened_at > $2",
    "update draft_presence set seen_at = $1 where seen_at > $2",
];

/// Replaces times of the future by `now`; says how many rows had one. Links last as long from now as they were meant to.
///
/// # Errors
/// Where the database can't be written.
pub async fn clamp(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<u64> {
    let latest = now + CLOCK_TOLERANCE;
    let mut mended = 0;
    for sql in PRESENT_COLUMNS {
        mended += run!(tx, sql, now, latest)?;
    }
    let due = "update outbox set due_at = $1 where due_at > $2 and done_at is null";
    mended += run!(tx, due, now, now + LONGEST_WAIT)?;
    let step = crate::credentials::totp::time_step(now);
    // The code of the next step is taken early, so the last one may be one ahead.
    mended += run!(tx, "update totp_secrets set last_step = $1 where last_step > $2", step, step + 1)?;
    Ok(mended + clamp_links(tx, now, latest).await?)
}

async fn clamp_links(tx: &mut WriteTx, now: DateTime<Utc>, latest: DateTime<Utc>) -> Result<u64> {
    let sql = "select token_hash, created_at, expires_at from one_time_links where created_at > $1 limit $2";
    let links = rows!(tx, (String, DateTime<Utc>, DateTime<Utc>), sql, latest, MAX_LINKS)?;
    let mut mended = 0;
    for (token_hash, created_at, expires_at) in links {
        let sql = "update one_time_links set created_at = $1, expires_at = $2 where token_hash = $3";
        mended += run!(tx, sql, now, now + (expires_at - created_at), token_hash.as_str())?;
    }
    Ok(mended)
}
