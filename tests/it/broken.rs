//! The database is removed, locked, damaged or stopped while the server runs: visitors get the last page with its age,
//! and the server recovers without a restart.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use candor::counters::ResponseClass;
use candor::domain::Role::Owner;
use candor::publish::{Publisher, Site, Snapshot, Step, render_site};
use candor::server::connection_limits::ConnectionLimits;
use candor::worker::Worker;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::app::{ORIGIN, TestApp};
use crate::support::postgres::Cluster;
use crate::support::server::{Server, until};
use crate::support::{TestDb, fixtures};

/// Addresses that were requested before: documents of the Site, cached pages and files.
const WARM: [&str; 23] = [
    "/",
    "/history",
    "/incidents/open",
    "/incidents/old",
    "/history/2026-01",
    "/history?q=incident",
    "/uptime",
    "/embed",
    "/embed/frame",
    "/badge.svg",
    "/history.atom",
    "/history.rss",
    "/feed.json",
    "/maintenance.ics",
    "/api/v2/summary.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/old.json",
    "/incidents/old.json",
    "/history.json?page=2",
    "/uptime_showcase",
    "/.well-known/candor-audit",
    "/favicon.svg",
    "/robots.txt",
];
/// Never stale.
const FILES: [&str; 2] = ["/favicon.svg", "/robots.txt"];

async fn warm_app(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let old = fixtures::resolved("old", "2026-01-05T10:00:00Z".parse().unwrap(), TimeDelta::hours(1));
    app.add(&[fixtures::incident("open", now - TimeDelta::minutes(5)), old]).await;
    app.component("DNS").await;
    app.publish().await;
    for address in WARM {
        assert_eq!(app.visitor().get(address).await.status, StatusCode::OK, "{address}");
    }
    app
}

/// Every warm address is answered; if `is_old`, with the time of the last confirmation.
async fn assert_all_pages_answer(app: &TestApp, is_old: bool) {
    for address in WARM {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        let is_page = answer.header("content-type").starts_with("text/html");
        let notices = answer.words(".stale").len();
        assert_eq!(notices, usize::from(is_page && is_old), "{address}: {}", answer.text());
        assert_eq!(address == "/badge.svg" && is_old, answer.text().contains(", as of "), "{address}");
        let says = is_old && !FILES.contains(&address);
        assert_eq!(answer.headers.contains_key("candor-confirmed-at"), says, "{address}");
        let is_shared = answer.headers.contains_key("access-control-allow-origin");
        assert_eq!(answer.headers.contains_key("access-control-expose-headers"), says && is_shared, "{address}");
    }
}

/// The database fails for an hour: pages become stale after a while and stay so the next day.
async fn run_an_hour_without_database(app: &TestApp, work: &mut Worker) {
    work.tick(app).await;
    assert_all_pages_answer(app, false).await;
    let trouble = app.publisher.last_failure().expect("trouble");
    assert_eq!(trouble.step, Step::Reading);
    let fresh = app.visitor().get("/feed.json").await.header("etag").to_owned();
    app.clock.advance(TimeDelta::seconds(61));
    work.tick(app).await;
    assert_all_pages_answer(app, true).await;
    let old = app.visitor().get_with("/feed.json", &[("if-none-match", &fresh)]).await;
    assert_eq!(
        old.status,
        StatusCode::OK,
        "a cache that held the fresh one learns that it is old, and later that it is not"
    );
    let ready = app.visitor().get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{}", ready.text());
    app.clock.advance(TimeDelta::days(1));
    work.tick(app).await;
    assert_all_pages_answer(app, true).await;
}

/// Some worker rounds after the database is back, everything is fresh. A connection that a reader returned is closed in
/// the next round.
async fn assert_recovered(app: &TestApp, work: &mut Worker) {
    let begun = Instant::now();
    work.tick(app).await;
    while app.publisher.last_failure().is_some() && begun.elapsed() < Duration::from_secs(15) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        work.tick(app).await;
    }
    app.state.worker_heartbeat().beat();
    assert_all_pages_answer(app, false).await;
    assert_eq!(app.publisher.last_failure(), None);
    let ready = app.visitor().get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
    let manager = app.manager("Afterwards", Owner).await;
    let mut owner = app.with_session(&manager).await;
    let answer = owner.post("/admin/groups", &[("name", "Afterwards"), ("description", "")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
}

fn database_file(test: &TestDb) -> PathBuf {
    test.url.strip_prefix("sqlite://").unwrap().into()
}

fn sibling_path(file: &Path, ending: &str) -> PathBuf {
    format!("{}{ending}", file.display()).into()
}

#[tokio::test]
async fn removed_sqlite_file_is_detected_and_its_copy_opened() {
    let app = warm_app(TestDb::sqlite().await).await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    work.tick(&app).await;
    let copy = sibling_path(&file, ".copy");
    app.db.backup(&copy).await.unwrap();
    let mut owner = app.logged_in(Owner).await;
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(sibling_path(&file, ending)).unwrap();
    }
    let lost = owner.post("/admin/groups", &[("name", "Lost"), ("description", "")]).await;
    assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE, "what nobody could find again is not accepted");
    run_an_hour_without_database(&app, &mut work).await;
    std::fs::rename(&copy, &file).unwrap();
    assert_recovered(&app, &mut work).await;
}

#[tokio::test]
async fn moved_sqlite_file_is_reopened_when_back() {
    let app = warm_app(TestDb::sqlite().await).await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    work.tick(&app).await;
    std::fs::rename(&file, sibling_path(&file, ".away")).unwrap();
    run_an_hour_without_database(&app, &mut work).await;
    std::fs::rename(sibling_path(&file, ".away"), &file).unwrap();
    assert_recovered(&app, &mut work).await;
}

#[tokio::test]
async fn stale_pages_are_served_as_fast() {
    let app = warm_app(TestDb::sqlite().await).await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    work.tick(&app).await;
    let routed = || -> u64 {
        let counts = app.state.responses().counts();
        counts.filter(|(class, ..)| *class == ResponseClass::Routed).map(|(.., count)| count).sum()
    };
    assert_all_pages_answer(&app, false).await;
    let before = routed();
    assert_all_pages_answer(&app, false).await;
    assert_eq!(routed(), before, "all of it is ready");
    // Pages cached in an earlier edition can't be rendered any more.
    app.add(&[fixtures::incident("newer", app.clock.now())]).await;
    for address in WARM.iter().filter(|address| !address.contains('?')) {
        app.visitor().get(address).await;
    }
    std::fs::rename(&file, sibling_path(&file, ".away")).unwrap();
    work.tick(&app).await;
    app.clock.advance(TimeDelta::seconds(61));
    work.tick(&app).await;
    assert_all_pages_answer(&app, true).await;
    let before = routed();
    assert_all_pages_answer(&app, true).await;
    assert_eq!(routed(), before, "all of it is ready, and says how old it is");
    std::fs::rename(sibling_path(&file, ".away"), &file).unwrap();
    assert_recovered(&app, &mut work).await;
}

#[tokio::test]
async fn damaged_sqlite_file_is_survived_until_replaced() {
    let app = warm_app(TestDb::sqlite().await).await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    work.tick(&app).await;
    let copy = sibling_path(&file, ".copy");
    app.db.backup(&copy).await.unwrap();
    // As by a failing disk: all files at once, including the write-ahead log.
    for ending in ["", "-wal", "-shm"] {
        let length = std::fs::metadata(sibling_path(&file, ending)).unwrap().len();
        std::fs::write(sibling_path(&file, ending), vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
    }
    run_an_hour_without_database(&app, &mut work).await;
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(sibling_path(&file, ending));
    }
    std::fs::rename(&copy, &file).unwrap();
    assert_recovered(&app, &mut work).await;
}

#[tokio::test]
async fn locked_sqlite_file_is_still_readable() {
    let app = warm_app(TestDb::sqlite().await).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let mut owner = app.logged_in(Owner).await;
    let mut other = SqliteConnection::connect(&app.test.url).await.unwrap();
    sqlx::query("begin exclusive").execute(&mut other).await.unwrap();
    app.clock.advance(TimeDelta::seconds(61));
    work.tick(&app).await;
    assert_all_pages_answer(&app, false).await;
    let refused = owner.post("/admin/groups", &[("name", "Locked out"), ("description", "")]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    assert_recovered(&app, &mut work).await;
}

#[tokio::test]
async fn postgres_restart_is_detected_and_recovered() {
    let Some(cluster) = Cluster::start().await else { return };
    let app = warm_app(TestDb::on(&cluster)).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    cluster.stop();
    run_an_hour_without_database(&app, &mut work).await;
    let mut visitor = app.visitor();
    assert_eq!(visitor.get("/incidents/never-read").await.status, StatusCode::SERVICE_UNAVAILABLE);
    cluster.start_again();
    assert_recovered(&app, &mut work).await;
    app.db.close().await;
}

#[tokio::test]
async fn start_without_database_serves_last_page() {
    let (test, data) = (TestDb::sqlite().await, tempfile::tempdir().unwrap());
    let mut first = Server::published(&test.url, &test.clock, ConnectionLimits::default(), &data).await;
    let revision = first.state.publisher.site().revision;
    first.stop.cancel();
    (&mut first.ended).await.unwrap().unwrap();
    let file = database_file(&test);
    for db in [&first.state.db, &test.db] {
        db.close().await;
    }
    let mut other = SqliteConnection::connect(&test.url).await.unwrap();
    sqlx::query("pragma locking_mode = exclusive").execute(&mut other).await.unwrap();
    sqlx::query("begin exclusive").execute(&mut other).await.unwrap();
    serves_last_page(&test.url, &test, &data, revision).await;
    other.close().await.unwrap();
    std::fs::write(&file, vec![0xa5; 8192]).unwrap();
    serves_last_page(&test.url, &test, &data, revision).await;
    std::fs::remove_file(&file).unwrap();
    for url in [test.url.as_str(), "postgres://candor@127.0.0.1:1/candor"] {
        serves_last_page(url, &test, &data, revision).await;
    }
    assert!(!file.exists(), "no empty database took the place of the one that is gone");
}

/// A server starts from the Site file and serves it, before and after its worker fails to reach the database.
async fn serves_last_page(url: &str, test: &TestDb, data: &tempfile::TempDir, revision: i64) {
    let stored_at = Site::read(&data.path().join("site")).unwrap().confirmed_at;
    test.clock.advance(TimeDelta::minutes(2));
    let begun = Instant::now();
    let mut server = Server::start(url, &test.clock, ConnectionLimits::default(), data).await;
    let request = "GET / HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n";
    assert!(server.answer(request).await.starts_with("HTTP/1.1 200 OK"), "{url}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{url}: {:?} on a busy machine", begun.elapsed());
    while server.state.publisher.last_failure().is_none() && begun.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.state.publisher.last_failure().map(|trouble| trouble.step), Some(Step::Reading), "{url}");
    until("it says how old it is", || server.state.publisher.site().staleness.is_some()).await;
    let answer = server.answer(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{url}");
    let field = stored_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    assert!(answer.contains(&format!("candor-confirmed-at: {field}\r\n")), "{url}: {answer}");
    let (_, notice) = answer.split_once("Last updated at ").expect("the page says it too");
    let words = stored_at.format("%-d %b %Y, %H:%M UTC</time>").to_string();
    assert!(notice.split_once("\">").is_some_and(|(_, told)| told.starts_with(&words)), "{url}: {notice}");
    assert_eq!(server.state.publisher.site().revision, revision, "{url}");
    server.stop.cancel();
    (&mut server.ended).await.unwrap().unwrap();
}

/// A renderer that panics if an incident is open.
fn with_failing_renderer(snapshot: &Snapshot, before: &Site, origin: &str, now: DateTime<Utc>) -> Site {
    assert!(snapshot.open.is_empty(), "this renderer knows no incidents");
    render_site(snapshot, before, origin, now)
}

#[tokio::test]
async fn panicking_renderer_keeps_old_page_and_is_reported() {
    let app = TestApp::with_renderer(TestDb::sqlite().await, with_failing_renderer).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let before = app.visitor().get("/").await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    work.tick(&app).await;
    assert!(app.visitor().get("/").await.body == before.body);
    let trouble = app.publisher.last_failure().expect("trouble");
    assert_eq!((trouble.step, trouble.since), (Step::Rendering, app.clock.monotonic()));
    let ready = app.visitor().get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().contains("\"trouble\":\"rendering\"") && ready.text().contains("\"database\":true"));
    assert!(!ready.text().contains("knows no incidents"), "the cause is for the log");
    app.clock.advance(TimeDelta::seconds(61));
    work.tick(&app).await;
    assert_eq!(app.visitor().get("/").await.words(".stale").len(), 1);
    app.tamper("delete from incidents", "delete from incidents").await;
    app.clock.advance(TimeDelta::seconds(30));
    work.tick(&app).await;
    assert_eq!((app.publisher.last_failure(), app.visitor().get("/").await.words(".stale").len()), (None, 0));
}

#[tokio::test]
async fn failing_render_backs_off_until_next_revision() {
    let app = TestApp::with_renderer(TestDb::sqlite().await, with_failing_renderer).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let served = app.visitor().get("/").await.body;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    // The first attempt was made when the incident was added.
    let failed = || app.publisher.counts().failed.value();
    let mut tried = Vec::new();
    for second in 0..100 {
        let before = failed();
        for _ in 0..3 {
            work.tick(&app).await;
        }
        if failed() > before {
            assert_eq!(failed(), before + 1, "once in a second at most");
            tried.push(second);
        }
        assert_eq!(
            app.publisher.last_failure().map(|trouble| trouble.step),
            Some(Step::Rendering),
            "it is still reported"
        );
        app.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(tried, [1, 3, 7, 15, 31, 61, 91]);
    let page = app.visitor().get("/").await;
    assert_eq!((page.status, page.words(".stale").len()), (StatusCode::OK, 1));
    // A new revision is rendered at once, and a failure restarts the backoff.
    let before = failed();
    app.add(&[fixtures::incident("another", app.clock.now())]).await;
    work.tick(&app).await;
    assert_eq!(failed(), before + 1, "by whoever changed something, and not again by the worker");
    app.clock.advance(TimeDelta::seconds(1));
    work.tick(&app).await;
    assert_eq!(failed(), before + 2);
    app.tamper("delete from incidents", "delete from incidents").await;
    app.component("DNS").await;
    app.clock.advance(TimeDelta::seconds(2));
    work.tick(&app).await;
    assert_eq!(app.publisher.last_failure(), None);
    assert!(app.visitor().get("/").await.body != served, "the component shows");
}

#[tokio::test]
async fn unstorable_site_is_served_and_old_file_kept() {
    let test = TestDb::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/site");
    let publisher = Publisher::new(test.db.clone(), test.clock.clone(), ORIGIN.to_owned(), file.clone());
    // A file in place of the folder, because root could write into any folder.
    std::fs::write(folder.path().join("data"), "in the way").unwrap();
    let revision = publisher.publish().await.unwrap();
    assert_eq!(publisher.site().revision, revision);
    assert_eq!(publisher.last_failure().map(|trouble| trouble.step), Some(Step::Storing));
    std::fs::remove_file(folder.path().join("data")).unwrap();
    publisher.publish().await.unwrap();
    assert_eq!((publisher.last_failure(), Site::read(&file).unwrap().revision), (None, revision));
    let whole = std::fs::read(&file).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&file, &whole[..length]).unwrap();
        assert!(Site::read(&file).is_err(), "{length} of {} bytes are no Site", whole.len());
    }
}

#[apply(on_both_databases!)]
async fn stuck_worker_and_stale_site_are_reported(test: TestDb) {
    let app = TestApp::new(test).await;
    let ready = async || app.visitor().get("/readyz").await.status;
    assert_eq!(ready().await, StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(61));
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE, "the worker has not begun a round for a minute");
    app.state.worker_heartbeat().beat();
    assert_eq!(ready().await, StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(5));
    app.state.worker_heartbeat().beat();
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE, "the Site was not confirmed for five minutes");
    app.publish().await;
    assert_eq!(ready().await, StatusCode::OK);
    app.state.streams().close_all();
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE, "the server stops");
}
