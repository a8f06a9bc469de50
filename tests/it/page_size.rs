//! The size of a page in bytes, and the cost of a flood of unknown addresses.

use axum::http::StatusCode;
use candor::cli::demo;
use candor::db::components;
use candor::publish::Encoding;
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

/// The initial congestion window in bytes: what arrives in one round trip (RFC 6928, 10 segments).
const FIRST_WINDOW: usize = 14_600;

fn compressed_size(app: &TestApp) -> usize {
    app.publisher.site().document("/").unwrap().bytes(Encoding::Brotli).len()
}

#[apply(on_both_databases!)]
async fn status_page_fits_the_first_round_trip(test: TestDb) {
    let app = TestApp::new(test).await;
    demo::load_demo(&app.db, &app.clock).await.unwrap();
    let now = app.clock.now();
    let more: Vec<_> = (1..=4)
        .map(|n| match n {
            1 | 2 => fixtures::incident(&format!("open{n}"), now - TimeDelta::hours(n)),
            _ => fixtures::resolved(&format!("recent{n}"), now - TimeDelta::days(n), TimeDelta::hours(2)),
        })
        .collect();
    app.add(&more).await;
    let answer = app.visitor().get_with("/", &[("accept-encoding", "br")]).await;
    let head: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let page = app.visitor().get("/").await;
    assert!(page.words(".card").len() >= 3 && page.text().contains("Tile API"));
    assert!(compressed_size(&app) <= 10_500, "{} bytes", compressed_size(&app));
    assert!(answer.body.len() + head <= FIRST_WINDOW, "{} bytes and {head} of header", answer.body.len());
    // The page is readable with one request.
    for (selector, attribute) in
        [("link[rel=stylesheet]", "href"), ("img", "src"), ("iframe", "src"), ("object", "data")]
    {
        assert!(page.attributes(selector, attribute).is_empty(), "{selector}");
    }
    assert!(!page.text().contains("@font-face") && !page.text().contains("@import"));
}

#[apply(on_both_databases!)]
async fn large_page_stays_small(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    for n in 0..124 {
        let mut new = fixtures::component(&format!("Region {n} of the tile servers"));
        new.description = format!("Serves what lies between the meridians {n} and {}", n + 1);
        components::create(&mut tx, new, app.clock.now()).await.unwrap();
    }
    tx.commit(&fixtures::actor(), app.clock.now(), fixtures::entry()).await.unwrap();
    app.publish().await;
    assert_eq!(app.visitor().get("/").await.text().matches("Region ").count() % 124, 0);
    assert!(compressed_size(&app) < 30_000, "{} bytes", compressed_size(&app));
}

#[apply(on_both_databases!)]
async fn a_flood_of_unknown_incidents_renders_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    for n in 0..200 {
        assert_eq!(app.visitor().get(&format!("/incidents/x{n}")).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(app.publisher.counts().rendered.value(), 0);
}

#[apply(on_both_databases!)]
async fn unknown_query_renders_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::resolved("old", "2026-01-05T10:00:00Z".parse().unwrap(), TimeDelta::hours(1))]).await;
    for n in 0..20 {
        for path in ["/", "/history", "/uptime", "/history/2026-01", "/incidents/old"] {
            assert_eq!(app.visitor().get(&format!("{path}?x={n}")).await.status, StatusCode::OK, "{path}");
        }
    }
    assert!(app.publisher.counts().rendered.value() <= 2, "one for the uptime and one for the month");
}
