//! Badges, and the embed page that other sites may frame.

use axum::http::StatusCode;
use candor::domain::Role::Owner;
use candor::domain::{Phase, Status};
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

#[apply(on_both_databases!)]
async fn badge_shows_status_and_is_cross_origin(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API <b>").await;
    app.publish().await;
    let path = format!("/components/{}/badge.svg", api.id);
    let green = app.visitor().get(&path).await;
    assert!(green.text().contains("<title>API &lt;b&gt;: Operational</title>"), "{}", green.text());
    let mut incident = fixtures::incident("it", app.clock.now());
    let down = [(api.id.as_str(), Status::MajorOutage)];
    incident.updates = vec![fixtures::update("u", app.clock.now(), Phase::Identified, &down)];
    incident.recompute();
    app.add(&[incident]).await;
    for (path, words) in [(path.as_str(), "API &lt;b&gt;: Major outage"), ("/badge.svg", "Status: Major outage")] {
        let badge = app.visitor().get(path).await;
        assert!(badge.text().contains(&format!("<title>{words}</title>")), "{}", badge.text());
        assert_eq!(badge.header("content-type"), "image/svg+xml; charset=utf-8");
        assert!(badge.header("content-security-policy").starts_with("default-src 'none';"), "{path}");
        assert_eq!(badge.header("cross-origin-resource-policy"), "cross-origin", "{path}");
    }
    assert_eq!(app.visitor().get("/components/never/badge.svg").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn framing_is_denied_by_default(test: TestDb) {
    let app = TestApp::new(test).await;
    for path in ["/embed", "/embed/frame", "/embed/frame?mobile=true", "/"] {
        let page = app.visitor().get(path).await;
        assert_eq!((page.status, page.header("x-frame-options")), (StatusCode::OK, "DENY"), "{path}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn owner_sets_allowed_embedders(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let version = owner.get("/admin/settings").await.field("version");
    let sites = "https://WWW.example.org/\r\nhttp://localhost:8080\r\n";
    let fields = [("version", version.as_str()), ("name", "Acme"), ("time_zone", "UTC"), ("embedders", sites)];
    assert_eq!(owner.post("/admin/settings", &fields).await.location(), "/admin/settings?done=settings-saved");
    assert_eq!(
        owner.get("/admin/settings").await.field("embedders"),
        "https://www.example.org\nhttp://localhost:8080\n"
    );
    for path in ["/embed", "/embed/frame"] {
        let page = app.visitor().get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with("frame-ancestors https://www.example.org http://localhost:8080"), "{policy}");
        assert!(!policy.contains("'none'; frame-ancestors 'none'") && policy.starts_with("default-src 'none'"));
        assert_eq!(page.header("x-frame-options"), "", "{path}");
    }
    let page = app.visitor().get("/").await;
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[apply(on_both_databases!)]
async fn invalid_embedder_is_rejected_at_its_field(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    for wrong in ["*", "https://example.org/path", "https://a.test; script-src *", "example.org"] {
        let fields = [("version", "1"), ("name", "Acme"), ("time_zone", "UTC"), ("embedders", wrong)];
        let answer = owner.post("/admin/settings", &fields).await;
        assert_eq!((answer.status, answer.field("embedders")), (StatusCode::UNPROCESSABLE_ENTITY, wrong.to_owned()));
        assert!(answer.message("embedders").contains("is not an origin"), "{}", answer.text());
    }
}

#[apply(on_both_databases!)]
async fn embed_shows_ongoing_events(test: TestDb) {
    let app = TestApp::new(test).await;
    let quiet = app.visitor().get("/embed/frame").await;
    assert_eq!(quiet.attributes("body[data-trouble]", "class"), [""; 0]);
    assert_eq!(quiet.word("main h1 a"), "This status page is being set up");
    app.component("API").await;
    app.publish().await;
    assert_eq!(app.visitor().get("/embed/frame").await.word("main h1 a"), "All systems operational");
    app.add(&[fixtures::incident("it", app.clock.now() - TimeDelta::hours(1))]).await;
    let loud = app.visitor().get("/embed/frame").await;
    assert_eq!(loud.attributes("body[data-trouble='yes']", "class"), ["embed tone-notice"], "neutral, not green");
    assert_eq!((loud.word("main h1"), loud.word("main h1 a")), ("Notice: Incident it".into(), "Incident it".into()));
    assert_eq!(loud.attributes("main li a", "href"), ["http://status.test/incidents/it"]);
    assert_eq!(loud.words("button"), ["Close"]);
    let plain = app.visitor().get("/embed").await;
    assert_eq!((plain.words("button").len(), plain.attributes("script", "src").len()), (0, 0));
}

#[apply(on_both_databases!)]
async fn embed_scripts_are_cross_origin(test: TestDb) {
    let app = TestApp::new(test).await;
    for path in ["/embed/script.js", "/embed/frame.js"] {
        let script = app.visitor().get(path).await;
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8", "{path}");
        assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin", "{path}");
    }
    assert_eq!(app.visitor().get("/embed/never").await.status, StatusCode::NOT_FOUND);
}
