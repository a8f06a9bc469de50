//! The phases of a maintenance.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenancePhase {
    #[default]
    Scheduled,
    InProgress,
    Verifying,
    Completed,
    Cancelled,
}

impl MaintenancePhase {
    pub const ALL: [Self; 5] = [Self::Scheduled, Self::InProgress, Self::Verifying, Self::Completed, Self::Cancelled];

    pub fn key(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::InProgress => "in_progress",
            Self::Verifying => "verifying",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::InProgress => "In progress",
            Self::Verifying => "Verifying",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }

    pub fn is_active(self) -> bool {
        matches!(self, Self::InProgress | Self::Verifying)
    }

    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// The phases allowed for an update in this phase. Cancelling is a separate action.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Scheduled => &[Self::Scheduled, Self::InProgress],
            Self::InProgress | Self::Verifying => &[Self::InProgress, Self::Verifying, Self::Completed],
            Self::Completed => &[Self::Completed],
            Self::Cancelled => &[Self::Cancelled],
        }
    }

    /// In the wording that readers of status pages know.
    pub fn default_text(self) -> &'static str {
        match self {
            Self::Scheduled => "This maintenance is scheduled.",
            Self::InProgress => "Scheduled maintenance is currently in progress. We will provide updates as necessary.",
            Self::Verifying => "Verification is currently underway for the maintenance items.",
            Self::Completed => "The scheduled maintenance has been completed.",
            Self::Cancelled => "This maintenance has been cancelled.",
        }
    }
}
