//! The last rejection of this sender by the mail server.

use chrono::{DateTime, TimeDelta, Utc};

use super::deliveries::MAX_REASON;
use super::{Result, Tx, WriteTx};

/// Owners are mailed at most once in this time.
const ALARM_INTERVAL: TimeDelta = TimeDelta::hours(24);
/// Rejected mail is sent again every 15 minutes, so a rejection older than this is over.
const CURRENT: TimeDelta = TimeDelta::hours(1);

/// Records a rejection. Returns whether owners are to be mailed about it.
pub async fn record(tx: &mut WriteTx, reason: &str, now: DateTime<Utc>) -> Result<bool> {
    let reason: String = reason.chars().take(MAX_REASON).collect();
    let known = row!(tx, (DateTime<Utc>,), "select alarmed_at from sender_rejections where id = 1")?;
    let alarmed_at = known.map(|(at,)| at).filter(|at| now - *at < ALARM_INTERVAL);
    let sql = "insert into sender_rejections (id, reason, last_at, alarmed_at) values (1, $1, $2, $3)
               on conflict (id) do update set reason = excluded.reason, last_at = excluded.last_at,
                 alarmed_at = excluded.alarmed_at";
    run!(tx, sql, reason, now, alarmed_at.unwrap_or(now))?;
    Ok(alarmed_at.is_none())
}

/// The reason of a rejection in the last hour.
pub async fn find_current(tx: &mut Tx, now: DateTime<Utc>) -> Result<Option<String>> {
    let sql = "select reason from sender_rejections where id = 1 and last_at > $1";
    Ok(row!(tx, (String,), sql, now - CURRENT)?.map(|(reason,)| reason))
}
