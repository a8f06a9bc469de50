//! Instatus: saved responses of its API (`/v2/pages`, `/v2/PAGE/components`, `/v1/PAGE/incidents`,
//! `/v2/PAGE/maintenances`), and of a public page (`/summary.json`, `/components.json`, `/history.atom`).

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;

use super::Format;
use super::feed::{id_in_path, is_feed, is_feed_name, read_feed};
use super::json::{first_text, first_time, hidden_reason, items, text, values};
use super::sanitize::slug;
use super::source::{
    Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate, describe_item,
    normalize_impact, normalize_key,
};
use crate::domain::parse_time::parse_instant;

pub struct Instatus;

impl Format for Instatus {
    fn accepts(&self, path: &Path) -> bool {
        is_feed(path) || path.extension().is_some_and(|extension| extension == "json")
    }

    fn read_document(&self, path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        if is_feed_name(path) {
            return read_feed(bytes, |path| id_in_path(path, &[("/incident/", ""), ("/maintenance/", "")]));
        }
        let mut source = Source::default();
        let lists = ["components", "incidents", "maintenances", "activeIncidents", "activeMaintenances"];
        let mut components = Vec::new();
        for value in values(bytes)? {
            if value["page"].is_object() {
                source.page = Some(convert_page(&value["page"]));
            }
            // An incident has components too.
            let is_item = value.get("name").is_some() || !value.is_object();
            let known: Vec<&str> = lists.into_iter().filter(|key| !is_item && value[*key].is_array()).collect();
            for key in &known {
                for item in items(&value, key) {
                    convert_item(item, &mut source, &mut components);
                }
            }
            if known.is_empty() && !value["page"].is_object() {
                convert_item(&value, &mut source, &mut components);
            }
        }
        convert_components(&components, &mut source);
        Ok(source)
    }
}

/// Detects the kind of an item by its keys.
fn convert_item(item: &Value, source: &mut Source, components: &mut Vec<Value>) {
    let status = normalize_key(&text(item, "status"));
    if let Some(reason) = hidden_reason(item).filter(|_| item.is_object()) {
        source.hidden.insert(text(item, "id"));
        source.remarks.push(format!("{} is {reason}; it is skipped", describe_item(item)));
    } else if item.get("subdomain").is_some() || item.get("customDomain").is_some() {
        source.page = Some(convert_page(item));
    } else if item.get("start").is_some() || item.get("duration").is_some() {
        source.maintenances.push(convert_maintenance(item));
    } else if item.get("started").is_some() || item.get("resolved").is_some() || item["updates"].is_array() {
        source.incidents.push(convert_incident(item));
    } else if item.get("name").is_some() && (crate::domain::Status::from_key(&status).is_some() || is_parent(item)) {
        components.push(item.clone());
    } else {
        source.broken.push(format!("entry {} has an unknown type", describe_item(item)));
    }
}

fn is_parent(item: &Value) -> bool {
    item["isParent"] == true || item["children"].as_array().is_some_and(|children| !children.is_empty())
}

fn convert_page(page: &Value) -> SourcePage {
    SourcePage {
        id: text(page, "id"),
        name: text(page, "name"),
        url: text(page, "websiteUrl"),
        updated_at: first_time(page, &["updatedAt"]),
        ..SourcePage::default()
    }
}

/// A component that others name as their group is a group. A group that is only a name gets an id of its own.
fn convert_components(items: &[Value], source: &mut Source) {
    let ids: BTreeSet<String> = items.iter().map(component_id).collect();
    let parents: BTreeSet<String> =
        items.iter().filter_map(group_of).map(|(id, name)| if ids.contains(&id) { id } else { name }).collect();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for (place, item) in (1..).zip(items) {
        let id = component_id(item);
        let is_group = is_parent(item) || parents.contains(&id);
        let group_id = match group_of(item).filter(|_| !is_group) {
            Some((id, _)) if ids.contains(&id) => id,
            Some((id, name)) => {
                let id = if id.is_empty() || id == name { slug(&format!("group {name}")) } else { id };
                if named.insert(id.clone()) {
                    let row = SourceComponent { id: id.clone(), name, position: place, ..Default::default() };
                    source.components.push(SourceComponent { group: true, ..row });
                }
                id
            }
            None => String::new(),
        };
        source.components.push(SourceComponent {
            id,
            name: text(item, "name"),
            description: text(item, "description"),
            status: normalize_key(&text(item, "status")),
            created_at: first_time(item, &["createdAt"]),
            updated_at: first_time(item, &["updatedAt"]),
            position: item["order"].as_i64().map_or(place, |order| order + 1),
            group: is_group,
            group_id,
            ..SourceComponent::default()
        });
    }
}

/// The public list has no ids.
fn component_id(item: &Value) -> String {
    let id = text(item, "id");
    if id.is_empty() { slug(&text(item, "name")) } else { id }
}

/// Id and name of the group: Instatus writes an object, an id or a name.
fn group_of(item: &Value) -> Option<(String, String)> {
    let (group, id) = (&item["group"], text(item, "groupId"));
    let (id, name) = match group {
        Value::Object(_) => (text(group, "id"), text(group, "name")),
        Value::String(group) => (if id.is_empty() { group.clone() } else { id }, group.clone()),
        _ => (id.clone(), id),
    };
    (!id.is_empty() || !name.is_empty()).then_some((id, name))
}

fn convert_incident(item: &Value) -> SourceIncident {
    let status = normalize_key(&text(item, "status"));
    let mut updates: Vec<SourceUpdate> = items(item, "updates").map(convert_update).collect();
    let mut incident = SourceIncident {
        id: text(item, "id"),
        name: text(item, "name"),
        impact: normalize_impact(&text(item, "impact")),
        created_at: first_time(item, &["createdAt"]),
        updated_at: first_time(item, &["updatedAt"]),
        started_at: first_time(item, &["started"]),
        resolved_at: first_time(item, &["resolved"]),
        components: named_components(item),
        status,
        ..SourceIncident::default()
    };
    let affected = affected_components(item, incident.is_open());
    // The order in which updates are listed differs.
    updates.sort_by_key(|update| std::cmp::Reverse(parse_instant(&update.display_at).ok()));
    if updates.is_empty() {
        let at = if incident.is_open() { &incident.started_at } else { &incident.resolved_at };
        updates.push(SourceUpdate { status: incident.status.clone(), display_at: at.clone(), ..Default::default() });
    }
    if let Some(first) = updates.last_mut() {
        first.affected_components = affected;
    }
    incident.incident_updates = updates;
    incident
}

fn convert_update(item: &Value) -> SourceUpdate {
    let at = first_time(item, &["started", "createdAt"]);
    SourceUpdate {
        id: text(item, "id"),
        status: normalize_key(&text(item, "status")),
        body: first_text(item, &["message", "messageHtml"]),
        created_at: first_time(item, &["createdAt", "started"]),
        updated_at: first_time(item, &["updatedAt"]),
        display_at: at,
        ..SourceUpdate::default()
    }
}

fn named_components(item: &Value) -> Vec<SourceComponent> {
    let row = |row: &Value| SourceComponent {
        id: if row.is_string() { row.as_str().unwrap_or_default().to_owned() } else { component_id(row) },
        name: text(row, "name"),
        ..SourceComponent::default()
    };
    items(item, "components").map(row).filter(|row| !row.id.is_empty()).collect()
}

/// The components with the status that the incident gives them, or the one that its impact implies. Of an open incident
/// without either, they have their present status.
fn affected_components(item: &Value, is_open: bool) -> Vec<SourceAffected> {
    let impact = Some(text(item, "impact")).filter(|impact| !impact.is_empty()).map(|impact| normalize_key(&impact));
    let given = |id: &str| {
        let rows = items(item, "statuses").chain(items(item, "components"));
        let status = rows.filter(|row| component_id(row) == id).map(|row| normalize_key(&text(row, "status")));
        status.into_iter().find(|status| !status.is_empty())
    };
    let affected = named_components(item).into_iter().map(|row| {
        let new_status = given(&row.id).or_else(|| impact.clone()).unwrap_or_default();
        SourceAffected { code: row.id, name: row.name, new_status }
    });
    affected.filter(|row| is_open || !row.new_status.is_empty()).collect()
}

fn convert_maintenance(item: &Value) -> SourceIncident {
    let start = first_time(item, &["start"]);
    let minutes = item["duration"].as_i64().or_else(|| text(item, "duration").parse().ok());
    let until = parse_instant(&start).ok().zip(minutes).map(|(at, minutes)| at + TimeDelta::minutes(minutes));
    let mut updates: Vec<SourceUpdate> = items(item, "updates").map(convert_update).collect();
    updates.sort_by_key(|update| std::cmp::Reverse(parse_instant(&update.display_at).ok()));
    SourceIncident {
        id: text(item, "id"),
        name: text(item, "name"),
        status: normalize_key(&text(item, "status")),
        created_at: first_time(item, &["createdAt"]),
        updated_at: first_time(item, &["updatedAt"]),
        scheduled_until: until.map(|at| at.to_rfc3339()).unwrap_or_default(),
        scheduled_for: start,
        components: named_components(item),
        incident_updates: updates,
        ..SourceIncident::default()
    }
}
