//! Subscribers. Endpoints and secrets are stored encrypted; the caller seals and opens them.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;
use serde::Serialize;

use super::list::{behind, pattern};
use super::{DeliveryTx, Error, Result, Tx, WriteTx};
use crate::domain::history::Cursor;
use crate::domain::subscriber::{
    Channel, IncidentEvents, QUARANTINE_LIFETIME, Scope, SubscriberState, UNCONFIRMED_LIFETIME,
};
use crate::domain::{ComponentId, IncidentId, Subscriber, SubscriberId};

/// The maximum number of subscribers.
pub const MAX_SUBSCRIBERS: i64 = 500_000;

pub const LIMIT_REACHED: &str = "Limit reached (500,000 subscribers).";
pub const SUBSCRIBED_ALREADY: &str = "This address has subscribed already.";

const PROBE_HOUR: TimeDelta = TimeDelta::hours(1);
const PROBE_DAY: TimeDelta = TimeDelta::hours(24);

/// The stored parts of a subscriber that only delivery reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAddress {
    /// SHA-256 of the e-mail address or the endpoint.
    pub hash: String,
    /// The endpoint with its credentials, encrypted; `None` for an e-mail address.
    pub endpoint: Option<String>,
    /// The secret that signs webhooks, encrypted.
    pub secret: Option<String>,
}

/// Which subscribers a list contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberFilter {
    /// Part of an e-mail address or of an endpoint's host; empty for all.
    pub search: String,
    pub channel: Option<Channel>,
    pub state: Option<SubscriberState>,
    /// Subscribers of this incident; `None` for those of the page and its components.
    pub incident: Option<IncidentId>,
}

#[apply(from_row!)]
struct Row {
    id: String,
    channel: String,
    email: Option<String>,
    endpoint_host: Option<String>,
    incident_id: Option<String>,
    all_components: bool,
    incident_events: String,
    maintenance_events: bool,
    state: String,
    paused_at: Option<DateTime<Utc>>,
    requested_at: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
    consent_version: i64,
    quarantined_at: Option<DateTime<Utc>>,
    quarantine_reason: Option<String>,
    updated_at: DateTime<Utc>,
    version: i64,
}

macro_rules! columns {
    () => {
        "select id, channel, email, endpoint_host, incident_id, all_components, incident_events, maintenance_events, \
         state, paused_at, requested_at, confirmed_at, consent_version, quarantined_at, quarantine_reason, updated_at, \
         version from subscribers "
    };
}

/// Adds a subscriber.
///
/// # Errors
/// `Full` at [`MAX_SUBSCRIBERS`]; `Conflict` if the address has subscribed to the same already.
pub async fn insert(tx: &mut WriteTx, subscriber: &Subscriber, address: &SealedAddress) -> Result<()> {
    if count_all(tx).await? >= MAX_SUBSCRIBERS {
        return Err(Error::Full(LIMIT_REACHED));
    }
    let sql = "insert into subscribers (id, channel, email, address_hash, endpoint_host, endpoint, secret, incident_id,
                 all_components, incident_events, maintenance_events, state, paused_at, requested_at, confirmed_at,
                 consent_version, quarantined_at, quarantine_reason, failures, created_at, updated_at, version)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, $14, $19, $20)
               on conflict do nothing";
    let added = run!(
        tx,
        sql,
        subscriber.id.as_str(),
        subscriber.channel.key(),
        subscriber.email.as_deref(),
        address.hash.as_str(),
        subscriber.endpoint_host.as_deref(),
        address.endpoint.as_deref(),
        address.secret.as_deref(),
        scope_incident(&subscriber.scope).map(IncidentId::as_str),
        subscriber.scope == Scope::Page,
        subscriber.incidents.key(),
        subscriber.maintenance,
        subscriber.state.key(),
        subscriber.paused_at,
        subscriber.requested_at,
        subscriber.confirmed_at,
        subscriber.consent_version,
        subscriber.quarantined_at,
        subscriber.quarantine_reason.as_deref(),
        subscriber.updated_at,
        subscriber.version
    )?;
    if added == 0 {
        return Err(Error::Conflict(SUBSCRIBED_ALREADY));
    }
    add_components(tx, subscriber).await
}

/// Subscribers that one statement adds.
const INSERT_BATCH: usize = 1000;

/// One subscriber of [`insert_batch`].
#[derive(Serialize)]
struct BatchRow<'a> {
    id: &'a str,
    channel: &'a str,
    email: Option<&'a str>,
    address_hash: &'a str,
    endpoint_host: Option<&'a str>,
    endpoint: Option<&'a str>,
    secret: Option<&'a str>,
    all_components: bool,
    incident_events: &'a str,
    maintenance_events: bool,
    state: &'a str,
    is_confirmed: bool,
    consent_version: i64,
    is_quarantined: bool,
    quarantine_reason: Option<&'a str>,
    components: &'a [ComponentId],
}

impl<'a> BatchRow<'a> {
    fn new((subscriber, address): &'a (Subscriber, SealedAddress)) -> Self {
        Self {
            id: subscriber.id.as_str(),
            channel: subscriber.channel.key(),
            email: subscriber.email.as_deref(),
            address_hash: &address.hash,
            endpoint_host: subscriber.endpoint_host.as_deref(),
            endpoint: address.endpoint.as_deref(),
            secret: address.secret.as_deref(),
            all_components: subscriber.scope == Scope::Page,
            incident_events: subscriber.incidents.key(),
            maintenance_events: subscriber.maintenance,
            state: subscriber.state.key(),
            is_confirmed: subscriber.confirmed_at.is_some(),
            consent_version: subscriber.consent_version,
            is_quarantined: subscriber.quarantined_at.is_some(),
            quarantine_reason: subscriber.quarantine_reason.as_deref(),
            components: match &subscriber.scope {
                Scope::Components(components) => components,
                Scope::Page | Scope::Incident(_) => &[],
            },
        }
    }
}

macro_rules! insert_batch {
    ($rows:literal, $time:literal) => {
        concat!(
            "insert into subscribers (id, channel, email, address_hash, endpoint_host, endpoint, secret,
               all_components, incident_events, maintenance_events, state, requested_at, confirmed_at,
               consent_version, quarantined_at, quarantine_reason, failures, created_at, updated_at, version)
             select value ->> 'id', value ->> 'channel', value ->> 'email', value ->> 'address_hash',
               value ->> 'endpoint_host', value ->> 'endpoint', value ->> 'secret',
               cast(value ->> 'all_components' as boolean), value ->> 'incident_events',
               cast(value ->> 'maintenance_events' as boolean), value ->> 'state', ",
            $time,
            ", case when cast(value ->> 'is_confirmed' as boolean) then ",
            $time,
            " end, cast(value ->> 'consent_version' as bigint),
               case when cast(value ->> 'is_quarantined' as boolean) then ",
            $time,
            " end, value ->> 'quarantine_reason', 0, ",
            $time,
            ", ",
            $time,
            ", 1 from ",
            $rows,
            " where true on conflict do nothing returning id"
        )
    };
}

/// A cast of a time would be a number on SQLite, and without one PostgreSQL takes it for a text.
const INSERT_BATCH_SQL: [&str; 2] = [
    insert_batch!("json_each($1)", "$2"),
    insert_batch!("json_array_elements(cast($1 as json)) as rows (value)", "cast($2 as timestamptz)"),
];
const ADD_BATCH_COMPONENTS: [&str; 2] = [
    "insert into subscriber_components (subscriber_id, component_id)
     select value ->> 0, c.id from json_each($1) join components c on c.id = value ->> 1
     where true on conflict do nothing",
    "insert into subscriber_components (subscriber_id, component_id)
     select value ->> 0, c.id from json_array_elements(cast($1 as json)) as rows (value)
       join components c on c.id = value ->> 1
     where true on conflict do nothing",
];

/// Adds subscribers of the page and its components, who were requested at `now`, in few statements; returns how many
/// of their addresses are new. Does not look at [`MAX_SUBSCRIBERS`].
pub async fn insert_batch(
    tx: &mut WriteTx,
    added: &[(Subscriber, SealedAddress)],
    now: DateTime<Utc>,
) -> Result<usize> {
    let database = usize::from(matches!(**tx, Tx::Postgres(_)));
    let mut count = 0;
    for chunk in added.chunks(INSERT_BATCH) {
        let rows: Vec<BatchRow<'_>> = chunk.iter().map(BatchRow::new).collect();
        let json = serde_json::to_string(&rows).map_err(Error::other)?;
        let new = rows!(tx, (String,), INSERT_BATCH_SQL[database], json, now)?;
        count += new.len();
        let new: HashSet<&str> = new.iter().map(|(id,)| id.as_str()).collect();
        let pairs = rows.iter().filter(|row| new.contains(row.id));
        let pairs: Vec<_> = pairs.flat_map(|row| row.components.iter().map(|id| (row.id, id.as_str()))).collect();
        for pairs in pairs.chunks(INSERT_BATCH) {
            let json = serde_json::to_string(pairs).map_err(Error::other)?;
            run!(tx, ADD_BATCH_COMPONENTS[database], json)?;
        }
    }
    Ok(count)
}

/// Saves choices and state of a subscriber. Its address can't change.
///
/// # Errors
/// `Conflict` if it changed since it was read.
pub async fn update(tx: &mut WriteTx, subscriber: &mut Subscriber, now: DateTime<Utc>) -> Result<()> {
    let sql = "update subscribers set all_components = $1, incident_events = $2, maintenance_events = $3, state = $4,
                 paused_at = $5, requested_at = $6, confirmed_at = $7, consent_version = $8, quarantined_at = $9,
                 quarantine_reason = $10, updated_at = $11, version = version + 1,
                 failures = case when $4 = 'active' then 0 else failures end,
                 failing_since = case when $4 = 'active' then null else failing_since end,
                 probed_at = case when $4 = 'quarantined' then probed_at end
               where id = $12 and version = $13";
    let saved = run!(
        tx,
        sql,
        subscriber.scope == Scope::Page,
        subscriber.incidents.key(),
        subscriber.maintenance,
        subscriber.state.key(),
        subscriber.paused_at,
        subscriber.requested_at,
        subscriber.confirmed_at,
        subscriber.consent_version,
        subscriber.quarantined_at,
        subscriber.quarantine_reason.as_deref(),
        now,
        subscriber.id.as_str(),
        subscriber.version
    )?;
    if saved == 0 {
        return Err(Error::Conflict("This subscription was changed meanwhile."));
    }
    (subscriber.updated_at, subscriber.version) = (now, subscriber.version + 1);
    set_components(tx, subscriber).await
}

/// Replaces the components that a subscriber chose. Skips components that were deleted meanwhile.
async fn set_components(tx: &mut WriteTx, subscriber: &Subscriber) -> Result<()> {
    run!(tx, "delete from subscriber_components where subscriber_id = $1", subscriber.id.as_str())?;
    add_components(tx, subscriber).await
}

async fn add_components(tx: &mut WriteTx, subscriber: &Subscriber) -> Result<()> {
    let Scope::Components(components) = &subscriber.scope else { return Ok(()) };
    for component in components {
        let sql = "insert into subscriber_components (subscriber_id, component_id)
                   select $1, id from components where id = $2 on conflict do nothing";
        run!(tx, sql, subscriber.id.as_str(), component.as_str())?;
    }
    Ok(())
}

pub async fn find(tx: &mut Tx, id: &SubscriberId) -> Result<Subscriber> {
    let row = row!(tx, Row, concat!(columns!(), "where id = $1"), id.as_str())?.ok_or(Error::NotFound)?;
    with_components(tx, row).await
}

/// The subscription of an address to the page and its components, or to an incident.
pub async fn find_by_address(
    tx: &mut Tx,
    channel: Channel,
    hash: &str,
    incident: Option<&IncidentId>,
) -> Result<Option<Subscriber>> {
    let sql = concat!(columns!(), "where channel = $1 and address_hash = $2 and coalesce(incident_id, '') = $3");
    match row!(tx, Row, sql, channel.key(), hash, incident.map_or("", IncidentId::as_str))? {
        Some(row) => Ok(Some(with_components(tx, row).await?)),
        None => Ok(None),
    }
}

/// All subscriptions of an e-mail address, also of the endpoints that it confirmed; at most 100.
pub async fn list_by_email(tx: &mut Tx, email: &str) -> Result<Vec<Subscriber>> {
    let rows = rows!(tx, Row, concat!(columns!(), "where email = $1 order by id limit 100"), email)?;
    all_with_components(tx, rows).await
}

/// The position of a subscriber in [`list`].
pub fn cursor(subscriber: &Subscriber) -> Option<Cursor> {
    Cursor::at(subscriber.requested_at, subscriber.id.as_str())
}

/// A page of subscribers, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &SubscriberFilter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Subscriber>> {
    let (before, id) = behind(cursor);
    let sql = concat!(
        columns!(),
        "where (requested_at, id) < ($1, $2)
           and ($3 = '' or email like $3 escape '\\' or endpoint_host like $3 escape '\\')
           and ($4 = '' or channel = $4) and ($5 = '' or state = $5) and coalesce(incident_id, '') = $6
         order by requested_at desc, id desc limit $7"
    );
    let rows = rows!(
        tx,
        Row,
        sql,
        before,
        id,
        pattern(&filter.search),
        filter.channel.map_or("", Channel::key),
        filter.state.map_or("", SubscriberState::key),
        filter.incident.as_ref().map_or("", IncidentId::as_str),
        limit
    )?;
    all_with_components(tx, rows).await
}

/// The columns that an API client may sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriberSort {
    Address,
    Created,
    Quarantined,
}

macro_rules! window {
    ($order:literal) => {
        concat!(
            columns!(),
            "where ($1 = '' or email like $1 escape '\\' or endpoint_host like $1 escape '\\')
               and ($2 = '' or ',' || $2 || ',' like '%,' || channel || ',%') and ($3 = '' or state = $3)
               and coalesce(incident_id, '') = $4
             order by ",
            $order,
            " limit $5 offset $6"
        )
    };
}

/// Rows `offset` to `offset + limit` of a sorted list.
pub async fn list_window(
    tx: &mut Tx,
    filter: &SubscriberFilter,
    channels: &[Channel],
    (sort, is_ascending): (SubscriberSort, bool),
    (offset, limit): (i64, i64),
) -> Result<Vec<Subscriber>> {
    let sql = match (sort, is_ascending) {
        (SubscriberSort::Address, true) => window!("coalesce(email, endpoint_host), id"),
        (SubscriberSort::Address, false) => window!("coalesce(email, endpoint_host) desc, id desc"),
        (SubscriberSort::Created, true) => window!("requested_at, id"),
        (SubscriberSort::Created, false) => window!("requested_at desc, id desc"),
        (SubscriberSort::Quarantined, true) => window!("coalesce(quarantined_at, requested_at), id"),
        (SubscriberSort::Quarantined, false) => window!("coalesce(quarantined_at, requested_at) desc, id desc"),
    };
    let keys: Vec<&str> = channels.iter().map(|channel| channel.key()).collect();
    let rows = rows!(
        tx,
        Row,
        sql,
        pattern(&filter.search),
        keys.join(","),
        filter.state.map_or("", SubscriberState::key),
        filter.incident.as_ref().map_or("", IncidentId::as_str),
        limit,
        offset
    )?;
    all_with_components(tx, rows).await
}

/// All subscribers in the order of their ids, from the one after `after` on; also those of single incidents.
pub async fn list_after(tx: &mut Tx, after: Option<&SubscriberId>, limit: i64) -> Result<Vec<Subscriber>> {
    let sql = concat!(columns!(), "where id > $1 order by id limit $2");
    let rows = rows!(tx, Row, sql, after.map_or("", SubscriberId::as_str), limit)?;
    all_with_components(tx, rows).await
}

/// Channel and address hash of every subscription to the page and its components.
pub async fn list_hashes(tx: &mut Tx) -> Result<HashSet<(String, String)>> {
    let sql = "select channel, address_hash from subscribers where incident_id is null";
    Ok(rows!(tx, (String, String), sql)?.into_iter().collect())
}

/// How many subscribers each channel has in each state, without those of single incidents.
pub async fn count_by_channel(tx: &mut Tx) -> Result<Vec<(Channel, SubscriberState, i64)>> {
    let sql = "select channel, state, count(*) from subscribers where incident_id is null
               group by channel, state order by channel, state";
    let rows = rows!(tx, (String, String, i64), sql)?;
    rows.into_iter().map(|(channel, state, count)| Ok((channel_of(&channel)?, state_of(&state)?, count))).collect()
}

pub async fn count_all(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), "select count(*) from subscribers")?.map_or(0, |(count,)| count))
}

/// Unconfirmed subscriptions that wait for the same host.
pub async fn count_unconfirmed_of_host(tx: &mut Tx, host: &str) -> Result<i64> {
    let sql = "select count(*) from subscribers where state = 'unconfirmed' and endpoint_host = $1";
    Ok(row!(tx, (i64,), sql, host)?.map_or(0, |(count,)| count))
}

/// Confirmed endpoints of an e-mail address.
pub async fn count_endpoints(tx: &mut Tx, email: &str) -> Result<i64> {
    let sql = "select count(*) from subscribers
               where email = $1 and channel <> 'email' and state <> 'unconfirmed' and incident_id is null";
    Ok(row!(tx, (i64,), sql, email)?.map_or(0, |(count,)| count))
}

/// The encrypted endpoint and secret.
pub async fn find_address(tx: &mut Tx, id: &SubscriberId) -> Result<SealedAddress> {
    let sql = "select address_hash, endpoint, secret from subscribers where id = $1";
    let found = row!(tx, (String, Option<String>, Option<String>), sql, id.as_str())?.ok_or(Error::NotFound)?;
    Ok(SealedAddress { hash: found.0, endpoint: found.1, secret: found.2 })
}

macro_rules! due_probes {
    () => {
        "select id from subscribers
         where state = 'quarantined' and channel = 'webhook' and paused_at is null
           and coalesce(probed_at, quarantined_at) <= case when quarantined_at > $1 then $2 else $1 end
         order by quarantined_at, id limit 50"
    };
}

pub async fn is_probe_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool> {
    Ok(row!(tx, (String,), due_probes!(), now - PROBE_DAY, now - PROBE_HOUR)?.is_some())
}

/// Quarantined webhooks that are asked whether they answer again: every hour on the first day, then every day. Each is
/// returned once, also to several nodes; at most 50.
pub async fn take_due_probes(tx: &mut DeliveryTx, now: DateTime<Utc>) -> Result<Vec<SubscriberId>> {
    let sql = concat!(
        "update subscribers set probed_at = $3 where id in (",
        due_probes!(),
        ") and coalesce(probed_at, quarantined_at) <= $2 returning id"
    );
    let rows = rows!(tx, (String,), sql, now - PROBE_DAY, now - PROBE_HOUR, now)?;
    Ok(rows.iter().filter_map(|(id,)| SubscriberId::parse(id)).collect())
}

/// Deletes a subscriber with its deliveries. `NotFound` if it is gone already.
pub async fn delete(tx: &mut WriteTx, id: &SubscriberId) -> Result<()> {
    let gone = run!(tx, "delete from subscribers where id = $1", id.as_str())?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Deletes what was not confirmed in time, what stayed quarantined too long, and the subscriptions to incidents that
/// are resolved and whose messages were sent.
pub async fn delete_expired(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<u64> {
    let unconfirmed = "delete from subscribers where state = 'unconfirmed' and requested_at <= $1";
    let quarantined = "delete from subscribers where state = 'quarantined' and quarantined_at <= $1";
    let resolved =
        "delete from subscribers where incident_id in (select id from public_incidents where phase = 'resolved')
                      and not exists (select 1 from deliveries d
                                      where d.subscriber_id = subscribers.id and d.done_at is null)
                      and not exists (select 1 from notices n
                                      where n.subject_id = subscribers.incident_id and n.expanded_at is null)";
    Ok(run!(tx, unconfirmed, now - UNCONFIRMED_LIFETIME)?
        + run!(tx, quarantined, now - QUARANTINE_LIFETIME)?
        + run!(tx, resolved)?)
}

fn scope_incident(scope: &Scope) -> Option<&IncidentId> {
    match scope {
        Scope::Incident(id) => Some(id),
        Scope::Page | Scope::Components(_) => None,
    }
}

async fn all_with_components(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Subscriber>> {
    let mut subscribers = Vec::with_capacity(rows.len());
    for row in rows {
        subscribers.push(with_components(tx, row).await?);
    }
    Ok(subscribers)
}

async fn with_components(tx: &mut Tx, row: Row) -> Result<Subscriber> {
    let scope = match &row.incident_id {
        Some(id) => Scope::Incident(IncidentId::parse(id).ok_or_else(|| Error::other("an incident's id"))?),
        None if row.all_components => Scope::Page,
        None => {
            let sql = "select component_id from subscriber_components where subscriber_id = $1 order by component_id";
            let ids = rows!(tx, (String,), sql, row.id.as_str())?;
            Scope::Components(ids.iter().filter_map(|(id,)| ComponentId::parse(id)).collect())
        }
    };
    Ok(Subscriber {
        id: SubscriberId::parse(&row.id).ok_or_else(|| Error::other("a subscriber's id"))?,
        channel: channel_of(&row.channel)?,
        email: row.email,
        endpoint_host: row.endpoint_host,
        scope,
        incidents: IncidentEvents::from_key(&row.incident_events).ok_or_else(|| Error::other("incident events"))?,
        maintenance: row.maintenance_events,
        state: state_of(&row.state)?,
        paused_at: row.paused_at,
        requested_at: row.requested_at,
        confirmed_at: row.confirmed_at,
        consent_version: row.consent_version,
        quarantined_at: row.quarantined_at,
        quarantine_reason: row.quarantine_reason,
        updated_at: row.updated_at,
        version: row.version,
    })
}

pub(super) fn channel_of(key: &str) -> Result<Channel> {
    Channel::from_key(key).ok_or_else(|| Error::other("a subscriber's channel"))
}

fn state_of(key: &str) -> Result<SubscriberState> {
    SubscriberState::from_key(key).ok_or_else(|| Error::other("a subscriber's state"))
}
