//! The database is unreachable: visitors still read the page, and managers get an error page.

use axum::http::StatusCode;
use candor::db::Db;
use candor::domain::Role::Owner;
use candor::worker::Worker;
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

const PUBLISHED: [&str; 4] = ["/", "/history", "/incidents/recent", "/incidents/open"];

async fn published(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    app.add(&[
        fixtures::incident("open", now - TimeDelta::minutes(5)),
        fixtures::resolved("recent", now - TimeDelta::days(3), TimeDelta::hours(1)),
    ])
    .await;
    app
}

/// An unreachable database: a missing folder, or a port without a listener.
pub fn without_database(app: &TestApp) -> Db {
    let url = match &app.db {
        Db::Sqlite { .. } => "sqlite:///nonexistent/folder/candor.db",
        Db::Postgres(..) => "postgres://candor@127.0.0.1:1/candor",
    };
    Db::at(url).unwrap()
}

#[apply(on_both_databases!)]
async fn pages_are_served_without_database(test: TestDb) {
    let app = published(test).await;
    let mut before = Vec::new();
    for address in PUBLISHED {
        before.push(app.visitor().get(address).await.body);
    }
    let cached = app.visitor().get("/history?q=incident").await;
    app.db.close().await;
    for (address, before) in PUBLISHED.into_iter().zip(before) {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert!(answer.body == before, "{address}");
    }
    assert!(app.visitor().get("/history?q=incident").await.body == cached.body, "what was rendered is kept");
    assert_eq!(app.visitor().get("/healthz").await.status, StatusCode::OK);
    assert!(app.publisher.follow().await.is_err(), "as the worker finds out in its next round");
    let ready = app.visitor().get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().contains("\"database\":false"), "{}", ready.text());
    for address in ["/nothing", "/favicon.svg"] {
        assert!(app.visitor().get(address).await.status.as_u16() < 500, "{address}");
    }
}

#[apply(on_both_databases!)]
async fn unavailable_pages_are_503_without_database(test: TestDb) {
    let app = published(test).await;
    app.db.close().await;
    for address in ["/history?q=mail", "/history?impact=major", "/history/2024-01", "/incidents/old"] {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{address}");
        assert!(answer.attributes("a", "href").contains(&"/history".to_owned()), "{address}");
        assert_eq!((answer.header("retry-after"), answer.header("cache-control")), ("5", "no-store"), "{address}");
        assert!(!answer.text().contains("PoolClosed") && !answer.text().contains("closed pool"), "{address}");
    }
    let filtered = app.visitor().get("/history?q=mail").await;
    assert_eq!(filtered.word("h1"), "Filtering is temporarily unavailable");
    assert_eq!(filtered.attributes(".back a", "href"), ["/history", "/"]);
}

#[apply(on_both_databases!)]
async fn admin_reports_missing_database(test: TestDb) {
    let app = published(test).await;
    let mut owner = app.logged_in(Owner).await;
    app.db.close().await;
    for address in ["/admin", "/admin/incidents", "/admin/settings"] {
        let answer = owner.get(address).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{address}: {}", answer.text());
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(answer.words("h1").len(), 1, "{address} is a page");
        assert!(answer.cookies().is_empty(), "the session is not thrown away");
    }
    let login = app.visitor().post("/login", &[("email", "x@example.org"), ("password", "does not matter")]).await;
    assert_eq!(login.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.visitor().get("/login").await.status, StatusCode::OK);
    assert_eq!(app.visitor().get("/setup/token").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[apply(on_both_databases!)]
async fn changes_without_database_are_rejected(test: TestDb) {
    let app = published(test).await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.visitor().get("/").await.body;
    app.db.close().await;
    let fields = [("title", "Unheard"), ("phase", "identified"), ("body", "Text")];
    assert_eq!(owner.post("/admin/incidents", &fields).await.status, StatusCode::SERVICE_UNAVAILABLE);
    app.publish().await;
    assert!(app.visitor().get("/").await.body == before);
}

#[apply(on_both_databases!)]
async fn restart_without_database_serves_identical_bytes(test: TestDb) {
    let app = published(test).await;
    let (state, mut browser) = app.restart_with(without_database(&app));
    assert_eq!(state.publisher.site().revision, app.publisher.site().revision);
    for address in PUBLISHED {
        for encoding in ["br", "gzip", "identity"] {
            let headers = [("accept-encoding", encoding)];
            let (old, new) =
                (app.visitor().get_with(address, &headers).await, browser.get_with(address, &headers).await);
            assert_eq!((new.status, new.header("etag")), (StatusCode::OK, old.header("etag")), "{address}");
            assert_eq!(new.header("content-security-policy"), old.header("content-security-policy"));
            assert!(new.body == old.body, "{address} {encoding}");
        }
    }
    assert!(browser.get("/nothing").await.body == app.visitor().get("/nothing").await.body);
}

#[apply(on_both_databases!)]
async fn unpublished_page_is_not_ready(test: TestDb) {
    let app = TestApp::unpublished(test, "http://status.test");
    for address in ["/", "/history"] {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{address}");
        assert_eq!(answer.word("h1"), "Not ready yet", "{address}");
    }
    for address in ["/history.atom", "/feed.json", "/maintenance.ics", "/badge.svg", "/embed", "/api/v2/summary.json"] {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{address} may come");
        assert_eq!(answer.header("retry-after"), "5", "{address}");
    }
    assert_eq!(app.visitor().get("/nothing").await.status, StatusCode::NOT_FOUND);
    Worker::default().tick(&app).await;
    assert_eq!(app.visitor().get("/").await.word("h1"), "This status page is being set up");
}

#[apply(on_both_databases!)]
async fn broken_site_file_is_ignored(test: TestDb) {
    let app = published(test).await;
    let whole = std::fs::read(app.site_file()).unwrap();
    let broken = [
        Vec::new(),
        b"half a Si".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        [vec![99], whole[1..].to_vec()].concat(),
        vec![0xff; 4096],
    ];
    for bytes in broken {
        std::fs::write(app.site_file(), &bytes).unwrap();
        let (_, mut browser) = app.restart_with(without_database(&app));
        assert_eq!(browser.get("/").await.word("h1"), "Not ready yet", "{} bytes", bytes.len());
    }
    app.publish().await;
    let (_, mut browser) = app.restart_with(without_database(&app));
    assert_eq!(browser.get("/").await.status, StatusCode::OK, "the next Site is kept again");
}

#[apply(on_both_databases!)]
async fn worker_continues_without_database(test: TestDb) {
    let app = published(test).await;
    let before = app.visitor().get("/").await.word("h1");
    let mut work = Worker::default();
    work.tick(&app).await;
    app.db.close().await;
    app.clock.advance(TimeDelta::hours(1));
    for _ in 0..3 {
        work.tick(&app).await;
    }
    let after = app.visitor().get("/").await;
    assert_eq!((after.status, after.word("h1")), (StatusCode::OK, before));
    assert!(after.word(".stale").starts_with("Last updated at"), "{}", after.text());
}
