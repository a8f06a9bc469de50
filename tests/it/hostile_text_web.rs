//! Hostile texts in every field and every document. Rendering does not depend on the database, so these tests only use
//! SQLite.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use candor::db::{components, incidents, maintenances, managers};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::forms::parse_line;
use candor::domain::{ComponentId, Phase, Status};
use chrono::TimeDelta;

use crate::hostile_text::{as_line, as_lines, corpus};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures;
use crate::web_brand::upload;
use crate::web_escaping::is_clean;

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub async fn app() -> TestApp {
    TestApp::new(TestDb::sqlite().await).await
}

/// One incident and one maintenance per text, with the text in every field. Not published, so each page is rendered on
/// demand: compressing all of them for a publish would take a minute.
pub async fn with_incidents(corpus: &[String]) -> TestApp {
    let app = app().await;
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    for (number, text) in corpus.iter().enumerate() {
        let (line, body) = (as_line(text), as_lines(text));
        let mut incident = fixtures::incident(&format!("it{number}"), now - TimeDelta::hours(1));
        let gone = [("gone", Status::MajorOutage)];
        incident.updates =
            vec![fixtures::update(&format!("up{number}"), incident.started_at, Phase::Identified, &gone)];
        incident.updates[0].components[0].name.clone_from(&line);
        incident.updates[0].body.clone_from(&body);
        incident.title.clone_from(&line);
        incident.detected_by = Some(line.chars().take(100).collect());
        incident.internal_note = Some(body.clone());
        incident.recompute();
        incidents::insert(&mut tx, &incident).await.unwrap();
        let tomorrow = now + TimeDelta::days(1);
        let mut work =
            fixtures::maintenance(&format!("work{number}"), tomorrow, tomorrow + TimeDelta::hours(1), &["gone"]);
        work.components[0].name.clone_from(&line);
        work.title = line;
        work.updates[0].body = body;
        maintenances::insert(&mut tx, &work).await.unwrap();
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    app
}

/// Texts per page: each rendering shows them all.
const BATCH_SIZE: usize = 48;

#[tokio::test]
async fn hostile_text_is_escaped_in_every_site_document() {
    for texts in corpus().chunks(BATCH_SIZE) {
        every_document_is_clean(texts).await;
    }
}

/// Pages of maintenances are rendered like those of incidents, so only one in so many is checked.
const MAINTENANCE_STEP: usize = 8;

async fn every_document_is_clean(corpus: &[String]) {
    let app = with_incidents(corpus).await;
    let mut visitor = app.visitor();
    for (number, text) in corpus.iter().enumerate() {
        let mut addresses = vec![format!("/incidents/it{number}")];
        if number % MAINTENANCE_STEP == 0 {
            addresses.extend(["", ".ics"].map(|ending| format!("/incidents/work{number}{ending}")));
        }
        for address in addresses {
            let answer = visitor.get(&address).await;
            check_document(&address, &answer, 1);
            assert!(address.ends_with(".ics") || answer.word("h1") == words(&as_line(text)), "{address}: {text:?}");
        }
    }
    check_document("/history", &visitor.get("/history?from=2026-01-01").await, 0);
    check_document("/uptime", &visitor.get("/uptime").await, 0);
}

#[tokio::test]
async fn hostile_text_is_escaped_in_published_pages() {
    let texts: Vec<String> = corpus().into_iter().step_by(MAINTENANCE_STEP).collect();
    let app = with_incidents(&texts).await;
    app.publish().await;
    for address in ["/", "/history", "/history/2026-11", "/maintenance.ics", "/incidents/it3"] {
        check_document(address, &app.visitor().get(address).await, texts.len());
    }
}

/// Checks a document of the Site by its content type.
fn check_document(address: &str, answer: &Answer, events: usize) {
    assert_eq!(answer.status, StatusCode::OK, "{address}");
    match answer.header("content-type") {
        "text/html; charset=utf-8" => is_clean(answer, address),
        "text/calendar; charset=utf-8" => assert_calendar(&answer.text(), events),
        other => panic!("nobody judges {other}"),
    }
}

/// Only our own properties, each as often as expected, in lines of at most 75 bytes (RFC 5545).
#[track_caller]
fn assert_calendar(text: &str, events: usize) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line:?}");
    }
    for line in text.replace("\r\n ", "").replace("\r\n\t", "").split_terminator("\r\n") {
        let name = line.split([':', ';']).next().unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    for once in ["UID", "SUMMARY", "DTSTART", "DTEND", "URL", "DESCRIPTION"] {
        assert_eq!(counts.get(once), Some(&events), "{once} in {counts:?}");
    }
    assert_eq!((counts["BEGIN"], counts["END"]), (events + 1, events + 1));
    for foreign in ["ATTENDEE", "ORGANIZER", "ATTACH", "ACTION", "TRIGGER"] {
        assert!(!counts.contains_key(foreign), "{foreign}");
    }
}

pub async fn get_clean(browser: &mut Browser, address: &str) -> Answer {
    let answer = browser.get(address).await;
    assert_eq!(answer.status, StatusCode::OK, "{address}");
    is_clean(&answer, address);
    answer
}

#[tokio::test]
async fn hostile_text_is_escaped_in_the_admin() {
    for texts in corpus().chunks(BATCH_SIZE) {
        every_page_of_managers_is_clean(texts).await;
    }
}

async fn every_page_of_managers_is_clean(corpus: &[String]) {
    let app = with_incidents(corpus).await;
    let mut owner = app.logged_in(Owner).await;
    for list in ["/admin", "/admin/incidents", "/admin/maintenances", "/admin/audit"] {
        get_clean(&mut owner, list).await;
    }
    for (number, text) in corpus.iter().enumerate() {
        let incident = format!("/admin/incidents/it{number}");
        get_clean(&mut owner, &incident).await;
        let edit = get_clean(&mut owner, &format!("{incident}/edit")).await;
        assert_eq!((edit.field("title"), edit.field("internal_note")), (as_line(text), as_lines(text)));
        let update = get_clean(&mut owner, &format!("{incident}/updates/up{number}/edit")).await;
        assert_eq!(update.field("body"), as_lines(text), "to the letter");
        if number % MAINTENANCE_STEP != 0 {
            continue;
        }
        let maintenance = format!("/admin/maintenances/work{number}");
        get_clean(&mut owner, &maintenance).await;
        assert_eq!(get_clean(&mut owner, &format!("{maintenance}/edit")).await.field("title"), as_line(text));
    }
}

#[tokio::test]
async fn hostile_names_are_escaped() {
    let (app, corpus) = (app().await, corpus());
    let mut owner = app.logged_in(Owner).await;
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    for (number, text) in corpus.iter().enumerate() {
        let mut new = fixtures::component("x");
        (new.name, new.description) = (as_line(text), as_line(text));
        new.status = Status::PartialOutage;
        let mut component = components::create(&mut tx, new, now).await.unwrap();
        components::delete(&mut tx, &component.id).await.unwrap();
        component.id = ComponentId::parse(&format!("c{number}")).unwrap();
        components::insert(&mut tx, &component).await.unwrap();
        let mut manager = fixtures::manager(&format!("m{number}"), Viewer);
        manager.name = as_line(text).chars().take(100).collect();
        managers::create(&mut tx, manager, None, now).await.unwrap();
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    app.publish().await;
    for list in ["/admin/components", "/admin/managers", "/admin/incidents/new", "/admin/maintenances/new", "/"] {
        get_clean(&mut owner, list).await;
    }
    for (number, text) in corpus.iter().enumerate() {
        let filtered = get_clean(&mut owner, &format!("/history?component=c{number}")).await;
        assert_eq!(filtered.word(".lede bdi"), words(&as_line(text)));
        let edit = get_clean(&mut owner, &format!("/admin/components/c{number}/edit")).await;
        assert_eq!((edit.field("name"), edit.field("description")), (as_line(text), as_line(text)));
    }
}

#[tokio::test]
async fn hostile_settings_are_escaped() {
    let app = app().await;
    let mut owner = app.logged_in(Owner).await;
    let (good, bad): (Vec<_>, Vec<_>) = corpus().into_iter().partition(|text| parse_line(text, 255).is_ok());
    for text in bad {
        let fields = [("version", "1"), ("name", &*text), ("time_zone", "UTC")];
        let settings = owner.post("/admin/settings", &fields).await;
        let brand = upload(&mut owner, &[("logo_text", text.as_bytes())]).await;
        for (answer, field) in [(settings, "name"), (brand, "logo_text")] {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:?}");
            assert!(!answer.message(field).is_empty(), "{field} {text:?}");
            is_clean(&answer, &text);
        }
    }
    // A page has at most eight links.
    for (version, texts) in (1..).step_by(2).zip(good.chunks(8)) {
        let (version, next) = (version.to_string(), (version + 1).to_string());
        let links = texts.iter().map(|text| format!("https://example.org/ {}\n", text.trim())).collect::<String>();
        let (name, logo) = (&texts[0], texts.last().unwrap());
        let answer =
            owner.post("/admin/settings", &[("version", &*version), ("name", name), ("time_zone", "UTC")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{texts:?}: {}", answer.text());
        let fields = [("version", next.as_bytes()), ("logo_text", logo.as_bytes()), ("links", links.as_bytes())];
        let answer = upload(&mut owner, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{texts:?}: {}", answer.text());
        for address in ["/", "/history", "/login", "/nothing"] {
            is_clean(&app.visitor().get(address).await, &format!("{address} with {texts:?}"));
        }
        assert_eq!(get_clean(&mut owner, "/admin/settings").await.field("name"), name.trim());
    }
}

#[tokio::test]
async fn hostile_text_is_escaped_in_returned_forms() {
    let app = app().await;
    let manager = app.manager("Ines", Owner).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let (component, group) = (app.component("API").await.id, app.group("Core").await.id);
    app.create_series("again", app.clock.now() + TimeDelta::days(1)).await;
    let forms: [(&str, &[&str]); 13] = [
        ("/login", &["email", "next", "password"]),
        ("/admin/incidents", &["title", "phase", "body", "impact", "zone", "detected_by", "internal_note"]),
        ("/admin/incidents/it", &["version", "title", "impact", "zone", "detected_by", "internal_note"]),
        ("/admin/incidents/it/updates", &["version", "phase", "body"]),
        ("/admin/maintenances", &["title", "body", "scheduled_for", "scheduled_until", "zone", "component"]),
        ("/admin/templates", &["name", "title", "body", "phase"]),
        (&format!("/admin/components/{component}"), &["version", "name", "description", "group", "status"]),
        (&format!("/admin/groups/{group}"), &["version", "name", "description", "position"]),
        ("/admin/managers", &["name", "email", "role"]),
        ("/admin/series/again", &["version", "title", "body", "scheduled_for", "scheduled_until", "zone", "rule"]),
        (
            &format!("/admin/components/{component}/corrections"),
            &["started_at", "ended_at", "zone", "status", "reason"],
        ),
        ("/admin/tokens", &["name", "scope", "days"]),
        ("/admin/account/passkeys", &["name", "credential"]),
    ];
    for text in corpus() {
        // A new session for each text, because a session may send only so many forms a minute.
        app.clock.advance(TimeDelta::seconds(1));
        let owner = app.with_session(&manager).await;
        for (address, names) in &forms {
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, text.as_str())).collect();
            let answer = owner.clone().post(address, &fields).await;
            assert!([409, 422].contains(&answer.status.as_u16()), "{address} {text:?}: {}", answer.status);
            is_clean(&answer, &format!("{address} with {text}"));
        }
    }
}

#[tokio::test]
async fn hostile_urls_are_escaped() {
    let app = app().await;
    let owner = app.logged_in(Owner).await;
    for text in corpus() {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let path = query.replace('+', "%20");
        for address in [
            format!("/history?q={query}&component={query}&impact={query}&before={query}"),
            format!("/login?next={query}"),
            format!("/admin?done={query}"),
            format!("/admin/incidents?q={query}&phase={query}&before={query}"),
            format!("/{path}"),
            format!("/incidents/{path}"),
            format!("/admin/incidents/{path}"),
        ] {
            is_clean(&owner.clone().get(&address).await, &address);
        }
        let answer = app.visitor().get_with(&format!("/{path}"), &[("accept", "application/json")]).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(!answer.text().contains("alert"), "what was asked for is not repeated");
    }
}
