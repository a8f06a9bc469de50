//! Hidden incidents: nothing of them is public until they are published.

use axum::http::{HeaderName, StatusCode, header};
use candor::domain::Role::{Publisher, Viewer};
use candor::domain::{Component, Incident, Phase, Status, Visibility};
use candor::worker::{Worker, end_embargoes};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, status_of};
use crate::support::fixtures;

/// A word in every text of hidden incidents, and in no other text.
const SECRET: &str = "Xylophone";

/// Public addresses, each of which shows something of incidents.
const PUBLIC: [&str; 43] = [
    "/",
    "/history",
    "/history/2026-11",
    "/history/2026-10",
    "/history/2026-09",
    "/history?q=xylophone",
    "/history?q=incident",
    "/history?impact=critical",
    "/history?impact=major",
    "/history?range=12m",
    "/history?from=2026-09-01&to=2026-12-01",
    "/history?component=api",
    "/history?before=1794312000123456_zzz",
    "/history/2026-11?before=1794312000123456_zzz",
    "/uptime",
    "/incidents/shown",
    "/incidents/shown.json",
    "/api",
    "/api/openapi.json",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
    "/api/v2/incidents/shown.json",
    "/api/v2/scheduled-maintenances.json",
    "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json",
    "/history.json",
    "/history.json?page=1",
    "/history.json?page=2",
    "/history.json?page=99",
    "/uptime_showcase",
    "/uptime_showcase?components=api",
    "/uptime_showcase?components=never",
    "/history.atom",
    "/history.rss",
    "/feed.json",
    "/badge.svg",
    "/components/api/badge.svg",
    "/embed",
    "/embed/frame",
    "/maintenance.ics",
];

/// An incident with the secret in every text, which takes the API down from three days before it began.
fn secret_incident(app: &TestApp, id: &str, visibility: Visibility, ago: TimeDelta) -> Incident {
    let at = app.clock.now() - ago;
    let mut incident = fixtures::incident(id, at);
    incident.title = format!("{SECRET} {id}");
    incident.detected_by = Some(SECRET.into());
    incident.visibility = visibility;
    incident.updates = vec![fixtures::update(id, at, Phase::Identified, &[("api", Status::MajorOutage)])];
    incident.updates[0].body = format!("The {SECRET} is **out**.");
    incident.updates[0].components[0].name = SECRET.into();
    incident.recompute();
    incident
}

async fn with_public_incident(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    let mut api: Component =
        candor::db::components::create(&mut tx, fixtures::component("API"), app.clock.now() - TimeDelta::days(400))
            .await
            .unwrap();
    candor::db::components::delete(&mut tx, &api.id).await.unwrap();
    api.id = candor::domain::ComponentId::parse("api").unwrap();
    candor::db::components::insert(&mut tx, &api).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    app.add(&[fixtures::resolved("shown", app.clock.now() - TimeDelta::days(2), TimeDelta::hours(1))]).await;
    app
}

/// Adds incidents that are embargoed, internal and open, internal and resolved, and deleted; returns their ids.
async fn add_hidden_incidents(app: &TestApp) -> [&'static str; 4] {
    let until = app.clock.now() + TimeDelta::days(1);
    let mut over = secret_incident(app, "over", Visibility::Internal, TimeDelta::days(40));
    over.updates.push(fixtures::update("over-2", app.clock.now() - TimeDelta::days(39), Phase::Resolved, &[]));
    over.recompute();
    app.add(&[
        secret_incident(app, "later", Visibility::Embargoed(until), TimeDelta::hours(3)),
        secret_incident(app, "inside", Visibility::Internal, TimeDelta::days(1)),
        over,
    ])
    .await;
    let deleted = secret_incident(app, "deleted", Visibility::Public, TimeDelta::hours(2));
    app.add(std::slice::from_ref(&deleted)).await;
    let mut tx = app.db.write().await.unwrap();
    candor::db::incidents::delete(&mut tx, &deleted.id).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), fixtures::entry()).await.unwrap();
    app.publish().await;
    ["later", "inside", "over", "deleted"]
}

/// The answers at these addresses without their request ids and times of the last change: something public may have come
/// and gone in between.
async fn fetch_all(app: &TestApp, addresses: &[&str]) -> Vec<(StatusCode, Vec<(String, String)>, String)> {
    let mut answers = Vec::new();
    for address in addresses {
        answers.push(comparable_answer(app.visitor().get(address).await));
    }
    answers
}

fn comparable_answer(answer: Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let left_out = |name: &HeaderName| *name == "x-request-id" || *name == header::LAST_MODIFIED;
    let headers = answer.headers.iter().filter(|(name, _)| !left_out(name));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    (answer.status, headers, answer.text())
}

#[apply(on_both_databases!)]
async fn hidden_incident_leaves_public_pages_unchanged(test: TestDb) {
    let app = with_public_incident(test).await;
    let before = fetch_all(&app, &PUBLIC).await;
    let mut changes = app.publisher.changes();
    changes.mark_unchanged();
    add_hidden_incidents(&app).await;
    for ((address, before), after) in PUBLIC.iter().zip(before).zip(fetch_all(&app, &PUBLIC).await) {
        assert!(!after.2.contains(SECRET) || address.contains("q="), "{address} tells the secret");
        assert!(before == after, "{address} changed:\n{}\n{}", before.2, after.2);
    }
    // Only the deleted incident, which was public for a moment, created an event.
    changes.mark_unchanged();
    app.add(&[secret_incident(&app, "another", Visibility::Internal, TimeDelta::hours(1))]).await;
    assert!(!changes.has_changed().unwrap(), "followers were told of something hidden");
}

#[apply(on_both_databases!)]
async fn hidden_changes_leave_last_modified(test: TestDb) {
    let app = with_public_incident(test.at_noon()).await;
    app.refresh_in(TimeDelta::minutes(1)).await;
    let stamps = async || {
        let mut stamps = Vec::new();
        for address in PUBLIC {
            stamps.push(app.visitor().get(address).await.header("last-modified").to_owned());
        }
        stamps
    };
    let before = stamps().await;
    assert!(before.iter().filter(|stamp| !stamp.is_empty()).count() > PUBLIC.len() / 2, "{before:?}");
    // Editing and deleting count as withdrawals, which drop every cached page.
    app.clock.advance(TimeDelta::seconds(10));
    app.add(&[secret_incident(&app, "another", Visibility::Internal, TimeDelta::hours(1))]).await;
    let mut publisher = app.logged_in(Publisher).await;
    let edited = submit_edit(&app, &mut publisher, "another", &[("title", "Another title")]).await;
    assert_eq!(edited.location(), "/admin/incidents/another?done=incident-saved");
    assert_eq!(stamps().await, before);
    let another = app.incident("another").await;
    let mut tx = app.db.write().await.unwrap();
    let entry = candor::actions::incidents::delete(&mut tx, &another).await.unwrap();
    tx.commit_all(&fixtures::actor(), app.clock.now(), &[entry]).await.unwrap();
    app.publish().await;
    assert_eq!(stamps().await, before);
}

#[apply(on_both_databases!)]
async fn hidden_incident_is_404(test: TestDb) {
    let app = with_public_incident(test).await;
    let hidden = add_hidden_incidents(&app).await;
    for id in hidden {
        let never = format!("never{id}");
        for address in ["/incidents/ID", "/incidents/ID?done=x", "/incidents/ID.json", "/api/v2/incidents/ID.json"] {
            // The second request is answered from memory.
            for accept in ["*/*", "*/*", "application/json"] {
                let ask = async |id: &str| {
                    comparable_answer(app.visitor().get_with(&address.replace("ID", id), &[("accept", accept)]).await)
                };
                let (hidden_answer, like) = (ask(id).await, ask(&never).await);
                assert_eq!(hidden_answer.0, StatusCode::NOT_FOUND);
                assert!(hidden_answer == like, "{address} of {id} as {accept}");
            }
        }
    }
    assert_eq!(app.visitor().get("/history/2026-10").await.status, StatusCode::OK);
    assert!(!app.visitor().get("/history/2026-11").await.text().contains("2026-10"), "a neighbour is hinted at");
}

#[apply(on_both_databases!)]
async fn exports_omit_hidden_incidents(test: TestDb) {
    let app = with_public_incident(test).await;
    add_hidden_incidents(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let mut pages = Vec::new();
    let none = std::iter::empty();
    app.publisher.export(folder.path(), none, |page| pages.push(page.to_owned())).await.unwrap();
    pages.sort_unstable();
    let of_incidents: Vec<&str> =
        pages.iter().filter(|page| page.contains("/incidents/")).map(String::as_str).collect();
    assert_eq!(
        of_incidents,
        [
            "/api/v2/incidents/shown.json",
            "/api/v2/incidents/unresolved.json",
            "/incidents/shown",
            "/incidents/shown.json",
            "/incidents/shown.png",
        ]
    );
    let months: Vec<&str> = pages.iter().filter(|page| page.starts_with("/history/")).map(String::as_str).collect();
    assert_eq!(months, ["/history/2026-11"]);
    for page in pages {
        let place = folder.path().join(page.trim_start_matches('/'));
        let file = if place.is_dir() { place.join("index.html") } else { place };
        assert!(!String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(SECRET), "{page}");
    }
    let stored = std::fs::read(app.site_file()).unwrap();
    assert!(!stored.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "the stored Site tells it");
}

#[apply(on_both_databases!)]
async fn hiding_a_published_incident_removes_it_everywhere(test: TestDb) {
    let app = with_public_incident(test).await;
    let before = fetch_all(&app, &PUBLIC).await;
    app.add(&[secret_incident(&app, "slip", Visibility::Public, TimeDelta::days(100))]).await;
    assert!(app.visitor().get("/incidents/slip").await.text().contains(SECRET));
    assert!(app.visitor().get("/history?q=xylophone").await.text().contains("slip"));
    let mut publisher = app.logged_in(Publisher).await;
    let answer = submit_edit(&app, &mut publisher, "slip", &[("visibility", "internal")]).await;
    assert_eq!(answer.location(), "/admin/incidents/slip?done=incident-saved");
    for ((address, before), after) in PUBLIC.iter().zip(before).zip(fetch_all(&app, &PUBLIC).await) {
        assert!(before == after, "{address} still tells of it");
    }
    assert_eq!(app.visitor().get("/incidents/slip").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn an_embargo_ends_at_its_instant_and_only_once(test: TestDb) {
    let app = with_public_incident(test).await;
    let until = app.clock.now() + TimeDelta::hours(2);
    app.add(&[secret_incident(&app, "later", Visibility::Embargoed(until), TimeDelta::hours(1))]).await;
    let mut work = Worker::default();
    app.clock.advance(TimeDelta::hours(2) - TimeDelta::microseconds(1));
    work.tick(&app).await;
    assert_eq!(app.visitor().get("/incidents/later").await.status, StatusCode::NOT_FOUND);
    let before = app.counts().await;
    app.clock.advance(TimeDelta::microseconds(1));
    work.tick(&app).await;
    let page = app.visitor().get("/incidents/later").await;
    assert_eq!((page.status, page.word("h1")), (StatusCode::OK, format!("{SECRET} later")));
    assert!(app.visitor().get("/").await.word("h1").starts_with("API: major outage"));
    assert!(app.visitor().get("/uptime").await.text().contains("1 incident, 3 h major outage"));
    work.tick(&app).await;
    app.clock.advance(TimeDelta::hours(5));
    work.tick(&app).await;
    assert_eq!(app.counts().await, (before.0 + 1, before.1 + 1), "one revision and one row of the audit");
    let row = &app.audit().await[0];
    assert_eq!((row.action.as_str(), row.actor.name.as_str()), ("incident.end-embargo", "Candor"));
    assert_eq!(row.before.as_ref().unwrap()["visibility"]["embargoed"].as_str().unwrap().len(), 27);
    assert_eq!(row.after.as_ref().unwrap()["visibility"], "public");
}

#[apply(on_both_databases!)]
async fn missed_embargo_end_is_caught_up(test: TestDb) {
    let app = with_public_incident(test).await;
    let after = |hours| app.clock.now() + TimeDelta::hours(hours);
    app.add(&[
        secret_incident(&app, "first", Visibility::Embargoed(after(1)), TimeDelta::hours(1)),
        secret_incident(&app, "second", Visibility::Embargoed(after(2)), TimeDelta::hours(1)),
        secret_incident(&app, "third", Visibility::Embargoed(after(2000)), TimeDelta::hours(1)),
        secret_incident(&app, "never", Visibility::Internal, TimeDelta::hours(1)),
    ])
    .await;
    app.clock.advance(TimeDelta::days(30));
    Worker::default().tick(&app).await;
    for (id, status) in [("first", 200), ("second", 200), ("third", 404), ("never", 404)] {
        assert_eq!(app.visitor().get(&format!("/incidents/{id}")).await.status, status, "{id}");
    }
}

#[apply(on_both_databases!)]
async fn failing_embargo_does_not_block_others(test: TestDb) {
    let app = with_public_incident(test).await;
    let after = |hours| app.clock.now() + TimeDelta::hours(hours);
    app.add(&[
        secret_incident(&app, "first", Visibility::Embargoed(after(1)), TimeDelta::hours(1)),
        secret_incident(&app, "second", Visibility::Embargoed(after(2)), TimeDelta::hours(1)),
    ])
    .await;
    app.tamper(
        "create trigger stuck before update on incidents when old.id = 'first'
         begin select raise(abort, 'stuck'); end",
        "create function stuck() returns trigger language plpgsql as $$ begin raise exception 'stuck'; end $$;
         create trigger stuck before update on incidents for each row when (old.id = 'first') execute function stuck()",
    )
    .await;
    app.clock.advance(TimeDelta::hours(3));
    let error = end_embargoes(&app).await.unwrap_err();
    assert!(format!("{error:?}").contains("stuck"), "{error:?}");
    let mut work = Worker::default();
    work.tick(&app).await;
    for (id, status) in [("first", 404), ("second", 200)] {
        assert_eq!(app.visitor().get(&format!("/incidents/{id}")).await.status, status, "{id}");
    }
    app.tamper("drop trigger stuck", "drop trigger stuck on incidents").await;
    work.tick(&app).await;
    assert_eq!(app.visitor().get("/incidents/first").await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn two_nodes_end_an_embargo_once(test: TestDb) {
    let app = with_public_incident(test).await;
    let until = app.clock.now() + TimeDelta::hours(1);
    app.add(&[secret_incident(&app, "later", Visibility::Embargoed(until), TimeDelta::hours(1))]).await;
    app.clock.advance(TimeDelta::hours(1));
    let (other, _) = app.restart_with(candor::db::Db::at(&app.test.url).unwrap());
    let before = app.counts().await;
    let (one, two) = tokio::join!(end_embargoes(&app), end_embargoes(&other));
    one.and(two).unwrap();
    assert_eq!(app.counts().await, (before.0 + 1, before.1 + 1));
    other.db.close().await;
}

#[apply(on_both_databases!)]
async fn an_embargo_can_be_ended_by_hand(test: TestDb) {
    let app = with_public_incident(test).await;
    add_hidden_incidents(&app).await;
    let mut publisher = app.logged_in(Publisher).await;
    for id in ["later", "inside"] {
        let page = publisher.get(&format!("/admin/incidents/{id}")).await;
        let expected = if id == "inside" { "Internal: not on the public page." } else { "Scheduled to publish at " };
        assert!(page.word(".unseen-yet").starts_with(expected), "{}", page.text());
        assert!(!page.text().contains(&format!("\"/incidents/{id}\"")), "a link to what is not there");
        let version = page.field("version");
        let path = format!("/admin/incidents/{id}/publication");
        let answer = publisher.post(&path, &[("version", &version)]).await;
        assert_eq!(answer.location(), format!("/admin/incidents/{id}?done=incident-published"));
        assert_eq!(app.visitor().get(&format!("/incidents/{id}")).await.status, StatusCode::OK);
        assert_eq!(app.audit().await[0].action, "incident.publish");
        let again = app.counts().await;
        assert_eq!(publisher.post(&path, &[("version", &version)]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(app.counts().await, again, "published twice");
    }
    app.clock.advance(TimeDelta::days(2));
    let before = app.counts().await;
    Worker::default().tick(&app).await;
    assert_eq!(app.counts().await, before, "the schedule published again what is public already");
}

#[apply(on_both_databases!)]
async fn publishing_an_unseen_version_is_rejected(test: TestDb) {
    let app = with_public_incident(test).await;
    add_hidden_incidents(&app).await;
    let mut publisher = app.logged_in(Publisher).await;
    let answer = publisher.post("/admin/incidents/inside/publication", &[("version", "7")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(app.visitor().get("/incidents/inside").await.status, StatusCode::NOT_FOUND);
}

async fn submit_edit(app: &TestApp, browser: &mut Browser, id: &str, changed: &[(&str, &str)]) -> Answer {
    let form = browser.get(&format!("/admin/incidents/{id}/edit")).await;
    let names = [
        "version",
        "title",
        "visibility",
        "publish_at",
        "publish_zone",
        "started_at",
        "ended_at",
        "zone",
        "impact",
        "reminder",
        "detected_by",
        "internal_note",
    ];
    let mut fields: Vec<(&str, String)> = names.into_iter().map(|name| (name, form.field(name))).collect();
    for (name, value) in changed {
        fields.iter_mut().filter(|(known, _)| known == name).for_each(|(_, field)| *field = (*value).to_owned());
    }
    assert_eq!(app.incident(id).await.version.to_string(), form.field("version"));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(&format!("/admin/incidents/{id}"), &fields).await
}

#[apply(on_both_databases!)]
async fn visibility_is_chosen_at_open(test: TestDb) {
    let app = with_public_incident(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    assert_eq!(publisher.get("/admin/incidents/new").await.field("visibility"), "public");
    let api = status_of(&candor::domain::ComponentId::parse("api").unwrap());
    let fields = [("title", SECRET), ("phase", "identified"), ("body", SECRET), (api.as_str(), "major_outage")];
    let mut wrong = fields.to_vec();
    wrong.extend([("visibility", "embargoed"), ("publish_at", "2026-11-10T11:59"), ("publish_zone", "UTC")]);
    let answer = publisher.post("/admin/incidents", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("publish_at").contains("in the future"), "{}", answer.text());
    assert_eq!((answer.field("visibility"), answer.field("title")), ("embargoed".into(), SECRET.into()));
    let mut later = fields.to_vec();
    later.extend([("visibility", "embargoed"), ("publish_at", "2026-11-10T13:30"), ("publish_zone", "Europe/Berlin")]);
    let answer = publisher.post("/admin/incidents", &later).await;
    assert!(answer.location().ends_with("?done=incident-kept"), "{}", answer.text());
    let page = publisher.get(answer.location()).await;
    assert_eq!(page.word(".notice"), "Incident saved. Not public yet.");
    assert!(page.words(".unseen-yet p")[0].contains("10 Nov 2026, 12:30 UTC"));
    assert!(!app.visitor().get("/").await.text().contains(SECRET));
    app.clock.advance(TimeDelta::minutes(30));
    Worker::default().tick(&app).await;
    assert_eq!(app.visitor().get("/").await.word(".card h3"), SECRET);
}

#[apply(on_both_databases!)]
async fn visibility_is_chosen_at_edit(test: TestDb) {
    let app = with_public_incident(test).await;
    add_hidden_incidents(&app).await;
    let mut publisher = app.logged_in(Publisher).await;
    let answer = submit_edit(&app, &mut publisher, "later", &[("title", "Renamed")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let later = app.incident("later").await;
    assert_eq!(later.visibility, Visibility::Embargoed(app.clock.now() + TimeDelta::days(1)), "the seconds are kept");
    let missing = submit_edit(&app, &mut publisher, "inside", &[("visibility", "embargoed")]).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(missing.message("publish_at"), "Choose when to publish.");
    let shown = submit_edit(&app, &mut publisher, "inside", &[("visibility", "public")]).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER);
    assert_eq!(app.visitor().get("/incidents/inside").await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn visibility_is_shown_in_words(test: TestDb) {
    let app = with_public_incident(test).await;
    add_hidden_incidents(&app).await;
    let mut viewer = app.logged_in(Viewer).await;
    let marks = ["Publishes at 11 Nov 2026, 12:00 UTC", "Internal"];
    assert_eq!(viewer.get("/admin").await.words(".card .hidden-yet"), marks);
    assert_eq!(viewer.get("/admin/incidents").await.words("th .hidden-yet"), [marks[0], marks[1], marks[1]]);
    let page = viewer.get("/admin/incidents/inside").await;
    assert!(page.word(".unseen-yet").starts_with("Internal: ") && !page.text().contains("Publish now"));
    // The board in the admin also ignores hidden incidents.
    assert_eq!(viewer.get("/admin").await.word(".board .status"), "Operational");
}

#[test]
fn only_admin_queries_read_hidden_incidents() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.join("db"), root.join("publish"), root.join("web/public"), root.join("ui")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            let reads = [
                "from incidents",
                "join incidents",
                "from incident_status_intervals",
                "join incident_status_intervals",
            ];
            let reads = reads.iter().any(|words| text.replace("delete from", "").contains(words));
            let is_admin_query = path.ends_with("db/admin_incidents.rs");
            let asks = text.contains("admin_incidents::")
                && !path.starts_with(root.join("db"))
                && !path.starts_with(root.join("ui"));
            if (reads && !is_admin_query) || asks {
                found.push(path);
            }
        }
    }
    assert!(found.is_empty(), "{found:?}");
}
