//! Postmortems of incidents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{IncidentId, UpdateId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postmortem {
    pub incident: IncidentId,
    /// The working copy, in Markdown.
    pub body: String,
    /// `None` before publication and after withdrawal.
    pub published: Option<PublishedPostmortem>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPostmortem {
    pub body: String,
    pub at: DateTime<Utc>,
    /// Its id as an update in its source, if it was imported; otherwise the id is derived from the incident's.
    #[serde(default)]
    pub update_id: Option<UpdateId>,
}

impl Postmortem {
    pub fn has_unpublished_changes(&self) -> bool {
        self.published.as_ref().is_none_or(|published| published.body != self.body)
    }
}
