//! Updates of incidents and maintenance.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, Phase, Status, UpdateId};

/// In characters; Statuspage's limit.
pub const MAX_BODY: usize = 25_000;

/// `P` is the phase type: of incidents by default, or of maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update<P = Phase> {
    pub id: UpdateId,
    pub phase: P,
    /// Markdown.
    pub body: String,
    /// The displayed time.
    pub posted_at: DateTime<Utc>,
    /// The time of entry; later than `posted_at` for a retroactive update.
    pub created_at: DateTime<Utc>,
    /// When the body was last edited; the audit log has the earlier text.
    pub edited_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub components: Vec<AffectedComponent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedComponent {
    pub id: ComponentId,
    /// The name at that time, because renaming a component does not rewrite history.
    pub name: String,
    /// The status from this update on.
    pub status: Status,
}

/// Changes the displayed time of one of `updates`, which are sorted oldest first. Fails for a time in the future or
/// beyond a neighboring update.
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
