//! Components and their groups.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, GroupId, Incident, Maintenance, Status};

/// In characters.
pub const MAX_NAME: usize = 255;
/// In characters.
pub const MAX_DESCRIPTION: usize = 1000;

/// A part of the service that can fail independently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub id: ComponentId,
    pub group_id: Option<GroupId>,
    pub name: String,
    pub description: String,
    /// The baseline, set by managers. Incidents never write it, so resolving one can't leave a wrong status behind.
    pub status: Status,
    /// From 1, within the group or the page.
    pub position: i64,
    /// Uptime counts from this day on.
    pub start_date: Option<NaiveDate>,
    pub only_show_if_degraded: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// A heading over components. A group has no status and does not count for the page status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub description: String,
    /// From 1, among groups and components without a group.
    pub position: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Component {
    /// The status on the page: the worst of the baseline and the open incidents. A maintenance in progress replaces the
    /// baseline but never hides an incident.
    pub fn effective_status(&self, open: &[Incident], planned: &[Maintenance]) -> Status {
        let worked_on = planned.iter().filter_map(|maintenance| maintenance.statuses().get(&self.id).copied()).max();
        let baseline = worked_on.unwrap_or(self.status);
        open.iter().filter_map(|incident| incident.statuses().get(&self.id).copied()).fold(baseline, Status::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::tests::{incident, update};
    use crate::domain::maintenance::tests::maintenance;
    use crate::domain::{Phase, UpdateId};

    fn component(status: Status) -> Component {
        Component {
            id: ComponentId::parse("api").unwrap(),
            group_id: None,
            name: "API".into(),
            description: String::new(),
            status,
            position: 1,
            start_date: None,
            only_show_if_degraded: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn worse_of_baseline_and_incidents_is_effective() {
        let partial = incident(vec![update(0, Phase::Identified, &[("api", Status::PartialOutage)])]);
        let degraded = incident(vec![update(0, Phase::Identified, &[("api", Status::DegradedPerformance)])]);
        let other = incident(vec![update(0, Phase::Identified, &[("db", Status::MajorOutage)])]);
        let open = [degraded, partial, other];
        assert_eq!(component(Status::Operational).effective_status(&open, &[]), Status::PartialOutage);
        assert_eq!(component(Status::MajorOutage).effective_status(&open, &[]), Status::MajorOutage);
        assert_eq!(component(Status::UnderMaintenance).effective_status(&[], &[]), Status::UnderMaintenance);
    }

    #[test]
    fn resolving_restores_the_baseline() {
        let over = incident(vec![
            update(0, Phase::Identified, &[("api", Status::MajorOutage)]),
            update(9, Phase::Resolved, &[]),
        ]);
        assert_eq!(component(Status::Operational).effective_status(&[over], &[]), Status::Operational);
    }

    #[test]
    fn maintenance_replaces_baseline_never_an_incident() {
        let mut planned = maintenance(0, 60, &["api"]);
        let shows = |baseline, open: &[Incident], planned: &Maintenance| {
            component(baseline).effective_status(open, std::slice::from_ref(planned))
        };
        assert_eq!(shows(Status::Operational, &[], &planned), Status::Operational);
        planned.begin(UpdateId::parse("begun").unwrap(), DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(shows(Status::Operational, &[], &planned), Status::UnderMaintenance);
        assert_eq!(shows(Status::MajorOutage, &[], &planned), Status::UnderMaintenance);
        let open = [incident(vec![update(0, Phase::Identified, &[("api", Status::PartialOutage)])])];
        assert_eq!(shows(Status::Operational, &open, &planned), Status::PartialOutage);
        planned
            .complete(UpdateId::parse("done").unwrap(), DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(9))
            .unwrap();
        assert_eq!(shows(Status::MajorOutage, &[], &planned), Status::MajorOutage);
    }
}
