//! The phases of an incident.

use serde::{Deserialize, Serialize};

/// An incident may start in any phase and be reopened after `Resolved`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

impl Phase {
    pub const ALL: [Phase; 4] = [Phase::Investigating, Phase::Identified, Phase::Monitoring, Phase::Resolved];

    pub fn key(self) -> &'static str {
        match self {
            Phase::Investigating => "investigating",
            Phase::Identified => "identified",
            Phase::Monitoring => "monitoring",
            Phase::Resolved => "resolved",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Phase::Investigating => "Investigating",
            Phase::Identified => "Identified",
            Phase::Monitoring => "Monitoring",
            Phase::Resolved => "Resolved",
        }
    }

    /// In the wording that readers of status pages know.
    pub fn default_text(self) -> &'static str {
        match self {
            Phase::Investigating => "We are currently investigating this issue.",
            Phase::Identified => "The issue has been identified and a fix is being implemented.",
            Phase::Monitoring => "A fix has been implemented and we are monitoring the results.",
            Phase::Resolved => "This incident has been resolved.",
        }
    }

    /// The default text for a second update in the same phase.
    pub fn default_text_repeated(self) -> &'static str {
        match self {
            Phase::Investigating => "We are continuing to investigate this issue.",
            Phase::Identified => "We are continuing to work on a fix for this issue.",
            Phase::Monitoring => "We are continuing to monitor for any further issues.",
            Phase::Resolved => self.default_text(),
        }
    }

    pub fn is_open(self) -> bool {
        self != Phase::Resolved
    }
}
