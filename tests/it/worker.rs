//! The worker's steps.

use candor::db::{Db, managers, sessions};
use candor::domain::Role::Owner;
use candor::domain::manager::LinkPurpose;
use candor::worker::{Worker, offer_setup_link, sweep};
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

#[apply(on_both_databases!)]
async fn change_by_another_process_shows_at_next_tick(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let other = Db::at(&app.test.url).unwrap();
    let mut tx = other.write().await.unwrap();
    candor::db::incidents::insert(&mut tx, &fixtures::incident("it", app.clock.now())).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), fixtures::entry()).await.unwrap();
    other.close().await;
    assert!(app.visitor().get("/").await.words(".card").is_empty());
    work.tick(&app).await;
    assert_eq!(app.visitor().get("/").await.word(".card h3"), "Incident it");
}

#[apply(on_both_databases!)]
async fn no_new_revision_publishes_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    assert!(!app.publisher.follow().await.unwrap());
    let site = app.publisher.site();
    let mut work = Worker::default();
    work.tick(&app).await;
    let refreshed = app.publisher.site();
    assert!(std::sync::Arc::ptr_eq(site.document("/").unwrap(), refreshed.document("/").unwrap()));
    app.clock.advance(TimeDelta::seconds(59));
    work.tick(&app).await;
    assert!(std::sync::Arc::ptr_eq(&refreshed, &app.publisher.site()), "published again within the minute");
    app.clock.advance(TimeDelta::seconds(1));
    work.tick(&app).await;
    assert_eq!(app.publisher.site().confirmed_at, app.clock.now());
}

#[apply(on_both_databases!)]
async fn setup_link_is_offered_only_without_managers(test: TestDb) {
    let app = TestApp::new(test).await;
    let (first, second) =
        (offer_setup_link(&app).await.unwrap().unwrap(), offer_setup_link(&app).await.unwrap().unwrap());
    assert!(first.starts_with("http://status.test/setup/") && first != second);
    let path = |link: &str| link.strip_prefix("http://status.test").unwrap().to_owned();
    assert_eq!(app.visitor().get(&path(&first)).await.status, 404, "the link of an earlier start still works");
    assert_eq!(app.visitor().get(&path(&second)).await.status, 200);
    let mut disabled = app.manager("Ines", Owner).await;
    let mut tx = app.db.write().await.unwrap();
    // The last owner can't be disabled, so the test adds another one.
    managers::create(&mut tx, fixtures::manager("Rui", Owner), Some("x"), app.clock.now()).await.unwrap();
    managers::disable(&mut tx, &mut disabled, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert!(offer_setup_link(&app).await.unwrap().is_none());
}

#[apply(on_both_databases!)]
async fn expired_rows_are_deleted(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let other = app.manager("Rui", Owner).await;
    app.with_session(&manager).await;
    app.link(LinkPurpose::Reset, Some(&manager), sessions::ENDED_RETENTION).await;
    app.clock.advance(sessions::ENDED_RETENTION - TimeDelta::minutes(1));
    let mut fresh = app.with_session(&manager).await;
    app.link(LinkPurpose::Invite, Some(&other), TimeDelta::days(3)).await;
    sweep(&app).await.unwrap();
    let counts = async || (app.session_count().await, app.number("select count(*) from one_time_links").await);
    assert_eq!(counts().await, (2, 2));
    let before = app.counts().await;
    app.clock.advance(TimeDelta::minutes(1));
    Worker::default().tick(&app).await;
    assert_eq!(counts().await, (1, 1));
    assert_eq!(app.counts().await, before, "sweeping is nobody's deed");
    assert_eq!(fresh.get("/admin").await.status, 200);
}

#[apply(on_both_databases!)]
async fn new_day_moves_the_list_of_days(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    let six_days_ago = app.clock.now() - TimeDelta::days(6);
    app.add(&[fixtures::resolved("old", six_days_ago, TimeDelta::hours(1))]).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let today = app.visitor().get("/").await;
    assert_eq!(today.words(".day h3"), ["Today, 10 Nov", "5 – 9 Nov", "Wed 4 Nov"]);
    assert!(today.words(".day")[2].contains("Incident old"));
    app.clock.advance(TimeDelta::hours(12));
    work.tick(&app).await;
    let tomorrow = app.visitor().get("/").await;
    assert_eq!(tomorrow.words(".day h3"), ["Today, 11 Nov", "5 – 10 Nov"]);
    assert!(tomorrow.words(".past a").is_empty(), "it began before the seven days");
    assert_ne!(today.header("etag"), tomorrow.header("etag"));
    assert_eq!(app.visitor().get("/incidents/old").await.status, 200);
}

#[apply(on_both_databases!)]
async fn open_incident_age_is_refreshed(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    assert!(app.visitor().get("/").await.word(".card .pill").ends_with(" · just now"));
    // Cached on-demand pages, too.
    let found = app.visitor().get("/history?q=incident").await;
    assert!(found.word(".entries li").contains("Incident it") && !found.word("main").contains(" min"));
    app.clock.advance(TimeDelta::minutes(12));
    work.tick(&app).await;
    assert!(app.visitor().get("/").await.word(".card .pill").ends_with(" · 12 min"));
    let found = app.visitor().get("/history?q=incident").await;
    assert!(found.word("main").contains("12 min"), "{}", found.word("main"));
}
