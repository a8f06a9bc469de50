//! Visibility of incidents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// For visitors, an embargoed or internal incident must look like one that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Public,
    /// For managers only until this time, then public.
    Embargoed(DateTime<Utc>),
    /// For managers only.
    Internal,
}

impl Visibility {
    /// In the order of the form.
    pub const KEYS: [&str; 3] = ["public", "embargoed", "internal"];

    pub fn key(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Embargoed(_) => "embargoed",
            Visibility::Internal => "internal",
        }
    }

    /// Only an embargo has a `publish_at`.
    pub fn from_parts(key: &str, publish_at: Option<DateTime<Utc>>) -> Option<Self> {
        match (key, publish_at) {
            ("public", None) => Some(Visibility::Public),
            ("embargoed", Some(at)) => Some(Visibility::Embargoed(at)),
            ("internal", None) => Some(Visibility::Internal),
            _ => None,
        }
    }

    /// The end of the embargo.
    pub fn publish_at(self) -> Option<DateTime<Utc>> {
        match self {
            Visibility::Embargoed(at) => Some(at),
            Visibility::Public | Visibility::Internal => None,
        }
    }

    pub fn is_public(self) -> bool {
        self == Visibility::Public
    }

    /// Whether the embargo is over.
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
