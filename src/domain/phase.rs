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

/// In a sentence with one of these, "resolved" does not say that it is.
const HEDGES: [&str; 12] =
    ["not", "never", "until", "when", "once", "if", "before", "be", "being", "partially", "partly", "unless"];

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

    /// The phase that most often follows.
    pub fn likely_next(self) -> Self {
        match self {
            Phase::Investigating => Phase::Identified,
            Phase::Identified => Phase::Monitoring,
            Phase::Monitoring | Phase::Resolved => Phase::Resolved,
        }
    }

    /// `Resolved` if `body` says that it is resolved and the phase is another. A sentence with a word like "until" or
    /// "not" does not say so.
    pub fn suggested_by(self, body: &str) -> Option<Self> {
        let says_resolved = |sentence: &str| {
            let words: Vec<String> = sentence
                .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
                .map(|word| word.to_lowercase().replace('’', "'"))
                .collect();
            let is_hedge = |word: &String| HEDGES.contains(&word.as_str()) || word.ends_with("n't");
            words.iter().any(|word| word == "resolved") && !words.iter().any(is_hedge)
        };
        let says = body.split(['.', '!', '?', ';', '\n']).any(says_resolved);
        (says && self != Phase::Resolved).then_some(Phase::Resolved)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_next_phase_goes_forward() {
        let next: Vec<Phase> = Phase::ALL.into_iter().map(Phase::likely_next).collect();
        assert_eq!(next, [Phase::Identified, Phase::Monitoring, Phase::Resolved, Phase::Resolved]);
    }

    #[test]
    fn resolved_text_contradicts_every_other_phase() {
        for body in ["This is resolved.", "A disk was full.\nRESOLVED at 12:00", "The problem has been **resolved**!"] {
            assert_eq!(Phase::Investigating.suggested_by(body), Some(Phase::Resolved), "{body}");
            assert_eq!(Phase::Monitoring.suggested_by(body), Some(Phase::Resolved), "{body}");
            assert_eq!(Phase::Resolved.suggested_by(body), None, "{body}");
        }
        for body in [
            "",
            "It is not resolved yet.",
            "It isn’t resolved.",
            "We post again when this is resolved.",
            "It will be resolved soon.",
            "Unresolved questions.",
            "A fix is in place.",
        ] {
            assert_eq!(Phase::Investigating.suggested_by(body), None, "{body}");
        }
    }
}
