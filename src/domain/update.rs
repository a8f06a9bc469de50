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
    /// The time it was entered; later than `posted_at` where it was written afterwards.
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
