//! Imports of Statuspage's public API documents.

use std::path::Path;

use candor::db::{components, incidents, maintenances, page_settings};
use candor::domain::audit::{Action, Entry};
use candor::domain::history::HistoryFilter;
use candor::domain::{Impact, Incident, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, Phase, Role, Status};
use candor::format::duration;
use candor::import::{ImportOptions, ImportReport, Source, import, preview, read};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures, now};

fn pingoru() -> ImportOptions {
    ImportOptions { detected_by: Some("Pingoru".into()) }
}

fn read_recorded(folder: &Path, files: &[&str]) -> Vec<Source> {
    files.iter().map(|file| read(&std::fs::read(folder.join(file)).expect(file)).expect(file)).collect()
}

fn source(document: &Value) -> Source {
    read(document.to_string().as_bytes()).unwrap()
}

async fn import_sources(test: &TestDb, sources: &[Source]) -> Vec<ImportReport> {
    import(test, &sources, &ImportOptions::default(), now(), || {}).await.unwrap()
}

async fn list_incidents(test: &TestDb) -> Vec<Incident> {
    let mut tx = test.read().await.unwrap();
    incidents::list(&mut tx, &HistoryFilter::default(), (None, None), None, 1000).await.unwrap()
}

async fn find_incident(test: &TestDb, id: &str) -> Incident {
    incidents::find(&mut test.read().await.unwrap(), &IncidentId::parse(id).unwrap()).await.unwrap()
}

async fn revision(test: &TestDb) -> i64 {
    test.read().await.unwrap().revision().await.unwrap()
}

/// An incident with one update per minute; `updates` are newest first, as in the documents.
fn incident(id: &str, status: &str, updates: &[(&str, &str)]) -> Value {
    let updates: Vec<Value> = updates
        .iter()
        .enumerate()
        .rev()
        .map(|(minute, (status, body))| {
            json!({"id": format!("{id}u{minute}"), "status": status, "body": body,
                   "display_at": format!("2026-03-01T10:{minute:02}:00.000-07:00"), "affected_components": null})
        })
        .collect();
    json!({"id": id, "name": format!("Incident {id}"), "status": status, "impact": "none",
           "created_at": "2026-03-01T10:00:00.000-07:00", "started_at": "2026-03-01T10:00:00.000-07:00",
           "resolved_at": null, "incident_updates": updates, "components": []})
}

#[apply(on_both_databases!)]
async fn imported_history_matches_the_aggregator(test: TestDb) {
    let Some(folder) = fixtures() else { return };
    let sources = read_recorded(&folder, &["mailprotector-components.json", "mailprotector-incidents.json"]);
    let reports = import(&test, &sources, &pingoru(), now(), || {}).await.unwrap();
    // Impact, duration, affected components and phases, copied from the aggregator's page in its order.
    use Phase::{Identified, Investigating, Monitoring, Resolved};
    type Shown<'a> = (Impact, Option<&'a str>, &'a [&'a str], &'a [Phase]);
    let expected: [Shown<'_>; 8] = [
        (Impact::Minor, Some("12m"), &["CloudFilter and SafeSend Email Security"], &[Identified, Resolved]),
        (Impact::Major, Some("32m"), &["Shield"], &[Identified, Monitoring, Resolved]),
        (Impact::None, None, &[], &[Resolved]),
        (Impact::None, Some("4h 50m"), &["Shield"], &[Investigating, Resolved]),
        (Impact::Minor, Some("3h 57m"), &["Shield"], &[Investigating, Monitoring, Resolved]),
        (Impact::Minor, Some("3h 53m"), &["Shield"], &[Investigating, Identified, Monitoring, Resolved]),
        (Impact::None, None, &[], &[Resolved]),
        (Impact::None, None, &[], &[Resolved]),
    ];
    let imported = list_incidents(&test).await;
    assert_eq!(imported.len(), expected.len());
    for (incident, (impact, length, affected, phases)) in imported.iter().zip(expected) {
        let title = &incident.title;
        assert_eq!(incident.impact(), impact, "{title}");
        assert_eq!(incident.duration().and_then(duration::format_duration).as_deref(), length, "{title}");
        assert_eq!(
            incident.affected_components().iter().map(|(_, name)| *name).collect::<Vec<_>>(),
            affected,
            "{title}"
        );
        assert_eq!(incident.updates.iter().map(|update| update.phase).collect::<Vec<_>>(), phases, "{title}");
        assert_eq!(incident.detected_by.as_deref(), Some("Pingoru"), "{title}");
    }
    let totals =
        incidents::totals(&mut test.read().await.unwrap(), &HistoryFilter::default(), (None, None)).await.unwrap();
    assert_eq!((totals.count, duration::format_total(totals.seconds(now()))), (8, "13h 27m".into()));
    let [warning] = reports[1].warnings.as_slice() else { panic!("{:?}", reports[1].warnings) };
    assert!(warning.contains("6dcf822091d5") && warning.contains("before it started"), "{warning}");
    let early = find_incident(&test, "6dcf822091d5").await;
    assert_eq!(early.started_at.to_rfc3339(), "2024-07-26T18:21:00+00:00");
    assert_eq!(early.ended_at, Some(early.started_at));
    let page = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!((page.name.as_str(), page.id.as_str()), ("mailprotector", "8784d413641b"));
}

#[apply(on_both_databases!)]
async fn recorded_page_with_groups_is_fully_imported(test: TestDb) {
    let Some(folder) = fixtures() else { return };
    // The order of the files does not matter.
    let files = ["statuspage-2019/incidents.json", "statuspage-2019/summary.json", "statuspage-2019/components.json"];
    let sources = read_recorded(&folder, &files);
    let reports = import_sources(&test, &sources).await;
    assert_eq!(reports.iter().map(|report| report.incidents.refused).sum::<usize>(), 0);
    assert_eq!((list_incidents(&test).await.len(), reports[0].incidents.created), (50, 50));
    let mut tx = test.read().await.unwrap();
    let (groups, parts) = (components::list_groups(&mut tx).await.unwrap(), components::list(&mut tx).await.unwrap());
    assert_eq!((groups.len(), parts.len()), (1, 17));
    assert!(parts.iter().filter(|part| part.group_id.as_ref() == Some(&groups[0].id)).count() > 5);
    drop(tx);
    // Names of components without the prefix of their group.
    let bare = list_incidents(&test)
        .await
        .iter()
        .flat_map(Incident::affected_components)
        .all(|(_, name)| !name.contains(" - "));
    assert!(bare);
    let before = (revision(&test).await, list_incidents(&test).await);
    assert!(import_sources(&test, &sources).await.iter().all(ImportReport::changes_nothing));
    assert_eq!((revision(&test).await, list_incidents(&test).await), before);
}

#[apply(on_both_databases!)]
async fn importing_again_changes_nothing(test: TestDb) {
    let document = json!({
        "page": {"id": "k2v7xq0m4c9z", "name": "Acme", "url": "https://acme.test", "time_zone": "America/Denver"},
        "components": [
            {"id": "g", "name": "Mail", "group": true, "position": 2},
            {"id": "c", "name": "Inbound", "group_id": "g", "status": "operational", "position": 1, "start_date": "2024-01-09"}],
        "incidents": [incident("a", "resolved", &[("investigating", "One\r\ntwo"), ("resolved", "")]),
                      incident("b", "postmortem", &[("resolved", "Over"), ("postmortem", "Why")])]});
    let first = import_sources(&test, &[source(&document)]).await;
    assert_eq!((first[0].page.changed, first[0].groups.created, first[0].components.created), (1, 1, 1));
    assert_eq!(first[0].incidents.created, 2);
    let before = (revision(&test).await, list_incidents(&test).await);
    let again = import_sources(&test, &[source(&document)]).await;
    assert!(again[0].changes_nothing(), "{:?}", again[0]);
    assert_eq!((again[0].incidents.unchanged, again[0].components.unchanged, again[0].page.unchanged), (2, 1, 1));
    assert_eq!((revision(&test).await, list_incidents(&test).await), before);
}

#[apply(on_both_databases!)]
async fn history_starts_where_the_source_says(test: TestDb) {
    let component = |id: &str, created_at: &str, start_date: &str| {
        json!({"id": id, "name": id, "status": "operational", "position": 1, "created_at": created_at,
               "start_date": start_date})
    };
    let mut it = incident("a", "resolved", &[("resolved", "Over")]);
    it["started_at"] = json!("2026-02-01T10:00:00Z");
    it["components"] = json!([{"id": "bare"}, {"id": "told"}]);
    let components = json!([
        component("bare", "", ""),
        component("dated", "2025-05-05T10:00:00Z", "2024-01-09"),
        component("told", "2025-05-05T10:00:00Z", ""),
    ]);
    import_sources(&test, &[source(&json!({"components": components, "incidents": [it]}))]).await;
    let stored = components::list(&mut test.read().await.unwrap()).await.unwrap();
    let starts = ["bare", "dated", "told"].map(|id| {
        let component = stored.iter().find(|component| component.id.as_str() == id).unwrap();
        component.history_start(chrono_tz::Tz::UTC).to_rfc3339()
    });
    let expected = ["2026-02-01T10:00:00+00:00", "2024-01-09T00:00:00+00:00", "2025-05-05T10:00:00+00:00"];
    assert_eq!(starts, expected);
}

#[apply(on_both_databases!)]
async fn dry_run_reports_and_writes_nothing(test: TestDb) {
    let one = incident("a", "resolved", &[("resolved", "Over")]);
    let sources = [source(&json!({"page": {"name": "Acme"}, "incidents": [one]})), source(&json!([one]))];
    let before = revision(&test).await;
    let previewed = preview(&test, &sources, &ImportOptions::default(), now(), || {}).await.unwrap();
    assert_eq!((revision(&test).await, list_incidents(&test).await.len()), (before, 0));
    assert_eq!(import_sources(&test, &sources).await, previewed);
    assert_eq!((previewed[0].incidents.created, previewed[1].incidents.unchanged), (1, 1));
}

#[apply(on_both_databases!)]
async fn a_newer_document_changes_what_was_imported(test: TestDb) {
    import_sources(&test, &[source(&json!([incident("a", "investigating", &[("investigating", "Looking")])]))]).await;
    assert!(find_incident(&test, "a").await.is_open());
    let mut newer = incident("a", "resolved", &[("investigating", "Looking"), ("resolved", "Over")]);
    newer["resolved_at"] = json!("2026-03-01T10:01:00.000-07:00");
    let reports = import(&test, &[source(&json!([newer]))], &pingoru(), now(), || {}).await.unwrap();
    assert_eq!(reports[0].incidents.changed, 1);
    let after = find_incident(&test, "a").await;
    assert_eq!((after.is_open(), after.updates.len(), after.version), (false, 2, 2));
    // A later import without `detected_by` leaves it unchanged.
    assert!(import_sources(&test, &[source(&json!([newer]))]).await[0].changes_nothing());
}

#[apply(on_both_databases!)]
async fn locally_changed_data_is_not_overwritten(test: TestDb) {
    let component = |name: &str| json!({"id": "c", "name": name, "status": "operational", "position": 1});
    let document = |title: &str, name: &str| {
        let mut incident = incident("a", "resolved", &[("resolved", "Over")]);
        incident["name"] = json!(title);
        source(&json!({"components": [component(name)], "incidents": [incident]}))
    };
    import_sources(&test, &[document("Imported", "API")]).await;
    let mut mine = find_incident(&test, "a").await;
    mine.title = "Written here".into();
    let mut tx = test.write().await.unwrap();
    incidents::update(&mut tx, &mut mine, now()).await.unwrap();
    let mut part = components::list(&mut tx).await.unwrap().remove(0);
    part.status = Status::MajorOutage;
    components::update(&mut tx, &mut part, now()).await.unwrap();
    let entries =
        [(Action::IncidentEdit, "a"), (Action::ComponentEdit, "c")].map(|(action, id)| Entry::new(action, id, ""));
    tx.commit_all(&fixtures::actor(), now(), &entries).await.unwrap();
    let report = import_sources(&test, &[document("Newer", "Newer")]).await.remove(0);
    assert!(report.changes_nothing());
    assert_eq!((report.incidents.skipped, report.components.skipped, report.skips.len()), (1, 1, 2));
    assert_eq!(find_incident(&test, "a").await.title, "Written here");
}

#[apply(on_both_databases!)]
async fn inconsistent_data_is_corrected_and_imported(test: TestDb) {
    let change = |id: &str, status: &str, updates: &[(&str, &str)], change: fn(&mut Value)| {
        let mut it = incident(id, status, updates);
        change(&mut it);
        it
    };
    let over = [("resolved", "Over")];
    let cases: [(Value, &str); 13] = [
        (
            change("early", "resolved", &over, |it| it["resolved_at"] = json!("2020-01-01T00:00:00Z")),
            "before it started",
        ),
        (change("status", "broken", &[("broken", "Text")], |_| {}), "“broken”"),
        (change("impact", "resolved", &over, |it| it["impact"] = json!("dire")), "“dire”"),
        (change("html", "resolved", &[("resolved", "see <class name>")], |_| {}), "HTML"),
        (change("empty", "resolved", &[("resolved", " \r\n ")], |_| {}), "no text"),
        (change("none", "resolved", &[], |_| {}), "no updates"),
        (change("title", "resolved", &over, |it| it["name"] = json!("x".repeat(300))), "cut from 300 to 255"),
        (
            change("body", "resolved", &over, |it| it["incident_updates"][0]["body"] = json!("y".repeat(26_000))),
            "25000",
        ),
        (change("untitled", "resolved", &over, |it| it["name"] = Value::Null), "no title"),
        (change("postmortem", "postmortem", &[("postmortem", "Why")], |_| {}), "postmortem"),
        (change("unfinished", "resolved", &[("monitoring", "Better")], |_| {}), "newest update is not"),
        (change("finished", "monitoring", &over, |_| {}), "newest update is resolved"),
        (change("begin", "resolved", &over, |it| it["started_at"] = json!("yesterday")), "“yesterday”"),
    ];
    let document = json!({"incidents": cases.iter().map(|(it, _)| it).collect::<Vec<_>>()});
    let report = import_sources(&test, &[source(&document)]).await.remove(0);
    assert_eq!((report.incidents.created, report.incidents.refused), (cases.len(), 0));
    for (it, warning) in &cases {
        let id = it["id"].as_str().unwrap();
        let named = report.warnings.iter().any(|w| w.starts_with(&format!("incident {id} ")) && w.contains(warning));
        assert!(named, "{id}: {:#?}", report.warnings);
    }
    assert_eq!(find_incident(&test, "early").await.ended_at, Some(find_incident(&test, "early").await.started_at));
    assert_eq!(find_incident(&test, "status").await.phase, Phase::Investigating);
    assert_eq!(find_incident(&test, "html").await.updates[0].body, "see <class name>");
    assert_eq!(find_incident(&test, "none").await.updates[0].body, "(no text)");
    assert!(!find_incident(&test, "unfinished").await.is_open());
    assert!(import_sources(&test, &[source(&document)]).await[0].changes_nothing());
}

#[apply(on_both_databases!)]
async fn unimportable_items_are_rejected_with_reason(test: TestDb) {
    let mut timeless = incident("timeless", "resolved", &[]);
    timeless["started_at"] = Value::Null;
    timeless["created_at"] = json!("soon");
    let twice = incident("twice", "resolved", &[("resolved", "Over")]);
    let document = json!({
        "incidents": [timeless, incident("../etc", "resolved", &[]), twice, twice, 7,
                      {"id": "m", "name": "Move", "status": "completed"}],
        "components": [{"id": "a/b", "name": "API"}],
        "scheduled_maintenances": [{"id": "n", "name": "Upgrade"}]});
    let report = import_sources(&test, &[source(&document)]).await.remove(0);
    assert_eq!((report.incidents.created, report.incidents.refused), (1, 3));
    assert!(report.warnings.iter().any(|warning| warning.contains("occurs twice")), "{:#?}", report.warnings);
    assert_eq!((report.components.refused, report.maintenances.refused), (1, 2));
    for text in ["timeless “", "../etc “", "a/b “", "m “Move”: its scheduled start", "n “Upgrade”: its scheduled start"]
    {
        assert!(report.refusals.iter().any(|refusal| refusal.contains(text)), "{text}: {:#?}", report.refusals);
    }
}

/// A maintenance of three days in March; updates are newest first.
fn maintenance(id: &str, status: &str, until: &str) -> Value {
    let affected =
        json!([{"code": "c", "name": "API", "old_status": "operational", "new_status": "under_maintenance"}]);
    json!({"id": id, "name": format!("Move {id}"), "status": status, "impact": "maintenance",
           "created_at": "2026-03-01T10:00:00Z", "scheduled_for": "2026-03-09T02:00:00.000-06:00", "scheduled_until": until,
           "resolved_at": null, "components": [{"id": "d", "name": "Web"}], "incident_updates": [
             {"id": format!("{id}u2"), "status": "in_progress", "body": "Begun", "display_at": "2026-03-09T08:01:00Z",
              "affected_components": affected},
             {"id": format!("{id}u1"), "status": "scheduled", "body": "Told", "display_at": "2026-03-01T10:00:00Z",
              "affected_components": null}]})
}

async fn find_maintenance(test: &TestDb, id: &str) -> Maintenance {
    maintenances::find(&mut test.read().await.unwrap(), &MaintenanceId::parse(id).unwrap()).await.unwrap()
}

#[apply(on_both_databases!)]
async fn maintenances_are_imported_as_maintenances(test: TestDb) {
    let part = json!({"id": "c", "name": "API", "status": "under_maintenance", "position": 1});
    let document = json!({
        "page": {"name": "Acme", "time_zone": "America/Denver"}, "components": [part],
        "scheduled_maintenances": [
            maintenance("over", "completed", "2026-03-09T04:00:00.000-06:00"),
            maintenance("on", "in_progress", "2026-12-09T04:00:00.000-06:00"),
            maintenance("odd", "verifying", "2026-03-08T04:00:00.000-06:00")]});
    let report = import_sources(&test, &[source(&document)]).await.remove(0);
    assert_eq!((report.maintenances.created, report.maintenances.refused), (3, 0), "{report:#?}");
    assert_eq!(list_incidents(&test).await.len(), 0, "no incident is made of them");
    let over = find_maintenance(&test, "over").await;
    assert_eq!((over.phase, over.zone.name()), (MaintenancePhase::Completed, "America/Denver"));
    assert_eq!(over.scheduled_for.to_rfc3339(), "2026-03-09T08:00:00+00:00");
    let names: Vec<&str> = over.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["API", "Web"]);
    let on = find_maintenance(&test, "on").await;
    assert!(on.switches.completes && on.statuses().len() == 1);
    let mut tx = test.read().await.unwrap();
    let baseline = components::list(&mut tx).await.unwrap().remove(0).status;
    assert_eq!(baseline, Status::Operational, "the maintenance that goes on explains it");
    drop(tx);
    let has_warning = |id: &str, words: &str| report.warnings.iter().any(|w| w.contains(id) && w.contains(words));
    assert!(
        has_warning("maintenance odd", "not after its start") && has_warning("maintenance odd", "window has passed")
    );
    assert!(
        has_warning("maintenance on", "both are turned on")
            && has_warning("maintenance over", "newest update is in_progress")
    );
    assert!(import_sources(&test, &[source(&document)]).await[0].changes_nothing());
}

#[apply(on_both_databases!)]
async fn recorded_maintenances_are_imported(test: TestDb) {
    let Some(folder) = fixtures() else { return };
    let files = ["statuspage-2019/components.json", "statuspage-2019/scheduled-maintenances.json"];
    let sources = read_recorded(&folder, &files);
    let expected = sources[1].maintenances.len();
    assert!(expected > 0);
    let reports = import_sources(&test, &sources).await;
    assert_eq!((reports[1].maintenances.created, reports[1].maintenances.refused), (expected, 0), "{:#?}", reports[1]);
    let mut tx = test.read().await.unwrap();
    let stored = maintenances::list(&mut tx, None, 1000).await.unwrap();
    assert!(stored.len() == expected && stored.iter().all(|it| it.phase == MaintenancePhase::Completed));
    drop(tx);
    assert!(import_sources(&test, &sources).await.iter().all(ImportReport::changes_nothing));
}

#[apply(on_both_databases!)]
async fn an_incident_and_a_maintenance_never_share_an_id(test: TestDb) {
    let document = json!({"incidents": [incident("same", "resolved", &[("resolved", "Over")])]});
    import_sources(&test, &[source(&document)]).await;
    let until = "2026-03-09T04:00:00.000-06:00";
    let later = json!({"scheduled_maintenances": [maintenance("same", "completed", until)]});
    let report = import_sources(&test, &[source(&later)]).await.remove(0);
    assert_eq!((report.maintenances.refused, report.maintenances.created), (1, 0));
    let other = json!({"scheduled_maintenances": [maintenance("other", "completed", until)]});
    import_sources(&test, &[source(&other)]).await;
    let report = import_sources(&test, &[source(&json!([incident("other", "resolved", &[("resolved", "Over")])]))])
        .await
        .remove(0);
    assert_eq!((report.incidents.refused, report.changes_nothing()), (1, true));
}

#[apply(on_both_databases!)]
async fn incident_status_is_not_imported_as_baseline(test: TestDb) {
    let mut open = incident("a", "identified", &[("identified", "Down")]);
    let affected = json!([{"code": "c", "name": "API", "old_status": "operational", "new_status": "major_outage"}]);
    open["incident_updates"][0]["affected_components"] = affected;
    let part = |id: &str| json!({"id": id, "name": id, "status": "major_outage", "position": 1});
    let sources = [source(&json!({"components": [part("c"), part("d")]})), source(&json!([open]))];
    import_sources(&test, &sources).await;
    let mut tx = test.read().await.unwrap();
    let parts = components::list(&mut tx).await.unwrap();
    let of = |id: &str| parts.iter().find(|part| part.id.as_str() == id).unwrap();
    assert_eq!((of("c").status, of("d").status), (Status::Operational, Status::MajorOutage));
    assert_eq!(of("c").effective_status(&incidents::list_open(&mut tx).await.unwrap(), &[]), Status::MajorOutage);
    drop(tx);
    assert!(import_sources(&test, &sources).await.iter().all(ImportReport::changes_nothing));
}

#[apply(on_both_databases!)]
async fn configured_page_keeps_its_settings(test: TestDb) {
    let page = |name: &str| {
        source(&json!({"page": {"id": "p1", "name": name, "url": "javascript:x", "time_zone": "Mars/Sea"}}))
    };
    let report = import_sources(&test, &[page("Acme")]).await.remove(0);
    assert_eq!((report.page.changed, report.warnings.len()), (1, 2));
    let stored = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!((stored.name.as_str(), stored.url.as_str(), stored.id.as_str()), ("Acme", "", "p1"));
    let report = import_sources(&test, &[page("Other")]).await.remove(0);
    assert_eq!((report.page.skipped, report.changes_nothing()), (1, true));
}

#[apply(on_both_databases!)]
async fn group_prefix_is_removed_only_if_known(test: TestDb) {
    let mut document = incident("a", "identified", &[("identified", "Down")]);
    let affected = |code: &str| json!({"code": code, "name": "Mail - Inbound", "new_status": "partial_outage"});
    document["incident_updates"][0]["affected_components"] =
        json!([affected("c"), affected("gone"), {"name": "No components"}]);
    let parts = json!([{"id": "g", "name": "Mail", "group": true}, {"id": "c", "name": "In", "group_id": "g"}]);
    import_sources(&test, &[source(&json!([document])), source(&json!({"components": parts}))]).await;
    let stored = find_incident(&test, "a").await;
    let names: Vec<&str> = stored.updates[0].components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["Inbound", "Mail - Inbound"]);
}

#[apply(on_both_databases!)]
async fn ids_of_updates_never_collide(test: TestDb) {
    let same = |id: &str| {
        let mut incident = incident(id, "resolved", &[("investigating", "One"), ("resolved", "Two")]);
        for index in 0..2 {
            incident["incident_updates"][index]["id"] = json!("same");
        }
        incident
    };
    let document = json!([same("a"), same("b"), incident("c", "resolved", &[("resolved", "")])]);
    let report = import_sources(&test, &[source(&document)]).await.remove(0);
    assert_eq!(report.incidents.created, 3);
    assert!(import_sources(&test, &[source(&document)]).await[0].changes_nothing());
}

/// The ids of all components by position.
async fn component_order(app: &TestApp) -> Vec<String> {
    let all = components::list(&mut app.db.read().await.unwrap()).await.unwrap();
    all.into_iter().map(|component| component.id.to_string()).collect()
}

#[apply(on_both_databases!)]
async fn import_again_keeps_the_order_that_people_chose(test: TestDb) {
    let app = TestApp::new(test).await;
    let rows = |ids: &[&str]| -> Value {
        let row = |(place, id): (usize, &&str)| json!({"id": id, "name": id, "status": "operational", "position": 3 * place + 2});
        json!({ "page": { "id": "p", "name": "P" }, "components": ids.iter().enumerate().map(row).collect::<Vec<_>>() })
    };
    let import_rows = async |ids: &[&str]| {
        let source = read(rows(ids).to_string().as_bytes()).unwrap();
        let now = app.clock.now();
        import(&app.db, &[source], &ImportOptions::default(), now, || {}).await.unwrap().remove(0)
    };
    import_rows(&["a", "b", "c"]).await;
    assert!(import_rows(&["a", "b", "c"]).await.changes_nothing());
    assert_eq!(import_rows(&["b", "a", "c"]).await.components.changed, 2, "the order of the source is followed");
    assert_eq!(import_rows(&["b", "a", "n", "c"]).await.components.created, 1);
    assert_eq!(component_order(&app).await, ["b", "a", "n", "c"]);
    let mut owner = app.logged_in(Role::Owner).await;
    owner.post("/admin/components/c/position", &[("direction", "up")]).await;
    assert_eq!(component_order(&app).await, ["b", "a", "c", "n"], "and all are renumbered");
    let again = import_rows(&["b", "a", "n", "c"]).await;
    assert!(again.changes_nothing(), "{again:#?}");
    assert_eq!(component_order(&app).await, ["b", "a", "c", "n"]);
}
