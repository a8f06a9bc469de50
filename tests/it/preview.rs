//! Every form that publishes can be seen first: each document as it would be, and nothing kept.

use axum::http::StatusCode;
use candor::db::components;
use candor::domain::Role::Publisher;
use candor::domain::{Component, Visibility};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, status_of};
use crate::support::fixtures;

struct AdminSession {
    app: TestApp,
    publisher: Browser,
    api: Component,
}

impl AdminSession {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let publisher = app.logged_in(Publisher).await;
        let api = app.component("API").await;
        app.publish().await;
        Self { app, publisher, api }
    }

    /// The preview of a form, which is kept nowhere and goes on to the same form or is published.
    async fn previewed(&mut self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let (before, site) = (self.app.everything().await, self.app.publisher.site());
        let answer = self.publisher.post(address, &[fields, &[("preview_page", "1")]].concat()).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.text());
        assert_eq!(answer.word("h1"), "Preview of the page", "{address}");
        assert!(self.app.everything().await == before, "{address}: a preview was kept");
        assert!(std::sync::Arc::ptr_eq(&site, &self.app.publisher.site()), "{address}: it was published");
        assert!(answer.attributes("main form", "action").contains(&address.to_owned()), "{address}");
        answer
    }

    /// Goes on from a preview: back to the form, which shows what was typed, and then on to the visitors.
    async fn confirm(&mut self, preview: &Answer, address: &str, typed: &str) {
        let sent = sent(preview);
        let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let before = self.app.everything().await;
        let again = self.publisher.post(address, &[&sent[..], &[("preview", "1")]].concat()).await;
        assert_eq!(again.status, StatusCode::OK, "{address}: {}", again.text());
        let value = sent.iter().find(|(name, _)| *name == typed).expect("a field").1;
        assert_eq!(again.field(typed), value, "{address}");
        assert!(self.app.everything().await == before, "{address}: going back kept something");
        let done = self.publisher.post(address, &sent).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{address}: {}", done.text());
        assert!(self.app.everything().await != before, "{address}: nothing was published");
    }
}

/// What the form of a preview holds.
fn sent(preview: &Answer) -> Vec<(String, String)> {
    let page = preview.page();
    let fields = page.select("main form input");
    let pair = |field: &&crate::support::html::Element| {
        Some((field.attr("name")?.to_owned(), field.attr("value").unwrap_or_default().to_owned()))
    };
    fields.iter().filter_map(pair).collect()
}

/// The page that a frame of a preview shows.
fn frame(answer: &Answer, path: &str) -> String {
    let title = format!("{path} as visitors will see it");
    let page = answer.page();
    let frame = page.select("iframe").into_iter().find(|frame| frame.attr("title") == Some(title.as_str()));
    frame.and_then(|frame| frame.attr("srcdoc")).unwrap_or_default().replace("<!>", "")
}

/// The paths of the API documents, feeds and badges that change.
fn machine_paths(answer: &Answer) -> Vec<String> {
    answer.words("#machine-documents code")
}

const HOSTILE: &str = "</pre><script>alert(1)</script>";

#[apply(on_both_databases!)]
async fn preview_lists_machine_documents(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let api = status_of(&desk.api.id);
    let said =
        [("title", HOSTILE), ("phase", "identified"), ("body", "It is **out**."), (api.as_str(), "major_outage")];
    let answer = desk.previewed("/admin/incidents", &said).await;
    let paths = machine_paths(&answer);
    for path in ["/badge.svg", "/embed", "/history.atom", "/history.rss", "/feed.json", "/api/v2/incidents.json"] {
        assert!(paths.contains(&path.to_owned()), "{path} is not in {paths:?}");
    }
    let own = paths.iter().filter(|path| path.contains("/incidents/") && !path.contains("unresolved"));
    assert_eq!(own.count(), 2, "the incident in both its shapes: {paths:?}");
    assert!(!answer.text().contains("<script>alert"));
    assert!(frame(&answer, "/").contains("Major outage: "));
    desk.confirm(&answer, "/admin/incidents", "body").await;
}

#[apply(on_both_databases!)]
async fn preview_of_many_changes_stays_small(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let mut tx = desk.app.db.write().await.unwrap();
    let mut names = Vec::new();
    for n in 0..80 {
        let made = components::create(&mut tx, fixtures::component(&format!("Region {n}")), desk.app.clock.now());
        names.push(status_of(&made.await.unwrap().id));
    }
    tx.commit(&fixtures::actor(), desk.app.clock.now(), fixtures::entry()).await.unwrap();
    desk.app.publish().await;
    let body = "It is out. ".repeat(2_000);
    let mut said = vec![("title", "Everything"), ("phase", "identified"), ("body", body.as_str())];
    said.extend(names.iter().map(|name| (name.as_str(), "major_outage")));
    let answer = desk.previewed("/admin/incidents", &said).await;
    assert!(machine_paths(&answer).len() > 80, "a badge for each component");
    let pages: usize = answer.attributes("iframe", "srcdoc").iter().map(String::len).sum();
    let around = answer.body.len() - pages;
    assert!(around < 200_000, "{around} bytes beside {pages} of pages");
}

#[apply(on_both_databases!)]
async fn postmortem_preview_shows_incident_page(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let now = desk.app.clock.now();
    let mut embargoed = fixtures::resolved("later", now - TimeDelta::days(2), TimeDelta::hours(1));
    embargoed.visibility = Visibility::Embargoed(now + TimeDelta::days(1));
    desk.app.add(&[fixtures::resolved("old", now - TimeDelta::days(3), TimeDelta::hours(1)), embargoed]).await;
    for id in ["old", "later"] {
        let address = format!("/admin/incidents/{id}/postmortem");
        let form = desk.publisher.get(&address).await;
        assert_eq!(form.attributes("main button[name='preview_page']", "value"), ["1"]);
        let answer = desk.previewed(&address, &[("version", "0"), ("body", "We **learned**.")]).await;
        let page = frame(&answer, &format!("/incidents/{id}"));
        assert!(page.contains("We <strong>learned</strong>."), "{id}: {page}");
        desk.confirm(&answer, &address, "body").await;
        assert!(desk.publisher.get(&address).await.text().contains("Published"), "a preview goes on to publishing");
    }
    assert!(desk.app.visitor().get("/incidents/old").await.text().contains("<strong>learned"));
    assert_eq!(desk.app.visitor().get("/incidents/later").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn update_edit_preview_shows_new_text(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    desk.app.add(&[fixtures::incident("it", desk.app.clock.now())]).await;
    let update = desk.app.incident("it").await.updates[0].id.to_string();
    let address = format!("/admin/incidents/it/updates/{update}");
    let same = desk.app.incident("it").await.updates[0].body.clone();
    let none = desk.previewed(&address, &[("version", "1"), ("body", &same)]).await;
    assert!(frame(&none, "/incidents/it").contains(&same));
    let answer = desk.previewed(&address, &[("version", "1"), ("body", "It is **better** said.")]).await;
    assert!(frame(&answer, "/incidents/it").contains("<strong>better</strong> said."));
    desk.confirm(&answer, &address, "body").await;
}

#[apply(on_both_databases!)]
async fn preview_of_hiding_lists_removed_pages(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    desk.app.add(&[fixtures::incident("it", desk.app.clock.now())]).await;
    let form = desk.publisher.get("/admin/incidents/it/edit").await;
    let (zone, version) = (form.field("zone"), form.field("version"));
    let mut said =
        vec![("version", version.as_str()), ("title", "Xylophone"), ("zone", &zone), ("publish_zone", "UTC")];
    said.push(("visibility", "public"));
    let answer = desk.previewed("/admin/incidents/it", &said).await;
    assert!(frame(&answer, "/incidents/it").contains("Xylophone") && frame(&answer, "/").contains("Xylophone"));
    said.pop();
    said.push(("visibility", "internal"));
    let answer = desk.previewed("/admin/incidents/it", &said).await;
    assert_eq!(answer.word("main p.waiting"), "/incidents/it would be removed.");
    assert!(!frame(&answer, "/").contains("Incident it"), "it is still shown");
    desk.confirm(&answer, "/admin/incidents/it", "title").await;
    assert_eq!(desk.app.visitor().get("/incidents/it").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn preview_of_publishing_shows_hidden_incident(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let mut hidden = fixtures::incident("hidden", desk.app.clock.now());
    hidden.visibility = Visibility::Internal;
    desk.app.add(&[hidden]).await;
    let address = "/admin/incidents/hidden/publication";
    let answer = desk.previewed(address, &[("version", "1")]).await;
    assert!(frame(&answer, "/").contains("Incident hidden") && frame(&answer, "/incidents/hidden").contains("<h1"));
    assert!(answer.words("main p.waiting").is_empty());
    assert_eq!(answer.attributes("main .actions a", "href"), ["/admin/incidents/hidden"]);
    assert_eq!(sent(&answer), [("version".to_owned(), "1".to_owned())]);
}

#[apply(on_both_databases!)]
async fn correction_preview_shows_uptime_page(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let address = format!("/admin/components/{}/corrections", desk.api.id);
    let said = [
        ("started_at", "2026-11-08T10:00"),
        ("ended_at", "2026-11-08T12:00"),
        ("zone", "UTC"),
        ("status", "major_outage"),
        ("reason", "The probe was **blind**."),
    ];
    let answer = desk.previewed(&address, &said).await;
    assert_eq!(answer.words("section h2")[..2], ["/ changes", "/uptime changes"]);
    assert!(frame(&answer, "/uptime").contains("The probe was **blind**."));
    desk.confirm(&answer, &address, "reason").await;
}

#[apply(on_both_databases!)]
async fn status_preview_shows_page_and_returns_to_dashboard(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let address = format!("/admin/components/{}/status", desk.api.id);
    assert_eq!(desk.publisher.get("/admin").await.words("main .baseline button"), ["Update: API", "Preview page: API"]);
    let said = [("version", "1"), ("status", "partial_outage")];
    let answer = desk.previewed(&address, &said).await;
    assert!(frame(&answer, "/").contains("Partial outage: API"));
    assert!(
        machine_paths(&answer).contains(&format!("/components/{}/badge.svg", desk.api.id)),
        "{:?}",
        machine_paths(&answer)
    );
    assert_eq!(answer.attributes("main .actions a", "href"), ["/admin"]);
    assert_eq!(sent(&answer), said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(desk.publisher.post(&address, &said).await.location(), "/admin?done=status-set");
}

#[apply(on_both_databases!)]
async fn every_maintenance_form_has_a_preview(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let now = desk.app.clock.now();
    let planned = fixtures::maintenance("work", now + TimeDelta::days(1), now + TimeDelta::days(2), &["api"]);
    desk.app.plan(&[planned]).await;
    let update = desk.app.maintenance("work").await.updates[0].id.to_string();
    let page = |answer: &Answer| frame(answer, "/incidents/work");

    let edited = format!("/admin/maintenances/work/updates/{update}");
    let answer = desk.previewed(&edited, &[("version", "1"), ("body", "Said **better**.")]).await;
    assert!(page(&answer).contains("<strong>better"));
    desk.confirm(&answer, &edited, "body").await;

    let version = desk.app.maintenance("work").await.version.to_string();
    let said = [("version", version.as_str()), ("title", "Xylophone"), ("component", "api")];
    let answer = desk.previewed("/admin/maintenances/work", &said).await;
    assert!(page(&answer).contains("Xylophone") && machine_paths(&answer).contains(&"/maintenance.ics".to_owned()));
    assert!(machine_paths(&answer).contains(&"/incidents/work.ics".to_owned()), "{:?}", machine_paths(&answer));
    desk.confirm(&answer, "/admin/maintenances/work", "title").await;

    let version = desk.app.maintenance("work").await.version.to_string();
    let mut said = vec![("version", version.as_str()), ("zone", "UTC"), ("body", "To **Sunday**.")];
    said.extend([("scheduled_for", "2026-11-15T02:00"), ("scheduled_until", "2026-11-15T04:00")]);
    let answer = desk.previewed("/admin/maintenances/work/schedule", &said).await;
    assert!(page(&answer).contains("<strong>Sunday"));
    desk.confirm(&answer, "/admin/maintenances/work/schedule", "scheduled_for").await;

    let version = desk.app.maintenance("work").await.version.to_string();
    let said = [("version", version.as_str())];
    let answer = desk.previewed("/admin/maintenances/work/beginning", &said).await;
    assert!(page(&answer).contains("currently in progress"));
    desk.confirm(&answer, "/admin/maintenances/work/beginning", "version").await;
    let version = desk.app.maintenance("work").await.version.to_string();
    let said = [("version", version.as_str()), ("zone", "UTC"), ("until", "2026-11-15T09:00"), ("body", "**Longer**.")];
    let answer = desk.previewed("/admin/maintenances/work/extension", &said).await;
    assert!(page(&answer).contains("<strong>Longer"));
    desk.confirm(&answer, "/admin/maintenances/work/extension", "until").await;

    let version = desk.app.maintenance("work").await.version.to_string();
    let said = [("version", version.as_str()), ("body", "**Called off**.")];
    let answer = desk.previewed("/admin/maintenances/work/cancellation", &said).await;
    assert!(page(&answer).contains("<strong>Called off"));
    desk.confirm(&answer, "/admin/maintenances/work/cancellation", "body").await;
}

#[apply(on_both_databases!)]
async fn empty_time_is_reported_at_its_field(test: TestDb) {
    let mut desk = AdminSession::over(test).await;
    let now = desk.app.clock.now();
    desk.app.plan(&[fixtures::maintenance("work", now, now + TimeDelta::days(2), &["api"])]).await;
    desk.publisher.post("/admin/maintenances/work/beginning", &[("version", "1")]).await;
    let version = desk.app.maintenance("work").await.version.to_string();
    let corrections = format!("/admin/components/{}/corrections", desk.api.id);
    let empty = [("zone", "UTC"), ("title", "X"), ("body", "X"), ("reason", "X"), ("version", version.as_str())];
    for (address, fields) in [
        (corrections.as_str(), &["started_at", "ended_at"][..]),
        ("/admin/maintenances", &["scheduled_for", "scheduled_until"]),
        ("/admin/maintenances/work/extension", &["until"]),
        ("/admin/maintenances/work/schedule", &["scheduled_for", "scheduled_until"]),
    ] {
        let answer = desk.publisher.post(address, &empty).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        for field in fields {
            assert_eq!(answer.message(field), "Enter a date and a time.", "{address} {field}");
        }
    }
    let said =
        [("title", "X"), ("body", "X"), ("phase", "identified"), ("visibility", "embargoed"), ("publish_zone", "UTC")];
    let answer = desk.publisher.post("/admin/incidents", &said).await;
    assert_eq!(answer.message("publish_at"), "Choose when to publish.");
}
