//! Who sees an incident.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who sees an incident. Only a public one exists for visitors: what is embargoed or internal is for
/// managers, and to everybody else like something that never was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Managers, and everybody from this instant on.
    Embargoed(DateTime<Utc>),
    /// Managers only.
    Internal,
}

impl Visibility {
    /// The names of the three, in the order a form offers them.
    pub const KEYS: [&str; 3] = ["public", "embargoed", "internal"];

    /// The name that stands in the database and in forms.
    pub fn key(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Embargoed(_) => "embargoed",
            Visibility::Internal => "internal",
        }
    }

    /// The visibility called `key`; an embargo needs the instant at which it ends, the others have none.
    pub fn from_parts(key: &str, publish_at: Option<DateTime<Utc>>) -> Option<Self> {
        match (key, publish_at) {
            ("public", None) => Some(Visibility::Public),
            ("embargoed", Some(at)) => Some(Visibility::Embargoed(at)),
            ("internal", None) => Some(Visibility::Internal),
            _ => None,
        }
    }

    /// When an embargo ends.
    pub fn publish_at(self) -> Option<DateTime<Utc>> {
        match self {
            Visibility::Embargoed(at) => Some(at),
            Visibility::Public | Visibility::Internal => None,
        }
    }

    /// Whether visitors see it.
    pub fn is_public(self) -> bool {
        self == Visibility::Public
    }

    /// Whether an embargo is over at `now`.
    pub fn is_due(self, now: DateTime<Utc>) -> bool {
        self.publish_at().is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn every_visibility_is_found_by_its_parts() {
        let at = DateTime::UNIX_EPOCH;
        for visibility in [Visibility::Public, Visibility::Embargoed(at), Visibility::Internal] {
            assert_eq!(Visibility::from_parts(visibility.key(), visibility.publish_at()), Some(visibility));
            assert!(Visibility::KEYS.contains(&visibility.key()));
        }
        for bad in [("public", Some(at)), ("internal", Some(at)), ("embargoed", None), ("", None), ("PUBLIC", None)] {
            assert_eq!(Visibility::from_parts(bad.0, bad.1), None, "{bad:?}");
        }
    }

    #[test]
    fn only_embargo_becomes_due_at_its_instant() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let embargoed = Visibility::Embargoed(at);
        assert!(!embargoed.is_due(at - TimeDelta::microseconds(1)) && embargoed.is_due(at));
        assert!(!Visibility::Public.is_due(at) && !Visibility::Internal.is_due(at));
    }
}
