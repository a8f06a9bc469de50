//! The overall status of the page.

use serde::{Deserialize, Serialize};

use super::{Impact, Incident, Status};

/// Statuspage's indicator names; `Maintenance` is its undocumented fifth value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    None,
    Maintenance,
    Minor,
    Major,
    Critical,
}

impl Indicator {
    pub fn key(self) -> &'static str {
        match self {
            Indicator::None => "none",
            Indicator::Maintenance => "maintenance",
            Indicator::Minor => "minor",
            Indicator::Major => "major",
            Indicator::Critical => "critical",
        }
    }
}

impl From<Impact> for Indicator {
    fn from(impact: Impact) -> Self {
        match impact {
            Impact::None => Indicator::None,
            Impact::Minor => Indicator::Minor,
            Impact::Major => Indicator::Major,
            Impact::Critical => Indicator::Critical,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageStatus {
    pub indicator: Indicator,
    pub description: &'static str,
}

impl PageStatus {
    /// Statuspage's rule, from its support article "Top-level status and incident impact calculations". Groups don't
    /// count.
    pub fn from_components(statuses: &[Status]) -> Self {
        let all = |status| !statuses.is_empty() && statuses.iter().all(|s| *s == status);
        let some = |status| statuses.contains(&status);
        let (indicator, description) = if all(Status::MajorOutage) {
            (Indicator::Critical, "Major System Outage")
        } else if some(Status::MajorOutage) || all(Status::PartialOutage) {
            (Indicator::Major, "Partial System Outage")
        } else if some(Status::PartialOutage) {
            (Indicator::Minor, "Minor Service Outage")
        } else if all(Status::DegradedPerformance) && statuses.len() > 1 {
            (Indicator::Minor, "Degraded System Service")
        } else if some(Status::DegradedPerformance) {
            (Indicator::Minor, "Partially Degraded Service")
        } else if some(Status::UnderMaintenance) {
            (Indicator::Maintenance, "Service Under Maintenance")
        } else {
            (Indicator::None, "All Systems Operational")
        };
        Self { indicator, description }
    }
}

/// The banner of the page, which also reflects open incidents that affect no component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// The severity; an open incident raises it.
    pub tone: Indicator,
    pub headline: String,
}

impl Banner {
    /// Names an open incident instead of "All Systems Operational" or "Service Under Maintenance".
    pub fn from_incidents(statuses: &[Status], open: &[Incident]) -> Self {
        let counted = PageStatus::from_components(statuses);
        if !matches!(counted.indicator, Indicator::None | Indicator::Maintenance) || open.is_empty() {
            return Self { tone: counted.indicator, headline: counted.description.to_owned() };
        }
        let worst = open.iter().map(Incident::impact).max().unwrap_or_default();
        let tone = if worst == Impact::None { counted.indicator } else { worst.into() };
        let headline = match open {
            [only] => format!("Open incident: {}", only.title),
            [first, rest @ ..] => format!("Open incidents: {} and {} more", first.title, rest.len()),
            [] => unreachable!("an empty list returned above"),
        };
        Self { tone, headline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::domain::incident::tests::{incident, update};
    use Status::*;

    #[test]
    fn the_page_follows_the_count_rule() {
        let cases: [(&[Status], Indicator, &str); 15] = [
            (&[], Indicator::None, "All Systems Operational"),
            (&[Operational, Operational], Indicator::None, "All Systems Operational"),
            (&[DegradedPerformance], Indicator::Minor, "Partially Degraded Service"),
            (&[PartialOutage], Indicator::Major, "Partial System Outage"),
            (&[MajorOutage], Indicator::Critical, "Major System Outage"),
            (&[UnderMaintenance], Indicator::Maintenance, "Service Under Maintenance"),
            (&[MajorOutage, MajorOutage], Indicator::Critical, "Major System Outage"),
            (&[MajorOutage, Operational], Indicator::Major, "Partial System Outage"),
            (&[PartialOutage, PartialOutage], Indicator::Major, "Partial System Outage"),
            (&[PartialOutage, Operational], Indicator::Minor, "Minor Service Outage"),
            (&[PartialOutage, DegradedPerformance], Indicator::Minor, "Minor Service Outage"),
            (&[DegradedPerformance, DegradedPerformance], Indicator::Minor, "Degraded System Service"),
            (&[DegradedPerformance, Operational], Indicator::Minor, "Partially Degraded Service"),
            (&[DegradedPerformance, UnderMaintenance], Indicator::Minor, "Partially Degraded Service"),
            (&[UnderMaintenance, Operational], Indicator::Maintenance, "Service Under Maintenance"),
        ];
        for (statuses, indicator, description) in cases {
            assert_eq!(PageStatus::from_components(statuses), PageStatus { indicator, description }, "{statuses:?}");
        }
    }

    #[test]
    fn an_open_incident_over_green_components_is_named() {
        let mut open = incident(vec![update(0, Phase::Investigating, &[])]);
        open.title = "Login mails arrive late".into();
        open.impact_override = Some(Impact::Major);
        let banner = Banner::from_incidents(&[Operational], std::slice::from_ref(&open));
        assert_eq!(banner.headline, "Open incident: Login mails arrive late");
        assert_eq!(banner.tone, Indicator::Major);
        let two = Banner::from_incidents(&[Operational], &[open.clone(), open]);
        assert_eq!(two.headline, "Open incidents: Login mails arrive late and 1 more");
    }

    #[test]
    fn maintenance_does_not_hide_open_incident() {
        let mut open = incident(vec![update(0, Phase::Investigating, &[])]);
        let banner = Banner::from_incidents(&[UnderMaintenance], std::slice::from_ref(&open));
        assert_eq!((banner.headline.as_str(), banner.tone), ("Open incident: Title", Indicator::Maintenance));
        open.impact_override = Some(Impact::Critical);
        assert_eq!(Banner::from_incidents(&[UnderMaintenance], &[open]).tone, Indicator::Critical);
        assert_eq!(Banner::from_incidents(&[UnderMaintenance, Operational], &[]).headline, "Service Under Maintenance");
    }

    #[test]
    fn all_operational_without_incident_is_stated() {
        assert_eq!(Banner::from_incidents(&[Operational], &[]).headline, "All Systems Operational");
    }
}
