//! Automatic steps of maintenances: reminders, start, completion and new occurrences.

use crate::actions;
use crate::db::{self};
use crate::domain::audit::Actor;
use crate::state::State;

/// Runs all steps due by now and returns whether there were any. Missed steps are applied with the time they were due.
/// Steps are chosen inside the write transaction, so a step already done by another process is not repeated. On an
/// error nothing is committed, and the next tick retries.
pub async fn run_due_steps(state: &State) -> db::Result<bool> {
    let now = state.clock.now();
    let next = state.publisher.snapshot().and_then(|snapshot| snapshot.next_step);
    if next.is_none_or(|next| next > now) {
        return Ok(false);
    }
    let mut tx = state.db.write().await?;
    let mut entries = actions::recurring_maintenances::schedule_due(&mut tx, now).await?;
    entries.extend(actions::maintenances::take_due_steps(&mut tx, now).await?);
    if entries.is_empty() {
        return Ok(false);
    }
    tx.commit_all(&Actor::server(), now, &entries).await?;
    Ok(true)
}
