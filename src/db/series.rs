//! Recurring maintenances.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::maintenances::{WALL_CLOCK, wall_clock};
use super::{Error, Result, Tx, WriteTx};
use crate::domain::maintenance::Automation;
use crate::domain::recurrence::RecurrenceRule;
use crate::domain::{ComponentId, Series, SeriesId};

/// Limit of recurring maintenances that have not ended: all are listed at once.
const MAX_SERIES: i64 = 200;

#[apply(from_row!)]
struct Row {
    id: String,
    title: String,
    body: String,
    rule: String,
    time_zone: String,
    first_start: String,
    duration_seconds: i64,
    skipped_dates: String,
    remind: bool,
    auto_start: bool,
    auto_complete: bool,
    mark_components: bool,
    last_occurrence: Option<String>,
    extend_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// Loads the series whose ids a query selects, oldest first.
macro_rules! load {
    ($tx:expr, $chosen:expr $(, $value:expr)* $(,)?) => {{
        let series = rows!(
            $tx,
            Row,
            concat!(
                "select id, title, body, rule, time_zone, first_start, duration_seconds, skipped_dates, remind, auto_start,
                        auto_complete, mark_components, last_occurrence, extend_at, created_at, updated_at, version
                 from maintenance_series where id in (", $chosen, ") order by created_at, id"
            )
            $(, $value)*
        )?;
        let components = rows!(
            $tx,
            (String, String),
            concat!(
                "select series_id, component_id from maintenance_series_components
                 where series_id in (", $chosen, ") order by series_id, position"
            )
            $(, $value)*
        )?;
        assemble(series, components)
    }};
}

pub async fn find(tx: &mut Tx, id: &SeriesId) -> Result<Series> {
    load!(tx, "select cast($1 as text)", id.as_str())?.pop().ok_or(Error::NotFound)
}

/// Recurring maintenances that have not ended, oldest first, at most [`MAX_SERIES`].
pub async fn list_active(tx: &mut Tx) -> Result<Vec<Series>> {
    load!(
        tx,
        "select id from maintenance_series where extend_at is not null order by created_at, id limit $1",
        MAX_SERIES
    )
}

/// Adds `series` with its components. `Conflict` if the id is taken, `Full` at the limit.
pub async fn insert(tx: &mut WriteTx, series: &Series) -> Result<()> {
    let going_on = row!(tx, (i64,), "select count(*) from maintenance_series where extend_at is not null")?;
    if going_on.is_some_and(|(count,)| count >= MAX_SERIES) {
        return Err(Error::Full("Limit reached (200 recurring maintenances). Stop one first."));
    }
    run!(
        tx,
        "insert into maintenance_series (id, title, body, rule, time_zone, first_start, duration_seconds, skipped_dates, remind,
                                         auto_start, auto_complete, mark_components, last_occurrence, extend_at,
                                         created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        series.id.as_str(),
        series.title.as_str(),
        series.body.as_str(),
        series.rule.as_str(),
        series.zone.name(),
        series.first_start.format(WALL_CLOCK).to_string(),
        series.length.num_seconds(),
        days(series),
        series.switches.reminds,
        series.switches.starts,
        series.switches.completes,
        series.switches.marks,
        series.made_until.map(|start| start.format(WALL_CLOCK).to_string()),
        series.grows_at,
        series.created_at,
        series.updated_at,
        series.version
    )?;
    insert_components(tx, series).await
}

/// Saves `series` and increments its version. `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, series: &mut Series, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update maintenance_series set title = $1, body = $2, rule = $3, time_zone = $4, first_start = $5,
                                       duration_seconds = $6, skipped_dates = $7, remind = $8, auto_start = $9,
                                       auto_complete = $10, mark_components = $11, last_occurrence = $12,
                                       extend_at = $13, updated_at = $14, version = version + 1
         where id = $15 and version = $16",
        series.title.as_str(),
        series.body.as_str(),
        series.rule.as_str(),
        series.zone.name(),
        series.first_start.format(WALL_CLOCK).to_string(),
        series.length.num_seconds(),
        days(series),
        series.switches.reminds,
        series.switches.starts,
        series.switches.completes,
        series.switches.marks,
        series.made_until.map(|start| start.format(WALL_CLOCK).to_string()),
        series.grows_at,
        now,
        series.id.as_str(),
        series.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the series was changed in the meantime"));
    }
    run!(tx, "delete from maintenance_series_components where series_id = $1", series.id.as_str())?;
    insert_components(tx, series).await?;
    series.version += 1;
    series.updated_at = now;
    Ok(())
}

/// Skips components that were deleted since the series was loaded.
async fn insert_components(tx: &mut WriteTx, series: &Series) -> Result<()> {
    for (position, component) in (1_i64..).zip(&series.components) {
        let sql = "insert into maintenance_series_components (series_id, component_id, position)
                   select $1, id, $2 from components where id = $3";
        run!(tx, sql, series.id.as_str(), position, component.as_str())?;
    }
    Ok(())
}

fn days(series: &Series) -> String {
    let days: Vec<String> = series.skipped.iter().map(NaiveDate::to_string).collect();
    days.join(" ")
}

fn assemble(series: Vec<Row>, components: Vec<(String, String)>) -> Result<Vec<Series>> {
    let mut chosen: HashMap<String, Vec<ComponentId>> = HashMap::new();
    for (series, component) in components {
        let component = ComponentId::parse(&component).ok_or_else(|| Error::other("a component's id"))?;
        chosen.entry(series).or_default().push(component);
    }
    let with_components = |row: Row| {
        let components = chosen.remove(&row.id).unwrap_or_default();
        row.with(components)
    };
    series.into_iter().map(with_components).collect()
}

impl Row {
    fn with(self, components: Vec<ComponentId>) -> Result<Series> {
        let skipped = self.skipped_dates.split_whitespace().map(|day| day.parse().map_err(Error::other));
        Ok(Series {
            id: SeriesId::parse(&self.id).ok_or_else(|| Error::other("a series' id"))?,
            title: self.title,
            body: self.body,
            rule: RecurrenceRule::from_stored(self.rule),
            zone: self.time_zone.parse().map_err(Error::other)?,
            first_start: wall_clock(&self.first_start)?,
            length: TimeDelta::seconds(self.duration_seconds),
            skipped: skipped.collect::<Result<_>>()?,
            switches: Automation {
                reminds: self.remind,
                starts: self.auto_start,
                completes: self.auto_complete,
                marks: self.mark_components,
            },
            components,
            made_until: self.last_occurrence.as_deref().map(wall_clock).transpose()?,
            grows_at: self.extend_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}
