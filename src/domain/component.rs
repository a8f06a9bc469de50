//! Components and their groups.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::history::start_of_day;
use super::uptime::StatusInterval;
use super::{ComponentId, GroupId, Incident, IncidentId, Maintenance, MaintenanceId, Status};

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
    /// The own status (baseline), set by managers and API clients. Incidents never write it, so resolving one can't leave
    /// a wrong status behind; a client that resolves with statuses sets both.
    pub status: Status,
    /// From 1, within the group or the page.
    pub position: i64,
    /// Set by an owner; see [`Component::history_start`].
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

/// Whether readers would take two names for the same: the case does not count.
pub fn is_same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Why a component is not operational.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReason {
    /// The start of its present status.
    pub since: DateTime<Utc>,
    pub cause: StatusCause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusCause {
    Incident(IncidentId, String),
    Maintenance(MaintenanceId, String),
    /// A manager set the status.
    Manual,
}

impl Component {
    /// The start of the history: the start date if an owner set one, otherwise the creation. There is no data before.
    pub fn history_start(&self, zone: Tz) -> DateTime<Utc> {
        self.start_date.map_or(self.created_at, |day| start_of_day(day, zone))
    }

    /// The cause of the effective status; `None` if it is operational. `baselines` are the present intervals of manual
    /// statuses.
    pub fn status_reason(
        &self,
        open: &[Incident],
        planned: &[Maintenance],
        baselines: &[StatusInterval],
    ) -> Option<StatusReason> {
        let status = self.effective_status(open, planned);
        if status == Status::Operational {
            return None;
        }
        let own = |effect: &&StatusInterval| effect.component_id == self.id;
        let incidents = open.iter().filter(|incident| incident.statuses().get(&self.id) == Some(&status));
        let incidents = incidents.map(|incident| {
            let effects = incident.status_intervals();
            let since = status_start(effects.iter().filter(own), status).unwrap_or(incident.started_at);
            StatusReason { since, cause: StatusCause::Incident(incident.id.clone(), incident.title.clone()) }
        });
        let maintenances = planned.iter().filter(|it| it.statuses().get(&self.id) == Some(&status));
        let maintenances = maintenances.map(|it| {
            let since = it.status_intervals().iter().filter(own).map(|effect| effect.from).max();
            let cause = StatusCause::Maintenance(it.id.clone(), it.title.clone());
            StatusReason { since: since.unwrap_or_else(|| it.starts_at()), cause }
        });
        let earliest = |reason: &StatusReason| reason.since;
        incidents.min_by_key(earliest).or_else(|| maintenances.min_by_key(earliest)).or_else(|| {
            let manual = baselines.iter().filter(own).filter(|effect| effect.incident_id.is_none());
            let since = status_start(manual, status).unwrap_or(self.updated_at);
            Some(StatusReason { since, cause: StatusCause::Manual })
        })
    }

    /// The status on the page: the worst of the baseline and the open incidents. A maintenance in progress replaces the
    /// baseline but never hides an incident.
    pub fn effective_status(&self, open: &[Incident], planned: &[Maintenance]) -> Status {
        let worked_on = planned.iter().filter_map(|maintenance| maintenance.statuses().get(&self.id).copied()).max();
        let baseline = worked_on.unwrap_or(self.status);
        open.iter().filter_map(|incident| incident.statuses().get(&self.id).copied()).fold(baseline, Status::max)
    }
}

/// The start of the present `status`. An update that repeats a status does not restart it.
fn status_start<'a>(effects: impl Iterator<Item = &'a StatusInterval>, status: Status) -> Option<DateTime<Utc>> {
    let mut same: Vec<&StatusInterval> = effects.filter(|effect| effect.status == status).collect();
    same.sort_by_key(|effect| std::cmp::Reverse(effect.from));
    let mut since = same.iter().find(|effect| effect.to.is_none())?.from;
    for effect in same {
        if effect.to == Some(since) {
            since = effect.from;
        }
    }
    Some(since)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::incident::tests::{incident, update};
    use crate::domain::maintenance::tests::maintenance;
    use crate::domain::{Phase, UpdateId};

    pub(crate) fn component(status: Status) -> Component {
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

    #[test]
    fn history_begins_at_creation_or_start_date() {
        let mut it = component(Status::Operational);
        it.created_at = "2026-11-28T12:30:00Z".parse().unwrap();
        assert_eq!(it.history_start(Tz::UTC), it.created_at);
        it.start_date = NaiveDate::from_ymd_opt(2026, 11, 1);
        assert_eq!(it.history_start(Tz::Europe__Berlin).to_rfc3339(), "2026-10-31T23:00:00+00:00");
    }

    #[test]
    fn reason_and_start_belong_to_the_component() {
        let at = |minute| DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute);
        let other = incident(vec![update(5, Phase::Identified, &[("db", Status::PartialOutage)])]);
        let by_hand = StatusInterval {
            component_id: ComponentId::parse("api").unwrap(),
            incident_id: None,
            from: at(90),
            to: None,
            status: Status::MajorOutage,
        };
        let found = component(Status::MajorOutage).status_reason(std::slice::from_ref(&other), &[], &[by_hand]);
        assert_eq!(found, Some(StatusReason { since: at(90), cause: StatusCause::Manual }));
        assert_eq!(component(Status::Operational).status_reason(&[other], &[], &[]), None);
        let own = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::DegradedPerformance)]),
            update(10, Phase::Identified, &[("api", Status::PartialOutage)]),
            update(20, Phase::Identified, &[("api", Status::PartialOutage)]),
        ]);
        let found = component(Status::Operational).status_reason(std::slice::from_ref(&own), &[], &[]).unwrap();
        assert_eq!(found.since, at(10), "the repeated status began with the first");
        assert_eq!(found.cause, StatusCause::Incident(own.id, own.title));
        let mut work = maintenance(30, 60, &["api"]);
        work.begin(UpdateId::parse("begun").unwrap(), at(25)).unwrap();
        let found = component(Status::Operational).status_reason(&[], std::slice::from_ref(&work), &[]).unwrap();
        assert_eq!((found.since, found.cause), (at(25), StatusCause::Maintenance(work.id, work.title)));
    }
}
