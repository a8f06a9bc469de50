//! Incidents, scheduled maintenances and postmortems in the management API.

use axum::http::{Method, StatusCode};
use candor::domain::Role::Owner;
use candor::domain::Visibility;
use candor::domain::api_token::Scope;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::api_client::{self, ApiClient};
use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

async fn new_client(app: &TestApp) -> ApiClient {
    ApiClient::new(app, &app.manager("Ines", Owner).await, "Deploy", Scope::Publish).await
}

fn incident_path(event: &Value) -> String {
    format!("/incidents/{}", event["id"].as_str().unwrap())
}

/// The statuses of an event's updates, newest first.
fn update_statuses(event: &Value) -> Vec<&str> {
    event["incident_updates"].as_array().unwrap().iter().map(|update| update["status"].as_str().unwrap()).collect()
}

#[apply(on_both_databases!)]
async fn an_incident_is_opened_updated_and_resolved(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await;
    let body = json!({ "incident": {
        "name": "Elevated errors", "status": "investigating", "body": "We are looking into it.",
        "components": { api.id.as_str(): "partial_outage" }, "component_ids": [api.id],
        "deliver_notifications": true, "backfilled": false, "scheduled_for": null, "impact_override": null,
    } });
    let created = program.make("/incidents", &body).await;
    let keys: Vec<&str> = created.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 32, "{keys:?}");
    assert_eq!((&created["status"], &created["impact"]), (&json!("investigating"), &json!("major")));
    assert_eq!(created["incident_updates"][0]["affected_components"][0]["new_status"], "partial_outage");
    assert_eq!(created["components"][0]["status"], "partial_outage");
    let page = app.visitor().get("/").await.text();
    assert!(page.contains("Elevated errors") && page.contains("We are looking into it."));
    assert_eq!(program.get(&incident_path(&created)).await, created);

    app.clock.advance(TimeDelta::minutes(5));
    let update = json!({ "incident": { "status": "identified", "body": "A bad deploy." } });
    let changed = program.change(Method::PATCH, &incident_path(&created), &update).await;
    assert_eq!(update_statuses(&changed), ["identified", "investigating"]);
    let renamed = json!({ "incident": { "name": "Errors of the API", "impact_override": "critical" } });
    let changed = program.change(Method::PATCH, &incident_path(&created), &renamed).await;
    assert_eq!((&changed["name"], &changed["impact"]), (&json!("Errors of the API"), &json!("critical")));
    assert_eq!(update_statuses(&changed).len(), 2, "nothing new was said");
    let only_components = json!({ "incident": { "components": { api.id.as_str(): "degraded_performance" } } });
    let changed = program.change(Method::PATCH, &incident_path(&created), &only_components).await;
    assert_eq!(changed["incident_updates"][0]["body"], "We are continuing to work on a fix for this issue.");
    app.clock.advance(TimeDelta::minutes(5));
    let over =
        program.change(Method::PATCH, &incident_path(&created), &json!({ "incident": { "status": "resolved" } })).await;
    assert_eq!(over["incident_updates"][0]["body"], "This incident has been resolved.");
    assert_eq!(
        (&over["resolved_at"], &over["components"][0]["status"]),
        (&json!("2026-11-10T12:10:00.123Z"), &json!("operational"))
    );
    let actions: Vec<_> = app.audit().await.into_iter().map(|row| (row.action, row.actor.name)).collect();
    let by = |action: &str| (format!("incident.{action}"), "Ines by Deploy".to_owned());
    assert_eq!(actions, [by("update"), by("update"), by("edit"), by("update"), by("open")]);
    let again = program
        .change(Method::PATCH, &incident_path(&created), &json!({ "incident": { "status": "monitoring" } }))
        .await;
    assert_eq!((&again["status"], &again["resolved_at"]), (&json!("monitoring"), &Value::Null));
}

#[apply(on_both_databases!)]
async fn repeated_put_changes_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await;
    let body = json!({ "incident": {
        "name": "Slow", "status": "investigating", "body": "We look.", "impact_override": "minor",
        "components": { api.id.as_str(): "degraded_performance" },
    } });
    let created = program.make("/incidents", &body).await;
    let before = app.counts().await;
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &body).await, created);
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &json!({ "incident": created })).await, created);
    assert_eq!(app.counts().await, before, "no row and no revision");
    let another = json!({ "incident": { "status": "resolved", "body": "It was a cable." } });
    let over = program.change(Method::PUT, &incident_path(&created), &another).await;
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &another).await, over);
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &json!({ "incident": over })).await, over);
    assert_eq!(app.counts().await, before);
    let said_again = program.change(Method::PATCH, &incident_path(&created), &another).await;
    assert_eq!(update_statuses(&said_again).len(), 3, "who patches says it again");
}

#[apply(on_both_databases!)]
async fn components_are_named_by_map_list_or_attachment(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let (a, b) = (app.component("A").await.id.to_string(), app.component("B").await.id.to_string());
    let old = program
        .make("/incidents", &json!({ "incident": { "name": "Old", "message": "Hm.", "components": [a] } }))
        .await;
    assert_eq!((&old["components"][0]["id"], &old["impact"]), (&json!(a), &json!("none")));
    assert_eq!(old["incident_updates"][0]["body"], "Hm.");
    let form = format!(
        "incident[name]=Form&incident[body]=Text&incident[component_ids][]={b}&incident[components][{a}]=major_outage"
    );
    let answer = program.send_with(Method::POST, "/incidents.json", form, &[]).await;
    let created = api_client::json(&answer);
    assert_eq!((answer.status, created["components"].as_array().unwrap().len()), (StatusCode::CREATED, 2));
    assert_eq!(created["impact"], "major", "one of two");
    let more =
        program.change(Method::PATCH, &incident_path(&old), &json!({ "incident": { "component_ids": [a, b] } })).await;
    assert_eq!((more["components"].as_array().unwrap().len(), update_statuses(&more).len()), (2, 2));
    let same =
        program.change(Method::PATCH, &incident_path(&old), &json!({ "incident": { "component_ids": [b] } })).await;
    assert_eq!(same, more, "they are attached already");
}

#[apply(on_both_databases!)]
async fn backfilled_incident_has_components_and_times(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await;
    let body = json!({ "incident": {
        "name": "Long ago", "body": "It was down.", "backfilled": true, "started_at": "2026-11-01T10:00:00+01:00",
        "resolved_at": "2026-11-01T09:30:00Z", "components": { api.id.as_str(): "major_outage" },
    } });
    let created = program.make("/incidents", &body).await;
    assert_eq!((&created["status"], &created["impact"]), (&json!("resolved"), &json!("critical")));
    let times = [&created["resolved_at"], &created["incident_updates"][0]["display_at"], &created["created_at"]];
    assert_eq!(times, [&json!("2026-11-01T09:30:00.000Z"); 3]);
    let uptime = program.get(&format!("/components/{}/uptime", api.id)).await;
    assert_eq!((&uptime["major_outage"], &uptime["related_events"]), (&json!(1800), &json!([{ "id": created["id"] }])));
    let day =
        json!({ "incident": { "name": "A day", "body": "Text", "backfilled": true, "backfill_date": "2026-10-05" } });
    let created = program.make("/incidents", &day).await;
    assert_eq!((&created["status"], &created["resolved_at"]), (&json!("resolved"), &json!("2026-10-05T00:00:00.000Z")));
    let future =
        json!({ "incident": { "name": "A", "body": "B", "backfilled": true, "started_at": "2027-01-01T00:00:00Z" } });
    let wrong = program.wrong(Method::POST, "/incidents", &future).await;
    assert_eq!(wrong, ["/incident/resolved_at", "/incident/started_at"]);
}

#[apply(on_both_databases!)]
async fn errors_have_json_pointers(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let before = app.all_content().await;
    for (incident, places) in [
        (json!({}), &["/incident/name"][..]),
        (json!({ "name": "A", "status": "broken" }), &["/incident/status"]),
        (json!({ "name": "x".repeat(256), "body": "y".repeat(25_001) }), &["/incident/body", "/incident/name"]),
        (json!({ "name": "A", "components": { "never": "operational" } }), &["/incident/components"]),
        (json!({ "name": "A", "components": { "a": "broken" } }), &["/incident/components/a"]),
        (
            json!({ "name": "A", "components": 5, "backfilled": "maybe" }),
            &["/incident/backfilled", "/incident/components"],
        ),
        (json!({ "name": "A", "impact_override": "severe" }), &["/incident/impact_override"]),
        (
            json!({ "name": "A", "metadata": { "x": 1 }, "reminder_intervals": "[5,1]" }),
            &["/incident/reminder_intervals", "/incident/metadata"],
        ),
        (json!({ "name": "A", "scheduled_for": "2026-12-01T00:00:00Z" }), &["/incident/scheduled_until"]),
        (
            json!({ "name": "A", "scheduled_for": "soon", "scheduled_until": "later" }),
            &["/incident/scheduled_for", "/incident/scheduled_until"],
        ),
        (json!({ "name": "\u{0}", "body": "\u{7}" }), &["/incident/body", "/incident/name"]),
    ] {
        assert_eq!(
            program.wrong(Method::POST, "/incidents", &json!({ "incident": incident })).await,
            places,
            "{incident}"
        );
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn lists_match_their_definitions(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let now = app.clock.now();
    app.add(&[
        fixtures::incident("open", now - TimeDelta::hours(3)),
        fixtures::resolved("over", now - TimeDelta::hours(9), TimeDelta::hours(1)),
    ])
    .await;
    let mut active = fixtures::maintenance("active", now + TimeDelta::hours(1), now + TimeDelta::hours(2), &[]);
    active.begin(candor::domain::UpdateId::parse("begun").unwrap(), now).unwrap();
    app.plan(&[fixtures::maintenance("coming", now + TimeDelta::days(2), now + TimeDelta::days(3), &[]), active]).await;
    let ids = async |path: &str| {
        let list = program.get(&format!("/incidents{path}")).await;
        list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["coming", "open", "over", "active"]);
    assert_eq!(ids("?limit=2").await, ["coming", "open"]);
    assert_eq!(ids("?limit=2&page=2").await, ["over", "active"]);
    assert_eq!(ids("?limit=2&page=3").await, [""; 0]);
    assert_eq!(ids("?q=TEXT%20OF%20over").await, ["over"]);
    assert_eq!(ids("?q=maintenance").await, ["coming", "active"]);
    assert_eq!(ids("?q=%25").await, [""; 0], "a sign is only text");
    assert_eq!(ids("/unresolved").await, ["open"]);
    assert_eq!(ids("/scheduled").await, ["active", "coming"]);
    assert_eq!(ids("/upcoming").await, ["coming"]);
    assert_eq!(ids("/active_maintenance").await, ["active"]);
    assert_eq!(ids("/scheduled?per_page=1&page=2").await, ["coming"]);
}

#[apply(on_both_databases!)]
async fn hidden_incidents_are_not_in_the_api(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let now = app.clock.now();
    let mut hidden = fixtures::incident("hidden", now);
    hidden.visibility = Visibility::Internal;
    app.add(&[hidden]).await;
    let never = program.send(Method::GET, "/incidents/never", &json!({})).await;
    let before = app.all_content().await;
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let body = json!({ "incident": { "name": "Seen" } });
        let answer = program.send(method, "/incidents/hidden", &body).await;
        assert_eq!((answer.status, answer.text()), (never.status, never.text()));
    }
    assert_eq!((program.get("/incidents").await, program.get("/incidents/unresolved").await), (json!([]), json!([])));
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn update_text_and_time_can_change(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let created = program.make("/incidents", &json!({ "incident": { "name": "A", "body": "Befor" } })).await;
    let path = format!(
        "{}/incident_updates/{}",
        incident_path(&created),
        created["incident_updates"][0]["id"].as_str().unwrap()
    );
    let body = json!({ "incident_update": { "body": "Before", "display_at": "2026-11-10T11:00:00Z" } });
    let changed = program.change(Method::PATCH, &path, &body).await;
    assert_eq!((&changed["body"], &changed["display_at"]), (&json!("Before"), &json!("2026-11-10T11:00:00.000Z")));
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &path, &body).await, changed);
    assert_eq!(app.counts().await, before);
    let future = json!({ "incident_update": { "display_at": "2026-11-11T11:00:00Z" } });
    assert_eq!(program.wrong(Method::PATCH, &path, &future).await, ["/incident_update/display_at"]);
    let empty = json!({ "incident_update": { "body": " " } });
    assert_eq!(program.wrong(Method::PATCH, &path, &empty).await, ["/incident_update/body"]);
    let never = format!("{}/incident_updates/never", incident_path(&created));
    assert_eq!(program.send(Method::PATCH, &never, &body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.audit().await[0].action, "incident.edit-update");
}

#[apply(on_both_databases!)]
async fn maintenance_is_planned_rescheduled_started_completed(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let db = app.component("DB").await;
    let plan = json!({ "incident": {
        "name": "Upgrade", "status": "scheduled", "body": "Read-only.", "component_ids": [db.id],
        "scheduled_for": "2026-11-20T02:00:00Z", "scheduled_until": "2026-11-20T04:00:00Z",
        "scheduled_remind_prior": true, "scheduled_auto_in_progress": true, "scheduled_auto_completed": true,
        "auto_transition_to_maintenance_state": true, "auto_transition_to_operational_state": true,
    } });
    let created = program.make("/incidents", &plan).await;
    for (name, value) in plan["incident"].as_object().unwrap() {
        match name.as_str() {
            "body" | "component_ids" => {}
            "scheduled_for" | "scheduled_until" => {
                assert_eq!(created[name].as_str().unwrap().replace(".000", ""), value.as_str().unwrap());
            }
            _ => assert_eq!(created[name], *value, "{name}"),
        }
    }
    assert_eq!((&created["impact"], &created["components"][0]["id"]), (&json!("maintenance"), &json!(db.id)));
    assert!(app.visitor().get("/").await.text().contains("Upgrade"));
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &plan).await, created);
    assert_eq!(program.change(Method::PUT, &incident_path(&created), &json!({ "incident": created })).await, created);
    assert_eq!(app.counts().await, before);

    let later = json!({ "incident": { "scheduled_for": "2026-11-21T02:00:00Z", "scheduled_until": "2026-11-21T04:00:00Z", "body": "A day later." } });
    let moved = program.change(Method::PATCH, &incident_path(&created), &later).await;
    assert_eq!((&moved["scheduled_for"], update_statuses(&moved).len()), (&json!("2026-11-21T02:00:00.000Z"), 2));
    assert_eq!(moved["incident_updates"][0]["body"], "A day later.");
    let begun = program
        .change(Method::PATCH, &incident_path(&created), &json!({ "incident": { "status": "in_progress" } }))
        .await;
    assert_eq!(
        (&begun["status"], &begun["components"][0]["status"]),
        (&json!("in_progress"), &json!("under_maintenance"))
    );
    let longer = json!({ "incident": { "scheduled_until": "2026-11-21T06:00:00Z" } });
    let longer = program.change(Method::PATCH, &incident_path(&created), &longer).await;
    assert_eq!(longer["incident_updates"][0]["body"], "This maintenance takes longer than planned.");
    let done = json!({ "incident": { "status": "completed", "components": { db.id.as_str(): "operational" } } });
    let done = program.change(Method::PATCH, &incident_path(&created), &done).await;
    assert_eq!((&done["status"], &done["components"][0]["status"]), (&json!("completed"), &json!("operational")));
    let actions: Vec<_> = app.audit().await.into_iter().map(|row| row.action).collect();
    assert_eq!(
        actions,
        ["update", "extend", "update", "reschedule", "schedule"].map(|verb| format!("maintenance.{verb}"))
    );

    let at_once = json!({ "incident": { "name": "Now", "status": "in_progress", "scheduled_for": "2026-11-10T12:00:00Z", "scheduled_until": "2026-11-10T13:00:00Z" } });
    let at_once = program.make("/incidents", &at_once).await;
    assert_eq!(update_statuses(&at_once), ["in_progress"]);
    let short = json!({ "incident": { "name": "Short", "scheduled_for": "2026-12-01T00:00:00Z", "scheduled_until": "2026-12-01T01:00:00Z" } });
    let short = program.make("/incidents", &short).await;
    let short =
        program.change(Method::PATCH, &incident_path(&short), &json!({ "incident": { "status": "completed" } })).await;
    assert_eq!(update_statuses(&short), ["completed", "in_progress", "scheduled"]);
}

#[apply(on_both_databases!)]
async fn deleted_occurrence_plans_the_next(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let first = app.create_series("again", app.clock.now() + TimeDelta::days(1)).await;
    let path = format!("/incidents/{}", first.id);
    let answer = program.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!((answer.status, api_client::json(&answer)["id"].clone()), (StatusCode::OK, json!(first.id)));
    assert_eq!(program.send(Method::GET, &path, &json!({})).await.status, StatusCode::NOT_FOUND);
    let next = program.get("/incidents/upcoming").await;
    assert_eq!((next.as_array().unwrap().len(), next[0]["name"].clone()), (1, json!("Series again")));
    assert_eq!(
        app.audit().await.iter().take(2).map(|row| row.action.as_str()).collect::<Vec<_>>(),
        ["maintenance.schedule", "maintenance.delete"]
    );
}

#[apply(on_both_databases!)]
async fn postmortem_is_written_published_reverted_deleted(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let now = app.clock.now();
    app.add(&[fixtures::resolved("it", now - TimeDelta::hours(9), TimeDelta::hours(1))]).await;
    let path = "/incidents/it/postmortem";
    assert_eq!(program.send(Method::GET, path, &json!({})).await.status, StatusCode::NOT_FOUND);
    let body = json!({ "postmortem": { "body_draft": "A cable was cut." } });
    let draft = program.change(Method::PUT, path, &body).await;
    assert_eq!((&draft["body_draft"], &draft["body"]), (&json!("A cable was cut."), &Value::Null));
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, path, &body).await, draft);
    assert_eq!(app.counts().await, before);
    let publish = json!({ "postmortem": { "notify_subscribers": true } });
    let published = program.change(Method::PUT, &format!("{path}/publish"), &publish).await;
    assert_eq!(published["body"], "A cable was cut.");
    assert!(app.visitor().get("/incidents/it").await.text().contains("A cable was cut."));
    let incident = program.get("/incidents/it").await;
    assert_eq!((&incident["status"], &incident["postmortem_body"]), (&json!("postmortem"), &json!("A cable was cut.")));
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, "/incidents/it", &json!({ "incident": incident })).await, incident);
    assert_eq!(app.counts().await, before, "a reviewed incident is sent back as it was read");
    let reverted = program.change(Method::PUT, &format!("{path}/revert"), &json!({})).await;
    assert_eq!((&reverted["body"], &reverted["body_draft"]), (&Value::Null, &json!("A cable was cut.")));
    let answer = program.send(Method::DELETE, path, &json!({})).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(program.send(Method::GET, path, &json!({})).await.status, StatusCode::NOT_FOUND);
    let empty = json!({ "postmortem": { "body_draft": "" } });
    assert_eq!(program.wrong(Method::PUT, path, &empty).await, ["/postmortem/body_draft"]);
}

#[apply(on_both_databases!)]
async fn a_deleted_incident_is_gone(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let created =
        program.make("/incidents", &json!({ "incident": { "name": "By mistake", "metadata": { "a": {} } } })).await;
    let answer = program.send(Method::DELETE, &incident_path(&created), &json!({})).await;
    assert_eq!((answer.status, api_client::json(&answer)), (StatusCode::OK, created.clone()));
    assert_eq!(app.visitor().get(&incident_path(&created)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.number("select count(*) from api_metadata").await, 0);
    assert_eq!(app.audit().await[0].action, "incident.delete");
}

#[apply(on_both_databases!)]
async fn idempotency_key_creates_one_incident(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Deploy", Scope::Publish).await;
    let other = ApiClient::new(&app, &owner, "Other", Scope::Publish).await;
    let body = json!({ "incident": { "name": "Once", "body": "Text" } }).to_string();
    let post = async |program: &ApiClient, body: &str, key: &str| {
        program.send_with(Method::POST, "/incidents", body.to_owned(), &[("idempotency-key", key)]).await
    };
    let mut hurrying = JoinSet::new();
    for _ in 0..8 {
        let (program, body) = (program.clone(), body.clone());
        hurrying.spawn(async move {
            let answer = program.send_with(Method::POST, "/incidents", body, &[("idempotency-key", "k1")]).await;
            (answer.status, answer.text())
        });
    }
    let answers = hurrying.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == StatusCode::CREATED), "{answers:?}");
    assert_eq!(app.incidents().await.len(), 1);
    app.clock.advance(TimeDelta::hours(23));
    let again = post(&program, &body, "k1").await;
    assert_eq!((again.status, again.text()), answers[0]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let another = post(&program, &body.replace("Once", "Twice"), "k1").await;
    assert_eq!(another.status, StatusCode::UNPROCESSABLE_ENTITY, "the key came with another body");
    assert_eq!(app.incidents().await.len(), 1);
    assert_eq!(post(&other, &body, "k1").await.status, StatusCode::CREATED, "another token has its own keys");
    assert_eq!(post(&program, "{\"incident\":{}}", "k2").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&program, &body, "k2").await.status, StatusCode::CREATED, "what failed used up no key");
    app.clock.advance(TimeDelta::hours(2));
    assert_eq!(post(&program, &body, "k1").await.status, StatusCode::CREATED, "a day is over");
    assert_eq!(app.incidents().await.len(), 4);
    assert_eq!(app.number("select count(*) from idempotency_keys").await, 3, "what is too old is forgotten");
    for bad in ["", &"x".repeat(256)] {
        assert_eq!(post(&program, &body, bad).await.status, StatusCode::BAD_REQUEST, "{bad:?}");
    }
}

#[apply(on_both_databases!)]
async fn metadata_and_reminders_round_trip(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let metadata = json!({ "jira": { "id": "OPS-1", "empty": "", "none": null } });
    let created = program
        .make("/incidents", &json!({ "incident": { "name": "A", "metadata": metadata, "reminder_intervals": "4" } }))
        .await;
    assert_eq!((&created["metadata"], &created["reminder_intervals"]), (&metadata, &json!("4")));
    assert_eq!(program.get(&incident_path(&created)).await, created);
    let before = app.counts().await;
    let off = json!({ "incident": { "reminder_intervals": "[]", "metadata": { "jira": { "id": "OPS-2" } } } });
    let changed = program.change(Method::PATCH, &incident_path(&created), &off).await;
    assert_eq!((&changed["reminder_intervals"], &changed["metadata"]["jira"]["id"]), (&json!("[]"), &json!("OPS-2")));
    assert_eq!(app.counts().await, (before.0 + 1, before.1 + 2), "one revision, a row for each");
    let usual = json!({ "incident": { "reminder_intervals": null, "metadata": null } });
    let changed = program.change(Method::PATCH, &incident_path(&created), &usual).await;
    assert_eq!((&changed["reminder_intervals"], &changed["metadata"]), (&Value::Null, &json!({})));
}

#[apply(on_both_databases!)]
async fn resolving_leaves_components_as_asked(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let (api, db) = (app.component("API").await.id.to_string(), app.component("DB").await.id.to_string());
    let component = async |id: &str| program.get(&format!("/components/{id}")).await;
    let set = json!({ "component": { "status": "major_outage" } });
    program.change(Method::PATCH, &format!("/components/{api}"), &set).await;
    let body = json!({ "incident": { "name": "Down", "body": "x", "components": { api.as_str(): "major_outage" } } });
    let created = program.make("/incidents", &body).await;
    let body = json!({ "incident": {
        "status": "resolved", "components": { api.as_str(): "operational", db.as_str(): "degraded_performance" },
    } });
    let over = program.change(Method::PATCH, &incident_path(&created), &body).await;
    assert_eq!(over["components"][0]["status"], "operational");
    for (id, status) in [(&api, "operational"), (&db, "degraded_performance")] {
        let read = component(id).await;
        assert_eq!((&read["status"], &read["effective_status"]), (&json!(status), &json!(status)));
    }
    let summary = app.visitor().get("/api/v2/summary.json").await.text();
    assert!(summary.contains("Partially Degraded Service"), "{summary}");
    let before = app.counts().await;
    program.change(Method::PUT, &incident_path(&created), &body).await;
    assert_eq!(app.counts().await, before, "all is as asked");
    let body = json!({ "incident": { "components": { db.as_str(): "operational", "never": "operational" } } });
    assert_eq!(program.wrong(Method::PATCH, &incident_path(&created), &body).await, ["/incident/components"]);
    let resolved = json!({ "incident": {
        "name": "Short", "status": "resolved", "components": { db.as_str(): "operational" },
    } });
    program.make("/incidents", &resolved).await;
    assert_eq!(component(&db).await["status"], "operational");
    let past = json!({ "incident": {
        "name": "Past", "body": "x", "backfilled": true, "backfill_date": "2026-11-01",
        "components": { db.as_str(): "major_outage" },
    } });
    program.make("/incidents", &past).await;
    assert_eq!(component(&db).await["status"], "operational", "a past incident records what was");
    let actions: Vec<_> = app.audit().await.into_iter().map(|row| row.action).collect();
    assert_eq!(actions.iter().filter(|action| *action == "component.set-status").count(), 4, "{actions:?}");
}

#[apply(on_both_databases!)]
async fn component_status_is_read_back_under_an_open_incident(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await.id.to_string();
    let path = format!("/components/{api}");
    let set = json!({ "component": { "status": "degraded_performance" } });
    program.change(Method::PATCH, &path, &set).await;
    let body = json!({ "incident": { "name": "Down", "body": "x", "components": { api.as_str(): "major_outage" } } });
    let created = program.make("/incidents", &body).await;
    assert_eq!(created["components"][0]["status"], "major_outage", "an incident shows what the page shows");
    let read = program.get(&path).await;
    let expected = (&json!("degraded_performance"), &json!("major_outage"));
    assert_eq!((&read["status"], &read["effective_status"]), expected);
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &path, &set).await, read);
    assert_eq!(program.change(Method::PUT, &path, &json!({ "component": read })).await, read);
    assert_eq!(app.counts().await, before, "nothing drifts");
    assert_eq!(program.get("/components").await, json!([read]));
    let set = json!({ "component": { "status": "operational" } });
    let read = program.change(Method::PATCH, &path, &set).await;
    assert_eq!((&read["status"], &read["effective_status"]), (&json!("operational"), &json!("major_outage")));
    let planned = json!({ "incident": {
        "name": "Work", "status": "in_progress", "component_ids": [api], "auto_transition_to_maintenance_state": true,
        "scheduled_for": "2026-11-10T11:00:00Z", "scheduled_until": "2026-11-10T13:00:00Z",
    } });
    program.change(Method::PATCH, &incident_path(&created), &json!({ "incident": { "status": "resolved" } })).await;
    program.make("/incidents", &planned).await;
    let read = program.get(&path).await;
    assert_eq!((&read["status"], &read["effective_status"]), (&json!("operational"), &json!("under_maintenance")));
}
