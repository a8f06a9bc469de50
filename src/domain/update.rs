//! One update of an incident or a maintenance: what was said, when, and how the components stood from then on.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, Phase, Status, UpdateId};

/// The longest text of an update, in characters (Statuspage's bound).
pub const MAX_BODY: usize = 25_000;

/// One post in a timeline: that of an incident, or with phases of its own that of a maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update<P = Phase> {
    pub id: UpdateId,
    pub phase: P,
    /// Markdown as it was typed.
    pub body: String,
    /// The time the page shows.
    pub posted_at: DateTime<Utc>,
    /// The time it was entered; later than `posted_at` where it was added retroactively.
    pub created_at: DateTime<Utc>,
    /// When the text was last changed, if ever; the earlier text stands in the audit.
    pub edited_at: Option<DateTime<Utc>>,
    /// Grows with every change; an edit of an older version is a conflict.
    pub version: i64,
    /// The components named by this update.
    pub components: Vec<AffectedComponent>,
}

/// A component as one update names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedComponent {
    pub id: ComponentId,
    /// Its name at that time: renaming a component does not rewrite history.
    pub name: String,
    /// Its status from this update on.
    pub status: Status,
}

/// Gives the update `id` of `updates` (oldest first) another time to show. The order of what was said stays.
///
/// # Errors
/// A sentence, where the time lies in the future or beyond the update before or after it.
pub fn change_update_time<P>(
    updates: &mut [Update<P>],
    id: &UpdateId,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), &'static str> {
    let Some(index) = updates.iter().position(|update| update.id == *id) else { return Ok(()) };
    if at > now {
        return Err("This time is in the future.");
    }
    let before = index.checked_sub(1).and_then(|index| updates.get(index));
    if before.is_some_and(|before| before.posted_at > at) {
        return Err("This is earlier than the previous update.");
    }
    if updates.get(index + 1).is_some_and(|after| after.posted_at < at) {
        return Err("This is later than the next update.");
    }
    updates[index].posted_at = at;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::tests::update;
    use chrono::TimeDelta;

    #[test]
    fn update_time_stays_between_neighbours() {
        let mut updates: Vec<Update> = [0, 10, 20].map(|minute| update(minute, Phase::Investigating, &[])).into();
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let second = updates[1].id.clone();
        for (minute, fine) in [(-1, false), (0, true), (20, true), (21, false), (5, true)] {
            assert_eq!(change_update_time(&mut updates, &second, at(minute), at(30)).is_ok(), fine, "{minute}");
        }
        assert_eq!(updates[1].posted_at, at(5));
        let last = updates[2].id.clone();
        assert!(change_update_time(&mut updates, &last, at(31), at(30)).unwrap_err().contains("future"));
    }
}
