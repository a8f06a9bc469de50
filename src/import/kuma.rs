//! Uptime Kuma: the JSON backup of version 1, and the response of `/api/status-page/SLUG`.
//!
//! A backup contains URLs, passwords, notification addresses and descriptions for operators. Only names are read.

use std::collections::BTreeMap;
use std::path::Path;

use chrono_tz::Tz;
use serde_json::Value;

use super::Format;
use super::json::{items, text};
use super::sanitize::normalize_time;
use super::source::{Source, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate};

pub struct Kuma;

impl Format for Kuma {
    fn accepts(&self, path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "json")
    }

    fn read_document(&self, _path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        let document: Value = serde_json::from_slice(bytes)?;
        let mut source = Source::default();
        if document.pointer("/config/published") == Some(&Value::Bool(false)) {
            return Err(SourceError::Other("the status page is not published in Uptime Kuma; publish it first".into()));
        }
        match (document.get("monitorList"), document.get("publicGroupList")) {
            (_, Some(Value::Array(groups))) => convert_page(&document, groups, &mut source),
            (Some(Value::Array(monitors)), _) => convert_backup(monitors, &mut source),
            // Some exports have an object of monitors by id instead of a list.
            (Some(Value::Object(monitors)), _) => {
                convert_backup(&monitors.values().cloned().collect::<Vec<_>>(), &mut source);
            }
            _ => return Err(SourceError::Other("it is neither a backup nor a status page of Uptime Kuma".into())),
        }
        Ok(source)
    }
}

/// Monitors become components; monitors of type “group” become groups.
fn convert_backup(monitors: &[Value], source: &mut Source) {
    source.remarks.push("a backup has only the monitors: set the page name and delete internal components".into());
    let is_group = |monitor: &Value| monitor["type"] == "group";
    for (place, monitor) in (1..).zip(monitors) {
        if monitor["active"] == false || monitor["active"] == 0 {
            source.remarks.push(format!(
                "monitor {} “{}” is paused; it is skipped",
                monitor["id"],
                text(monitor, "name")
            ));
            continue;
        }
        // A nested group becomes a top-level group.
        let parent = monitor["parent"].as_i64().filter(|_| !is_group(monitor));
        source.components.push(SourceComponent {
            id: if is_group(monitor) { group_id(&monitor["id"]) } else { number(&monitor["id"]) },
            name: text(monitor, "name"),
            status: "operational".into(),
            group_id: parent.map(|id| group_id(&id.into())).unwrap_or_default(),
            position: place,
            group: is_group(monitor),
            ..SourceComponent::default()
        });
    }
}

fn convert_page(document: &Value, groups: &[Value], source: &mut Source) {
    let title = document.pointer("/config/title").and_then(Value::as_str).unwrap_or_default().to_owned();
    source.page = Some(SourcePage { name: title, ..SourcePage::default() });
    let mut first_groups: BTreeMap<String, String> = BTreeMap::new();
    for (place, group) in (1..).zip(groups) {
        let id = group_id(&group["id"]);
        let row = SourceComponent { id: id.clone(), name: text(group, "name"), position: place, ..Default::default() };
        source.components.push(SourceComponent { group: true, ..row });
        for (place, monitor) in (1..).zip(items(group, "monitorList")) {
            // A monitor may be in several groups, a component in one.
            let (monitor_id, group_name) = (number(&monitor["id"]), text(group, "name"));
            if let Some(first) = first_groups.get(&monitor_id) {
                source.remarks.push(format!(
                    "monitor {monitor_id} “{}” is in several groups; it is imported into “{first}”, not into “{group_name}”",
                    text(monitor, "name")
                ));
                continue;
            }
            first_groups.insert(monitor_id.clone(), group_name);
            source.components.push(SourceComponent {
                id: monitor_id,
                name: text(monitor, "name"),
                status: "operational".into(),
                group_id: id.clone(),
                position: place,
                ..SourceComponent::default()
            });
        }
    }
    // Version 1 has one incident, version 2 a list.
    let one = document.get("incident").filter(|incident| incident.is_object());
    source.incidents.extend(one.into_iter().chain(items(document, "incidents")).map(convert_incident));
    for maintenance in items(document, "maintenanceList") {
        convert_maintenance(maintenance, source);
    }
}

/// Pinned incidents are open. Kuma stores no updates, only the time of the last change.
fn convert_incident(item: &Value) -> SourceIncident {
    let is_over = item["pin"] == false || item["pin"] == 0 || item["active"] == false;
    let (created, changed) =
        (normalize_time(&text(item, "createdDate"), Tz::UTC), normalize_time(&text(item, "lastUpdatedDate"), Tz::UTC));
    let status = if is_over { "resolved" } else { "investigating" }.to_owned();
    let impact = match item["style"].as_str() {
        Some("danger") => "major",
        Some("warning") => "minor",
        _ => "none",
    };
    SourceIncident {
        id: format!("incident-{}", number(&item["id"])),
        name: text(item, "title"),
        status: status.clone(),
        impact: impact.to_owned(),
        created_at: created.clone(),
        updated_at: if changed.is_empty() { created.clone() } else { changed.clone() },
        started_at: created.clone(),
        incident_updates: vec![SourceUpdate {
            status,
            body: text(item, "content"),
            created_at: created.clone(),
            updated_at: changed,
            display_at: created,
            ..SourceUpdate::default()
        }],
        ..SourceIncident::default()
    }
}

/// Creates one maintenance per listed time; the recurrence rule is not imported.
fn convert_maintenance(item: &Value, source: &mut Source) {
    let zone: Tz = item["timezone"].as_str().and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    let (id, name) = (number(&item["id"]), text(item, "title"));
    let strategy = text(item, "strategy");
    if item["active"] == false || item["active"] == 0 || item["status"] == "inactive" {
        source.remarks.push(format!("maintenance {id} “{name}” is not active; it is skipped"));
        return;
    }
    if !matches!(strategy.as_str(), "single" | "manual" | "") {
        source
            .remarks
            .push(format!("maintenance {id} “{name}” recurs ({strategy}): only the listed times are imported"));
    }
    let slots: Vec<&Value> = items(item, "timeslotList").collect();
    if slots.is_empty() && item["status"] == "under-maintenance" {
        source.maintenances.push(convert_untimed(item, &id, &name));
    } else if slots.is_empty() {
        source.broken.push(format!("maintenance {id} “{name}”: it has no time"));
    }
    for (index, slot) in slots.iter().enumerate() {
        let (from, until) =
            (normalize_time(&text(slot, "startDate"), zone), normalize_time(&text(slot, "endDate"), zone));
        let status = match item["status"].as_str() {
            Some("under-maintenance") if index == 0 => "in_progress",
            Some("ended") => "completed",
            _ => "scheduled",
        };
        let at = if status == "completed" { &until } else { &from };
        let update = SourceUpdate {
            status: status.to_owned(),
            body: text(item, "description"),
            created_at: at.clone(),
            display_at: at.clone(),
            ..SourceUpdate::default()
        };
        source.maintenances.push(SourceIncident {
            id: if index == 0 { format!("maintenance-{id}") } else { format!("maintenance-{id}-{index}") },
            name: name.clone(),
            status: status.to_owned(),
            created_at: at.clone(),
            incident_updates: vec![update],
            scheduled_for: from,
            scheduled_until: until,
            ..SourceIncident::default()
        });
    }
}

/// A maintenance that people started by hand: Kuma does not store when.
fn convert_untimed(item: &Value, id: &str, name: &str) -> SourceIncident {
    let update =
        SourceUpdate { status: "in_progress".into(), body: text(item, "description"), ..SourceUpdate::default() };
    SourceIncident {
        id: format!("maintenance-{id}"),
        name: name.to_owned(),
        status: "in_progress".into(),
        incident_updates: vec![update],
        is_untimed: true,
        ..SourceIncident::default()
    }
}

fn group_id(id: &Value) -> String {
    format!("group-{}", number(id))
}

fn number(id: &Value) -> String {
    id.as_i64().map(|id| id.to_string()).unwrap_or_default()
}
