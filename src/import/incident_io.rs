//! incident.io: the documents that its status pages load (`/proxy/HOST` and `/proxy/HOST/incidents`), the widget
//! (`/api/v1/summary`), and its copy of Statuspage's API (`/api/v2/…`).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::feed::{id_in_path, is_feed, is_feed_name, read_feed};
use super::json::{first_text, first_time, hidden_reason, items, text, values};
use super::source::{
    Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate, describe_item,
    normalize_impact, normalize_key,
};
use super::{Format, Statuspage};

/// The lists of incidents and maintenances, in the page's summary and in the widget.
const EVENT_LISTS: [&str; 4] = ["ongoing_incidents", "in_progress_maintenances", "scheduled_maintenances", "incidents"];

pub struct IncidentIo;

impl Format for IncidentIo {
    fn accepts(&self, path: &Path) -> bool {
        is_feed(path) || path.extension().is_some_and(|extension| extension == "json") && Statuspage.accepts(path)
    }

    fn read_document(&self, path: &Path, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        if is_feed_name(path) {
            return read_feed(bytes, |path| id_in_path(path, &[("/incidents/", ""), ("/maintenances/", "")]));
        }
        let documents = values(bytes)?;
        if documents.iter().any(is_like_statuspage) {
            return Statuspage.read_document(path, bytes, wanted);
        }
        let mut source = Source::default();
        for document in &documents {
            convert_document(document, &mut source)?;
        }
        Ok(source)
    }
}

/// Whether the document has the keys of Statuspage's API.
fn is_like_statuspage(document: &Value) -> bool {
    let has_updates = |key: &str| items(document, key).any(|item| item.get("incident_updates").is_some());
    document["page"].is_object() || document.get("incident_updates").is_some() || has_updates("incidents")
}

fn convert_document(document: &Value, source: &mut Source) -> Result<(), SourceError> {
    let summary = if document["summary"].is_object() { &document["summary"] } else { document };
    let known = EVENT_LISTS.iter().chain(&["components", "structure"]);
    if document.get("updates").is_some() && document.get("name").is_some() {
        convert_event(document, "incidents", &BTreeMap::new(), source);
        return Ok(());
    }
    if !known.into_iter().any(|key| !summary[*key].is_null()) {
        return Err(SourceError::Other("it is not a document of a status page of incident.io".into()));
    }
    let name = first_text(summary, &["page_title", "name"]);
    if !name.is_empty() {
        source.page = Some(SourcePage { id: text(summary, "id"), name, ..SourcePage::default() });
    }
    let names = convert_components(summary, source);
    for list in EVENT_LISTS {
        for event in items(summary, list) {
            convert_event(event, list, &names, source);
        }
    }
    Ok(())
}

/// Adds the groups and components in the order of the page, and returns the names of all components.
fn convert_components(summary: &Value, source: &mut Source) -> BTreeMap<String, String> {
    let status: BTreeMap<String, String> =
        items(summary, "affected_components").map(|row| (component_id(row), component_status(row))).collect();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut all: Vec<(i64, String, Value)> = Vec::new();
    for (place, item) in (1..).zip(items(&summary["structure"], "items")) {
        let group = &item["group"];
        if !group.is_object() {
            all.push((place, String::new(), item["component"].clone()));
            continue;
        }
        let id = text(group, "id");
        if let Some(reason) = hidden_reason(group) {
            source
                .remarks
                .push(format!("group {} is {reason}; it is skipped with its components", describe_item(group)));
            source.hidden.extend(items(group, "components").map(component_id).chain([id]));
            continue;
        }
        let row = SourceComponent { id: id.clone(), name: text(group, "name"), position: place, ..Default::default() };
        source.components.push(SourceComponent { group: true, description: text(group, "description"), ..row });
        let members = (1..).zip(items(group, "components"));
        all.extend(members.map(|(place, member)| (place, id.clone(), member.clone())));
    }
    // The structure lists what visitors see. Without one, the list of components does.
    if all.is_empty() {
        all.extend((1..).zip(items(summary, "components")).map(|(place, it)| (place, String::new(), it.clone())));
    }
    let listed: BTreeMap<String, &Value> = items(summary, "components").map(|it| (component_id(it), it)).collect();
    for (position, group_id, item) in all {
        let id = component_id(&item);
        let about = listed.get(&id).copied().unwrap_or(&item);
        if let Some(reason) = hidden_reason(&item).or_else(|| hidden_reason(about)) {
            source.remarks.push(format!("component {id} “{}” is {reason}; it is skipped", text(&item, "name")));
            source.hidden.insert(id);
            continue;
        }
        let name = Some(text(&item, "name")).filter(|name| !name.is_empty()).unwrap_or_else(|| text(about, "name"));
        names.insert(id.clone(), name.clone());
        source.components.push(SourceComponent {
            status: status.get(&id).cloned().unwrap_or_else(|| "operational".into()),
            description: first_text(&item, &["description"]),
            id,
            name,
            group_id,
            position,
            ..SourceComponent::default()
        });
    }
    names
}

fn component_id(row: &Value) -> String {
    first_text(row, &["component_id", "id"])
}

fn component_status(row: &Value) -> String {
    normalize_key(&first_text(row, &["current_status", "status"]))
}

fn convert_event(event: &Value, list: &str, names: &BTreeMap<String, String>, source: &mut Source) {
    if let Some(reason) = hidden_reason(event) {
        source.remarks.push(format!("{} is {reason}; it is skipped", describe_item(event)));
        return;
    }
    let status = normalize_key(&text(event, "status"));
    let is_maintenance = list.ends_with("maintenances")
        || event["type"] == "maintenance"
        || matches!(status.as_str(), "scheduled" | "in_progress" | "verifying" | "completed");
    if text(event, "id").is_empty() {
        let kind = if is_maintenance { "maintenance" } else { "incident" };
        source.broken.push(format!("{kind} {}: it has no id", describe_item(event)));
    } else if is_maintenance {
        source.maintenances.push(convert_maintenance(event, status, names));
    } else {
        source.incidents.push(convert_incident(event, status, names));
    }
}

/// Neither document has a start: the incident begins with its first update or impact.
fn convert_incident(event: &Value, status: String, names: &BTreeMap<String, String>) -> SourceIncident {
    let mut updates = convert_updates(event, names);
    let (first_impact, last_impact) = impact_window(event);
    let started_at = [first_time(event, &["started_at"]), first_impact].into_iter().find(|at| !at.is_empty());
    let named = named_components(event, names);
    let is_open = status != "resolved" && status != "postmortem";
    if let Some(first) = updates.last_mut().filter(|first| first.affected_components.is_empty()) {
        first.affected_components = affected_components(event, names, is_open);
    }
    SourceIncident {
        id: text(event, "id"),
        name: text(event, "name"),
        impact: normalize_impact(&text(event, "current_worst_impact")),
        created_at: first_time(event, &["published_at", "created_at"]),
        updated_at: first_time(event, &["updated_at", "last_update_at"]),
        started_at: started_at.unwrap_or_default(),
        resolved_at: if is_open { String::new() } else { first_text(event, &["resolved_at"]).max(last_impact) },
        components: named,
        incident_updates: updates,
        status,
        ..SourceIncident::default()
    }
}

/// Newest first. The widget has only the last update.
fn convert_updates(event: &Value, names: &BTreeMap<String, String>) -> Vec<SourceUpdate> {
    let convert = |update: &Value| {
        let at = first_time(update, &["published_at", "created_at"]);
        SourceUpdate {
            id: text(update, "id"),
            status: normalize_key(&first_text(update, &["to_status", "status"])),
            body: first_text(update, &["message_string", "message", "body"]),
            created_at: at.clone(),
            display_at: at,
            affected_components: affected_rows(items(update, "component_statuses"), names),
            ..SourceUpdate::default()
        }
    };
    let mut updates: Vec<SourceUpdate> = items(event, "updates").map(convert).collect();
    updates.sort_by(|a, b| b.display_at.cmp(&a.display_at));
    let at = first_time(event, &["last_update_at"]);
    if updates.is_empty() && !at.is_empty() {
        updates.push(SourceUpdate {
            status: normalize_key(&text(event, "status")),
            body: text(event, "last_update_message"),
            created_at: at.clone(),
            display_at: at,
            ..SourceUpdate::default()
        });
    }
    updates
}

/// The start of the first and the end of the last impact; the end is empty while one goes on.
fn impact_window(event: &Value) -> (String, String) {
    let rows = || items(event, "component_impacts").chain(items(event, "status_summaries"));
    let first = rows().map(|row| first_time(row, &["start_at"])).filter(|at| !at.is_empty()).min();
    let ends: Vec<String> = rows().map(|row| first_time(row, &["end_at"])).collect();
    let is_over = !ends.iter().any(String::is_empty);
    (first.unwrap_or_default(), ends.into_iter().max().filter(|_| is_over).unwrap_or_default())
}

fn affected_rows<'a>(rows: impl Iterator<Item = &'a Value>, names: &BTreeMap<String, String>) -> Vec<SourceAffected> {
    let row = |row: &Value| {
        let code = component_id(row);
        let name = Some(text(row, "name")).filter(|name| !name.is_empty());
        let name = name.or_else(|| names.get(&code).cloned()).unwrap_or_default();
        SourceAffected { code, name, new_status: component_status(row) }
    };
    rows.map(row).filter(|row| !row.code.is_empty()).collect()
}

/// The worst status of each component during the incident. The widget names components without a status: of an open
/// incident they have the incident's worst impact.
fn affected_components(event: &Value, names: &BTreeMap<String, String>, is_open: bool) -> Vec<SourceAffected> {
    let worst = normalize_key(&text(event, "current_worst_impact"));
    let severity = |row: &SourceAffected| crate::domain::Status::from_key(&row.new_status);
    let mut all: BTreeMap<String, SourceAffected> = BTreeMap::new();
    for row in affected_rows(items(event, "affected_components").chain(items(event, "component_impacts")), names) {
        match all.get(&row.code) {
            Some(known) if severity(known) >= severity(&row) => {}
            _ => drop(all.insert(row.code.clone(), row)),
        }
    }
    for row in all.values_mut().filter(|row| row.new_status.is_empty()) {
        row.new_status.clone_from(&worst);
    }
    all.into_values().filter(|row| is_open || !row.new_status.is_empty()).collect()
}

fn named_components(event: &Value, names: &BTreeMap<String, String>) -> Vec<SourceComponent> {
    let rows = ["affected_components", "component_impacts", "components"];
    let rows = affected_rows(rows.into_iter().flat_map(|key| items(event, key)), names);
    rows.into_iter().map(|row| SourceComponent { id: row.code, name: row.name, ..Default::default() }).collect()
}

fn convert_maintenance(event: &Value, status: String, names: &BTreeMap<String, String>) -> SourceIncident {
    let (first_impact, last_impact) = impact_window(event);
    let known = |keys: &[&str], other: String| {
        let at = first_time(event, keys);
        if at.is_empty() { other } else { at }
    };
    let mut updates = convert_updates(event, names);
    updates.iter_mut().for_each(|update| update.affected_components.clear());
    SourceIncident {
        id: text(event, "id"),
        name: text(event, "name"),
        created_at: first_time(event, &["published_at", "created_at"]),
        updated_at: first_time(event, &["updated_at", "last_update_at"]),
        scheduled_for: known(&["starts_at", "scheduled_start_at", "started_at"], first_impact),
        scheduled_until: known(&["ends_at", "scheduled_end_at"], last_impact),
        components: named_components(event, names),
        incident_updates: updates,
        status,
        ..SourceIncident::default()
    }
}
