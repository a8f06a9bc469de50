//! Announcements: in the admin, and above the status between start and end.

use axum::http::StatusCode;
use candor::domain::Role::{Publisher, Viewer};
use candor::domain::announcement::{MAX_ANNOUNCEMENTS, MAX_BODY};
use candor::worker::Worker;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::TestApp;

const LIST: &str = "/admin/announcements";

/// The UTC time `minutes` ahead, as forms send it.
fn ahead(app: &TestApp, minutes: i64) -> String {
    (app.clock.now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M").to_string()
}

async fn shown(app: &TestApp) -> Vec<String> {
    app.visitor().get("/").await.words("#announcements strong")
}

#[apply(on_both_databases!)]
async fn announcement_is_shown_between_start_and_end(test: TestDb) {
    let test = test.at_noon();
    let app = TestApp::new(test).await;
    let mut worker = Worker::default();
    worker.tick(&app.state).await;
    let mut publisher = app.logged_in(Publisher).await;
    let (starts, ends) = (ahead(&app, 7), ahead(&app, 19));
    let fields = [
        ("title", "Office <closed>"),
        ("body", "We *answer* on Monday."),
        ("starts_at", &starts),
        ("ends_at", &ends),
        ("zone", "UTC"),
    ];
    let added = publisher.post(LIST, &fields).await;
    assert!(added.location().ends_with("done=announcement-added"), "{}", added.text());
    worker.tick(&app.state).await;
    assert!(shown(&app).await.is_empty());
    app.clock.advance(TimeDelta::minutes(7));
    worker.tick(&app.state).await;
    assert_eq!(shown(&app).await, ["Office <closed>"]);
    let page = app.visitor().get("/").await.text();
    assert!(page.contains("<em>answer</em>") && !page.contains("Office <closed>"), "{page}");
    assert!(page.find("id=\"announcements\"").unwrap() < page.find("<h1").unwrap(), "it stands above the banner");
    for path in
        ["/history.atom", "/history.rss", "/feed.json", "/api/v2/summary.json", "/api/v2/incidents.json", "/history"]
    {
        assert!(!app.visitor().get(path).await.text().contains("Office"), "{path}");
    }
    app.clock.advance(TimeDelta::minutes(12));
    worker.tick(&app.state).await;
    assert!(shown(&app).await.is_empty());
}

#[apply(on_both_databases!)]
async fn page_follows_an_announcement_within_one_tick(test: TestDb) {
    let test = test.at_noon();
    let app = TestApp::new(test).await;
    let mut worker = Worker::default();
    let mut publisher = app.logged_in(Publisher).await;
    let starts = ahead(&app, 1);
    publisher.post(LIST, &[("title", "Soon"), ("starts_at", &starts), ("zone", "UTC")]).await;
    worker.tick(&app.state).await;
    app.clock.advance(TimeDelta::seconds(58));
    worker.tick(&app.state).await;
    assert!(shown(&app).await.is_empty());
    // Less than the interval after which pages are refreshed anyway.
    app.clock.advance(TimeDelta::seconds(2));
    worker.tick(&app.state).await;
    assert_eq!(shown(&app).await, ["Soon"]);
}

#[apply(on_both_databases!)]
async fn publisher_edits_ends_and_deletes_an_announcement(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let id = app.announcement("Office closed").await.id.to_string();
    let form = publisher.get(&format!("{LIST}/{id}/edit")).await;
    let starts = form.field("starts_at");
    let fields = [("version", "1"), ("title", "Office open"), ("starts_at", &*starts), ("zone", "UTC")];
    let saved = publisher.post(&format!("{LIST}/{id}"), &fields).await;
    assert!(saved.location().ends_with("done=announcement-saved"), "{}", saved.text());
    assert_eq!(shown(&app).await, ["Office open"]);
    let late = publisher.post(&format!("{LIST}/{id}"), &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
    assert!(publisher.post(&format!("{LIST}/{id}/end"), &[]).await.location().ends_with("done=announcement-ended"));
    assert!(shown(&app).await.is_empty());
    assert!(publisher.get(LIST).await.text().contains("Ended"));
    let gone = publisher.post(&format!("{LIST}/{id}/deletion"), &[]).await;
    assert!(gone.location().ends_with("done=announcement-deleted"), "{}", gone.text());
    assert_eq!(publisher.get(&format!("{LIST}/{id}/edit")).await.status, StatusCode::NOT_FOUND);
    let actions: Vec<String> = app.audit().await.into_iter().take(3).map(|record| record.action).collect();
    assert_eq!(actions, ["announcement.delete", "announcement.edit", "announcement.edit"]);
}

#[apply(on_both_databases!)]
async fn invalid_announcements_are_refused_beside_their_fields(test: TestDb) {
    let test = test.at_noon();
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let before = app.all_content().await;
    let (now, long) = (ahead(&app, 0), "x".repeat(MAX_BODY + 1));
    for (field, value) in [("title", ""), ("body", &*long), ("starts_at", "soon"), ("ends_at", &*now), ("zone", "Mars")]
    {
        let good = [("title", "Closed"), ("starts_at", &*now), ("zone", "UTC"), (field, value)];
        let answer = publisher.post(LIST, &good).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(!answer.message(field).is_empty(), "{field}: {}", answer.text());
    }
    assert!(app.all_content().await == before);
    let mut viewer = app.logged_in(Viewer).await;
    assert_eq!(viewer.get(LIST).await.status, StatusCode::OK);
    assert_eq!(viewer.post(LIST, &[("title", "x")]).await.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn announcements_are_limited_and_paginated(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    for at in 0..MAX_ANNOUNCEMENTS {
        app.announcement(&format!("Notice {at}")).await;
    }
    let now = ahead(&app, 0);
    let full = publisher.post(LIST, &[("title", "One more"), ("starts_at", &now), ("zone", "UTC")]).await;
    assert_eq!(full.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(full.message("title").contains("Limit reached"), "{}", full.text());
    app.tamper("update announcements set ends_at = starts_at", "update announcements set ends_at = starts_at").await;
    app.announcement("Newest").await;
    let first = publisher.get(LIST).await;
    assert_eq!(first.words(".plain-list h2").len(), 50);
    let older = first.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(publisher.get(&older).await.words(".plain-list h2").len(), 1);
}
