//! Scheduled maintenance and its updates.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::notices::announce_maintenance;
use super::recurring_maintenances::replace_cancelled;
use crate::credentials::random_bytes;
use crate::db::{self, Result, WriteTx, components, maintenances};
use crate::domain::audit::{Action, Entry};
use crate::domain::maintenance::AutomaticStep;
use crate::domain::{Component, Maintenance, MaintenancePhase, Status, UpdateId};

pub async fn schedule(tx: &mut WriteTx, maintenance: &Maintenance) -> Result<Entry> {
    maintenances::insert(tx, maintenance).await?;
    announce_maintenance(tx, None, maintenance, false, maintenance.created_at).await?;
    Ok(Entry::new(Action::MaintenanceSchedule, &maintenance.id, &maintenance.title).after(maintenance))
}

/// Saves a maintenance after `action`. After the cancellation of a recurring maintenance's occurrence, schedules the
/// next.
pub async fn save(
    tx: &mut WriteTx,
    action: Action,
    before: &Maintenance,
    after: &mut Maintenance,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>> {
    maintenances::update(tx, after, now).await?;
    announce_maintenance(tx, Some(before), after, false, now).await?;
    let entry = Entry::new(action, &after.id, &after.title).before(before).after(after);
    let next = replace_cancelled(tx, after, now).await?;
    let released = if before.phase == after.phase { Vec::new() } else { release_components(tx, after, now).await? };
    Ok(std::iter::once(entry).chain(next).chain(released).collect())
}

/// Ends the own status under maintenance of the components of a completed maintenance, if it sets that status itself.
async fn release_components(tx: &mut WriteTx, maintenance: &Maintenance, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if maintenance.phase != MaintenancePhase::Completed || !maintenance.switches.marks {
        return Ok(entries);
    }
    for planned in &maintenance.components {
        let before = match components::find(tx, &planned.id).await {
            Err(db::Error::NotFound) => continue,
            found => found?,
        };
        if before.status == Status::UnderMaintenance {
            let mut after = Component { status: Status::Operational, ..before.clone() };
            entries.push(super::components::save_status(tx, &before, &mut after, now).await?);
        }
    }
    Ok(entries)
}

/// Deletes a maintenance. Deleting an occurrence schedules the next one, as a cancellation does.
pub async fn delete(tx: &mut WriteTx, maintenance: &Maintenance, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let entry = Entry::new(Action::MaintenanceDelete, &maintenance.id, &maintenance.title).before(maintenance);
    maintenances::delete(tx, &maintenance.id).await?;
    let cancelled = Maintenance { phase: MaintenancePhase::Cancelled, ..maintenance.clone() };
    let next = replace_cancelled(tx, &cancelled, now).await?;
    Ok(std::iter::once(entry).chain(next).collect())
}

/// Posts every reminder, start and completion that is due.
pub async fn take_due_steps(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for before in maintenances::list_planned(tx).await? {
        let mut maintenance = before.clone();
        let taken = steps(&mut maintenance, now);
        if !taken.is_empty() {
            maintenances::update(tx, &mut maintenance, now).await?;
            announce_maintenance(tx, Some(&before), &maintenance, true, now).await?;
            entries.extend(taken);
            entries.extend(release_components(tx, &maintenance, now).await?);
        }
    }
    Ok(entries)
}

/// Metadata are key-value pairs that API clients store with a maintenance.
pub fn record_metadata(maintenance: &Maintenance, before: &impl Serialize, after: &impl Serialize) -> Entry {
    Entry::new(Action::MaintenanceEdit, &maintenance.id, &maintenance.title).before(before).after(after)
}

fn steps(maintenance: &mut Maintenance, now: DateTime<Utc>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut before = maintenance.clone();
    while let Some(step) = maintenance.take_step(UpdateId::from_random(random_bytes()), now) {
        let action = match step {
            AutomaticStep::Remind => Action::MaintenanceRemind,
            AutomaticStep::Begin => Action::MaintenanceStart,
            AutomaticStep::Complete => Action::MaintenanceComplete,
        };
        entries.push(Entry::new(action, &maintenance.id, &maintenance.title).before(&before).after(maintenance));
        before = maintenance.clone();
    }
    entries
}
