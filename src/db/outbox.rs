//! What is still to be mailed.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, Tx, WriteTx, random};
use crate::domain::{ManagerId, TokenId};

/// How many rows are taken up at a time.
const MAX_TAKEN: i64 = 20;
/// For how long what was taken up is left alone by others: longer than sending takes.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// A link for a new password that is to be mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    pub id: String,
    /// To whom; nobody where the address was not known.
    pub manager_id: Option<ManagerId>,
    pub created_at: DateTime<Utc>,
    /// This one included.
    pub attempts: i64,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    GivenUp,
    /// There was nobody to send it to.
    Nobody,
}

impl Outcome {
    /// The name that stands in the database.
    pub fn key(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::GivenUp => "given-up",
            Outcome::Nobody => "nobody",
        }
    }
}

/// Adds a link for a new password, to be mailed to `manager` or to nobody.
///
/// # Errors
/// Where the database can't be written.
pub async fn add_reset(tx: &mut WriteTx, manager: Option<&ManagerId>, now: DateTime<Utc>) -> Result<()> {
    let id = TokenId::from_random(random());
    let sql = "insert into outbox (id, kind, manager_id, created_at, due_at, attempts)
               values ($1, 'password-reset', $2, $3, $3, 0)";
    run!(tx, sql, id.as_str(), manager.map(ManagerId::as_str), now)?;
    Ok(())
}

/// How many links for a new password were asked for by `manager` (an id, or what is none) since `since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn resets_since(tx: &mut Tx, manager: &str, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'password-reset' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager, since)?.map_or(0, |(count,)| count))
}

/// Takes up what is due, so that nobody else does; where sending ends in the middle, it is due again later.
///
/// # Errors
/// Where the database can't be written.
pub async fn take_due(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<Vec<Reset>> {
    let sql = "update outbox set attempts = attempts + 1, due_at = $1
               where id in (select id from outbox where done_at is null and due_at <= $2 order by due_at, id limit $3)
               returning id, manager_id, created_at, attempts";
    let rows = rows!(tx, (String, Option<String>, DateTime<Utc>, i64), sql, now + LEASE, now, MAX_TAKEN)?;
    let reset = |(id, manager, created_at, attempts): (String, Option<String>, DateTime<Utc>, i64)| Reset {
        id,
        manager_id: manager.as_deref().and_then(ManagerId::parse),
        created_at,
        attempts,
    };
    Ok(rows.into_iter().map(reset).collect())
}

/// Whether anything is due.
///
/// # Errors
/// Where the database can't be read.
pub async fn is_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool> {
    Ok(row!(tx, (String,), "select id from outbox where done_at is null and due_at <= $1 limit 1", now)?.is_some())
}

/// Lets it be tried again at `due_at`.
///
/// # Errors
/// Where the database can't be written.
pub async fn postpone(tx: &mut WriteTx, id: &str, due_at: DateTime<Utc>) -> Result<()> {
    run!(tx, "update outbox set due_at = $1 where id = $2", due_at, id)?;
    Ok(())
}

/// Ends it.
///
/// # Errors
/// Where the database can't be written.
pub async fn finish(tx: &mut WriteTx, id: &str, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update outbox set done_at = $1, outcome = $2 where id = $3", now, outcome.key(), id)?;
    Ok(())
}

/// Forgets what was done before `before`.
///
/// # Errors
/// Where the database can't be written.
pub async fn delete_done(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from outbox where done_at <= $1", before)?;
    Ok(())
}
