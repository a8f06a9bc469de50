//! Documented fields and values of the management API: each is taken, in each encoding, and read back as it was set.

use axum::http::{Method, StatusCode};
use candor::domain::Role::Owner;
use candor::domain::api_token::Scope;
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::api_client::{self, ApiClient};
use crate::support::app::TestApp;

async fn program(app: &TestApp) -> ApiClient {
    ApiClient::new(app, &app.manager("Ines", Owner).await, "Deploy", Scope::Admin).await
}

fn at(event: &Value) -> String {
    format!("/incidents/{}", event["id"].as_str().unwrap())
}

fn statuses(event: &Value) -> Vec<&str> {
    event["incident_updates"].as_array().unwrap().iter().map(|update| update["status"].as_str().unwrap()).collect()
}

async fn public_json(app: &TestApp, path: &str) -> Value {
    serde_json::from_str(&app.visitor().get(path).await.text()).unwrap()
}

/// A maintenance of two hours that began an hour ago.
fn work(status: &str, fields: &Value) -> Value {
    let mut incident = json!({
        "name": "Upgrade", "status": status, "body": "Read-only.", "auto_transition_to_maintenance_state": true,
        "scheduled_for": "2026-11-10T11:00:00Z", "scheduled_until": "2026-11-10T13:00:00Z",
    });
    for (name, value) in fields.as_object().unwrap() {
        incident[name] = value.clone();
    }
    json!({ "incident": incident })
}

#[apply(on_both_databases!)]
async fn reminder_intervals_accept_every_documented_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let made = program.make("/incidents", &json!({ "incident": { "name": "A" } })).await;
    for (sent, read) in [
        (json!("4"), json!("4")),
        (json!(24), json!("24")),
        (json!("[1, 5, 7, 10]"), json!("[1, 5, 7, 10]")),
        (json!([2, 3]), json!("[2, 3]")),
        (json!("[3, 6, 12, 24]"), json!("[3, 6, 12, 24]")),
        (json!("[]"), json!("[]")),
        (json!([]), json!("[]")),
        (Value::Null, Value::Null),
    ] {
        let body = json!({ "incident": { "reminder_intervals": sent } });
        let changed = program.change(Method::PATCH, &at(&made), &body).await;
        assert_eq!(changed["reminder_intervals"], read, "{sent}");
        assert_eq!(program.get(&at(&made)).await["reminder_intervals"], read);
        let before = app.counts().await;
        program.change(Method::PUT, &at(&made), &json!({ "incident": changed })).await;
        assert_eq!(app.counts().await, before, "{sent}");
    }
    for wrong in [json!("[0]"), json!("[5, 5]"), json!("[25]"), json!("soon"), json!({}), json!(-1)] {
        let body = json!({ "incident": { "reminder_intervals": wrong } });
        assert_eq!(program.wrong(Method::PATCH, &at(&made), &body).await, ["/incident/reminder_intervals"], "{wrong}");
    }
}

#[apply(on_both_databases!)]
async fn next_update_is_promised_replaced_and_ended(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let stamp = |minutes: i64| (crate::support::now() + chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    let promised = async |made: &Value| {
        let id = made["id"].as_str().unwrap();
        let own = program.get(&at(made)).await["next_update_at"].clone();
        let public = public_json(&app, "/api/v2/incidents/unresolved.json").await;
        let flat = public_json(&app, &format!("/incidents/{id}.json")).await;
        assert_eq!(public["incidents"][0]["next_update_at"], own);
        assert_eq!(flat["next_update_at"], own);
        own.as_str().map(|text| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp())
    };
    let seconds = |minutes: i64| Some(stamp(minutes).parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp());
    let made = program.make("/incidents", &json!({ "incident": { "name": "A", "next_update_at": stamp(30) } })).await;
    assert_eq!(promised(&made).await, seconds(30));
    let change = async |fields: Value| program.change(Method::PATCH, &at(&made), &json!({ "incident": fields })).await;
    change(json!({ "name": "B" })).await;
    assert_eq!(promised(&made).await, seconds(30), "no update was posted");
    change(json!({ "next_update_at": stamp(45) })).await;
    assert_eq!(promised(&made).await, seconds(45));
    change(json!({ "body": "Still looking.", "next_update_at": stamp(60) })).await;
    assert_eq!(promised(&made).await, seconds(60));
    change(json!({ "body": "Soon." })).await;
    assert_eq!(promised(&made).await, None, "an update replaces the promise");
    change(json!({ "next_update_at": stamp(15) })).await;
    change(json!({ "next_update_at": null })).await;
    assert_eq!(promised(&made).await, None);
    for wrong in [json!(stamp(-1)), json!("soon"), json!(stamp(60 * 24 * 31))] {
        let body = json!({ "incident": { "body": "Text", "next_update_at": wrong } });
        assert_eq!(program.wrong(Method::PATCH, &at(&made), &body).await, ["/incident/next_update_at"], "{wrong}");
    }
    change(json!({ "next_update_at": stamp(15) })).await;
    let resolved = change(json!({ "status": "resolved", "next_update_at": stamp(20) })).await;
    assert!(resolved.get("next_update_at").is_none(), "{resolved}");
}

#[apply(on_both_databases!)]
async fn admin_edit_keeps_reminder_list(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let body = json!({ "incident": { "name": "A", "reminder_intervals": "[1, 5]" } });
    let made = program.make("/incidents", &body).await;
    let mut rui = app.logged_in(Owner).await;
    let path = format!("/admin{}", at(&made));
    let form = rui.get(&format!("{path}/edit")).await;
    let options = form.words("select[name='reminder'] option");
    assert!(options.contains(&"After 1 h and 5 h, as set by the API".to_owned()), "{options:?}");
    let kept = ["version", "started_at", "zone", "reminder"].map(|name| (name, form.field(name)));
    let mut fields: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.push(("title", "B"));
    let answer = rui.post(&path, &fields).await;
    assert!(answer.location().contains("done=incident-saved"), "{}", answer.text());
    let read = program.get(&at(&made)).await;
    assert_eq!((&read["name"], &read["reminder_intervals"]), (&json!("B"), &json!("[1, 5]")));
    let fields = [("version", "2"), ("title", "B"), ("zone", "UTC"), ("reminder", "")];
    let answer = rui.post(&path, &fields).await;
    assert!(answer.location().contains("done=incident-saved"), "{}", answer.text());
    assert_eq!(program.get(&at(&made)).await["reminder_intervals"], Value::Null, "another choice replaces the list");
}

/// The impact in `/history.json`.
async fn history_impact(app: &TestApp, event: &Value) -> Value {
    let history = public_json(app, "/history.json").await;
    let months = history["months"].as_array().unwrap().iter();
    let mut entries = months.flat_map(|month| month["incidents"].as_array().unwrap());
    entries.find(|entry| entry["code"] == event["id"]).expect("an entry of this month")["impact"].clone()
}

#[apply(on_both_databases!)]
async fn impact_override_is_read_back_as_set(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let incident = program.make("/incidents", &json!({ "incident": { "name": "A", "body": "Text" } })).await;
    let planned = json!({ "scheduled_for": "2026-11-20T02:00:00Z", "scheduled_until": "2026-11-20T04:00:00Z" });
    let maintenance = program.make("/incidents", &work("scheduled", &planned)).await;
    for (event, usual) in [(&incident, "none"), (&maintenance, "maintenance")] {
        for impact in ["none", "maintenance", "minor", "major", "critical"] {
            let body = json!({ "incident": { "impact_override": impact } });
            let changed = program.change(Method::PATCH, &at(event), &body).await;
            assert_eq!((&changed["impact_override"], &changed["impact"]), (&json!(impact), &json!(impact)));
            assert_eq!(program.get(&at(event)).await, changed);
            let public = public_json(&app, &format!("/api/v2{}.json", at(event))).await;
            assert_eq!(public["incident"]["impact"], impact);
            // A planned maintenance is not in the history yet.
            if usual == "none" {
                assert_eq!(history_impact(&app, event).await, impact);
            }
        }
        let body = json!({ "incident": { "impact_override": null } });
        let changed = program.change(Method::PATCH, &at(event), &body).await;
        assert_eq!((&changed["impact_override"], &changed["impact"]), (&Value::Null, &json!(usual)));
        let wrong = json!({ "incident": { "impact_override": "severe" } });
        assert_eq!(program.wrong(Method::PATCH, &at(event), &wrong).await, ["/incident/impact_override"]);
    }
    let made = program.make("/incidents", &work("in_progress", &json!({ "impact_override": "critical" }))).await;
    assert_eq!((&made["impact_override"], &made["impact"]), (&json!("critical"), &json!("critical")));
    assert_eq!(history_impact(&app, &made).await, "critical");
}

#[apply(on_both_databases!)]
async fn maintenance_is_created_in_every_phase(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let db = app.component("DB").await;
    let ids = json!({ "component_ids": [db.id] });
    for (phase, shown) in [("in_progress", "under_maintenance"), ("verifying", "under_maintenance")] {
        let made = program.make("/incidents", &work(phase, &ids)).await;
        assert_eq!((&made["status"], statuses(&made)), (&json!(phase), vec![phase]));
        assert_eq!(made["incident_updates"][0]["body"], "Read-only.");
        assert_eq!(made["components"][0]["status"], shown);
        program.change(Method::PATCH, &at(&made), &json!({ "incident": { "status": "completed" } })).await;
    }
    let past = json!({
        "component_ids": [db.id], "scheduled_for": "2026-11-01T10:00:00Z", "scheduled_until": "2026-11-01T12:00:00Z",
    });
    let made = program.make("/incidents", &work("completed", &past)).await;
    assert_eq!((&made["status"], statuses(&made)), (&json!("completed"), vec!["completed"]));
    assert_eq!(
        (&made["resolved_at"], &made["scheduled_until"]),
        (&made["scheduled_until"], &json!("2026-11-01T12:00:00.000Z"))
    );
    assert_eq!(made["components"][0]["status"], "operational");
    let wrong = work("scheduled", &past);
    assert_eq!(program.wrong(Method::POST, "/incidents", &wrong).await, ["/incident/scheduled_until"]);
    for wrong in ["cancelled", "investigating"] {
        let body = work(wrong, &json!({}));
        assert_eq!(program.wrong(Method::POST, "/incidents", &body).await, ["/incident/status"], "{wrong}");
    }
}

#[apply(on_both_databases!)]
async fn maintenance_statuses_of_components_apply(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let (db, web) = (app.component("DB").await.id.to_string(), app.component("Web").await.id.to_string());
    let shown = async |id: &str| {
        let all = public_json(&app, "/api/v2/components.json").await;
        let found = all["components"].as_array().unwrap().iter().find(|it| it["id"] == json!(id)).cloned().unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    let planned = json!({
        "component_ids": [db, web], "scheduled_for": "2026-11-20T02:00:00Z", "scheduled_until": "2026-11-20T04:00:00Z",
    });
    let made = program.make("/incidents", &work("scheduled", &planned)).await;
    let patch = async |status: &str, component: &str| {
        let body = json!({ "incident": { "status": status, "components": { db.as_str(): component } } });
        program.change(Method::PATCH, &at(&made), &body).await
    };
    let changed = patch("scheduled", "degraded_performance").await;
    assert_eq!(changed["components"].as_array().unwrap().len(), 2, "a map leaves the other component attached");
    assert_eq!((shown(&db).await, shown(&web).await), ("degraded_performance".into(), "operational".into()));
    patch("in_progress", "operational").await;
    assert_eq!((shown(&db).await, shown(&web).await), ("operational".into(), "under_maintenance".into()));
    patch("in_progress", "major_outage").await;
    assert_eq!(shown(&db).await, "major_outage");
    patch("verifying", "under_maintenance").await;
    assert_eq!(shown(&db).await, "under_maintenance");
    let done = patch("completed", "partial_outage").await;
    assert_eq!((&done["status"], shown(&db).await), (&json!("completed"), "partial_outage".into()));
    assert_eq!(shown(&web).await, "operational");
    patch("completed", "operational").await;
    assert_eq!(shown(&db).await, "operational");
    for (wrong, place) in [
        (json!({ "never": "operational" }), "/incident/components"),
        (json!({ db.as_str(): "broken" }), &*format!("/incident/components/{db}")),
    ] {
        let body = json!({ "incident": { "components": wrong } });
        assert_eq!(program.wrong(Method::PATCH, &at(&made), &body).await, [place]);
    }
}

#[apply(on_both_databases!)]
async fn completed_maintenance_ends_own_status_under_maintenance(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let db = app.component("DB").await.id.to_string();
    let planned = json!({
        "components": { db.as_str(): "under_maintenance" }, "scheduled_auto_in_progress": true,
        "scheduled_auto_completed": true, "scheduled_for": "2026-11-10T13:00:00Z",
        "scheduled_until": "2026-11-10T14:00:00Z",
    });
    for automatic in [false, true] {
        let made = program.make("/incidents", &work("scheduled", &planned)).await;
        assert_eq!(made["components"][0]["status"], "under_maintenance");
        if automatic {
            app.clock.advance(chrono::TimeDelta::minutes(121));
            let mut tx = app.db.write().await.unwrap();
            let entries = candor::actions::maintenances::take_due_steps(&mut tx, app.clock.now()).await.unwrap();
            tx.commit_all(&candor::domain::audit::Actor::shell(), app.clock.now(), &entries).await.unwrap();
        } else {
            program.change(Method::PATCH, &at(&made), &json!({ "incident": { "status": "completed" } })).await;
        }
        let component = program.get(&format!("/components/{db}")).await;
        let both = (&component["status"], &component["effective_status"]);
        assert_eq!(both, (&json!("operational"), &json!("operational")), "{automatic}");
        let body = json!({ "incident": { "components": { db.as_str(): "degraded_performance" } } });
        program.change(Method::PATCH, &at(&made), &body).await;
        assert_eq!(program.get(&format!("/components/{db}")).await["status"], "degraded_performance");
    }
}

#[apply(on_both_databases!)]
async fn started_maintenance_takes_another_component(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let (db, web) = (app.component("DB").await.id.to_string(), app.component("Web").await.id.to_string());
    let made = program.make("/incidents", &work("in_progress", &json!({ "component_ids": [db] }))).await;
    let body = json!({ "incident": { "components": { web.as_str(): "under_maintenance" } } });
    let changed = program.change(Method::PATCH, &at(&made), &body).await;
    assert_eq!(changed["components"].as_array().unwrap().len(), 2);
    assert_eq!(changed["components"][1]["status"], "under_maintenance");
}

#[apply(on_both_databases!)]
async fn empty_status_attaches_component(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let (a, b) = (app.component("A").await.id.to_string(), app.component("B").await.id.to_string());
    let body = json!({ "incident": {
        "name": "Slow", "body": "Text", "components": { a.as_str(): "", b.as_str(): "partial_outage" },
    } });
    let made = program.make("/incidents", &body).await;
    assert_eq!(
        (&made["components"][0]["status"], &made["components"][1]["status"]),
        (&json!("operational"), &json!("partial_outage"))
    );
    let before = app.counts().await;
    let same = json!({ "incident": { "components": { b.as_str(): "", a.as_str(): null } } });
    let changed = program.change(Method::PATCH, &at(&made), &same).await;
    assert_eq!((&changed, app.counts().await), (&made, before));
    let planned = json!({ "components": { a.as_str(): "" } });
    let made = program.make("/incidents", &work("in_progress", &planned)).await;
    assert_eq!(made["components"][0]["id"], json!(a));
}

#[apply(on_both_databases!)]
async fn one_component_id_is_a_list_of_one(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let (a, b) = (app.component("A").await.id.to_string(), app.component("B").await.id.to_string());
    for name in ["component_ids", "components"] {
        let form = format!("incident[name]=Slow&incident[body]=Text&incident[{name}]={a}");
        let answer = program.send_with(Method::POST, "/incidents", form, &[]).await;
        assert_eq!(api_client::json(&answer)["components"][0]["id"], json!(a), "{name}: {}", answer.text());
    }
    let both = json!({ "incident": { "name": "Both", "component_ids": format!("{a},{b}") } });
    assert_eq!(program.make("/incidents", &both).await["components"].as_array().unwrap().len(), 2);
    let form = format!("component_group[name]=All&component_group[components]={a}");
    let answer = program.send_with(Method::POST, "/component-groups", form, &[]).await;
    assert_eq!((answer.status, api_client::json(&answer)["components"].clone()), (StatusCode::CREATED, json!([a])));
}

#[apply(on_both_databases!)]
async fn multipart_form_and_query_work_like_json(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let a = app.component("A").await.id.to_string();
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart = [("content-type", "multipart/form-data; boundary=edge")];
    let body = part("incident[name]", "Slow") + &part("incident[component_ids][]", &a) + "--edge--\r\n";
    let answer = program.send_with(Method::POST, "/incidents", body, &multipart).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = api_client::json(&answer);
    assert_eq!((&made["name"], &made["components"][0]["id"]), (&json!("Slow"), &json!(a)));

    let query = format!("{}?incident[status]=resolved&incident%5Bbody%5D=Over.", at(&made));
    let answer = program.send_with(Method::PATCH, &query, String::new(), &[]).await;
    let changed = api_client::json(&answer);
    assert_eq!((&changed["status"], &changed["incident_updates"][0]["body"]), (&json!("resolved"), &json!("Over.")));
    let hidden = format!("{}?incident[visibility]=internal", at(&made));
    let answer = program.send_with(Method::PATCH, &hidden, String::new(), &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);

    let key = [("idempotency-key", "k1")];
    let post = async |query: &str| {
        program.send_with(Method::POST, &format!("/incidents?{query}"), String::new(), &key).await.status
    };
    assert_eq!(post("incident[name]=One").await, StatusCode::CREATED);
    assert_eq!(post("incident[name]=One").await, StatusCode::CREATED);
    assert_eq!(post("incident[name]=Two").await, StatusCode::UNPROCESSABLE_ENTITY, "the query belongs to the request");
    assert_eq!(program.get("/incidents").await.as_array().unwrap().len(), 2);
}

#[apply(on_both_databases!)]
async fn template_may_have_a_maintenance_status(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let db = app.component("DB").await;
    for status in ["scheduled", "in_progress", "verifying", "completed"] {
        let body = json!({ "template": {
            "name": format!("Work {status}"), "title": "Upgrade", "body": "Read-only.", "update_status": status,
            "component_ids": [db.id],
        } });
        assert_eq!(program.make("/incident_templates", &body).await["update_status"], status);
    }
    let listed = program.get("/incident_templates").await;
    let id = listed[2]["id"].as_str().unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[2]["update_status"]), (4, &json!("scheduled")));
    let mut rui = app.logged_in(Owner).await;
    let answer = rui.get(&format!("/admin/incidents/new?template={id}")).await;
    assert_eq!(answer.location(), format!("/admin/maintenances/new?template={id}"));
    let form = rui.get(answer.location()).await;
    assert_eq!((form.field("title"), form.text().contains("Read-only.")), ("Upgrade".into(), true));
    let composer = rui.get("/admin/incidents/new").await;
    assert!(!composer.text().contains("Work scheduled"));
}

#[apply(on_both_databases!)]
async fn showcase_and_description_do_not_drift(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let fields = json!({ "name": "API", "description": "", "showcase": false, "status": "operational" });
    let made = program.make("/components", &json!({ "component": fields })).await;
    let path = format!("/components/{}", made["id"].as_str().unwrap());
    let incident =
        program.make("/incidents", &json!({ "incident": { "name": "A", "component_ids": [made["id"]] } })).await;
    let template = json!({ "template": { "name": "T", "body": "Text", "component_ids": [made["id"]] } });
    let template = program.make("/incident_templates", &template).await;
    let lists = [
        &program.get("/components").await[0],
        &program.get(&path).await,
        &incident["components"][0],
        &template["components"][0],
    ]
    .map(Clone::clone);
    for component in &lists {
        assert_eq!((&component["showcase"], &component["description"]), (&json!(false), &json!("")));
    }
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &path, &json!({ "component": fields })).await, made);
    assert_eq!(app.counts().await, before);
    for flag in [json!(true), json!("f"), json!("t"), json!(0), json!(1)] {
        let changed = program.change(Method::PATCH, &path, &json!({ "component": { "showcase": flag } })).await;
        assert_eq!(changed["showcase"], json!([json!(true), json!("t"), json!(1)].contains(&flag)), "{flag}");
    }
}

#[apply(on_both_databases!)]
async fn page_texts_are_strings_and_stored(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let page = program.get("").await;
    for (name, value) in page.as_object().unwrap() {
        let text = !(name.starts_with("allow_")
            || ["activity_score", "hidden_from_search", "viewers_must_be_team_members"].contains(&name.as_str()));
        assert_eq!(value.is_string(), text, "{name}: {value}");
    }
    let sent = json!({ "page": {
        "subdomain": "acme", "domain": "status.acme.example", "css_greens": "2fcc66", "branding": "premium",
        "notifications_from_email": "status@acme.example", "notifications_email_footer": "One.\nTwo.",
        "hidden_from_search": false,
    } });
    let changed = program.change(Method::PATCH, "", &sent).await;
    for (name, value) in sent["page"].as_object().unwrap() {
        assert_eq!(changed[name], *value, "{name}");
    }
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, "", &json!({ "page": changed })).await, changed);
    assert_eq!(app.counts().await, before);
    assert_eq!(program.get("/v1/pages").await, json!([changed]));
    let wrong = json!({ "page": {
        "branding": "gold", "viewers_must_be_team_members": true, "hidden_from_search": "t", "subdomain": "x".repeat(256),
    } });
    let places =
        ["/page/subdomain", "/page/branding", "/page/hidden_from_search", "/page/viewers_must_be_team_members"];
    assert_eq!(program.wrong(Method::PATCH, "", &wrong).await, places);
}

#[apply(on_both_databases!)]
async fn notification_flags_are_read_back(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let body = json!({ "incident": { "name": "A", "body": "Text", "deliver_notifications": false } });
    let made = program.make("/incidents", &body).await;
    assert_eq!(made["incident_updates"][0]["deliver_notifications"], false);
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &at(&made), &body).await, made);
    assert_eq!(app.counts().await, before);
    let next = json!({ "incident": { "status": "resolved", "wants_twitter_update": true } });
    let updates = program.change(Method::PATCH, &at(&made), &next).await["incident_updates"].clone();
    assert_eq!(
        (&updates[0]["wants_twitter_update"], &updates[0]["deliver_notifications"]),
        (&json!(true), &json!(true))
    );
    let path = format!("{}/incident_updates/{}", at(&made), updates[0]["id"].as_str().unwrap());
    let flags = json!({ "incident_update": { "deliver_notifications": false, "wants_twitter_update": false } });
    let update = program.change(Method::PATCH, &path, &flags).await;
    assert_eq!((&update["wants_twitter_update"], &update["deliver_notifications"]), (&json!(false), &json!(false)));
    let flags = json!({
        "auto_transition_deliver_notifications_at_start": true, "auto_transition_deliver_notifications_at_end": false,
        "auto_transition_to_operational_state": false,
    });
    let made = program.make("/incidents", &work("in_progress", &flags)).await;
    for (name, value) in flags.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &at(&made), &json!({ "incident": made })).await, made);
    assert_eq!(app.counts().await, before);
}

#[apply(on_both_databases!)]
async fn postmortem_publication_fields_are_read_back(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let made = program.make("/incidents", &json!({ "incident": { "name": "A", "status": "resolved" } })).await;
    let path = format!("{}/postmortem", at(&made));
    program.change(Method::PUT, &path, &json!({ "postmortem": { "body_draft": "A cable." } })).await;
    let body =
        json!({ "postmortem": { "notify_subscribers": true, "notify_twitter": false, "custom_tweet": "Read it." } });
    let published = program.change(Method::PUT, &format!("{path}/publish"), &body).await;
    for (name, value) in body["postmortem"].as_object().unwrap() {
        assert_eq!(published[name], *value, "{name}");
    }
    assert_eq!(program.get(&path).await, published);
    let wrong = json!({ "postmortem": { "custom_tweet": "x".repeat(1001) } });
    assert_eq!(program.wrong(Method::PUT, &format!("{path}/publish"), &wrong).await, ["/postmortem/custom_tweet"]);
}

#[apply(on_both_databases!)]
async fn group_fields_may_lack_their_object(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let (a, b) = (app.component("A").await.id, app.component("B").await.id);
    let made =
        program.make("/component-groups", &json!({ "component_group": { "name": "All", "components": [a] } })).await;
    let path = format!("/component-groups/{}", made["id"].as_str().unwrap());
    let body = json!({ "name": "Both", "description": "Text", "components": [a, b] });
    let changed = program.change(Method::PATCH, &path, &body).await;
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(changed[name], *value, "{name}");
    }
    assert_eq!(program.wrong(Method::PATCH, &path, &json!({ "name": "" })).await, ["/name"]);
    assert_eq!(program.wrong(Method::PATCH, &path, &json!({})).await, ["/component_group"]);
    assert_eq!(program.wrong(Method::PATCH, &path, &json!({ "name": "A", "private": true })).await, ["/private"]);
}

#[apply(on_both_databases!)]
async fn instants_are_read_in_every_common_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    program.change(Method::PATCH, "", &json!({ "page": { "time_zone": "America/New_York" } })).await;
    let planned = json!({ "scheduled_for": "2026-12-01T10:00:00", "scheduled_until": "2026-12-31T10:00:00" });
    let made = program.make("/incidents", &work("scheduled", &planned)).await;
    assert_eq!(made["scheduled_for"], "2026-12-01T10:00:00.000-05:00", "without an offset, in the page's time zone");
    for (at_ten, hour) in [
        (json!("2026-12-08 10:00:00 -0500"), 10),
        (json!("Tue, 08 Dec 2026 11:00:00 -0500"), 11),
        (json!("2026-12-08T15:00:00Z"), 10),
        (json!("2026-12-08T16:00Z"), 11),
        (json!(1_796_742_000), 10),
        (json!("1796745600"), 11),
        (json!(1_796_742_000_000_i64), 10),
        (json!("1796745600000"), 11),
        (json!("2026-12-08 10:00"), 10),
    ] {
        let body = json!({ "incident": { "scheduled_for": at_ten } });
        let moved = program.change(Method::PATCH, &at(&made), &body).await;
        assert_eq!(moved["scheduled_for"], format!("2026-12-08T{hour}:00:00.000-05:00"), "{at_ten}");
    }
    let past = json!({ "incident": {
        "name": "Past", "body": "Text", "backfilled": "t", "started_at": 1_762_776_000, "resolved_at": "10 Nov 2025 08:00",
    } });
    let past = program.make("/incidents", &past).await;
    assert_eq!(past["resolved_at"], "2025-11-10T08:00:00.000-05:00");
    let day = json!({ "incident": { "name": "Day", "body": "Text", "backfill_date": "2025-11-10" } });
    assert_eq!(program.make("/incidents", &day).await["resolved_at"], "2025-11-10T00:00:00.000-05:00");
    let path = format!("{}/incident_updates/{}", at(&past), past["incident_updates"][0]["id"].as_str().unwrap());
    let moved = json!({ "incident_update": { "display_at": 1_762_779_000 } });
    let moved = program.change(Method::PATCH, &path, &moved).await;
    assert_eq!(moved["display_at"], "2025-11-10T07:50:00.000-05:00");
    let component =
        program.make("/components", &json!({ "component": { "name": "API", "start_date": "2026-01-01" } })).await;
    let uptime = format!("/components/{}/uptime", component["id"].as_str().unwrap());
    let read = program.get(&format!("{uptime}?start=1790000000&end=2026-10-01%2010:00")).await;
    assert_eq!(
        (&read["range_start"], &read["range_end"]),
        (&json!("2026-09-21T10:13:20.000-04:00"), &json!("2026-10-01T10:00:00.000-04:00"))
    );
    for wrong in [json!("soon"), json!(20_261_208), json!("2026-02-30T10:00:00Z"), json!(true), json!([1])] {
        let body = json!({ "incident": { "scheduled_for": wrong } });
        assert_eq!(program.wrong(Method::PATCH, &at(&made), &body).await, ["/incident/scheduled_for"], "{wrong}");
    }
}

#[apply(on_both_databases!)]
async fn chunked_body_is_like_any_other(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = program(&app).await;
    let body = json!({ "incident": { "name": "Chunked", "status": "resolved", "body": "x" } }).to_string();
    let chunked = [("transfer-encoding", "chunked"), ("content-type", "application/json")];
    let answer = program.send_with(Method::POST, "/incidents", body.clone(), &chunked).await;
    assert_eq!((answer.status, answer.header("connection")), (StatusCode::CREATED, "close"));
    let large = program.send_with(Method::POST, "/incidents", "x".repeat(600 * 1024), &chunked).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let two = [("transfer-encoding", "chunked"), ("content-length", "3")];
    for (method, headers) in [(Method::POST, &two[..]), (Method::GET, &chunked[..])] {
        let answer = program.send_with(method, "/incidents", body.clone(), headers).await;
        assert_eq!((answer.status, answer.header("connection")), (StatusCode::BAD_REQUEST, "close"));
    }
    assert_eq!(program.get("/incidents").await.as_array().unwrap().len(), 1);
}
