//! Hostile texts in feeds, JSON and badges: parsing returns the exact text, and HTML contains only what Markdown may
//! become.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use candor::db::components;
use candor::domain::Role::Viewer;
use candor::domain::Status;
use candor::domain::api_token::Scope;
use serde_json::Value;

use crate::hostile_text::{as_line, as_lines, corpus};
use crate::hostile_text_web::with_incidents;
use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::TestApp;
use crate::support::fixtures;
use crate::support::html::Page;
use crate::support::html_allowlist::is_allowed_html;

/// A feed has room for so many incidents and as many maintenances.
const FEED_CAPACITY: usize = 12;

/// Publishing compresses every document, so only one text in so many is published; the others are tested unpublished.
const PUBLISHED_STEP: usize = 4;

#[tokio::test]
async fn hostile_text_is_escaped_in_machine_lists() {
    let some: Vec<String> = corpus().into_iter().step_by(PUBLISHED_STEP).collect();
    for texts in some.chunks(FEED_CAPACITY) {
        let app = with_incidents(texts).await;
        app.publish().await;
        let titles: BTreeSet<String> = texts.iter().map(|text| as_line(text)).collect();
        feeds_say(&app, &titles).await;
        for path in ["incidents.json", "incidents/unresolved.json", "summary.json"] {
            let list = json_at(&app, &format!("/api/v2/{path}")).await;
            assert_eq!(names(&list["incidents"]), titles, "{path}");
        }
        let planned = json_at(&app, "/api/v2/scheduled-maintenances.json").await;
        assert_eq!(names(&planned["scheduled_maintenances"]), titles);
    }
}

/// XML can't contain these two characters.
fn in_xml(title: &str) -> String {
    title.replace(['\u{fffe}', '\u{ffff}'], "")
}

async fn feeds_say(app: &TestApp, titles: &BTreeSet<String>) {
    let titles: BTreeSet<String> = titles.iter().map(|title| in_xml(title)).collect();
    let body = async |path: &str| app.visitor().get(path).await.body;
    let atom = atom_syndication::Feed::read_from(&body("/history.atom").await[..]).unwrap();
    let rss = rss::Channel::read_from(&body("/history.rss").await[..]).unwrap();
    let json: Value = serde_json::from_slice(&body("/feed.json").await).unwrap();
    let items = json["items"].as_array().unwrap();
    assert_eq!(atom.entries.iter().map(|entry| entry.title.to_string()).collect::<BTreeSet<_>>(), titles);
    assert_eq!(rss.items.iter().map(|item| item.title.clone().unwrap()).collect::<BTreeSet<_>>(), titles);
    assert_eq!(items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), titles);
    let contents = atom.entries.iter().map(|entry| entry.content.as_ref().unwrap().value.as_deref().unwrap());
    let descriptions = rss.items.iter().map(|item| item.description.as_deref().unwrap());
    let htmls = items.iter().map(|item| item["content_html"].as_str().unwrap());
    let mut judged = 0;
    for html in contents.chain(descriptions).chain(htmls) {
        is_allowed_html(html);
        judged += 1;
    }
    assert_eq!(judged, 3 * items.len());
}

/// Parses the document at `path` and checks that its headers allow no other interpretation.
async fn json_at(app: &TestApp, path: &str) -> Value {
    let answer = app.visitor().get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    assert!(answer.header("content-type").starts_with("application/json"), "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn hostile_text_is_escaped_in_single_documents() {
    let corpus = corpus();
    let app = with_incidents(&corpus).await;
    let manager = app.manager("Ines", Viewer).await;
    let program = ApiClient::new(&app, &manager, "Reader", Scope::Read).await;
    for (number, text) in corpus.iter().enumerate() {
        let (line, body) = (as_line(text), as_lines(text));
        let it = &json_at(&app, &format!("/api/v2/incidents/it{number}.json")).await["incident"];
        let managed = program.get(&format!("/incidents/it{number}")).await;
        for it in [it, &managed] {
            let update = &it["incident_updates"][0];
            assert_eq!((it["name"].as_str(), update["body"].as_str()), (Some(&*line), Some(&*body)));
            assert_eq!(update["affected_components"][0]["name"].as_str(), Some(&*line));
        }
    }
    let listed = program.get("/incidents?limit=100").await;
    assert_eq!(listed.as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn hostile_name_is_escaped_in_badges() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let manager = app.manager("Ines", Viewer).await;
    let program = ApiClient::new(&app, &manager, "Reader", Scope::Read).await;
    let now = app.clock.now();
    let texts = corpus();
    let mut ids = Vec::new();
    let mut tx = app.db.write().await.unwrap();
    for text in &texts {
        let mut new = fixtures::component("x");
        (new.name, new.status) = (as_line(text), Status::PartialOutage);
        ids.push(components::create(&mut tx, new, now).await.unwrap().id);
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    app.publish().await;
    for (text, id) in texts.iter().zip(ids) {
        let badge = app.visitor().get(&format!("/components/{id}/badge.svg")).await;
        assert_eq!((badge.status, badge.header("content-type")), (StatusCode::OK, "image/svg+xml; charset=utf-8"));
        let page = Page::read(std::str::from_utf8(&badge.body).unwrap());
        let elements: Vec<&str> = page.elements().iter().map(|element| element.name.as_str()).collect();
        assert_eq!(elements, ["svg", "title", "rect", "path", "g", "text", "text"], "{text:?}: {}", badge.text());
        let managed = program.get(&format!("/components/{id}")).await;
        assert_eq!(managed["name"], as_line(text));
    }
    let listed = json_at(&app, "/api/v2/components.json").await;
    assert!(names(&listed["components"]).is_superset(&texts.iter().map(|text| as_line(text)).collect()));
}
