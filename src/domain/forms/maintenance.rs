use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Fields, parse_body, parse_required_line};
use crate::domain::incident::MAX_TITLE;
use crate::domain::maintenance::{Automation, PlannedComponent};
use crate::domain::parse_time::{parse_local, parse_zone};
use crate::domain::recurring_maintenance::planned_components;
use crate::domain::template::PlaceholderValues;
use crate::domain::{
    Component, ComponentId, Invalid, Maintenance, MaintenanceId, MaintenancePhase, Status, Template, UpdateId,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowForm {
    pub scheduled_for: String,
    pub scheduled_until: String,
    /// The time zone of the two times.
    pub zone: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    /// Always after `from`.
    pub until: DateTime<Utc>,
    pub zone: Tz,
}

/// The title, components and automation of a maintenance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanForm {
    pub title: String,
    /// Ids of the ticked components.
    pub components: BTreeSet<String>,
    pub switches: Automation,
    pub version: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub title: String,
    pub components: Vec<ComponentId>,
    pub switches: Automation,
}

#[derive(Clone, Debug, Default)]
pub struct MaintenanceForm {
    pub plan: PlanForm,
    pub window: WindowForm,
    pub body: String,
}

#[derive(Clone, Debug)]
pub struct NewMaintenance {
    pub plan: Plan,
    pub window: Window,
    pub body: String,
}

impl WindowForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            scheduled_for: fields.text("scheduled_for"),
            scheduled_until: fields.text("scheduled_until"),
            zone: fields.text("zone"),
        }
    }

    pub fn from_times(from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            scheduled_for: format_local(from, zone),
            scheduled_until: format_local(until, zone),
            zone: zone.name().to_owned(),
        }
    }

    pub(super) fn parse_into(&self, invalid: &mut Invalid) -> Option<Window> {
        let zone = invalid.take("zone", parse_zone(&self.zone))?;
        let from = invalid.take("scheduled_for", parse_local(&self.scheduled_for, zone));
        let until = invalid.take("scheduled_until", parse_local(&self.scheduled_until, zone));
        let (from, until) = (from?, until?);
        if until <= from {
            invalid.add("scheduled_until", "The end must be after the start.");
            return None;
        }
        Some(Window { from, until, zone })
    }
}

/// Formats `at` for a `datetime-local` field.
pub(super) fn format_local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}

impl PlanForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            title: fields.text("title"),
            components: fields.values("component").into_iter().collect(),
            switches: Automation {
                reminds: fields.has("reminds"),
                starts: fields.has("starts"),
                completes: fields.has("completes"),
                marks: fields.has("marks"),
            },
            version: fields.version(),
        }
    }

    pub fn from_maintenance(maintenance: &Maintenance) -> Self {
        Self {
            title: maintenance.title.clone(),
            components: maintenance.components.iter().map(|component| component.id.to_string()).collect(),
            switches: maintenance.switches,
            version: maintenance.version,
        }
    }

    pub fn parse(&self) -> Result<Plan, Invalid> {
        let mut invalid = Invalid::new();
        let plan = self.parse_into(&mut invalid);
        match plan {
            Some(plan) if invalid.is_empty() => Ok(plan),
            _ => Err(invalid),
        }
    }

    pub(super) fn parse_into(&self, invalid: &mut Invalid) -> Option<Plan> {
        let title = parse_required_line(&self.title, MAX_TITLE, "Enter a title.");
        let title = invalid.take("title", title);
        let components: Vec<_> = self.components.iter().filter_map(|id| ComponentId::parse(id)).collect();
        if components.len() < self.components.len() {
            invalid.add("components", "Choose components from the list.");
        }
        Some(Plan { title: title?, components, switches: self.switches })
    }
}

impl Plan {
    /// The chosen components among `known`; unknown ids become an error message.
    fn planned_components(&self, known: &[Component], invalid: &mut Invalid) -> Vec<PlannedComponent> {
        for id in &self.components {
            if !known.iter().any(|component| component.id == *id) {
                invalid.add("components", format!("Component {id} was deleted."));
            }
        }
        planned_components(&self.components, known)
    }

    /// A deleted component stays if the maintenance already had it. Rejects other unknown components, and changed
    /// components after the start.
    pub fn apply(
        mut self,
        maintenance: &mut Maintenance,
        known: &[Component],
        now: DateTime<Utc>,
    ) -> Result<(), Invalid> {
        let is_known = |id: &ComponentId| known.iter().any(|component| component.id == *id);
        let (kept, gone): (Vec<_>, Vec<_>) = self.components.into_iter().partition(is_known);
        let stays = |named: &&PlannedComponent| gone.contains(&named.id);
        let stay: Vec<PlannedComponent> = maintenance.components.iter().filter(stays).cloned().collect();
        let mut invalid = Invalid::new();
        if stay.len() < gone.len() {
            invalid.add("components", "A component was deleted.");
        }
        self.components = kept;
        let mut components = self.planned_components(known, &mut invalid);
        components.extend(stay);
        let ids = |list: &[PlannedComponent]| list.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
        let begun = maintenance.phase != MaintenancePhase::Scheduled;
        if begun && ids(&components) != ids(&maintenance.components) {
            invalid.add("components", "It has started: set the status of its components in an update.");
        }
        invalid.check()?;
        if !begun {
            maintenance.components = components;
        }
        maintenance.title = self.title;
        if maintenance.switches != self.switches {
            maintenance.switches = self.switches;
            maintenance.plan_reminder(now);
        }
        Ok(())
    }
}

impl MaintenanceForm {
    pub fn read(fields: &Fields) -> Self {
        Self { plan: PlanForm::read(fields), window: WindowForm::read(fields), body: fields.text("body") }
    }

    pub fn apply_template(&mut self, template: &Template, meanings: &PlaceholderValues) {
        (self.plan.title, self.body) = template.filled(meanings);
        self.plan.components = template.statuses().into_keys().collect();
    }

    pub fn parse(&self) -> Result<NewMaintenance, Invalid> {
        let mut invalid = Invalid::new();
        let parsed = self.parse_into(&mut invalid);
        match parsed {
            Some(new) if invalid.is_empty() => Ok(new),
            _ => Err(invalid),
        }
    }

    pub(super) fn parse_into(&self, invalid: &mut Invalid) -> Option<NewMaintenance> {
        let plan = self.plan.parse_into(invalid);
        let window = self.window.parse_into(invalid);
        let text = parse_body(&self.body).map_err(|_| "Enter a message.".to_owned());
        let text = if self.body.trim().is_empty() { text } else { parse_body(&self.body) };
        let body = invalid.take("body", text);
        Some(NewMaintenance { plan: plan?, window: window?, body: body? })
    }
}

impl NewMaintenance {
    /// Creates the maintenance with the current names of `components`. Rejects unknown components and an end in the
    /// past.
    pub fn plan(
        self,
        ids: (MaintenanceId, UpdateId),
        components: &[Component],
        now: DateTime<Utc>,
    ) -> Result<Maintenance, Invalid> {
        self.record(ids, components, MaintenancePhase::Scheduled, now)
    }

    /// As [`NewMaintenance::plan`], in any phase but cancelled, with one update. A completed maintenance may be past; its
    /// update is dated at its scheduled end then.
    pub fn record(
        self,
        ids: (MaintenanceId, UpdateId),
        components: &[Component],
        phase: MaintenancePhase,
        now: DateTime<Utc>,
    ) -> Result<Maintenance, Invalid> {
        let mut invalid = Invalid::new();
        let ends_immediately = self.plan.switches.completes && self.window.until <= now;
        if phase == MaintenancePhase::Scheduled || (phase.is_active() && ends_immediately) {
            check_end(self.window.until, now, &mut invalid);
        }
        let components = self.plan.planned_components(components, &mut invalid);
        invalid.check()?;
        let mut made = Maintenance {
            id: ids.0,
            title: self.plan.title,
            phase,
            scheduled_for: self.window.from,
            scheduled_until: self.window.until,
            zone: self.window.zone,
            started_at: None,
            ended_at: None,
            switches: self.plan.switches,
            remind_at: None,
            components,
            occurrence: None,
            created_at: now,
            updated_at: now,
            version: 1,
            impact_override: None,
            updates: Vec::new(),
        };
        let named = match phase {
            phase if phase.is_active() => made.default_statuses(MaintenancePhase::InProgress),
            _ => made.named_components(Status::Operational),
        };
        let posted_at = if phase.is_over() { now.min(made.scheduled_until) } else { now };
        made.push_update(phase, self.body, named, ids.1, posted_at, now);
        made.plan_reminder(now);
        Ok(made)
    }
}

pub(super) fn check_end(until: DateTime<Utc>, now: DateTime<Utc>, invalid: &mut Invalid) {
    if until <= now {
        invalid.add("scheduled_until", "This window is in the past.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::maintenance::tests::maintenance;

    fn form() -> MaintenanceForm {
        let window = WindowForm {
            scheduled_for: "2026-11-26T02:00".into(),
            scheduled_until: "2026-11-26T04:00".into(),
            zone: "Asia/Kolkata".into(),
        };
        let plan = PlanForm { title: "Storage upgrade".into(), ..PlanForm::default() };
        MaintenanceForm { plan, window, body: "The archive is read-only.".into() }
    }

    fn ids() -> (MaintenanceId, UpdateId) {
        (MaintenanceId::parse("m").unwrap(), UpdateId::parse("u").unwrap())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn all_errors_are_reported_together() {
        let invalid = MaintenanceForm::default().parse().unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["body", "title", "zone"]);
        let mut form = form();
        form.window.scheduled_until = "2026-11-26T02:00".into();
        assert!(form.parse().unwrap_err().get("scheduled_until").unwrap().contains("after the start"));
    }

    #[test]
    fn window_is_parsed_in_its_zone() {
        let made = form().parse().unwrap().plan(ids(), &[], at("2026-11-20T00:00:00Z")).unwrap();
        assert_eq!(made.scheduled_for, at("2026-11-25T20:30:00Z"));
        assert_eq!((made.zone.name(), made.updates.len()), ("Asia/Kolkata", 1));
        let late = form().parse().unwrap().plan(ids(), &[], at("2026-11-26T00:00:00Z")).unwrap_err();
        assert!(late.get("scheduled_until").unwrap().contains("in the past"));
    }

    #[test]
    fn deleted_component_is_rejected_in_new_plans_only() {
        let mut form = form();
        form.plan.components.insert("gone".into());
        let now = at("2026-11-20T00:00:00Z");
        assert!(form.parse().unwrap().plan(ids(), &[], now).unwrap_err().get("components").is_some());
        let mut old = maintenance(600, 660, &["gone"]);
        PlanForm::from_maintenance(&old).parse().unwrap().apply(&mut old, &[], DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(old.components.len(), 1);
    }

    #[test]
    fn maintenance_is_recorded_in_any_phase() {
        let record = |phase, now| form().parse().unwrap().record(ids(), &[], phase, at(now));
        let (before, during, after) = ("2026-11-25T00:00:00Z", "2026-11-25T21:00:00Z", "2026-11-27T00:00:00Z");
        for phase in [MaintenancePhase::Scheduled, MaintenancePhase::InProgress, MaintenancePhase::Verifying] {
            let made = record(phase, during).unwrap();
            assert_eq!((made.phase, made.updates.len()), (phase, 1));
            assert_eq!(made.started_at, phase.is_active().then(|| at(during)));
        }
        assert!(record(MaintenancePhase::Scheduled, after).is_err());
        let past = record(MaintenancePhase::Completed, after).unwrap();
        assert_eq!(past.window(), (at("2026-11-25T20:30:00Z"), at("2026-11-25T22:30:00Z")));
        assert_eq!(past.updates[0].posted_at, at("2026-11-25T22:30:00Z"));
        let early = record(MaintenancePhase::Completed, before).unwrap();
        assert_eq!((early.started_at, early.ended_at), (Some(at(before)), Some(at(before))));
    }
}
