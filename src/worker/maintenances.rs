//! What maintenances do by themselves: remind, begin and end on time, and come again.

use crate::actions;
use crate::db::{self};
use crate::domain::audit::Actor;
use crate::state::State;

/// Does what is due at the clock's time; says whether anything was. What was missed is caught up as of its
/// own time. Whatever another process has done by then is not done again: the state is read anew in the
/// transaction, which is the only one that writes.
///
/// # Errors
/// Where the database can't be written; then nothing is done, and the next round tries again.
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
