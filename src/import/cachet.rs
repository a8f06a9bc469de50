//! Cachet 2: saved responses of `/api/v1/components`, `/components/groups`, `/incidents` and `/schedules`.

use std::path::Path;

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::Format;
use super::sanitize::normalize_time;
use super::source::{Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourceUpdate};
use crate::domain::MaintenancePhase;
use crate::domain::parse_time::parse_instant;

/// The assumed duration of a maintenance: Cachet stores no scheduled end.
const DEFAULT_DURATION: TimeDelta = TimeDelta::hours(1);

pub struct Cachet {
    /// The time zone set in Cachet: its times have no offset.
    pub zone: Tz,
}

impl Format for Cachet {
    fn accepts(&self, path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "json")
    }

    fn read_document(&self, _path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        let mut source = Source::default();
        let document: Value = serde_json::from_slice(bytes)?;
        if let Some(pages) = document.pointer("/meta/pagination/total_pages").and_then(Value::as_u64).filter(|n| *n > 1)
        {
            let page = document.pointer("/meta/pagination/current_page").and_then(Value::as_u64).unwrap_or(1);
            source.remarks.push(format!("this is page {page} of {pages}: import the others too"));
        }
        let items = match document.get("data") {
            Some(Value::Array(items)) => items.clone(),
            Some(item @ Value::Object(_)) => vec![item.clone()],
            _ => return Err(SourceError::Other("it is not an answer of Cachet's API: it has no data".into())),
        };
        for item in &items {
            self.convert_item(item, &mut source);
        }
        Ok(source)
    }
}

impl Cachet {
    /// Detects the kind of an item by its keys.
    fn convert_item(&self, item: &Value, source: &mut Source) {
        let has = |key: &str| item.get(key).is_some();
        if !item["deleted_at"].is_null() {
            return;
        }
        if has("scheduled_at") {
            source.maintenances.push(self.maintenance(item));
        } else if has("message") {
            source.incidents.push(self.incident(item));
        } else if has("enabled_components") || has("collapsed") {
            source.components.push(self.group(item));
        } else if has("name") && has("status") && item["enabled"] != false {
            source.components.push(self.component(item));
        } else if has("name") && has("status") {
            source.remarks.push(format!(
                "component {} “{}” is not enabled; it is skipped",
                text_or_number(item, "id"),
                text_or_number(item, "name")
            ));
        } else {
            source.broken.push(format!(
                "entry {} “{}” has an unknown type",
                text_or_number(item, "id"),
                text_or_number(item, "name")
            ));
        }
    }

    fn group(&self, item: &Value) -> SourceComponent {
        SourceComponent {
            id: group_id(&text_or_number(item, "id")),
            name: text_or_number(item, "name"),
            position: item["order"].as_i64().unwrap_or(0) + 1,
            group: true,
            ..self.dated_component(item)
        }
    }

    fn component(&self, item: &Value) -> SourceComponent {
        let group = text_or_number(item, "group_id");
        SourceComponent {
            id: text_or_number(item, "id"),
            name: text_or_number(item, "name"),
            description: text_or_number(item, "description"),
            status: status_key(item["status"].as_i64()).to_owned(),
            group_id: if matches!(group.as_str(), "" | "0") { String::new() } else { group_id(&group) },
            position: item["order"].as_i64().unwrap_or(0) + 1,
            ..self.dated_component(item)
        }
    }

    fn dated_component(&self, item: &Value) -> SourceComponent {
        let (created_at, updated_at) = (self.time(item, "created_at"), self.time(item, "updated_at"));
        SourceComponent { created_at, updated_at, ..SourceComponent::default() }
    }

    /// The incident's message becomes the first update. If there are others, its status belongs to the last of them.
    fn incident(&self, item: &Value) -> SourceIncident {
        let started_at = Some(self.time(item, "occurred_at")).filter(|at| !at.is_empty());
        let started_at = started_at.unwrap_or_else(|| self.time(item, "created_at"));
        let more = item["updates"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = phase_key(item["status"].as_i64());
        let first = SourceUpdate {
            status: if more.is_empty() { own } else { "investigating" }.to_owned(),
            body: text_or_number(item, "message"),
            created_at: self.time(item, "created_at"),
            display_at: started_at.clone(),
            affected_components: affected_component(item, own),
            ..SourceUpdate::default()
        };
        let mut updates: Vec<SourceUpdate> =
            std::iter::once(first).chain(more.iter().map(|it| self.update(it))).collect();
        updates.sort_by(|a, b| b.display_at.cmp(&a.display_at));
        SourceIncident {
            id: text_or_number(item, "id"),
            name: text_or_number(item, "name"),
            status: updates.first().map(|newest| newest.status.clone()).unwrap_or_default(),
            created_at: self.time(item, "created_at"),
            updated_at: self.time(item, "updated_at"),
            started_at,
            is_internal: matches!(item["visible"], Value::Bool(false)) || item["visible"] == 0,
            components: named_component(item),
            incident_updates: updates,
            ..SourceIncident::default()
        }
    }

    fn update(&self, item: &Value) -> SourceUpdate {
        SourceUpdate {
            id: format!("update-{}", text_or_number(item, "id")),
            status: phase_key(item["status"].as_i64()).to_owned(),
            body: text_or_number(item, "message"),
            created_at: self.time(item, "created_at"),
            updated_at: self.time(item, "updated_at"),
            display_at: self.time(item, "created_at"),
            ..SourceUpdate::default()
        }
    }

    fn maintenance(&self, item: &Value) -> SourceIncident {
        let (created, start) = (self.time(item, "created_at"), self.time(item, "scheduled_at"));
        let done = self.time(item, "completed_at");
        let an_hour = parse_instant(&start)
            .map(|at| (at + DEFAULT_DURATION).with_timezone(&Utc).to_rfc3339())
            .unwrap_or_default();
        let step = |phase: MaintenancePhase, at: &str, body: String| SourceUpdate {
            status: phase.key().to_owned(),
            body,
            created_at: at.to_owned(),
            display_at: at.to_owned(),
            ..SourceUpdate::default()
        };
        let usual = |phase: MaintenancePhase, at: &str| step(phase, at, phase.default_text().to_owned());
        let mut updates = vec![step(MaintenancePhase::Scheduled, &created, text_or_number(item, "message"))];
        let reached = item["status"].as_i64().unwrap_or(0);
        if reached >= 1 {
            updates.insert(0, usual(MaintenancePhase::InProgress, &start));
        }
        if reached >= 2 {
            updates.insert(0, usual(MaintenancePhase::Completed, if done.is_empty() { &an_hour } else { &done }));
        }
        let components = item["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        SourceIncident {
            // Incident ids are numbers too, and both share the path `/incidents/ID` here.
            id: format!("schedule-{}", text_or_number(item, "id")),
            name: text_or_number(item, "name"),
            status: updates[0].status.clone(),
            created_at: created,
            updated_at: self.time(item, "updated_at"),
            scheduled_until: if done.is_empty() { an_hour } else { done },
            scheduled_for: start,
            components: components.iter().flat_map(named_component).collect(),
            incident_updates: updates,
            ..SourceIncident::default()
        }
    }

    fn time(&self, item: &Value, key: &str) -> String {
        normalize_time(&text_or_number(item, key), self.zone)
    }
}

/// Component and group ids are separate number ranges, but share one id space in the public API.
fn group_id(id: &str) -> String {
    format!("group-{id}")
}

/// The component of an incident, only while the incident is open: it has the component's current status.
fn affected_component(item: &Value, phase: &str) -> Vec<SourceAffected> {
    let is_open = phase != "resolved";
    let affected = |row: SourceComponent| SourceAffected { code: row.id, ..SourceAffected::default() };
    named_component(item).into_iter().filter(|_| is_open).map(affected).collect()
}

/// The component in `component_id`, if any.
fn named_component(item: &Value) -> Vec<SourceComponent> {
    let id = text_or_number(item, "component_id");
    let component = SourceComponent { id: id.clone(), ..SourceComponent::default() };
    if matches!(id.as_str(), "" | "0") { Vec::new() } else { vec![component] }
}

fn status_key(number: Option<i64>) -> &'static str {
    match number {
        Some(2) => "degraded_performance",
        Some(3) => "partial_outage",
        Some(4) => "major_outage",
        _ => "operational",
    }
}

fn phase_key(number: Option<i64>) -> &'static str {
    match number {
        Some(2) => "identified",
        Some(3) => "monitoring",
        Some(4) => "resolved",
        _ => "investigating",
    }
}

fn text_or_number(item: &Value, key: &str) -> String {
    match &item[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
