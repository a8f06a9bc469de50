//! Deleted, hidden or edited content is never served again from any copy, whatever fails afterwards.

use std::net::IpAddr;
use std::task::{Context, Waker};
use std::time::Duration;

use axum::http::StatusCode;
use candor::db::incidents;
use candor::domain::Role::Owner;
use candor::domain::audit::{Action, Entry};
use candor::domain::history::{HistoryFilter, Month};
use candor::domain::uptime::UptimeView;
use candor::domain::{Incident, IncidentId, Visibility};
use candor::publish::{Encoding, OnDemandError, OnDemandPage, Publisher};
use candor::worker::Worker;
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

/// A word in every text of the withdrawn incident, and in no other text.
const WITHDRAWN_TEXT: &str = "Xylophone";

/// Every address that shows the incident, prepared or rendered on demand.
const SHOWING: [&str; 21] = [
    "/",
    "/history",
    "/history/2026-11",
    "/history/2026-11?before=1794398400000000_zzz",
    "/history?q=xylophone",
    "/history?impact=major",
    "/history?from=2026-10-01&to=2026-12-01",
    "/uptime",
    "/incidents/marked",
    "/incidents/marked.json",
    "/api/v2/incidents/marked.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
    "/api/v2/summary.json",
    "/history.json",
    "/history.json?page=1",
    "/uptime_showcase",
    "/history.atom",
    "/history.rss",
    "/feed.json",
    "/embed",
];

/// The incident; `ago` decides whether its page is prepared or rendered on demand.
fn marked_incident(app: &TestApp, ago: TimeDelta) -> Incident {
    let mut incident = fixtures::incident("marked", app.clock.now() - ago);
    incident.title = format!("{WITHDRAWN_TEXT} is out");
    incident.updates[0].body = format!("The {WITHDRAWN_TEXT} is **out**.");
    incident
}

/// A page with the incident, whose documents have all been requested.
async fn read_everywhere(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    app.add(&[marked_incident(&app, TimeDelta::hours(1))]).await;
    let mut shown = 0;
    for address in SHOWING {
        let answer = app.visitor().get(address).await;
        assert!(answer.status.as_u16() < 500, "{address}");
        shown += usize::from(answer.text().contains(WITHDRAWN_TEXT));
    }
    assert!(shown >= 14, "only {shown} addresses show the incident");
    app
}

/// No address shows the marker: now, after another change, without the database, and a day later.
async fn marker_is_gone(app: &TestApp) {
    let is_gone = async |when: &str| {
        for address in SHOWING {
            let answer = app.visitor().get(address).await;
            assert!(!answer.text().contains(WITHDRAWN_TEXT), "{address} shows it {when}: {}", answer.status);
        }
    };
    // Another change makes the server forget the known 404s.
    let manager = app.manager("TestActor", Owner).await;
    app.through_login(&manager).await;
    let mut work = Worker::default();
    work.tick(app).await;
    app.clock.advance(TimeDelta::minutes(2));
    work.tick(app).await;
    app.db.close().await;
    is_gone("as soon as the database is away").await;
    work.tick(app).await;
    is_gone("while the database is away").await;
    app.clock.advance(TimeDelta::minutes(2));
    work.tick(app).await;
    is_gone("when the page is old").await;
    app.clock.advance(TimeDelta::days(1));
    work.tick(app).await;
    is_gone("a day later").await;
    let (_, mut restarted) = app.restart_with(app.db.clone());
    assert!(!restarted.get("/history").await.text().contains(WITHDRAWN_TEXT));
}

/// Commits a change like the handlers, and publishes it.
async fn change_incident(app: &TestApp, action: Action, edit: impl FnOnce(&mut Incident)) {
    let mut tx = app.db.write().await.unwrap();
    let id = IncidentId::parse("marked").unwrap();
    let before = candor::db::admin_incidents::find(&mut tx, &id).await.unwrap();
    let mut after = before.clone();
    edit(&mut after);
    after.recompute();
    incidents::update(&mut tx, &mut after, app.clock.now()).await.unwrap();
    let entry = Entry::new(action, &id, &before.title).before(&before).after(&after);
    tx.commit(&fixtures::actor(), app.clock.now(), entry).await.unwrap();
    app.publish().await;
}

#[apply(on_both_databases!)]
async fn deleted_incident_stays_away_during_an_outage(test: TestDb) {
    let app = read_everywhere(test).await;
    let mut owner = app.through_login(&app.manager("Ines", Owner).await).await;
    let path = "/admin/incidents/marked/deletion";
    let version = owner.get(path).await.field("version");
    let title = format!("{WITHDRAWN_TEXT} is out");
    let answer = owner.post(path, &[("title", &title), ("version", &version)]).await;
    assert_eq!(answer.location(), "/admin/incidents?done=incident-deleted", "{}", answer.text());
    marker_is_gone(&app).await;
}

#[apply(on_both_databases!)]
async fn hidden_incident_stays_away_during_an_outage(test: TestDb) {
    let app = read_everywhere(test).await;
    change_incident(&app, Action::IncidentEdit, |incident| incident.visibility = Visibility::Internal).await;
    marker_is_gone(&app).await;
}

#[apply(on_both_databases!)]
async fn edited_text_stays_away_during_an_outage(test: TestDb) {
    let app = read_everywhere(test).await;
    // Like a call of the management API that posts an update and edits the rest.
    change_incident(&app, Action::IncidentUpdate, |incident| {
        incident.title = "Something is out".into();
        incident.updates[0].body = "Something is out.".into();
    })
    .await;
    marker_is_gone(&app).await;
}

#[apply(on_both_databases!)]
async fn copies_survive_logins_and_additions_during_an_outage(test: TestDb) {
    let app = TestApp::new(test).await;
    let old = fixtures::resolved("old", "2026-01-05T10:00:00Z".parse().unwrap(), TimeDelta::hours(1));
    app.add(&[old]).await;
    let addresses = ["/history/2026-01", "/history?q=incident", "/api/v2/incidents/old.json"];
    for address in addresses {
        assert_eq!(app.visitor().get(address).await.status, StatusCode::OK, "{address}");
    }
    app.through_login(&app.manager("Ines", Owner).await).await;
    app.add(&[fixtures::incident("new", app.clock.now())]).await;
    app.db.close().await;
    let mut work = Worker::default();
    work.tick(&app).await;
    app.clock.advance(TimeDelta::minutes(2));
    work.tick(&app).await;
    for address in addresses {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert!(answer.headers.contains_key("candor-confirmed-at"), "{address}");
    }
}

#[apply(on_both_databases!)]
async fn unpublished_change_invalidates_every_copy(test: TestDb) {
    let app = read_everywhere(test).await;
    // The database fails between commit and publish, so the server can't know what changed.
    app.db.close().await;
    app.publish().await;
    let answer = app.visitor().get("/history?q=xylophone").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.text().contains(&format!("{WITHDRAWN_TEXT} is out")));
}

#[apply(on_both_databases!)]
async fn missing_page_loses_its_copies(test: TestDb) {
    let app = TestApp::new(test).await;
    let old = fixtures::resolved("old", "2026-01-05T10:00:00Z".parse().unwrap(), TimeDelta::hours(1));
    app.add(&[old]).await;
    app.add(&(0..40).map(|n| fixtures::incident(&format!("n{n}"), app.clock.now())).collect::<Vec<_>>()).await;
    assert_eq!(app.visitor().get("/incidents/old").await.status, StatusCode::OK);
    // Deletes the incident with an audit entry that says nothing was withdrawn.
    let mut tx = app.db.write().await.unwrap();
    incidents::delete(&mut tx, &IncidentId::parse("old").unwrap()).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), fixtures::addition()).await.unwrap();
    app.publish().await;
    assert_eq!(app.visitor().get("/incidents/old").await.status, StatusCode::NOT_FOUND);
    app.add(&[fixtures::incident("other", app.clock.now())]).await;
    app.db.close().await;
    Worker::default().tick(&app).await;
    assert_eq!(app.visitor().get("/incidents/old").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// Adding an incident withdraws nothing.
async fn insert_incident(test: &TestDb, incident: Incident) {
    let mut tx = test.write().await.unwrap();
    incidents::insert(&mut tx, &incident).await.unwrap();
    tx.commit(&fixtures::actor(), test.clock.now(), fixtures::addition()).await.unwrap();
}

/// A publisher that rejects requests at once instead of queueing them.
async fn impatient_publisher(test: &TestDb, folder: &tempfile::TempDir) -> Publisher {
    let file = folder.path().join("site");
    let publisher = Publisher::new(test.db.clone(), test.clock.clone(), "https://status.test".into(), file);
    let publisher = publisher.with_render_timeout(Duration::from_millis(20));
    publisher.publish().await.unwrap();
    publisher
}

const MARCH: OnDemandPage = OnDemandPage::Month(Month { year: 2025, month: 3 }, None);

/// A filter that was not requested before.
fn filtered_page(number: u32) -> OnDemandPage {
    let day = chrono::NaiveDate::from_ymd_opt(2025, 1, number).unwrap();
    OnDemandPage::Filtered(HistoryFilter::default().until(day), None)
}

fn client(number: u8) -> Option<IpAddr> {
    Some([192, 0, 2, number].into())
}

/// Starts to render these pages, each for its own client, and pauses: each holds its permit until dropped.
macro_rules! begin_to_render {
    ($publisher:ident, $pages:expr) => {{
        let mut held = Vec::new();
        for (page, client) in $pages {
            let mut rendering = Box::pin($publisher.on_demand_for(page, client));
            let begun = rendering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(begun.is_pending(), "it waits for the database");
            held.push(rendering);
        }
        held
    }};
}

#[apply(on_both_databases!)]
async fn full_queue_is_busy_and_serves_no_copy(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let at = "2025-03-01T06:00:00Z".parse().unwrap();
    insert_incident(&test, fixtures::incident("old", at)).await;
    let publisher = impatient_publisher(&test, &folder).await;
    let shown = publisher.on_demand(MARCH).await.unwrap();
    assert!(String::from_utf8_lossy(shown.document().bytes(Encoding::Plain)).contains("old"));
    // A new revision, as after any change.
    insert_incident(&test, fixtures::incident("new", test.clock.now())).await;
    publisher.publish().await.unwrap();
    let held =
        begin_to_render!(publisher, [(OnDemandPage::Quarter(2), client(1)), (OnDemandPage::Quarter(3), client(2))]);
    let refused = publisher.on_demand_for(MARCH, client(3)).await.unwrap_err();
    assert!(matches!(*refused, OnDemandError::Busy), "{refused}");
    drop(held);
    assert!(publisher.on_demand_for(MARCH, client(3)).await.is_ok());
}

#[apply(on_both_databases!)]
async fn random_requests_never_delay_bounded_pages(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let at = "2025-03-01T06:00:00Z".parse().unwrap();
    insert_incident(&test, fixtures::incident("old", at)).await;
    let publisher = impatient_publisher(&test, &folder).await;
    // Two clients hold all permits for filtered pages, so a third is rejected.
    let held = begin_to_render!(publisher, [(filtered_page(1), client(1)), (filtered_page(2), client(2))]);
    assert!(matches!(*publisher.on_demand_for(filtered_page(3), client(3)).await.unwrap_err(), OnDemandError::Busy));
    for page in [
        MARCH,
        OnDemandPage::Quarter(1),
        OnDemandPage::Uptime(UptimeView::default()),
        OnDemandPage::UptimeCsv,
        OnDemandPage::Incident(IncidentId::parse("old").unwrap()),
    ] {
        assert!(publisher.on_demand_for(page.clone(), client(3)).await.is_ok(), "{page:?}");
        // A client that fills one queue can still read the other pages.
        assert!(publisher.on_demand_for(page.clone(), client(1)).await.is_ok(), "{page:?}");
    }
    drop(held);
    // A client may hold only one permit, which leaves one to the others.
    let held = begin_to_render!(publisher, [(filtered_page(4), client(1))]);
    assert!(matches!(*publisher.on_demand_for(filtered_page(5), client(1)).await.unwrap_err(), OnDemandError::Busy));
    assert!(publisher.on_demand_for(filtered_page(6), client(2)).await.is_ok());
    drop(held);
}

#[apply(on_both_databases!)]
async fn pages_of_single_incidents_are_stale_briefly(test: TestDb) {
    let app = read_everywhere(test).await;
    let stale = async |address: &str| {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        answer.header("cache-control").rsplit("stale-if-error=").next().unwrap().to_owned()
    };
    for address in SHOWING.iter().filter(|address| address.contains("marked") || address.contains('?')) {
        assert_eq!(stale(address).await, "300", "{address}");
    }
    for address in ["/", "/history", "/feed.json", "/api/v2/summary.json", "/api/v2/incidents/unresolved.json"] {
        assert_eq!(stale(address).await, "86400", "{address}");
    }
}
