//! Cachet: saved responses of version 2 (`/api/v1/components`, `/components/groups`, `/incidents`, `/schedules`) and of
//! version 3 (JSON:API: `/api/components`, `/component-groups`, `/incidents?include=components,updates`, `/schedules`).

use std::path::Path;

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::Format;
use super::feed::{id_in_path, is_feed, is_feed_name, read_feed};
use super::json::text;
use super::sanitize::normalize_time;
use super::source::{Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourceUpdate};
use crate::db::feed_ids::UUID_PREFIX;
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
        is_feed(path) || path.extension().is_some_and(|extension| extension == "json")
    }

    fn read_document(&self, path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        if is_feed_name(path) {
            return read_feed(bytes, |path| id_in_path(path, &[("/incidents/", "")]));
        }
        let mut source = Source::default();
        let mut document: Value = serde_json::from_slice(bytes)?;
        flatten_document(&mut document);
        if let Some(pages) = document.pointer("/meta/pagination/total_pages").and_then(Value::as_u64).filter(|n| *n > 1)
        {
            let page = document.pointer("/meta/pagination/current_page").and_then(Value::as_u64).unwrap_or(1);
            source.remarks.push(format!("this is page {page} of {pages}: import the others too"));
        } else if document.pointer("/links/next").is_some_and(Value::is_string) {
            source.remarks.push("this is not the last page: import the others too".into());
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
        let kind = item["type"].as_str().unwrap_or_default();
        // Before version 2.4, a schedule was an incident of status 0.
        let is_old_schedule =
            has("component_id") && item["status"].as_i64() == Some(0) && self.has_time(item, "scheduled_at");
        let is_incident = has("component_id") || has("occurred_at") || has("stickied");
        if is_old_schedule || kind == "schedules" || has("scheduled_at") && !is_incident {
            self.push_maintenance(item, is_old_schedule, source);
        } else if kind == "incidents" || has("message") && has("name") {
            let (id, guid) = (text(item, "id"), text(item, "guid"));
            if !guid.is_empty() {
                // Version 3 names the items of its feed by this UUID.
                source.feed_ids.insert(id, format!("{UUID_PREFIX}{guid}"));
            }
            source.incidents.push(self.incident(item));
        } else if kind == "componentGroups" || has("enabled_components") || has("collapsed") {
            self.push_group(item, source);
        } else if has("name") && has("status") && item["enabled"] != false && item["enabled"] != 0 {
            source.components.push(self.component(item));
        } else if has("name") && has("status") {
            source.hidden.insert(text(item, "id"));
            source.remarks.push(format!(
                "component {} “{}” is not enabled; it is skipped",
                text(item, "id"),
                text(item, "name")
            ));
        } else {
            source.broken.push(format!("entry {} “{}” has an unknown type", text(item, "id"), text(item, "name")));
        }
    }

    /// A group, unless only logged-in users see it: then its components are hidden too.
    fn push_group(&self, item: &Value, source: &mut Source) {
        // Version 2.0 to 2.3 have no visibility.
        if is_public(&item["visible"]) {
            source.components.push(self.group(item));
            return;
        }
        let id = text(item, "id");
        source.remarks.push(format!(
            "group {id} “{}” is visible to logged-in users only; it is skipped with its components",
            text(item, "name")
        ));
        source.hidden.insert(group_id(&id));
        let lists = ["enabled_components", "components"].iter().filter_map(|key| item[*key].as_array());
        source.hidden.extend(lists.flatten().map(|component| text(component, "id")));
    }

    fn group(&self, item: &Value) -> SourceComponent {
        SourceComponent {
            id: group_id(&text(item, "id")),
            name: text(item, "name"),
            position: item["order"].as_i64().unwrap_or(0) + 1,
            group: true,
            ..self.dated_component(item)
        }
    }

    fn component(&self, item: &Value) -> SourceComponent {
        let group = text(item, "group_id");
        SourceComponent {
            id: text(item, "id"),
            name: text(item, "name"),
            description: text(item, "description"),
            status: status_key(item["status"].as_i64().or_else(|| item["status"].as_str()?.parse().ok())).to_owned(),
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
        let latest = item["latest_status"].as_i64().map(|status| phase_key(Some(status)));
        // Version 2.4 changes the incident's own status with each update; others leave it as it was at the start.
        let is_changed = latest.is_none_or(|latest| latest == own);
        let first = SourceUpdate {
            status: if more.is_empty() || !is_changed { own } else { "investigating" }.to_owned(),
            body: text(item, "message"),
            created_at: self.time(item, "created_at"),
            display_at: started_at.clone(),
            affected_components: affected_components(item, latest.unwrap_or(own)),
            ..SourceUpdate::default()
        };
        let mut more: Vec<&Value> = more.iter().filter(|update| update["deleted_at"].is_null()).collect();
        more.sort_by_key(|update| (self.time(update, "created_at"), update["id"].as_i64()));
        let mut updates: Vec<SourceUpdate> =
            std::iter::once(first).chain(more.into_iter().map(|it| self.update(it))).collect();
        updates.reverse();
        let newest = updates.first().map(|newest| newest.status.clone()).unwrap_or_default();
        SourceIncident {
            id: text(item, "id"),
            name: text(item, "name"),
            status: latest.map_or(newest, str::to_owned),
            created_at: self.time(item, "created_at"),
            updated_at: self.time(item, "updated_at"),
            started_at,
            is_internal: !is_public(&item["visible"]),
            components: named_components(item),
            incident_updates: updates,
            ..SourceIncident::default()
        }
    }

    fn update(&self, item: &Value) -> SourceUpdate {
        SourceUpdate {
            id: format!("update-{}", text(item, "id")),
            status: phase_key(item["status"].as_i64()).to_owned(),
            body: text(item, "message"),
            created_at: self.time(item, "created_at"),
            updated_at: self.time(item, "updated_at"),
            display_at: self.time(item, "created_at"),
            ..SourceUpdate::default()
        }
    }

    /// A schedule, unless it is not published yet.
    fn push_maintenance(&self, item: &Value, is_old: bool, source: &mut Source) {
        if item.get("published_at").is_some_and(Value::is_null) && item["type"] == "schedules" {
            let (id, name) = (text(item, "id"), text(item, "name"));
            source.remarks.push(format!("schedule {id} “{name}” is not published; it is skipped"));
        } else if is_old && !is_public(&item["visible"]) {
            let (id, name) = (text(item, "id"), text(item, "name"));
            source.remarks.push(format!("schedule {id} “{name}” is visible to logged-in users only; it is skipped"));
        } else {
            source.maintenances.push(self.maintenance(item));
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
        let mut updates = vec![step(MaintenancePhase::Scheduled, &created, text(item, "message"))];
        let reached = if done.is_empty() { item["status"].as_i64().unwrap_or(0) } else { 2 };
        if reached >= 1 {
            updates.insert(0, usual(MaintenancePhase::InProgress, &start));
        }
        if reached >= 2 {
            updates.insert(0, usual(MaintenancePhase::Completed, if done.is_empty() { &an_hour } else { &done }));
        }
        SourceIncident {
            // Incident ids are numbers too, and both share the path `/incidents/ID` here.
            id: format!("schedule-{}", text(item, "id")),
            name: text(item, "name"),
            // Cachet does not start schedules: until people do, only the window tells.
            status: if reached == 0 { String::new() } else { updates[0].status.clone() },
            created_at: created,
            updated_at: self.time(item, "updated_at"),
            scheduled_until: if done.is_empty() { an_hour } else { done },
            scheduled_for: start,
            components: named_components(item),
            shown_from: self.time(item, "published_at"),
            incident_updates: updates,
            ..SourceIncident::default()
        }
    }

    fn has_time(&self, item: &Value, key: &str) -> bool {
        parse_instant(&self.time(item, key)).is_ok()
    }

    fn time(&self, item: &Value, key: &str) -> String {
        normalize_time(&text(item, key), self.zone)
    }
}

/// Component and group ids are separate number ranges, but share one id space in the public API.
fn group_id(id: &str) -> String {
    format!("group-{id}")
}

/// Whether guests see an item: 0 is for logged-in users, 2 is hidden. Old versions have no visibility.
fn is_public(visible: &Value) -> bool {
    match visible {
        Value::Null => true,
        Value::Bool(visible) => *visible,
        Value::String(visible) => visible == "1" || visible == "guest",
        visible => visible.as_i64() == Some(1),
    }
}

/// The components of an incident, only while the incident is open: they have their current status.
fn affected_components(item: &Value, phase: &str) -> Vec<SourceAffected> {
    let is_open = phase != "resolved";
    let affected = |row: SourceComponent| SourceAffected { code: row.id, name: row.name, ..SourceAffected::default() };
    named_components(item).into_iter().filter(|_| is_open).map(affected).collect()
}

/// The components in `component_id` and `components`.
fn named_components(item: &Value) -> Vec<SourceComponent> {
    let one = text(item, "component_id");
    let mut named = vec![SourceComponent { id: one, ..SourceComponent::default() }];
    for row in item["components"].as_array().into_iter().flatten() {
        // Version 2 lists rows that refer to a component, version 3 the components.
        let refers = row.get("component_id").is_some();
        let id = text(row, if refers { "component_id" } else { "id" });
        let name = if refers { String::new() } else { text(row, "name") };
        if named.iter().all(|known| known.id != id) {
            named.push(SourceComponent { id, name, ..SourceComponent::default() });
        }
    }
    named.retain(|component| !matches!(component.id.as_str(), "" | "0"));
    named
}

/// Turns a document of JSON:API into the form of version 2: attributes and related items in the item itself.
fn flatten_document(document: &mut Value) {
    let included = document["included"].as_array().cloned().unwrap_or_default();
    let items = match document.get_mut("data") {
        Some(Value::Array(items)) => items.as_mut_slice(),
        Some(item @ Value::Object(_)) => std::slice::from_mut(item),
        _ => return,
    };
    for item in items.iter_mut().filter(|item| item["attributes"].is_object()) {
        let mut flat = flatten_item(item);
        for key in ["components", "updates", "group"] {
            let related = item.pointer(&format!("/relationships/{key}/data")).cloned().unwrap_or_default();
            let find = |row: &Value| {
                let found = included.iter().find(|other| other["id"] == row["id"] && other["type"] == row["type"]);
                flatten_item(found.unwrap_or(row))
            };
            match related {
                Value::Array(rows) => flat[key] = rows.iter().map(find).collect(),
                row @ Value::Object(_) => flat["group_id"] = row["id"].clone(),
                _ => {}
            }
        }
        *item = flat;
    }
}

/// The attributes of an item of JSON:API; `{"human": …, "value": 2}` and `{"human": …, "string": "2026-…"}` become
/// values and times.
fn flatten_item(item: &Value) -> Value {
    let mut flat = Map::new();
    for (key, value) in item["attributes"].as_object().into_iter().flatten() {
        if value.get("string").is_some() {
            flat.insert(format!("{key}_at"), value["string"].clone());
        } else {
            flat.insert(key.clone(), value.get("value").unwrap_or(value).clone());
        }
    }
    flat.insert("id".into(), item["id"].as_str().map_or_else(|| item["id"].clone(), |id| json!(id)));
    flat.insert("type".into(), item["type"].clone());
    Value::Object(flat)
}

fn status_key(number: Option<i64>) -> &'static str {
    match number {
        Some(2) => "degraded_performance",
        Some(3) => "partial_outage",
        Some(4) => "major_outage",
        Some(6) => "under_maintenance",
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
