//! Eight documents recorded from a real page, imported and served again: equal, except for data that one side does not
//! have.

use candor::import::{ImportOptions, import, read};
use serde_json::{Map, Value};

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

const DOCUMENTS: [(&str, &str); 8] = [
    ("summary", "/api/v2/summary.json"),
    ("status", "/api/v2/status.json"),
    ("components", "/api/v2/components.json"),
    ("incidents", "/api/v2/incidents.json"),
    ("unresolved", "/api/v2/incidents/unresolved.json"),
    ("scheduled-maintenances", "/api/v2/scheduled-maintenances.json"),
    ("upcoming", "/api/v2/scheduled-maintenances/upcoming.json"),
    ("active", "/api/v2/scheduled-maintenances/active.json"),
];

#[apply(on_both_databases!)]
async fn recorded_page_round_trips(test: TestDb) {
    let Some(folder) = fixtures() else { return };
    let folder = folder.join("statuspage-2019");
    let app = TestApp::new(test).await;
    let recorded = |name: &str| std::fs::read(folder.join(format!("{name}.json"))).expect("a recorded document");
    let sources: Vec<_> = DOCUMENTS.iter().map(|(name, _)| read(&recorded(name)).expect("readable")).collect();
    import(&app.db, &sources, &ImportOptions::default(), app.clock.now(), || {}).await.unwrap();
    app.publish().await;
    for (name, path) in DOCUMENTS {
        let expected: Value = serde_json::from_slice(&recorded(name)).unwrap();
        let answer = app.visitor().get(path).await;
        let served: Value = serde_json::from_slice(&answer.body).unwrap();
        let mut differences = Vec::new();
        compare("", &reconcile(expected), &reconcile(served), &mut differences);
        assert!(differences.is_empty(), "{path}:\n{}", differences.join("\n"));
    }
}

/// Removes what can't be equal, with the reason for each.
fn reconcile(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(reconcile_object(object)),
        Value::Array(items) => Value::Array(reconcile_list(items)),
        other => other,
    }
}

fn reconcile_object(mut object: Map<String, Value>) -> Map<String, Value> {
    // The recorded URL is on another host; ours is the permalink.
    object.remove("shortlink");
    if object.contains_key("group_id") {
        // The page was recorded before this key existed.
        object.remove("start_date");
        // Here every component has uptime bars.
        object.remove("showcase");
    }
    if object.contains_key("display_at") {
        // Notification recipients are not imported.
        object.remove("deliver_notifications");
        // We normalize line ends.
        if let Some(Value::String(body)) = object.get_mut("body") {
            *body = body.replace("\r\n", "\n").trim_end().to_owned();
        }
        // Before 2017, a sentence instead of a code said that no component was affected.
        let without_code =
            |rows: &Value| rows.as_array().is_some_and(|rows| rows.iter().all(|row| row.get("code").is_none()));
        if object.get("affected_components").is_some_and(without_code) {
            object.insert("affected_components".into(), Value::Null);
        }
    }
    if object.contains_key("scheduled_for") {
        // Every maintenance here has the same impact; older documents have others.
        object.remove("impact");
    }
    object.into_iter().map(|(key, value)| (key, reconcile(value))).collect()
}

/// The order of components with the same position is undefined.
fn reconcile_list(items: Vec<Value>) -> Vec<Value> {
    let mut items: Vec<Value> = items.into_iter().map(reconcile).collect();
    let of_components = items.iter().all(|item| item.get("group_id").is_some() || item.is_string());
    if of_components || items.iter().all(|item| item.get("code").is_some()) {
        items.sort_by_key(|item| (item["position"].as_i64(), item.to_string()));
    }
    items
}

fn compare(place: &str, expected: &Value, served: &Value, differences: &mut Vec<String>) {
    match (expected, served) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let null = Value::String("(absent)".into());
                let (a, b) = (a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null));
                compare(&format!("{place}.{key}"), a, b, differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}.{index}"), a, b, differences);
            }
        }
        (a, b) if a == b => {}
        (a, b) => differences.push(format!("{place}: recorded {a}, served {b}")),
    }
}
