//! The import of a page from its address, in the admin.

use std::time::Duration;

use axum::http::StatusCode;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::page_import::ImportState;
use candor::worker::sweep;
use chrono::TimeDelta;

use crate::deliveries::wait_for;
use crate::import_fetch::hosted_page_at;
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fake_statuspage::{FakeResponse, FakeStatuspage};

/// An address that the server of tests may request.
const ALLOWED: &str = "127.0.0.2";

async fn app_without_pauses(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    *app.import_pause().lock().unwrap() = Duration::ZERO;
    app
}

/// Sends the form; returns the path of the import.
async fn begin(owner: &mut Browser, source: &str, address: &str) -> String {
    let answer = owner.post("/admin/import", &[("source", source), ("address", address)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.location().strip_suffix("?done=import-started").expect("the page of the import").to_owned()
}

/// Reads the page of the import until it has this heading.
async fn wait_for_heading(browser: &mut Browser, path: &str, heading: &str) -> Answer {
    wait_for(async || {
        let answer = browser.get(path).await;
        (answer.word("h1") == heading).then_some(answer)
    })
    .await
}

fn count_of(page: &Answer, kind: &str) -> String {
    let (terms, facts) = (page.words(".import-counts dt"), page.words(".import-counts dd"));
    terms.iter().zip(facts).find(|(term, _)| *term == kind).map(|(_, fact)| fact).unwrap_or_default()
}

#[apply(on_both_databases!)]
async fn page_is_fetched_previewed_and_imported(test: TestDb) {
    let (app, server) = (app_without_pauses(test).await, hosted_page_at(ALLOWED));
    let mut owner = app.logged_in(Owner).await;
    let path = begin(&mut owner, "statuspage", server.url.as_str()).await;
    let preview = wait_for_heading(&mut owner, &path, "Check the import").await;
    assert_eq!((count_of(&preview, "Components"), count_of(&preview, "Incidents")), ("1 new".into(), "4 new".into()));
    let words = "Import 4 incidents, 2 maintenance windows and 1 component";
    assert_eq!(preview.words("button.primary"), [words], "one primary button");
    assert_eq!(preview.words("[aria-labelledby=new-components] li"), ["API"]);
    let newest = preview.words("[aria-labelledby=new-incidents] li");
    assert!(newest.len() == 4 && newest[0].starts_with("Incident ") && newest[0].contains("1 Mar 2026"), "{newest:?}");
    let notes = preview.words(".import-notes summary");
    assert!(notes.contains(&"Could not be fetched (1)".to_owned()), "{notes:?}");
    assert!(!preview.text().contains("page-imports"), "paths of the server are not shown");
    assert!(preview.attributes("meta[http-equiv=refresh]", "content").is_empty(), "a preview does not reload");
    assert_eq!(app.number("select count(*) from components").await, 0, "a preview saves nothing");
    assert_eq!((server.take_requests().len() > 10, server.max_concurrent()), (true, 1));

    let confirmed = owner.post(&format!("{path}/confirmation"), &[]).await;
    assert_eq!((confirmed.status, confirmed.location()), (StatusCode::SEE_OTHER, path.as_str()));
    let report = wait_for_heading(&mut owner, &path, "Import finished").await;
    assert_eq!((count_of(&report, "Components"), count_of(&report, "Incidents")), ("1 new".into(), "4 new".into()));
    assert_eq!(report.attributes(".actions a", "href"), ["/admin/setup/managers", "/history"], "the setup goes on");
    assert_eq!(server.take_requests(), [""; 0], "the same documents are imported");
    app.publish().await;
    let mut visitor = app.visitor();
    assert!(visitor.get("/").await.text().contains("API"));
    assert_eq!(visitor.get("/incidents/old").await.word("h1"), "Incident old");
    assert_eq!(app.number("select count(*) from notices").await, 0, "no subscriber is notified");
    let audit = app.audit().await;
    let own: Vec<_> = audit.iter().rev().filter(|row| row.action.starts_with("import.")).collect();
    let named: Vec<_> = own.iter().map(|row| (row.action.as_str(), row.actor.name.as_str())).collect();
    assert_eq!(named, [("import.fetch", "Owner"), ("import.confirm", "Owner")]);
    assert!(own.iter().all(|row| row.subject_name == server.url.as_str()));
    assert!(audit.iter().any(|row| row.action == "incident.import" && row.actor.name == "import"));
}

#[apply(on_both_databases!)]
async fn second_import_of_a_page_changes_nothing(test: TestDb) {
    let (app, server) = (app_without_pauses(test).await, hosted_page_at(ALLOWED));
    let mut owner = app.logged_in(Owner).await;
    owner.post("/admin/setup/finish", &[]).await;
    let path = begin(&mut owner, "statuspage", server.url.as_str()).await;
    wait_for_heading(&mut owner, &path, "Check the import").await;
    owner.post(&format!("{path}/confirmation"), &[]).await;
    let report = wait_for_heading(&mut owner, &path, "Import finished").await;
    assert_eq!(report.attributes(".actions a", "href"), ["/admin", "/history"]);
    let before = app.content_without_managers().await;
    let again = begin(&mut owner, "statuspage", server.url.as_str()).await;
    let preview = wait_for_heading(&mut owner, &again, "Check the import").await;
    assert!(preview.word("main").contains("Nothing to import"), "{}", preview.word("main"));
    assert_eq!((count_of(&preview, "Incidents"), preview.words("button.primary")), ("4 unchanged".into(), vec![]));
    let discarded = owner.post(&format!("{again}/discarding"), &[]).await;
    assert_eq!(discarded.location(), again);
    assert_eq!(owner.get(&again).await.word("h1"), "Import discarded");
    let listed = owner.get("/admin/import").await.words("[aria-labelledby=recent] li");
    assert!(listed.len() == 2 && listed.iter().any(|row| row.contains("Imported")), "{listed:?}");
    let content = |text: String| text.split_once("Page {").unwrap().1.to_owned();
    assert_eq!(content(app.content_without_managers().await), content(before));
}

#[apply(on_both_databases!)]
async fn fetch_shows_progress_and_can_be_stopped(test: TestDb) {
    let (app, server) = (app_without_pauses(test).await, hosted_page_at(ALLOWED));
    server.respond("/history.json?page=2", vec![FakeResponse::Drip]);
    let mut owner = app.logged_in(Owner).await;
    let path = begin(&mut owner, "statuspage", server.url.as_str()).await;
    let first = owner.get(&path).await;
    assert_eq!(first.word("h1"), "Fetching the page");
    assert!(
        first.text().contains(&format!("<noscript><meta http-equiv=\"refresh\" content=\"3;url={path}\"></noscript>")),
        "{}",
        first.text()
    );
    let shown = wait_for(async || {
        let words = owner.get(&path).await.word("[data-reload]");
        words.contains("history.json?page=2").then_some(words)
    })
    .await;
    assert!(shown.contains("7 documents requested"), "{shown}");
    // Another import does not begin, and the page of this one says so.
    let other = owner.post("/admin/import", &[("source", "instatus"), ("address", "https://a.example")]).await;
    assert_eq!(other.location(), format!("{path}?done=import-running"));
    assert!(owner.get(other.location()).await.word(".notice").contains("in progress already"));
    assert_eq!(owner.post(&format!("{path}/confirmation"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(owner.get(&path).await.word("h1"), "Fetching the page", "there is nothing to confirm yet");
    owner.post(&format!("{path}/discarding"), &[]).await;
    assert_eq!(owner.get(&path).await.word("h1"), "Import discarded");
    // The next one begins at once.
    let server = hosted_page_at(ALLOWED);
    let next = begin(&mut owner, "statuspage", server.url.as_str()).await;
    wait_for_heading(&mut owner, &next, "Check the import").await;
    assert_eq!(owner.get(&path).await.word("h1"), "Import discarded", "the stopped one stays so");
}

#[apply(on_both_databases!)]
async fn bad_addresses_get_a_message_beside_the_field(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    for (source, address, message) in [
        ("statuspage", "", "Enter the address"),
        ("statuspage", "not an address", "no web address"),
        ("statuspage", "ftp://status.example.org", "no web address"),
        ("statuspage", "https://ines:secret@status.example.org", "Leave out the user name"),
        ("statuspage", "http://status.example.org", "it is not https"),
        ("statuspage", "https://status.example.org:8443", "it is not on port 443"),
        ("statuspage", "https://127.0.0.1", "not on the public internet"),
        ("statuspage", "https://[::1]", "not on the public internet"),
        ("statuspage", "https://10.0.0.7", "not on the public internet"),
        ("incident-io", "https://169.254.169.254", "not on the public internet"),
        ("upptime", "https://github.com/harbor", "use the address of a repository"),
    ] {
        let answer = owner.post("/admin/import", &[("source", source), ("address", address)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert!(answer.message("address").contains(message), "{address}: {:?}", answer.message("address"));
        assert_eq!((answer.field("source"), answer.field("address")), (source.into(), address.into()));
    }
    let unknown = owner.post("/admin/import", &[("source", "cachet"), ("address", "https://a.example")]).await;
    assert!(unknown.message("source").contains("Choose"), "{}", unknown.text());
    assert_eq!(app.number("select count(*) from page_imports").await, 0);
}

#[apply(on_both_databases!)]
async fn failed_fetch_returns_the_form_with_the_reason(test: TestDb) {
    let app = app_without_pauses(test).await;
    let mut owner = app.logged_in(Owner).await;
    let broken = FakeStatuspage::at(ALLOWED);
    let no_json = FakeStatuspage::at(ALLOWED);
    no_json.respond_otherwise(|_| FakeResponse::Text("<html>Sign in</html>".into()));
    let moved = FakeStatuspage::at(ALLOWED);
    moved.respond_otherwise(|_| FakeResponse::Status(302, "location: https://elsewhere.example/"));
    for (source, address, message) in [
        ("statuspage", broken.url.as_str(), "/api/v2/summary.json not found"),
        ("openstatus", broken.url.as_str(), "/feed/json not found"),
        ("instatus", no_json.url.as_str(), "is not JSON"),
        ("incident-io", moved.url.as_str(), "redirects to https://elsewhere.example/"),
        // The name is allowed, its address is not; nothing is retried.
        ("statuspage", "https://localhost", "not on the public internet"),
    ] {
        let path = begin(&mut owner, source, address).await;
        let page = wait_for_heading(&mut owner, &path, "The page could not be imported").await;
        assert!(page.message("address").contains(message), "{source}: {}", page.message("address"));
        assert_eq!(page.field("source"), source);
        assert_eq!(page.field("address").trim_end_matches('/'), address.trim_end_matches('/'));
        assert_eq!(page.attributes("main form", "action"), ["/admin/import"]);
    }
    let kept = std::fs::read_dir(app.data_dir.join("page-imports")).unwrap().count();
    assert_eq!(kept, 0, "the documents are deleted");
}

#[apply(on_both_databases!)]
async fn stopped_server_interrupts_the_import(test: TestDb) {
    let (app, server) = (app_without_pauses(test).await, hosted_page_at(ALLOWED));
    let mut owner = app.logged_in(Owner).await;
    let path = begin(&mut owner, "statuspage", server.url.as_str()).await;
    wait_for_heading(&mut owner, &path, "Check the import").await;
    app.stopping().cancel();
    let page = wait_for_heading(&mut owner, &path, "The import was interrupted").await;
    assert!(page.word("main").contains("The server was stopped. Start it again"), "{}", page.word("main"));
    assert_eq!(page.field("address"), server.url.as_str());
    owner.post(&format!("{path}/confirmation"), &[]).await;
    assert_eq!(owner.get(&path).await.word("h1"), "The import was interrupted");
}

#[apply(on_both_databases!)]
async fn import_of_a_killed_server_is_interrupted(test: TestDb) {
    let app = TestApp::new(test).await;
    app.page_import("lost", ImportState::Fetching, "https://status.example.org/").await;
    let mut owner = app.logged_in(Owner).await;
    assert_eq!(owner.get("/admin/import/lost").await.word("h1"), "Fetching the page");
    app.clock.advance(TimeDelta::minutes(3));
    let page = owner.get("/admin/import/lost").await;
    assert_eq!(page.word("h1"), "The import was interrupted");
    assert_eq!(page.field("address"), "https://status.example.org/");
    for decision in ["confirmation", "discarding"] {
        owner.post(&format!("/admin/import/lost/{decision}"), &[]).await;
    }
    assert_eq!(owner.get("/admin/import/lost").await.word("h1"), "The import was interrupted");
    let path = begin(&mut owner, "statuspage", "https://localhost").await;
    wait_for_heading(&mut owner, &path, "The page could not be imported").await;
    app.clock.advance(TimeDelta::days(31));
    sweep(&app.state).await.unwrap();
    assert_eq!(app.number("select count(*) from page_imports").await, 0);
}

#[apply(on_both_databases!)]
async fn comparison_takes_longer_than_a_fetch_and_can_not_be_stopped(test: TestDb) {
    let app = TestApp::new(test).await;
    app.page_import("slow", ImportState::Comparing, "https://status.example.org/").await;
    let mut owner = app.logged_in(Owner).await;
    app.clock.advance(TimeDelta::minutes(9));
    let page = owner.get("/admin/import/slow").await;
    assert_eq!(page.word("h1"), "Comparing");
    assert!(!page.words("button").contains(&"Stop".to_owned()), "{:?}", page.words("button"));
    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(owner.get("/admin/import/slow").await.word("h1"), "The import was interrupted");
}

#[apply(on_both_databases!)]
async fn only_owners_import_pages(test: TestDb) {
    let app = TestApp::new(test).await;
    app.page_import("ready", ImportState::Ready, "https://status.example.org/").await;
    for role in [Viewer, Publisher] {
        let mut browser = app.logged_in(role).await;
        for path in ["/admin/import", "/admin/import/ready"] {
            assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for path in ["/admin/import", "/admin/import/ready/confirmation", "/admin/import/ready/discarding"] {
            let fields = [("source", "statuspage"), ("address", "https://status.example.org")];
            assert_eq!(browser.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert!(!browser.get("/admin/settings").await.attributes("a", "href").contains(&"/admin/import".to_owned()));
    }
    let mut owner = app.logged_in(Owner).await;
    assert_eq!(owner.get("/admin/import/unknown").await.status, StatusCode::NOT_FOUND);
    for page in ["/admin/settings", "/admin/import"] {
        assert!(owner.get(page).await.attributes("nav a", "href").contains(&"/admin/import".to_owned()), "{page}");
    }
    let setup = owner.get("/admin/setup/components").await;
    assert!(setup.attributes("main form", "action").contains(&"/admin/import".to_owned()));
    assert_eq!(setup.words("main .primary"), ["Continue"]);
}
