//! Searches in the admin's lists.

use super::forms::Fields;
use super::history::normalize_search;
use super::{Phase, Visibility};

/// The default selects all incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentSearch {
    /// Matches title and updates, ignoring case.
    pub text: String,
    pub phase: Option<Phase>,
    /// A key of [`Visibility`].
    pub visibility: Option<&'static str>,
}

/// The default selects all rows of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    pub actor: String,
    /// The noun of the action, like `incident`.
    pub noun: Option<&'static str>,
    /// Part of the subject's name or id.
    pub subject: String,
    /// Part of the values before or after.
    pub text: String,
}

/// The nouns of actions, with their labels.
pub const NOUNS: [(&str, &str); 19] = [
    ("incident", "Incidents"),
    ("postmortem", "Postmortems"),
    ("draft", "Drafts"),
    ("template", "Templates"),
    ("maintenance", "Maintenance"),
    ("series", "Recurring maintenance"),
    ("component", "Components and uptime"),
    ("group", "Groups"),
    ("subscriber", "Subscribers"),
    ("mail", "Test mails"),
    ("manager", "Managers and logins"),
    ("token", "API tokens"),
    ("policy", "Security settings"),
    ("audit", "Audit log"),
    ("page", "Settings"),
    ("announcement", "Announcements"),
    ("import", "Imports"),
    ("database", "Database"),
    ("sample", "Sample page"),
];

impl IncidentSearch {
    /// Ignores invalid parameters.
    pub fn read(query: &Fields) -> Self {
        let visibility = query.text("visibility");
        Self {
            text: search_text(query, "q"),
            phase: Phase::from_key(&query.text("phase")),
            visibility: Visibility::KEYS.into_iter().find(|key| *key == visibility),
        }
    }

    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let phase = self.phase.map(Phase::key).unwrap_or_default();
        nonempty_pairs([
            ("q", self.text.clone()),
            ("phase", phase.to_owned()),
            ("visibility", self.visibility.unwrap_or_default().to_owned()),
        ])
    }
}

impl AuditSearch {
    /// Ignores invalid parameters.
    pub fn read(query: &Fields) -> Self {
        let noun = query.text("what");
        Self {
            actor: search_text(query, "who"),
            noun: NOUNS.into_iter().map(|(noun, _)| noun).find(|known| *known == noun),
            subject: search_text(query, "subject"),
            text: search_text(query, "q"),
        }
    }

    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        nonempty_pairs([
            ("who", self.actor.clone()),
            ("what", self.noun.unwrap_or_default().to_owned()),
            ("subject", self.subject.clone()),
            ("q", self.text.clone()),
        ])
    }
}

fn search_text(query: &Fields, name: &str) -> String {
    normalize_search(&query.text(name))
}

fn nonempty_pairs<const N: usize>(pairs: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&'static str, String)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn search_query_round_trips_without_invalid_values() {
        let pair = |name, value: &str| (name, value.to_owned());
        let search = IncidentSearch::read(&query(&[
            pair("q", " S3 "),
            pair("phase", "resolved"),
            pair("visibility", "internal"),
        ]));
        assert_eq!(IncidentSearch::read(&query(&search.pairs())), search);
        assert_eq!(search.pairs().len(), 3);
        let audit = AuditSearch::read(&query(&[
            pair("who", "Ines"),
            pair("what", "incident"),
            pair("subject", "x"),
            pair("q", "y"),
        ]));
        assert_eq!(AuditSearch::read(&query(&audit.pairs())), audit);
        let nothing = query(&[pair("phase", "broken"), pair("visibility", "x"), pair("what", "%"), pair("q", "  ")]);
        assert_eq!(IncidentSearch::read(&nothing), IncidentSearch::default());
        assert_eq!(AuditSearch::read(&nothing), AuditSearch::default());
    }
}
