//! Error pages of the admin have its navigation.

use axum::http::StatusCode;
use candor::domain::Role::{Publisher, Viewer};

use crate::support::TestDb;
use crate::support::app::{Answer, TestApp};

/// The answer has the admin's navigation, and its policy allows its scripts.
#[track_caller]
fn is_inside(answer: &Answer, status: StatusCode, heading: &str) {
    assert_eq!((answer.status, answer.word("h1").as_str()), (status, heading), "{}", answer.text());
    assert!(answer.attributes("nav a", "href").contains(&"/admin/incidents".to_owned()), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let nonce = answer.attributes("script", "nonce").remove(0);
    assert!(answer.header("content-security-policy").contains(&format!("'nonce-{nonce}'")));
}

#[apply(on_both_databases!)]
async fn forbidden_page_keeps_admin_layout(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut viewer = app.logged_in(Viewer).await;
    let answer = viewer.get("/admin/incidents/new").await;
    is_inside(&answer, StatusCode::FORBIDDEN, "You don't have permission");
    is_inside(
        &viewer.post("/admin/incidents", &[("title", "X")]).await,
        StatusCode::FORBIDDEN,
        "You don't have permission",
    );
    assert!(answer.attributes("main a", "href").contains(&"/admin".to_owned()));
}

#[apply(on_both_databases!)]
async fn not_found_text_is_the_same_everywhere(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let mut texts = Vec::new();
    for address in ["/admin/incidents/never", "/admin/incidents/%3Cb%3E/edit", "/admin/drafts/never"] {
        let answer = publisher.get(address).await;
        is_inside(&answer, StatusCode::NOT_FOUND, "Not found");
        assert!(!answer.text().contains("never") && !answer.text().contains("<b>"), "{address}");
        texts.push(answer.word("main"));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[apply(on_both_databases!)]
async fn conflict_page_states_the_reason(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    let mut publisher = app.logged_in(Publisher).await;
    let address = format!("/admin/components/{}/status", api.id);
    let stale = publisher.post(&address, &[("version", "0"), ("status", "major_outage")]).await;
    is_inside(&stale, StatusCode::CONFLICT, "Conflict");
    assert!(
        stale.word("main").contains("API was changed in the meantime; no status was updated."),
        "{}",
        stale.word("main")
    );
    let wrong = publisher.post(&address, &[("version", "1"), ("status", "broken")]).await;
    is_inside(&wrong, StatusCode::BAD_REQUEST, "Invalid request");
    assert!(wrong.word("main").contains("Choose a status from the list."));
}

#[apply(on_both_databases!)]
async fn api_and_anonymous_errors_are_unchanged(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let json = publisher.get_with("/admin/incidents/never", &[("accept", "application/json")]).await;
    assert_eq!((json.status, json.header("content-type")), (StatusCode::NOT_FOUND, "application/json"));
    let stranger = app.visitor().get("/admin/incidents/never").await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER, "{}", stranger.text());
}
