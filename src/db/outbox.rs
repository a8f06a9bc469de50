//! The queue of mails to send.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::mail_retry::AccountChange;
use crate::domain::{ManagerId, Subscriber, SubscriberId, TokenId};

/// Rows per lease.
const MAX_TAKEN: i64 = 20;
/// How long a mail is skipped whose result could not be recorded; longer than sending takes.
const LEASE: TimeDelta = TimeDelta::minutes(5);

const SENDER_REJECTED: &str = "sender-rejected";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub id: String,
    /// `None` if the email address was unknown.
    pub manager_id: Option<ManagerId>,
    pub kind: Kind,
    pub created_at: DateTime<Utc>,
    /// Including the current attempt.
    pub attempts: i64,
    /// The token of the lease under which it is sent.
    pub lease: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A password reset link.
    Reset,
    /// A notice about a change of the account.
    Change { recipient: String, change: AccountChange },
    /// A link that confirms the manager's new email address.
    Confirmation { recipient: String },
    /// An alarm: the mail server rejects this sender.
    SenderRejected,
    /// A mail about one subscription.
    Subscription { subscriber: SubscriberId, mail: SubscriptionMail },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionMail {
    /// The link that confirms a subscription.
    Confirmation,
    /// The links that manage a subscription.
    Links,
    /// An endpoint was quarantined.
    EndpointFailure,
}

impl SubscriptionMail {
    fn key(self) -> &'static str {
        match self {
            Self::Confirmation => "subscription-confirmation",
            Self::Links => "subscription-links",
            Self::EndpointFailure => "endpoint-failure",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        [Self::Confirmation, Self::Links, Self::EndpointFailure].into_iter().find(|mail| mail.key() == key)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    GivenUp,
    NoRecipient,
}

#[apply(from_row!)]
struct Row {
    id: String,
    kind: String,
    manager_id: Option<String>,
    subscriber_id: Option<String>,
    recipient: Option<String>,
    account_change: Option<String>,
    created_at: DateTime<Utc>,
    attempts: i64,
    lease: Option<i64>,
}

impl TryFrom<Row> for Mail {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let kind = match (row.subscriber_id.as_deref().and_then(SubscriberId::parse), row.recipient, row.account_change)
        {
            (Some(subscriber), ..) => {
                let mail = SubscriptionMail::from_key(&row.kind).ok_or_else(|| Error::other("a subscriber's mail"))?;
                Kind::Subscription { subscriber, mail }
            }
            (None, Some(recipient), Some(change)) => {
                let change = AccountChange::from_key(&change).ok_or_else(|| Error::other("what a mail is about"))?;
                Kind::Change { recipient, change }
            }
            (None, Some(recipient), None) => Kind::Confirmation { recipient },
            (None, None, _) if row.kind == SENDER_REJECTED => Kind::SenderRejected,
            (None, None, _) => Kind::Reset,
        };
        let manager_id = row.manager_id.as_deref().and_then(ManagerId::parse);
        let lease = row.lease.unwrap_or_default();
        Ok(Self { id: row.id, manager_id, kind, created_at: row.created_at, attempts: row.attempts, lease })
    }
}

impl Outcome {
    pub fn key(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::GivenUp => "given-up",
            Outcome::NoRecipient => "no-recipient",
        }
    }
}

/// Queues a password reset link; `None` is an unknown email address.
pub async fn add_reset(tx: &mut WriteTx, manager: Option<&ManagerId>, now: DateTime<Utc>) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, manager_id, created_at, due_at, attempts)
               values ($1, 'password-reset', $2, $3, $3, 0)";
    run!(tx, sql, id.as_str(), manager.map(ManagerId::as_str), now)?;
    tx.wake_jobs();
    Ok(())
}

/// Queues a notice about an account change.
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
    tx.wake_jobs();
    Ok(())
}

/// Queues an alarm for an owner.
pub async fn add_sender_alarm(tx: &mut WriteTx, owner: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, manager_id, created_at, due_at, attempts) values ($1, $2, $3, $4, $4, 0)";
    run!(tx, sql, id.as_str(), SENDER_REJECTED, owner.as_str(), now)?;
    tx.wake_jobs();
    Ok(())
}

/// Queues a link that confirms `recipient` as the new email address of `manager`.
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
    tx.wake_jobs();
    Ok(())
}

pub async fn add_subscription_mail(
    tx: &mut WriteTx,
    subscriber: &SubscriberId,
    mail: SubscriptionMail,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql =
        "insert into outbox (id, kind, subscriber_id, created_at, due_at, attempts) values ($1, $2, $3, $4, $4, 0)";
    run!(tx, sql, id.as_str(), mail.key(), subscriber.as_str(), now)?;
    tx.wake_jobs();
    Ok(())
}

/// A request that is not mailed, because the address got enough mails. It takes as long as one that is.
pub async fn add_unsent_subscription_mail(
    tx: &mut WriteTx,
    subscriber: &SubscriberId,
    mail: SubscriptionMail,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = TokenId::from_random(random_bytes());
    let sql = "insert into outbox (id, kind, subscriber_id, created_at, due_at, attempts, done_at, outcome)
               values ($1, $2, $3, $4, $4, 0, $4, 'no-recipient')";
    run!(tx, sql, id.as_str(), mail.key(), subscriber.as_str(), now)?;
    Ok(())
}

/// Mails that were requested for any subscription of the same e-mail address, and for this one.
pub async fn subscriber_mails_since(
    tx: &mut Tx,
    subscriber: &Subscriber,
    (all_since, own_since): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(i64, i64)> {
    let sql = "select count(*), coalesce(sum(case when subscriber_id = $1 and created_at > $2 then 1 else 0 end), 0)
               from outbox where created_at > $3 and coalesce(outcome, '') <> 'no-recipient'
                 and kind in ('subscription-confirmation', 'subscription-links')
                 and subscriber_id in (select id from subscribers where email = $4)";
    let (id, email) = (subscriber.id.as_str(), subscriber.email.as_deref());
    Ok(row!(tx, (i64, i64), sql, id, own_since, all_since, email)?.unwrap_or_default())
}

pub async fn confirmations_since(tx: &mut Tx, manager: &ManagerId, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'email-confirmation' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager.as_str(), since)?.map_or(0, |(count,)| count))
}

/// `manager` is empty for an unknown address, which has no resets.
pub async fn resets_since(tx: &mut Tx, manager: &str, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'password-reset' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager, since)?.map_or(0, |(count,)| count))
}

pub async fn changes_since(tx: &mut Tx, manager: &ManagerId, since: DateTime<Utc>) -> Result<i64> {
    let sql = "select count(*) from outbox where manager_id = $1 and kind = 'account-change' and created_at > $2";
    Ok(row!(tx, (i64,), sql, manager.as_str(), since)?.map_or(0, |(count,)| count))
}

/// Takes due mails for the holder of the lease [`leases::OUTBOX`] with this token, and those that an earlier holder has
/// not finished.
pub async fn lease_due(tx: &mut WriteTx, token: i64, now: DateTime<Utc>) -> Result<Vec<Mail>> {
    let sql = "update outbox set attempts = attempts + 1, due_at = $1, lease = $2
               where id in (select id from outbox where done_at is null and (due_at <= $3 or lease < $4)
                            order by due_at, id limit $5)
               returning id, kind, manager_id, subscriber_id, recipient, account_change, created_at, attempts, lease";
    let rows = rows!(tx, Row, sql, now + LEASE, token, now, token, MAX_TAKEN)?;
    rows.into_iter().map(Mail::try_from).collect()
}

/// Whether a mail is due, or was taken by another node than `holder`, which may be dead.
pub async fn is_due(tx: &mut Tx, holder: &str, now: DateTime<Utc>) -> Result<bool> {
    let sql = "select id from outbox
               where done_at is null and (due_at <= $1 or lease is not null and not exists
                 (select 1 from leases l where l.name = 'outbox' and l.holder = $2 and l.token = outbox.lease))
               limit 1";
    Ok(row!(tx, (String,), sql, now, holder)?.is_some())
}

/// When the next mail is due, or its lease ends.
pub async fn find_next_due(tx: &mut Tx) -> Result<Option<DateTime<Utc>>> {
    Ok(row!(tx, (Option<DateTime<Utc>>,), "select min(due_at) from outbox where done_at is null")?.and_then(|(at,)| at))
}

/// Does nothing if another node took the mail over.
pub async fn postpone(tx: &mut WriteTx, mail: &Mail, due_at: DateTime<Utc>) -> Result<()> {
    let sql = "update outbox set due_at = $1, lease = null where id = $2 and lease = $3 and done_at is null";
    run!(tx, sql, due_at, mail.id.as_str(), mail.lease)?;
    Ok(())
}

/// Does nothing if another node took the mail over.
pub async fn finish(tx: &mut WriteTx, mail: &Mail, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    let sql = "update outbox set done_at = $1, outcome = $2, lease = null
               where id = $3 and lease = $4 and done_at is null";
    run!(tx, sql, now, outcome.key(), mail.id.as_str(), mail.lease)?;
    Ok(())
}

pub async fn delete_done(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from outbox where done_at <= $1", before)?;
    Ok(())
}
