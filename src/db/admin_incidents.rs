//! Incidents as managers see them, including hidden ones. Never use these queries for visitors; use those in
//! [`super::incidents`].

use chrono::{DateTime, Utc};

use super::incidents::{AffectedRow, Row, UpdateRow, assemble, load};
use super::list::{behind, pattern};
use super::{Error, Result, Tx};
use crate::domain::history::Cursor;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, IncidentId, Phase, UpdateId};

/// Loads the incidents whose ids a query selects, with their manager-only columns.
macro_rules! load_all {
    ($tx:expr, $chosen:expr $(, $value:expr)* $(,)?) => {
        load!($tx, from "incidents", "internal_note, reminder,
             (select published_at from postmortems where incident_id = incidents.id) as postmortem_published_at", $chosen $(, $value)*)
    };
}

pub async fn find(tx: &mut Tx, id: &IncidentId) -> Result<Incident> {
    load_all!(tx, "select cast($1 as text)", id.as_str())?.pop().ok_or(Error::NotFound)
}

pub async fn exists(tx: &mut Tx, id: &IncidentId) -> Result<bool> {
    Ok(row!(tx, (i64,), "select cast(1 as bigint) from incidents where id = $1", id.as_str())?.is_some())
}

pub async fn find_incident_of_update(tx: &mut Tx, id: &UpdateId) -> Result<Option<IncidentId>> {
    // Don't batch these: for several ids at once PostgreSQL scans the table if it grew in the same transaction.
    let row = row!(tx, (String,), "select incident_id from incident_updates where id = $1", id.as_str())?;
    Ok(row.and_then(|(incident,)| IncidentId::parse(&incident)))
}

pub async fn find_by_feed_id(tx: &mut Tx, feed_id: &str) -> Result<Option<String>> {
    let sql = "select id from incidents where feed_id = $1 union all select id from maintenances where feed_id = $1";
    Ok(row!(tx, (String,), sql, feed_id)?.map(|(id,)| id))
}

pub async fn list_open(tx: &mut Tx, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<Incident>> {
    let (before, id) = behind(cursor);
    load_all!(
        tx,
        "select id from incidents where phase <> 'resolved' and (started_at, id) < ($1, $2)
         order by started_at desc, id desc limit $3",
        before,
        id,
        limit
    )
}

/// Whether there is an incident that only managers see.
pub async fn has_internal(tx: &mut Tx) -> Result<bool> {
    let row = row!(tx, (i64,), "select count(*) from incidents where visibility = 'internal'")?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

pub async fn count_open(tx: &mut Tx) -> Result<i64> {
    let count = row!(tx, (i64,), "select count(*) from incidents where phase <> 'resolved'")?;
    Ok(count.map_or(0, |(count,)| count))
}

/// Open incidents that visitors see, newest start first. `window` is (offset, limit).
pub async fn list_public_open(tx: &mut Tx, window: (i64, i64)) -> Result<Vec<Incident>> {
    load_all!(
        tx,
        "select id from incidents where phase <> 'resolved' and visibility = 'public'
         order by started_at desc, id desc limit $2 offset $1",
        window.0,
        window.1
    )
}

pub async fn list(tx: &mut Tx, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<Incident>> {
    let (before, id) = behind(cursor);
    load_all!(
        tx,
        "select id from incidents where (started_at, id) < ($1, $2) order by started_at desc, id desc limit $3",
        before,
        id,
        limit
    )
}

/// Incidents that match `search`, newest start first.
pub async fn search(
    tx: &mut Tx,
    search: &IncidentSearch,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Incident>> {
    let (before, id) = behind(cursor);
    let text = pattern(&search.text);
    load_all!(
        tx,
        "select id from incidents
         where (started_at, id) < ($1, $2) and ($3 = '' or search_text like $3 escape '\\') and ($4 = '' or phase = $4)
               and ($5 = '' or visibility = $5)
         order by started_at desc, id desc limit $6",
        before,
        id,
        text.as_str(),
        search.phase.map_or("", Phase::key),
        search.visibility.unwrap_or_default(),
        limit
    )
}

/// Selects ids of public incidents and of maintenances together, newest first: `like` pattern $1, offset $2, limit $3.
macro_rules! chosen_events {
    () => {
        "select id from (
           select id, created_at from incidents where visibility = 'public' and ($1 = '' or search_text like $1 escape '\\')
           union all
           select id, created_at from maintenances where ($1 = '' or search_text like $1 escape '\\')
           order by created_at desc, id desc limit $3 offset $2) as events"
    };
}
pub(super) use chosen_events;

/// The incidents on one page of public incidents and maintenances whose texts contain `text`, newest first. `window` is
/// (offset, limit).
pub async fn incidents_in_page(tx: &mut Tx, text: &str, window: (i64, i64)) -> Result<Vec<Incident>> {
    let text = pattern(text);
    load_all!(tx, chosen_events!(), text.as_str(), window.0, window.1)
}

/// Embargoed incidents that are due for publication, earliest first, at most 100.
pub async fn list_due_embargoes(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<IncidentId>> {
    let sql = "select id from incidents where visibility = 'embargoed' and publish_at <= $1
               order by publish_at, id limit 100";
    let rows = rows!(tx, (String,), sql, now)?;
    Ok(rows.iter().filter_map(|(id,)| IncidentId::parse(id)).collect())
}

/// When the next embargo ends.
pub async fn find_next_embargo(tx: &mut Tx) -> Result<Option<DateTime<Utc>>> {
    let sql = "select min(publish_at) from incidents where visibility = 'embargoed'";
    Ok(row!(tx, (Option<DateTime<Utc>>,), sql)?.and_then(|(at,)| at))
}

pub fn incident_cursor(incident: &Incident) -> Option<Cursor> {
    Some(Cursor { started_at: incident.started_at, id: incident.id.clone() })
}
