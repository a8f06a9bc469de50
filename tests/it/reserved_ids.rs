//! Imported ids never collide with words in our own paths.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use candor::domain::Role::Publisher;
use candor::domain::id::{RESERVED_WORDS, is_reserved};
use candor::import::{self, ImportOptions, ImportReport, Source};
use candor::web::{admin, api};
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::TestApp;

/// Route parameters that may contain an imported id.
const IDS: [&str; 5] = ["{id}", "{incident}", "{component}", "{group}", "{update}"];

/// The path segments that other routes have in place of an id.
fn words_beside_ids(paths: &BTreeSet<String>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    // The ids of passkeys and subscribers are never imported.
    let is_imported = |path: &&String| !path.starts_with("/admin/account/") && !path.starts_with("/admin/subscribers/");
    for path in paths.iter().filter(is_imported) {
        let Some((before, _)) = IDS.iter().find_map(|id| path.split_once(&format!("/{id}"))) else { continue };
        let beside = paths.iter().filter_map(|other| other.strip_prefix(before)?.strip_prefix('/'));
        let word = beside.filter_map(|rest| rest.split('/').next()).filter(|word| !word.starts_with('{'));
        words.extend(word.map(|word| word.trim_end_matches(".json").to_owned()));
    }
    words
}

#[apply(on_both_databases!)]
async fn reserved_words_match_route_segments(test: TestDb) {
    let app = TestApp::new(test).await;
    let (admin, api, site) = (admin::routes(), api::routes(), app.publisher.site());
    let tables = admin.table().iter().map(|route| route.path).chain(api.table().iter().map(|line| line.path));
    // The public router has no table; its patterns, and the documents of an empty page.
    let public = ["/incidents/{id}", "/api/v2/incidents/{id}", "/api/v2/scheduled-maintenances/{id}"];
    let badges = ["/components/{id}/badge.svg"];
    let documents = site.pages().map(|(path, _)| path);
    let paths = tables.chain(public).chain(badges).chain(documents).map(str::to_owned).collect();
    let words = words_beside_ids(&paths);
    assert!(words.contains("new") && words.contains("unresolved") && words.contains("active_maintenance"), "{words:?}");
    let missing: Vec<_> = words.iter().filter(|word| !is_reserved(word)).collect();
    assert!(missing.is_empty(), "{missing:?} are no ids, and domain::id does not know them");
    assert!(RESERVED_WORDS.iter().all(|word| is_reserved(&word.to_uppercase())));
}

async fn import(app: &TestApp, document: &Value) -> ImportReport {
    let source: Source = import::read(document.to_string().as_bytes()).unwrap();
    let now = app.clock.now();
    let report = import::import(&app.db, &vec![source], &ImportOptions::default(), now, || ()).await.unwrap().remove(0);
    app.publish().await;
    report
}

#[apply(on_both_databases!)]
async fn imported_reserved_id_is_replaced_and_found_again(test: TestDb) {
    let app = TestApp::new(test).await;
    let update = |id: &str, status: &str| {
        json!({
            "id": id, "status": status, "body": "Text", "display_at": "2026-11-09T10:00:00Z",
            "affected_components": [{ "code": "new", "name": "API", "new_status": "major_outage" }],
        })
    };
    let incident = |id: &str| {
        json!({
            "id": id, "name": format!("Incident {id}"), "status": "investigating", "impact": "none",
            "created_at": "2026-11-09T10:00:00Z", "incident_updates": [update("edit", "investigating")],
        })
    };
    let document = json!({
        "page": { "id": "p", "name": "Elsewhere" },
        "components": [
            { "id": "new", "name": "API", "status": "operational", "group": false, "group_id": "all" },
            { "id": "all", "name": "Everything", "group": true },
        ],
        "incidents": [incident("unresolved"), incident("NEW"), incident("kept")],
    });
    let report = import(&app, &document).await;
    assert_eq!((report.incidents.created, report.components.created, report.groups.created), (3, 1, 1), "{report:?}");
    for prefix in ["incident unresolved", "incident NEW", "component new", "group all"] {
        assert!(report.warnings.iter().any(|warning| warning.starts_with(prefix)), "{prefix}: {:?}", report.warnings);
    }
    let list = app.visitor().get("/api/v2/incidents/unresolved.json").await;
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let listed = list["incidents"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|incident| !is_reserved(incident["id"].as_str().unwrap())));
    let named = listed.iter().filter(|incident| incident["components"][0]["name"] == "API");
    assert_eq!(named.count(), 3, "the replaced component is found by who names it: {list}");
    let mut publisher = app.logged_in(Publisher).await;
    assert_eq!(publisher.get("/admin/incidents/new").await.status, StatusCode::OK, "the empty composer");
    for incident in listed {
        let page = format!("/admin/incidents/{}", incident["id"].as_str().unwrap());
        assert!(publisher.get(&page).await.text().contains("Post update"), "{page}");
    }
    let again = import(&app, &document).await;
    assert!(again.changes_nothing(), "{again:?}");
    assert_eq!((again.incidents.unchanged, again.components.unchanged, again.groups.unchanged), (3, 1, 1));
}
