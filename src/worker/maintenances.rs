//! What maintenances do by themselves: remind, begin and end on time, and come again.

use chrono::{DateTime, Utc};

use crate::credentials::random;
use crate::db::{self, WriteTx, maintenances, series};
use crate::domain::audit::{Action, Actor, Entry};
use crate::domain::maintenance::Step;
use crate::domain::{Maintenance, UpdateId};
use crate::state::State;

/// The most occurrences that one series makes in one round.
const MAX_GROWTH: usize = 50;

/// Does what is due at the clock's time; says whether anything was. What was missed is caught up as of its
/// own time. Whatever another process has done by then is not done again: the state is read anew in the
/// transaction, which is the only one that writes.
///
/// # Errors
/// Where the database can't be written; then nothing is done, and the next round tries again.
pub async fn tick(state: &State) -> db::Result<bool> {
    let now = state.clock.now();
    let next = state.publisher.snapshot().and_then(|snapshot| snapshot.next_step);
    if next.is_none_or(|next| next > now) {
        return Ok(false);
    }
    let mut tx = state.db.write().await?;
    let mut entries = grow(&mut tx, now).await?;
    entries.extend(take_steps(&mut tx, now).await?);
    if entries.is_empty() {
        return Ok(false);
    }
    tx.commit_all(&Actor::server(), now, &entries).await?;
    Ok(true)
}

/// Makes the next occurrences of the series that are due for one.
async fn grow(tx: &mut WriteTx, now: DateTime<Utc>) -> db::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for mut series in series::going_on(tx).await? {
        for _ in 0..MAX_GROWTH {
            if series.grows_at.is_none_or(|at| at > now) {
                break;
            }
            let before = series.clone();
            entries.push(match series::grow(tx, &mut series, now).await? {
                Some(made) => Entry::new(Action::MaintenanceSchedule, &made.id, &made.title).after(&made),
                None => Entry::new(Action::SeriesEnd, &series.id, &series.title).before(&before).after(&series),
            });
        }
    }
    Ok(entries)
}

async fn take_steps(tx: &mut WriteTx, now: DateTime<Utc>) -> db::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for mut maintenance in maintenances::planned(tx).await? {
        let taken = steps(&mut maintenance, now);
        if !taken.is_empty() {
            maintenances::update(tx, &mut maintenance, now).await?;
            entries.extend(taken);
        }
    }
    Ok(entries)
}

/// Takes every step that is due.
fn steps(maintenance: &mut Maintenance, now: DateTime<Utc>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut before = maintenance.clone();
    while let Some(step) = maintenance.take_step(UpdateId::from_random(random()), now) {
        let action = match step {
            Step::Remind => Action::MaintenanceRemind,
            Step::Begin => Action::MaintenanceStart,
            Step::Complete => Action::MaintenanceComplete,
        };
        entries.push(Entry::new(action, &maintenance.id, &maintenance.title).before(&before).after(maintenance));
        before = maintenance.clone();
    }
    entries
}
