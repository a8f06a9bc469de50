//! The status of a component.

use serde::{Deserialize, Serialize};

/// The status of a component, from best to worst: the order decides which of two statuses shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Works as it should.
    #[default]
    Operational,
    /// Worked on as planned.
    UnderMaintenance,
    /// Works, but slowly or badly.
    DegradedPerformance,
    /// Does not work for some.
    PartialOutage,
    /// Does not work.
    MajorOutage,
}

impl Status {
    /// Every status, from best to worst.
    pub const ALL: [Status; 5] = [
        Status::Operational,
        Status::UnderMaintenance,
        Status::DegradedPerformance,
        Status::PartialOutage,
        Status::MajorOutage,
    ];

    /// The name that stands in the database, in forms and in the public API.
    pub fn key(self) -> &'static str {
        match self {
            Status::Operational => "operational",
            Status::UnderMaintenance => "under_maintenance",
            Status::DegradedPerformance => "degraded_performance",
            Status::PartialOutage => "partial_outage",
            Status::MajorOutage => "major_outage",
        }
    }

    /// The status called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }

    /// The words a visitor reads.
    pub fn words(self) -> &'static str {
        match self {
            Status::Operational => "Operational",
            Status::UnderMaintenance => "Under maintenance",
            Status::DegradedPerformance => "Degraded performance",
            Status::PartialOutage => "Partial outage",
            Status::MajorOutage => "Major outage",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_key() {
        for status in Status::ALL {
            assert_eq!(Status::from_key(status.key()), Some(status));
        }
        assert_eq!(Status::from_key("broken"), None);
    }

    #[test]
    fn statuses_are_ordered_from_best_to_worst() {
        assert!(Status::ALL.is_sorted());
    }
}
