//! Converts and writes scheduled maintenances.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::convert::{self, Converted, ImportContext};
use super::progress::{Import, is_changed_locally, skipped_message};
use super::sanitize;
use super::source::{SourceIncident, SourceUpdate};
use crate::actions::imported;
use crate::db::{Result, WriteTx, admin_incidents, maintenances};
use crate::domain::maintenance::{Automation, PlannedComponent};
use crate::domain::parse_time::parse_instant;
use crate::domain::{
    AffectedComponent, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, MaintenanceUpdate, Update,
};

/// The assumed minimum duration of a maintenance without a readable end.
const MIN_DURATION: TimeDelta = TimeDelta::minutes(1);

/// Converts a maintenance, or returns the reason for rejecting it.
///
/// Most documents don't contain the automation settings. In that case a planned maintenance whose end is in the future
/// starts and completes automatically.
pub fn convert_maintenance(
    source: &SourceIncident,
    known: &ImportContext,
    zone: Tz,
    now: DateTime<Utc>,
) -> std::result::Result<Converted<Maintenance>, String> {
    let refuse = |what: &str| convert::rejection_message("maintenance", &source.id, &source.name, what);
    let id = MaintenanceId::parse(&source.id).ok_or_else(|| refuse("its id"))?;
    let scheduled_for = parse_instant(&source.scheduled_for).map_err(|_| refuse("its scheduled start"))?;
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("maintenance {id} “{}”: {message}", source.name));
    let scheduled_until = convert_end(source, scheduled_for, &mut warn);
    let created_at = parse_instant(&source.created_at).unwrap_or(scheduled_for);
    let updates = convert_updates(source, &id, created_at, known, &mut warn);
    let mut it = Maintenance {
        title: convert::convert_title(&source.name, &mut warn),
        phase: MaintenancePhase::Scheduled,
        scheduled_for,
        scheduled_until,
        zone,
        started_at: None,
        ended_at: None,
        switches: Automation::default(),
        remind_at: None,
        components: planned_components(source, &updates, known),
        occurrence: None,
        created_at,
        updated_at: parse_instant(&source.updated_at).unwrap_or(created_at),
        version: 1,
        updates,
        id: id.clone(),
    };
    it.recompute();
    if let Some(switches) = convert_automation(source) {
        it.switches = switches;
        it.plan_reminder(now);
    } else if it.is_planned() && scheduled_until > now {
        it.switches = Automation { reminds: false, starts: true, completes: true, marks: true };
        warn("the file does not say whether it starts and completes automatically; both are turned on".into());
    }
    if it.is_planned() && scheduled_until <= now {
        warn("its window has passed, but it is not completed; check it".into());
    }
    Ok(Converted { thing: it, warnings })
}

/// The automation settings, if the document has them.
fn convert_automation(source: &SourceIncident) -> Option<Automation> {
    let (starts, completes) = (source.scheduled_auto_in_progress?, source.scheduled_auto_completed?);
    let marks = source.auto_transition_to_maintenance_state.unwrap_or(true);
    Some(Automation { reminds: source.scheduled_remind_prior.unwrap_or_default(), starts, completes, marks })
}

fn convert_end(source: &SourceIncident, start: DateTime<Utc>, warn: &mut impl FnMut(String)) -> DateTime<Utc> {
    let read = [&source.scheduled_until, &source.resolved_at].map(|time| parse_instant(time).ok());
    if let Some(end) = read[0].filter(|end| *end > start) {
        return end;
    }
    warn(format!("its scheduled end “{}” is not after its start; another time is used", source.scheduled_until));
    read[1].filter(|end| *end > start).unwrap_or(start + MIN_DURATION)
}

/// The updates, oldest first; a single update without text if there are none.
fn convert_updates(
    source: &SourceIncident,
    id: &MaintenanceId,
    created_at: DateTime<Utc>,
    known: &ImportContext,
    warn: &mut impl FnMut(String),
) -> Vec<MaintenanceUpdate> {
    let at = |row: &SourceUpdate| parse_instant(&row.display_at).or_else(|_| parse_instant(&row.created_at));
    let mut rows: Vec<(DateTime<Utc>, &SourceUpdate)> = Vec::new();
    for row in source.incident_updates.iter().rev() {
        let posted_at = at(row).unwrap_or_else(|_| {
            warn("an update has no readable time; it is put at the start".into());
            created_at
        });
        rows.push((posted_at, row));
    }
    let nothing = SourceUpdate { status: source.status.clone(), ..Default::default() };
    if rows.is_empty() {
        warn("it has no updates; an update without text was added".into());
        rows.push((created_at, &nothing));
    }
    rows.sort_by_key(|(posted_at, _)| *posted_at);
    let mut phase = MaintenancePhase::Scheduled;
    let mut taken = BTreeSet::new();
    let mut updates = Vec::new();
    for (index, (posted_at, row)) in rows.into_iter().enumerate() {
        phase = convert_phase(&row.status, phase, warn);
        updates.push(Update {
            id: convert::update_id(row, id.as_str(), index, &mut taken, warn),
            phase,
            body: sanitize::convert_body(&row.body, warn),
            posted_at,
            created_at: parse_instant(&row.created_at).unwrap_or(posted_at),
            edited_at: convert::edited_at(row),
            version: 1,
            components: convert::convert_affected(&row.affected_components, known, warn),
        });
    }
    apply_source_phase(&mut updates, source, warn);
    updates
}

/// The phase for `key`; the previous phase if unknown.
fn convert_phase(key: &str, before: MaintenancePhase, warn: &mut impl FnMut(String)) -> MaintenancePhase {
    match key {
        "resolved" | "postmortem" => MaintenancePhase::Completed,
        key => MaintenancePhase::from_key(key).unwrap_or_else(|| {
            warn(format!("the status “{key}” of an update is unknown; imported as {}", before.key()));
            before
        }),
    }
}

/// The source's phase takes precedence over the phase of the newest update.
fn apply_source_phase(updates: &mut [MaintenanceUpdate], source: &SourceIncident, warn: &mut impl FnMut(String)) {
    let Some(newest) = updates.last_mut() else { return };
    let says = convert_phase(&source.status, newest.phase, warn);
    if says != newest.phase {
        warn(format!("it is {}, but its newest update is {}; imported as {0}", says.key(), newest.phase.key()));
        newest.phase = says;
    }
}

/// All components named by the maintenance or its updates.
fn planned_components(
    source: &SourceIncident,
    updates: &[MaintenanceUpdate],
    known: &ImportContext,
) -> Vec<PlannedComponent> {
    let attached = convert::attached_components(source, known);
    let named = updates.iter().flat_map(|update| update.components.iter().cloned()).chain(attached);
    let mut planned: Vec<PlannedComponent> = Vec::new();
    for AffectedComponent { id, name, .. } in named {
        if !planned.iter().any(|component| component.id == id) {
            planned.push(PlannedComponent { id, name });
        }
    }
    planned
}

impl Import<'_> {
    /// Writes a maintenance if it differs from the stored one.
    pub(super) async fn maintenance(
        &mut self,
        tx: &mut WriteTx,
        planned: std::result::Result<Converted<Maintenance>, String>,
    ) -> Result<()> {
        let Some(Converted { mut thing, mut warnings }) = self.or_reject(planned, |r| &mut r.maintenances) else {
            return Ok(());
        };
        if let Some(id) = IncidentId::parse(thing.id.as_str())
            && admin_incidents::exists(tx, &id).await?
        {
            self.refuse_maintenance(format!("maintenance {id} “{}”: an incident has this id", thing.title));
            return Ok(());
        }
        ensure_unique_update_ids(tx, &mut thing, &mut warnings).await?;
        if !maintenances::exists(tx, &thing.id).await? {
            self.entries.push(imported::maintenance(tx, None, &mut thing, self.now).await?);
            self.report.maintenances.created += 1;
            self.report.warnings.extend(warnings);
            return Ok(());
        }
        let before = maintenances::find(tx, &thing.id).await?;
        if same_maintenance(&before, &thing) {
            self.report.maintenances.unchanged += 1;
        } else if is_changed_locally(tx, before.id.as_str()).await? {
            self.refuse_maintenance(skipped_message("maintenance", before.id.as_str(), &before.title));
        } else {
            thing.version = before.version;
            thing.switches = before.switches;
            self.entries.push(imported::maintenance(tx, Some(&before), &mut thing, self.now).await?);
            self.report.maintenances.changed += 1;
            self.report.warnings.extend(warnings);
        }
        Ok(())
    }

    fn refuse_maintenance(&mut self, refusal: String) {
        self.report.maintenances.refused += 1;
        self.report.refusals.push(refusal);
    }
}

/// Replaces update ids that belong to another maintenance.
async fn ensure_unique_update_ids(tx: &mut WriteTx, it: &mut Maintenance, warnings: &mut Vec<String>) -> Result<()> {
    for (index, update) in it.updates.iter_mut().enumerate() {
        let owner = maintenances::find_maintenance_of_update(tx, &update.id).await?;
        if owner.is_some_and(|owner| owner != it.id) {
            let (id, title) = (&it.id, &it.title);
            warnings.push(format!(
                "maintenance {id} “{title}”: the id “{}” of an update belongs to another maintenance",
                update.id
            ));
            update.id = convert::derived_update_id(it.id.as_str(), index);
        }
    }
    Ok(())
}

/// Compares two maintenances without versions, automation, time zone and row times.
fn same_maintenance(a: &Maintenance, b: &Maintenance) -> bool {
    let said = |it: &Maintenance| {
        let mut said = it.clone();
        said.version = 0;
        said.switches = Automation::default();
        said.remind_at = None;
        said.zone = Tz::UTC;
        said.created_at = DateTime::UNIX_EPOCH;
        said.updated_at = DateTime::UNIX_EPOCH;
        said
    };
    said(a) == said(b)
}
