//! The impact of an incident, computed from the components it affects: for the page, and as Statuspage counts it.

use serde::{Deserialize, Serialize};

use super::Status;

/// From least to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    #[default]
    None,
    /// Components are under maintenance, nothing is worse.
    Maintenance,
    Minor,
    Major,
    Critical,
}

impl Impact {
    pub const ALL: [Impact; 5] = [Impact::None, Impact::Maintenance, Impact::Minor, Impact::Major, Impact::Critical];

    pub fn key(self) -> &'static str {
        match self {
            Impact::None => "none",
            Impact::Maintenance => "maintenance",
            Impact::Minor => "minor",
            Impact::Major => "major",
            Impact::Critical => "critical",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|impact| impact.key() == key)
    }

    /// The words of component statuses: every page grades incidents and components alike. Statuspage's words are the
    /// [`key`](Self::key)s of the API.
    pub fn words(self) -> &'static str {
        match self {
            Impact::None => "Notice",
            Impact::Maintenance => Status::UnderMaintenance.words(),
            Impact::Minor => Status::DegradedPerformance.words(),
            Impact::Major => Status::PartialOutage.words(),
            Impact::Critical => Status::MajorOutage.words(),
        }
    }

    /// The impact of the worst status. Another component never lowers it.
    pub fn from_worst(status: Status) -> Self {
        match status {
            Status::Operational | Status::UnderMaintenance => Impact::None,
            Status::DegradedPerformance => Impact::Minor,
            Status::PartialOutage => Impact::Major,
            Status::MajorOutage => Impact::Critical,
        }
    }

    /// Statuspage's rule, from its support article "Top-level status and incident impact calculations". A second, less
    /// affected component lowers the impact, so only the API uses it.
    pub fn from_counts(statuses: &[Status]) -> Self {
        let all = |status| !statuses.is_empty() && statuses.iter().all(|s| *s == status);
        let some = |status| statuses.contains(&status);
        if all(Status::MajorOutage) {
            Impact::Critical
        } else if some(Status::MajorOutage) || all(Status::PartialOutage) {
            Impact::Major
        } else if some(Status::PartialOutage) || some(Status::DegradedPerformance) {
            Impact::Minor
        } else if some(Status::UnderMaintenance) {
            Impact::Maintenance
        } else {
            Impact::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::*;

    #[test]
    fn worse_status_never_lowers_the_impact() {
        let impacts: Vec<Impact> = Status::ALL.into_iter().map(Impact::from_worst).collect();
        assert!(impacts.is_sorted() && impacts.contains(&Impact::Critical), "{impacts:?}");
    }

    #[test]
    fn impact_follows_the_count_rule() {
        let cases: [(&[Status], Impact); 10] = [
            (&[], Impact::None),
            (&[Operational, Operational], Impact::None),
            (&[UnderMaintenance], Impact::Maintenance),
            (&[UnderMaintenance, DegradedPerformance], Impact::Minor),
            (&[DegradedPerformance], Impact::Minor),
            (&[DegradedPerformance, PartialOutage], Impact::Minor),
            (&[PartialOutage, Operational], Impact::Minor),
            (&[PartialOutage, PartialOutage], Impact::Major),
            (&[MajorOutage, Operational], Impact::Major),
            (&[MajorOutage, MajorOutage], Impact::Critical),
        ];
        for (statuses, impact) in cases {
            assert_eq!(Impact::from_counts(statuses), impact, "{statuses:?}");
        }
    }
}
