//! The public API: every key with its order and type, and the headers of each response.

use std::fmt;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::db::{components, postmortems};
use candor::domain::forms::NewGroup;
use candor::domain::postmortem::PublishedPostmortem;
use candor::domain::{Component, ComponentId, Impact, Incident, Phase, Postmortem, Status, UpdateId};
use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{Answer, TestApp};
use crate::support::fixtures;

/// JSON with its keys in document order.
#[derive(Debug, PartialEq)]
enum Shape {
    Scalar,
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

macro_rules! scalars {
    ($($visit:ident: $kind:ty),*) => {$(
        fn $visit<E>(self, _: $kind) -> Result<Shape, E> {
            Ok(Shape::Scalar)
        }
    )*};
}

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Shape::Object(object))
    }
}

impl Shape {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// The value at a path like `incidents.0.incident_updates`.
    fn at(&self, path: &str) -> &Self {
        path.split('.').filter(|step| !step.is_empty()).fold(self, |here, step| match here {
            Self::Object(entries) => &entries.iter().find(|(key, _)| key == step).expect(step).1,
            Self::List(items) => items.get(step.parse::<usize>().expect("a number")).expect(step),
            Self::Scalar => panic!("nothing below {step}"),
        })
    }

    fn keys(&self, path: &str) -> String {
        match self.at(path) {
            Self::Object(entries) => entries.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(" "),
            other => panic!("{path} is {other:?}"),
        }
    }
}

const PAGE: &str = "id name url time_zone updated_at";
const COMPONENT: &str = "id name status created_at updated_at position description showcase start_date group_id page_id \
                         group only_show_if_degraded";
const INCIDENT: &str = "id name status created_at updated_at monitoring_at resolved_at impact shortlink started_at page_id \
                        incident_updates components";
const UPDATE: &str = "id status body incident_id created_at updated_at display_at affected_components \
                      deliver_notifications custom_tweet tweet_id";

/// A page with a component in a group, one without, an open incident and a scheduled maintenance.
async fn busy_page(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    let new = NewGroup { name: "Mail".into(), description: String::new(), position: None };
    let group = components::create_group(&mut tx, new, now).await.unwrap();
    for (id, name, inside) in [("api", "API", false), ("inbound", "Inbound", true)] {
        let made = components::create(&mut tx, fixtures::component(name), now).await.unwrap();
        components::delete(&mut tx, &made.id).await.unwrap();
        let id = ComponentId::parse(id).unwrap();
        let group_id = inside.then(|| group.id.clone());
        let created_at = now - TimeDelta::days(400);
        components::insert(&mut tx, &Component { id, group_id, position: 1, created_at, ..made }).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    app.add(&[mail_outage(&app)]).await;
    let tomorrow = now + TimeDelta::days(1);
    app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(2), &["api"])]).await;
    app
}

/// An incident: inbound mail has been down for an hour.
fn mail_outage(app: &TestApp) -> Incident {
    let at = app.clock.now() - TimeDelta::hours(1);
    let mut incident = fixtures::incident("broken", at);
    incident.updates = vec![
        fixtures::update("b1", at, Phase::Investigating, &[("inbound", Status::MajorOutage)]),
        fixtures::update("b2", at + TimeDelta::minutes(9), Phase::Monitoring, &[("inbound", Status::PartialOutage)]),
    ];
    incident.updates.iter_mut().for_each(|update| update.components[0].name = "Inbound".into());
    incident.recompute();
    incident
}

async fn json_at(app: &TestApp, path: &str) -> Value {
    let answer = app.visitor().get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[apply(on_both_databases!)]
async fn document_keys_have_fixed_order(test: TestDb) {
    let app = busy_page(test).await;
    let maintenance = format!("{INCIDENT} scheduled_for scheduled_until");
    let (group, single) = (format!("{COMPONENT} components"), format!("{INCIDENT} reminder_intervals"));
    let flat = "name status created_at updated_at monitoring_at resolved_at impact shortlink started_at \
                postmortem_ignored postmortem_body postmortem_body_last_updated_at postmortem_published_at \
                postmortem_notified_subscribers postmortem_notified_twitter backfilled scheduled_for scheduled_until \
                scheduled_remind_prior scheduled_reminded_at impact_override scheduled_auto_in_progress \
                scheduled_auto_completed id page_id incident_updates components";
    let expected: Vec<(&str, Vec<(&str, &str)>)> = vec![
        (
            "/api/v2/summary.json",
            vec![
                ("", "page components incidents scheduled_maintenances status"),
                ("page", PAGE),
                ("components.0", &group),
                ("components.1", COMPONENT),
                ("incidents.0", INCIDENT),
                ("incidents.0.incident_updates.0", UPDATE),
                ("incidents.0.incident_updates.0.affected_components.0", "code name old_status new_status"),
                ("incidents.0.components.0", COMPONENT),
                ("scheduled_maintenances.0", &maintenance),
                ("status", "indicator description"),
            ],
        ),
        ("/api/v2/status.json", vec![("", "page status"), ("page", PAGE), ("status", "indicator description")]),
        ("/api/v2/components.json", vec![("", "page components"), ("components.1", COMPONENT)]),
        ("/api/v2/incidents.json", vec![("", "page incidents"), ("incidents.0", INCIDENT)]),
        ("/api/v2/incidents/unresolved.json", vec![("", "page incidents"), ("incidents.0", INCIDENT)]),
        ("/api/v2/incidents/broken.json", vec![("", "page incident"), ("page", PAGE), ("incident", &single)]),
        (
            "/api/v2/scheduled-maintenances.json",
            vec![("", "page scheduled_maintenances"), ("scheduled_maintenances.0", &maintenance)],
        ),
        (
            "/api/v2/scheduled-maintenances/upcoming.json",
            vec![("", "page scheduled_maintenances"), ("scheduled_maintenances.0", &maintenance)],
        ),
        ("/api/v2/scheduled-maintenances/active.json", vec![("", "page scheduled_maintenances")]),
        ("/incidents/broken.json", vec![("", flat), ("incident_updates.0", UPDATE), ("components.0", COMPONENT)]),
        (
            "/history.json",
            vec![
                (
                    "",
                    "page_status components months show_component_filter show_uptime_calendar component_filter \
                     start_time end_time",
                ),
                ("components.0", COMPONENT),
                ("months.0", "name year starts_on days incidents"),
                ("months.0.incidents.0", "code name message impact timestamp"),
            ],
        ),
        (
            "/uptime_showcase",
            vec![
                ("", "components timelines values"),
                ("timelines.inbound", "component days"),
                ("timelines.inbound.component", "code name startDate"),
                ("timelines.inbound.days.0", "date outages related_events"),
                ("timelines.inbound.days.89.outages", "p m"),
                ("timelines.inbound.days.89.related_events.0", "name code"),
                ("values.0", "component ninety sixty thirty"),
            ],
        ),
        (
            "/feed.json",
            vec![
                ("", "version title home_page_url feed_url authors language items"),
                ("items.0", "id url title content_html date_published date_modified"),
            ],
        ),
    ];
    for (path, places) in expected {
        let document = Shape::of(&app.visitor().get(path).await);
        for (place, keys) in places {
            let keys = keys.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(document.keys(place), keys, "{path} at {place}");
        }
    }
}

#[apply(on_both_databases!)]
async fn incident_json_is_exact(test: TestDb) {
    let app = busy_page(test).await;
    let page_id = app.publisher.snapshot().unwrap().page.id.clone();
    let document = app.visitor().get("/api/v2/incidents/unresolved.json").await.text();
    let (_, incidents) = document.split_once("\"incidents\":").unwrap();
    let components = json_at(&app, "/api/v2/components.json").await;
    let group_id = components["components"][0]["id"].as_str().unwrap();
    let affected = |old: &str, new: &str| {
        format!(
            "[{{\"code\":\"inbound\",\"name\":\"Mail - Inbound\",\"old_status\":\"{old}\",\"new_status\":\"{new}\"}}]"
        )
    };
    let update = |id: &str, status: &str, at: &str, affected: String| {
        format!(
            "{{\"id\":\"{id}\",\"status\":\"{status}\",\"body\":\"Text of {id}\",\"incident_id\":\"broken\",\
             \"created_at\":\"{at}\",\"updated_at\":\"{at}\",\"display_at\":\"{at}\",\"affected_components\":{affected},\
             \"deliver_notifications\":true,\"custom_tweet\":null,\"tweet_id\":null}}"
        )
    };
    let (began, eased) = ("2026-11-10T11:00:00.123Z", "2026-11-10T11:09:00.123Z");
    let expected = format!(
        "[{{\"id\":\"broken\",\"name\":\"Incident broken\",\"status\":\"monitoring\",\"created_at\":\"{began}\",\
         \"updated_at\":\"{began}\",\"monitoring_at\":\"{eased}\",\"resolved_at\":null,\"impact\":\"critical\",\
         \"shortlink\":\"http://status.test/incidents/broken\",\"started_at\":\"{began}\",\"page_id\":\"{page_id}\",\
         \"incident_updates\":[{},{}],\"components\":[{{\"id\":\"inbound\",\"name\":\"Inbound\",\
         \"status\":\"partial_outage\",\"created_at\":\"2025-10-06T12:00:00.123Z\",\
         \"updated_at\":\"2026-11-10T12:00:00.123Z\",\"position\":1,\"description\":null,\"showcase\":true,\
         \"start_date\":null,\"group_id\":\"{group_id}\",\"page_id\":\"{page_id}\",\"group\":false,\
         \"only_show_if_degraded\":false}}]}}]}}",
        update("b2", "monitoring", eased, affected("major_outage", "partial_outage")),
        update("b1", "investigating", began, affected("operational", "major_outage")),
    );
    assert_eq!(incidents, expected);
}

#[apply(on_both_databases!)]
async fn group_has_status_of_worst_member(test: TestDb) {
    let app = busy_page(test).await;
    let document = json_at(&app, "/api/v2/components.json").await;
    let rows = document["components"].as_array().unwrap();
    let group = rows.iter().find(|row| row["group"] == true).unwrap();
    assert_eq!((&group["name"], &group["status"]), (&json!("Mail"), &json!("partial_outage")));
    assert_eq!((&group["components"], &group["group_id"]), (&json!(["inbound"]), &Value::Null));
    let member = rows.iter().find(|row| row["id"] == "inbound").unwrap();
    assert_eq!((&member["group_id"], &member["position"]), (&group["id"], &json!(1)));
    let status = &json_at(&app, "/api/v2/status.json").await["status"];
    assert_eq!(status, &json!({"indicator": "minor", "description": "Minor Service Outage"}));
}

#[apply(on_both_databases!)]
async fn open_incident_alone_raises_no_indicator(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    let mut incident = fixtures::incident("odd", app.clock.now());
    incident.impact_override = Some(Impact::Critical);
    app.add(&[incident]).await;
    let document = json_at(&app, "/api/v2/summary.json").await;
    assert_eq!(document["status"], json!({"indicator": "none", "description": "All Systems Operational"}));
    assert_eq!(document["incidents"][0]["impact"], "critical");
    // The page, the badge and the embed agree.
    for (path, headline) in [("/", "Incident odd"), ("/embed", "Major outage: Incident odd")] {
        let page = app.visitor().get(path).await;
        assert_eq!(page.word("h1"), headline);
        assert!(page.attributes("body", "class").concat().ends_with("tone-critical"), "{path}");
    }
    assert!(app.visitor().get("/").await.word(".lede").starts_with("Major outage since "));
    assert!(app.visitor().get("/badge.svg").await.text().contains(": Major outage</title>"));
}

#[apply(on_both_databases!)]
async fn a_maintenance_is_the_fifth_indicator(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    let now = app.clock.now();
    let mut maintenance = fixtures::maintenance("work", now, now + TimeDelta::hours(2), &[api.id.as_str()]);
    maintenance.begin(UpdateId::parse("begun").unwrap(), now).unwrap();
    app.plan(&[maintenance]).await;
    let document = json_at(&app, "/api/v2/summary.json").await;
    assert_eq!(document["status"], json!({"indicator": "maintenance", "description": "Service Under Maintenance"}));
    assert_eq!(document["components"][0]["status"], "under_maintenance");
    let entry = &document["scheduled_maintenances"][0];
    assert_eq!((&entry["impact"], &entry["status"]), (&json!("maintenance"), &json!("in_progress")));
    let change = &entry["incident_updates"][0]["affected_components"][0];
    assert_eq!((&change["old_status"], &change["new_status"]), (&json!("operational"), &json!("under_maintenance")));
}

#[apply(on_both_databases!)]
async fn a_maintenance_moves_through_its_lists(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let plan = |id| fixtures::maintenance(id, now, now + TimeDelta::hours(2), &[]);
    let (mut active, mut over, mut off) = (plan("active"), plan("over"), plan("off"));
    let id = |text: &str| UpdateId::parse(text).unwrap();
    active.begin(id("a"), now).unwrap();
    over.begin(id("o"), now).unwrap();
    over.complete(id("p"), now).unwrap();
    off.cancel("Not needed.".into(), id("q"), now).unwrap();
    app.plan(&[plan("next"), active, over, off]).await;
    let ids = async |path: &str| {
        let document = json_at(&app, path).await;
        let rows = document["scheduled_maintenances"].as_array().unwrap();
        let mut ids: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        ids.join(" ")
    };
    assert_eq!(ids("/api/v2/scheduled-maintenances.json").await, "active next off over");
    assert_eq!(ids("/api/v2/scheduled-maintenances/upcoming.json").await, "next");
    assert_eq!(ids("/api/v2/scheduled-maintenances/active.json").await, "active");
    assert_eq!(ids("/api/v2/summary.json").await, "active next");
    assert_eq!(json_at(&app, "/api/v2/incidents.json").await["incidents"], json!([]));
    let off = json_at(&app, "/api/v2/incidents/off.json").await;
    assert_eq!(off["incident"]["status"], "completed");
    assert_eq!(off["incident"]["incident_updates"][0]["body"], "Not needed.");
}

#[apply(on_both_databases!)]
async fn published_postmortem_is_the_newest_update(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let incident = fixtures::resolved("late", now - TimeDelta::hours(3), TimeDelta::hours(1));
    app.add(std::slice::from_ref(&incident)).await;
    let mut tx = app.db.write().await.unwrap();
    let body = "What we learned.".to_owned();
    let mut review = Postmortem { incident: incident.id.clone(), body, published: None, updated_at: now, version: 0 };
    postmortems::save(&mut tx, &mut review, now).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    app.publish().await;
    assert_eq!(json_at(&app, "/api/v2/incidents.json").await["incidents"][0]["status"], "resolved");
    let mut tx = app.db.write().await.unwrap();
    review.published = Some(PublishedPostmortem { body: review.body.clone(), at: now, update_id: None });
    postmortems::save(&mut tx, &mut review, now).await.unwrap();
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    app.publish().await;
    let entry = &json_at(&app, "/api/v2/incidents.json").await["incidents"][0];
    assert_eq!(entry["status"], "postmortem");
    assert_eq!(entry["incident_updates"][0]["body"], "What we learned.");
    assert_eq!(entry["incident_updates"][0]["id"].as_str().unwrap().len(), 12);
    assert_eq!(json_at(&app, "/incidents/late.json").await["postmortem_body"], "What we learned.");
}

#[apply(on_both_databases!)]
async fn documents_have_cors_and_etags(test: TestDb) {
    let app = busy_page(test).await;
    for path in [
        "/api/v2/summary.json",
        "/api/v2/incidents/broken.json",
        "/incidents/broken.json",
        "/history.json",
        "/history.json?page=3",
        "/uptime_showcase",
        "/uptime_showcase?components=api",
        "/api/openapi.json",
    ] {
        let answer = app.visitor().get(path).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{path}");
        assert_eq!((answer.header("vary"), answer.header("set-cookie")), ("accept-encoding", ""), "{path}");
        assert!(answer.header("cache-control").starts_with("public, max-age="), "{path}");
        assert!(!answer.body.ends_with(b"\n") || path.ends_with("openapi.json"), "{path}");
        let known = app.visitor().get_with(path, &[("if-none-match", answer.header("etag"))]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(known.header("access-control-allow-origin"), "*", "{path}");
        for accept in ["*/*", "application/json", "text/html"] {
            let other = app.visitor().get_with(path, &[("accept", accept)]).await;
            assert_eq!(other.body, answer.body, "{path} for {accept}");
        }
        let asked = app.visitor().send(Method::OPTIONS, path, &[("origin", "https://a.test")], Body::empty()).await;
        assert_eq!(asked.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(asked.header("access-control-allow-origin"), "*", "{path}");
    }
    let page = app.visitor().get("/").await;
    assert_eq!(page.header("access-control-allow-origin"), "", "pages are for people");
}

#[apply(on_both_databases!)]
async fn unknown_ids_get_json_404(test: TestDb) {
    let app = busy_page(test).await;
    for path in [
        "/api/v2/incidents/never.json",
        "/api/v2/incidents/..json",
        "/api/v2/nothing.json",
        "/api/v2/incidents/bro.ken",
        "/api/v2/broken",
        "/incidents/never.json",
    ] {
        let answer = app.visitor().get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        if path.ends_with(".json") {
            let error: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(error, json!({"error": "not_found", "message": "Not Found."}), "{path}");
        }
    }
    let post = app.visitor().post("/api/v2/summary.json", &[]).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[apply(on_both_databases!)]
async fn list_holds_fifty_and_ignores_query(test: TestDb) {
    let app = TestApp::new(test).await;
    let hour = |n| app.clock.now() - TimeDelta::hours(n);
    let all: Vec<Incident> =
        (1..=60).map(|n| fixtures::resolved(&format!("i{n}"), hour(n), TimeDelta::minutes(5))).collect();
    app.add(&all).await;
    let document = json_at(&app, "/api/v2/incidents.json").await;
    let rows = document["incidents"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["id"], &rows[49]["id"]), (50, &json!("i1"), &json!("i50")));
    let first = app.visitor().get("/api/v2/incidents.json").await;
    assert_eq!(app.visitor().get("/api/v2/incidents.json?page=2").await.body, first.body);
    // A backdated incident counts from its creation.
    let mut late = fixtures::resolved("late", hour(24 * 30), TimeDelta::minutes(5));
    late.created_at = app.clock.now();
    app.add(&[late]).await;
    let document = json_at(&app, "/api/v2/incidents/late.json").await;
    assert_eq!(document["incident"]["created_at"], "2026-10-11T12:00:00.123Z");
}

#[apply(on_both_databases!)]
async fn old_incident_is_rendered_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let day = |n| app.clock.now() - TimeDelta::days(n);
    let all: Vec<Incident> =
        (1..=60).map(|n| fixtures::resolved(&format!("i{n}"), day(n), TimeDelta::minutes(5))).collect();
    app.add(&all).await;
    for _ in 0..5 {
        for path in ["/api/v2/incidents/i60.json", "/incidents/i60.json", "/history.json?page=5", "/history.json"] {
            assert_eq!(app.visitor().get(path).await.status, StatusCode::OK, "{path}");
        }
    }
    assert_eq!(app.publisher.counts().rendered.value(), 4);
    for n in 0..20 {
        app.visitor().get(&format!("/history.json?page=5&x={n}")).await;
        app.visitor().get(&format!("/uptime_showcase?components=never{n}")).await;
    }
    assert!(app.publisher.counts().rendered.value() <= 5, "equal pages have one address");
}

/// Fails if `value` does not match `schema` of the OpenAPI `document`.
fn assert_matches_schema(document: &Value, schema: &Value, value: &Value, address: &str) {
    let whole = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, [""; 0], "{address}");
}

#[apply(on_both_databases!)]
async fn openapi_document_matches_the_api(test: TestDb) {
    let app = busy_page(test).await;
    let document = json_at(&app, "/api/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 18);
    for (path, operations) in paths {
        let answers = &operations["get"]["responses"];
        let ids: &[&str] = match path.contains("{id}") {
            true if path.starts_with("/components") => &["api"],
            true => &["broken", "work"],
            false => &[""],
        };
        for id in ids {
            let address = path.replace("{id}", id);
            let answer = app.visitor().get(&address).await;
            assert_eq!(answer.status, StatusCode::OK, "{address}");
            let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
            let schema = &answers["200"]["content"][&kind]["schema"];
            assert!(schema.is_object(), "{address} is {kind}");
            if kind.ends_with("json") {
                let value: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_matches_schema(&document, schema, &value, &address);
            }
        }
        if path.contains("{id}") {
            let never = app.visitor().get(&path.replace("{id}", "never")).await;
            assert_eq!(never.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answers["404"].is_object(), "{path}");
        }
    }
    // Every JSON document is documented.
    for (path, _) in app.publisher.site().pages() {
        let is_data = path.starts_with("/api/v2/") || path.ends_with(".json");
        let is_documented = paths.keys().any(|known| match known.split_once("{id}") {
            Some((begin, end)) => path.starts_with(begin) && path.ends_with(end),
            None => known == path,
        });
        assert!(!is_data || is_documented || path == "/api/openapi.json", "{path} is not documented");
    }
}

/// Documents of each kind, and what comes with them.
const SNAPSHOTS: [&str; 11] = [
    "/api/v2/summary.json",
    "/api/v2/incidents/broken.json",
    "/api/v2/never.json",
    "/incidents/work.json",
    "/history.json",
    "/history.atom",
    "/history.rss",
    "/feed.json",
    "/maintenance.ics",
    "/badge.svg",
    "/api/openapi.json",
];

#[apply(on_both_databases!)]
async fn documents_and_headers_match_their_snapshots(test: TestDb) {
    let app = busy_page(test.at_noon()).await;
    // Several publishes at one instant would date the page into the future, so it has no Last-Modified before.
    app.clock.advance(TimeDelta::seconds(30));
    app.publisher.refresh().await.unwrap();
    let summary = json_at(&app, "/api/v2/summary.json").await;
    let component = summary["components"].as_array().unwrap().iter().find(|row| row["group_id"].is_string()).unwrap();
    let ids = [(&summary["page"]["id"], "PAGE"), (&component["group_id"], "GROUP")];
    for path in SNAPSHOTS {
        let answer = app.visitor().get(path).await;
        let mut headers: Vec<String> =
            answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.retain(|line| !["date:", "etag:", "x-request-id:"].iter().any(|start| line.starts_with(start)));
        headers.sort();
        // One key per line, in the order of the document.
        let body = answer.text().replace(",\"", ",\n\"").replace('\r', "");
        let body = ids.iter().fold(body, |text, (id, name)| text.replace(id.as_str().unwrap(), name));
        let name = path.trim_start_matches('/').replace(['/', '.'], "-");
        insta::assert_snapshot!(name, format!("{}\n{}\n\n{body}", answer.status, headers.join("\n")));
    }
}
