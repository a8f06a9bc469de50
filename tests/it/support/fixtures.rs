//! Test data with defaults for everything that a test does not set.

use candor::domain::audit::{Action, Actor, Entry};
use candor::domain::forms::{NewComponent, NewManager};
use candor::domain::maintenance::{Automation, PlannedComponent};
use candor::domain::{
    AffectedComponent, ComponentId, Impact, Incident, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, Phase,
    Reminder, Role, Status, Update, UpdateId, Visibility,
};
use chrono::{DateTime, TimeDelta, Utc};

/// An incident that began at `started_at`, with one update at that time.
pub fn incident(id: &str, started_at: DateTime<Utc>) -> Incident {
    let mut incident = Incident {
        id: IncidentId::parse(id).unwrap(),
        title: format!("Incident {id}"),
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Investigating,
        started_at,
        ended_at: None,
        detected_by: None,
        internal_note: None,
        visibility: Visibility::Public,
        reminder: Reminder::Usual,
        next_update_at: None,
        postmortem_published_at: None,
        created_at: started_at,
        updated_at: started_at,
        version: 1,
        updates: vec![update(&format!("{id}-1"), started_at, Phase::Investigating, &[])],
    };
    incident.recompute();
    incident
}

/// An incident resolved after `lasted`.
pub fn resolved(id: &str, started_at: DateTime<Utc>, lasted: TimeDelta) -> Incident {
    let mut incident = incident(id, started_at);
    incident.updates.push(update(&format!("{id}-2"), started_at + lasted, Phase::Resolved, &[]));
    incident.recompute();
    incident
}

/// A maintenance announced a day before `from`, or at [`super::now`] if that is earlier, with every option on.
pub fn maintenance(id: &str, from: DateTime<Utc>, until: DateTime<Utc>, components: &[&str]) -> Maintenance {
    let announced_at = (from - TimeDelta::days(1)).min(super::now());
    let component = |id: &&str| PlannedComponent { id: ComponentId::parse(id).unwrap(), name: id.to_uppercase() };
    let mut maintenance = Maintenance {
        id: MaintenanceId::parse(id).unwrap(),
        title: format!("Maintenance {id}"),
        phase: MaintenancePhase::Scheduled,
        scheduled_for: from,
        scheduled_until: until,
        zone: chrono_tz::Tz::UTC,
        started_at: None,
        ended_at: None,
        switches: Automation { reminds: true, starts: true, completes: true, marks: true },
        remind_at: None,
        components: components.iter().map(component).collect(),
        occurrence: None,
        impact_override: None,
        created_at: announced_at,
        updated_at: announced_at,
        version: 1,
        updates: Vec::new(),
    };
    let (first, named) =
        (UpdateId::parse(&format!("{id}-1")).unwrap(), maintenance.named_components(Status::Operational));
    maintenance.push_update(
        MaintenancePhase::Scheduled,
        format!("Text of {id}"),
        named,
        first,
        announced_at,
        announced_at,
    );
    maintenance.plan_reminder(announced_at);
    maintenance
}

pub fn update(id: &str, at: DateTime<Utc>, phase: Phase, components: &[(&str, Status)]) -> Update {
    let affected = |(id, status): &(&str, Status)| AffectedComponent {
        id: ComponentId::parse(id).unwrap(),
        name: id.to_uppercase(),
        status: *status,
    };
    Update {
        id: UpdateId::parse(id).unwrap(),
        phase,
        body: format!("Text of {id}"),
        posted_at: at,
        created_at: at,
        edited_at: None,
        version: 1,
        components: components.iter().map(affected).collect(),
    }
}

/// An operational component without a group, at the last position.
pub fn component(name: &str) -> NewComponent {
    NewComponent {
        name: name.into(),
        description: String::new(),
        group_id: None,
        status: Status::Operational,
        position: None,
        start_date: None,
        only_show_if_degraded: false,
    }
}

/// A manager called NAME with the address NAME@example.org.
pub fn manager(name: &str, role: Role) -> NewManager {
    NewManager { email: format!("{}@example.org", name.to_lowercase()), name: name.into(), role }
}

pub fn actor() -> Actor {
    Actor { manager_id: None, name: "test".into(), address: "192.0.2.1".into() }
}

pub fn entry() -> Entry {
    Entry::new(Action::SampleLoad, "subject", "Subject")
}

/// The audit entry for a test that only adds incidents or maintenances.
pub fn addition() -> Entry {
    Entry::new(Action::IncidentOpen, "subject", "Subject")
}
