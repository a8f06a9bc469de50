//! What is still to be mailed.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::mail_retry::AccountChange;
use crate::domain::{ManagerId, TokenId};

/// How many rows are taken up at a time.
const MAX_TAKEN: i64 = 20;
/// For how long what was taken up is left alone by others: longer than sending takes.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub id: String,
    /// Whom it is about; nobody where the address was not known.
    pub manager_id: Option<ManagerId>,
    pub kind: Kind,
    pub created_at: DateTime<Utc>,
    /// This one included.
    pub attempts: i64,
}

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A link for a new password.
    Reset,
    /// A change of the account, to this address.
    Change { recipient: String, change: AccountChange },
    /// A link that confirms this address as the manager's new one.
    Confirmation { recipient: String },
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    GivenUp,
    /// No address to send it to.
    NoRecipient,
}

/// A row as it is taken up.
#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    manager_id: Option<String>,
    recipient: Option<String>,
    account_change: Option<String>,
    created_at: DateTime<Utc>,
    attempts: i64,
}

impl TryFrom<Row> for Mail {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let kind = match (row.recipient, row.account_change) {
            (Some(recipient), Some(change)) => {
                let change = AccountChange::from_key(&change).ok_or_else(|| Error::other("what a mail is about"))?;
                Kind::Change { recipient, change }
            }
            (Some(recipient), None) => Kind::Confirmation { recipient },
            (None, _) => Kind::Reset,
        };
        let manager_id = row.manager_id.as_deref().and_then(ManagerId::parse);
        Ok(Self { id: row.id, manager_id, kind, created_at: row.created_at, attempts: row.attempts })
    }
}

impl Outcome {
    /// The name that stands in the database.
    pub fn key(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::GivenUp => "given-up",
            Outcome::NoRecipient => "no-recipient",
        }
    }
}

/// Adds a link for a new password, to be mailed to `manager` or to nobody.
///
/// # Errors
/// Where the database can't be written.
pub async fn add_reset(tx: &mut WriteTx, manager: Option<&ManagerId>, now: DateTime<Utc>) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, manager_id, created_at, due_at, attempts)
               values ($1, 'password-reset', $2, $3, $3, 0)";
    run!(tx, sql, id.as_str(), manager.map(ManagerId::as_str), now)?;
    Ok(())
}

/// Adds a mail to `recipient` about a change of the account of `manager`.
///
/// # Errors
/// Where the database can't be written.
pub async fn add_change(
    tx: &mut WriteTx,
    manager: &ManagerId,
    recipient: &str,
    change: AccountChange,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, manager_id, recipient, account_change, created_at, due_at, attempts)
               values ($1, 'account-change', $2, $3, $4, $5, $5, 0)";
    run!(tx, sql, id.as_str(), manager.as_str(), recipient, change.key(), now)?;
    Ok(())
}

/// Adds a link that confirms `recipient` as the new address of `manager`.
///
/// # Errors
/// Where the database can't be written.
pub async fn add_confirmation(
    tx: &mut WriteTx,
    manager: &ManagerId,
    recipient: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, manager_id, recipient, created_at, due_at, attempts)
               values ($1, 'email-confirmation', $2, $3, $4, $4, 0)";
    run!(tx, sql, id.as_str(), manager.as_str(), recipient, now)?;
    Ok(())
}

/// How many links that confirm an address were added for `manager` since `since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn confirmations_since(tx: &mut Tx, manager: &ManagerId, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'email-confirmation' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager.as_str(), since)?.map_or(0, |(count,)| count))
}

/// How many links for a new password were asked for by `manager` (an id, or what is none) since `since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn resets_since(tx: &mut Tx, manager: &str, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'password-reset' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager, since)?.map_or(0, |(count,)| count))
}

/// How many mails about changes of the account of `manager` were added since `since`.
///
/// # Errors
/// Where the database can't be read.
pub async fn changes_since(tx: &mut Tx, manager: &ManagerId, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'account-change' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager.as_str(), since)?.map_or(0, |(count,)| count))
}

/// Takes up what is due, so that nobody else does; where sending ends in the middle, it is due again later.
///
/// # Errors
/// Where the database can't be written.
pub async fn lease_due(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<Vec<Mail>> {
    let sql = "update outbox set attempts = attempts + 1, due_at = $1
               where id in (select id from outbox where done_at is null and due_at <= $2 order by due_at, id limit $3)
               returning id, manager_id, recipient, account_change, created_at, attempts";
    let rows = rows!(tx, Row, sql, now + LEASE, now, MAX_TAKEN)?;
    rows.into_iter().map(Mail::try_from).collect()
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
