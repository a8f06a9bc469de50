//! Statuspage's documents: public API, management API, and the entry ids in its feed.

use std::fmt;
use std::path::Path;

use atom_syndication::Feed;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Format;
use super::source::{Source, SourceComponent, SourceError, SourceIncident, describe_item};
use crate::domain::id::is_id;

/// Files without data of their own.
const IGNORED_FILES: [&str; 4] = ["status.json", "openapi.json", "feed.json", "uptime_showcase.json"];

pub struct Statuspage;

impl Format for Statuspage {
    fn accepts(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_list = name.ends_with(".json") && !IGNORED_FILES.contains(&name) && !name.starts_with("history");
        is_list || name.ends_with(".atom")
    }

    /// Matches `incidents/ID.json`, except the list `incidents/unresolved.json`.
    fn single_incident_id(&self, path: &Path) -> Option<String> {
        let id = path.file_name()?.to_str()?.strip_suffix(".json")?;
        let is_one = path.parent()?.file_name()? == "incidents" && is_id(id) && id != "unresolved";
        is_one.then(|| id.to_owned())
    }

    fn read_document(&self, _path: &Path, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        read_document_filtered(bytes, wanted)
    }
}

/// Reads a document: a JSON object, a list of incidents, one incident per line, or a feed. Fails if any part of it
/// can't be parsed or nothing known is found.
pub fn read(bytes: &[u8]) -> Result<Source, SourceError> {
    read_document_filtered(bytes, &|_| true)
}

fn read_document_filtered(bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"<") {
        return read_feed(bytes);
    }
    let mut source = Source::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut any = false;
    while json.end().is_err() {
        any = true;
        if !(Document { source: &mut source, wanted }).deserialize(&mut json)? {
            return Err(SourceError::SomethingElse);
        }
    }
    source.origin = source.incidents.iter().chain(&source.maintenances).find_map(page_origin).unwrap_or_default();
    if any { Ok(source) } else { Err(SourceError::Empty) }
}

/// The page's origin, if the incident's short link is on the page.
fn page_origin(incident: &SourceIncident) -> Option<String> {
    let origin = incident.shortlink.strip_suffix(&format!("/incidents/{}", incident.id))?;
    Some(origin.to_owned())
}

fn read_feed(bytes: &[u8]) -> Result<Source, SourceError> {
    let feed = Feed::read_from(bytes).map_err(|error| SourceError::NotAFeed(error.to_string()))?;
    let page = |links: &[atom_syndication::Link]| {
        links.iter().find(|link| link.rel == "alternate").map(|link| link.href.trim_end_matches('/').to_owned())
    };
    let mut source = Source { origin: page(&feed.links).unwrap_or_default(), ..Source::default() };
    for entry in feed.entries {
        let code = page(&entry.links).and_then(|href| Some(href.rsplit_once("/incidents/")?.1.to_owned()));
        match code {
            Some(code) => drop(source.feed_ids.insert(code, entry.id)),
            None => source.remarks.push(format!("the entry “{}” of the feed is about no incident", entry.id)),
        }
    }
    Ok(source)
}

/// A JSON document, deserialized incident by incident: a long list is never in memory as JSON and converted at once.
struct Document<'a> {
    source: &'a mut Source,
    wanted: &'a dyn Fn(&str) -> bool,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    /// Whether the document has known content.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<bool, A::Error> {
        (Items { take: take_incident, source: self.source, wanted: self.wanted }).visit_seq(items)?;
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut rest, mut has_lists) = (Map::new(), false);
        while let Some(key) = map.next_key::<String>()? {
            let take: ItemHandler = match key.as_str() {
                "incidents" => take_incident,
                "scheduled_maintenances" => take_maintenance,
                _ => {
                    rest.insert(key, map.next_value()?);
                    continue;
                }
            };
            has_lists = true;
            map.next_value_seed(Items { take, source: self.source, wanted: self.wanted })?;
        }
        // Checked before the other keys, because an incident has `components` too.
        if rest.contains_key("incident_updates") {
            take_incident(Value::Object(rest), self.source);
            return Ok(true);
        }
        let known = take_rest(rest, self.source).map_err(A::Error::custom)?;
        Ok(known || has_lists)
    }
}

type ItemHandler = fn(Value, &mut Source);

/// A list, or null.
struct Items<'a> {
    take: ItemHandler,
    source: &'a mut Source,
    wanted: &'a dyn Fn(&str) -> bool,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            if item.get("id").and_then(Value::as_str).is_none_or(self.wanted) {
                (self.take)(item, self.source);
            }
        }
        Ok(())
    }
}

/// Takes all keys except the incident lists; returns whether any key was known.
fn take_rest(mut rest: Map<String, Value>, source: &mut Source) -> Result<bool, &'static str> {
    let kinds = ["page", "components", "incident", "component_groups", "incident_templates", "subscribers", "brand"];
    let known = kinds.iter().any(|kind| rest.contains_key(*kind));
    let mut items = |kind: &str| match rest.remove(kind) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err("components and templates are lists"),
    };
    for group in items("component_groups")? {
        take_component(group, true, source);
    }
    for component in items("components")? {
        take_component(component, false, source);
    }
    for template in items("incident_templates")? {
        match serde_json::from_value(template.clone()) {
            Ok(template) => source.templates.push(template),
            Err(_) => source.broken.push(format!("template {} is malformed", describe_item(&template))),
        }
    }
    if let Some(incident) = rest.remove("incident") {
        take_incident(incident, source);
    }
    if let Some(page) = rest.remove("page") {
        source.page = serde_json::from_value(page).ok().or(source.page.take());
    }
    if let Some(brand) = rest.remove("brand") {
        match serde_json::from_value(brand) {
            Ok(brand) => source.brand = Some(brand),
            Err(_) => source.broken.push("the brand is malformed".to_owned()),
        }
    }
    Ok(known)
}

fn take_component(value: Value, is_group: bool, source: &mut Source) {
    match serde_json::from_value::<SourceComponent>(value.clone()) {
        Ok(component) => source.components.push(SourceComponent { group: component.group || is_group, ..component }),
        Err(_) => source.broken.push(format!("component {} is malformed", describe_item(&value))),
    }
}

fn take_maintenance(value: Value, source: &mut Source) {
    match serde_json::from_value(value.clone()) {
        Ok(maintenance) => source.maintenances.push(maintenance),
        Err(_) => source.broken.push(format!("maintenance {} is malformed", describe_item(&value))),
    }
}

fn take_incident(value: Value, source: &mut Source) {
    match serde_json::from_value::<SourceIncident>(value.clone()) {
        Ok(incident) if incident.is_maintenance() => source.maintenances.push(incident),
        Ok(incident) => source.incidents.push(incident),
        Err(_) => source.broken.push(format!("incident {} is malformed", describe_item(&value))),
    }
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
    fn invalid_document_is_unreadable() {
        let cut = r#"{"id":"a","incident_updates":[]}{"id":"b","incident_up"#;
        for text in ["", " \n", "{", "<html>", "7", "{\"a\":1}", "{\"incidents\":7}", cut, "\u{0}"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(read(b"\xff\xfe").is_err());
    }

    #[test]
    fn fields_of_wrong_type_are_ignored() {
        let source = read(br#"[{"id":7,"name":null,"impact":{},"incident_updates":[{"body":3},9],"components":"x"}]"#);
        let incident = &source.unwrap().incidents[0];
        assert_eq!((incident.id.as_str(), incident.name.as_str(), incident.impact.as_str()), ("7", "", ""));
        assert_eq!((incident.incident_updates.len(), incident.incident_updates[0].body.as_str()), (1, "3"));
    }

    #[test]
    fn maintenances_are_recognized_in_any_list() {
        let source = read(
            br#"{"incidents":[{"id":"a","status":"completed"},{"id":"b","scheduled_for":"2026-01-01T00:00:00Z"},{"id":"c"}],
                 "scheduled_maintenances":[{"id":"d","name":"D"}]}"#,
        )
        .unwrap();
        assert_eq!((source.maintenances.len(), source.incidents.len()), (3, 1));
    }
}
