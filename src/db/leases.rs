//! Leases of work that one node does at a time.
//!
//! On PostgreSQL the database's clock decides, so that nodes may disagree about the time. A token is higher each time
//! that a lease goes to another holder: what an earlier holder writes with its token is ignored. A SQLite database has
//! one server, which takes over at once from one that was killed.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx};

/// How long a lease lasts without being renewed.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often it is renewed.
pub const RENEWAL: std::time::Duration = std::time::Duration::from_secs(10);

/// Sends the mails of the outbox.
pub const OUTBOX: &str = "outbox";
/// Deletes expired rows.
pub const SWEEP: &str = "sweep";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// With the token of the holder.
    Held(i64),
    /// Another node holds it for this long, unless it renews it.
    Elsewhere(TimeDelta),
}

#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    pub token: i64,
    pub expires_at: DateTime<Utc>,
}

/// Takes or renews a lease for `length`. `now` matters on SQLite only.
pub async fn hold(tx: &mut Tx, name: &str, holder: &str, length: TimeDelta, now: DateTime<Utc>) -> Result<Hold> {
    let held = match tx {
        Tx::Sqlite(_) => {
            let sql = "insert into leases (name, holder, token, expires_at) values ($1, $2, 1, $3)
                       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at,
                         token = leases.token + (leases.holder <> excluded.holder)
                       returning token";
            row!(tx, (i64,), sql, name, holder, now + length)?
        }
        Tx::Postgres(_) => {
            // Not now(): the transaction may have waited for the writers' lock.
            let sql = "insert into leases (name, holder, token, expires_at)
                         values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
                       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at,
                         token = leases.token + (leases.holder <> excluded.holder)::int
                       where leases.holder = excluded.holder or leases.expires_at <= clock_timestamp()
                       returning token";
            row!(tx, (i64,), sql, name, holder, seconds(length))?
        }
    };
    if let Some((token,)) = held {
        return Ok(Hold::Held(token));
    }
    let sql = "select (extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint from leases where name = $1";
    let (left,) = row!(tx, (i64,), sql, name)?.ok_or(Error::NotFound)?;
    Ok(Hold::Elsewhere(TimeDelta::milliseconds(left.max(0))))
}

/// Ends all leases of `holder`, so that another node need not wait.
pub async fn release_all(tx: &mut Tx, holder: &str, now: DateTime<Utc>) -> Result<()> {
    match tx {
        Tx::Sqlite(_) => run!(tx, "update leases set expires_at = $1 where holder = $2", now, holder)?,
        Tx::Postgres(_) => run!(tx, "update leases set expires_at = clock_timestamp() where holder = $1", holder)?,
    };
    Ok(())
}

/// The leases that have not ended.
pub async fn list_held(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Lease>> {
    match tx {
        Tx::Sqlite(_) => {
            let sql = "select name, holder, token, expires_at from leases where expires_at > $1 order by name";
            rows!(tx, Lease, sql, now)
        }
        Tx::Postgres(_) => {
            let sql = "select name, holder, token, expires_at from leases where expires_at > clock_timestamp()
                       order by name";
            rows!(tx, Lease, sql)
        }
    }
}

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1000.0
}
