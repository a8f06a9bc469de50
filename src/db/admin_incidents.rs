//! Incidents as managers see them: those that visitors don't see yet, or never will, among the others.
//! Nothing in here may be asked for a visitor; that is what [`super::incidents`] is for.

use chrono::{DateTime, Utc};

use super::incidents::{AffectedRow, Row, UpdateRow, assemble, load};
use super::list::{behind, pattern};
use super::{Error, Result, Tx};
use crate::domain::history::Cursor;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, IncidentId, Phase, UpdateId};

/// Loads the incidents whose ids a query chooses, with what is for managers only.
macro_rules! load_all {
    ($tx:expr, $chosen:expr $(, $value:expr)* $(,)?) => {
        load!($tx, from "incidents", "internal_note, reminder_hours,
             (select published_at from postmortems where incident_id = incidents.id) as postmortem_published_at", $chosen $(, $value)*)
    };
}

/// One incident.
///
/// # Errors
/// `NotFound` where there is none.
pub async fn find(tx: &mut Tx, id: &IncidentId) -> Result<Incident> {
    load_all!(tx, "select cast($1 as text)", id.as_str())?.pop().ok_or(Error::NotFound)
}

/// Whether there is an incident `id`.
///
/// # Errors
/// Where the database can't be read.
pub async fn exists(tx: &mut Tx, id: &IncidentId) -> Result<bool> {
    Ok(row!(tx, (i64,), "select cast(1 as bigint) from incidents where id = $1", id.as_str())?.is_some())
}

/// The incident to which the update `id` belongs, if there is such an update.
///
/// # Errors
/// Where the database can't be read.
pub async fn find_incident_of_update(tx: &mut Tx, id: &UpdateId) -> Result<Option<IncidentId>> {
    // One by one: of several at once PostgreSQL walks through a table that grew in this very transaction.
    let row = row!(tx, (String,), "select incident_id from incident_updates where id = $1", id.as_str())?;
    Ok(row.and_then(|(incident,)| IncidentId::parse(&incident)))
}

/// The id of the incident or maintenance whose entry in feeds has `feed_id`, if one has it.
///
/// # Errors
/// Where the database can't be read.
pub async fn find_by_feed_id(tx: &mut Tx, feed_id: &str) -> Result<Option<String>> {
    let sql = "select id from incidents where feed_id = $1 union all select id from maintenances where feed_id = $1";
    Ok(row!(tx, (String,), sql, feed_id)?.map(|(id,)| id))
}

/// At most `limit` open incidents, newest start first, behind `cursor` where one is given.
///
/// # Errors
/// Where the database can't be read.
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

/// The open incidents of the `window` (how many are left out, how many follow) that visitors see, newest start first.
///
/// # Errors
/// Where the database can't be read.
pub async fn list_public_open(tx: &mut Tx, window: (i64, i64)) -> Result<Vec<Incident>> {
    load_all!(
        tx,
        "select id from incidents where phase <> 'resolved' and visibility = 'public'
         order by started_at desc, id desc limit $2 offset $1",
        window.0,
        window.1
    )
}

/// At most `limit` incidents, newest start first, behind `cursor` where one is given.
///
/// # Errors
/// Where the database can't be read.
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

/// At most `limit` incidents that pass `search`, newest start first, behind `cursor` where one is given.
///
/// # Errors
/// Where the database can't be read.
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

/// The ids of the window from $2, of $3, of public incidents and maintenances together, the newest first, whose
/// texts are like $1.
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

/// Those public incidents of the `window` (how many are left out, how many follow) of incidents and maintenances
/// together whose texts hold `text`, the newest first.
///
/// # Errors
/// Where the database can't be read.
pub async fn incidents_in_page(tx: &mut Tx, text: &str, window: (i64, i64)) -> Result<Vec<Incident>> {
    let text = pattern(text);
    load_all!(tx, chosen_events!(), text.as_str(), window.0, window.1)
}

/// The embargoed incidents that visitors may see from `now` on, the earliest first, at most 100.
///
/// # Errors
/// Where the database can't be read.
pub async fn list_due_embargoes(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<IncidentId>> {
    let sql = "select id from incidents where visibility = 'embargoed' and publish_at <= $1
               order by publish_at, id limit 100";
    let rows = rows!(tx, (String,), sql, now)?;
    Ok(rows.iter().filter_map(|(id,)| IncidentId::parse(id)).collect())
}

/// The place of an incident in a list of them.
pub fn incident_cursor(incident: &Incident) -> Option<Cursor> {
    Some(Cursor { started_at: incident.started_at, id: incident.id.clone() })
}
