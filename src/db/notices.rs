//! Notices to subscribers. A publishing writes one row; the worker matches it with subscribers in ranges of ids.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::subscribers::channel_of;
use super::{DeliveryTx, Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::notice::Event;
use crate::domain::subscriber::Channel;
use crate::domain::{ComponentId, Notice, NoticeId, Status, SubscriberId, UpdateId};

/// Subscribers that one transaction matches.
const RANGE: i64 = 500;

/// A notice and how many of its messages are where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeProgress {
    pub notice: Notice,
    /// Whether all subscribers were matched.
    pub is_expanded: bool,
    pub queued: i64,
    pub sent: i64,
    pub rejected: i64,
    /// A newer notice replaced them before they were sent.
    pub replaced: i64,
    /// Expired or cancelled.
    pub dropped: i64,
    /// The most frequent reasons of rejected messages, with their number.
    pub reasons: Vec<(String, i64)>,
    /// Sent in the last minute.
    pub sent_lately: i64,
    pub last_sent_at: Option<DateTime<Utc>>,
}

#[apply(from_row!)]
struct Row {
    id: String,
    event: String,
    subject_id: String,
    update_id: Option<String>,
    old_status: Option<String>,
    new_status: Option<String>,
    created_at: DateTime<Utc>,
    expanded_to: Option<String>,
    expanded_at: Option<DateTime<Utc>>,
}

macro_rules! columns {
    () => {
        "select id, event, subject_id, update_id, old_status, new_status, created_at, expanded_to, expanded_at \
         from notices "
    };
}

/// A notice with a new id.
pub fn new_notice(event: Event, subject_id: &str, now: DateTime<Utc>) -> Notice {
    Notice {
        id: NoticeId::from_random(random_bytes()),
        event,
        subject_id: subject_id.to_owned(),
        update_id: None,
        components: Vec::new(),
        change: None,
        created_at: now,
    }
}

pub async fn insert(tx: &mut WriteTx, notice: &Notice) -> Result<()> {
    let sql = "insert into notices (id, event, subject_id, update_id, old_status, new_status, created_at, recipients)
               values ($1, $2, $3, $4, $5, $6, $7, 0)";
    run!(
        tx,
        sql,
        notice.id.as_str(),
        notice.event.key(),
        notice.subject_id.as_str(),
        notice.update_id.as_ref().map(UpdateId::as_str),
        notice.change.map(|(before, _)| before.key()),
        notice.change.map(|(_, after)| after.key()),
        notice.created_at
    )?;
    for component in &notice.components {
        let sql = "insert into notice_components (notice_id, component_id) values ($1, $2) on conflict do nothing";
        run!(tx, sql, notice.id.as_str(), component.as_str())?;
    }
    tx.wake_jobs();
    Ok(())
}

pub async fn find(tx: &mut Tx, id: &NoticeId) -> Result<Notice> {
    let row = row!(tx, Row, concat!(columns!(), "where id = $1"), id.as_str())?.ok_or(Error::NotFound)?;
    with_components(tx, &row).await
}

/// Whether a notice waits for its subscribers to be matched.
pub async fn is_waiting(tx: &mut Tx) -> Result<bool> {
    Ok(row!(tx, (String,), "select id from notices where expanded_at is null limit 1")?.is_some())
}

/// Matches the next range of subscribers with the newest notice that is not complete. Returns `false` when there is
/// none.
pub async fn expand_next(tx: &mut DeliveryTx, now: DateTime<Utc>) -> Result<bool> {
    // On PostgreSQL, no two nodes work on the same notice.
    let sql = match **tx {
        Tx::Sqlite(_) => concat!(columns!(), "where expanded_at is null order by created_at desc, id desc limit 1"),
        Tx::Postgres(_) => concat!(
            columns!(),
            "where expanded_at is null order by created_at desc, id desc limit 1 for update skip locked"
        ),
    };
    let Some(row) = row!(tx, Row, sql)? else { return Ok(false) };
    let event = event_of(&row.event)?;
    let from = row.expanded_to.as_deref().unwrap_or_default();
    let bound = "select id from subscribers where id > $1 order by id limit 1 offset $2";
    let to = row!(tx, (String,), bound, from, RANGE - 1)?.map(|(id,)| id);
    let added = insert_deliveries(tx, &row, event, (from, to.as_deref()), now).await?;
    let cursor = to.as_deref().unwrap_or(from);
    let expanded_at = to.is_none().then_some(now);
    let sql = "update notices set expanded_to = $1, expanded_at = $2, recipients = recipients + $3 where id = $4";
    run!(tx, sql, cursor, expanded_at, added, row.id.as_str())?;
    if added > 0 {
        replace_older(tx, &row, (from, to.as_deref()), now).await?;
    }
    Ok(true)
}

/// The highest id in an open range: no id has this character.
const BEYOND: &str = "~";

macro_rules! insert_deliveries {
    ($events:literal, $incident:literal) => {
        concat!(
            "insert into deliveries (notice_id, subscriber_id, channel, rank, created_at, due_at, attempts)
             select $1, s.id, s.channel,
               case when s.incident_id is not null then 0 when s.all_components then 2 else 1 end, $2, $3, 0
             from subscribers s
             where s.id > $4 and s.id <= $5 and s.state = 'active' and s.paused_at is null
               and ",
            $events,
            " and ((s.incident_id is null
                    and (s.all_components or exists (
                      select 1 from subscriber_components c join notice_components n on n.component_id = c.component_id
                      where c.subscriber_id = s.id and n.notice_id = $1))",
            $incident,
            "on conflict do nothing"
        )
    };
}

/// A subscriber of the page who also subscribed to the incident gets one message, the incident's. `is true` keeps
/// PostgreSQL from reading all active subscribers while it has no statistics, as after an import.
const INCIDENT: &str = insert_deliveries!(
    "(s.incident_events = 'all' or (s.incident_events = 'opened_and_resolved' and $6))",
    "and not exists (select 1 from subscribers o
                     where o.channel = s.channel and o.address_hash = s.address_hash
                       and coalesce(o.incident_id, '') = $7 and (o.state = 'active') is true
                       and o.paused_at is null))
     or s.incident_id = $7)"
);
const MAINTENANCE: &str = insert_deliveries!("s.maintenance_events", "))");
const COMPONENT: &str = insert_deliveries!("s.channel = 'webhook'", "))");

async fn insert_deliveries(
    tx: &mut DeliveryTx,
    row: &Row,
    event: Event,
    (from, to): (&str, Option<&str>),
    now: DateTime<Utc>,
) -> Result<i64> {
    let (id, at, to) = (row.id.as_str(), row.created_at, to.unwrap_or(BEYOND));
    let added = if event.is_of_incident() {
        run!(tx, INCIDENT, id, at, now, from, to, event.opens_or_resolves(), row.subject_id.as_str())?
    } else if event.is_of_maintenance() {
        run!(tx, MAINTENANCE, id, at, now, from, to)?
    } else {
        run!(tx, COMPONENT, id, at, now, from, to)?
    };
    Ok(i64::try_from(added).unwrap_or(i64::MAX))
}

/// Ends unsent messages of older notices on the same subject, where the subscriber gets the newer one instead; the
/// notice of `row` may be the older or the newer one. A message that ends an incident or a maintenance is never
/// replaced, and none that is being sent.
async fn replace_older(
    tx: &mut DeliveryTx,
    row: &Row,
    (from, to): (&str, Option<&str>),
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = concat!(columns!(), "where subject_id = $1 and id <> $2 order by created_at desc limit 50");
    for other in rows!(tx, Row, sql, row.subject_id.as_str(), row.id.as_str())? {
        let (older, newer) = if other.created_at <= row.created_at { (&other, row) } else { (row, &other) };
        if !event_of(&older.event)?.is_replaceable() {
            continue;
        }
        let sql = "update deliveries set done_at = $1, due_at = null, outcome = 'replaced'
                   where notice_id = $2 and subscriber_id > $3 and subscriber_id <= $4 and done_at is null
                     and lease is null
                     and exists (select 1 from deliveries n
                                 where n.notice_id = $5 and n.subscriber_id = deliveries.subscriber_id)";
        run!(tx, sql, now, older.id.as_str(), from, to.unwrap_or(BEYOND), newer.id.as_str())?;
    }
    Ok(())
}

const CURRENT_STATE: &str = "
    insert into deliveries (notice_id, subscriber_id, channel, rank, created_at, due_at, attempts)
    select n.id, s.id, s.channel, case when s.incident_id is not null then 0 when s.all_components then 2 else 1 end,
      $2, $2, 0
    from subscribers s join notices n on n.created_at > $3
    where s.id = $1 and s.state = 'active' and s.paused_at is null and n.expanded_at is not null
      and n.event not in ('component.updated', 'incident.postmortem')
      and not exists (select 1 from notices m
                      where m.subject_id = n.subject_id and m.event <> 'incident.postmortem'
                        and (m.created_at > n.created_at or (m.created_at = n.created_at and m.id > n.id)))
      and (exists (select 1 from public_incidents i where i.id = n.subject_id and i.phase <> 'resolved')
           or exists (select 1 from maintenances m where m.id = n.subject_id and m.phase in ('in_progress', 'verifying'))
           or exists (select 1 from deliveries d join notices e on e.id = d.notice_id
                      where d.subscriber_id = s.id and d.outcome = 'sent' and e.subject_id = n.subject_id))
      and ((n.event like 'incident.%' and s.incident_events <> 'none')
           or (n.event like 'maintenance.%' and s.maintenance_events))
      and (s.incident_id = n.subject_id
           or (s.incident_id is null
               and (s.all_components or exists (
                 select 1 from subscriber_components c join notice_components k on k.component_id = c.component_id
                 where c.subscriber_id = s.id and k.notice_id = n.id))))
    on conflict (notice_id, subscriber_id) do update
      set done_at = null, outcome = null, reason = null, lease = null, attempts = 0, rank = excluded.rank,
        created_at = excluded.created_at,
        due_at = excluded.due_at
      where deliveries.outcome in ('rejected', 'expired', 'replaced', 'cancelled')";

/// How far back a reactivated endpoint can have missed something: as long as the log of notices.
const MISSED: TimeDelta = TimeDelta::days(30);

/// Queues the newest notice of each incident and maintenance that is in progress, or whose beginning the subscriber
/// got, unless it was sent: a reactivated endpoint gets the current state once instead of the missed steps.
pub async fn queue_current_state(tx: &mut WriteTx, subscriber: &SubscriberId, now: DateTime<Utc>) -> Result<u64> {
    tx.wake_jobs();
    run!(tx, CURRENT_STATE, subscriber.as_str(), now, now - MISSED)
}

/// How many subscribers a notice about `components` would reach, by channel: what a composer announces.
pub async fn count_recipients(tx: &mut Tx, event: Event, components: &[ComponentId]) -> Result<i64> {
    let every = "select count(*) from subscribers where state = 'active' and paused_at is null and incident_id is null
                   and all_components and (incident_events = 'all' or (incident_events = 'opened_and_resolved' and $1)
                                           or $2) and (maintenance_events or not $2)";
    let maintenance = event.is_of_maintenance();
    let mut count = row!(tx, (i64,), every, event.opens_or_resolves(), maintenance)?.map_or(0, |(count,)| count);
    let mut seen = std::collections::BTreeSet::new();
    for component in components {
        let sql = "select s.id from subscriber_components c join subscribers s on s.id = c.subscriber_id
                   where c.component_id = $3 and s.state = 'active' and s.paused_at is null and not s.all_components
                     and (s.incident_events = 'all' or (s.incident_events = 'opened_and_resolved' and $1) or $2)
                     and (s.maintenance_events or not $2) limit 100000";
        let ids = rows!(tx, (String,), sql, event.opens_or_resolves(), maintenance, component.as_str())?;
        seen.extend(ids.into_iter().map(|(id,)| id));
    }
    count += i64::try_from(seen.len()).unwrap_or(i64::MAX);
    Ok(count)
}

/// How many subscribers a notice reaches if it is about every component: the most that it can reach.
pub async fn count_possible(tx: &mut Tx, event: Event) -> Result<i64> {
    let sql = "select count(*) from subscribers where state = 'active' and paused_at is null and incident_id is null
                 and (incident_events = 'all' or (incident_events = 'opened_and_resolved' and $1) or $2)
                 and (maintenance_events or not $2)";
    let count = row!(tx, (i64,), sql, event.opens_or_resolves(), event.is_of_maintenance())?;
    Ok(count.map_or(0, |(count,)| count))
}

/// Active subscribers of one incident only, without those whose address gets every update of the page anyway.
pub async fn count_of_incident(tx: &mut Tx, incident: &str) -> Result<i64> {
    let sql =
        "select count(*) from subscribers s where s.incident_id = $1 and s.state = 'active' and s.paused_at is null
                 and not exists (select 1 from subscribers o
                                 where o.channel = s.channel and o.address_hash = s.address_hash
                                   and coalesce(o.incident_id, '') = '' and o.all_components
                                   and o.incident_events = 'all' and o.state = 'active' and o.paused_at is null)";
    Ok(row!(tx, (i64,), sql, incident)?.map_or(0, |(count,)| count))
}

/// The channels that active subscribers use.
pub async fn list_channels(tx: &mut Tx) -> Result<Vec<Channel>> {
    let sql = "select distinct channel from subscribers where state = 'active' and paused_at is null order by channel";
    let mut channels: Vec<Channel> =
        rows!(tx, (String,), sql)?.iter().map(|(key,)| channel_of(key)).collect::<Result<_>>()?;
    channels.sort();
    Ok(channels)
}

/// The newest notices, with their progress.
pub async fn list_progress(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<NoticeProgress>> {
    let rows = rows!(tx, Row, concat!(columns!(), "order by created_at desc, id desc limit $1"), limit)?;
    let mut notices = Vec::with_capacity(rows.len());
    for row in rows {
        notices.push(progress(tx, &row, now).await?);
    }
    Ok(notices)
}

/// What a notice is about: a title or a name; `None` if it was deleted.
pub async fn find_title(tx: &mut Tx, subject: &str) -> Result<Option<String>> {
    let sql = "select title from public_incidents where id = $1
               union all select title from maintenances where id = $1
               union all select name from components where id = $1";
    Ok(row!(tx, (String,), sql, subject)?.map(|(title,)| title))
}

/// How many reasons are shown of one notice.
const MAX_REASONS: i64 = 3;

async fn progress(tx: &mut Tx, row: &Row, now: DateTime<Utc>) -> Result<NoticeProgress> {
    let sql = "select reason, count(*) from deliveries where notice_id = $1 and outcome = 'rejected'
                 and reason is not null
               group by reason order by count(*) desc, reason limit $2";
    let reasons = rows!(tx, (String, i64), sql, row.id.as_str(), MAX_REASONS)?;
    let sql = "select coalesce(sum(case when done_at > $2 then 1 else 0 end), 0), max(done_at)
               from deliveries where notice_id = $1 and outcome = 'sent'";
    let minute_ago = now - TimeDelta::minutes(1);
    let sent = row!(tx, (i64, Option<DateTime<Utc>>), sql, row.id.as_str(), minute_ago)?.unwrap_or_default();
    let sql = "select coalesce(outcome, ''), count(*) from deliveries where notice_id = $1 group by outcome";
    let counts = rows!(tx, (String, i64), sql, row.id.as_str())?;
    let count = |wanted: &str| counts.iter().filter(|(outcome, _)| outcome == wanted).map(|(_, count)| count).sum();
    Ok(NoticeProgress {
        notice: with_components(tx, row).await?,
        is_expanded: row.expanded_at.is_some(),
        queued: count(""),
        sent: count("sent"),
        rejected: count("rejected"),
        replaced: count("replaced"),
        dropped: count("expired") + count("cancelled"),
        reasons,
        sent_lately: sent.0,
        last_sent_at: sent.1,
    })
}

/// Cancels everything that was not sent: a restored database sends nothing older than its restore.
pub async fn cancel_unsent(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<u64> {
    run!(tx, "update notices set expanded_at = $1 where expanded_at is null", now)?;
    let sql = "update deliveries set done_at = $1, due_at = null, outcome = 'cancelled' where done_at is null";
    let cancelled = run!(tx, sql, now)?;
    let sql = "update outbox set done_at = $1, outcome = 'given-up' where done_at is null";
    Ok(cancelled + run!(tx, sql, now)?)
}

/// Deletes notices and their deliveries that are older than `before`.
pub async fn delete_done(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    let sql = "delete from notices where created_at <= $1 and expanded_at is not null
                 and not exists (select 1 from deliveries d where d.notice_id = notices.id and d.done_at is null)";
    run!(tx, sql, before)?;
    Ok(())
}

async fn with_components(tx: &mut Tx, row: &Row) -> Result<Notice> {
    let sql = "select component_id from notice_components where notice_id = $1 order by component_id";
    let components = rows!(tx, (String,), sql, row.id.as_str())?;
    let status = |key: &Option<String>| key.as_deref().and_then(Status::from_key);
    Ok(Notice {
        id: NoticeId::parse(&row.id).ok_or_else(|| Error::other("a notice's id"))?,
        event: event_of(&row.event)?,
        subject_id: row.subject_id.clone(),
        update_id: row.update_id.as_deref().and_then(UpdateId::parse),
        components: components.iter().filter_map(|(id,)| ComponentId::parse(id)).collect(),
        change: status(&row.old_status).zip(status(&row.new_status)),
        created_at: row.created_at,
    })
}

fn event_of(key: &str) -> Result<Event> {
    Event::from_key(key).ok_or_else(|| Error::other("the event of a notice"))
}
