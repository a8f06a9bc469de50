//! OpenStatus: the public document `/feed/json` of a status page, which has everything that visitors see.
//!
//! Reports, maintenances, components and groups are numbered separately; incidents get the ids `report-ID`, and
//! maintenances `maintenance-ID`. The entries of the feeds (`/feed/atom`, `/feed/rss`) have their addresses as ids.

use std::path::Path;

use serde_json::Value;

use super::Format;
use super::feed::{id_in_path, is_feed, is_feed_name, read_feed};
use super::json::{first_text, first_time, hidden_reason, items, text, values};
use super::source::{
    Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate, normalize_key,
};

/// The paths of reports and maintenances, and the prefixes of their ids.
const EVENT_PATHS: [(&str, &str); 2] = [("/events/report/", "report-"), ("/events/maintenance/", "maintenance-")];

pub struct OpenStatus;

impl Format for OpenStatus {
    fn accepts(&self, path: &Path) -> bool {
        is_feed(path) || path.extension().is_some_and(|extension| extension == "json")
    }

    fn read_document(&self, path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        if is_feed_name(path) {
            return read_feed(bytes, |path| id_in_path(path, &EVENT_PATHS));
        }
        let mut source = Source::default();
        for value in values(bytes)? {
            if !["statusReports", "maintenances", "pageComponents"].iter().any(|key| value[*key].is_array()) {
                let why = "it is not the document /feed/json of a status page of OpenStatus";
                return Err(SourceError::Other(why.into()));
            }
            if let Some(access) = value["accessType"].as_str().filter(|access| *access != "public") {
                return Err(SourceError::Other(format!("the status page is not public ({access})")));
            }
            convert_document(&value, &mut source);
        }
        Ok(source)
    }
}

fn convert_document(document: &Value, source: &mut Source) {
    source.page = Some(SourcePage { name: text(document, "title"), ..SourcePage::default() });
    for (place, group) in (1..).zip(items(document, "pageComponentGroups")) {
        let row = SourceComponent { id: group_id(&text(group, "id")), name: text(group, "name"), ..Default::default() };
        source.components.push(SourceComponent { group: true, position: place, ..row });
    }
    // Before page components, a page showed monitors.
    let has_components = items(document, "pageComponents").next().is_some();
    let list = if has_components { "pageComponents" } else { "monitors" };
    for (place, item) in (1..).zip(items(document, list)) {
        push_component(item, place, source);
    }
    for report in items(document, "statusReports") {
        push_visible("report", report, source, |report, source| source.incidents.push(convert_report(report, list)));
    }
    for work in items(document, "maintenances") {
        push_visible("maintenance", work, source, |work, source| {
            source.maintenances.push(convert_maintenance(work, list));
        });
    }
}

/// Converts an item, unless visitors of the source don't see it or it has no id.
fn push_visible(kind: &str, item: &Value, source: &mut Source, push: impl Fn(&Value, &mut Source)) {
    let (id, name) = (text(item, "id"), first_text(item, &["title", "name"]));
    match hidden_reason(item) {
        Some(reason) => source.remarks.push(format!("{kind} {id} “{name}” is {reason}; it is skipped")),
        None if id.is_empty() => {
            let kind = if kind == "report" { "incident" } else { kind };
            source.broken.push(format!("{kind} “{name}”: it has no id"));
        }
        None => push(item, source),
    }
}

fn push_component(item: &Value, place: i64, source: &mut Source) {
    let (id, name, group) = (text(item, "id"), text(item, "name"), text(item, "groupId"));
    if let Some(reason) = hidden_reason(item) {
        source.remarks.push(format!("component {id} “{name}” is {reason}; it is skipped"));
        source.hidden.insert(id);
        return;
    }
    let order = item["groupOrder"].as_i64().filter(|_| !group.is_empty()).or(item["order"].as_i64());
    source.components.push(SourceComponent {
        id,
        name,
        description: text(item, "description"),
        // The document has the status of monitors, which people did not set.
        status: "operational".into(),
        group_id: if group.is_empty() { String::new() } else { group_id(&group) },
        position: order.map_or(place, |order| order + 1),
        ..SourceComponent::default()
    });
}

fn convert_report(report: &Value, list: &str) -> SourceIncident {
    let mut updates: Vec<SourceUpdate> = items(report, "statusReportUpdates").map(convert_update).collect();
    updates.sort_by(|a, b| b.display_at.cmp(&a.display_at));
    let components = named_components(report, list);
    if let Some(first) = updates.last_mut() {
        first.affected_components = components.iter().map(affected_by_report).collect();
    }
    SourceIncident {
        id: format!("report-{}", text(report, "id")),
        name: text(report, "title"),
        status: normalize_key(&text(report, "status")),
        created_at: first_time(report, &["createdAt"]),
        updated_at: first_time(report, &["updatedAt"]),
        components,
        incident_updates: updates,
        ..SourceIncident::default()
    }
}

/// A report names components without a status. OpenStatus shows them as degraded.
fn affected_by_report(row: &SourceComponent) -> SourceAffected {
    SourceAffected { code: row.id.clone(), name: row.name.clone(), new_status: "degraded_performance".into() }
}

fn convert_update(update: &Value) -> SourceUpdate {
    let at = first_time(update, &["date"]);
    SourceUpdate {
        id: format!("update-{}", text(update, "id")),
        status: normalize_key(&text(update, "status")),
        body: text(update, "message"),
        created_at: at.clone(),
        display_at: at,
        ..SourceUpdate::default()
    }
}

/// OpenStatus stores no status of a maintenance: its window tells it.
fn convert_maintenance(work: &Value, list: &str) -> SourceIncident {
    let (from, to) = (first_time(work, &["from"]), first_time(work, &["to"]));
    let created_at = first_time(work, &["createdAt"]);
    let announced_at = if created_at.is_empty() { from.clone() } else { created_at.clone() };
    let announcement = SourceUpdate {
        status: "scheduled".into(),
        body: text(work, "message"),
        created_at: announced_at.clone(),
        display_at: announced_at,
        ..SourceUpdate::default()
    };
    let mut updates: Vec<SourceUpdate> = items(work, "maintenanceUpdates").map(convert_update).collect();
    for update in &mut updates {
        update.id = format!("maintenance-{}", update.id);
        update.status = String::new();
    }
    updates.push(announcement);
    SourceIncident {
        id: format!("maintenance-{}", text(work, "id")),
        name: first_text(work, &["name", "title"]),
        created_at,
        updated_at: first_time(work, &["updatedAt"]),
        scheduled_for: from,
        scheduled_until: to,
        components: named_components(work, list),
        incident_updates: updates,
        ..SourceIncident::default()
    }
}

/// The components that an item names by their number.
fn named_components(item: &Value, list: &str) -> Vec<SourceComponent> {
    let row = |id: &Value| SourceComponent {
        id: id.as_i64().map(|id| id.to_string()).or(id.as_str().map(str::to_owned)).unwrap_or_default(),
        ..SourceComponent::default()
    };
    items(item, list).map(row).filter(|row| !row.id.is_empty()).collect()
}

fn group_id(id: &str) -> String {
    format!("group-{id}")
}
