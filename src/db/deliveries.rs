//! Messages to single subscribers. An attempt leases rows, so that no other process sends them meanwhile.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::subscribers::channel_of;
use super::{DeliveryTx, Error, Result, Tx, WriteTx};
use crate::domain::delivery_retry::SoftBounces;
use crate::domain::subscriber::Channel;
use crate::domain::{NoticeId, SubscriberId};

/// How long other processes skip a leased message. A sender that is killed is replaced after this.
pub const LEASE: TimeDelta = TimeDelta::seconds(90);
/// In characters.
pub const MAX_REASON: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Mail,
    Http,
}

/// A leased message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub notice: NoticeId,
    pub subscriber: SubscriberId,
    pub channel: Channel,
    pub created_at: DateTime<Utc>,
    /// Including the current attempt.
    pub attempts: i64,
    pub email: Option<String>,
    /// Encrypted, bound to the subscriber's id.
    pub endpoint: Option<String>,
    pub endpoint_host: Option<String>,
    /// Encrypted likewise.
    pub secret: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    Retry {
        at: DateTime<Utc>,
        reason: String,
    },
    /// The receiver rejected it for good.
    Rejected(String),
    /// It was retried as long as it is of use.
    Expired(String),
    /// Its subject was deleted, or the subscriber has gone.
    Cancelled,
    /// Its turn did not come before the lease ended, or the server stops. It does not count as an attempt.
    NotTried {
        due_at: DateTime<Utc>,
    },
}

impl Delivery {
    /// The same at every attempt: receivers recognize a message that was sent twice.
    pub fn message_id(&self) -> String {
        format!("{}-{}", self.notice, self.subscriber)
    }
}

#[apply(from_row!)]
struct Row {
    notice_id: String,
    subscriber_id: String,
    channel: String,
    created_at: DateTime<Utc>,
    attempts: i64,
    email: Option<String>,
    endpoint: Option<String>,
    endpoint_host: Option<String>,
    secret: Option<String>,
}

macro_rules! lease {
    ($row:literal, $transport:literal, $end:literal) => {
        concat!(
            "update deliveries set attempts = attempts + 1, lease = $1, due_at = $2 where ",
            $row,
            " from deliveries where done_at is null and due_at <= $3 and (channel = 'email') = ",
            $transport,
            " order by created_at desc, rank, notice_id, subscriber_id limit $4 ",
            $end
        )
    };
}

/// The first of SQLite. PostgreSQL finds rows by their place, because its generic plan would read the whole table.
const LEASE_MAIL: [&str; 2] = [
    lease!("rowid in (select rowid", "true", ")"),
    lease!("ctid = any (array(select ctid", "true", "for update skip locked))"),
];
const LEASE_HTTP: [&str; 2] = [
    lease!("rowid in (select rowid", "false", ")"),
    lease!("ctid = any (array(select ctid", "false", "for update skip locked))"),
];

/// The first of SQLite. `$3` is a list of pairs in JSON.
const RECORD_SENT: [&str; 2] = [
    "update deliveries set lease = null, due_at = null, done_at = $1, outcome = 'sent', reason = null
     where lease = $2 and done_at is null
       and (notice_id, subscriber_id) in (select value ->> 0, value ->> 1 from json_each($3))",
    "update deliveries set lease = null, due_at = null, done_at = $1, outcome = 'sent', reason = null
     where lease = $2 and done_at is null
       and (notice_id, subscriber_id) in (select value ->> 0, value ->> 1 from jsonb_array_elements($3::jsonb))",
];
const RELEASE_UNTRIED: [&str; 2] = [
    "update deliveries set lease = null, due_at = $1, attempts = attempts - 1
     where lease = $2 and done_at is null
       and (notice_id, subscriber_id) in (select value ->> 0, value ->> 1 from json_each($3))",
    "update deliveries set lease = null, due_at = $1, attempts = attempts - 1
     where lease = $2 and done_at is null
       and (notice_id, subscriber_id) in (select value ->> 0, value ->> 1 from jsonb_array_elements($3::jsonb))",
];
const END_FAILURES: [&str; 2] = [
    "update subscribers set failures = 0, failing_since = null
     where failures > 0 and id in (select value ->> 1 from json_each($1))",
    "update subscribers set failures = 0, failing_since = null
     where failures > 0 and id = any (array(select value ->> 1 from jsonb_array_elements($1::jsonb)))",
];

/// Leases due messages, those of the newest notice first.
pub async fn lease_due(
    tx: &mut DeliveryTx,
    transport: Transport,
    lease: &str,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let database = usize::from(matches!(**tx, Tx::Postgres(_)));
    let sql = match transport {
        Transport::Mail => LEASE_MAIL[database],
        Transport::Http => LEASE_HTTP[database],
    };
    if run!(tx, sql, lease, now + LEASE, now, limit)? == 0 {
        return Ok(Vec::new());
    }
    let sql = "select d.notice_id, d.subscriber_id, d.channel, d.created_at, d.attempts, s.email, s.endpoint,
                 s.endpoint_host, s.secret
               from deliveries d join subscribers s on s.id = d.subscriber_id
               where d.lease = $1 and d.done_at is null order by d.created_at desc, d.rank, d.subscriber_id";
    rows!(tx, Row, sql, lease)?.into_iter().map(Delivery::try_from).collect()
}

pub async fn is_due(tx: &mut Tx, transport: Transport, now: DateTime<Utc>) -> Result<bool> {
    let sql = "select notice_id from deliveries
               where done_at is null and due_at <= $1 and (channel = 'email') = $2 limit 1";
    Ok(row!(tx, (String,), sql, now, transport == Transport::Mail)?.is_some())
}

/// When the next message is due, or its lease ends.
pub async fn find_next_due(tx: &mut Tx, transport: Transport) -> Result<Option<DateTime<Utc>>> {
    let sql = "select min(due_at) from deliveries where done_at is null and (channel = 'email') = $1";
    Ok(row!(tx, (Option<DateTime<Utc>>,), sql, transport == Transport::Mail)?.and_then(|(at,)| at))
}

/// Writes how an attempt ended, unless another process took the message over.
pub async fn record(
    tx: &mut DeliveryTx,
    delivery: &Delivery,
    lease: &str,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let (notice, subscriber) = (delivery.notice.as_str(), delivery.subscriber.as_str());
    let (key, reason) = match outcome {
        Outcome::Sent => return record_sent(tx, &[delivery], lease, now).await,
        Outcome::Retry { at, reason } => {
            // A retry waits behind first attempts, so that endpoints that never answer hold up no others.
            let sql = "update deliveries set lease = null, due_at = $1, reason = $2,
                         rank = case when rank < 3 then rank + 3 else rank end
                       where notice_id = $3 and subscriber_id = $4 and lease = $5 and done_at is null";
            run!(tx, sql, *at, bounded(reason), notice, subscriber, lease)?;
            return Ok(());
        }
        Outcome::NotTried { due_at } => return release_untried(tx, &[delivery], lease, *due_at).await,
        Outcome::Rejected(reason) => ("rejected", Some(bounded(reason))),
        Outcome::Expired(reason) => ("expired", Some(bounded(reason))),
        Outcome::Cancelled => ("cancelled", None),
    };
    let sql = "update deliveries set lease = null, due_at = null, done_at = $1, outcome = $2, reason = $3
               where notice_id = $4 and subscriber_id = $5 and lease = $6 and done_at is null";
    run!(tx, sql, now, key, reason, notice, subscriber, lease)?;
    Ok(())
}

/// Writes that messages of one lease were sent, unless another process took them over.
pub async fn record_sent(tx: &mut DeliveryTx, sent: &[&Delivery], lease: &str, now: DateTime<Utc>) -> Result<()> {
    let database = usize::from(matches!(**tx, Tx::Postgres(_)));
    let pairs = json_pairs(sent)?;
    run!(tx, RECORD_SENT[database], now, lease, pairs.as_str())?;
    run!(tx, END_FAILURES[database], pairs.as_str())?;
    Ok(())
}

/// Gives back messages of one lease that were not tried; they are due at `due_at`, and the attempt does not count.
pub async fn release_untried(
    tx: &mut DeliveryTx,
    untried: &[&Delivery],
    lease: &str,
    due_at: DateTime<Utc>,
) -> Result<()> {
    let database = usize::from(matches!(**tx, Tx::Postgres(_)));
    run!(tx, RELEASE_UNTRIED[database], due_at, lease, json_pairs(untried)?.as_str())?;
    Ok(())
}

/// The keys of messages as a list of pairs in JSON.
fn json_pairs(messages: &[&Delivery]) -> Result<String> {
    let pairs: Vec<_> = messages.iter().map(|it| [it.notice.as_str(), it.subscriber.as_str()]).collect();
    serde_json::to_string(&pairs).map_err(Error::other)
}

/// Counts a soft bounce of the subscriber's address and returns those since its last delivery.
pub async fn count_failure(tx: &mut Tx, subscriber: &SubscriberId, now: DateTime<Utc>) -> Result<SoftBounces> {
    let sql = "update subscribers set failures = failures + 1, failing_since = coalesce(failing_since, $1)
               where id = $2 returning failures, failing_since";
    let row = row!(tx, (i64, DateTime<Utc>), sql, now, subscriber.as_str())?.ok_or(Error::NotFound)?;
    Ok(SoftBounces { count: row.0, first_at: row.1 })
}

/// Releases all leases: after a start, no sender of this database is left. For a database of one process only.
pub async fn release_leases(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<u64> {
    let sql = "update deliveries set lease = null, due_at = $1 where lease is not null and done_at is null";
    run!(tx, sql, now)
}

/// Messages that wait, and since when the oldest does.
pub async fn count_waiting(tx: &mut Tx) -> Result<(i64, Option<DateTime<Utc>>)> {
    let sql = "select count(*), min(created_at) from deliveries where done_at is null";
    Ok(row!(tx, (i64, Option<DateTime<Utc>>), sql)?.unwrap_or_default())
}

/// Since when the oldest e-mail waits.
pub async fn find_oldest_mail(tx: &mut Tx) -> Result<Option<DateTime<Utc>>> {
    let sql = "select min(created_at) from deliveries where done_at is null and (channel = 'email') = true";
    Ok(row!(tx, (Option<DateTime<Utc>>,), sql)?.and_then(|(oldest,)| oldest))
}

/// A message in the log of one subscriber.
#[apply(from_row!)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedDelivery {
    pub event: String,
    pub subject_id: String,
    pub created_at: DateTime<Utc>,
    pub attempts: i64,
    pub done_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub reason: Option<String>,
}

/// The newest messages of one subscriber.
pub async fn list_of_subscriber(tx: &mut Tx, subscriber: &SubscriberId, limit: i64) -> Result<Vec<LoggedDelivery>> {
    let sql = "select n.event, n.subject_id, d.created_at, d.attempts, d.done_at, d.outcome, d.reason
               from deliveries d join notices n on n.id = d.notice_id
               where d.subscriber_id = $1 order by d.created_at desc, d.notice_id desc limit $2";
    rows!(tx, LoggedDelivery, sql, subscriber.as_str(), limit)
}

/// The message that the chat service keeps for a subject.
pub async fn find_chat_message(tx: &mut Tx, subscriber: &SubscriberId, subject: &str) -> Result<Option<String>> {
    let sql = "select message_id from chat_messages where subscriber_id = $1 and subject_id = $2";
    Ok(row!(tx, (String,), sql, subscriber.as_str(), subject)?.map(|(id,)| id))
}

pub async fn store_chat_message(
    tx: &mut DeliveryTx,
    subscriber: &SubscriberId,
    subject: &str,
    message: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "insert into chat_messages (subscriber_id, subject_id, message_id, created_at) values ($1, $2, $3, $4)
               on conflict (subscriber_id, subject_id) do update set message_id = excluded.message_id";
    run!(tx, sql, subscriber.as_str(), subject, message, now)?;
    Ok(())
}

fn bounded(reason: &str) -> String {
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect()
}

impl TryFrom<Row> for Delivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            notice: NoticeId::parse(&row.notice_id).ok_or_else(|| Error::other("a notice's id"))?,
            subscriber: SubscriberId::parse(&row.subscriber_id).ok_or_else(|| Error::other("a subscriber's id"))?,
            channel: channel_of(&row.channel)?,
            created_at: row.created_at,
            attempts: row.attempts,
            email: row.email,
            endpoint: row.endpoint,
            endpoint_host: row.endpoint_host,
            secret: row.secret,
        })
    }
}
