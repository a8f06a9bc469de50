use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::incident::{parse_next_update, resolve_components, resolve_next_update};
use super::{Fields, NextUpdate, NextUpdateForm, parse_body, parse_component_statuses};
use crate::domain::template::PlaceholderValues;
use crate::domain::{Component, ComponentId, Incident, Invalid, Phase, Status, Template, Update, UpdateId};

#[derive(Clone, Debug, Default)]
pub struct UpdateForm {
    pub phase: String,
    pub body: String,
    pub components: BTreeMap<String, String>,
    pub next_update: NextUpdateForm,
    /// The incident's version when the form was opened.
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewUpdate {
    pub phase: Phase,
    pub body: String,
    pub components: Vec<(ComponentId, Status)>,
    pub next_update: NextUpdate,
}

#[derive(Clone, Debug, Default)]
pub struct UpdateEditForm {
    pub body: String,
    /// The update's version when the form was opened.
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct UpdateEdit {
    pub body: String,
}

impl UpdateForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            phase: fields.text("phase"),
            body: fields.text("body"),
            components: fields.components(),
            next_update: NextUpdateForm::read(fields),
            version: fields.version(),
        }
    }

    /// Prefills the current phase and component statuses.
    pub fn from_incident(incident: &Incident) -> Self {
        let statuses = incident.statuses().into_iter();
        Self {
            phase: incident.phase.key().to_owned(),
            body: String::new(),
            components: statuses.map(|(id, status)| (id.to_string(), status.key().to_owned())).collect(),
            next_update: NextUpdateForm::like_last(incident),
            version: incident.version,
        }
    }

    /// Fills the form from `template`; components that the template does not name stay.
    pub fn apply_template(&mut self, template: &Template, meanings: &PlaceholderValues) {
        self.body = template.filled(meanings).1;
        self.phase = template.phase.key().to_owned();
        self.components.extend(template.statuses());
    }

    pub fn parse(&self) -> Result<NewUpdate, Invalid> {
        let mut invalid = Invalid::new();
        let phase = Phase::from_key(&self.phase).ok_or_else(|| "Choose a status.".to_owned());
        let phase = invalid.take("phase", phase);
        let text = invalid.take("body", parse_body(&self.body));
        let components = parse_component_statuses(&self.components, &mut invalid);
        let next_update = parse_next_update(phase, &self.next_update, &mut invalid);
        match (phase, text) {
            (Some(phase), Some(body)) if invalid.is_empty() => Ok(NewUpdate { phase, body, components, next_update }),
            _ => Err(invalid),
        }
    }
}

impl NewUpdate {
    /// Adds the update with the current names of `components` and replaces the promise of the next one. A resolving
    /// update clears all components, so it names none. Rejects unknown components.
    pub fn post(
        self,
        incident: &mut Incident,
        id: UpdateId,
        components: &[Component],
        now: DateTime<Utc>,
    ) -> Result<(), Invalid> {
        let mut invalid = Invalid::new();
        let mut affected = resolve_components(&self.components, components, &mut invalid);
        let next_update_at = resolve_next_update(self.next_update, now, &mut invalid);
        invalid.check()?;
        incident.next_update_at = next_update_at;
        if self.phase == Phase::Resolved {
            affected.clear();
        }
        let newest = incident.newest_update();
        let posted_at = newest.map_or(now, |update| update.posted_at.max(now));
        // A microsecond later than the newest update, so that their order is unambiguous.
        let created_at = newest.map_or(now, |update| now.max(update.created_at + TimeDelta::microseconds(1)));
        incident.updates.push(Update {
            id,
            phase: self.phase,
            body: self.body,
            posted_at,
            created_at,
            edited_at: None,
            version: 1,
            components: affected,
        });
        incident.recompute();
        Ok(())
    }
}

impl UpdateEditForm {
    pub fn read(fields: &Fields) -> Self {
        Self { body: fields.text("body"), version: fields.version() }
    }

    pub fn from_update<P>(update: &Update<P>) -> Self {
        Self { body: update.body.clone(), version: update.version }
    }

    pub fn parse(&self) -> Result<UpdateEdit, Invalid> {
        parse_body(&self.body).map(|body| UpdateEdit { body }).map_err(|message| Invalid::field("body", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::tests::{incident, update};

    #[test]
    fn resolving_update_ends_incident_without_components() {
        let mut it = incident(vec![update(0, Phase::Investigating, &[("api", Status::MajorOutage)])]);
        let mut form = UpdateForm::from_incident(&it);
        form.phase = "resolved".into();
        form.body = "Over.".into();
        form.components.clear();
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(33);
        form.parse().unwrap().post(&mut it, UpdateId::parse("u").unwrap(), &[], now).unwrap();
        assert_eq!(it.ended_at, Some(now));
        assert!(it.newest_update().unwrap().components.is_empty());
    }

    #[test]
    fn later_insert_wins_at_equal_times() {
        let mut it = incident(vec![update(0, Phase::Investigating, &[])]);
        for (id, phase) in [("z", "identified"), ("a", "monitoring")] {
            let form = UpdateForm { phase: phase.into(), body: id.into(), ..UpdateForm::default() };
            form.parse().unwrap().post(&mut it, UpdateId::parse(id).unwrap(), &[], DateTime::UNIX_EPOCH).unwrap();
        }
        assert_eq!((it.phase, it.newest_update().unwrap().body.as_str()), (Phase::Monitoring, "a"));
    }

    #[test]
    fn each_update_replaces_the_promise() {
        let mut it = incident(vec![update(0, Phase::Investigating, &[])]);
        let mut post = |choice: &str, minute: i64| {
            let next_update = NextUpdateForm { choice: choice.into(), ..NextUpdateForm::default() };
            let form =
                UpdateForm { phase: "identified".into(), body: "x".into(), next_update, ..UpdateForm::default() };
            let id = UpdateId::parse(&format!("u{minute}")).unwrap();
            let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
            form.parse().unwrap().post(&mut it, id, &[], now).unwrap();
            it.next_update_at.map(|due| (due - DateTime::UNIX_EPOCH).num_minutes())
        };
        assert_eq!([post("15", 5), post("60", 8), post("none", 9)], [Some(20), Some(68), None]);
    }

    #[test]
    fn deleted_component_is_rejected() {
        let mut it = incident(vec![update(0, Phase::Investigating, &[("api", Status::MajorOutage)])]);
        let mut form = UpdateForm::from_incident(&it);
        form.body = "Text".into();
        let id = UpdateId::parse("u").unwrap();
        let invalid = form.parse().unwrap().post(&mut it, id, &[], DateTime::UNIX_EPOCH).unwrap_err();
        assert!(invalid.get("components").is_some());
        assert_eq!(it.updates.len(), 1);
    }
}
