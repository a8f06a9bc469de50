//! Subscribers in the management API, as Statuspage has them, and the flags that decide whether an update notifies.

use axum::http::{Method, StatusCode};
use candor::domain::Role::Owner;
use candor::domain::api_token::Scope as TokenScope;
use candor::domain::notice::Event;
use candor::domain::subscriber::{Scope, SubscriberState};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::api_client::ApiClient;
use crate::support::app::TestApp;
use crate::support::subscribers::{self, add_in, add_to_page, notices};
use crate::support::{TestDb, fixtures};

async fn new_client(app: &TestApp) -> ApiClient {
    let owner = app.manager("Ines", Owner).await;
    ApiClient::new(app, &owner, "Deploy", TokenScope::Admin).await
}

/// The events of all notices, sorted by their keys.
async fn events(app: &TestApp) -> Vec<Event> {
    let mut events: Vec<Event> = notices(app).await.into_iter().map(|progress| progress.notice.event).collect();
    events.sort_by_key(|event| event.key());
    events
}

/// Sends a bulk request, which answers 201 without a body.
async fn send_bulk(program: &ApiClient, path: &str, body: &Value) {
    let answer = program.send(Method::POST, path, body).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::CREATED, ""), "{path}");
}

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["email"].as_str().unwrap()).collect()
}

#[apply(on_both_databases!)]
async fn a_subscriber_is_created_read_changed_and_deleted(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let api = app.component("API").await.id;
    let body = json!({ "subscriber": { "email": "Ines@Example.org" } });
    let made = program.make("/subscribers", &body).await;
    assert_eq!((&made["mode"], &made["email"]), (&json!("email"), &json!("ines@example.org")));
    assert_eq!(subscribers::find(&app, "ines@example.org").await.unwrap().state, SubscriberState::Unconfirmed);
    assert_eq!(app.number("select count(*) from outbox").await, 1, "a confirmation is mailed");
    let path = format!("/subscribers/{}", made["id"].as_str().unwrap());
    assert_eq!(program.get(&path).await, made);
    assert_eq!(program.wrong(Method::POST, "/subscribers", &body).await, ["/subscriber"]);
    let changed = program.change(Method::PATCH, &path, &json!({ "component_ids": [api] })).await;
    assert_eq!(changed["components"], json!([api]));
    let wrapped = json!({ "subscriber": { "component_ids": [api] } });
    assert_eq!(program.change(Method::PATCH, &path, &wrapped).await, changed);
    for ids in [json!([]), json!(["unknown"])] {
        let wrong = program.wrong(Method::PATCH, &path, &json!({ "component_ids": ids })).await;
        assert_eq!(wrong, ["/component_ids"]);
    }
    assert_eq!(program.change(Method::DELETE, &path, &json!({})).await, changed);
    assert_eq!(program.send(Method::GET, &path, &json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(program.get("/subscribers/unsubscribed").await, json!([]));
}

#[apply(on_both_databases!)]
async fn created_subscriber_may_skip_the_confirmation(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let (api, endpoint) = (app.component("API").await.id, "https://hooks.example.org/a?b=c");
    let body = json!({ "subscriber": {
        "email": "ops@example.org", "endpoint": endpoint, "skip_confirmation_notification": true, "component_ids": [api],
    } });
    let made = program.make("/subscribers", &body).await;
    assert_eq!((&made["mode"], &made["endpoint"]), (&json!("webhook"), &json!(endpoint)));
    let stored = subscribers::find(&app, "ops@example.org").await.unwrap();
    assert_eq!((stored.state, stored.scope), (SubscriberState::Active, Scope::Components(vec![api])));
    let body =
        json!({ "subscriber": { "email": "ops@example.org", "endpoint": "https://hooks.slack.com/services/T/B/x" } });
    let slack = program.make("/subscribers", &body).await;
    assert_eq!((&slack["mode"], &slack["endpoint"]), (&json!("slack"), &json!("https://hooks.slack.com/…")));
    for (subscriber, pointers) in [
        (json!({ "phone_number": "5551234" }), vec!["/subscriber/email", "/subscriber/phone_number"]),
        (json!({ "email": "x" }), vec!["/subscriber/email"]),
        (json!({ "email": "a@example.org", "endpoint": "http://x" }), vec!["/subscriber/endpoint"]),
        (json!({ "email": "a@example.org", "component_ids": ["x"] }), vec!["/subscriber/component_ids"]),
        (json!({ "email": "a@example.org", "page_access_user": "x" }), vec!["/subscriber/page_access_user"]),
    ] {
        let mut wrong = program.wrong(Method::POST, "/subscribers", &json!({ "subscriber": subscriber })).await;
        wrong.sort();
        assert_eq!(wrong, pointers, "{subscriber}");
    }
}

#[apply(on_both_databases!)]
async fn quarantined_subscriber_is_reactivated_when_created_again(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let broken = add_in(&app, "ines@example.org", Scope::Page, SubscriberState::Quarantined).await;
    let shown = program.get(&format!("/subscribers/{}", broken.id)).await;
    assert!(shown["quarantined_at"].is_string() && shown["purge_at"].is_string(), "{shown}");
    let made = program.make("/subscribers", &json!({ "subscriber": { "email": "ines@example.org" } })).await;
    assert_eq!((&made["id"], &made["quarantined_at"]), (&json!(broken.id), &Value::Null));
}

#[apply(on_both_databases!)]
async fn lists_filter_sort_and_page_as_statuspage(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    for email in ["b@example.org", "a@example.org", "c@example.net"] {
        add_to_page(&app, email).await;
        app.clock.advance(TimeDelta::seconds(1));
    }
    add_in(&app, "u@example.org", Scope::Page, SubscriberState::Unconfirmed).await;
    add_in(&app, "q@example.org", Scope::Page, SubscriberState::Quarantined).await;
    for (query, expected) in [
        ("", vec!["a@example.org", "b@example.org", "c@example.net"]),
        ("?state=unconfirmed", vec!["u@example.org"]),
        ("?state=quarantined&type=email", vec!["q@example.org"]),
        ("?state=all&sort_field=created_at&sort_direction=asc&limit=2", vec!["b@example.org", "a@example.org"]),
        ("?limit=1&page=0", vec!["a@example.org"]),
        ("?limit=1&page=2", vec!["c@example.net"]),
        ("?q=EXAMPLE.NET", vec!["c@example.net"]),
        ("?type=sms", vec![]),
        ("?type=webhook", vec![]),
    ] {
        let list = program.get(&format!("/subscribers{query}")).await;
        assert_eq!(emails(&list), expected, "{query}");
    }
    let wrong = program.send(Method::GET, "/subscribers?state=gone", &json!({})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let counts = json!({ "email": 3, "sms": 0, "webhook": 0, "integration_partner": 0, "slack": 0, "teams": 0 });
    assert_eq!(program.get("/subscribers/count").await, counts);
    assert_eq!(program.get("/subscribers/count?state=all").await["email"], 5);
    let histogram = program.get("/subscribers/histogram_by_state").await;
    assert_eq!(histogram["email"], json!({ "active": 3, "unconfirmed": 1, "quarantined": 1, "total": 5 }));
}

#[apply(on_both_databases!)]
async fn bulk_requests_take_ids_a_list_or_all(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let one = add_in(&app, "a@example.org", Scope::Page, SubscriberState::Unconfirmed).await.id;
    let two = add_in(&app, "b@example.org", Scope::Page, SubscriberState::Unconfirmed).await.id;
    let mails = app.number("select count(*) from outbox where outcome is null").await;
    send_bulk(&program, "/subscribers/resend_confirmation", &json!({ "subscribers": format!("{one},{two}") })).await;
    send_bulk(&program, "/subscribers/resend_confirmation", &json!({ "subscribers": "all" })).await;
    assert_eq!(app.number("select count(*) from outbox where outcome is null").await, mails + 4);
    let path = format!("/subscribers/{one}/resend_confirmation");
    send_bulk(&program, &path, &json!({})).await;
    assert_eq!(
        app.number("select count(*) from outbox where outcome is null").await,
        mails + 4,
        "an address gets three mails a day"
    );
    let active = add_to_page(&app, "c@example.org").await.id;
    let wrong = program.wrong(Method::POST, "/subscribers/reactivate", &json!({ "subscribers": [active] })).await;
    assert_eq!(wrong, ["/subscribers"]);
    add_in(&app, "d@example.org", Scope::Page, SubscriberState::Quarantined).await;
    send_bulk(&program, "/subscribers/reactivate", &json!({ "subscribers": "all" })).await;
    assert_eq!(subscribers::find(&app, "d@example.org").await.unwrap().state, SubscriberState::Active);
    send_bulk(&program, "/subscribers/unsubscribe", &json!({ "subscribers": "all" })).await;
    assert_eq!(subscribers::all(&app).await.len(), 2, "only active ones by default");
    send_bulk(&program, "/subscribers/unsubscribe", &json!({ "subscribers": [one, two] })).await;
    assert!(subscribers::all(&app).await.is_empty());
    for subscribers in [json!([]), json!(["unknown"]), json!(vec!["x"; 101])] {
        let body = json!({ "subscribers": subscribers });
        assert_eq!(program.wrong(Method::POST, "/subscribers/unsubscribe", &body).await, ["/subscribers"]);
    }
}

#[apply(on_both_databases!)]
async fn incident_subscribers_belong_to_one_open_incident(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let now = app.clock.now();
    app.add(&[fixtures::incident("it", now), fixtures::incident("other", now)]).await;
    app.add(&[fixtures::resolved("over", now - TimeDelta::hours(2), TimeDelta::hours(1))]).await;
    add_to_page(&app, "page@example.org").await;
    let body = json!({ "subscriber": { "email": "ines@example.org", "skip_confirmation_notification": true } });
    let made = program.make("/incidents/it/subscribers", &body).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(emails(&program.get("/incidents/it/subscribers").await), ["ines@example.org"]);
    assert_eq!(program.get(&format!("/incidents/it/subscribers/{id}")).await, made);
    assert_eq!(emails(&program.get("/subscribers").await), ["page@example.org"]);
    for path in [format!("/incidents/other/subscribers/{id}"), format!("/subscribers/{id}")] {
        assert_eq!(program.send(Method::GET, &path, &json!({})).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let wrong = program.wrong(Method::POST, "/incidents/over/subscribers", &body).await;
    assert_eq!(wrong, ["/subscriber/incident"]);
    let gone = program.change(Method::DELETE, &format!("/incidents/it/subscribers/{id}"), &json!({})).await;
    assert_eq!(gone, made);
}

#[apply(on_both_databases!)]
async fn deliver_notifications_decides_whether_an_update_notifies(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let incident =
        |flag: Value| json!({ "incident": { "name": "Slow", "body": "Text", "deliver_notifications": flag } });
    program.make("/incidents", &incident(json!(false))).await;
    assert_eq!(events(&app).await, []);
    let made = program.make("/incidents", &incident(json!(true))).await;
    assert_eq!(events(&app).await, [Event::IncidentOpened]);
    let path = format!("/incidents/{}", made["id"].as_str().unwrap());
    for (status, flag) in [("identified", json!(false)), ("monitoring", Value::Null), ("resolved", json!(false))] {
        let body = json!({ "incident": { "status": status, "body": "Text", "deliver_notifications": flag } });
        program.change(Method::PATCH, &path, &body).await;
    }
    assert_eq!(events(&app).await, [Event::IncidentOpened, Event::IncidentUpdated]);
}

#[apply(on_both_databases!)]
async fn backfilled_incident_of_the_api_notifies_on_request(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    for (flag, expected) in [(Value::Null, 0), (json!(false), 0), (json!(true), 1)] {
        let body = json!({ "incident": {
            "name": "Slow", "body": "Text", "backfilled": true, "backfill_date": "2026-11-01",
            "deliver_notifications": flag,
        } });
        program.make("/incidents", &body).await;
        assert_eq!(events(&app).await.len(), expected, "{flag}");
    }
}

#[apply(on_both_databases!)]
async fn notify_subscribers_decides_whether_a_postmortem_notifies(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let now = app.clock.now();
    for (id, flag, expected) in [("one", json!(false), 0), ("two", json!(true), 1), ("three", Value::Null, 2)] {
        app.add(&[fixtures::resolved(id, now - TimeDelta::hours(2), TimeDelta::hours(1))]).await;
        let path = format!("/incidents/{id}/postmortem");
        program.change(Method::PUT, &path, &json!({ "postmortem": { "body_draft": "A cable was cut." } })).await;
        let publish = json!({ "postmortem": { "notify_subscribers": flag } });
        program.change(Method::PUT, &format!("{path}/publish"), &publish).await;
        assert_eq!(events(&app).await.len(), expected, "{id}");
    }
}

#[apply(on_both_databases!)]
async fn templates_keep_should_send_notifications(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = new_client(&app).await;
    let template = |fields: Value| {
        let mut template = json!({ "name": "Slow", "body": "Text" });
        template.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "template": template })
    };
    let made = program.make("/incident_templates", &template(json!({ "should_send_notifications": false }))).await;
    assert_eq!(made["should_send_notifications"], false);
    let made = program.make("/incident_templates", &template(json!({}))).await;
    assert_eq!(made["should_send_notifications"], true);
}
