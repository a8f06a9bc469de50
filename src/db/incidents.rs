//! Incidents as visitors see them, with updates and affected components, and all writes. Every read uses the public
//! views; managers' queries are in [`super::admin_incidents`].

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::incident_index::{self, Bounds, Values, matches_filter};
pub use super::incident_index::{first_start_since, last_start_before, totals, unsearched};
use super::list::behind;
use super::{Error, Result, Tx, WriteTx, api_metadata};
use crate::domain::history::{Cursor, HistoryFilter, IncidentLink, Neighbours};
use crate::domain::{
    AffectedComponent, ComponentId, Impact, Incident, IncidentId, Phase, Reminder, Status, Update, UpdateId, Visibility,
};

#[apply(from_row!)]
pub(super) struct Row {
    id: String,
    title: String,
    computed_impact: String,
    impact_override: Option<String>,
    phase: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    detected_by: Option<String>,
    internal_note: Option<String>,
    visibility: String,
    publish_at: Option<DateTime<Utc>>,
    reminder: Option<String>,
    next_update_at: Option<DateTime<Utc>>,
    postmortem_published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[apply(from_row!)]
pub(super) struct UpdateRow {
    id: String,
    incident_id: String,
    phase: String,
    body: String,
    posted_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
    version: i64,
}

#[apply(from_row!)]
pub(super) struct AffectedRow {
    update_id: String,
    component_id: String,
    name: String,
    status: String,
}

/// Loads the incidents whose ids a query selects, newest start first, always in three statements. Public views have no
/// manager-only columns.
macro_rules! load {
    ($tx:expr, $chosen:expr $(, $value:expr)* $(,)?) => {
        load!(
            $tx, from "public_incidents", "cast(null as text) as internal_note, cast(null as text) as reminder, postmortem_published_at",
            $chosen $(, $value)*
        )
    };
    ($tx:expr, from $table:literal, $for_managers:literal, $chosen:expr $(, $value:expr)* $(,)?) => {{
        let incidents = rows!(
            $tx,
            Row,
            concat!(
                "select id, title, computed_impact, impact_override, phase, started_at, ended_at, detected_by,
                        visibility, publish_at, next_update_at, created_at, updated_at, version, ", $for_managers,
                " from ", $table, " where id in (", $chosen, ") order by started_at desc, id desc"
            )
            $(, $value)*
        )?;
        let updates = rows!(
            $tx,
            UpdateRow,
            concat!(
                "select id, incident_id, phase, body, posted_at, created_at, edited_at, version
                 from incident_updates where incident_id in (", $chosen, ") order by posted_at, created_at, id"
            )
            $(, $value)*
        )?;
        let affected = rows!(
            $tx,
            AffectedRow,
            concat!(
                "select c.update_id, c.component_id, c.name, c.status
                 from incident_update_components c join incident_updates u on u.id = c.update_id
                 where u.incident_id in (", $chosen, ") order by c.update_id, c.position"
            )
            $(, $value)*
        )?;
        assemble(incidents, updates, affected)
    }};
}
pub(super) use load;

/// Fails with `NotFound` for incidents that visitors can't see.
pub async fn find(tx: &mut Tx, id: &IncidentId) -> Result<Incident> {
    load!(tx, "select id from public_incidents where id = $1", id.as_str())?.pop().ok_or(Error::NotFound)
}

/// The public incidents that began just before and just after another one.
pub async fn neighbours(tx: &mut Tx, incident: &Incident) -> Result<Neighbours> {
    let (at, id) = (incident.started_at, incident.id.as_str());
    let older = "select id, title, started_at, ended_at from public_incidents where id = (
                   select incident_id from incident_index
                   where component_id = '' and (started_at, incident_id) < ($1, $2)
                   order by started_at desc, incident_id desc limit 1)";
    let newer = "select id, title, started_at, ended_at from public_incidents where id = (
                   select incident_id from incident_index
                   where component_id = '' and (started_at, incident_id) > ($1, $2)
                   order by started_at, incident_id limit 1)";
    let link = |(id, title, started_at, ended_at): LinkRow| {
        let id = IncidentId::parse(&id).ok_or_else(|| Error::other("an incident's id"))?;
        Ok::<_, Error>(IncidentLink { id, title, started_at, ended_at })
    };
    let older = row!(tx, LinkRow, older, at, id)?.map(link).transpose()?;
    let newer = row!(tx, LinkRow, newer, at, id)?.map(link).transpose()?;
    Ok(Neighbours { older, newer })
}

type LinkRow = (String, String, DateTime<Utc>, Option<DateTime<Utc>>);

/// At most 100, newest start first.
pub async fn list_open(tx: &mut Tx) -> Result<Vec<Incident>> {
    load!(tx, "select id from public_incidents where phase <> 'resolved' order by started_at desc, id desc limit 100")
}

/// Incidents that match `filter` and began within `bounds`, newest start first.
pub async fn list(
    tx: &mut Tx,
    filter: &HistoryFilter,
    bounds: Bounds,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Incident>> {
    let values = Values::from_filter(filter, bounds).up_to(cursor);
    let (before, id) = behind(cursor);
    macro_rules! chosen {
        () => {
            concat!(
                "select incident_id from incident_index where ",
                matches_filter!(),
                " and (started_at, incident_id) < ($6, $7) order by started_at desc, incident_id desc limit $8"
            )
        };
    }
    let Values { component, impact, text, from, to } = &values;
    let (component, impact, text, from, to) = (component.as_str(), *impact, text.as_str(), *from, *to);
    if filter.text.is_none() {
        return load!(tx, chosen!(), component, from, to, impact, text, before, id, limit);
    }
    // One text search and a load per result is cheaper than the text search in all three statements.
    let found = rows!(tx, (String,), chosen!(), component, from, to, impact, text, before, id, limit)?;
    let mut incidents = Vec::with_capacity(found.len());
    for (id,) in found {
        incidents.push(load!(tx, "select cast($1 as text)", id.as_str())?.pop().ok_or(Error::NotFound)?);
    }
    Ok(incidents)
}

/// Incidents that ended within `span` (from inclusive, to exclusive). Above `limit`, keeps the latest ends.
pub async fn ended_within(tx: &mut Tx, span: (DateTime<Utc>, DateTime<Utc>), limit: i64) -> Result<Vec<Incident>> {
    load!(
        tx,
        "select id from public_incidents where ended_at >= $1 and ended_at < $2 order by ended_at desc, id desc limit $3",
        span.0,
        span.1,
        limit
    )
}

/// The first end of an incident.
pub async fn earliest_end(tx: &mut Tx) -> Result<Option<DateTime<Utc>>> {
    let sql = "select ended_at from public_incidents where ended_at is not null order by ended_at limit 1";
    Ok(row!(tx, (DateTime<Utc>,), sql)?.map(|(at,)| at))
}

/// Fails with `Conflict` if an id is taken.
pub async fn insert(tx: &mut WriteTx, incident: &Incident) -> Result<()> {
    run!(
        tx,
        "insert into incidents (id, title, computed_impact, impact_override, phase, started_at, ended_at, duration_seconds,
                                detected_by, internal_note, visibility, publish_at, reminder, search_text,
                                created_at, updated_at, version, next_update_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        incident.id.as_str(),
        incident.title.as_str(),
        incident.computed_impact.key(),
        incident.impact_override.map(Impact::key),
        incident.phase.key(),
        incident.started_at,
        incident.ended_at,
        incident.duration().map(|length| length.num_seconds()),
        incident.detected_by.as_deref(),
        incident.internal_note.as_deref(),
        incident.visibility.key(),
        incident.visibility.publish_at(),
        incident.reminder.to_text(),
        search_text(incident),
        incident.created_at,
        incident.updated_at,
        incident.version,
        incident.next_update_at
    )?;
    for update in &incident.updates {
        insert_update(tx, &incident.id, update).await?;
    }
    incident_index::add(tx, incident).await?;
    add_effects(tx, incident).await
}

/// Saves `incident` with all its updates and increments its version. `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, incident: &mut Incident, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update incidents set title = $1, computed_impact = $2, impact_override = $3, phase = $4, started_at = $5,
                              ended_at = $6, duration_seconds = $7, detected_by = $8, internal_note = $9, visibility = $10,
                              publish_at = $11, reminder = $12, search_text = $13, updated_at = $14,
                              next_update_at = $15, version = version + 1
         where id = $16 and version = $17",
        incident.title.as_str(),
        incident.computed_impact.key(),
        incident.impact_override.map(Impact::key),
        incident.phase.key(),
        incident.started_at,
        incident.ended_at,
        incident.duration().map(|length| length.num_seconds()),
        incident.detected_by.as_deref(),
        incident.internal_note.as_deref(),
        incident.visibility.key(),
        incident.visibility.publish_at(),
        incident.reminder.to_text(),
        search_text(incident),
        now,
        incident.next_update_at,
        incident.id.as_str(),
        incident.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the incident was changed in the meantime"));
    }
    run!(tx, "delete from incident_updates where incident_id = $1", incident.id.as_str())?;
    for update in &incident.updates {
        insert_update(tx, &incident.id, update).await?;
    }
    incident_index::write(tx, incident).await?;
    run!(tx, "delete from incident_status_intervals where incident_id = $1", incident.id.as_str())?;
    add_effects(tx, incident).await?;
    incident.version += 1;
    incident.updated_at = now;
    Ok(())
}

/// Deletes an incident and its updates; the audit log keeps its content.
pub async fn delete(tx: &mut WriteTx, id: &IncidentId) -> Result<()> {
    incident_index::remove(tx, id).await?;
    api_metadata::delete(tx, id.as_str()).await?;
    run!(tx, "delete from incidents where id = $1", id.as_str())?;
    Ok(())
}

/// Writes the component status intervals of the incident.
async fn add_effects(tx: &mut WriteTx, incident: &Incident) -> Result<()> {
    for effect in incident.status_intervals() {
        // The later of two updates posted at the same instant wins.
        let sql = "insert into incident_status_intervals (incident_id, component_id, started_at, ended_at, status)
                   values ($1, $2, $3, $4, $5)
                   on conflict (incident_id, component_id, started_at)
                   do update set ended_at = excluded.ended_at, status = excluded.status";
        let component = effect.component_id.as_str();
        run!(tx, sql, incident.id.as_str(), component, effect.from, effect.to, effect.status.key())?;
    }
    Ok(())
}

async fn insert_update(tx: &mut WriteTx, incident: &IncidentId, update: &Update) -> Result<()> {
    run!(
        tx,
        "insert into incident_updates (id, incident_id, phase, body, posted_at, created_at, edited_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        update.id.as_str(),
        incident.as_str(),
        update.phase.key(),
        update.body.as_str(),
        update.posted_at,
        update.created_at,
        update.edited_at,
        update.version
    )?;
    for (position, component) in (1_i64..).zip(&update.components) {
        let sql = "insert into incident_update_components (update_id, component_id, name, status, position)
                   values ($1, $2, $3, $4, $5)";
        let (id, name) = (component.id.as_str(), component.name.as_str());
        run!(tx, sql, update.id.as_str(), id, name, component.status.key(), position)?;
    }
    Ok(())
}

/// Title and update texts in lower case.
fn search_text(incident: &Incident) -> String {
    let bodies = incident.updates.iter().map(|update| update.body.as_str());
    let parts: Vec<&str> = std::iter::once(incident.title.as_str()).chain(bodies).collect();
    parts.join("\n").to_lowercase()
}

/// Joins the loaded rows and keeps the order of the incidents.
pub(super) fn assemble(
    incidents: Vec<Row>,
    updates: Vec<UpdateRow>,
    affected: Vec<AffectedRow>,
) -> Result<Vec<Incident>> {
    let mut components: HashMap<String, Vec<AffectedComponent>> = HashMap::new();
    for row in affected {
        let update = row.update_id.clone();
        components.entry(update).or_default().push(row.try_into()?);
    }
    let mut by_incident: HashMap<String, Vec<Update>> = HashMap::new();
    for row in updates {
        let named = components.remove(&row.id).unwrap_or_default();
        let incident = row.incident_id.clone();
        by_incident.entry(incident).or_default().push(row.with(named)?);
    }
    let with_updates = |row: Row| {
        let updates = by_incident.remove(&row.id).unwrap_or_default();
        row.with(updates)
    };
    incidents.into_iter().map(with_updates).collect()
}

impl Row {
    fn with(self, updates: Vec<Update>) -> Result<Incident> {
        let impact = |key: &str| Impact::from_key(key).ok_or_else(|| Error::other("an incident's impact"));
        Ok(Incident {
            id: IncidentId::parse(&self.id).ok_or_else(|| Error::other("an incident's id"))?,
            title: self.title,
            computed_impact: impact(&self.computed_impact)?,
            impact_override: self.impact_override.as_deref().map(impact).transpose()?,
            phase: Phase::from_key(&self.phase).ok_or_else(|| Error::other("an incident's phase"))?,
            started_at: self.started_at,
            ended_at: self.ended_at,
            detected_by: self.detected_by,
            internal_note: self.internal_note,
            visibility: Visibility::from_parts(&self.visibility, self.publish_at)
                .ok_or_else(|| Error::other("an incident's visibility"))?,
            reminder: Reminder::from_text(self.reminder.as_deref().unwrap_or_default())
                .ok_or_else(|| Error::other("an incident's reminder"))?,
            next_update_at: self.next_update_at,
            postmortem_published_at: self.postmortem_published_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
            updates,
        })
    }
}

impl UpdateRow {
    fn with(self, components: Vec<AffectedComponent>) -> Result<Update> {
        Ok(Update {
            id: UpdateId::parse(&self.id).ok_or_else(|| Error::other("an update's id"))?,
            phase: Phase::from_key(&self.phase).ok_or_else(|| Error::other("an update's phase"))?,
            body: self.body,
            posted_at: self.posted_at,
            created_at: self.created_at,
            edited_at: self.edited_at,
            version: self.version,
            components,
        })
    }
}

impl TryFrom<AffectedRow> for AffectedComponent {
    type Error = Error;

    fn try_from(row: AffectedRow) -> Result<Self> {
        Ok(Self {
            id: ComponentId::parse(&row.component_id).ok_or_else(|| Error::other("a component's id"))?,
            name: row.name,
            status: Status::from_key(&row.status).ok_or_else(|| Error::other("a component's status"))?,
        })
    }
}
