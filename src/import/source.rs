//! Reading documents of Statuspage's public API: whatever is there, nothing else assumed.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What one document holds. Things that can't be read at all stand in `broken`, with what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Source {
    pub page: Option<SourcePage>,
    pub components: Vec<SourceComponent>,
    pub incidents: Vec<SourceIncident>,
    pub maintenances: Vec<SourceIncident>,
    /// Things that have not the shape of what they should be.
    pub broken: Vec<String>,
}

/// Why a document can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is not a document of Statuspage's public API: it has no page, components or incidents")]
    SomethingElse,
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
}

/// A component, or a group of components.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceComponent {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub description: String,
    #[serde(deserialize_with = "text")]
    pub status: String,
    #[serde(deserialize_with = "text")]
    pub created_at: String,
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

/// An incident, or a maintenance: the same with a planned time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceIncident {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub status: String,
    #[serde(deserialize_with = "text")]
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
    #[serde(deserialize_with = "list")]
    pub incident_updates: Vec<SourceUpdate>,
    /// Every component it ever affected, as they are now.
    #[serde(deserialize_with = "list")]
    pub components: Vec<SourceComponent>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceUpdate {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub status: String,
    #[serde(deserialize_with = "text")]
    pub body: String,
    #[serde(deserialize_with = "text")]
    pub created_at: String,
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
    #[serde(deserialize_with = "text")]
    pub new_status: String,
}

/// Reads a document: one JSON object, a list of incidents, or one incident a line.
///
/// # Errors
/// Where it is not JSON to its end, or holds nothing of what is looked for. Then nothing of it counts.
pub fn read(bytes: &[u8]) -> Result<Source, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut source = Source::default();
    let mut any = false;
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        any = true;
        take_document(value?, &mut source)?;
    }
    if any { Ok(source) } else { Err(Unreadable::Empty) }
}

fn take_document(value: Value, source: &mut Source) -> Result<(), Unreadable> {
    let mut document = match value {
        Value::Array(incidents) => {
            incidents.into_iter().for_each(|incident| take_incident(incident, source));
            return Ok(());
        }
        // Before the rest, for an incident has components too.
        Value::Object(incident) if incident.contains_key("incident_updates") => {
            take_incident(Value::Object(incident), source);
            return Ok(());
        }
        Value::Object(document) => document,
        _ => return Err(Unreadable::SomethingElse),
    };
    let kinds = ["page", "components", "incidents", "incident", "scheduled_maintenances"];
    if !kinds.iter().any(|kind| document.contains_key(*kind)) {
        return Err(Unreadable::SomethingElse);
    }
    let mut items = |kind: &str| match document.remove(kind) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Unreadable::SomethingElse),
    };
    items("incidents")?.into_iter().for_each(|incident| take_incident(incident, source));
    for component in items("components")? {
        match serde_json::from_value(component.clone()) {
            Ok(component) => source.components.push(component),
            Err(_) => source.broken.push(format!("component {} has not the shape of one", called(&component))),
        }
    }
    for maintenance in items("scheduled_maintenances")? {
        match serde_json::from_value(maintenance.clone()) {
            Ok(maintenance) => source.maintenances.push(maintenance),
            Err(_) => source.broken.push(format!("maintenance {} has not the shape of one", called(&maintenance))),
        }
    }
    if let Some(incident) = document.remove("incident") {
        take_incident(incident, source);
    }
    if let Some(page) = document.remove("page") {
        source.page = serde_json::from_value(page).ok().or(source.page.take());
    }
    Ok(())
}

fn take_incident(value: Value, source: &mut Source) {
    match serde_json::from_value::<SourceIncident>(value.clone()) {
        Ok(incident) if incident.is_maintenance() => source.maintenances.push(incident),
        Ok(incident) => source.incidents.push(incident),
        Err(_) => source.broken.push(format!("incident {} has not the shape of one", called(&value))),
    }
}

impl SourceIncident {
    fn is_maintenance(&self) -> bool {
        !self.scheduled_for.is_empty()
            || matches!(self.status.as_str(), "scheduled" | "in_progress" | "verifying" | "completed")
    }

    /// Whether it is a maintenance that goes on, as far as its status says.
    pub fn is_worked_on(&self) -> bool {
        matches!(self.status.as_str(), "in_progress" | "verifying")
    }

    /// Whether it is still going on, as far as its status says.
    pub fn is_open(&self) -> bool {
        !matches!(self.status.as_str(), "resolved" | "postmortem")
    }
}

/// A thing by its id and name, as far as it has them.
fn called(value: &Value) -> String {
    let field = |key| value.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} “{}”", field("id"), field("name"))
}

/// Text, or what can stand for it; empty where there is none.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(Value::deserialize(from)?.as_i64().unwrap_or(0))
}

fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(from)?.as_bool().unwrap_or(false))
}

/// The items that can be read; none where there is no list.
fn list<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(from)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_a_list_and_lines_of_incidents_are_read() {
        let incident = r#"{"id":"a","name":"A","incident_updates":[],"components":[{"id":"x"}]}"#;
        for document in [
            format!("{{\"page\":{{}},\"incidents\":[{incident}, {incident}]}}"),
            format!("[{incident},{incident}]"),
            format!("\u{feff}{incident}\n{incident}\r\n\n"),
            format!("{{\"page\":{{}},\"incident\":{incident}}}\n{incident}"),
        ] {
            let source = read(document.as_bytes()).unwrap();
            assert_eq!((source.incidents.len(), source.components.len()), (2, 0), "{document}");
        }
    }

    #[test]
    fn what_is_no_document_is_unreadable() {
        let cut = r#"{"id":"a","incident_updates":[]}{"id":"b","incident_up"#;
        for text in ["", " \n", "{", "<html>", "7", "{\"a\":1}", "{\"incidents\":7}", cut, "\u{0}"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(read(b"\xff\xfe").is_err());
    }

    #[test]
    fn fields_of_the_wrong_kind_are_as_good_as_absent() {
        let source = read(br#"[{"id":7,"name":null,"impact":{},"incident_updates":[{"body":3},9],"components":"x"}]"#);
        let incident = &source.unwrap().incidents[0];
        assert_eq!((incident.id.as_str(), incident.name.as_str(), incident.impact.as_str()), ("7", "", ""));
        assert_eq!((incident.incident_updates.len(), incident.incident_updates[0].body.as_str()), (1, "3"));
    }

    #[test]
    fn maintenances_are_told_from_incidents_wherever_they_stand() {
        let source = read(
            br#"{"incidents":[{"id":"a","status":"completed"},{"id":"b","scheduled_for":"2026-01-01T00:00:00Z"},{"id":"c"}],
                 "scheduled_maintenances":[{"id":"d","name":"D"}]}"#,
        )
        .unwrap();
        assert_eq!((source.maintenances.len(), source.incidents.len()), (3, 1));
    }
}
