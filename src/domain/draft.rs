//! Drafts: what managers write and have not published yet.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::forms::Fields;
use super::{DraftId, IncidentId};

/// What a composer says besides its text: which button was pressed, which draft it goes on with, and which id it gives.
const UNSAVED_FIELDS: [&str; 6] = ["new_id", "draft", "draft_version", "preview", "save_draft", "preview_page"];

/// The fields of a composer, kept for whoever goes on with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDraft {
    pub id: DraftId,
    /// The incident it is an update of; nothing for a new incident.
    pub incident: Option<IncidentId>,
    pub fields: Fields,
    /// The name of the manager who saved it last.
    pub edited_by: String,
    pub created_at: DateTime<Utc>,
    pub edited_at: DateTime<Utc>,
    /// Grows with every change; an edit of an older version is a conflict.
    pub version: i64,
}

/// How long somebody counts as having a draft open after they last asked for it.
pub const PRESENCE_TIMEOUT: TimeDelta = TimeDelta::minutes(30);

/// Somebody who has a draft open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftReader {
    pub draft: DraftId,
    /// The manager's name.
    pub name: String,
    pub opened_at: DateTime<Utc>,
}

impl SavedDraft {
    /// What of a submission is kept. The version of the incident that an update was written against is: whoever goes on
    /// with the draft has not seen what was posted since.
    pub fn fields_to_save(fields: &Fields) -> Fields {
        let kept =
            fields.0.iter().filter(|(name, value)| !UNSAVED_FIELDS.contains(&name.as_str()) && !value.is_empty());
        Fields(kept.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_saves_text_and_version_without_buttons() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = Fields(vec![
            field("body", "Text"),
            field("component.api", ""),
            field("version", "3"),
            field("new_id", "q9s3e7u1a5lh"),
            field("draft", "x"),
            field("save_draft", "1"),
        ]);
        assert_eq!(SavedDraft::fields_to_save(&fields), Fields(vec![field("body", "Text"), field("version", "3")]));
    }
}
