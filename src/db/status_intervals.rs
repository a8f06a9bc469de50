//! Intervals in which components were not operational: incidents, maintenances and baselines set by managers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx};
use crate::domain::uptime::{StatusInterval, baselines_outside_maintenance};
use crate::domain::{ComponentId, IncidentId, Status};

#[apply(from_row!)]
struct Row {
    incident_id: String,
    component_id: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    status: String,
}

/// All public intervals that end after `at`, unordered.
pub async fn list_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<StatusInterval>> {
    // Two queries, so that each uses an index.
    let sql = "select incident_id, component_id, started_at, ended_at, status
               from public_incident_status_intervals where ended_at > $1
               union all
               select incident_id, component_id, started_at, ended_at, status
               from public_incident_status_intervals where ended_at is null";
    let rows = rows!(tx, Row, sql, at)?;
    let mut effects: Vec<StatusInterval> = rows.into_iter().map(StatusInterval::try_from).collect::<Result<_>>()?;
    let planned = maintenances_since(tx, at).await?;
    effects.extend(baselines_outside_maintenance(&baselines_since(tx, at).await?, &planned));
    effects.extend(planned);
    Ok(effects)
}

/// The titles of the incidents in [`list_since`], by id.
pub async fn titles_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<BTreeMap<IncidentId, String>> {
    let sql = "select i.id, i.title from public_incidents i where i.id in (
                 select incident_id from public_incident_status_intervals where ended_at > $1
                 union all
                 select incident_id from public_incident_status_intervals where ended_at is null)";
    let rows = rows!(tx, (String, String), sql, at)?;
    Ok(rows.into_iter().filter_map(|(id, title)| Some((IncidentId::parse(&id)?, title))).collect())
}

/// Maintenance intervals that end after `at`.
async fn maintenances_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<StatusInterval>> {
    let sql = "select component_id, started_at, ended_at from maintenance_intervals where ended_at > $1
               union all
               select component_id, started_at, ended_at from maintenance_intervals where ended_at is null";
    let rows = rows!(tx, (String, DateTime<Utc>, Option<DateTime<Utc>>), sql, at)?;
    let effect = |(component, from, to): (String, _, _)| {
        let component_id = ComponentId::parse(&component).ok_or_else(|| Error::other("a component's id"))?;
        Ok(StatusInterval { component_id, incident_id: None, from, to, status: Status::UnderMaintenance })
    };
    rows.into_iter().map(effect).collect()
}

/// Non-operational baselines, starting with the last one set before `at`.
async fn baselines_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<StatusInterval>> {
    // The second query does one lookup per component, because SQLite doesn't reorder a `cross join`.
    let sql = "select component_id, since, status from component_baselines where since >= $1
               union all
               select b.component_id, b.since, b.status
               from components c cross join component_baselines b
               where b.component_id = c.id
                 and b.since = (select max(since) from component_baselines where component_id = c.id and since < $1)";
    let mut rows = rows!(tx, (String, DateTime<Utc>, String), sql, at)?;
    // Sorted here, because `order by` makes SQLite scan the whole index.
    rows.sort_unstable();
    let mut effects: Vec<StatusInterval> = Vec::new();
    for (component, since, status) in rows {
        let component_id = ComponentId::parse(&component).ok_or_else(|| Error::other("a component's id"))?;
        let status = Status::from_key(&status).ok_or_else(|| Error::other("a component's status"))?;
        if let Some(last) = effects.last_mut().filter(|last| last.component_id == component_id) {
            last.to = Some(since);
        }
        effects.push(StatusInterval { component_id, incident_id: None, from: since, to: None, status });
    }
    effects.retain(|effect| effect.status != Status::Operational);
    Ok(effects)
}

impl TryFrom<Row> for StatusInterval {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            component_id: ComponentId::parse(&row.component_id).ok_or_else(|| Error::other("a component's id"))?,
            incident_id: IncidentId::parse(&row.incident_id),
            from: row.started_at,
            to: row.ended_at,
            status: Status::from_key(&row.status).ok_or_else(|| Error::other("a component's status"))?,
        })
    }
}
