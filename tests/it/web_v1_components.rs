//! Pages, components, groups, uptime and templates in the management API.

use axum::http::{Method, StatusCode};
use candor::db::{api_tokens, managers};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::{Phase, Status};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::api_client::ApiClient;
use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

async fn new_client(app: &TestApp) -> ApiClient {
    ApiClient::new(app, &app.manager("Ines", Owner).await, "Deploy", Scope::Admin).await
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[apply(on_both_databases!)]
async fn component_is_created_updated_deleted(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let created = program.make("/components", &json!({ "component": { "name": "API", "description": "REST" } })).await;
    let mut expected = [
        "id",
        "page_id",
        "group_id",
        "created_at",
        "updated_at",
        "group",
        "name",
        "description",
        "position",
        "status",
        "showcase",
        "only_show_if_degraded",
        "automation_email",
        "effective_status",
        "start_date",
    ];
    expected.sort_unstable();
    assert_eq!(keys(&created), expected);
    assert_eq!((&created["status"], &created["description"]), (&json!("operational"), &json!("REST")));
    assert!(app.visitor().get("/").await.text().contains("API"), "it shows before the answer");
    let path = format!("/components/{}", created["id"].as_str().unwrap());
    assert_eq!(program.get(&path).await, created);
    for method in [Method::PATCH, Method::PUT] {
        let name = format!("API {method}");
        let changed = program.change(method, &path, &json!({ "component": { "name": name } })).await;
        assert_eq!((&changed["name"], &changed["description"]), (&json!(name), &json!("REST")));
    }
    let answer = program.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(program.send(Method::GET, &path, &json!({})).await.status, StatusCode::NOT_FOUND);
    let changes: Vec<_> = app.audit().await.into_iter().map(|row| (row.action, row.actor.name)).collect();
    let by = || "Ines by Deploy".to_owned();
    let audited = ["delete", "edit", "edit", "add"].map(|verb| (format!("component.{verb}"), by()));
    assert_eq!(changes, audited);
    assert_eq!(program.wrong(Method::POST, "/components", &json!({ "component": {} })).await, ["/component/name"]);
    let wrong = json!({ "component": { "name": [1], "status": "broken", "group_id": "never", "start_date": "soon" } });
    assert_eq!(
        program.wrong(Method::POST, "/components", &wrong).await,
        ["/component/name", "/component/start_date", "/component/status"]
    );
    let wrong = json!({ "component": { "name": "A", "group_id": "never" } });
    assert_eq!(program.wrong(Method::POST, "/components", &wrong).await, ["/component/group_id"]);
    assert_eq!(program.wrong(Method::POST, "/components", &json!({ "name": "A" })).await, ["/component"]);
}

#[apply(on_both_databases!)]
async fn sent_fields_round_trip_and_repeats_are_noop(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let all = json!({ "component": {
        "name": "API", "description": "", "showcase": false, "start_date": "2026-01-02", "status": "partial_outage",
        "only_show_if_degraded": true, "group_id": null,
    } });
    let created = program.make("/components", &all).await;
    for (name, value) in all["component"].as_object().unwrap() {
        assert_eq!(created[name], *value, "{name}");
    }
    let path = format!("/components/{}", created["id"].as_str().unwrap());
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &path, &all).await, created);
    assert_eq!(program.change(Method::PATCH, &path, &all).await, created);
    assert_eq!(app.counts().await, before, "nothing was done");
    let without = program.change(Method::PATCH, &path, &json!({ "component": { "description": null } })).await;
    assert_eq!((&without["description"], &without["showcase"]), (&Value::Null, &json!(false)));
    assert_eq!(app.counts().await.1, before.1 + 1);
    assert_eq!(program.get(&path).await, without);
}

#[apply(on_both_databases!)]
async fn publisher_token_sets_status_only(test: TestDb) {
    let app = TestApp::new(test).await;
    let component = app.component("API").await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Monitor", Scope::Publish).await;
    let path = format!("/components/{}", component.id);
    let changed = program.change(Method::PATCH, &path, &json!({ "component": { "status": "major_outage" } })).await;
    assert_eq!(changed["status"], "major_outage");
    assert_eq!(app.audit().await[0].action, "component.set-status");
    for body in [json!({ "name": "X" }), json!({ "showcase": false }), json!({ "status": "operational", "name": "X" })]
    {
        let answer = program.send(Method::PATCH, &path, &json!({ "component": body })).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(program.get(&path).await, changed);
}

#[apply(on_both_databases!)]
async fn form_body_works_like_json(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let form =
        "component[name]=Web%20site&component[status]=degraded_performance&component[only_show_if_degraded]=true";
    for kind in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let headers = [("content-type", kind)];
        let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &headers };
        let answer = program.send_with(Method::POST, "/components.json", form.into(), headers).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let created = crate::support::api_client::json(&answer);
        assert_eq!((&created["name"], &created["status"]), (&json!("Web site"), &json!("degraded_performance")));
        assert_eq!(created["only_show_if_degraded"], true);
    }
    let body = json!({ "component": { "name": "Typed as a form" } }).to_string();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = program.send_with(Method::POST, "/components", body, &headers).await;
    assert_eq!(answer.status, StatusCode::CREATED, "JSON without its type is known by its first sign");
}

#[apply(on_both_databases!)]
async fn deleting_group_keeps_components(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let [a, b, c] = [app.component("A").await, app.component("B").await, app.component("C").await]
        .map(|component| component.id.to_string());
    let group = json!({ "description": "", "component_group": { "name": "Mail", "components": [b, a] } });
    let created = program.make("/component-groups", &group).await;
    assert_eq!((&created["name"], &created["description"]), (&json!("Mail"), &json!("")));
    assert_eq!(created["components"], json!([b, a]));
    let path = format!("/component-groups/{}", created["id"].as_str().unwrap());
    let before = app.counts().await;
    assert_eq!(program.change(Method::PUT, &path, &group).await, created);
    assert_eq!(app.counts().await, before, "nothing was done");
    let body = json!({ "description": "Inbound", "component_group": { "components": [c, b] } });
    let changed = program.change(Method::PATCH, &path, &body).await;
    assert_eq!((&changed["components"], &changed["description"]), (&json!([c, b]), &json!("Inbound")));
    assert_eq!(program.get(&format!("/components/{a}")).await["group_id"], Value::Null);
    assert_eq!(program.get(&format!("/components/{c}")).await["group_id"], created["id"]);
    assert_eq!(program.get("/component-groups").await, json!([changed]));
    let summary = app.visitor().get("/api/v2/components.json").await.text();
    assert!(summary.contains(&format!("\"components\":[\"{c}\",\"{b}\"]")), "{summary}");
    let answer = program.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!((answer.status, crate::support::api_client::json(&answer)), (StatusCode::OK, changed));
    assert_eq!(program.get(&format!("/components/{c}")).await["group_id"], Value::Null);
    for wrong in [
        json!({ "name": "Empty" }),
        json!({ "name": "X", "components": [] }),
        json!({ "name": "X", "components": ["no"] }),
    ] {
        let wrong = program.wrong(Method::POST, "/component-groups", &json!({ "component_group": wrong })).await;
        assert_eq!(wrong, ["/component_group/components"]);
    }
}

#[apply(on_both_databases!)]
async fn lists_are_paginated(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    for number in 0..5 {
        app.component(&format!("Component {number}")).await;
    }
    let names = async |query: &str| {
        let list = program.get(&format!("/components{query}")).await;
        list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await.len(), 5);
    assert_eq!(names("?per_page=2&page=2").await, ["Component 2", "Component 3"]);
    assert_eq!(names("?per_page=2&page=4").await, [""; 0]);
    assert_eq!(names("?per_page=-1&page=x").await.len(), 5);
}

#[apply(on_both_databases!)]
async fn page_can_be_renamed(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let page = program.get("").await;
    assert_eq!((&page, page["time_zone"].as_str()), (&program.get("/v1/pages").await[0], Some("UTC")));
    let body = json!({ "page": { "name": "Acme", "time_zone": "America/Denver", "twitter_username": "nobody" } });
    let changed = program.change(Method::PATCH, "", &body).await;
    assert_eq!((&changed["name"], &changed["time_zone"]), (&json!("Acme"), &json!("America/Denver")));
    assert!(app.visitor().get("/").await.text().contains("Acme"));
    let before = app.counts().await;
    program.change(Method::PUT, "", &body).await;
    assert_eq!(app.counts().await, before);
    let wrong = json!({ "page": { "name": "", "time_zone": "Nowhere" } });
    assert_eq!(program.wrong(Method::PATCH, "", &wrong).await, ["/page/name", "/page/time_zone"]);
}

#[apply(on_both_databases!)]
async fn uptime_endpoint_counts_downtime(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await;
    let now = app.clock.now();
    let mut incident = fixtures::resolved("it", now - TimeDelta::hours(10), TimeDelta::hours(1));
    incident.updates[0].components =
        fixtures::update("x", now, Phase::Identified, &[(api.id.as_str(), Status::MajorOutage)]).components;
    incident.recompute();
    app.add(&[incident]).await;
    let path = format!("/components/{}/uptime", api.id);
    let usual = program.get(&path).await;
    assert_eq!((&usual["major_outage"], &usual["partial_outage"]), (&json!(3600), &json!(0)));
    assert_eq!((&usual["related_events"], &usual["name"]), (&json!([{ "id": "it" }]), &json!("API")));
    let day = program.get(&format!("{path}?start=2026-11-10&skip_related_events=true")).await;
    assert_eq!((&day["uptime_percentage"], &day["related_events"]), (&json!(91.66), &Value::Null));
    assert_eq!(day["range_start"], "2026-11-10T00:00:00.000Z");
    let long = program.get(&format!("{path}?start=2020-01-01")).await;
    assert_eq!(long["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(program.wrong(Method::GET, &format!("{path}?start=2027-01-01"), &json!({})).await, ["/start"]);
    let group = json!({ "component_group": { "name": "All", "components": [api.id, app.component("DB").await.id] } });
    let group = program.make("/component-groups", &group).await;
    let both =
        program.get(&format!("/component-groups/{}/uptime?start=2026-11-10", group["id"].as_str().unwrap())).await;
    assert_eq!((&both["uptime_percentage"], &both["major_outage"]), (&json!(95.83), &json!(3600)));
    let new = program.make("/components", &json!({ "component": { "name": "New" } })).await;
    let id = new["id"].as_str().unwrap();
    let before = program.get(&format!("/components/{id}/uptime?start=2026-11-01&end=2026-11-09")).await;
    assert_eq!(before["uptime_percentage"], Value::Null, "there is no data before its creation");
    assert_eq!(before["warnings"], json!(["There is no data in this range."]));
}

#[apply(on_both_databases!)]
async fn templates_are_listed_and_added(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await;
    let template = json!({ "template": {
        "name": "Slow", "title": "{{component}} is slow", "body": "Since {{time}}.", "update_status": "identified",
        "group_id": "g1", "should_tweet": true, "should_send_notifications": false, "component_ids": [api.id],
    } });
    let created = program.make("/incident_templates", &template).await;
    for (name, value) in template["template"].as_object().unwrap().iter().filter(|(name, _)| *name != "component_ids") {
        assert_eq!(created[name], *value, "{name}");
    }
    assert_eq!(created["components"][0]["id"], json!(api.id));
    assert_eq!(program.get("/incident_templates").await, json!([created]));
    let wrong = json!({ "template": { "name": "X", "body": "{{nobody}}", "update_status": "cancelled" } });
    assert_eq!(
        program.wrong(Method::POST, "/incident_templates", &wrong).await,
        ["/template/body", "/template/update_status"]
    );
}

#[apply(on_both_databases!)]
async fn lists_of_missing_features_are_empty(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    for path in [
        "/metrics",
        "/metrics_providers",
        "/page_access_users?email=a@example.org",
        "/page_access_groups.json",
        "/v1/organizations/any/users",
    ] {
        assert_eq!(program.get(path).await, json!([]), "{path}");
    }
    for path in ["/v1/pages/another/metrics", "/metrics/never", "/page_access_users/never/components"] {
        assert_eq!(program.send(Method::GET, path, &json!({})).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[apply(on_both_databases!)]
async fn embed_config_has_defaults_and_is_stored(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let usual = program.get("/status_embed_config").await;
    assert_eq!((keys(&usual).len(), &usual["position"]), (6, &json!("bottom-right")));
    assert!(usual.as_object().unwrap().values().all(Value::is_string), "{usual}");
    let before = app.counts().await;
    let same = json!({ "status_embed_config": usual });
    assert_eq!(program.change(Method::PUT, "/status_embed_config", &same).await, usual);
    assert_eq!(app.counts().await, before);
    let page = program.get("").await;
    let body = json!({ "status_embed_config": { "position": "top-left", "incident_text_color": "ffffff" } });
    let changed = program.change(Method::PATCH, "/status_embed_config", &body).await;
    assert_eq!((&changed["position"], &changed["incident_text_color"]), (&json!("top-left"), &json!("ffffff")));
    assert_eq!(program.get("/status_embed_config").await, changed);
    assert_eq!(program.get("").await, page, "the page has no such field");
    let wrong = json!({ "status_embed_config": { "position": "x".repeat(51) } });
    let places = program.wrong(Method::PATCH, "/status_embed_config", &wrong).await;
    assert_eq!(places, ["/status_embed_config/position"]);
}

#[apply(on_both_databases!)]
async fn token_revoked_during_upload_writes_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Keeper", Owner).await;
    let body = json!({ "component": { "name": "API" } });
    let ends = [
        ("revoked", StatusCode::UNAUTHORIZED),
        ("disabled", StatusCode::UNAUTHORIZED),
        ("demoted", StatusCode::FORBIDDEN),
        ("expired", StatusCode::UNAUTHORIZED),
    ];
    for (end, status) in ends {
        let mut manager = app.manager(end, Owner).await;
        let program = ApiClient::new(&app, &manager, "Deploy", Scope::Admin).await;
        // The first use of a token writes its time, which would also wait for the transaction.
        program.get("/components").await;
        let (before, now) = (app.counts().await, app.clock.now());
        let mut tx = app.db.write().await.unwrap();
        match end {
            "revoked" => drop(api_tokens::delete_for_manager(&mut tx, &manager.id).await.unwrap()),
            "disabled" => managers::disable(&mut tx, &mut manager, now).await.unwrap(),
            "demoted" => managers::set_role(&mut tx, &mut manager, Viewer, now).await.unwrap(),
            _ => {}
        }
        let mut calling = Box::pin(program.send(Method::POST, "/components", &body));
        // The call is authorized and then waits for the only write transaction, which this test holds.
        let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut calling).await;
        assert!(early.is_err(), "{end}: {early:?}");
        if end == "expired" {
            app.clock.advance(TimeDelta::days(365));
        }
        tx.commit_unaudited().await.unwrap();
        let refused = calling.await;
        assert_eq!(refused.status, status, "{end}: {}", refused.text());
        assert_eq!(app.counts().await, before, "{end}: nothing was done");
    }
}
