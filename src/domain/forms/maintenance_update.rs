use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Fields, parse_body, parse_component_statuses};
use crate::domain::template::PlaceholderValues;
use crate::domain::{
    AffectedComponent, ComponentId, Invalid, Maintenance, MaintenancePhase, Status, Template, UpdateId,
};

#[derive(Clone, Debug, Default)]
pub struct MaintenanceUpdateForm {
    pub phase: String,
    pub body: String,
    pub components: BTreeMap<String, String>,
    /// The maintenance's version when the form was opened.
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewMaintenanceUpdate {
    pub phase: MaintenancePhase,
    pub body: String,
    pub components: Vec<(ComponentId, Status)>,
}

impl MaintenanceUpdateForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            phase: fields.text("phase"),
            body: fields.text("body"),
            components: fields.components(),
            version: fields.version(),
        }
    }

    /// Prefills the current phase and component statuses.
    pub fn from_maintenance(maintenance: &Maintenance) -> Self {
        let phase = maintenance.phase;
        let mut statuses: BTreeMap<ComponentId, Status> = maintenance
            .default_statuses(MaintenancePhase::InProgress)
            .into_iter()
            .map(|it| (it.id, it.status))
            .collect();
        statuses.extend(maintenance.statuses());
        Self {
            phase: phase.key().to_owned(),
            body: String::new(),
            components: statuses.into_iter().map(|(id, status)| (id.to_string(), status.key().to_owned())).collect(),
            version: maintenance.version,
        }
    }

    /// Fills the form from `template`. Of its statuses, those count that a maintenance can give its own components.
    pub fn apply_template(&mut self, template: &Template, meanings: &PlaceholderValues) {
        self.body = template.filled(meanings).1;
        self.phase = template.phase.key().to_owned();
        for (id, status) in &template.components {
            if let Some(own) = self.components.get_mut(id.as_str()).filter(|_| status.is_planned_work()) {
                status.key().clone_into(own);
            }
        }
    }

    pub fn parse(&self) -> Result<NewMaintenanceUpdate, Invalid> {
        let mut invalid = Invalid::new();
        let phase = MaintenancePhase::from_key(&self.phase).ok_or_else(|| "Choose a status.".to_owned());
        let phase = invalid.take("phase", phase);
        let text = invalid.take("body", parse_body(&self.body));
        let components = parse_component_statuses(&self.components, &mut invalid);
        match (phase, text) {
            (Some(phase), Some(body)) if invalid.is_empty() => Ok(NewMaintenanceUpdate { phase, body, components }),
            _ => Err(invalid),
        }
    }
}

impl NewMaintenanceUpdate {
    /// Component statuses are stored only while work is in progress: outside of it a maintenance affects no component.
    /// Rejects an invalid phase transition, a component of another maintenance, and a status that only an incident may
    /// set.
    pub fn post(self, maintenance: &mut Maintenance, id: UpdateId, now: DateTime<Utc>) -> Result<(), Invalid> {
        if self.components.iter().all(|(_, status)| status.is_planned_work()) {
            return self.post_any_status(maintenance, id, now);
        }
        Err(Invalid::field("components", "Create an incident for anything that breaks outside the planned work."))
    }

    /// As [`NewMaintenanceUpdate::post`], with every status: API clients may set a worse one.
    pub fn post_any_status(
        self,
        maintenance: &mut Maintenance,
        id: UpdateId,
        now: DateTime<Utc>,
    ) -> Result<(), Invalid> {
        let mut invalid = Invalid::new();
        if !maintenance.phase.next().contains(&self.phase) {
            let (to, from) = (self.phase.words(), maintenance.phase.words().to_lowercase());
            invalid.add("phase", format!("The status can't change from {from} to {to}."));
        }
        if !maintenance.phase.is_active() && self.phase.is_active() && maintenance.ends_immediately(now) {
            invalid.add("phase", "The window has passed. Reschedule it first.");
        }
        let mut named = Vec::new();
        for (id, status) in &self.components {
            match maintenance.components.iter().find(|component| component.id == *id) {
                Some(it) => named.push(AffectedComponent { id: id.clone(), name: it.name.clone(), status: *status }),
                None => invalid.add("components", format!("{id} is not one of its components.")),
            }
        }
        invalid.check()?;
        let components = match self.phase {
            MaintenancePhase::InProgress | MaintenancePhase::Verifying => named,
            MaintenancePhase::Completed if maintenance.phase.is_active() => {
                maintenance.named_components(Status::Operational)
            }
            _ => Vec::new(),
        };
        maintenance.push_update(self.phase, self.body, components, id, now, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::maintenance::tests::maintenance;
    use chrono::TimeDelta;

    #[test]
    fn update_follows_allowed_phase_transitions() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(600);
        let mut it = maintenance(600, 660, &["api"]);
        let mut form = MaintenanceUpdateForm::from_maintenance(&it);
        form.body = "Text".into();
        let id = |text: &str| UpdateId::parse(text).unwrap();
        form.phase = "completed".into();
        assert!(form.parse().unwrap().post(&mut it, id("a"), now).unwrap_err().get("phase").is_some());
        form.phase = "in_progress".into();
        form.components.insert("api".into(), "major_outage".into());
        assert!(form.parse().unwrap().post(&mut it, id("b"), now).unwrap_err().get("components").is_some());
        form.components.insert("api".into(), "under_maintenance".into());
        form.parse().unwrap().post(&mut it, id("c"), now).unwrap();
        assert_eq!(it.statuses().len(), 1);
        form.components.insert("other".into(), "operational".into());
        assert!(form.parse().unwrap().post(&mut it, id("d"), now).is_err());
    }

    #[test]
    fn updates_before_start_have_no_components() {
        let mut it = maintenance(600, 660, &["api"]);
        let form = MaintenanceUpdateForm { body: "Reminder".into(), ..MaintenanceUpdateForm::from_maintenance(&it) };
        form.parse().unwrap().post(&mut it, UpdateId::parse("a").unwrap(), DateTime::UNIX_EPOCH).unwrap();
        assert!(it.newest_update().unwrap().components.is_empty() && it.statuses().is_empty());
    }
}
