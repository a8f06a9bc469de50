//! The incident index, which answers lists and totals at a cost independent of the history's length.
//!
//! Each public incident has one row in the list of all incidents (an empty `component_id`), one row in the list of each
//! component that it names, and a part in the totals. All are written together with the incident.

use chrono::{DateTime, TimeDelta, Utc};

use super::list::{containing, end_of_time};
use super::{Error, Result, Tx, WriteTx};
use crate::domain::history::{Cursor, HistoryFilter, MAX_SEARCHED_INCIDENTS, Totals};
use crate::domain::{ComponentId, Impact, Incident, IncidentId};

/// From (inclusive) and to (exclusive).
pub type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The condition of a [`HistoryFilter`]. An empty text means "any"; bounds are always bound, because PostgreSQL must
/// know the types of all values. An incident's text is fetched only if all other conditions match.
macro_rules! matches_filter {
    () => {
        "component_id = $1 and started_at >= $2 and started_at < $3 and ($4 = '' or impact = $4)
         and ($5 = '' or (select search_text from public_incidents where id = incident_index.incident_id) like $5 escape '\\')"
    };
}
pub(super) use matches_filter;

/// The values to bind in `matches_filter`.
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

    /// Lowers the upper bound to `cursor`, so that the query starts there in the index.
    pub(super) fn up_to(self, cursor: Option<&Cursor>) -> Self {
        let end = cursor.map(|cursor| cursor.started_at + TimeDelta::microseconds(1));
        Self { to: end.map_or(self.to, |end| end.min(self.to)), ..self }
    }
}

/// Totals of the incidents that match `filter` and began within `bounds`.
pub async fn totals(tx: &mut Tx, filter: &HistoryFilter, bounds: Bounds) -> Result<Totals> {
    if filter.is_all() && bounds == (None, None) {
        return totals_of_all(tx).await;
    }
    let values = Values::from_filter(filter, bounds);
    let Values { component, impact, text, from, to } = &values;
    let (component, impact, text, from, to) = (component.as_str(), *impact, text.as_str(), *from, *to);
    let row = row!(
        tx,
        (i64, i64, i64, Option<DateTime<Utc>>),
        concat!(
            "select count(*), count(*) - count(duration_seconds),
                    cast(coalesce(sum(duration_seconds), 0) as bigint), min(started_at)
             from incident_index where ",
            matches_filter!()
        ),
        component,
        from,
        to,
        impact,
        text
    )?;
    let (count, open, resolved_seconds, first_started_at) = row.ok_or(Error::NotFound)?;
    let totals = Totals { count, resolved_seconds, first_started_at, ..Totals::default() };
    if open == 0 {
        return Ok(totals);
    }
    let starts = rows!(
        tx,
        (DateTime<Utc>,),
        concat!("select started_at from incident_index where ", matches_filter!(), " and duration_seconds is null"),
        component,
        from,
        to,
        impact,
        text
    )?;
    Ok(totals.with_open(starts.into_iter().map(|(at,)| at)))
}

/// Every publish reads these totals, so they are stored.
async fn totals_of_all(tx: &mut Tx) -> Result<Totals> {
    let row = row!(tx, (i64, i64), "select incidents, duration_seconds from incident_totals where id = 1")?;
    let (count, resolved_seconds) = row.ok_or_else(|| Error::other("the row of totals is missing"))?;
    let first_started_at = first_start_since(tx, DateTime::UNIX_EPOCH).await?;
    let open = rows!(tx, (DateTime<Utc>,), "select started_at from public_incidents where phase <> 'resolved'")?;
    let totals = Totals { count, resolved_seconds, first_started_at, ..Totals::default() };
    Ok(totals.with_open(open.into_iter().map(|(at,)| at)))
}

/// Where a text search stops: the start of the newest incident within `bounds` beyond the search limit, or `None` if
/// the search covers all.
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

pub async fn last_start_before(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select started_at from incident_index where component_id = '' and started_at < $1
               order by started_at desc limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

pub async fn first_start_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select started_at from incident_index where component_id = '' and started_at >= $1
               order by started_at limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

/// Replaces the rows of `incident` and updates the totals.
pub(super) async fn write(tx: &mut WriteTx, incident: &Incident) -> Result<()> {
    remove(tx, &incident.id).await?;
    add(tx, incident).await
}

/// As `write`, for an incident without rows.
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

pub(super) async fn remove(tx: &mut WriteTx, id: &IncidentId) -> Result<()> {
    // All rows of an incident have the same duration. A condition on one list would make SQLite scan that list.
    let sql = "update incident_totals set
                 incidents = incidents - (select count(distinct incident_id) from incident_index where incident_id = $1),
                 duration_seconds = duration_seconds - (select coalesce(max(duration_seconds), 0) from incident_index where incident_id = $1)
               where id = 1";
    run!(tx, sql, id.as_str())?;
    run!(tx, "delete from incident_index where incident_id = $1", id.as_str())?;
    Ok(())
}
