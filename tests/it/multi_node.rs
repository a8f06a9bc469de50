//! Two nodes on one database: revocations and published changes at one apply at the other.

use std::time::Duration;

use axum::http::Method;
use candor::credentials::secret_token;
use candor::db::{Db, api_tokens};
use candor::domain::Role::{Owner, Publisher};
use candor::domain::api_token::Scope;
use candor::server::connection_limits::ConnectionLimits;
use candor::worker::Worker;
use serde_json::json;
use tempfile::TempDir;

use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Browser, TestApp};
use crate::support::server::Server;

/// A second server over the database of `app`, with its own connections, worker and folder.
async fn other_node(app: &TestApp) -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Server::published(&app.test.url, &app.clock, ConnectionLimits::default(), &data).await, data)
}

/// The status of a node's answer to a request with one extra header.
async fn status(node: &Server, method: &str, path: &str, header: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: HOST\r\n{header}\r\nsec-fetch-site: same-origin\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let answer = node.answer(&request).await;
    answer["HTTP/1.1 ".len()..][..3].parse().unwrap()
}

async fn is_logged_in(node: &Server, browser: &Browser) -> bool {
    match status(node, "GET", "/admin", &format!("cookie: sid={}", browser.cookies["sid"]), "").await {
        200 => true,
        303 => false,
        other => panic!("{other}"),
    }
}

#[apply(on_both_databases!)]
async fn logout_applies_to_all_nodes_immediately(test: TestDb) {
    let app = TestApp::new(test).await;
    let (node, _data) = other_node(&app).await;
    let mut owner = app.logged_in(Owner).await;
    for (name, change) in [("Disabled", "disablement"), ("Demoted", "role"), ("Ended", "sessions/revocation")] {
        let manager = app.manager(name, Publisher).await;
        let browser = app.with_session(&manager).await;
        assert!(is_logged_in(&node, &browser).await, "{name}");
        let answer = owner.post(&format!("/admin/managers/{}/{change}", manager.id), &[("role", "viewer")]).await;
        assert!(answer.location().contains("?done="), "{name}: {} {}", answer.status, answer.text());
        assert!(!is_logged_in(&node, &browser).await, "{name} goes on at the other node");
    }
    // One session revoked by its manager, and one logged out.
    let manager = app.manager("Ines", Publisher).await;
    let [mut here, there, left] =
        [app.with_session(&manager).await, app.with_session(&manager).await, app.with_session(&manager).await];
    let short = secret_token::hash_token(&there.cookies["sid"])[..16].to_owned();
    here.post(&format!("/admin/account/sessions/{short}/revocation"), &[]).await;
    assert!(!is_logged_in(&node, &there).await && is_logged_in(&node, &left).await);
    let old_session = here.clone();
    here.post("/logout", &[]).await;
    assert!(!is_logged_in(&node, &old_session).await && is_logged_in(&node, &left).await);
}

#[apply(on_both_databases!)]
async fn revoked_token_is_rejected_on_all_nodes(test: TestDb) {
    let app = TestApp::new(test).await;
    let (node, _data) = other_node(&app).await;
    let mut owner = app.logged_in(Owner).await;
    for (name, deed, expected) in [("Revoked", "", 401), ("Disabled", "disablement", 401), ("Demoted", "role", 403)] {
        let manager = app.manager(name, Publisher).await;
        let program = ApiClient::new(&app, &manager, "Deploy", Scope::Publish).await;
        let header = format!("authorization: Bearer {}", program.secret);
        let body = json!({ "incident": { "name": name, "status": "investigating", "body": "Text" } }).to_string();
        let incidents = format!("{}/incidents", program.root);
        assert_eq!(status(&node, "POST", &incidents, &header, &body).await, 201, "{name}");
        if deed.is_empty() {
            let mut tx = app.db.read().await.unwrap();
            let id = api_tokens::list_for_manager(&mut tx, &manager.id).await.unwrap().remove(0).id;
            drop(tx);
            let answer = owner.post(&format!("/admin/tokens/{id}/revocation"), &[]).await;
            assert_eq!(answer.location(), "/admin/tokens?done=token-revoked");
        } else {
            owner.post(&format!("/admin/managers/{}/{deed}", manager.id), &[("role", "viewer")]).await;
        }
        assert_eq!(status(&node, "POST", &incidents, &header, &body).await, expected, "{name}");
        let here = program.send(Method::POST, "/incidents", &serde_json::from_str(&body).unwrap()).await;
        assert_eq!(here.status.as_u16(), expected, "{name} at the first node");
    }
    assert_eq!(app.incidents().await.len(), 3, "one for each token while it was good");
}

const TITLE: &str = "Mail arrives late";

async fn open_incident(app: &TestApp) {
    let fields = [("title", TITLE), ("phase", "investigating"), ("body", "We look into it.")];
    let mut publisher = app.logged_in(Publisher).await;
    let answer = publisher.post("/admin/incidents", &fields).await;
    assert!(answer.location().ends_with("?done=incident-opened"), "{} {}", answer.location(), answer.text());
    assert!(app.visitor().get("/").await.text().contains(TITLE), "it shows where it was published");
}

#[apply(on_both_databases!)]
async fn publish_reaches_other_node_soon(test: TestDb) {
    let app = TestApp::new(test).await;
    let (node, _data) = other_node(&app).await;
    let read = async || node.answer("GET / HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n").await;
    assert!(!read().await.contains(TITLE));
    open_incident(&app).await;
    // It is notified, or looks every second; the machine may also run other tests.
    let followed = async {
        while !read().await.contains(TITLE) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), followed).await.expect("the other node follows");
}

#[apply(on_both_databases!)]
async fn publish_reaches_other_node_after_one_round(test: TestDb) {
    let app = TestApp::new(test).await;
    let (state, mut visitor) = app.restart_with(Db::at(&app.test.url).unwrap());
    let mut work = Worker::default();
    work.tick(&state).await;
    open_incident(&app).await;
    assert!(!visitor.get("/").await.text().contains(TITLE), "it is another node");
    work.tick(&state).await;
    assert!(visitor.get("/").await.text().contains(TITLE));
}
