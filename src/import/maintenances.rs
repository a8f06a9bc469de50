//! Converts and writes scheduled maintenances.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::context::ImportContext;
use super::convert::{self, Converted};
use super::name_newest;
use super::progress::{Import, LocalChange, MAINTENANCE_NOUNS, find_local_change};
use super::sanitize;
use super::source::SourceIncident;
use super::times::{displayed_at, oldest_first, read_time};
use crate::actions::imported;
use crate::db::{Result, WriteTx, admin_incidents, maintenances};
use crate::domain::maintenance::{Automation, PlannedComponent};
use crate::domain::parse_time::parse_instant;
use crate::domain::{
    AffectedComponent, Impact, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, MaintenanceUpdate, Update,
};

/// The assumed minimum duration of a maintenance without a readable end.
const MIN_DURATION: TimeDelta = TimeDelta::minutes(1);
/// The assumed duration of a maintenance in progress whose source says no times.
const UNTIMED_DURATION: TimeDelta = TimeDelta::days(1);

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
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(format!("maintenance {id} “{}”: {message}", source.name));
    let (scheduled_for, scheduled_until) = if source.is_untimed {
        warn("the file does not say when it began; the time of the import is used".into());
        (now, now + UNTIMED_DURATION)
    } else {
        let start = parse_instant(&source.scheduled_for).map_err(|_| refuse("its scheduled start"))?;
        (start, convert_end(source, start, &mut warn))
    };
    let created_at = parse_instant(&source.created_at).unwrap_or(scheduled_for);
    let window = Window {
        announced_at: created_at,
        start: scheduled_for,
        end: scheduled_until,
        phase: source.status.is_empty().then(|| phase_by_window(scheduled_for, scheduled_until, now)),
    };
    let updates = convert_updates(source, &id, &window, known, &mut warn);
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
        impact_override: convert_impact(source, &mut warn),
        updates,
        id: id.clone(),
    };
    it.recompute();
    if let Some(switches) = convert_automation(source) {
        it.switches = switches;
        it.plan_reminder(now);
    } else if it.is_planned() && scheduled_until > now && !source.is_untimed {
        it.switches = Automation { reminds: false, starts: true, completes: true, marks: true };
        warn("the file does not say whether it starts and completes automatically; both are turned on".into());
    }
    if it.is_planned() && scheduled_until <= now {
        warn("its window has passed, but it is not completed; check it".into());
    }
    Ok(Converted { thing: it, warnings })
}

/// Keeps an impact that people set, and that of older documents, which is not always `maintenance`.
fn convert_impact(source: &SourceIncident, warn: &mut impl FnMut(String)) -> Option<Impact> {
    let shown = Impact::from_key(&source.impact);
    if shown.is_none() && !source.impact.is_empty() {
        warn(format!("its impact “{}” is unknown; imported as maintenance", source.impact));
    }
    Impact::from_key(&source.impact_override).or(shown.filter(|impact| *impact != Impact::Maintenance))
}

/// When a maintenance was announced, and is to begin and end.
struct Window {
    announced_at: DateTime<Utc>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// The phase by the window, if the source does not say a phase.
    phase: Option<MaintenancePhase>,
}

fn phase_by_window(start: DateTime<Utc>, end: DateTime<Utc>, now: DateTime<Utc>) -> MaintenancePhase {
    match () {
        () if end <= now => MaintenancePhase::Completed,
        () if start <= now => MaintenancePhase::InProgress,
        () => MaintenancePhase::Scheduled,
    }
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

/// The updates, oldest first; a single update without text if there are none. If they do not reach the phase of the
/// maintenance, an update without text does.
fn convert_updates(
    source: &SourceIncident,
    id: &MaintenanceId,
    window: &Window,
    known: &ImportContext,
    warn: &mut impl FnMut(String),
) -> Vec<MaintenanceUpdate> {
    let rows = oldest_first(source.incident_updates.iter().collect());
    let mut phase = MaintenancePhase::Scheduled;
    let mut taken = BTreeSet::new();
    let mut updates: Vec<MaintenanceUpdate> = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        phase = convert_phase(&row.status, phase, warn);
        let posted_at = displayed_at(row).unwrap_or_else(|| {
            warn("an update has no readable time; it is put at the start".into());
            window.announced_at
        });
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
    updates.sort_by_key(|update| update.posted_at);
    reach_source_phase(&mut updates, id, source, window, warn);
    convert::separate_ties(&mut updates);
    updates
}

/// The phase for `key`; the previous phase if unknown.
fn convert_phase(key: &str, before: MaintenancePhase, warn: &mut impl FnMut(String)) -> MaintenancePhase {
    match key {
        "resolved" | "postmortem" => MaintenancePhase::Completed,
        "" => before,
        key => MaintenancePhase::from_key(key).unwrap_or_else(|| {
            warn(format!("the status “{key}” of an update is unknown; imported as {}", before.key()));
            before
        }),
    }
}

/// The source's phase takes precedence over the phase of the newest update.
fn reach_source_phase(
    updates: &mut Vec<MaintenanceUpdate>,
    id: &MaintenanceId,
    source: &SourceIncident,
    window: &Window,
    warn: &mut impl FnMut(String),
) {
    let newest = updates.last().map(|newest| (newest.phase, newest.posted_at));
    let before = newest.map_or(MaintenancePhase::Scheduled, |(phase, _)| phase);
    let says = match window.phase {
        // An update may say more than the window.
        Some(phase) if before.is_over() || phase == MaintenancePhase::Scheduled => before,
        Some(phase) => phase,
        None => convert_phase(&source.status, before, warn),
    };
    match newest {
        None => warn("it has no updates; an update without text was added".into()),
        Some((phase, _)) if phase == says => return,
        Some(_) if window.phase.is_some() => {
            warn(format!("the source does not say whether it took place; imported as {}", says.key()));
        }
        Some((phase, _)) => {
            warn(format!("it is {}, but its newest update is {}; imported as {0}", says.key(), phase.key()));
        }
    }
    let at = match says {
        MaintenancePhase::Scheduled => window.announced_at,
        MaintenancePhase::InProgress | MaintenancePhase::Verifying => window.start,
        _ => read_time(&source.resolved_at).unwrap_or(window.end),
    };
    let at = newest.map_or(at, |(_, posted_at)| at.max(posted_at));
    updates.push(Update {
        id: convert::derived_update_id(id.as_str(), updates.len()),
        phase: says,
        body: sanitize::NO_TEXT.to_owned(),
        posted_at: at,
        created_at: at,
        edited_at: None,
        version: 1,
        components: Vec::new(),
    });
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
        is_untimed: bool,
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
        let change = find_local_change(tx, thing.id.as_str(), MAINTENANCE_NOUNS).await?;
        if !maintenances::exists(tx, &thing.id).await? {
            if change == Some(LocalChange::Deleted) {
                let item = ("maintenance", thing.id.as_str(), thing.title.as_str());
                self.skip(LocalChange::Deleted, item, |r| &mut r.maintenances);
                return Ok(());
            }
            self.entries.push(imported::maintenance(tx, None, &mut thing, self.now).await?);
            self.report.maintenances.created += 1;
            name_newest(&mut self.report.new_maintenances, thing.scheduled_for, &thing.title);
            self.report.warnings.extend(warnings);
            return Ok(());
        }
        let before = maintenances::find(tx, &thing.id).await?;
        if is_untimed {
            keep_times(&mut thing, &before);
        }
        if same_maintenance(&before, &thing) {
            self.report.maintenances.unchanged += 1;
        } else if let Some(change) = change {
            self.skip(change, ("maintenance", before.id.as_str(), &before.title), |r| &mut r.maintenances);
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

/// Keeps the times of the first import, which the source does not say.
fn keep_times(it: &mut Maintenance, before: &Maintenance) {
    (it.scheduled_for, it.scheduled_until) = (before.scheduled_for, before.scheduled_until);
    for (update, stored) in it.updates.iter_mut().zip(&before.updates) {
        (update.posted_at, update.created_at) = (stored.posted_at, stored.created_at);
    }
    it.recompute();
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
