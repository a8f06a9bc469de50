//! The imported data in the terms of Statuspage's API, whatever the source format. Values are unvalidated text;
//! `convert` interprets them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::forms::BrandFile;

/// The content of one document. Items that can't be parsed are described in `broken`.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub page: Option<SourcePage>,
    /// From another Candor.
    pub brand: Option<BrandFile>,
    pub components: Vec<SourceComponent>,
    pub incidents: Vec<SourceIncident>,
    pub maintenances: Vec<SourceIncident>,
    pub templates: Vec<SourceTemplate>,
    /// Ids of feed entries by incident or maintenance id.
    pub feed_ids: BTreeMap<String, String>,
    /// Ids of components and groups that visitors of the source don't see.
    pub hidden: BTreeSet<String>,
    /// When the history of a component begins, by id, from a document that does not list the component.
    pub history_starts: BTreeMap<String, String>,
    /// Scheme and host of the imported page, if the document contains them.
    pub origin: String,
    /// Notes about the whole document for the user.
    pub remarks: Vec<String>,
    pub broken: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is not a document of Statuspage's API: it has no page, components or incidents")]
    SomethingElse,
    #[error("it is not a feed: {0}")]
    NotAFeed(String),
    #[error("{0}")]
    Other(String),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourcePage {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub url: String,
    #[serde(deserialize_with = "text")]
    pub time_zone: String,
    #[serde(deserialize_with = "text")]
    pub updated_at: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceComponent {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub description: String,
    #[serde(deserialize_with = "key")]
    pub status: String,
    #[serde(deserialize_with = "text")]
    pub created_at: String,
    #[serde(deserialize_with = "text")]
    pub updated_at: String,
    #[serde(deserialize_with = "text")]
    pub start_date: String,
    #[serde(deserialize_with = "text")]
    pub group_id: String,
    #[serde(deserialize_with = "number")]
    pub position: i64,
    #[serde(deserialize_with = "truth")]
    pub group: bool,
    #[serde(deserialize_with = "truth")]
    pub only_show_if_degraded: bool,
}

/// An incident, or a maintenance if it has scheduled times.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceIncident {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Empty for a maintenance whose source tells only its window.
    #[serde(deserialize_with = "key")]
    pub status: String,
    #[serde(deserialize_with = "impact")]
    pub impact: String,
    #[serde(deserialize_with = "text")]
    pub created_at: String,
    #[serde(deserialize_with = "text")]
    pub updated_at: String,
    #[serde(deserialize_with = "text")]
    pub started_at: String,
    #[serde(deserialize_with = "text")]
    pub resolved_at: String,
    #[serde(deserialize_with = "text")]
    pub scheduled_for: String,
    #[serde(deserialize_with = "text")]
    pub scheduled_until: String,
    /// Set manually; only some documents have this field.
    #[serde(deserialize_with = "impact")]
    pub impact_override: String,
    /// When the next update was promised; only Candor's own documents have this field.
    #[serde(deserialize_with = "text")]
    pub next_update_at: String,
    /// Automation settings; only some documents have these fields.
    #[serde(deserialize_with = "lenient_bool")]
    pub scheduled_remind_prior: Option<bool>,
    #[serde(deserialize_with = "lenient_bool")]
    pub scheduled_auto_in_progress: Option<bool>,
    #[serde(deserialize_with = "lenient_bool")]
    pub scheduled_auto_completed: Option<bool>,
    #[serde(deserialize_with = "lenient_bool")]
    pub auto_transition_to_maintenance_state: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub postmortem_body: String,
    #[serde(deserialize_with = "text")]
    pub postmortem_published_at: String,
    /// Visible only to logged-in users.
    #[serde(skip)]
    pub is_internal: bool,
    /// When the source begins and ends to show it; empty if it shows it always.
    #[serde(skip)]
    pub shown_from: String,
    #[serde(skip)]
    pub shown_until: String,
    /// The source does not say when the maintenance began or will end.
    #[serde(skip)]
    pub is_untimed: bool,
    #[serde(deserialize_with = "text")]
    pub shortlink: String,
    #[serde(deserialize_with = "list")]
    pub incident_updates: Vec<SourceUpdate>,
    /// All components affected at any time, with their current data.
    #[serde(deserialize_with = "list")]
    pub components: Vec<SourceComponent>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceUpdate {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "key")]
    pub status: String,
    #[serde(deserialize_with = "text")]
    pub body: String,
    #[serde(deserialize_with = "text")]
    pub created_at: String,
    #[serde(deserialize_with = "text")]
    pub updated_at: String,
    #[serde(deserialize_with = "text")]
    pub display_at: String,
    #[serde(deserialize_with = "list")]
    pub affected_components: Vec<SourceAffected>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceAffected {
    #[serde(deserialize_with = "text")]
    pub code: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Empty in some documents, which means the component's current status.
    #[serde(deserialize_with = "key")]
    pub new_status: String,
}

/// An incident template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceTemplate {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub title: String,
    #[serde(deserialize_with = "text")]
    pub body: String,
    #[serde(deserialize_with = "key")]
    pub update_status: String,
    #[serde(default = "is_on")]
    pub should_send_notifications: bool,
    #[serde(deserialize_with = "list")]
    pub components: Vec<SourceComponent>,
}

fn is_on() -> bool {
    true
}

impl Source {
    pub fn extend(&mut self, other: Source) {
        let Source { page, brand, components, incidents, maintenances, templates, feed_ids, .. } = other;
        let Source { hidden, history_starts, origin, remarks, broken, .. } = other;
        self.page = page.or(self.page.take());
        self.brand = brand.or(self.brand.take());
        self.components.extend(components);
        self.incidents.extend(incidents);
        self.maintenances.extend(maintenances);
        self.templates.extend(templates);
        self.feed_ids.extend(feed_ids);
        self.hidden.extend(hidden);
        self.history_starts.extend(history_starts);
        self.remarks.extend(remarks);
        self.broken.extend(broken);
        if self.origin.is_empty() {
            self.origin = origin;
        }
    }

    /// The number of incidents and maintenances.
    pub fn count(&self) -> usize {
        self.incidents.len() + self.maintenances.len()
    }
}

impl SourceIncident {
    pub fn is_maintenance(&self) -> bool {
        !self.scheduled_for.is_empty()
            || matches!(self.status.as_str(), "scheduled" | "in_progress" | "verifying" | "completed")
    }

    pub fn is_in_progress(&self) -> bool {
        matches!(self.status.as_str(), "in_progress" | "verifying")
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.status.as_str(), "resolved" | "postmortem")
    }
}

/// The key of a status or phase in any spelling: `IN PROGRESS`, `in-progress` and `InProgress` are `in_progress`.
/// Unknown text is returned in lower case.
pub fn normalize_key(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let letters: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let key = match letters.as_str() {
        "operational" | "up" | "ok" => "operational",
        "undermaintenance" | "maintenance" => "under_maintenance",
        "degradedperformance" | "degraded" | "performanceissues" | "minoroutage" => "degraded_performance",
        "partialoutage" => "partial_outage",
        "majoroutage" | "fulloutage" | "outage" | "down" => "major_outage",
        "investigating" => "investigating",
        "identified" => "identified",
        "monitoring" | "watching" => "monitoring",
        "resolved" | "fixed" => "resolved",
        "postmortem" => "postmortem",
        "scheduled" | "maintenancescheduled" | "notstartedyet" | "upcoming" => "scheduled",
        "inprogress" | "maintenanceinprogress" => "in_progress",
        "verifying" => "verifying",
        "completed" | "complete" | "maintenancecomplete" | "maintenancecompleted" => "completed",
        "canceled" | "cancelled" => "cancelled",
        _ => &lower,
    };
    key.to_owned()
}

/// The key of an impact in any spelling, or of the status that implies it.
pub fn normalize_impact(text: &str) -> String {
    let key = normalize_key(text);
    let impact = match key.as_str() {
        "operational" => "none",
        "degraded_performance" => "minor",
        "partial_outage" => "major",
        "major_outage" => "critical",
        "under_maintenance" => "maintenance",
        key => key,
    };
    impact.to_owned()
}

/// Id and name for messages, `?` if missing.
pub fn describe_item(value: &Value) -> String {
    let field = |key| value.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} “{}”", field("id"), field("name"))
}

/// A string, or a number as string; empty otherwise.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

/// As [`text`], for a status.
pub fn key<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from).map(|key| normalize_key(&key))
}

/// As [`text`], for an impact.
pub fn impact<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from).map(|key| normalize_impact(&key))
}

pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(Value::deserialize(from)?.as_i64().unwrap_or(0))
}

pub fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(from)?.as_bool().unwrap_or(false))
}

/// A boolean, or `None` for anything else.
pub fn lenient_bool<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(Value::deserialize(from)?.as_bool())
}

/// The items that can be parsed; empty if the value is no list.
pub fn list<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(from)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_any_spelling() {
        for (text, key) in [
            ("RESOLVED", "resolved"),
            ("In Progress", "in_progress"),
            ("in-progress", "in_progress"),
            ("MAJOROUTAGE", "major_outage"),
            ("Degraded Performance", "degraded_performance"),
            ("NOTSTARTEDYET", "scheduled"),
            ("MINOROUTAGE", "degraded_performance"),
            ("full_outage", "major_outage"),
            ("maintenance_in_progress", "in_progress"),
            ("Broken Thing", "broken thing"),
            ("", ""),
        ] {
            assert_eq!(normalize_key(text), key);
        }
        for (text, impact) in [
            ("DEGRADEDPERFORMANCE", "minor"),
            ("Critical", "critical"),
            ("maintenance", "maintenance"),
            ("None", "none"),
        ] {
            assert_eq!(normalize_impact(text), impact);
        }
    }
}
