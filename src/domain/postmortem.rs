//! Post-incident reviews: what was learned, told once it is written well.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::IncidentId;

/// The review of an incident, as managers have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postmortem {
    pub incident: IncidentId,
    /// Markdown as it stands in the form.
    pub body: String,
    /// What visitors read; nothing before it is published and after it is withdrawn.
    pub published: Option<PublishedPostmortem>,
    pub updated_at: DateTime<Utc>,
    /// Grows with every change; an edit of an older version is a conflict.
    pub version: i64,
}

/// The review of an incident, as visitors read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPostmortem {
    /// Markdown.
    pub body: String,
    pub at: DateTime<Utc>,
}

impl Postmortem {
    /// Whether something is written that visitors don't read yet.
    pub fn has_unpublished_changes(&self) -> bool {
        self.published.as_ref().is_none_or(|published| published.body != self.body)
    }
}
