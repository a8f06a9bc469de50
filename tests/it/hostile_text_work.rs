//! Hostile texts in templates, drafts, postmortems, corrections, recurring maintenances, groups, tokens, passkeys, user
//! agents and previews. Rendering does not depend on the database, so these tests only use SQLite.

use axum::http::StatusCode;
use candor::credentials::secret_token;
use candor::db::sessions::{self, Session};
use candor::db::{
    api_tokens, components, drafts, incidents, passkeys, postmortems, series, templates, uptime_corrections,
};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::forms::{Fields, NewApiToken, NewTemplate};
use candor::domain::postmortem::PublishedPostmortem;
use candor::domain::second_factor::{MAX_PASSKEYS, Passkey};
use candor::domain::{
    CorrectionId, DraftId, Group, GroupId, IncidentId, PasskeyId, Phase, Postmortem, SavedDraft, SeriesId, Status,
    UptimeCorrection,
};
use chrono::TimeDelta;

use crate::hostile_text::{as_line, as_lines, corpus};
use crate::hostile_text_web::{app, get_clean};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures;
use crate::web_escaping::is_clean;

/// Texts that share the lists and forms of one page, each of which shows them all.
const BATCH_SIZE: usize = 16;

/// The text as a single-line field of `most` characters would save it at most.
fn shorten(text: &str, most: usize) -> String {
    as_line(text).chars().take(most).collect::<String>().trim().to_owned()
}

/// Checks every page of a list; returns the text of the elements that match `selector`.
async fn clean_list(browser: &mut Browser, address: &str, selector: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), Some(address.to_owned()));
    while let Some(address) = next {
        let page = get_clean(browser, &address).await;
        found.extend(page.words(selector));
        next = page.attributes("a[rel=next]", "href").pop();
    }
    found
}

#[tokio::test]
async fn hostile_postmortems_and_reasons_are_escaped() {
    let (app, corpus) = (app().await, corpus());
    let now = app.clock.now();
    let component = app.component("API").await.id;
    let mut tx = app.db.write().await.unwrap();
    for (number, text) in corpus.iter().enumerate() {
        let id = format!("it{number}");
        incidents::insert(&mut tx, &fixtures::resolved(&id, now - TimeDelta::hours(2), TimeDelta::hours(1)))
            .await
            .unwrap();
        let body = as_lines(text);
        let published = Some(PublishedPostmortem { body: body.clone(), at: now, update_id: None });
        let incident = IncidentId::parse(&id).unwrap();
        let mut review = Postmortem { incident, body, published, updated_at: now, version: 0 };
        postmortems::save(&mut tx, &mut review, now).await.unwrap();
        let correction = UptimeCorrection {
            id: CorrectionId::parse(&format!("c{number}")).unwrap(),
            component_id: component.clone(),
            from: now - TimeDelta::hours(2),
            to: now - TimeDelta::hours(1),
            status: Status::MajorOutage,
            reason: shorten(text, 500),
            created_at: now,
        };
        uptime_corrections::insert(&mut tx, &correction).await.unwrap();
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    let mut owner = app.logged_in(Owner).await;
    get_clean(&mut owner, "/uptime").await;
    get_clean(&mut owner, &format!("/admin/components/{component}/corrections")).await;
    for (number, text) in corpus.iter().enumerate() {
        let page = get_clean(&mut owner, &format!("/incidents/it{number}")).await;
        assert_eq!(page.word("#postmortem h2"), "Postmortem");
        let edit = get_clean(&mut owner, &format!("/admin/incidents/it{number}/postmortem")).await;
        assert_eq!(edit.field("body"), as_lines(text), "to the letter");
    }
}

#[tokio::test]
async fn hostile_templates_and_drafts_are_escaped() {
    for texts in corpus().chunks(BATCH_SIZE) {
        every_prepared_text_is_clean(texts).await;
    }
}

async fn every_prepared_text_is_clean(corpus: &[String]) {
    let app = app().await;
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    let mut created = Vec::new();
    for (number, text) in corpus.iter().enumerate() {
        let (line, body) = (as_line(text), as_lines(text));
        let (name, phase) = (shorten(text, 100), Phase::Identified);
        let new = NewTemplate {
            name,
            title: line.clone(),
            body: body.clone(),
            phase: phase.into(),
            components: Vec::new(),
            notify: true,
        };
        created.push(templates::create(&mut tx, new, now).await.unwrap().id);
        let draft = SavedDraft {
            id: DraftId::parse(&format!("draft{number}")).unwrap(),
            incident: None,
            fields: Fields(vec![("title".into(), line), ("body".into(), body), ("phase".into(), text.clone())]),
            edited_by: shorten(text, 100),
            created_at: now,
            edited_at: now,
            version: 1,
        };
        drafts::insert(&mut tx, &draft).await.unwrap();
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    let mut publisher = app.logged_in(Publisher).await;
    for list in ["/admin", "/admin/templates", "/admin/incidents/new"] {
        get_clean(&mut publisher, list).await;
    }
    for (number, (text, id)) in corpus.iter().zip(created).enumerate() {
        let edit = get_clean(&mut publisher, &format!("/admin/templates/{id}/edit")).await;
        let fields = (edit.field("name"), edit.field("title"), edit.field("body"));
        assert_eq!(fields, (shorten(text, 100), as_line(text), as_lines(text)));
        get_clean(&mut publisher, &format!("/admin/templates/{id}/deletion")).await;
        get_clean(&mut publisher, &format!("/admin/incidents/new?template={id}")).await;
        let draft = get_clean(&mut publisher, &format!("/admin/drafts/draft{number}")).await;
        assert_eq!((draft.field("title"), draft.field("body")), (as_line(text), as_lines(text)));
    }
}

#[tokio::test]
async fn hostile_token_passkey_and_browser_names_are_escaped() {
    let (app, corpus) = (app().await, corpus());
    let now = app.clock.now();
    let mut owner = app.logged_in(Owner).await;
    let mut people = Vec::new();
    // The most passkeys that a manager may have; the limit of tokens is higher.
    for (part, texts) in corpus.chunks(MAX_PASSKEYS).enumerate() {
        let manager = app.manager(&format!("m{part}"), Viewer).await;
        let mut tx = app.db.write().await.unwrap();
        for (number, text) in texts.iter().enumerate() {
            // Texts may have the same beginning, but names of tokens are unique.
            let name = format!("{} {number}", shorten(text, 90));
            let hash = secret_token::hash_token(&format!("{part} {number}"));
            let new = NewApiToken { name: name.clone(), scope: Scope::Read, days: 30 };
            api_tokens::create(&mut tx, &manager, new, (&hash, "last"), now).await.unwrap();
            let id = PasskeyId::parse(&format!("key{part}-{number}")).unwrap();
            let passkey = Passkey { id, name, created_at: now, last_used_at: None };
            passkeys::create(&mut tx, &manager.id, &passkey, &hash, "{}").await.unwrap();
            let session = Session {
                id_hash: hash,
                manager_id: Some(manager.id.to_string()),
                data: "{}".into(),
                address: as_line(text).chars().take(100).collect(),
                user_agent: as_line(text).chars().take(300).collect(),
                created_at: now,
                last_seen_at: now,
            };
            sessions::insert(&mut tx, &session).await.unwrap();
        }
        tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
        people.push((manager, texts.len()));
    }
    let count = corpus.len();
    assert_eq!(clean_list(&mut owner, "/admin/tokens", "tbody th").await.len(), count);
    assert_eq!(clean_list(&mut owner, "/admin/sessions", "tbody th").await.len(), count + 1, "and the owner's");
    for (manager, count) in people {
        let mut browser = app.with_session(&manager).await;
        assert_eq!(clean_list(&mut browser, "/admin/tokens", "tbody th").await.len(), count);
        assert_eq!(clean_list(&mut browser, "/admin/account", ".board li").await.len(), count + 1, "and this one");
        let factors = get_clean(&mut browser, "/admin/account/factors").await;
        let removals = factors.attributes("form", "action").into_iter().filter(|action| action.ends_with("/removal"));
        assert_eq!(removals.count(), count);
    }
}

#[tokio::test]
async fn hostile_series_and_groups_are_escaped() {
    for texts in corpus().chunks(BATCH_SIZE) {
        every_series_and_group_is_clean(texts).await;
    }
}

async fn every_series_and_group_is_clean(corpus: &[String]) {
    let app = app().await;
    let now = app.clock.now();
    app.create_series("first", now + TimeDelta::days(1)).await;
    let mut tx = app.db.write().await.unwrap();
    let mut again = series::find(&mut tx, &SeriesId::parse("first").unwrap()).await.unwrap();
    for (number, text) in corpus.iter().enumerate() {
        again.id = SeriesId::parse(&format!("s{number}")).unwrap();
        (again.title, again.body) = (as_line(text), as_lines(text));
        series::insert(&mut tx, &again).await.unwrap();
        let id = GroupId::parse(&format!("g{number}")).unwrap();
        let group = Group {
            id: id.clone(),
            name: as_line(text),
            description: as_line(text),
            position: 1,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        components::insert_group(&mut tx, &group).await.unwrap();
        let mut part = fixtures::component("Part");
        part.group_id = Some(id);
        components::create(&mut tx, part, now).await.unwrap();
    }
    tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    app.publish().await;
    let mut owner = app.logged_in(Owner).await;
    let page = get_clean(&mut owner, "/").await;
    assert!(page.text().len() > 10_000);
    for list in ["/admin", "/admin/components", "/admin/maintenances", "/admin/components/new", "/uptime"] {
        get_clean(&mut owner, list).await;
    }
    for (number, text) in corpus.iter().enumerate() {
        let edit = get_clean(&mut owner, &format!("/admin/series/s{number}/edit")).await;
        assert_eq!((edit.field("title"), edit.field("body")), (as_line(text), as_lines(text)));
        let edit = get_clean(&mut owner, &format!("/admin/groups/g{number}/edit")).await;
        assert_eq!((edit.field("name"), edit.field("description")), (as_line(text), as_line(text)));
        get_clean(&mut owner, &format!("/admin/groups/g{number}/deletion")).await;
    }
}

/// A preview renders every document, so only one text in so many is tested.
const PREVIEW_STEP: usize = 12;

#[tokio::test]
async fn hostile_text_is_escaped_in_previews() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let mut publisher = app.logged_in(Publisher).await;
    for text in corpus().iter().step_by(PREVIEW_STEP) {
        let (title, body) = (as_line(text), as_lines(text));
        let form = [("title", title.as_str()), ("body", &body), ("phase", "identified"), ("preview_page", "1")];
        let update = [&form[1..], &[("version", "1")]].concat();
        for (address, fields) in [("/admin/incidents", &form[..]), ("/admin/incidents/it/updates", &update)] {
            let answer = publisher.post(address, fields).await;
            assert_eq!(answer.status, StatusCode::OK, "{address} {text:?}: {}", answer.text());
            is_clean_in_its_frames(answer, text);
        }
    }
}

/// Checks the page in each frame and the page around the frames, where text that escaped from a frame would be.
fn is_clean_in_its_frames(mut answer: Answer, what: &str) {
    let shown = answer.attributes("iframe", "srcdoc");
    assert!(!shown.is_empty(), "{what}: nothing is shown");
    let html = answer.text();
    let mut around = String::new();
    for (place, part) in html.split(" srcdoc=\"").enumerate() {
        let rest = if place == 0 { part } else { part.split_once('"').expect("an end").1 };
        around += rest;
    }
    answer.body = around.replace("<iframe", "<p").replace("</iframe>", "</p>").into();
    is_clean(&answer, what);
    for page in shown {
        // Mail programs ignore style sheets, so the e-mail has style attributes.
        let is_mail = page.contains("This mail contains no remote images") || page.contains("No tracking");
        answer.body = if is_mail { without_style_attributes(&page) } else { page }.into();
        is_clean(&answer, &format!("{what} in its frame"));
    }
}

fn without_style_attributes(html: &str) -> String {
    let mut parts = html.split(" style=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |html, part| html + part.split_once('"').expect("the end of a style").1)
}
