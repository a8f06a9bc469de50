//! The listing: what lists and totals of incidents are answered from, so that none of them costs more where
//! the history is long. It holds one line for each incident in the list of all and one in the list of every
//! component it names, and the sums of the list of all. It follows from the incidents and is written with them;
//! an incident that visitors don't see has no line and no part in the sums.

use chrono::{DateTime, TimeDelta, Utc};

use super::list::{containing, end_of_time};
use super::{Error, Result, Tx, WriteTx};
use crate::domain::history::{Cursor, HistoryFilter, MAX_SEARCHED_INCIDENTS, Totals};
use crate::domain::{ComponentId, Impact, Incident, IncidentId};

/// From (included) and to (not included).
pub type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The condition of a [`HistoryFilter`] on the listing: an empty text stands for "any", and the bounds are always
/// given, so that both databases know the types of their values. The text of an incident is only fetched
/// where one is searched for and all else fits.
macro_rules! matches_filter {
    () => {
        "component_id = $1 and started_at >= $2 and started_at < $3 and ($4 = '' or impact = $4)
         and ($5 = '' or (select search_text from public_incidents where id = incident_index.incident_id) like $5 escape '\\')"
    };
}
pub(super) use matches_filter;

/// The values of a [`HistoryFilter`] as its condition wants them.
pub(super) struct Values {
    pub component: String,
    pub impact: &'static str,
    pub text: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Values {
    pub(super) fn from_filter(filter: &HistoryFilter, bounds: Bounds) -> Self {
        let escaped = |text: &String| containing(&text.to_lowercase());
        Self {
            component: filter.component.as_ref().map(ComponentId::to_string).unwrap_or_default(),
            impact: filter.impact.map_or("", Impact::key),
            text: filter.text.as_ref().map(escaped).unwrap_or_default(),
            from: bounds.0.unwrap_or(DateTime::UNIX_EPOCH),
            to: bounds.1.unwrap_or_else(end_of_time),
        }
    }

    /// The same, with nothing that begins after `cursor`: so the index leads straight to it.
    pub(super) fn up_to(self, cursor: Option<&Cursor>) -> Self {
        let end = cursor.map(|cursor| cursor.started_at + TimeDelta::microseconds(1));
        Self { to: end.map_or(self.to, |end| end.min(self.to)), ..self }
    }
}

/// Count, sum and first start of all incidents that pass `filter` and began within `bounds`, from one query.
///
/// # Errors
/// Where the database can't be read.
pub async fn totals(tx: &mut Tx, filter: &HistoryFilter, bounds: Bounds) -> Result<Totals> {
    if filter.is_all() && bounds == (None, None) {
        return totals_of_all(tx).await;
    }
    let values = Values::from_filter(filter, bounds);
    let row = row!(
        tx,
        (i64, i64, Option<DateTime<Utc>>),
        concat!(
            "select count(*), cast(coalesce(sum(duration_seconds), 0) as bigint), min(started_at)
             from incident_index where ",
            matches_filter!()
        ),
        values.component.as_str(),
        values.from,
        values.to,
        values.impact,
        values.text.as_str()
    )?;
    let (count, seconds, first_started_at) = row.ok_or(Error::NotFound)?;
    Ok(Totals { count, seconds, first_started_at })
}

/// Every publishing asks for these, so they are kept and not counted.
async fn totals_of_all(tx: &mut Tx) -> Result<Totals> {
    let row = row!(tx, (i64, i64), "select incidents, duration_seconds from incident_totals where id = 1")?;
    let (count, seconds) = row.ok_or_else(|| Error::other("the row of totals is missing"))?;
    let first_started_at = first_start_since(tx, DateTime::UNIX_EPOCH).await?;
    Ok(Totals { count, seconds, first_started_at })
}

/// Where a search for the text of `filter` stops: the start of the newest incident within `bounds` at which
/// it does not look any more. Nothing where it looks at all of them.
///
/// # Errors
/// Where the database can't be read.
pub async fn unsearched(tx: &mut Tx, filter: &HistoryFilter, bounds: Bounds) -> Result<Option<DateTime<Utc>>> {
    if filter.text.is_none() {
        return Ok(None);
    }
    let values = Values::from_filter(filter, bounds);
    let sql = "select started_at from incident_index
               where component_id = $1 and started_at >= $2 and started_at < $3 and ($4 = '' or impact = $4)
               order by started_at desc limit 1 offset $5";
    let component = values.component.as_str();
    let row = row!(
        tx,
        (DateTime<Utc>,),
        sql,
        component,
        values.from,
        values.to,
        values.impact,
        MAX_SEARCHED_INCIDENTS as i64
    )?;
    Ok(row.map(|(at,)| at))
}

/// The start of the newest incident that began before `at`.
///
/// # Errors
/// Where the database can't be read.
pub async fn last_start_before(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select started_at from incident_index where component_id = '' and started_at < $1
               order by started_at desc limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

/// The start of the oldest incident that began at or after `at`.
///
/// # Errors
/// Where the database can't be read.
pub async fn first_start_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select started_at from incident_index where component_id = '' and started_at >= $1
               order by started_at limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

/// Writes the lines of `incident` over those it had, and keeps the sums.
pub(super) async fn write(tx: &mut WriteTx, incident: &Incident) -> Result<()> {
    remove(tx, &incident.id).await?;
    add(tx, incident).await
}

/// Writes the lines of `incident`, which has none yet, and keeps the sums.
pub(super) async fn add(tx: &mut WriteTx, incident: &Incident) -> Result<()> {
    if !incident.visibility.is_public() {
        return Ok(());
    }
    let seconds = incident.duration().map(|length| length.num_seconds());
    let named = incident.affected_components().into_iter().map(|(component, _)| component.as_str());
    for list in std::iter::once("").chain(named) {
        let sql = "insert into incident_index (component_id, started_at, incident_id, impact, duration_seconds)
                   values ($1, $2, $3, $4, $5)";
        run!(tx, sql, list, incident.started_at, incident.id.as_str(), incident.impact().key(), seconds)?;
    }
    let sql =
        "update incident_totals set incidents = incidents + 1, duration_seconds = duration_seconds + $1 where id = 1";
    run!(tx, sql, seconds.unwrap_or(0))?;
    Ok(())
}

/// Takes an incident out of every list, and out of the sums.
pub(super) async fn remove(tx: &mut WriteTx, id: &IncidentId) -> Result<()> {
    // All its lines say the same; asked for one list only, SQLite would walk through that list.
    let sql = "update incident_totals set
                 incidents = incidents - (select count(distinct incident_id) from incident_index where incident_id = $1),
                 duration_seconds = duration_seconds - (select coalesce(max(duration_seconds), 0) from incident_index where incident_id = $1)
               where id = 1";
    run!(tx, sql, id.as_str())?;
    run!(tx, "delete from incident_index where incident_id = $1", id.as_str())?;
    Ok(())
}
