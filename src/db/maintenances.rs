//! Scheduled maintenances with their components and updates.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use macro_rules_attribute::apply;

use super::admin_incidents::chosen_events;
use super::list::{behind, end_of_time, pattern};
use super::{Error, Result, Tx, WriteTx, api_metadata};
use crate::domain::history::Cursor;
use crate::domain::maintenance::{Automation, Occurrence, PlannedComponent};
use crate::domain::{
    AffectedComponent, ComponentId, Impact, Maintenance, MaintenanceId, MaintenancePhase, MaintenanceUpdate, SeriesId,
    Status, Update, UpdateId,
};

/// Limit for planned and ongoing maintenances.
const MAX_PLANNED: i64 = 200;
/// The stored form of a local start time.
pub(super) const WALL_CLOCK: &str = "%Y-%m-%dT%H:%M:%S";

#[apply(from_row!)]
struct Row {
    id: String,
    title: String,
    scheduled_for: DateTime<Utc>,
    scheduled_until: DateTime<Utc>,
    time_zone: String,
    phase: String,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    remind: bool,
    auto_start: bool,
    auto_complete: bool,
    mark_components: bool,
    remind_at: Option<DateTime<Utc>>,
    series_id: Option<String>,
    occurrence: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
    impact_override: Option<String>,
}

#[apply(from_row!)]
struct ComponentRow {
    maintenance_id: String,
    component_id: String,
    name: String,
}

#[apply(from_row!)]
struct UpdateRow {
    id: String,
    maintenance_id: String,
    phase: String,
    body: String,
    posted_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
    version: i64,
}

#[apply(from_row!)]
struct AffectedRow {
    update_id: String,
    component_id: String,
    name: String,
    status: String,
}

/// Loads the maintenances whose ids a query selects, latest start first, always in four statements.
macro_rules! load {
    ($tx:expr, $chosen:expr $(, $value:expr)* $(,)?) => {{
        let maintenances = rows!(
            $tx,
            Row,
            concat!(
                "select id, title, scheduled_for, scheduled_until, time_zone, phase, started_at, ended_at, remind,
                        auto_start, auto_complete, mark_components, remind_at, series_id, occurrence,
                        created_at, updated_at, version, impact_override
                 from maintenances where id in (", $chosen, ") order by scheduled_for desc, id desc"
            )
            $(, $value)*
        )?;
        let components = rows!(
            $tx,
            ComponentRow,
            concat!(
                "select maintenance_id, component_id, name
                 from maintenance_components where maintenance_id in (", $chosen, ") order by maintenance_id, position"
            )
            $(, $value)*
        )?;
        let updates = rows!(
            $tx,
            UpdateRow,
            concat!(
                "select id, maintenance_id, phase, body, posted_at, created_at, edited_at, version
                 from maintenance_updates where maintenance_id in (", $chosen, ") order by posted_at, created_at, position"
            )
            $(, $value)*
        )?;
        let affected = rows!(
            $tx,
            AffectedRow,
            concat!(
                "select c.update_id, c.component_id, c.name, c.status
                 from maintenance_update_components c join maintenance_updates u on u.id = c.update_id
                 where u.maintenance_id in (", $chosen, ") order by c.update_id, c.position"
            )
            $(, $value)*
        )?;
        assemble(maintenances, components, updates, affected)
    }};
}

pub async fn find(tx: &mut Tx, id: &MaintenanceId) -> Result<Maintenance> {
    load!(tx, "select cast($1 as text)", id.as_str())?.pop().ok_or(Error::NotFound)
}

pub async fn exists(tx: &mut Tx, id: &MaintenanceId) -> Result<bool> {
    Ok(row!(tx, (i64,), "select cast(1 as bigint) from maintenances where id = $1", id.as_str())?.is_some())
}

pub async fn find_maintenance_of_update(tx: &mut Tx, id: &UpdateId) -> Result<Option<MaintenanceId>> {
    let row = row!(tx, (String,), "select maintenance_id from maintenance_updates where id = $1", id.as_str())?;
    Ok(row.and_then(|(maintenance,)| MaintenanceId::parse(&maintenance)))
}

/// Planned and ongoing maintenances, soonest start first, at most 200.
pub async fn list_planned(tx: &mut Tx) -> Result<Vec<Maintenance>> {
    let mut planned = load!(
        tx,
        "select id from maintenances where phase in ('scheduled', 'in_progress', 'verifying')
         order by scheduled_for, id limit $1",
        MAX_PLANNED
    )?;
    planned.reverse();
    Ok(planned)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedKind {
    All,
    ToCome,
    GoingOn,
}

/// Planned and ongoing maintenances, soonest start first. `window` is (offset, limit).
pub async fn planned_in_page(tx: &mut Tx, which: PlannedKind, window: (i64, i64)) -> Result<Vec<Maintenance>> {
    let (to_come, going_on) = match which {
        PlannedKind::All => (1_i64, 1_i64),
        PlannedKind::ToCome => (1, 0),
        PlannedKind::GoingOn => (0, 1),
    };
    let mut planned = load!(
        tx,
        "select id from maintenances where phase in ('scheduled', 'in_progress', 'verifying')
                and case phase when 'scheduled' then $1 else $2 end = 1
         order by scheduled_for, id limit $4 offset $3",
        to_come,
        going_on,
        window.0,
        window.1
    )?;
    planned.reverse();
    Ok(planned)
}

/// Completed and cancelled maintenances with a planned end after `since`, latest start first. Above `limit`, keeps the
/// latest planned ends.
pub async fn list_completed_since(tx: &mut Tx, since: DateTime<Utc>, limit: i64) -> Result<Vec<Maintenance>> {
    load!(
        tx,
        "select id from maintenances where phase in ('completed', 'cancelled') and scheduled_until > $1
         order by scheduled_until desc, id desc limit $2",
        since,
        limit
    )
}

/// As [`list_completed_since`], without cancelled maintenances that were to begin after `now`, so that these don't
/// use up `limit`.
pub async fn list_past_since(
    tx: &mut Tx,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Maintenance>> {
    load!(
        tx,
        "select id from maintenances where phase in ('completed', 'cancelled') and scheduled_until > $1
           and (phase = 'completed' or scheduled_for <= $2)
         order by scheduled_until desc, id desc limit $3",
        since,
        now,
        limit
    )
}

/// Cancelled maintenances with a planned start after `now`, latest start first. Above `limit`, keeps the soonest.
pub async fn list_cancelled(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Maintenance>> {
    load!(
        tx,
        "select id from maintenances where phase = 'cancelled' and scheduled_for > $1
         order by scheduled_for, id limit $2",
        now,
        limit
    )
}

/// Latest start first.
pub async fn list(tx: &mut Tx, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<Maintenance>> {
    let (before, id) = behind(cursor);
    load!(
        tx,
        "select id from maintenances where (scheduled_for, id) < ($1, $2)
         order by scheduled_for desc, id desc limit $3",
        before,
        id,
        limit
    )
}

/// Maintenances with a start within `span` (from inclusive, to exclusive), latest scheduled start first. The start is
/// the actual one once begun. Above `limit`, keeps the latest starts.
pub async fn list_within(
    tx: &mut Tx,
    span: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    limit: i64,
) -> Result<Vec<Maintenance>> {
    load!(
        tx,
        "select id from maintenances
         where coalesce(started_at, scheduled_for) >= $1 and coalesce(started_at, scheduled_for) < $2
         order by coalesce(started_at, scheduled_for) desc, id desc limit $3",
        span.0.unwrap_or(DateTime::UNIX_EPOCH),
        span.1.unwrap_or_else(end_of_time),
        limit
    )
}

/// Maintenances that ended within `span` (from inclusive, to exclusive). Above `limit`, keeps the latest ends.
pub async fn ended_within(tx: &mut Tx, span: (DateTime<Utc>, DateTime<Utc>), limit: i64) -> Result<Vec<Maintenance>> {
    load!(
        tx,
        "select id from maintenances where ended_at >= $1 and ended_at < $2 order by ended_at desc, id desc limit $3",
        span.0,
        span.1,
        limit
    )
}

/// The first end of a maintenance.
pub async fn earliest_end(tx: &mut Tx) -> Result<Option<DateTime<Utc>>> {
    let sql = "select ended_at from maintenances where ended_at is not null order by ended_at limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql)?.map(|(at,)| at))
}

/// The maintenances on one page of public incidents and maintenances whose texts contain `text`, newest first. `window`
/// is (offset, limit).
pub async fn maintenances_in_page(tx: &mut Tx, text: &str, window: (i64, i64)) -> Result<Vec<Maintenance>> {
    let text = pattern(text);
    load!(tx, chosen_events!(), text.as_str(), window.0, window.1)
}

/// The latest start before `at`, the actual one once begun.
pub async fn last_start_before(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select coalesce(started_at, scheduled_for) from maintenances
               where coalesce(started_at, scheduled_for) < $1
               order by coalesce(started_at, scheduled_for) desc limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

/// The earliest start at or after `at`, the actual one once begun.
pub async fn first_start_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "select coalesce(started_at, scheduled_for) from maintenances
               where coalesce(started_at, scheduled_for) >= $1
               order by coalesce(started_at, scheduled_for) limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql, at)?.map(|(at,)| at))
}

/// The next occurrence of a recurring maintenance.
pub async fn find_next_occurrence(tx: &mut Tx, series: &SeriesId) -> Result<Option<Maintenance>> {
    let found = load!(
        tx,
        "select id from maintenances where series_id = $1 and phase = 'scheduled'
         order by scheduled_for desc, id desc limit 1",
        series.as_str()
    )?;
    Ok(found.into_iter().next())
}

/// Fails with `Conflict` if an id is taken.
pub async fn insert(tx: &mut WriteTx, maintenance: &Maintenance) -> Result<()> {
    run!(
        tx,
        "insert into maintenances (id, title, phase, scheduled_for, scheduled_until, time_zone, started_at, ended_at, remind,
                                   auto_start, auto_complete, mark_components, remind_at, series_id, occurrence,
                                   search_text, created_at, updated_at, version, impact_override)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        maintenance.id.as_str(),
        maintenance.title.as_str(),
        maintenance.phase.key(),
        maintenance.scheduled_for,
        maintenance.scheduled_until,
        maintenance.zone.name(),
        maintenance.started_at,
        maintenance.ended_at,
        maintenance.switches.reminds,
        maintenance.switches.starts,
        maintenance.switches.completes,
        maintenance.switches.marks,
        maintenance.remind_at,
        maintenance.occurrence.as_ref().map(|it| it.series_id.as_str()),
        maintenance.occurrence.as_ref().map(|it| it.start.format(WALL_CLOCK).to_string()),
        search_text(maintenance),
        maintenance.created_at,
        maintenance.updated_at,
        maintenance.version,
        maintenance.impact_override.map(Impact::key)
    )?;
    insert_parts(tx, maintenance).await
}

/// Saves `maintenance` with all its parts and increments its version. `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, maintenance: &mut Maintenance, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update maintenances set title = $1, phase = $2, scheduled_for = $3, scheduled_until = $4, time_zone = $5,
                                 started_at = $6, ended_at = $7, remind = $8, auto_start = $9,
                                 auto_complete = $10, mark_components = $11, remind_at = $12, series_id = $13,
                                 occurrence = $14, search_text = $15, updated_at = $16,
                                 impact_override = $17, version = version + 1
         where id = $18 and version = $19",
        maintenance.title.as_str(),
        maintenance.phase.key(),
        maintenance.scheduled_for,
        maintenance.scheduled_until,
        maintenance.zone.name(),
        maintenance.started_at,
        maintenance.ended_at,
        maintenance.switches.reminds,
        maintenance.switches.starts,
        maintenance.switches.completes,
        maintenance.switches.marks,
        maintenance.remind_at,
        maintenance.occurrence.as_ref().map(|it| it.series_id.as_str()),
        maintenance.occurrence.as_ref().map(|it| it.start.format(WALL_CLOCK).to_string()),
        search_text(maintenance),
        now,
        maintenance.impact_override.map(Impact::key),
        maintenance.id.as_str(),
        maintenance.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the maintenance was changed in the meantime"));
    }
    run!(tx, "delete from maintenance_updates where maintenance_id = $1", maintenance.id.as_str())?;
    run!(tx, "delete from maintenance_components where maintenance_id = $1", maintenance.id.as_str())?;
    run!(tx, "delete from maintenance_intervals where maintenance_id = $1", maintenance.id.as_str())?;
    insert_parts(tx, maintenance).await?;
    maintenance.version += 1;
    maintenance.updated_at = now;
    Ok(())
}

/// Deletes a maintenance; the audit log keeps its content.
pub async fn delete(tx: &mut WriteTx, id: &MaintenanceId) -> Result<()> {
    api_metadata::delete(tx, id.as_str()).await?;
    run!(tx, "delete from maintenances where id = $1", id.as_str())?;
    Ok(())
}

async fn insert_parts(tx: &mut WriteTx, maintenance: &Maintenance) -> Result<()> {
    let id = maintenance.id.as_str();
    for (position, component) in (1_i64..).zip(&maintenance.components) {
        let sql = "insert into maintenance_components (maintenance_id, component_id, name, position)
                   values ($1, $2, $3, $4)";
        run!(tx, sql, id, component.id.as_str(), component.name.as_str(), position)?;
    }
    for (position, update) in (1_i64..).zip(&maintenance.updates) {
        insert_update(tx, &maintenance.id, update, position).await?;
    }
    for effect in maintenance.status_intervals() {
        let sql = "insert into maintenance_intervals (maintenance_id, component_id, started_at, ended_at)
                   values ($1, $2, $3, $4)
                   on conflict (maintenance_id, component_id, started_at) do update set ended_at = excluded.ended_at";
        run!(tx, sql, id, effect.component_id.as_str(), effect.from, effect.to)?;
    }
    Ok(())
}

async fn insert_update(
    tx: &mut WriteTx,
    maintenance: &MaintenanceId,
    update: &MaintenanceUpdate,
    position: i64,
) -> Result<()> {
    run!(
        tx,
        "insert into maintenance_updates (id, maintenance_id, phase, body, posted_at, created_at, edited_at, version,
                                          position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        update.id.as_str(),
        maintenance.as_str(),
        update.phase.key(),
        update.body.as_str(),
        update.posted_at,
        update.created_at,
        update.edited_at,
        update.version,
        position
    )?;
    for (position, component) in (1_i64..).zip(&update.components) {
        let sql = "insert into maintenance_update_components (update_id, component_id, name, status, position)
                   values ($1, $2, $3, $4, $5)";
        let (id, name) = (component.id.as_str(), component.name.as_str());
        run!(tx, sql, update.id.as_str(), id, name, component.status.key(), position)?;
    }
    Ok(())
}

/// The cursor for [`list`].
pub fn cursor(maintenance: &Maintenance) -> Option<Cursor> {
    Cursor::at(maintenance.scheduled_for, maintenance.id.as_str())
}

/// Title and update texts in lower case.
fn search_text(maintenance: &Maintenance) -> String {
    let bodies = maintenance.updates.iter().map(|update| update.body.as_str());
    let parts: Vec<&str> = std::iter::once(maintenance.title.as_str()).chain(bodies).collect();
    parts.join("\n").to_lowercase()
}

/// Joins the loaded rows and keeps the order of the maintenances.
fn assemble(
    maintenances: Vec<Row>,
    components: Vec<ComponentRow>,
    updates: Vec<UpdateRow>,
    affected: Vec<AffectedRow>,
) -> Result<Vec<Maintenance>> {
    let mut named: HashMap<String, Vec<AffectedComponent>> = HashMap::new();
    for row in affected {
        named.entry(row.update_id.clone()).or_default().push(row.try_into()?);
    }
    let mut said: HashMap<String, Vec<MaintenanceUpdate>> = HashMap::new();
    for row in updates {
        let components = named.remove(&row.id).unwrap_or_default();
        said.entry(row.maintenance_id.clone()).or_default().push(row.with(components)?);
    }
    let mut planned: HashMap<String, Vec<PlannedComponent>> = HashMap::new();
    for row in components {
        planned.entry(row.maintenance_id.clone()).or_default().push(row.try_into()?);
    }
    let with_parts = |row: Row| {
        let (planned, said) = (planned.remove(&row.id), said.remove(&row.id));
        row.with(planned.unwrap_or_default(), said.unwrap_or_default())
    };
    maintenances.into_iter().map(with_parts).collect()
}

impl Row {
    fn with(self, components: Vec<PlannedComponent>, updates: Vec<MaintenanceUpdate>) -> Result<Maintenance> {
        let occurrence = match (&self.series_id, &self.occurrence) {
            (Some(series), Some(start)) => Some(Occurrence {
                series_id: SeriesId::parse(series).ok_or_else(|| Error::other("a series' id"))?,
                start: wall_clock(start)?,
            }),
            _ => None,
        };
        Ok(Maintenance {
            id: MaintenanceId::parse(&self.id).ok_or_else(|| Error::other("a maintenance's id"))?,
            title: self.title,
            phase: phase(&self.phase)?,
            scheduled_for: self.scheduled_for,
            scheduled_until: self.scheduled_until,
            zone: self.time_zone.parse().map_err(Error::other)?,
            started_at: self.started_at,
            ended_at: self.ended_at,
            switches: Automation {
                reminds: self.remind,
                starts: self.auto_start,
                completes: self.auto_complete,
                marks: self.mark_components,
            },
            remind_at: self.remind_at,
            components,
            occurrence,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
            impact_override: match self.impact_override {
                Some(key) => Some(Impact::from_key(&key).ok_or_else(|| Error::other("a maintenance's impact"))?),
                None => None,
            },
            updates,
        })
    }
}

impl UpdateRow {
    fn with(self, components: Vec<AffectedComponent>) -> Result<MaintenanceUpdate> {
        Ok(Update {
            id: UpdateId::parse(&self.id).ok_or_else(|| Error::other("an update's id"))?,
            phase: phase(&self.phase)?,
            body: self.body,
            posted_at: self.posted_at,
            created_at: self.created_at,
            edited_at: self.edited_at,
            version: self.version,
            components,
        })
    }
}

/// Parses a stored local start time.
pub(super) fn wall_clock(text: &str) -> Result<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, WALL_CLOCK).map_err(Error::other)
}

fn phase(key: &str) -> Result<MaintenancePhase> {
    MaintenancePhase::from_key(key).ok_or_else(|| Error::other("a maintenance's phase"))
}

fn component(id: &str) -> Result<ComponentId> {
    ComponentId::parse(id).ok_or_else(|| Error::other("a component's id"))
}

impl TryFrom<ComponentRow> for PlannedComponent {
    type Error = Error;

    fn try_from(row: ComponentRow) -> Result<Self> {
        Ok(Self { id: component(&row.component_id)?, name: row.name })
    }
}

impl TryFrom<AffectedRow> for AffectedComponent {
    type Error = Error;

    fn try_from(row: AffectedRow) -> Result<Self> {
        let status = Status::from_key(&row.status).ok_or_else(|| Error::other("a component's status"))?;
        Ok(Self { id: component(&row.component_id)?, name: row.name, status })
    }
}
