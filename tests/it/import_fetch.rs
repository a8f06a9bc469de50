//! Fetching a page to import: throttled, robust against any server, and resumable.

use std::sync::Mutex;
use std::time::Duration;

use candor::db::{admin_incidents, maintenances, postmortems, subscribers, templates};
use candor::domain::subscriber::{Scope, SubscriberState};
use candor::domain::{ComponentId, IncidentId, MaintenanceId, Phase};
use candor::import::ImportReport;
use candor::import::fetch::{self, DownloadCache, FetchStep, Throttle, ThrottledClient};
use candor::net::http_client::ResponseLimits;
use candor::server::connection_limits::ConnectionLimits;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::cli::{candor, stderr_text};
use crate::export_import::{
    copy_unexported_settings, differing_documents, empty_database, exported_demo, import_folder,
};
use crate::support::TestDb;
use crate::support::app::TestApp;
use crate::support::fake_statuspage::{Answer, FakeResponse, FakeStatuspage};
use crate::support::server::Server;

/// Fast enough that no test waits, with a short timeout and a small size limit.
fn test_throttle() -> Throttle {
    let bounds = ResponseLimits { time: Duration::from_secs(30), size: 1 << 20 };
    Throttle { pause: Duration::ZERO, second: Duration::from_millis(1), bounds, total: 1 << 30 }
}

/// Fetches the public page at `url` into `folder`: returns the failures and the seconds of each wait.
async fn fetch_page(url: &Url, folder: &TempDir, pace: Throttle) -> (anyhow::Result<Vec<String>>, Vec<u64>) {
    let waits = Mutex::new(Vec::new());
    let watch = |step: FetchStep<'_>| {
        if let FetchStep::Waiting(seconds) = step {
            waits.lock().unwrap().push(seconds);
        }
    };
    let clock = candor::clock::Clock::fixed(crate::support::now());
    let keep = DownloadCache::open(&folder.path().join("kept"), url, false).unwrap();
    let result = match ThrottledClient::new(url, None, pace, &clock, &watch) {
        Ok(mut polite) => fetch::fetch_public(&mut polite, &keep).await,
        Err(error) => Err(error),
    };
    (result, waits.into_inner().unwrap())
}

async fn import(test: &TestDb, folder: &TempDir) -> ImportReport {
    import_folder(test, &folder.path().join("kept")).await
}

fn incident(id: &str, status: &str, updates: &[(&str, &str)]) -> Value {
    let update = |(minute, (status, body)): (usize, &(&str, &str))| {
        json!({"id": format!("{id}u{minute}"), "status": status, "body": body,
               "display_at": format!("2026-03-01T10:{minute:02}:00.000-07:00"),
               "affected_components": [{"code": "b1n8y5t3w6qd", "name": "API", "old_status": "operational",
                                        "new_status": "partial_outage"}]})
    };
    let updates: Vec<Value> = updates.iter().enumerate().map(update).rev().collect();
    json!({"id": id, "name": format!("Incident {id}"), "status": status, "impact": "major",
           "created_at": "2026-03-01T10:00:00.000-07:00", "started_at": "2026-03-01T10:00:00.000-07:00",
           "updated_at": "2026-03-01T10:09:00.000-07:00", "resolved_at": null, "shortlink": "https://stspg.io/x",
           "incident_updates": updates, "components": []})
}

fn maintenance(id: &str, status: &str) -> Value {
    let mut maintenance = incident(id, status, &[(status, "Work")]);
    maintenance["impact"] = json!("maintenance");
    maintenance["scheduled_for"] = json!("2026-12-09T02:00:00.000-07:00");
    maintenance["scheduled_until"] = json!("2026-12-09T04:00:00.000-07:00");
    maintenance
}

fn history(codes: &[&str]) -> Value {
    let rows: Vec<Value> = codes.iter().map(|code| json!({"code": code, "name": code, "impact": "none"})).collect();
    json!({"page_status": {}, "components": [], "months": [{"name": "March", "incidents": rows}, {"name": "February"}]})
}

/// A page whose lists have two incidents and a maintenance, and whose history has more.
fn hosted_page() -> FakeStatuspage {
    hosted_page_at("127.0.0.1")
}

pub fn hosted_page_at(address: &str) -> FakeStatuspage {
    let page = json!({"id": "k2v7xq0m4c9z", "name": "Acme", "url": "https://acme.test", "time_zone": "America/Denver",
                      "updated_at": "2026-03-04T09:15:02.417-07:00"});
    let part = json!({"id": "b1n8y5t3w6qd", "name": "API", "status": "operational", "position": 1, "group": false,
                      "start_date": "2024-01-09", "created_at": "2024-01-09T08:00:11.120-07:00"});
    let (new, newer) = (
        incident("recent", "resolved", &[("investigating", "Looking"), ("resolved", "Over")]),
        incident("newer", "postmortem", &[("resolved", "Over"), ("postmortem", "A pump failed.")]),
    );
    let server = FakeStatuspage::at(address);
    server.serve_document(
        "/api/v2/summary.json",
        json!({"page": page, "components": [part], "incidents": [],
                                              "scheduled_maintenances": [], "status": {"indicator": "none"}}),
    );
    server.serve_document("/api/v2/components.json", json!({"page": page, "components": [part]}));
    server.serve_document("/api/v2/incidents.json", json!({"page": page, "incidents": [newer, new]}));
    server.serve_document(
        "/api/v2/scheduled-maintenances.json",
        json!({"page": page, "scheduled_maintenances": [maintenance("coming", "scheduled")]}),
    );
    server.serve_document("/history.json?page=1", history(&["newer", "recent", "coming", "old"]));
    server.serve_document("/history.json?page=2", history(&["older", "oldwork", "../etc/passwd"]));
    server.respond_otherwise(|path| {
        if path.starts_with("/history.json") {
            FakeResponse::Text(history(&[]).to_string())
        } else {
            FakeResponse::Status(404, "")
        }
    });
    let old = incident("old", "resolved", &[("resolved", "Over")]);
    server.serve_document("/api/v2/incidents/old.json", json!({"page": page, "incident": old}));
    server.serve_document("/incidents/older.json", incident("older", "resolved", &[("resolved", "Long over")]));
    let mut work = maintenance("oldwork", "completed");
    work["scheduled_for"] = json!("2025-01-09T02:00:00.000-07:00");
    work["scheduled_until"] = json!("2025-01-09T04:00:00.000-07:00");
    server.serve_document("/api/v2/incidents/oldwork.json", json!({"page": page, "incident": work}));
    server.serve_document("/history.atom", "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><title>t</title>\
        <updated>2026-03-01T19:40:00Z</updated><entry><id>tag:status.acme.test,2005:Incident/28461093</id><title>t</title>\
        <updated>2026-03-01T19:40:00Z</updated>\
        <link rel=\"alternate\" href=\"https://status.acme.test/incidents/newer\"/></entry></feed>");
    server
}

#[apply(on_both_databases!)]
async fn public_page_is_fully_imported(test: TestDb) {
    let server = hosted_page();
    let folder = tempfile::tempdir().unwrap();
    let (problems, waits) = fetch_page(&server.url, &folder, test_throttle()).await;
    let problems = problems.unwrap();
    assert_eq!((problems.len(), waits.len()), (1, 0), "{problems:?}");
    assert!(problems[0].contains("../etc/passwd"));
    let asked = server.take_requests();
    let unique: std::collections::BTreeSet<&String> = asked.iter().collect();
    assert_eq!((unique.len(), server.max_concurrent()), (asked.len(), 1), "{asked:?}");
    // Incidents that the lists contain in full are not requested again.
    assert!(!asked.iter().any(|path| path.ends_with("/recent.json")), "{asked:?}");
    let report = import(&test, &folder).await;
    assert_eq!(
        (report.incidents.created, report.maintenances.created, report.feed_ids.created),
        (4, 2, 1),
        "{report:#?}"
    );
    assert!(import(&test, &folder).await.changes_nothing());
    let mut tx = test.read().await.unwrap();
    let find = |id: &str| IncidentId::parse(id).unwrap();
    assert_eq!(admin_incidents::find(&mut tx, &find("older")).await.unwrap().updates[0].body, "Long over");
    let newer = admin_incidents::find(&mut tx, &find("newer")).await.unwrap();
    assert_eq!((newer.updates.len(), newer.phase), (1, Phase::Resolved));
    assert_eq!(postmortems::find_published(&mut tx, &newer.id).await.unwrap().unwrap().body, "A pump failed.");
    let work = maintenances::find(&mut tx, &MaintenanceId::parse("oldwork").unwrap()).await.unwrap();
    assert!(work.phase.is_over());
    drop(tx);
    let app = TestApp::new(test).await;
    let feed = app.visitor().get("/history.atom").await.text();
    assert!(feed.contains("<id>tag:status.acme.test,2005:Incident/28461093</id>"), "{feed}");
}

#[tokio::test]
async fn retry_after_is_respected() {
    let server = hosted_page();
    let page = FakeResponse::Text(json!({"page": {"name": "Acme"}, "components": []}).to_string());
    server.respond(
        "/api/v2/components.json",
        vec![
            FakeResponse::Status(429, "retry-after: 7"),
            // The test's clock is at 12:00:00.
            FakeResponse::Status(503, "retry-after: Tue, 10 Nov 2026 12:01:40 GMT"),
            FakeResponse::Status(503, ""),
            FakeResponse::Status(429, "retry-after: nonsense"),
            page.clone(),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let (problems, waits) = fetch_page(&server.url, &folder, test_throttle()).await;
    assert!(problems.is_ok(), "{problems:?}");
    assert_eq!(waits, [7, 99, 4, 8]);
    for (answer, message) in
        [("retry-after: 3600", "wait 60 minutes"), ("retry-after: 1", "no answer after 6 attempts")]
    {
        let server = hosted_page();
        server.respond("/api/v2/components.json", vec![FakeResponse::Status(429, answer)]);
        let (problems, _) = fetch_page(&server.url, &tempfile::tempdir().unwrap(), test_throttle()).await;
        let error = format!("{:#}", problems.unwrap_err());
        assert!(error.contains(message) && error.contains("fetched files are cached"), "{error}");
    }
}

#[tokio::test]
async fn interrupted_fetch_resumes() {
    let server = hosted_page();
    server.respond("/incidents/older.json", vec![FakeResponse::Status(503, "")]);
    let folder = tempfile::tempdir().unwrap();
    let (stopped, _) = fetch_page(&server.url, &folder, test_throttle()).await;
    assert!(format!("{:#}", stopped.unwrap_err()).contains("older.json: no answer after 6 attempts"));
    server.take_requests();
    server.serve_document("/incidents/older.json", incident("older", "resolved", &[("resolved", "Long over")]));
    let (problems, _) = fetch_page(&server.url, &folder, test_throttle()).await;
    assert_eq!(problems.unwrap().len(), 1);
    let asked = server.take_requests();
    // The scheduled maintenance is requested on its own and not found.
    assert_eq!(
        asked,
        [
            "/api/v2/incidents/older.json",
            "/incidents/older.json",
            "/api/v2/incidents/oldwork.json",
            "/incidents/coming.json"
        ]
    );
    // An import discards the cache; another page needs another folder.
    let cache = DownloadCache::open(&folder.path().join("kept"), &server.url, false).unwrap();
    assert!(cache.has("incidents/older.json"));
    cache.mark_imported().unwrap();
    let cache = DownloadCache::open(&folder.path().join("kept"), &server.url, false).unwrap();
    assert!(!cache.has("incidents/older.json"));
    let other = Url::parse("https://status.example.org/").unwrap();
    assert!(DownloadCache::open(&folder.path().join("kept"), &other, false).is_err());
    std::fs::write(folder.path().join("mine.txt"), "x").unwrap();
    assert!(DownloadCache::open(folder.path(), &other, true).is_err(), "what is not ours is not deleted");
    assert!(folder.path().join("mine.txt").exists());
}

#[tokio::test]
async fn every_server_failure_has_a_message() {
    let list = "/api/v2/incidents.json";
    for (path, answer, message) in [
        (list, FakeResponse::Status(302, "location: https://elsewhere.test/"), "redirects to https://elsewhere.test/"),
        (list, FakeResponse::Long(100 << 20), "longer than 1048576 bytes"),
        (list, FakeResponse::Drip, "no answer after 6 attempts"),
        (list, FakeResponse::Text("{\"incidents\":[".into()), "not JSON"),
        (list, FakeResponse::Text("<html>Sign in</html>".into()), "not a feed"),
        (list, FakeResponse::Text("{\"hello\":1}".into()), "not a document"),
        (list, FakeResponse::Status(404, ""), "can't be imported from its URL"),
        (list, FakeResponse::Status(401, ""), "access denied"),
        ("/history.json?page=1", FakeResponse::Text("[]".into()), "history.json?page=1"),
    ] {
        let server = hosted_page();
        server.respond(path, vec![answer.clone()]);
        let short =
            Throttle { bounds: ResponseLimits { time: Duration::from_millis(300), size: 1 << 20 }, ..test_throttle() };
        let (stopped, _) = fetch_page(&server.url, &tempfile::tempdir().unwrap(), short).await;
        let error = stopped.map_err(|error| format!("{error:#}"));
        assert!(error.as_ref().is_err_and(|error| error.contains(message)), "{answer:?}: {error:?}");
    }
    // One incident that can't be read keeps back no other.
    let server = hosted_page();
    server.respond("/api/v2/incidents/old.json", vec![FakeResponse::Text("<html>".into())]);
    server.serve_document("/incidents/older.json", incident("another", "resolved", &[("resolved", "x")]));
    for path in ["/api/v2/incidents/oldwork.json", "/incidents/oldwork.json"] {
        server.respond(path, vec![FakeResponse::Status(500, "")]);
    }
    let (problems, _) = fetch_page(&server.url, &tempfile::tempdir().unwrap(), test_throttle()).await;
    let problems = problems.unwrap();
    assert!(problems.iter().any(|message| message.starts_with("incident old: it is not a feed")), "{problems:?}");
    assert!(
        problems.iter().any(|message| message.starts_with("incident older: ") && message.contains("something else"))
    );
    let failed =
        |message: &String| message.starts_with("incident oldwork: ") && message.contains("unexpected status 500");
    assert!(problems.iter().any(failed), "{problems:?}");
}

#[tokio::test]
async fn total_response_size_is_limited() {
    let server = hosted_page();
    server.respond_otherwise(|path: &str| {
        let page = path.strip_prefix("/history.json?page=");
        let more = |page| history(&[&format!("made{page}")]).to_string() + &" ".repeat(100_000);
        page.map_or(FakeResponse::Status(404, ""), |page| FakeResponse::Text(more(page)))
    });
    let little = Throttle { total: 1 << 20, ..test_throttle() };
    let (stopped, _) = fetch_page(&server.url, &tempfile::tempdir().unwrap(), little).await;
    let error = format!("{:#}", stopped.unwrap_err());
    assert!(error.contains("the response is too large"), "{error}");
}

#[tokio::test]
async fn token_is_never_sent_over_http() {
    let clock = TestDb::sqlite().await.clock.clone();
    for (url, is_sent) in [
        ("http://status.example.org", false),
        ("http://10.0.0.1", false),
        ("http://localhost.evil.test", false),
        ("https://status.example.org", true),
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://localhost:1", true),
    ] {
        let url = Url::parse(url).unwrap();
        let polite = ThrottledClient::new(&url, Some("secret"), test_throttle(), &clock, &|_| {});
        assert_eq!(polite.is_ok(), is_sent, "{url}");
        assert!(ThrottledClient::new(&url, None, test_throttle(), &clock, &|_| {}).is_ok(), "{url}: without a token");
    }
}

#[tokio::test]
async fn endless_history_is_limited() {
    // The same three months repeatedly, or an endless history.
    for (answer, most) in [
        ((|_: &str| FakeResponse::Text(history(&["old"]).to_string())) as Answer, 20),
        (
            |path: &str| {
                let page = path.strip_prefix("/history.json?page=");
                page.map_or(FakeResponse::Status(404, ""), |page| {
                    FakeResponse::Text(history(&[&format!("made{page}")]).to_string())
                })
            },
            700,
        ),
    ] {
        let server = hosted_page();
        server.respond_otherwise(answer);
        let (problems, _) = fetch_page(&server.url, &tempfile::tempdir().unwrap(), test_throttle()).await;
        assert!(problems.is_ok());
        let asked = server.take_requests().len();
        assert!(asked <= most, "{asked} requests");
    }
}

#[apply(on_both_databases!)]
async fn candor_page_imports_identically(test: TestDb) {
    let elsewhere = empty_database(&test).await;
    exported_demo(&test).await;
    let data = tempfile::tempdir().unwrap();
    let server = Server::published(&test.url, &test.clock, ConnectionLimits::default(), &data).await;
    let url = Url::parse(&format!("http://{}/", server.address)).unwrap();
    let origin = url.as_str().trim_end_matches('/').to_owned();
    let folder = tempfile::tempdir().unwrap();
    let (problems, _) = fetch_page(&url, &folder, test_throttle()).await;
    assert_eq!(problems.unwrap(), [""; 0]);
    let report = import(&elsewhere, &folder).await;
    assert_eq!((report.refusals.as_slice(), report.warnings.as_slice()), (&[][..], &[][..]));
    copy_unexported_settings(&test, &elsewhere).await;
    drop(server);
    let (here, there) = (TestApp::at(test, &origin).await, TestApp::at(elsewhere, &origin).await);
    // Only the management API returns whether an impact was overridden and what a past maintenance did automatically;
    // details that the lists contain are not requested again.
    let omitted =
        ["impact_override", "scheduled_remind_prior", "scheduled_auto_in_progress", "scheduled_auto_completed"];
    let different = differing_documents(&here, &there, &omitted).await;
    assert!(different.is_empty(), "{different:#?}");
}

fn management_api() -> FakeStatuspage {
    let server = FakeStatuspage::new();
    let part = json!({"id": "c1", "name": "API", "status": "operational", "position": 1, "group_id": "g1"});
    server.serve_document(
        "/v1/pages",
        json!([{"id": "p1", "name": "Acme", "time_zone": "UTC", "url": "https://acme.test"},
                                   {"id": "p2", "name": "Other"}]),
    );
    server.serve_document(
        "/v1/pages/p1/component-groups?per_page=100&page=1",
        json!([{"id": "g1", "name": "Web", "description": "", "components": ["c1"], "position": 1}]),
    );
    server.serve_document("/v1/pages/p1/components?per_page=100&page=1", json!([part]));
    let many: Vec<Value> =
        (0..100).map(|index| incident(&format!("it{index}"), "resolved", &[("resolved", "Over")])).collect();
    let mut lesson = incident("lesson", "resolved", &[("resolved", "Over")]);
    lesson["postmortem_body"] = json!("Not yet told.");
    let mut work = maintenance("work", "scheduled");
    for (key, value) in [
        ("scheduled_remind_prior", true),
        ("scheduled_auto_in_progress", true),
        ("scheduled_auto_completed", false),
        ("auto_transition_to_maintenance_state", false),
    ] {
        work[key] = json!(value);
    }
    server.serve_document("/v1/pages/p1/incidents?limit=100&page=1", json!(many));
    server.serve_document("/v1/pages/p1/incidents?limit=100&page=2", json!([lesson, work]));
    server.serve_document(
        "/v1/pages/p1/incident_templates?per_page=100&page=1",
        json!([{"id": "t1", "name": "Late", "title": "Mail is late", "body": "We look.", "update_status": "identified",
                       "components": [part]},
                      {"id": "t2", "name": "Work", "title": "Work", "body": "We work.", "update_status": "scheduled"},
                      {"id": "t3", "name": "Pause", "title": "Pause", "body": "We rest.", "update_status": "paused"}]),
    );
    let subscriber =
        |id: &str, mode: &str, email: &str| json!({"id": id, "mode": mode, "email": email, "components": []});
    let mut hook = subscriber("s2", "webhook", "ops@acme.test");
    hook["endpoint"] = json!("https://hooks.acme.test/a");
    hook["components"] = json!(["c1"]);
    let phone = subscriber("s3", "sms", "");
    for (state, rows) in [
        ("active", json!([subscriber("s1", "email", "ines@acme.test"), hook, phone])),
        ("unconfirmed", json!([subscriber("s4", "email", "new@acme.test")])),
        ("quarantined", json!([subscriber("s5", "email", "gone@acme.test")])),
    ] {
        server.serve_document(&format!("/v1/pages/p1/subscribers?state={state}&limit=100&page=0"), rows);
    }
    server
}

#[apply(on_both_databases!)]
async fn management_api_import_has_more_data(test: TestDb) {
    let server = management_api();
    let folder = tempfile::tempdir().unwrap();
    let keep = DownloadCache::open(&folder.path().join("kept"), &server.url, false).unwrap();
    let clock = test.clock.clone();
    let polite = || ThrottledClient::new(&server.url, Some("s3cret"), test_throttle(), &clock, &|_| {}).unwrap();
    let error = fetch::fetch_managed(&mut polite(), &keep, None).await.unwrap_err();
    assert!(error.to_string().contains("--page: p1, p2"), "{error}");
    let problems = fetch::fetch_managed(&mut polite(), &keep, Some("p1")).await.unwrap();
    assert_eq!(problems, [""; 0]);
    assert!(server.take_requests().iter().all(|asked| asked.ends_with(" OAuth s3cret")));
    let report = import(&test, &folder).await;
    assert_eq!((report.groups.created, report.components.created, report.templates.created), (1, 1, 2), "{report:#?}");
    assert_eq!((report.incidents.created, report.maintenances.created, report.templates.refused), (101, 1, 1));
    let message = |words: &str| report.warnings.iter().chain(&report.refusals).any(|message| message.contains(words));
    assert!(message("“Pause”: there are none for “paused”"), "{report:#?}");
    assert!(import(&test, &folder).await.changes_nothing());
    let mut tx = test.read().await.unwrap();
    let lesson = postmortems::find(&mut tx, &IncidentId::parse("lesson").unwrap()).await.unwrap().unwrap();
    assert!(lesson.published.is_none() && lesson.body == "Not yet told.");
    let work = maintenances::find(&mut tx, &MaintenanceId::parse("work").unwrap()).await.unwrap();
    assert!(work.switches.reminds && work.switches.starts && !work.switches.completes && !work.switches.marks);
    let prepared = templates::list(&mut tx).await.unwrap();
    let phases: Vec<_> =
        prepared.iter().map(|maintenance| (maintenance.id.as_str(), maintenance.phase.key())).collect();
    assert_eq!(phases, [("t1", "identified"), ("t2", "scheduled")]);
    // The token is nowhere but in the request.
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path().join("kept/v1")).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(!String::from_utf8_lossy(&files).contains("s3cret"));
}

#[apply(on_both_databases!)]
async fn subscribers_keep_their_states(test: TestDb) {
    let server = management_api();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("token"), "s3cret").unwrap();
    let (keep, token, key) = (path("kept"), path("token"), path("secret.key"));
    let run = |more: &[&str]| {
        let url = server.url.as_str();
        let fetch = ["--page", "p1", "--keep", &keep, "--token-file", &token, "--secret-key-file", &key];
        let output = candor(&test, &[&["import", "statuspage", url], &fetch[..], more].concat(), "");
        stderr_text(&output, 2);
        String::from_utf8(output.stdout).unwrap()
    };
    let stored = async || subscribers::list_after(&mut test.read().await.unwrap(), None, 100).await.unwrap();
    assert!(run(&["--dry-run"]).contains("subscribers: 3 created, 2 skipped"), "its component does not exist yet");
    assert_eq!(stored().await, []);
    let printed = run(&[]);
    assert!(printed.contains("subscribers: 4 created, 1 skipped") && printed.contains("“sms”"), "{printed}");
    let mut states: Vec<_> = stored().await.into_iter().map(|it| (it.email.unwrap(), it.state, it.scope)).collect();
    states.sort_by_key(|row| row.0.clone());
    let api = Scope::Components(vec![ComponentId::parse("c1").unwrap()]);
    let expected = [
        ("gone@acme.test", SubscriberState::Quarantined, Scope::Page),
        ("ines@acme.test", SubscriberState::Active, Scope::Page),
        ("new@acme.test", SubscriberState::Unconfirmed, Scope::Page),
        ("ops@acme.test", SubscriberState::Active, api),
    ];
    assert_eq!(states, expected.map(|(email, state, scope)| (email.to_owned(), state, scope)));
    assert!(run(&[]).contains("subscribers: 0 created, 5 skipped"), "a second import adds none");
}

#[apply(on_both_databases!)]
async fn command_fetches_once_for_dry_run_and_import(test: TestDb) {
    let server = hosted_page();
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept").display().to_string();
    let url = server.url.as_str();
    let run = |more: &[&str]| {
        let arguments = [&["import", "statuspage", url, "--keep", &keep], more].concat();
        candor(&test, &arguments, "")
    };
    // One incident of the history can't be fetched.
    let printed = |output: &std::process::Output| {
        stderr_text(output, 2);
        String::from_utf8(output.stdout.clone()).unwrap()
    };
    let preview = printed(&run(&["--dry-run"]));
    assert!(preview.contains("incidents: 4 created") && preview.contains("(dry run)"), "{preview}");
    assert!(preview.contains("could not be fetched: incident “../etc/passwd”"), "{preview}");
    assert!(server.take_requests().len() > 10);
    let output = printed(&run(&[]));
    assert!(output.contains("incidents: 4 created") && output.contains("feed entries: 1 created"), "{output}");
    assert_eq!(server.take_requests(), ["/incidents/coming.json"], "only what was missing is asked for again");
    let two = candor(&test, &["import", "statuspage", "https://a.test", "https://b.test"], "");
    assert!(stderr_text(&two, 1).contains("one page at a time"));
}
