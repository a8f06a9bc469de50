//! Upptime: a clone of the repository (`history/summary.json`, `history/*.yml`, `.upptimerc.yml`) and its issues as
//! JSON: `gh issue list --state all --json number,title,body,state,createdAt,closedAt,labels,comments`, or the issues
//! of GitHub's API.
//!
//! The settings contain addresses and secrets of monitors; only the name of the page is read.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::Format;
use super::cstate::parse_yaml;
use super::json::{first_text, first_time, items, text, values};
use super::source::{
    Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate, normalize_key,
    text as text_or_number,
};

/// Labels of issues that name no component.
const STATUS_LABEL: &str = "status";
const MAINTENANCE_LABEL: &str = "maintenance";

pub struct Upptime;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(rename = "status-website")]
    website: Website,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Website {
    #[serde(deserialize_with = "text_or_number")]
    name: String,
}

/// `history/SLUG.yml`, or one item of it: older versions wrote a list of mappings with one key each.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HistoryItem {
    #[serde(rename = "startTime", deserialize_with = "text_or_number")]
    start_time: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum History {
    List(Vec<HistoryItem>),
    Whole(HistoryItem),
}

impl Format for Upptime {
    fn accepts(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let folder = path.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()).unwrap_or_default();
        let is_elsewhere = ["api", "graphs", ".github", "node_modules"].iter().any(|other| path.starts_with(other));
        match name.rsplit_once('.') {
            Some((_, "json")) => !is_elsewhere && !name.starts_with('.') && !name.starts_with("package"),
            Some((_, "yml")) => name == ".upptimerc.yml" || folder == "history",
            _ => false,
        }
    }

    fn read_document(&self, path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(stem) = name.strip_suffix(".yml") else { return read_json(bytes) };
        let yaml = std::str::from_utf8(bytes).map_err(|_| SourceError::Other("it is not UTF-8".into()))?;
        let mut source = Source::default();
        if stem == ".upptimerc" {
            let settings: Settings = parse_yaml(yaml)?;
            source.page = Some(SourcePage { name: settings.website.name, ..SourcePage::default() });
            return Ok(source);
        }
        let start = match parse_yaml(yaml)? {
            History::List(items) => items.into_iter().map(|item| item.start_time).find(|at| !at.is_empty()),
            History::Whole(whole) => Some(whole.start_time),
        };
        source.history_starts.extend(start.map(|start| (stem.to_owned(), start)));
        Ok(source)
    }
}

fn read_json(bytes: &[u8]) -> Result<Source, SourceError> {
    let mut source = Source::default();
    for (place, value) in (1..).zip(values(bytes)?) {
        if value["encoding"] == "base64" {
            // The answer of GitHub's API for a file.
            let packed: String = text(&value, "content").split_whitespace().collect();
            let content = BASE64_STANDARD.decode(packed);
            let content = content.map_err(|_| SourceError::Other("its content is not base64".into()))?;
            source.extend(read_json(&content)?);
        } else if value.get("number").is_some() && value.get("title").is_some() {
            convert_issue(&value, &mut source);
        } else if value.get("slug").is_some() && value.get("name").is_some() {
            source.components.push(convert_site(&value, place));
        } else if value.get("issue_url").is_some() {
            let why = "it has comments without their issues: use gh issue list --json …,comments";
            return Err(SourceError::Other(why.into()));
        } else {
            let (name, id) = (first_text(&value, &["name", "title"]), first_text(&value, &["id", "number"]));
            source.broken.push(format!("entry {id} “{name}” has an unknown type"));
        }
    }
    Ok(source)
}

/// A site of `summary.json`. Its address may contain secrets and is not read.
fn convert_site(site: &Value, place: i64) -> SourceComponent {
    SourceComponent {
        id: text(site, "slug"),
        name: text(site, "name"),
        status: normalize_key(&text(site, "status")),
        position: place,
        ..SourceComponent::default()
    }
}

fn convert_issue(issue: &Value, source: &mut Source) {
    let (number, title) = (text(issue, "number"), text(issue, "title"));
    let labels: Vec<String> = items(issue, "labels").map(label_name).filter(|name| !name.is_empty()).collect();
    let has_label = |name: &str| labels.iter().any(|label| label.eq_ignore_ascii_case(name));
    let is_maintenance = has_label(MAINTENANCE_LABEL);
    if issue["pull_request"].is_object() {
        return;
    }
    if !is_maintenance && !has_label(STATUS_LABEL) {
        source.remarks.push(format!("issue {number} “{title}” is not on the status page; it is skipped"));
    } else if is_maintenance {
        match convert_maintenance(issue, &labels) {
            Some(maintenance) => source.maintenances.push(maintenance),
            None => source.broken.push(format!("maintenance {number} “{title}”: it has no start and end")),
        }
    } else {
        source.incidents.push(convert_incident(issue, &labels));
    }
}

fn label_name(label: &Value) -> String {
    label.as_str().map_or_else(|| text(label, "name"), str::to_owned)
}

/// The labels that name components. Upptime's are the slugs of sites.
fn component_labels(labels: &[String]) -> impl Iterator<Item = &String> {
    labels
        .iter()
        .filter(|label| ![STATUS_LABEL, MAINTENANCE_LABEL].iter().any(|other| label.eq_ignore_ascii_case(other)))
}

fn convert_incident(issue: &Value, labels: &[String]) -> SourceIncident {
    let title = text(issue, "title");
    let status = if title.contains("degraded") { "degraded_performance" } else { "major_outage" };
    let affected = component_labels(labels).map(|slug| SourceAffected {
        code: slug.clone(),
        name: String::new(),
        new_status: status.into(),
    });
    let started_at = first_time(issue, &["created_at", "createdAt"]);
    let closed_at = first_time(issue, &["closed_at", "closedAt"]);
    let is_closed = text(issue, "state").eq_ignore_ascii_case("closed");
    let first = SourceUpdate {
        status: "investigating".into(),
        body: text(issue, "body"),
        created_at: started_at.clone(),
        display_at: started_at.clone(),
        affected_components: affected.collect(),
        ..SourceUpdate::default()
    };
    let mut updates: Vec<SourceUpdate> = visible_comments(issue).map(convert_comment).collect();
    updates.sort_by(|a, b| a.display_at.cmp(&b.display_at));
    if let Some(last) = updates.last_mut().filter(|last| is_closed && last.status.is_empty()) {
        // Upptime closes an issue with a comment.
        last.status = "resolved".into();
    }
    updates.insert(0, first);
    SourceIncident {
        id: format!("issue-{}", text(issue, "number")),
        name: title,
        status: if is_closed { "resolved" } else { "investigating" }.into(),
        created_at: started_at.clone(),
        updated_at: first_time(issue, &["updated_at", "updatedAt"]),
        started_at,
        resolved_at: if is_closed { closed_at } else { String::new() },
        incident_updates: updates,
        ..SourceIncident::default()
    }
}

/// Without those that GitHub hides.
fn visible_comments(issue: &Value) -> impl Iterator<Item = &Value> {
    items(issue, "comments").filter(|comment| comment["isMinimized"] != true)
}

fn convert_comment(comment: &Value) -> SourceUpdate {
    let (body, at) = (text(comment, "body"), first_time(comment, &["created_at", "createdAt"]));
    let status = if body.trim_start_matches('*').starts_with("Resolved") { "resolved" } else { "" };
    let (created_at, display_at, updated_at) = (at.clone(), at, first_time(comment, &["updated_at"]));
    SourceUpdate { status: status.into(), body, created_at, updated_at, display_at, ..SourceUpdate::default() }
}

/// The window and the sites are in an HTML comment: `start: 2026-…`, `end: 2026-…`, `expectedDown: a, b`.
fn convert_maintenance(issue: &Value, labels: &[String]) -> Option<SourceIncident> {
    let body = text(issue, "body");
    let hidden = body.split_once("<!--").and_then(|(_, rest)| rest.split_once("-->")).map_or("", |(hidden, _)| hidden);
    let setting = |names: &[&str]| {
        let line = |line: &'_ str| {
            let (name, value) = line.split_once(':')?;
            names.iter().any(|wanted| name.trim().eq_ignore_ascii_case(wanted)).then(|| value.trim().to_owned())
        };
        hidden.lines().find_map(line).filter(|value| !value.is_empty())
    };
    let (start, end) = (setting(&["start"])?, setting(&["end"])?);
    let down = setting(&["expectedDown", "expectedDegraded"]).unwrap_or_default();
    let named = down.split(',').map(|slug| slug.trim().to_owned()).filter(|slug| !slug.is_empty());
    let components = named.chain(component_labels(labels).cloned());
    let created_at = first_time(issue, &["created_at", "createdAt"]);
    let announcement = SourceUpdate {
        status: "scheduled".into(),
        body,
        created_at: created_at.clone(),
        display_at: created_at.clone(),
        ..SourceUpdate::default()
    };
    let mut updates = vec![announcement];
    updates.extend(visible_comments(issue).map(convert_comment));
    updates.iter_mut().skip(1).for_each(|update| update.status = String::new());
    Some(SourceIncident {
        id: format!("issue-{}", text(issue, "number")),
        name: text(issue, "title"),
        updated_at: first_time(issue, &["updated_at", "updatedAt"]),
        created_at,
        scheduled_for: super::sanitize::normalize_time(&start, chrono_tz::Tz::UTC),
        scheduled_until: super::sanitize::normalize_time(&end, chrono_tz::Tz::UTC),
        components: components.map(|id| SourceComponent { id, ..SourceComponent::default() }).collect(),
        incident_updates: updates,
        ..SourceIncident::default()
    })
}
