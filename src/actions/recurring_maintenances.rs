//! Recurring maintenance: each occurrence is a separate maintenance.

use chrono::{DateTime, Utc};

use super::notices::{announce_maintenance, set_step_notifications, steps_notify};
use crate::credentials::random_bytes;
use crate::db::{Error, Result, WriteTx, components, maintenances, series};
use crate::domain::audit::{Action, Entry};
use crate::domain::{Maintenance, MaintenanceId, MaintenancePhase, Series, UpdateId};

/// The most occurrences that one recurring maintenance schedules per run.
const MAX_OCCURRENCES: usize = 50;

/// Adds a recurring maintenance and schedules its first occurrence; `None` if the rule has no occurrence. `announces`
/// says whether subscribers are notified of the first one; later ones notify when they remind, start and complete.
pub async fn add(
    tx: &mut WriteTx,
    mut series: Series,
    announces: bool,
    now: DateTime<Utc>,
) -> Result<Option<(Maintenance, Vec<Entry>)>> {
    series::insert(tx, &series).await?;
    let Some((first, scheduled)) = schedule_next(tx, &mut series, now).await? else { return Ok(None) };
    if announces {
        announce_maintenance(tx, None, &first, false, now).await?;
    }
    let added = Entry::new(Action::SeriesAdd, &series.id, &series.title).after(&series);
    Ok(Some((first, vec![added, scheduled])))
}

/// Saves an edited recurring maintenance and updates or schedules its next occurrence. Cancels that occurrence if the
/// new rule has none.
pub async fn edit(tx: &mut WriteTx, before: &Series, after: &mut Series, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let next = match maintenances::find_next_occurrence(tx, &after.id).await? {
        Some(next) => Some(follow(tx, after, &next, now).await?),
        None => schedule_next(tx, after, now).await?.map(|(_, scheduled)| scheduled),
    };
    let edited = Entry::new(Action::SeriesEdit, &after.id, &after.title).before(before).after(after);
    Ok(std::iter::once(edited).chain(next).collect())
}

/// Ends a recurring maintenance; scheduled occurrences stay.
pub async fn end(tx: &mut WriteTx, before: &Series, after: &mut Series, now: DateTime<Utc>) -> Result<Entry> {
    series::update(tx, after, now).await?;
    Ok(Entry::new(Action::SeriesEnd, &after.id, &after.title).before(before).after(after))
}

pub async fn schedule_due(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for mut series in series::list_active(tx).await? {
        for _ in 0..MAX_OCCURRENCES {
            if series.grows_at.is_none_or(|at| at > now) {
                break;
            }
            let before = series.clone();
            entries.push(match schedule_next(tx, &mut series, now).await? {
                Some((_, scheduled)) => scheduled,
                None => Entry::new(Action::SeriesEnd, &series.id, &series.title).before(&before).after(&series),
            });
        }
    }
    Ok(entries)
}

/// Schedules the next occurrence if `cancelled` is the newest occurrence of its series and was cancelled.
pub(super) async fn replace_cancelled(
    tx: &mut WriteTx,
    cancelled: &Maintenance,
    now: DateTime<Utc>,
) -> Result<Option<Entry>> {
    let Some(occurrence) = cancelled.occurrence.as_ref().filter(|_| cancelled.phase == MaintenancePhase::Cancelled)
    else {
        return Ok(None);
    };
    let mut series = series::find(tx, &occurrence.series_id).await?;
    if series.has_ended() || series.made_until != Some(occurrence.start) {
        return Ok(None);
    }
    Ok(schedule_next(tx, &mut series, now).await?.map(|(_, scheduled)| scheduled))
}

/// Schedules the next occurrence; `None` if the series has ended. Returns `Conflict` if another node scheduled it
/// first.
pub async fn schedule_next(
    tx: &mut WriteTx,
    series: &mut Series,
    now: DateTime<Utc>,
) -> Result<Option<(Maintenance, Entry)>> {
    let known = components::list(tx).await?;
    let next = series.plan_next_occurrence(fresh_ids(), &known, now);
    series::update(tx, series, now).await?;
    let Some(next) = next else { return Ok(None) };
    maintenances::insert(tx, &next).await?;
    if !steps_notify(tx, series.id.as_str()).await? {
        set_step_notifications(tx, next.id.as_str(), false).await?;
    }
    let entry = Entry::new(Action::MaintenanceSchedule, &next.id, &next.title).after(&next);
    Ok(Some((next, entry)))
}

/// Changes the scheduled occurrence `next` to fit the edited series, or cancels it.
async fn follow(tx: &mut WriteTx, series: &mut Series, next: &Maintenance, now: DateTime<Utc>) -> Result<Entry> {
    let known = components::list(tx).await?;
    let given = series.plan_next_occurrence(fresh_ids(), &known, now);
    series::update(tx, series, now).await?;
    let mut after = next.clone();
    let action = match given {
        Some(given) => copy_occurrence(&mut after, given, now),
        None => {
            let text = MaintenancePhase::Cancelled.default_text().to_owned();
            after.cancel(text, fresh_update_id(), now).map_err(Error::Conflict)?;
            Action::MaintenanceCancel
        }
    };
    maintenances::update(tx, &mut after, now).await?;
    announce_maintenance(tx, Some(next), &after, false, now).await?;
    let notifies = steps_notify(tx, series.id.as_str()).await?;
    set_step_notifications(tx, after.id.as_str(), notifies).await?;
    Ok(Entry::new(action, &after.id, &after.title).before(next).after(&after))
}

/// Copies `given` to the scheduled occurrence `it`, which keeps its id and its later updates.
fn copy_occurrence(it: &mut Maintenance, given: Maintenance, now: DateTime<Utc>) -> Action {
    let moved = (it.scheduled_for, it.scheduled_until) != (given.scheduled_for, given.scheduled_until);
    if let (Some(first), Some(text)) = (it.updates.first_mut(), given.updates.first())
        && first.body != text.body
    {
        first.body.clone_from(&text.body);
        first.edited_at = Some(now);
        first.version += 1;
    }
    it.title = given.title;
    it.components = given.components;
    it.switches = given.switches;
    it.occurrence = given.occurrence;
    if moved {
        let text = "This maintenance has been moved to another time.".to_owned();
        // `reschedule` can't fail: `it` has not started, and the rule yields an end after the start.
        let _ = it.reschedule((given.scheduled_for, given.scheduled_until), given.zone, text, fresh_update_id(), now);
        return Action::MaintenanceReschedule;
    }
    it.plan_reminder(now);
    Action::MaintenanceEdit
}

fn fresh_ids() -> (MaintenanceId, UpdateId) {
    (MaintenanceId::from_random(random_bytes()), fresh_update_id())
}

fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(random_bytes())
}
