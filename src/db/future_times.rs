//! Corrects times that a clock running ahead wrote into the future. Locks, limits, retries, sessions and links that
//! wait for such a time would wait too long.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, WriteTx};
use crate::domain::parse_time::CLOCK_TOLERANCE;

/// The longest retry delay of a mail, and the lease of a delivery in progress.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(20);
/// The longest retry delay of a message to a subscriber.
const LONGEST_DELIVERY_WAIT: TimeDelta = TimeDelta::minutes(30);
/// Links per run; there are as many as invited managers.
const MAX_LINKS: i64 = 1_000;

/// Times that are only ever written as the current time, and that something waits for.
const PRESENT_COLUMNS: [&str; 20] = [
    "update sessions set created_at = $1 where created_at > $2",
    "update sessions set last_seen_at = $1 where last_seen_at > $2",
    "update login_failures set failed_at = $1 where failed_at > $2",
    "update known_browsers set failed_at = $1 where failed_at > $2",
    "update known_browsers set last_used_at = $1 where last_used_at > $2",
    "update totp_secrets set failed_at = $1 where failed_at > $2",
    "update api_tokens set last_used_at = $1 where last_used_at > $2",
    "update outbox set created_at = $1 where created_at > $2",
    "update idempotency_keys set created_at = $1 where created_at > $2",
    "update pending_forms set created_at = $1 where created_at > $2",
    "update draft_presence set opened_at = $1 where opened_at > $2",
    "update draft_presence set seen_at = $1 where seen_at > $2",
    "update subscribers set requested_at = $1 where requested_at > $2",
    "update subscribers set quarantined_at = $1 where quarantined_at > $2",
    "update subscribers set probed_at = $1 where probed_at > $2",
    "update sender_rejections set last_at = $1 where last_at > $2",
    "update sender_rejections set alarmed_at = $1 where alarmed_at > $2",
    "update page_imports set started_at = $1 where started_at > $2",
    "update page_imports set seen_at = $1 where seen_at > $2",
    "update notices set created_at = $1 where created_at > $2",
];

/// Replaces future times with `now` and returns the number of changed rows. Links keep their lifetime, counted from
/// now.
pub async fn clamp(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<u64> {
    let latest = now + CLOCK_TOLERANCE;
    let mut mended = 0;
    for sql in PRESENT_COLUMNS {
        mended += run!(tx, sql, now, latest)?;
    }
    let due = "update outbox set due_at = $1 where due_at > $2 and done_at is null";
    mended += run!(tx, due, now, now + LONGEST_WAIT)?;
    let due = "update deliveries set due_at = $1 where due_at > $2 and done_at is null";
    mended += run!(tx, due, now, now + LONGEST_DELIVERY_WAIT)?;
    let step = crate::credentials::totp::time_step(now);
    // The code of the next step is accepted early, so `last_step` may be one ahead.
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
