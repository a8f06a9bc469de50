//! Source-specific rules of imports: texts, hidden content, versions, repeated and deleted items.

use std::path::Path;

use candor::actions;
use candor::db::{Db, admin_incidents, components, incidents, maintenances, page_settings, postmortems};
use candor::domain::{
    Component, Incident, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, Phase, Status, Visibility,
};
use candor::import::{CState, Cachet, Format, ImportOptions, ImportReport, Kuma, SourceFiles, Statuspage, import};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{candor, stderr_text};
use crate::support::app::TestApp;
use crate::support::{TestDb, now};

/// Writes files into a new folder.
pub fn write_folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

pub async fn import_once(db: &Db, format: &dyn Format, folder: &Path) -> ImportReport {
    let files = SourceFiles::open(format, &[folder.to_owned()]).unwrap();
    let reports = import(db, &files, &ImportOptions::default(), now(), || {}).await.unwrap();
    let mut all = ImportReport::default();
    reports.into_iter().for_each(|report| all.extend(report));
    all
}

/// Imports a folder three times; the second and third time change nothing. Returns the first report.
pub async fn import_three_times(db: &Db, format: &dyn Format, files: &[(&str, String)]) -> ImportReport {
    let folder = write_folder(files);
    let first = import_once(db, format, folder.path()).await;
    let revision = db.read().await.unwrap().revision().await.unwrap();
    for _ in 0..2 {
        let again = import_once(db, format, folder.path()).await;
        assert!(again.changes_nothing(), "{again:#?}");
    }
    assert_eq!(db.read().await.unwrap().revision().await.unwrap(), revision);
    first
}

async fn statuspage(db: &Db, documents: &[Value]) -> ImportReport {
    let names: Vec<String> = (0..documents.len()).map(|index| format!("{index}.json")).collect();
    let files: Vec<(&str, String)> =
        names.iter().zip(documents).map(|(name, document)| (name.as_str(), document.to_string())).collect();
    import_three_times(db, &Statuspage, &files).await
}

pub async fn find_incident(db: &Db, id: &str) -> Incident {
    admin_incidents::find(&mut db.read().await.unwrap(), &IncidentId::parse(id).unwrap()).await.unwrap()
}

pub async fn find_maintenance(db: &Db, id: &str) -> Maintenance {
    maintenances::find(&mut db.read().await.unwrap(), &MaintenanceId::parse(id).unwrap()).await.unwrap()
}

pub async fn list_components(db: &Db) -> Vec<Component> {
    components::list(&mut db.read().await.unwrap()).await.unwrap()
}

pub fn times(incident: &Incident) -> (String, Option<String>) {
    let text = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    (text(incident.started_at), incident.ended_at.map(text))
}

pub fn has_warning(report: &ImportReport, words: &[&str]) -> bool {
    let all = report.warnings.iter().chain(&report.refusals).chain(&report.skips);
    all.into_iter().any(|sentence| words.iter().all(|word| sentence.contains(word)))
}

/// Every public document contains `shown` somewhere and `hidden` nowhere.
pub async fn assert_published(app: &TestApp, shown: &str, hidden: &str) {
    app.publish().await;
    let target = tempfile::tempdir().unwrap();
    app.publisher.export(target.path(), std::iter::empty(), |_| {}).await.unwrap();
    let (mut folders, mut is_shown) = (vec![target.path().to_owned()], false);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(hidden), "{} has {hidden}", path.display());
            is_shown |= text.contains(shown);
        }
    }
    assert!(is_shown, "{shown} is published");
    let search = app.visitor().get(&format!("/history?q={hidden}")).await;
    assert!(!search.text().contains("article class=\"card"), "the search finds no hidden text");
}

fn update_document(id: &str, status: &str, body: &str, at: &str) -> Value {
    json!({"id": id, "status": status, "body": body, "created_at": at, "updated_at": at, "display_at": at,
           "affected_components": null})
}

#[apply(on_both_databases!)]
async fn statuspage_html_is_shown_as_the_source_shows_it(test: TestDb) {
    let app = TestApp::new(test).await;
    let back = "Back.<br /><br />What happened:<ul><li><strong>08:00</strong> - a file was empty</li>\
                <li><b>08:40</b> - fixed</li></ul>More at <a href=\"https://pier.example/why\">our notes</a> &amp; by phone :+1:";
    let open = "Some <SOME/ALL> ferries: class <class name> is unknown. Follow https://pier.example/live";
    let incident = json!({"id": "html", "name": "Tea &amp; cake", "status": "resolved", "impact": "minor",
        "created_at": "2026-01-14T08:00:00Z", "resolved_at": "2026-01-14T09:00:00Z", "incident_updates": [
            update_document("u2", "resolved", back, "2026-01-14T09:00:00Z"),
            update_document("u1", "investigating", open, "2026-01-14T08:00:00Z")]});
    statuspage(&app.db, &[json!({"incidents": [incident]})]).await;
    app.publish().await;
    let stored = find_incident(&app.db, "html").await;
    assert_eq!(stored.title, "Tea & cake");
    assert_eq!(
        stored.updates[1].body,
        "Back.\n\nWhat happened:\n\n- **08:00** - a file was empty\n- **08:40** - fixed\n\n\
         More at [our notes](https://pier.example/why) & by phone 👍"
    );
    assert_eq!(stored.updates[0].body, open);
    let page = app.visitor().get("/incidents/html").await;
    assert_eq!(page.words(".timeline li li strong"), ["08:00", "08:40"]);
    let links = page.attributes(".timeline .text a", "href");
    assert_eq!(links, ["https://pier.example/why", "https://pier.example/live"]);
    assert!(page.text().contains("&lt;SOME/ALL&gt;") && page.text().contains("&lt;class name&gt;"));
}

#[apply(on_both_databases!)]
async fn comments_typed_in_the_admin_are_not_published(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut manager = app.logged_in(candor::domain::Role::Owner).await;
    let body = "Shown-part. <!-- marker-word -->\n\n<!--\nmarker-word\n\n-->";
    let fields = [("title", "Typed"), ("phase", "investigating"), ("body", body), ("visibility", "public")];
    let answer = manager.post("/admin/incidents", &fields).await;
    assert!(answer.status.is_redirection(), "{}", answer.text());
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_statuspage_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let at = "2026-01-14T08:00:00Z";
    let incident = json!({"id": "a", "name": "Seen", "status": "resolved", "impact": "none", "created_at": at,
        "resolved_at": at, "metadata": {"note": "marker-word"}, "internal_notes": "marker-word",
        "postmortem_body": "marker-word", "postmortem_published_at": null,
        "incident_updates": [
            update_document("u", "resolved", "Shown-part.<!-- marker-word --><script>marker-word</script>", at)]});
    statuspage(&app.db, &[json!({"incidents": [incident]})]).await;
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_cachet_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let (at, future) = ("2026-01-14 08:00:00", "2190-01-01 00:00:00");
    let cachet_component = |id: i64, group: i64, name: &str, enabled: bool| {
        json!({"id": id, "name": name, "description": "", "status": 1, "group_id": group, "enabled": enabled,
               "deleted_at": null, "created_at": at, "updated_at": at})
    };
    let incident = |id: i64, visible: i64, text: &str| {
        json!({"id": id, "component_id": 2, "name": if visible == 1 { "Seen" } else { text }, "status": 4, "visible": visible, "message": text,
               "occurred_at": at, "created_at": at, "updated_at": at, "deleted_at": null, "updates": []})
    };
    let groups = json!({"data": [
        {"id": 1, "name": "marker-word", "visible": 0, "collapsed": 0, "order": 0, "enabled_components": []}]});
    let components = json!({"data": [cachet_component(1, 0, "Seen", true),
        cachet_component(2, 1, "marker-word", true), cachet_component(3, 0, "marker-word", false)]});
    let incidents = json!({"data": [incident(1, 1, "Shown-part. <!-- marker-word -->"), incident(2, 0, "marker-word"),
                                    incident(3, 2, "marker-word")]});
    let stamp = |text: Option<&str>| json!({"human": "", "string": text});
    let schedule = |id: &str, published: Option<&str>| {
        json!({"id": id, "type": "schedules", "attributes": {"name": "marker-word", "message": "marker-word",
               "status": {"value": 0}, "scheduled": stamp(Some(future)), "completed": stamp(None),
               "published": stamp(published), "created": stamp(Some(at)), "updated": stamp(Some(at))}})
    };
    let schedules = json!({"data": [schedule("1", None), schedule("2", Some(future))]});
    let files = [
        ("components.json", components.to_string()),
        ("groups.json", groups.to_string()),
        ("incidents.json", incidents.to_string()),
        ("schedules.json", schedules.to_string()),
    ];
    let report = import_three_times(&app.db, &Cachet { zone: Tz::UTC }, &files).await;
    assert_eq!((report.components.created, report.maintenances.created), (1, 0), "{report:#?}");
    assert_eq!(find_incident(&app.db, "3").await.visibility, Visibility::Internal);
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_cstate_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let issue = |matter: &str, body: &str| {
        format!("---\ntitle: Issue\nsecret: marker-word\nsection: issue\n# marker-word\n{matter}\n---\n{body}\n")
    };
    let body =
        "Shown-part. <!-- marker-word -->\n\n{{/* marker-word */}}\n\n{{< comment >}}\nmarker-word\n{{< /comment >}}";
    let files = [
        ("content/issues/seen.md", issue("date: 2026-01-14 10:00:00\nresolved: true", body)),
        ("content/issues/draft.md", issue("date: 2026-01-14\ndraft: true", "marker-word")),
        ("content/issues/future.md", issue("date: 2190-01-14", "marker-word")),
        ("content/issues/later.md", issue("date: 2026-01-14\npublishDate: 2190-01-14", "marker-word")),
        ("content/issues/expired.md", issue("date: 2020-01-14\nexpiryDate: 2020-02-14", "marker-word")),
        ("content/issues/unbuilt.md", issue("date: 2026-01-14\n_build:\n  render: never", "marker-word")),
    ];
    let report = import_three_times(&app.db, &CState { zone: Tz::UTC }, &files).await;
    assert_eq!((report.incidents.created, report.incidents.skipped), (1, 3), "{report:#?}");
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_kuma_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let page = json!({"config": {"title": "Pier", "published": true, "footerText": null},
        "incident": {"id": 3, "style": "danger", "title": "Tills", "content": "Shown-part.<br><!-- marker-word -->", "pin": 1,
                     "createdDate": "2026-01-14 08:15:00", "lastUpdatedDate": null},
        "publicGroupList": [{"id": 1, "name": "Shops", "monitorList": [
            {"id": 5, "name": "Tills", "url": "https://marker-word.example", "description": "marker-word"}]}],
        "maintenanceList": [{"id": 1, "title": "marker-word", "description": "marker-word", "strategy": "manual",
                             "active": false, "status": "inactive", "timeslotList": []}]});
    let backup = json!({"monitorList": [{"id": 6, "name": "Shop", "type": "http", "active": true,
                                         "description": "marker-word", "basic_auth_pass": "marker-word"}]});
    let files = [("page.json", page.to_string()), ("backup.json", backup.to_string())];
    import_three_times(&app.db, &Kuma, &files).await;
    assert_published(&app, "Shown-part.", "marker-word").await;
    let unpublished = json!({"config": {"title": "x", "published": false}, "publicGroupList": []});
    let read = Kuma.read_document(Path::new("x.json"), unpublished.to_string().as_bytes(), &|_| true);
    assert!(read.unwrap_err().to_string().contains("not published"));
}

fn component_document(status: &str, updated_at: &str) -> Value {
    json!({"id": "c1", "name": "Tills", "status": status, "position": 1, "group": false, "updated_at": updated_at,
           "created_at": "2026-01-01T00:00:00Z"})
}

fn page_document(updated_at: &str) -> Value {
    json!({"id": "p1", "name": "Pier", "url": "https://pier.example", "time_zone": "Etc/UTC", "updated_at": updated_at})
}

#[apply(on_both_databases!)]
async fn newer_of_two_documents_counts_once(test: TestDb) {
    let (early, late) = ("2026-01-20T10:00:00Z", "2026-01-20T11:00:00Z");
    let at = "2026-01-20T09:00:00Z";
    let incident = |name: &str, status: &str| {
        json!({"id": "i", "name": name, "status": status, "impact": "none", "created_at": at, "updated_at": at,
               "incident_updates": [update_document("u", status, name, at)]})
    };
    let documents = [
        json!({"page": page_document(late), "components": [component_document("operational", late)],
               "incidents": [incident("New", "resolved")]}),
        json!({"page": page_document(early), "components": [component_document("partial_outage", early)],
               "incidents": [incident("Old", "investigating"), incident("Older", "investigating")]}),
    ];
    let report = statuspage(&test, &documents).await;
    assert_eq!((report.components.created, report.components.changed, report.incidents.created), (1, 0, 1));
    assert_eq!(
        (list_components(&test).await[0].status, find_incident(&test, "i").await.title.as_str()),
        (Status::Operational, "New")
    );
    let rows = candor::db::audit::list(&mut test.read().await.unwrap(), None, 100).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.subject_id == "c1").count(), 1);
}

#[apply(on_both_databases!)]
async fn open_incident_never_shows_a_component_better(test: TestDb) {
    let (early, late) = ("2026-01-20T10:00:00Z", "2026-01-20T11:00:00Z");
    let mut open = update_document("u", "investigating", "Looking", early);
    open["affected_components"] = json!([{"code": "c1", "name": "Tills", "new_status": "degraded_performance"}]);
    let incident = |id: &str, update: Value| {
        json!({"id": id, "name": id, "status": "investigating", "impact": "minor", "created_at": early,
               "incident_updates": [update], "components": [component_document("operational", late)]})
    };
    let documents = [
        json!({"page": page_document(early), "components": [component_document("major_outage", early)],
               "incidents": [incident("i", open)]}),
        json!({"page": page_document(late), "components": [component_document("operational", late)]}),
    ];
    let report = statuspage(&test, &documents).await;
    assert!(has_warning(&report, &["Tills", "major_outage"]), "{:#?}", report.warnings);
    let mut tx = test.read().await.unwrap();
    let open = incidents::list_open(&mut tx).await.unwrap();
    let part = components::list(&mut tx).await.unwrap().remove(0);
    assert_eq!((part.status, part.effective_status(&open, &[])), (Status::Operational, Status::MajorOutage));
}

#[apply(on_both_databases!)]
async fn statuses_are_read_in_any_case(test: TestDb) {
    let at = |hour: u32| format!("2026-01-02T{hour:02}:00:00.000Z");
    let incident = json!({"id": "cl9pier0001", "name": "Gate slow", "status": "RESOLVED", "impact": "DEGRADEDPERFORMANCE",
        "created_at": at(10), "started_at": at(10), "resolved_at": at(11), "updated_at": at(11), "incident_updates": []});
    let shouted = json!({"id": "cl9pier0002", "name": "Gate", "status": "Monitoring", "impact": "MAJOROUTAGE",
        "created_at": at(10), "incident_updates": [
            update_document("u", "IDENTIFIED", "x", &at(10)), update_document("v", "MONITORING", "y", &at(11))]});
    let work = json!({"id": "w", "name": "Work", "status": "COMPLETED", "impact": "Maintenance", "created_at": at(1),
        "scheduled_for": at(10), "scheduled_until": at(11), "resolved_at": at(12), "incident_updates": []});
    let part = json!({"id": "c", "name": "Gate", "status": "PARTIALOUTAGE"});
    let report = statuspage(&test, &[json!({"components": [part], "incidents": [incident, shouted, work]})]).await;
    assert!(!report.warnings.iter().any(|warning| warning.contains("unknown")), "{:#?}", report.warnings);
    let gate = find_incident(&test, "cl9pier0001").await;
    assert_eq!(times(&gate), ("2026-01-02 10:00".into(), Some("2026-01-02 11:00".into())));
    assert_eq!(gate.impact(), candor::domain::Impact::Minor);
    let shouted = find_incident(&test, "cl9pier0002").await;
    assert_eq!((shouted.phase, shouted.updates[0].phase), (Phase::Monitoring, Phase::Identified));
    assert_eq!(list_components(&test).await[0].status, Status::PartialOutage);
    let work = find_maintenance(&test, "w").await;
    assert_eq!(
        (work.phase, work.ended_at.unwrap().to_rfc3339()),
        (MaintenancePhase::Completed, "2026-01-02T12:00:00+00:00".into())
    );
}

#[apply(on_both_databases!)]
async fn cachet_3_documents_are_imported(test: TestDb) {
    let at = |text: &str| json!({"human": "1 day ago", "string": format!("2026-01-26 {text}")});
    let update = json!({"id": "7", "type": "updates", "attributes": {"id": 7, "message": "A fuse.",
        "status": {"human": "Identified", "value": 2}, "created": at("10:10:00"), "updated": at("10:10:00")}});
    let lamp = json!({"id": "4", "type": "components", "attributes": {"id": 4, "name": "Lamp", "description": null,
        "order": 1, "status": {"human": "Major outage", "value": 4}, "enabled": true, "created": at("09:00:00"),
        "updated": at("09:00:00")}, "relationships": {"group": {"data": {"id": "2", "type": "componentGroups"}}}});
    let group = json!({"id": "2", "type": "componentGroups", "attributes": {"id": 2, "name": "Tower", "order": 0,
        "collapsed": {"value": 0}, "visible": {"value": 1}, "created": at("09:00:00"), "updated": at("09:00:00")}});
    let incident = |id: &str, relationships: Value| {
        json!({"id": id, "type": "incidents", "attributes": {"id": 3, "guid": "b3c1", "name": "Lights out",
            "message": "We look.", "component_id": null, "visible": 1, "stickied": false, "notifications": false,
            "status": {"human": "Identified", "value": 2}, "occurred": at("10:00:00"), "created": at("10:00:00"),
            "updated": at("10:10:00")}, "relationships": relationships})
    };
    let related = json!({"updates": {"data": [{"id": "7", "type": "updates"}]},
                         "components": {"data": [{"id": "4", "type": "components"}]}});
    let schedule = json!({"id": "1", "type": "schedules", "attributes": {"id": 1, "name": "New lamp", "message": "Dark.",
        "status": {"human": "Complete", "value": 2}, "scheduled": at("02:00:00"), "completed": at("03:00:00"),
        "created": at("01:00:00"), "updated": at("03:00:00")}});
    let files = [
        ("components.json", json!({"data": [lamp.clone()]}).to_string()),
        ("groups.json", json!({"data": [group]}).to_string()),
        (
            "incidents.json",
            json!({"data": [incident("3", json!({})), incident("5", related)], "included": [update, lamp],
                                  "links": {"next": null}, "meta": {"current_page": 1}})
            .to_string(),
        ),
        ("schedules.json", json!({"data": [schedule]}).to_string()),
        ("other.json", json!({"data": [{"id": "3", "type": "metrics", "attributes": {"suffix": "ms"}}]}).to_string()),
    ];
    let report = import_three_times(&test, &Cachet { zone: Tz::UTC }, &files).await;
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.groups.created),
        (2, 1, 1),
        "{report:#?}"
    );
    assert_eq!((report.components.created, report.components.refused, report.others.refused), (1, 0, 1), "{report:#?}");
    let stored = find_incident(&test, "3").await;
    assert_eq!(
        (stored.phase, stored.updates.len(), times(&stored).0.as_str()),
        (Phase::Identified, 1, "2026-01-26 10:00")
    );
    let stored = find_incident(&test, "5").await;
    assert_eq!(
        (stored.updates.len(), stored.updates[1].body.as_str(), stored.phase),
        (2, "A fuse.", Phase::Identified)
    );
    assert_eq!(stored.statuses().into_values().collect::<Vec<_>>(), [Status::MajorOutage]);
    assert!(list_components(&test).await[0].group_id.is_some());
}

#[apply(on_both_databases!)]
async fn cachet_ties_follow_the_order_of_the_source(test: TestDb) {
    let at = "2026-01-12 12:00:00";
    let incident = |id: i64| {
        json!({"id": id, "component_id": 0, "name": "Lift stuck", "status": 1, "visible": 1, "message": "Stuck.",
               "occurred_at": at, "created_at": at, "updated_at": at, "deleted_at": null, "latest_status": 2,
               "updates": [{"id": 12 - id, "status": 2, "message": "A cable.", "created_at": at, "updated_at": at}]})
    };
    let ids = 1..=9;
    let document = json!({"data": ids.clone().map(incident).collect::<Vec<_>>()});
    import_three_times(&test, &Cachet { zone: Tz::UTC }, &[("incidents.json", document.to_string())]).await;
    for id in ids {
        let stored = find_incident(&test, &id.to_string()).await;
        let bodies: Vec<&str> = stored.updates.iter().map(|update| update.body.as_str()).collect();
        assert_eq!((stored.phase, bodies), (Phase::Identified, vec!["Stuck.", "A cable."]), "incident {id}");
    }
}

#[apply(on_both_databases!)]
async fn old_cachet_schedules_are_maintenances(test: TestDb) {
    let incident = |id: i64, status: i64, scheduled: Value| {
        json!({"id": id, "component_id": 0, "name": "Old", "status": status, "visible": 1, "message": "Text",
               "scheduled_at": scheduled, "created_at": "2016-01-12 12:00:00", "updated_at": "2016-01-12 12:00:00",
               "deleted_at": null, "human_status": "x"})
    };
    let document = json!({"data": [
        incident(1, 4, Value::Null), incident(2, 2, json!("0000-00-00 00:00:00")), incident(3, 0, json!("2016-01-14 12:00:00"))]});
    let report =
        import_three_times(&test, &Cachet { zone: Tz::UTC }, &[("incidents.json", document.to_string())]).await;
    assert_eq!((report.incidents.created, report.maintenances.created), (2, 1), "{report:#?}");
}

#[apply(on_both_databases!)]
async fn cstate_dates_are_read_like_hugo(test: TestDb) {
    let issue = |date: &str, end: &str| {
        format!(
            "---\ntitle: Move\ndate: {date}\nresolved: true\nresolvedWhen: {end}\nseverity: Disrupted\naffected:\n  - Storage\n---\n\nWe move.\n"
        )
    };
    let files = [
        ("content/issues/a.md", issue("2026-01-21T9:30:00-00:00", "2026-01-21T11:05:00-00:00")),
        ("content/issues/b.md", issue("2026-01-21 9:30", "Wed, 21 Jan 2026 11:05:00 GMT")),
        ("content/issues/c.md", issue("2026-01-21T10:30:00+0100", "2026-01-21 12:05:00 +0100 CET")),
    ];
    let report = import_three_times(&test, &CState { zone: Tz::UTC }, &files).await;
    assert_eq!((report.incidents.created, report.incidents.refused), (3, 0), "{report:#?}");
    for id in ["a", "b", "c"] {
        let incident = find_incident(&test, id).await;
        assert_eq!(times(&incident), ("2026-01-21 09:30".into(), Some("2026-01-21 11:05".into())), "{id}");
        assert_eq!(incident.impact(), candor::domain::Impact::Major);
    }
}

#[apply(on_both_databases!)]
async fn kuma_monitor_in_two_groups_is_imported_once(test: TestDb) {
    let monitor = |id: i64| json!({"id": id, "name": format!("Monitor {id}"), "type": "http"});
    let group =
        |id: i64, monitors: Vec<Value>| json!({"id": id, "name": format!("Group {id}"), "monitorList": monitors});
    let document = json!({"config": {"title": "Pier", "published": true}, "incident": null,
        "publicGroupList": [group(1, vec![monitor(5), monitor(6)]), group(2, vec![monitor(6), monitor(7)])],
        "maintenanceList": [{"id": 1, "title": "Router swap", "description": "New router", "strategy": "manual",
                             "active": true, "timeslotList": [], "timezone": "Europe/Lisbon", "status": "under-maintenance"}]});
    let report = import_three_times(&test, &Kuma, &[("answer.json", document.to_string())]).await;
    assert_eq!((report.components.created, report.maintenances.created), (3, 1), "{report:#?}");
    assert!(report.refusals.is_empty(), "{:#?}", report.refusals);
    assert_eq!(report.warnings.iter().filter(|warning| warning.contains("Monitor 6")).count(), 1);
    let six = list_components(&test).await.into_iter().find(|part| part.name == "Monitor 6").unwrap();
    assert_eq!(six.group_id.unwrap().as_str(), "group-1");
    let swap = find_maintenance(&test, "maintenance-1").await;
    assert_eq!((swap.phase, swap.started_at), (MaintenancePhase::InProgress, Some(now())));
}

#[apply(on_both_databases!)]
async fn rails_time_zones_are_known(test: TestDb) {
    let page = json!({"id": "q", "name": "Quay", "url": "http://status.quay.example", "time_zone": "Eastern Time (US & Canada)"});
    let part = json!({"id": "m", "name": "Mail &amp; lists", "status": "operational", "position": 1});
    let report =
        statuspage(&test, &[json!({"page": page, "components": [part], "status": {"indicator": "none"}})]).await;
    assert!(report.warnings.is_empty(), "{:#?}", report.warnings);
    let stored = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!(
        (stored.time_zone, list_components(&test).await[0].name.as_str()),
        (Tz::America__New_York, "Mail & lists")
    );
}

#[apply(on_both_databases!)]
async fn incident_times_come_from_displayed_updates(test: TestDb) {
    let (row, begin, end) = ("2026-01-10T15:00:00Z", "2026-01-03T10:00:00Z", "2026-01-03T11:30:00Z");
    let shown = |id: &str, status: &str, displayed: &str| {
        json!({"id": id, "status": status, "body": "x", "created_at": row, "updated_at": row, "display_at": displayed,
               "affected_components": [{"code": "c", "name": "C", "new_status": if status == "resolved" { "operational" } else { "major_outage" }}]})
    };
    let incident = |id: &str, extra: Value| {
        let mut it = json!({"id": id, "name": id, "status": "resolved", "impact": "critical", "created_at": row,
            "updated_at": row, "incident_updates": [shown(&format!("{id}2"), "resolved", end), shown(&format!("{id}1"), "investigating", begin)]});
        it.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        it
    };
    let cases = [
        ("afterwards", json!({"started_at": row, "resolved_at": row})),
        ("nostart", json!({"resolved_at": end})),
        ("noend", json!({"started_at": null, "resolved_at": null})),
    ];
    let incidents: Vec<Value> = cases.iter().map(|(id, extra)| incident(id, extra.clone())).collect();
    let part = json!({"id": "c", "name": "C", "status": "operational"});
    let report = statuspage(&test, &[json!({"components": [part], "incidents": incidents})]).await;
    for (id, _) in &cases {
        let it = find_incident(&test, id).await;
        assert_eq!(times(&it), ("2026-01-03 10:00".into(), Some("2026-01-03 11:30".into())), "{id}");
        let down: Vec<i64> =
            it.status_intervals().iter().map(|span| (span.to.unwrap() - span.from).num_minutes()).collect();
        assert_eq!(down, [90], "{id}");
        assert!(has_warning(&report, &[id, "displayed before"]), "{id}: {:#?}", report.warnings);
    }
}

#[apply(on_both_databases!)]
async fn maintenance_without_updates_ends_with_its_window(test: TestDb) {
    let at = |hour: u32| format!("2026-01-05T{hour:02}:00:00Z");
    let work = |id: &str, status: &str, updates: Value| {
        json!({"id": id, "name": id, "status": status, "impact": "maintenance", "created_at": at(1), "resolved_at": null,
               "scheduled_for": at(10), "scheduled_until": at(12), "incident_updates": updates})
    };
    let begun = json!([update_document("b", "in_progress", "Begun", &at(10))]);
    statuspage(
        &test,
        &[json!({"scheduled_maintenances": [work("none", "completed", json!([])), work("begun", "completed", begun)]})],
    )
    .await;
    for id in ["none", "begun"] {
        let maintenance = find_maintenance(&test, id).await;
        let text = |time: Option<chrono::DateTime<chrono::Utc>>| time.unwrap().format("%H:%M").to_string();
        assert_eq!(
            (text(maintenance.started_at), text(maintenance.ended_at)),
            ("10:00".into(), "12:00".into()),
            "{id}"
        );
    }
}

#[apply(on_both_databases!)]
async fn deleted_items_stay_deleted(test: TestDb) {
    let at = "2026-01-14T08:00:00Z";
    let incident = json!({"id": "i", "name": "Gone", "status": "resolved", "impact": "none", "created_at": at,
        "resolved_at": at, "incident_updates": [update_document("u", "resolved", "Over", at)]});
    let work = json!({"id": "m", "name": "Gone work", "status": "completed", "created_at": at, "scheduled_for": at,
        "scheduled_until": "2026-01-14T09:00:00Z", "incident_updates": [update_document("w", "completed", "Done", at)]});
    let group = json!({"id": "g", "name": "Gone group", "group": true, "position": 1});
    let document = json!({"components": [group, component_document("operational", at)], "incidents": [incident],
        "scheduled_maintenances": [work]});
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><title>t</title><updated>2026-01-14T08:00:00Z</updated>\
                <entry><id>tag:pier.example,2005:Incident/1</id><title>t</title><updated>2026-01-14T08:00:00Z</updated>\
                <link rel=\"alternate\" href=\"https://pier.example/incidents/i\"/></entry></feed>";
    let folder = write_folder(&[("incidents.json", document.to_string()), ("history.atom", feed.to_owned())]);
    import_once(&test, &Statuspage, folder.path()).await;
    let mut tx = test.write().await.unwrap();
    let incident = admin_incidents::find(&mut tx, &IncidentId::parse("i").unwrap()).await.unwrap();
    let work = maintenances::find(&mut tx, &MaintenanceId::parse("m").unwrap()).await.unwrap();
    let component = components::list(&mut tx).await.unwrap().remove(0);
    let group = components::list_groups(&mut tx).await.unwrap().remove(0);
    let mut entries = vec![
        actions::incidents::delete(&mut tx, &incident).await.unwrap(),
        actions::components::delete(&mut tx, &component).await.unwrap(),
        actions::groups::delete(&mut tx, &group).await.unwrap(),
    ];
    entries.extend(actions::maintenances::delete(&mut tx, &work, now()).await.unwrap());
    tx.commit_all(&crate::support::fixtures::actor(), now(), &entries).await.unwrap();
    for _ in 0..2 {
        let again = import_once(&test, &Statuspage, folder.path()).await;
        assert!(again.changes_nothing() && again.refusals.is_empty(), "{again:#?}");
        let skipped =
            [again.incidents, again.maintenances, again.components, again.groups].map(|counts| counts.skipped);
        assert_eq!(skipped, [1, 1, 1, 1]);
        assert!(has_warning(&again, &["incident i “Gone”", "deleted here"]), "{:#?}", again.skips);
    }
    assert!(list_components(&test).await.is_empty());
}

#[apply(on_both_databases!)]
async fn deleted_postmortem_stays_deleted(test: TestDb) {
    let at = "2026-01-14T08:00:00Z";
    let updates = [
        update_document("p", "postmortem", "Why", "2026-01-15T08:00:00Z"),
        update_document("u", "resolved", "Over", at),
    ];
    let incident = json!({"id": "i", "name": "I", "status": "postmortem", "impact": "none", "created_at": at,
        "resolved_at": at, "incident_updates": updates});
    let folder = write_folder(&[("incidents.json", json!([incident]).to_string())]);
    import_once(&test, &Statuspage, folder.path()).await;
    let mut tx = test.write().await.unwrap();
    let incident = admin_incidents::find(&mut tx, &IncidentId::parse("i").unwrap()).await.unwrap();
    let postmortem = postmortems::find(&mut tx, &incident.id).await.unwrap().unwrap();
    assert_eq!(postmortem.published.as_ref().unwrap().update_id.as_ref().unwrap().as_str(), "p");
    let entry = actions::postmortems::delete(&mut tx, &incident, &postmortem).await.unwrap();
    tx.commit_all(&crate::support::fixtures::actor(), now(), &[entry]).await.unwrap();
    let again = import_once(&test, &Statuspage, folder.path()).await;
    assert!(again.changes_nothing() && again.incidents.skipped == 1, "{again:#?}");
    assert!(postmortems::find(&mut test.read().await.unwrap(), &incident.id).await.unwrap().is_none());
}

#[apply(on_both_databases!)]
async fn ids_shared_by_kinds_are_independent(test: TestDb) {
    let at = "2026-01-14 08:00:00";
    let components = json!({"data": [
        {"id": 1, "name": "Shop", "status": 1, "group_id": 0, "enabled": true, "deleted_at": null, "created_at": at, "updated_at": at}]});
    let incident = json!({"data": [{"id": 1, "component_id": 0, "name": "Shop", "status": 4, "visible": 1, "message": "x",
        "occurred_at": at, "created_at": at, "updated_at": at, "deleted_at": null, "updates": []}]});
    let cachet = Cachet { zone: Tz::UTC };
    let first = write_folder(&[("components.json", components.to_string())]);
    import_once(&test, &cachet, first.path()).await;
    let mut tx = test.write().await.unwrap();
    let component = components::list(&mut tx).await.unwrap().remove(0);
    let entry = actions::components::delete(&mut tx, &component).await.unwrap();
    tx.commit_all(&crate::support::fixtures::actor(), now(), &[entry]).await.unwrap();
    let second = write_folder(&[("components.json", components.to_string()), ("incidents.json", incident.to_string())]);
    let report = import_once(&test, &cachet, second.path()).await;
    assert_eq!((report.components.skipped, report.incidents.created), (1, 1), "{report:#?}");
}

#[apply(on_both_databases!)]
async fn components_that_only_incidents_name_are_reported(test: TestDb) {
    let at = "2026-01-14T08:00:00Z";
    let mut over = update_document("u", "resolved", "Over", at);
    over["affected_components"] = json!([{"code": "gone1", "name": "Old pier", "new_status": "operational"}]);
    let incident = json!({"id": "i", "name": "I", "status": "resolved", "impact": "none", "created_at": at,
        "resolved_at": at, "incident_updates": [over], "components": [component_document("operational", at)]});
    let report =
        statuspage(&test, &[json!({"components": [component_document("operational", at)], "incidents": [incident]})])
            .await;
    assert!(
        has_warning(&report, &["only incidents name", "“Old pier”"])
            && !has_warning(&report, &["only incidents name", "Tills"])
    );
}

#[apply(on_both_databases!)]
async fn components_without_a_list_are_created_from_incidents(test: TestDb) {
    let at = "2026-01-14T08:00:00Z";
    let mut open = update_document("u", "investigating", "Looking", at);
    open["affected_components"] = json!([{"code": "c1", "name": "Tills", "new_status": "partial_outage"},
                                         {"code": "c2", "name": "Old pier", "new_status": "operational"}]);
    let incident = json!({"id": "i", "name": "I", "status": "investigating", "impact": "major", "created_at": at,
        "incident_updates": [open], "components": [component_document("partial_outage", at)]});
    let document = [json!({"incidents": [incident]})];
    let report = statuspage(&test, &document).await;
    assert!(has_warning(&report, &["created from them", "“Old pier”", "“Tills”"]), "{:#?}", report.warnings);
    let list_components = list_components(&test).await;
    let names: Vec<(&str, Status)> = list_components.iter().map(|part| (part.name.as_str(), part.status)).collect();
    assert_eq!(
        names,
        [("Tills", Status::Operational), ("Old pier", Status::Operational)],
        "the incident has the status"
    );
    assert_eq!(list_components[0].created_at.to_rfc3339(), "2026-01-01T00:00:00+00:00");
    assert_eq!(list_components[1].created_at.to_rfc3339(), "2026-01-14T08:00:00+00:00");
    let mut tx = test.write().await.unwrap();
    let entry = actions::components::delete(&mut tx, &list_components[1]).await.unwrap();
    tx.commit_all(&crate::support::fixtures::actor(), now(), &[entry]).await.unwrap();
    let report = statuspage(&test, &document).await;
    assert!(report.changes_nothing() && report.components.skipped == 1, "{report:#?}");
}

#[apply(on_both_databases!)]
async fn schedules_of_the_past_are_completed(test: TestDb) {
    let old = |id: i64, at: &str| {
        json!({"id": id, "component_id": 0, "name": "Old", "status": 0, "visible": 1, "message": "Text",
               "scheduled_at": at, "created_at": "2016-01-12 12:00:00", "updated_at": "2016-01-12 12:00:00",
               "deleted_at": null})
    };
    let schedule = json!({"id": 3, "name": "New", "message": "x", "status": 0, "scheduled_at": "2016-02-14 12:00:00",
                          "completed_at": null, "created_at": "2016-01-12 12:00:00", "updated_at": "2016-01-12 12:00:00"});
    let files = [
        ("incidents.json", json!({"data": [old(1, "2016-01-14 12:00:00"), old(2, "2190-01-14 12:00:00")]}).to_string()),
        ("schedules.json", json!({"data": [schedule]}).to_string()),
    ];
    let report = import_three_times(&test, &Cachet { zone: Tz::UTC }, &files).await;
    assert_eq!(report.maintenances.created, 3, "{report:#?}");
    for (id, phase, ended_at) in [
        ("schedule-1", MaintenancePhase::Completed, Some("2016-01-14T13:00:00+00:00")),
        ("schedule-2", MaintenancePhase::Scheduled, None),
        ("schedule-3", MaintenancePhase::Completed, Some("2016-02-14T13:00:00+00:00")),
    ] {
        let it = find_maintenance(&test, id).await;
        assert_eq!((it.phase, it.ended_at.map(|at| at.to_rfc3339()).as_deref()), (phase, ended_at), "{id}");
    }
}

#[apply(on_both_databases!)]
async fn refused_items_exit_with_2(test: TestDb) {
    let document = json!({"components": [
        component_document("operational", ""), {"id": "../x", "name": "Bad", "status": "operational"}]});
    let folder = write_folder(&[("components.json", document.to_string())]);
    let path = folder.path().display().to_string();
    for arguments in [vec!["import", "statuspage", "--dry-run", &path], vec!["import", "statuspage", &path]] {
        let output = candor(&test, &arguments, "");
        stderr_text(&output, 2);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains("1 created") && printed.contains("refused: component ../x “Bad”"), "{printed}");
    }
    assert_eq!(list_components(&test).await.len(), 1);
}
