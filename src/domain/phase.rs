//! The phases of an incident.

use serde::{Deserialize, Serialize};

/// How far an incident has come. It may begin in any phase, and come back from `Resolved`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Something is wrong, the cause is not known.
    #[default]
    Investigating,
    /// The cause is known.
    Identified,
    /// Mended, and watched.
    Monitoring,
    /// Over.
    Resolved,
}

impl Phase {
    /// Every phase in the usual order.
    pub const ALL: [Phase; 4] = [Phase::Investigating, Phase::Identified, Phase::Monitoring, Phase::Resolved];

    /// The name that stands in the database, in forms and in the public API.
    pub fn key(self) -> &'static str {
        match self {
            Phase::Investigating => "investigating",
            Phase::Identified => "identified",
            Phase::Monitoring => "monitoring",
            Phase::Resolved => "resolved",
        }
    }

    /// The phase called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.key() == key)
    }

    /// The word a visitor reads.
    pub fn words(self) -> &'static str {
        match self {
            Phase::Investigating => "Investigating",
            Phase::Identified => "Identified",
            Phase::Monitoring => "Monitoring",
            Phase::Resolved => "Resolved",
        }
    }

    /// What is said where nobody writes a text: the sentences that readers of status pages know.
    pub fn default_text(self) -> &'static str {
        match self {
            Phase::Investigating => "We are currently investigating this issue.",
            Phase::Identified => "The issue has been identified and a fix is being implemented.",
            Phase::Monitoring => "A fix has been implemented and we are monitoring the results.",
            Phase::Resolved => "This incident has been resolved.",
        }
    }

    /// The same where the phase was said before.
    pub fn default_text_repeated(self) -> &'static str {
        match self {
            Phase::Investigating => "We are continuing to investigate this issue.",
            Phase::Identified => "We are continuing to work on a fix for this issue.",
            Phase::Monitoring => "We are continuing to monitor for any further issues.",
            Phase::Resolved => self.default_text(),
        }
    }

    /// Whether an incident in this phase is still open.
    pub fn is_open(self) -> bool {
        self != Phase::Resolved
    }
}
