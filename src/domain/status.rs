//! The status of a component.

use serde::{Deserialize, Serialize};

/// From best to worst; the order decides which of two statuses the page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Operational,
    UnderMaintenance,
    DegradedPerformance,
    PartialOutage,
    MajorOutage,
}

impl Status {
    pub const ALL: [Status; 5] = [
        Status::Operational,
        Status::UnderMaintenance,
        Status::DegradedPerformance,
        Status::PartialOutage,
        Status::MajorOutage,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Status::Operational => "operational",
            Status::UnderMaintenance => "under_maintenance",
            Status::DegradedPerformance => "degraded_performance",
            Status::PartialOutage => "partial_outage",
            Status::MajorOutage => "major_outage",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }

    /// Whether a maintenance may give this status to its components; anything worse is an incident.
    pub fn is_planned_work(self) -> bool {
        matches!(self, Status::Operational | Status::UnderMaintenance)
    }

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
