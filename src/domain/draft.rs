//! Drafts: unpublished incidents and updates.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::forms::{ADD_UPDATE, Fields, REMOVE_UPDATE};
use super::{DraftId, IncidentId, MaintenanceId};

/// The field with the maintenance that a draft updates.
pub const MAINTENANCE_FIELD: &str = "maintenance";

/// A field of every form that schedules a maintenance.
pub const SCHEDULE_FIELD: &str = "notify_steps_shown";

/// Fields that control the composer and are not part of a draft.
const UNSAVED_FIELDS: [&str; 9] = [
    "new_id",
    "draft",
    "draft_version",
    "preview",
    "save_draft",
    "preview_page",
    "confirm_status",
    ADD_UPDATE,
    REMOVE_UPDATE,
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDraft {
    pub id: DraftId,
    /// The incident to update; `None` for a new incident.
    pub incident: Option<IncidentId>,
    pub fields: Fields,
    pub edited_by: String,
    pub created_at: DateTime<Utc>,
    pub edited_at: DateTime<Utc>,
    pub version: i64,
}

/// How long a manager counts as having a draft open after the last request for it.
pub const PRESENCE_TIMEOUT: TimeDelta = TimeDelta::minutes(30);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftReader {
    pub draft: DraftId,
    pub name: String,
    pub opened_at: DateTime<Utc>,
}

impl SavedDraft {
    /// Whether it becomes a maintenance or an update of one.
    pub fn is_maintenance(&self) -> bool {
        ["scheduled_for", SCHEDULE_FIELD, MAINTENANCE_FIELD].iter().any(|name| self.fields.has(name))
    }

    /// The maintenance that it updates.
    pub fn maintenance(&self) -> Option<MaintenanceId> {
        MaintenanceId::parse(&self.fields.text(MAINTENANCE_FIELD))
    }

    pub fn kind_words(&self) -> &'static str {
        match (self.is_maintenance(), self.incident.is_some() || self.maintenance().is_some()) {
            (false, false) => "Incident draft",
            (true, false) => "Maintenance draft",
            (_, true) => "Update draft",
        }
    }

    /// The saved fields include the incident's version: posting the draft after newer updates must be a conflict,
    /// because its author has not seen them.
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
