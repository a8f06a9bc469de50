//! Test messages and the erasure of a subscriber in the admin.

use axum::http::StatusCode;
use candor::actions;
use candor::actions::subscribers::{SubscriberKeys, SubscriptionRequest};
use candor::domain::Role::{Owner, Publisher};
use candor::domain::Subscriber;
use candor::domain::operator_endpoint::OperatorEndpoint;
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::notify::Mailer;

use crate::support::TestDb;
use crate::support::app::{ORIGIN, TestApp};
use crate::support::endpoint::Endpoint;
use crate::support::fixtures;
use crate::support::smtp::FakeSmtpServer;
use crate::support::subscribers::{add_in, add_to_incident, add_to_page, all, links};

async fn add_webhook(app: &TestApp, url: &str, state: SubscriberState) -> Subscriber {
    let links = links(app);
    let keys = SubscriberKeys { secret_key: &app.state.secret_key, links: &links };
    let wish = SubscriptionRequest {
        channel: Channel::Webhook,
        email: Some("ops@example.org".into()),
        endpoint: Some(url.parse().unwrap()),
        scope: Scope::Page,
        incidents: IncidentEvents::All,
        maintenance: true,
    };
    let mut tx = app.db.write().await.unwrap();
    let (added, _) = actions::subscribers::add(&mut tx, keys, &wish, state, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    added
}

fn test_path(subscriber: &Subscriber) -> String {
    "/admin/subscribers/{id}/test".replace("{id}", subscriber.id.as_str())
}

#[apply(on_both_databases!)]
async fn a_webhook_gets_a_signed_test(test: TestDb) {
    let app = TestApp::new(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[200, 503]).await;
    let hook = add_webhook(&app, &url, SubscriberState::Active).await;
    let mut owner = app.logged_in(Owner).await;
    let path = test_path(&hook);
    let page = owner.post(&path, &[]).await;
    assert_eq!(
        (page.status, page.word(".waiting")),
        (StatusCode::OK, "The endpoint accepted the test message.".into())
    );
    let (headers, body) = endpoint.requests().remove(0);
    assert_eq!((body["type"].as_str(), body["data"]["page"]["url"].as_str()), (Some("webhook.test"), Some(ORIGIN)));
    assert!(body["incident"].is_null() && headers["webhook-signature"].to_str().unwrap().contains("v1a,"));
    let failed = owner.post(&path, &[]).await;
    let reason = "The test message was not accepted: the endpoint answered 503 Service Unavailable.";
    assert_eq!(failed.word(".waiting"), reason);
    let row = app.audit().await.remove(0);
    assert!(row.action == "subscriber.test" && !format!("{row:?}").contains("127.0.0.2"), "{row:?}");
    let denied = app.logged_in(Publisher).await.post(&path, &[]).await;
    assert_eq!((denied.status, endpoint.requests().len()), (StatusCode::FORBIDDEN, 2));
}

#[apply(on_both_databases!)]
async fn an_operator_channel_gets_a_test_in_its_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[]).await;
    let links = links(&app);
    let keys = SubscriberKeys { secret_key: &app.state.secret_key, links: &links };
    let server = url.trim_end_matches("/hook").to_owned();
    let ntfy = OperatorEndpoint::Ntfy { server, topic: "harbor".into(), token: "tk_1".into() };
    let mut tx = app.db.write().await.unwrap();
    let now = app.clock.now();
    let (channel, _) = actions::subscribers::add_operator_channel(&mut tx, keys, &ntfy, now).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let mut owner = app.logged_in(Owner).await;
    let page = owner.post(&test_path(&channel), &[]).await;
    assert_eq!(page.word(".waiting"), "The endpoint accepted the test message.");
    let (headers, body) = endpoint.requests().remove(0);
    assert_eq!((body["topic"].as_str(), headers["authorization"].to_str().unwrap()), (Some("harbor"), "Bearer tk_1"));
    assert!(body["title"].as_str().unwrap().contains("Test message") && !page.text().contains("tk_1"));
}

#[apply(on_both_databases!)]
async fn tests_need_a_confirmed_endpoint(test: TestDb) {
    let app = TestApp::new(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[]).await;
    let pending = add_webhook(&app, &url, SubscriberState::Unconfirmed).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    for subscriber in [pending, ines] {
        let answer = owner.post(&test_path(&subscriber), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(!owner.get(&format!("/admin/subscribers/{}", subscriber.id)).await.text().contains("Send a test"));
    }
    assert!(endpoint.requests().is_empty());
}

#[apply(on_both_databases!)]
async fn an_owner_mails_a_test_to_the_own_address(test: TestDb) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Tidewater <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mailer(test, mailer).await;
    let manager = app.manager("Ines", Owner).await;
    let mut owner = app.with_session(&manager).await;
    assert!(owner.get("/admin/settings").await.text().contains(&format!("Send a test to {}", manager.email)));
    let page = owner.post("/admin/settings/test-mail", &[]).await;
    assert_eq!(page.word(".waiting"), format!("The mail server accepted the mail to {}.", manager.email));
    assert_eq!(sink.mails()[0].header("To"), manager.email);
    assert_eq!(app.audit().await[0].action, "mail.test");
    sink.reject_next_mail("550 5.7.1 relaying denied");
    let page = owner.post("/admin/settings/test-mail", &[]).await;
    assert_eq!(page.word(".waiting"), "The mail was not sent: 550 5.7.1 relaying denied");
}

#[apply(on_both_databases!)]
async fn a_test_mail_needs_a_mail_server(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    assert_eq!(owner.post("/admin/settings/test-mail", &[]).await.status, StatusCode::CONFLICT);
    assert!(owner.get("/admin/settings").await.text().contains("No mail server is configured."));
}

#[apply(on_both_databases!)]
async fn erasure_deletes_everything_of_an_address(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    add_to_incident(&app, "ines@example.org", "it").await;
    add_in(&app, "rui@example.org", Scope::Page, SubscriberState::Active).await;
    let mut owner = app.logged_in(Owner).await;
    let path = format!("/admin/subscribers/{}/erasure", ines.id);
    assert!(owner.get(&format!("/admin/subscribers/{}", ines.id)).await.text().contains(&path));
    let question = owner.get(&path).await;
    assert!(question.text().contains("all 2 subscriptions") && all(&app).await.len() == 3, "{}", question.text());
    let done = owner.post(&path, &[]).await;
    assert!(done.location().ends_with("done=subscriber-erased"), "{}: {}", done.status, done.text());
    let left: Vec<_> = all(&app).await.into_iter().filter_map(|it| it.email).collect();
    assert_eq!(left, ["rui@example.org"]);
    assert_eq!(app.texts("select reason from suppressions").await, ["erased"]);
    let audit = app.audit().await;
    assert!(audit[..2].iter().all(|row| row.action == "subscriber.erase"), "{audit:?}");
    assert!(!app.all_content().await.contains("ines@example.org"));
}
