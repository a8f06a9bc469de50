//! Importing from Instatus, OpenStatus, Upptime and incident.io, from files and from addresses.

use std::collections::BTreeSet;

use candor::actions;
use candor::db::{admin_incidents, components, maintenances, page_settings};
use candor::domain::history::HistoryFilter;
use candor::domain::{Impact, IncidentId, MaintenancePhase, Phase, Status};
use candor::import::{CState, Cachet, Format, IncidentIo, Instatus, Kuma, OpenStatus, Statuspage, Upptime};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::cli::{candor, stderr_text};
use crate::import_sources::{
    assert_published, find_incident, find_maintenance, has_warning, import_once, import_three_times, list_components,
    times, write_folder,
};
use crate::support::app::TestApp;
use crate::support::fake_statuspage::{FakeResponse, FakeStatuspage};
use crate::support::{TestDb, now};

/// A time some minutes into the day before the present of the tests.
fn at(minute: i64) -> String {
    (now() - TimeDelta::days(1) + TimeDelta::minutes(minute)).format("%Y-%m-%dT%H:%M:00.000Z").to_string()
}

/// A time some days after the present of the tests.
fn ahead(days: i64) -> String {
    (now() + TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:00.000Z").to_string()
}

type Files = Vec<(&'static str, String)>;

fn instatus() -> Files {
    let part = |id: &str, name: &str, status: &str, order: i64, group: Value| {
        json!({"id": id, "name": name, "description": "", "status": status, "order": order, "group": group,
               "uniqueEmail": "component+marker-word@instatus.test", "archivedAt": null})
    };
    let components = json!([
        part("in_group", "Harbour", "OPERATIONAL", 0, Value::Null),
        part("in_gate", "Gate", "MAJOROUTAGE", 1, json!("in_group")),
        part("in_crane", "Crane", "Operational", 2, json!({"id": "in_group", "name": "Harbour"})),
        part("in_web", "Web site", "operational", 3, Value::Null),
    ]);
    let update = |id: &str, status: &str, message: &str, minute: i64| {
        json!({"id": id, "status": status, "message": message, "messageHtml": format!("<p>{message}</p>"),
               "notify": true, "started": at(minute), "createdAt": at(minute)})
    };
    let over = json!({"id": "in_over", "name": "Crane stuck", "status": "RESOLVED", "started": at(0),
        "resolved": at(45), "impact": "PARTIALOUTAGE", "components": [{"id": "in_crane", "name": "Crane"}],
        "updates": [update("u1", "INVESTIGATING", "We look.", 0), update("u2", "IDENTIFIED", "A rope.", 20),
                    update("u3", "RESOLVED", "Over.", 45)]});
    let open = json!({"id": "in_open", "name": "Gate shut", "status": "Monitoring", "started": at(60), "resolved": null,
        "components": [{"id": "in_gate", "name": "Gate"}], "updates": [update("u4", "MONITORING", "Shown-part.", 60)]});
    let work = json!({"id": "in_work", "name": "New rope", "status": "NOTSTARTEDYET", "start": ahead(2),
        "duration": "90", "components": [{"id": "in_crane", "name": "Crane"}],
        "updates": [{"id": "w1", "status": "NOTSTARTEDYET", "message": "Announced.", "started": at(0)}]});
    let done = json!({"id": "in_done", "name": "Old rope", "status": "COMPLETED", "start": at(0), "duration": 30,
        "updates": [{"id": "w2", "status": "INPROGRESS", "message": "Begun.", "started": at(0)},
                    {"id": "w3", "status": "COMPLETED", "message": "Done.", "started": at(25)}]});
    let page = json!([{"id": "in_page", "name": "Quill", "subdomain": "quill", "customDomain": null, "status": "UP",
        "websiteUrl": "https://quill.example", "createdAt": at(0), "updatedAt": at(0)}]);
    vec![
        ("components.json", components.to_string()),
        ("incidents.json", json!([over, open]).to_string()),
        ("maintenances.json", json!([work, done]).to_string()),
        ("page.json", page.to_string()),
    ]
}

fn openstatus() -> Files {
    let report = |id: i64, status: &str, updates: Value| {
        json!({"id": id, "title": format!("Report {id}"), "status": status, "updatedAt": at(90), "monitors": [],
               "pageComponents": [7], "statusReportUpdates": updates})
    };
    let update = |id: i64, status: &str, message: &str, minute: i64| {
        json!({
        "id": id, "status": status, "message": message, "date": at(minute), "updatedAt": at(minute)})
    };
    let work = |id: i64, from: String, to: String| {
        json!({"id": id, "name": format!("Work {id}"), "message": "Announced.", "maintenanceUpdates": [], "from": from,
               "to": to, "updatedAt": at(0), "monitors": [], "pageComponents": [8]})
    };
    let document = json!({"title": "Quill", "description": "Harbour", "status": "operational", "updatedAt": at(99),
        "monitors": [],
        "pageComponents": [
            {"id": 7, "name": "Gate", "description": null, "monitorId": null, "order": 0, "groupId": 3,
             "groupOrder": 1},
            {"id": 8, "name": "Crane", "description": "Lifts.", "monitorId": 2, "order": 1, "groupId": null}],
        "pageComponentGroups": [{"id": 3, "name": "Harbour"}],
        "statusReports": [
            report(1, "resolved", json!([update(2, "resolved", "Over.", 40),
                                         update(1, "investigating", "We look.", 0)])),
            report(2, "Monitoring", json!([update(3, "monitoring", "Shown-part.", 60)]))],
        "maintenances": [work(1, at(0), at(30)), work(2, ahead(2), ahead(3)),
                         work(3, at(1380), ahead(1))]});
    vec![("feed.json", document.to_string())]
}

fn upptime() -> Files {
    let site = |slug: &str, name: &str, status: &str| {
        json!({"name": name, "url": "https://marker-word.example", "slug": slug, "status": status, "uptime": "99.9%",
               "dailyMinutesDown": {}})
    };
    let settings = "owner: quill\nrepo: status\nPAT: marker-word\n\
                    sites:\n  - name: Gate\n    url: https://marker-word.example\n\
                    status-website:\n  name: Quill\n";
    let issue = |number: i64, state: &str, labels: &[&str], body: &str, comments: Value| {
        let labels: Vec<Value> = labels.iter().map(|name| json!({"name": name})).collect();
        json!({"number": number, "title": "🛑 Gate is down", "body": body, "state": state, "createdAt": at(0),
               "closedAt": if state == "CLOSED" { json!(at(30)) } else { Value::Null }, "labels": labels,
               "comments": comments})
    };
    let window = format!(
        "Shown-part.\n<!--\nstart: {}\nend: {}\nexpectedDown: gate, crane\nmarker-word\n-->",
        ahead(2),
        ahead(3)
    );
    let issues = json!([
        issue(
            12,
            "CLOSED",
            &["status", "gate"],
            "Gate was **down**",
            json!([
            {"body": "**Resolved:** Gate is back up.", "createdAt": at(30), "isMinimized": false},
            {"body": "marker-word", "createdAt": at(20), "isMinimized": true}])
        ),
        issue(13, "OPEN", &["status", "crane"], "Shown-part.", json!([])),
        issue(14, "OPEN", &["maintenance"], &window, json!([])),
        issue(15, "OPEN", &["bug"], "marker-word", json!([])),
    ]);
    let yml = |slug: &str| {
        format!(
            "url: https://marker-word.example\nstatus: up\ncode: 200\nresponseTime: 9\n\
                                    lastUpdated: {}\nstartTime: 2024-01-09T10:00:00.000Z\ngenerator: x # {slug}\n",
            at(0)
        )
    };
    vec![
        (".upptimerc.yml", settings.to_owned()),
        ("history/summary.json", json!([site("gate", "Gate", "up"), site("crane", "Crane", "down")]).to_string()),
        ("history/gate.yml", yml("gate")),
        // Older versions wrote a list.
        ("history/crane.yml", format!("- status: down\n- startTime: {}\n- generator: x\n", at(0))),
        ("issues.json", issues.to_string()),
    ]
}

fn incident_io() -> Files {
    let member = |id: &str, name: &str, hidden: bool| {
        json!({
        "component_id": id, "name": name, "description": "", "hidden": hidden, "display_uptime": true})
    };
    let summary = json!({"summary": {"id": "01PAGE", "name": "Quill",
        "components": [{"id": "01GATE", "name": "Gate"}, {"id": "01CRANE", "name": "Crane"},
                       {"id": "01SECRET", "name": "marker-word"}],
        "affected_components": [{"component_id": "01GATE", "status": "full_outage"}],
        "structure": {"items": [
            {"group": {"id": "01GROUP", "name": "Harbour", "hidden": false,
                       "components": [member("01GATE", "Gate", false), member("01SECRET", "marker-word", true)]}},
            {"component": member("01CRANE", "Crane", false)}]},
        "ongoing_incidents": [], "scheduled_maintenances": []}});
    let impact = |id: &str, status: &str, from: i64, to: Value| {
        json!({
        "component_id": id, "status": status, "start_at": at(from), "end_at": to})
    };
    let update = |id: &str, status: &str, text: &str, minute: i64| {
        json!({"id": id, "to_status": status, "message": {"type": "doc"}, "message_string": text,
               "published_at": at(minute), "component_statuses": []})
    };
    let incidents = json!({"incidents": [
        {"id": "01OVER", "name": "Crane stuck", "status": "resolved", "type": "incident", "published_at": at(5),
         "component_impacts": [impact("01CRANE", "partial_outage", 0, json!(at(40)))],
         "updates": [update("01U1", "investigating", "We look.", 5), update("01U2", "resolved", "Over.", 42)]},
        {"id": "01OPEN", "name": "Gate shut", "status": "identified", "type": "incident", "published_at": at(60),
         "affected_components": [{"component_id": "01GATE", "status": "full_outage"}],
         "updates": [update("01U3", "identified", "Shown-part.", 60)]},
        {"id": "01WORK", "name": "New rope", "status": "maintenance_scheduled", "type": "maintenance",
         "published_at": at(0), "starts_at": ahead(2), "ends_at": ahead(3),
         "affected_components": [{"component_id": "01CRANE"}],
         "updates": [update("01U4", "maintenance_scheduled", "Announced.", 0)]}]});
    vec![("proxy.json", summary.to_string()), ("proxy-incidents.json", incidents.to_string())]
}

async fn page_name(test: &TestDb) -> String {
    page_settings::load(&mut test.read().await.unwrap()).await.unwrap().name
}

#[apply(on_both_databases!)]
async fn instatus_responses_are_imported(test: TestDb) {
    let report = import_three_times(&test, &Instatus, &instatus()).await;
    assert_eq!((report.groups.created, report.components.created), (1, 3), "{report:#?}");
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.refusals.len()),
        (2, 2, 0),
        "{report:#?}"
    );
    let (all, page) =
        (list_components(&test).await, page_settings::load(&mut test.read().await.unwrap()).await.unwrap());
    assert_eq!((page.name.as_str(), page.url.as_str()), ("Quill", "https://quill.example"));
    let groups: Vec<Option<&str>> =
        all.iter().map(|part| part.group_id.as_ref().map(candor::domain::GroupId::as_str)).collect();
    assert_eq!(groups.iter().filter(|group| **group == Some("in_group")).count(), 2, "{groups:?}");
    let over = find_incident(&test, "in_over").await;
    let phases: Vec<(&str, Phase)> = over.updates.iter().map(|it| (it.body.as_str(), it.phase)).collect();
    let expected = [("We look.", Phase::Investigating), ("A rope.", Phase::Identified), ("Over.", Phase::Resolved)];
    assert_eq!((phases, over.impact(), over.updates[0].id.as_str()), (expected.to_vec(), Impact::Major, "u1"));
    assert_eq!(over.ended_at.unwrap() - over.started_at, TimeDelta::minutes(45));
    let open = find_incident(&test, "in_open").await;
    assert_eq!(
        (open.phase, open.statuses().into_values().collect::<Vec<_>>()),
        (Phase::Monitoring, vec![Status::MajorOutage])
    );
    let work = find_maintenance(&test, "in_work").await;
    assert_eq!(
        (work.phase, work.scheduled_until - work.scheduled_for),
        (MaintenancePhase::Scheduled, TimeDelta::minutes(90))
    );
    assert_eq!(work.components[0].name, "Crane");
    let done = find_maintenance(&test, "in_done").await;
    assert_eq!(
        (done.phase, done.ended_at.unwrap() - done.started_at.unwrap()),
        (MaintenancePhase::Completed, TimeDelta::minutes(25))
    );
}

#[apply(on_both_databases!)]
async fn public_instatus_page_is_imported(test: TestDb) {
    let summary = json!({"page": {"name": "Quill", "url": "https://quill.instatus.test", "status": "HASISSUES"},
        "activeIncidents": [{"id": "cl4a", "name": "Gate shut", "started": at(0), "status": "INVESTIGATING",
                             "impact": "MAJOROUTAGE", "url": "https://quill.instatus.test/incident/cl4a"}],
        "activeMaintenances": [{"id": "cl4b", "name": "New rope", "start": ahead(1), "status": "NOTSTARTEDYET",
                                "duration": "60", "url": "https://quill.instatus.test/maintenance/cl4b"}]});
    let components = json!({"components": [{"id": "c1", "name": "Gate", "status": "OPERATIONAL", "description": ""}]});
    let server = FakeStatuspage::new();
    server.serve_document("/summary.json", summary);
    server.serve_document("/components.json", components);
    server.respond_otherwise(|_| FakeResponse::Status(404, ""));
    let printed = import_address(&test, "instatus", &server, 2);
    assert!(printed.contains("could not be fetched: past incidents are not public"), "{printed}");
    assert_eq!(
        (find_incident(&test, "cl4a").await.impact(), list_components(&test).await.len()),
        (Impact::Critical, 1)
    );
    assert_eq!(find_maintenance(&test, "cl4b").await.phase, MaintenancePhase::Scheduled);
}

#[apply(on_both_databases!)]
async fn openstatus_document_is_imported(test: TestDb) {
    let report = import_three_times(&test, &OpenStatus, &openstatus()).await;
    assert_eq!((report.groups.created, report.components.created), (1, 2), "{report:#?}");
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.refusals.len()),
        (2, 3, 0),
        "{report:#?}"
    );
    let over = find_incident(&test, "report-1").await;
    let bodies: Vec<&str> = over.updates.iter().map(|update| update.body.as_str()).collect();
    assert_eq!((bodies, over.updates[0].id.as_str()), (vec!["We look.", "Over."], "update-1"));
    assert_eq!((over.ended_at.unwrap() - over.started_at, over.impact()), (TimeDelta::minutes(40), Impact::Minor));
    assert_eq!(find_incident(&test, "report-2").await.phase, Phase::Monitoring);
    for (id, phase) in [
        ("maintenance-1", MaintenancePhase::Completed),
        ("maintenance-2", MaintenancePhase::Scheduled),
        ("maintenance-3", MaintenancePhase::InProgress),
    ] {
        let work = find_maintenance(&test, id).await;
        assert_eq!((work.phase, work.components[0].name.as_str()), (phase, "Crane"), "{id}");
    }
    assert_eq!(page_name(&test).await, "Quill");
}

#[apply(on_both_databases!)]
async fn upptime_repository_is_imported(test: TestDb) {
    let report = import_three_times(&test, &Upptime, &upptime()).await;
    assert_eq!(
        (report.components.created, report.incidents.created, report.maintenances.created),
        (2, 2, 1),
        "{report:#?}"
    );
    assert!(report.refusals.is_empty() && has_warning(&report, &["issue 15", "not on the status page"]), "{report:#?}");
    assert_eq!(page_name(&test).await, "Quill");
    let all = list_components(&test).await;
    assert_eq!(all[0].created_at.to_rfc3339(), "2024-01-09T10:00:00+00:00", "its history begins with the monitoring");
    assert_eq!(all[1].created_at.format("%Y-%m-%dT%H:%M").to_string(), at(0)[..16]);
    let over = find_incident(&test, "issue-12").await;
    assert_eq!(
        (over.phase, over.updates.len(), over.ended_at.unwrap() - over.started_at),
        (Phase::Resolved, 2, TimeDelta::minutes(30))
    );
    assert_eq!((over.impact(), over.updates[0].components[0].name.as_str()), (Impact::Critical, "Gate"));
    assert!(find_incident(&test, "issue-13").await.is_open());
    let work = find_maintenance(&test, "issue-14").await;
    assert_eq!((work.phase, work.components.len()), (MaintenancePhase::Scheduled, 2));
}

#[apply(on_both_databases!)]
async fn upptime_issues_alone_create_their_components(test: TestDb) {
    let issues = upptime().into_iter().filter(|(name, _)| *name == "issues.json").collect::<Vec<_>>();
    let report = import_three_times(&test, &Upptime, &issues).await;
    assert_eq!((report.components.created, report.incidents.created), (2, 2), "{report:#?}");
    assert!(has_warning(&report, &["created from them", "gate"]), "{:#?}", report.warnings);
}

#[apply(on_both_databases!)]
async fn incident_io_documents_are_imported(test: TestDb) {
    let report = import_three_times(&test, &IncidentIo, &incident_io()).await;
    assert_eq!((report.groups.created, report.components.created), (1, 2), "{report:#?}");
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.refusals.len()),
        (2, 1, 0),
        "{report:#?}"
    );
    let over = find_incident(&test, "01OVER").await;
    assert_eq!((over.ended_at.unwrap() - over.started_at, over.impact()), (TimeDelta::minutes(40), Impact::Major));
    let open = find_incident(&test, "01OPEN").await;
    assert_eq!(
        (open.phase, open.statuses().into_values().collect::<Vec<_>>()),
        (Phase::Identified, vec![Status::MajorOutage])
    );
    let work = find_maintenance(&test, "01WORK").await;
    assert_eq!((work.phase, work.components[0].name.as_str()), (MaintenancePhase::Scheduled, "Crane"));
    let all = list_components(&test).await;
    assert_eq!((all[0].name.as_str(), all[0].status), ("Gate", Status::Operational), "the incident has the status");
}

#[apply(on_both_databases!)]
async fn incident_io_widget_and_statuspage_copy_are_imported(test: TestDb) {
    let widget = json!({"page_title": "Quill", "page_url": "https://status.quill.example",
        "ongoing_incidents": [{"id": "01A", "name": "Gate shut", "status": "investigating", "last_update_at": at(10),
            "last_update_message": "We look.", "current_worst_impact": "full_outage",
            "affected_components": [{"id": "01GATE", "name": "Gate", "group_name": "Harbour"}]}],
        "in_progress_maintenances": [{"id": "01B", "name": "New rope", "status": "maintenance_in_progress",
            "last_update_at": at(0), "last_update_message": "Begun.", "started_at": at(0), "scheduled_end_at": ahead(1),
            "affected_components": []}],
        "scheduled_maintenances": []});
    // Without started_at, as incident.io writes it.
    let copy = json!({"page": {"id": "01PAGE", "name": "Quill", "url": "https://status.quill.example",
                                   "updated_at": at(99)},
        "incidents": [{"id": "01C", "name": "Old", "status": "resolved", "impact": "minor", "created_at": at(0),
            "updated_at": at(30), "resolved_at": at(30), "shortlink": "https://status.quill.example/incidents/01C",
            "incident_updates": [{"id": "01D", "status": "resolved", "body": "Over.", "created_at": at(30),
                                  "updated_at": at(30), "display_at": at(30)}]}]});
    let files = [("summary.json", widget.to_string()), ("incidents.json", copy.to_string())];
    let report = import_three_times(&test, &IncidentIo, &files).await;
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.components.created),
        (2, 1, 1),
        "{report:#?}"
    );
    assert_eq!(find_incident(&test, "01A").await.impact(), Impact::Critical);
    assert_eq!(times(&find_incident(&test, "01C").await).0, at(0).replace('T', " ")[..16].to_owned());
    assert_eq!(find_maintenance(&test, "01B").await.phase, MaintenancePhase::InProgress);
}

#[apply(on_both_databases!)]
async fn hidden_instatus_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut files = instatus();
    let hidden = json!([
        {"id": "h1", "name": "marker-word", "status": "OPERATIONAL", "order": 9, "archivedAt": at(0)},
        {"id": "h2", "name": "marker-word", "status": "RESOLVED", "started": at(0), "draft": true, "updates": []},
        {"id": "h3", "name": "marker-word", "status": "COMPLETED", "start": at(0), "duration": 9,
         "visibility": "private"},
        {"id": "h4", "name": "Seen", "status": "RESOLVED", "started": at(0), "resolved": at(1),
         "internalNote": "marker-word", "components": [{"id": "h1", "name": "marker-word"}],
         "updates": [{"id": "h5", "status": "RESOLVED", "message": "Over.<!-- marker-word -->", "started": at(1)}]}]);
    files.push(("hidden.json", hidden.to_string()));
    let report = import_three_times(&app.db, &Instatus, &files).await;
    assert_eq!(
        (report.components.created, report.incidents.created, report.maintenances.created),
        (3, 3, 2),
        "{report:#?}"
    );
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_openstatus_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut document: Value = serde_json::from_str(&openstatus()[0].1).unwrap();
    document["monitors"] =
        json!([{"id": 1, "name": "marker-word", "description": "marker-word", "url": "marker-word"}]);
    document["password"] = json!("marker-word");
    document["pageComponents"][1]["hidden"] = json!(true);
    document["pageComponents"][1]["name"] = json!("marker-word");
    document["statusReports"][0]["title"] = json!("marker-word");
    document["statusReports"][0]["draft"] = json!(true);
    document["statusReports"][1]["internalNote"] = json!("marker-word");
    import_three_times(&app.db, &OpenStatus, &[("feed.json", document.to_string())]).await;
    assert_published(&app, "Shown-part.", "marker-word").await;
    document["accessType"] = json!("password");
    let read = OpenStatus.read_document("x.json".as_ref(), document.to_string().as_bytes(), &|_| true);
    assert!(read.unwrap_err().to_string().contains("not public"));
}

#[apply(on_both_databases!)]
async fn hidden_upptime_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    import_three_times(&app.db, &Upptime, &upptime()).await;
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn hidden_incident_io_content_stays_hidden(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut files = incident_io();
    let hidden = json!({"incidents": [{"id": "01H", "name": "marker-word", "status": "resolved", "is_private": true,
        "updates": [{"id": "01I", "to_status": "resolved", "message_string": "marker-word", "published_at": at(0)}]}]});
    files.push(("private.json", hidden.to_string()));
    import_three_times(&app.db, &IncidentIo, &files).await;
    assert_published(&app, "Shown-part.", "marker-word").await;
}

#[apply(on_both_databases!)]
async fn unknown_content_is_refused_with_code_2(test: TestDb) {
    let thing = json!({"id": "odd-1", "name": "Odd", "colour": "red"});
    let no_window =
        json!({"number": 1, "title": "Work", "body": "x", "state": "OPEN", "labels": [{"name": "maintenance"}]});
    let no_id = json!({"incidents": [{"name": "No id", "status": "resolved", "updates": []}]});
    let nothing = json!({"statusReports": [{"title": "No id", "status": "resolved"}], "maintenances": []});
    for (source, document, refusal) in [
        ("instatus", json!([thing]), "refused: entry odd-1 “Odd” has an unknown type"),
        ("upptime", json!([thing, no_window]), "refused: maintenance 1 “Work”: it has no start and end"),
        ("incident-io", no_id, "refused: incident ? “No id”: it has no id"),
        ("openstatus", nothing, "refused: incident “No id”: it has no id"),
    ] {
        let folder = write_folder(&[("document.json", document.to_string())]);
        let output = candor(&test, &["import", source, &folder.path().display().to_string()], "");
        stderr_text(&output, 2);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains(refusal), "{source}: {printed}");
    }
    for source in ["openstatus", "incident-io"] {
        let folder = write_folder(&[("document.json", "{\"hello\": 1}".to_owned())]);
        let output = candor(&test, &["import", source, &folder.path().display().to_string()], "");
        assert!(stderr_text(&output, 1).contains("nothing was imported"), "{source}");
    }
}

/// Imports from an address three times: the second and third change nothing. Returns what the first printed.
fn import_address(test: &TestDb, source: &str, server: &FakeStatuspage, code: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept").display().to_string();
    let arguments = ["import", source, server.url.as_str(), "--keep", &keep];
    let mut printed = Vec::new();
    for _ in 0..3 {
        let output = candor(test, &arguments, "");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        printed.push(String::from_utf8(output.stdout).unwrap());
    }
    for again in &printed[1..] {
        let is_unchanged = |line: &&str| !line.contains(" created, ") || line.contains(": 0 created, 0 changed");
        assert!(again.lines().all(|line| is_unchanged(&line)), "{again}");
    }
    printed.remove(0)
}

/// An Atom feed whose entries have their addresses as ids.
fn atom_feed(paths: &[&str]) -> String {
    let entry = |path: &&str| {
        let url = format!("https://quill.example/{path}");
        format!("<entry><id>{url}</id><title>t</title><updated>{}</updated><link href=\"{url}\"/></entry>", at(0))
    };
    let entries: String = paths.iter().map(entry).collect();
    format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><title>t</title>\
         <updated>{}</updated>{entries}</feed>",
        at(0)
    )
}

/// An RSS feed with these links and guids.
fn rss_feed(items: &[(&str, &str)]) -> String {
    let item = |(link, guid): &(&str, &str)| {
        format!("<item><title>t</title><link>https://quill.example/{link}</link><guid>{guid}</guid></item>")
    };
    let items: String = items.iter().map(item).collect();
    format!("\n<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>")
}

#[apply(on_both_databases!)]
async fn imported_feeds_keep_their_entry_ids(test: TestDb) {
    let app = TestApp::new(test).await;
    let issue = "---\ntitle: Berths\ndate: 2026-01-14 10:00:00\nresolved: true\nsection: issue\n---\nOver.\n";
    let cachet = json!({"data": [{"type": "incidents", "id": "7", "attributes": {"id": 7, "name": "Crane",
        "guid": "6f2a1c1e-6f3a-4d39-9a52-0d1a4ab0e0aa", "message": "Text", "status": {"value": 4},
        "created": {"string": "2026-01-14 10:00:00"}}}]});
    let permalink = "https://quill.example/issues/2026-01-14-berths/";
    let sources: Vec<(Box<dyn Format>, Files)> = vec![
        (
            Box::new(OpenStatus),
            [openstatus(), vec![("feed.rss", rss_feed(&[("events/report/1", "urn:report:1")]))]].concat(),
        ),
        (Box::new(Instatus), [instatus(), vec![("history.atom", atom_feed(&["incident/in_over"]))]].concat()),
        (
            Box::new(CState { zone: Tz::UTC }),
            vec![
                ("content/issues/2026-01-14-Berths.md", issue.to_owned()),
                ("index.xml", rss_feed(&[("issues/2026-01-14-berths/", permalink)])),
                ("public/issues/index.xml", "<broken".to_owned()),
            ],
        ),
        (Box::new(Cachet { zone: Tz::UTC }), vec![("incidents.json", cachet.to_string())]),
    ];
    for (format, files) in &sources {
        let folder = write_folder(files);
        let report = import_once(&app.db, &**format, folder.path()).await;
        assert_eq!((report.feed_ids.created, report.feed_ids.refused), (1, 0), "{report:#?}");
        assert!(import_once(&app.db, &**format, folder.path()).await.changes_nothing());
    }
    app.publish().await;
    let atom = app.visitor().get("/history.atom").await.text();
    let rss = app.visitor().get("/history.rss").await.text();
    for id in ["urn:report:1", "https://quill.example/incident/in_over", permalink] {
        assert!(atom.contains(&format!("<id>{id}</id>")), "{id}: {atom}");
        assert!(rss.contains(&format!("<guid isPermaLink=\"false\">{id}</guid>")), "{id}: {rss}");
    }
    assert!(atom.contains("<id>urn:uuid:6f2a1c1e-6f3a-4d39-9a52-0d1a4ab0e0aa</id>"), "{atom}");
    assert!(rss.contains(">6f2a1c1e-6f3a-4d39-9a52-0d1a4ab0e0aa</guid>"), "readers know the bare UUID: {rss}");
}

#[apply(on_both_databases!)]
async fn openstatus_page_is_fetched(test: TestDb) {
    let server = FakeStatuspage::new();
    server.serve_document("/feed/json", &openstatus()[0].1);
    server.serve_document("/feed/atom", atom_feed(&["events/report/1", "events/maintenance/2", "events/report/99"]));
    let printed = import_address(&test, "openstatus", &server, 0);
    assert!(printed.contains("incidents: 2 created"), "{printed}");
    assert!(printed.contains("feed entries: 2 created, 0 changed, 0 unchanged, 1 skipped"), "{printed}");
    assert!(printed.contains("skipped: feed entry “https://quill.example/events/report/99”"), "{printed}");
}

#[apply(on_both_databases!)]
async fn incident_io_page_is_fetched(test: TestDb) {
    let files = incident_io();
    let server = FakeStatuspage::new();
    server.serve_document("/proxy/127.0.0.1", &files[0].1);
    server.serve_document("/proxy/127.0.0.1/incidents", &files[1].1);
    server.serve_document("/feed.atom", atom_feed(&[]));
    let printed = import_address(&test, "incident-io", &server, 0);
    assert!(printed.contains("incidents: 2 created") && printed.contains("components: 2 created"), "{printed}");
}

#[apply(on_both_databases!)]
async fn one_missing_document_exits_with_2(test: TestDb) {
    let server = FakeStatuspage::new();
    server.serve_document("/proxy/127.0.0.1", &incident_io()[0].1);
    server.respond_otherwise(|_| FakeResponse::Status(404, ""));
    let printed = import_address(&test, "incident-io", &server, 2);
    assert!(printed.contains("components: 2 created"), "{printed}");
    assert!(printed.contains("could not be fetched: /proxy/127.0.0.1/incidents not found"), "{printed}");
    assert!(printed.contains("could not be fetched: /feed.atom not found: feed readers will show"), "{printed}");
}

#[apply(on_both_databases!)]
async fn upptime_repository_is_fetched(test: TestDb) {
    let issues: Vec<Value> = serde_json::from_str(&upptime()[4].1).unwrap();
    let from_api = |issue: &Value| {
        let number = issue["number"].as_i64().unwrap();
        json!({"url": format!("https://api.github.com/repos/quill/status/issues/{number}"), "number": number,
               "title": issue["title"], "body": issue["body"], "labels": issue["labels"], "comments": 1,
               "state": issue["state"].as_str().unwrap().to_lowercase(), "created_at": issue["createdAt"],
               "closed_at": issue["closedAt"]})
    };
    let comment = json!({"issue_url": "https://api.github.com/repos/quill/status/issues/12",
                         "body": "**Resolved:** Gate is back up.", "created_at": at(30), "updated_at": at(30)});
    let server = FakeStatuspage::new();
    let list = |label: &str| format!("/issues?state=all&labels={label}&per_page=100&page=1");
    server.serve_document(&list("status"), json!([from_api(&issues[0]), from_api(&issues[1])]));
    server.serve_document(&list("maintenance"), json!([from_api(&issues[2])]));
    server.serve_document("/issues/comments?per_page=100&page=1", json!([comment]));
    server.respond_otherwise(|_| FakeResponse::Status(404, ""));
    let printed = import_address(&test, "upptime", &server, 2);
    assert!(printed.contains("incidents: 2 created") && printed.contains("maintenances: 1 created"), "{printed}");
    assert!(printed.contains("could not be fetched: /contents/history/summary.json"), "{printed}");
    assert_eq!(find_incident(&test, "issue-12").await.updates.len(), 2);
}

#[apply(on_both_databases!)]
async fn instatus_api_is_fetched_with_a_token(test: TestDb) {
    let files = instatus();
    let server = FakeStatuspage::new();
    let list = |path: &str| format!("/{path}?per_page=100&page=1");
    server.serve_document(&list("v2/pages"), &files[3].1);
    server.serve_document(&list("v2/in_page/components"), &files[0].1);
    server.serve_document(&list("v1/in_page/incidents"), &files[1].1);
    server.serve_document(&list("v2/in_page/maintenances"), &files[2].1);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let (keep, token) = (folder.path().join("kept"), folder.path().join("token"));
    let (keep, token) = (keep.display().to_string(), token.display().to_string());
    let arguments = ["import", "instatus", server.url.as_str(), "--keep", &keep, "--token-file", &token];
    let output = candor(&test, &arguments, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(server.take_requests().iter().all(|asked| asked.contains("Bearer s3cret")));
    assert_eq!((list_components(&test).await.len(), find_incident(&test, "in_over").await.updates.len()), (3, 3));
}

/// Every format, with documents that it imports.
fn every_source() -> Vec<(&'static str, Box<dyn Format>, Files)> {
    let fixture = |name: &str, file: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name).join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let cachet = ["components.json", "groups.json", "incidents.json", "schedules.json"];
    let cachet = cachet.map(|file| (file, fixture("cachet", file))).to_vec();
    let kuma = vec![("page.json", fixture("kuma", "status-page.json"))];
    let issue = "---\ntitle: Berths\ndate: 2026-01-14 10:00:00\nresolved: true\naffected:\n  - Berths\n\
                 section: issue\n---\nOver.\n";
    let config = "title: Quill\nparams:\n  categories:\n    - name: Water\n  systems:\n    - name: Berths\n\
                  \x20     category: Water\n";
    let cstate = vec![("config.yml", config.to_owned()), ("content/issues/berths.md", issue.to_owned())];
    let update = json!({"id": "p", "status": "postmortem", "body": "Why", "created_at": at(9), "display_at": at(9)});
    let over = json!({"id": "u", "status": "resolved", "body": "Over", "created_at": at(5), "display_at": at(5)});
    let statuspage = json!({
        "components": [{"id": "g", "name": "Water", "group": true, "position": 1},
                       {"id": "c", "name": "Berths", "group_id": "g", "status": "operational", "position": 1}],
        "incidents": [{"id": "i", "name": "I", "status": "postmortem", "impact": "none", "created_at": at(0),
                       "resolved_at": at(5), "incident_updates": [update, over]}],
        "scheduled_maintenances": [{"id": "m", "name": "M", "status": "completed", "created_at": at(0),
                                    "scheduled_for": at(0),
                                    "scheduled_until": at(9), "incident_updates": []}]});
    vec![
        ("cachet", Box::new(Cachet { zone: Tz::UTC }), cachet),
        ("cstate", Box::new(CState { zone: Tz::UTC }), cstate),
        ("incident.io", Box::new(IncidentIo), incident_io()),
        ("instatus", Box::new(Instatus), instatus()),
        ("kuma", Box::new(Kuma), kuma),
        ("openstatus", Box::new(OpenStatus), openstatus()),
        ("statuspage", Box::new(Statuspage), vec![("summary.json", statuspage.to_string())]),
        ("upptime", Box::new(Upptime), upptime()),
    ]
}

/// Deletes every incident, maintenance, component and group, and returns their number.
async fn delete_everything(test: &TestDb) -> usize {
    let mut tx = test.write().await.unwrap();
    let mut entries = Vec::new();
    let filter = HistoryFilter::default();
    let public = candor::db::incidents::list(&mut tx, &filter, (None, None), None, 1000).await.unwrap();
    let open = admin_incidents::list_open(&mut tx, None, 100).await.unwrap();
    let ids: BTreeSet<IncidentId> = public.into_iter().chain(open).map(|it| it.id).collect();
    for id in ids {
        let it = admin_incidents::find(&mut tx, &id).await.unwrap();
        entries.push(actions::incidents::delete(&mut tx, &it).await.unwrap());
    }
    for it in maintenances::list_within(&mut tx, (None, None), 1000).await.unwrap() {
        entries.extend(actions::maintenances::delete(&mut tx, &it, now()).await.unwrap());
    }
    for it in components::list(&mut tx).await.unwrap() {
        entries.push(actions::components::delete(&mut tx, &it).await.unwrap());
    }
    for it in components::list_groups(&mut tx).await.unwrap() {
        entries.push(actions::groups::delete(&mut tx, &it).await.unwrap());
    }
    tx.commit_all(&crate::support::fixtures::actor(), now(), &entries).await.unwrap();
    entries.len()
}

#[apply(on_both_databases!)]
async fn deleted_items_of_every_source_stay_deleted(test: TestDb) {
    for (name, format, files) in every_source() {
        let folder = write_folder(&files);
        let first = import_once(&test, &*format, folder.path()).await;
        let created =
            first.incidents.created + first.maintenances.created + first.components.created + first.groups.created;
        assert!(first.incidents.created > 0 && first.components.created > 0, "{name}: {first:#?}");
        let deleted = delete_everything(&test).await;
        for _ in 0..2 {
            let again = import_once(&test, &*format, folder.path()).await;
            assert!(again.changes_nothing(), "{name}: {again:#?}");
            // Internal incidents are not in the list of visitors.
            assert!(
                again.skips.iter().filter(|skip| skip.contains("deleted here")).count() >= deleted.min(created),
                "{name}: {again:#?}"
            );
        }
    }
}
