//! Previews of every publishing form show each changed document and save nothing.

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

    /// The preview of a form; checks that nothing was saved or published.
    async fn preview(&mut self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let (before, site) = (self.app.all_content().await, self.app.publisher.site());
        let answer = self.publisher.post(address, &[fields, &[("preview_page", "1")]].concat()).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.text());
        assert_eq!(answer.word("h1"), "Preview of the page", "{address}");
        assert!(self.app.all_content().await == before, "{address}: a preview was kept");
        assert!(std::sync::Arc::ptr_eq(&site, &self.app.publisher.site()), "{address}: it was published");
        assert!(answer.attributes("main form", "action").contains(&address.to_owned()), "{address}");
        answer
    }

    /// Goes back from a preview to the form, which must contain `typed`, and publishes it.
    async fn confirm(&mut self, preview: &Answer, address: &str, typed: &str) {
        let sent = form_fields(preview);
        let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let before = self.app.all_content().await;
        let again = self.publisher.post(address, &[&sent[..], &[("preview", "1")]].concat()).await;
        assert_eq!(again.status, StatusCode::OK, "{address}: {}", again.text());
        let value = sent.iter().find(|(name, _)| *name == typed).expect("a field").1;
        assert_eq!(again.field(typed), value, "{address}");
        assert!(self.app.all_content().await == before, "{address}: going back kept something");
        let answer = self.publisher.post(address, &sent).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}: {}", answer.text());
        assert!(self.app.all_content().await != before, "{address}: nothing was published");
    }
}

fn form_fields(preview: &Answer) -> Vec<(String, String)> {
    let page = preview.page();
    let fields = page.select("main form input");
    let pair = |field: &&crate::support::html::Element| {
        Some((field.attr("name")?.to_owned(), field.attr("value").unwrap_or_default().to_owned()))
    };
    fields.iter().filter_map(pair).collect()
}

fn frame_html(answer: &Answer, path: &str) -> String {
    let title = format!("{path} as visitors will see it");
    let page = answer.page();
    let frame = page.select("iframe").into_iter().find(|frame| frame.attr("title") == Some(title.as_str()));
    frame.and_then(|frame| frame.attr("srcdoc")).unwrap_or_default().replace("<!>", "")
}

fn machine_paths(answer: &Answer) -> Vec<String> {
    answer.words("#machine-documents code")
}

const HOSTILE: &str = "</pre><script>alert(1)</script>";

#[apply(on_both_databases!)]
async fn preview_lists_machine_documents(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = status_of(&admin.api.id);
    let fields =
        [("title", HOSTILE), ("phase", "identified"), ("body", "It is **out**."), (api.as_str(), "major_outage")];
    let answer = admin.preview("/admin/incidents", &fields).await;
    let paths = machine_paths(&answer);
    for path in ["/badge.svg", "/embed", "/history.atom", "/history.rss", "/feed.json", "/api/v2/incidents.json"] {
        assert!(paths.contains(&path.to_owned()), "{path} is not in {paths:?}");
    }
    let own = paths.iter().filter(|path| path.contains("/incidents/") && !path.contains("unresolved"));
    assert_eq!(own.count(), 2, "the incident in both its shapes: {paths:?}");
    assert!(!answer.text().contains("<script>alert"));
    assert!(frame_html(&answer, "/").contains("API: major outage"));
    admin.confirm(&answer, "/admin/incidents", "body").await;
}

#[apply(on_both_databases!)]
async fn preview_shows_the_messages_to_subscribers(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = status_of(&admin.api.id);
    let fields =
        [("title", HOSTILE), ("phase", "identified"), ("body", "It is **out**."), (api.as_str(), "major_outage")];
    let answer = admin.preview("/admin/incidents", &fields).await;
    let channels = ["E-mail", "Webhook", "Slack", "Microsoft Teams", "Discord", "Google Chat"];
    assert_eq!(answer.words("#messages summary"), channels);
    let texts = answer.words("#messages pre");
    assert!(texts[0].contains("Identified") && texts[0].contains("It is out"), "{}", texts[0]);
    assert!(texts[1].contains("\"incident_updates\""), "{}", texts[1]);
    assert!(!answer.text().contains("<script>alert"));
    assert!(answer.header("content-security-policy").contains("style-src-attr 'unsafe-inline'"));
    // An edit of what was told already tells nothing.
    let incident = fixtures::incident("it", admin.app.clock.now());
    admin.app.add(std::slice::from_ref(&incident)).await;
    let answer = admin.preview("/admin/incidents/it", &[("title", "Another"), ("version", "1")]).await;
    assert!(answer.words("#messages summary").is_empty());
}

#[apply(on_both_databases!)]
async fn preview_of_many_changes_stays_small(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut tx = admin.app.db.write().await.unwrap();
    let mut names = Vec::new();
    for n in 0..80 {
        let created = components::create(&mut tx, fixtures::component(&format!("Region {n}")), admin.app.clock.now());
        names.push(status_of(&created.await.unwrap().id));
    }
    tx.commit(&fixtures::actor(), admin.app.clock.now(), fixtures::entry()).await.unwrap();
    admin.app.publish().await;
    let body = "It is out. ".repeat(2_000);
    let mut fields = vec![("title", "Everything"), ("phase", "identified"), ("body", body.as_str())];
    fields.extend(names.iter().map(|name| (name.as_str(), "major_outage")));
    let answer = admin.preview("/admin/incidents", &fields).await;
    assert!(machine_paths(&answer).len() > 80, "a badge for each component");
    let pages: usize = answer.attributes("iframe", "srcdoc").iter().map(String::len).sum();
    let around = answer.body.len() - pages;
    assert!(around < 200_000, "{around} bytes beside {pages} of pages");
}

#[apply(on_both_databases!)]
async fn postmortem_preview_shows_incident_page(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let mut embargoed = fixtures::resolved("later", now - TimeDelta::days(2), TimeDelta::hours(1));
    embargoed.visibility = Visibility::Embargoed(now + TimeDelta::days(1));
    admin.app.add(&[fixtures::resolved("old", now - TimeDelta::days(3), TimeDelta::hours(1)), embargoed]).await;
    for id in ["old", "later"] {
        let address = format!("/admin/incidents/{id}/postmortem");
        let form = admin.publisher.get(&address).await;
        assert_eq!(form.attributes("main button[name='preview_page']", "value"), ["1"]);
        let answer = admin.preview(&address, &[("version", "0"), ("body", "We **learned**.")]).await;
        let page = frame_html(&answer, &format!("/incidents/{id}"));
        assert!(page.contains("We <strong>learned</strong>."), "{id}: {page}");
        admin.confirm(&answer, &address, "body").await;
        assert!(admin.publisher.get(&address).await.text().contains("Published"), "a preview goes on to publishing");
    }
    assert!(admin.app.visitor().get("/incidents/old").await.text().contains("<strong>learned"));
    assert_eq!(admin.app.visitor().get("/incidents/later").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn update_edit_preview_shows_new_text(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[fixtures::incident("it", admin.app.clock.now())]).await;
    let update = admin.app.incident("it").await.updates[0].id.to_string();
    let address = format!("/admin/incidents/it/updates/{update}");
    let same = admin.app.incident("it").await.updates[0].body.clone();
    let none = admin.preview(&address, &[("version", "1"), ("body", &same)]).await;
    assert!(frame_html(&none, "/incidents/it").contains(&same));
    let answer = admin.preview(&address, &[("version", "1"), ("body", "It is **better** said.")]).await;
    assert!(frame_html(&answer, "/incidents/it").contains("<strong>better</strong> said."));
    admin.confirm(&answer, &address, "body").await;
}

#[apply(on_both_databases!)]
async fn preview_of_hiding_lists_removed_pages(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[fixtures::incident("it", admin.app.clock.now())]).await;
    let form = admin.publisher.get("/admin/incidents/it/edit").await;
    let (zone, version) = (form.field("zone"), form.field("version"));
    let mut fields =
        vec![("version", version.as_str()), ("title", "Xylophone"), ("zone", &zone), ("publish_zone", "UTC")];
    fields.push(("visibility", "public"));
    let answer = admin.preview("/admin/incidents/it", &fields).await;
    assert!(
        frame_html(&answer, "/incidents/it").contains("Xylophone") && frame_html(&answer, "/").contains("Xylophone")
    );
    fields.pop();
    fields.push(("visibility", "internal"));
    let answer = admin.preview("/admin/incidents/it", &fields).await;
    assert_eq!(answer.word("main p.waiting"), "/incidents/it would be removed.");
    assert!(!frame_html(&answer, "/").contains("Incident it"), "it is still shown");
    admin.confirm(&answer, "/admin/incidents/it", "title").await;
    assert_eq!(admin.app.visitor().get("/incidents/it").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn preview_of_publishing_shows_hidden_incident(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut hidden = fixtures::incident("hidden", admin.app.clock.now());
    hidden.visibility = Visibility::Internal;
    admin.app.add(&[hidden]).await;
    let address = "/admin/incidents/hidden/publication";
    let answer = admin.preview(address, &[("version", "1")]).await;
    assert!(
        frame_html(&answer, "/").contains("Incident hidden")
            && frame_html(&answer, "/incidents/hidden").contains("<h1")
    );
    assert!(answer.words("main p.waiting").is_empty());
    assert_eq!(answer.attributes("main .actions a", "href"), ["/admin/incidents/hidden"]);
    assert_eq!(form_fields(&answer), [("version".to_owned(), "1".to_owned())]);
}

#[apply(on_both_databases!)]
async fn correction_preview_shows_uptime_page(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let address = format!("/admin/components/{}/corrections", admin.api.id);
    let day = (admin.app.clock.now() - TimeDelta::days(20)).format("%Y-%m-%d");
    let (start, end) = (format!("{day}T10:00"), format!("{day}T12:00"));
    let fields = [
        ("started_at", start.as_str()),
        ("ended_at", end.as_str()),
        ("zone", "UTC"),
        ("status", "major_outage"),
        ("reason", "The probe was **blind**."),
    ];
    let answer = admin.preview(&address, &fields).await;
    let month = (admin.app.clock.now() - TimeDelta::days(20)).format("%Y-%m");
    let uptime = format!("/uptime?month={month}&component={}", admin.api.id);
    assert_eq!(answer.words("section h2")[..2], ["/ changes".to_owned(), format!("{uptime} changes")]);
    let html = frame_html(&answer, &uptime);
    assert!(html.contains("The probe was **blind**.") && html.contains("2 h counted as downtime"), "{html}");
    admin.confirm(&answer, &address, "reason").await;
}

#[apply(on_both_databases!)]
async fn status_preview_shows_page_and_returns_to_dashboard(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let address = format!("/admin/components/{}/status", admin.api.id);
    let menu = admin.publisher.get("/admin").await;
    assert_eq!(menu.word(".board .pick summary"), "API: Operational");
    assert_eq!(menu.attributes(".board .sheet form", "action"), std::slice::from_ref(&address));
    assert_eq!(menu.attributes(".board .sheet [aria-current]", "value"), ["operational"]);
    let fields = [("version", "1"), ("status", "partial_outage")];
    let answer = admin.preview(&address, &fields).await;
    assert!(frame_html(&answer, "/").contains("API: partial outage"));
    assert!(
        machine_paths(&answer).contains(&format!("/components/{}/badge.svg", admin.api.id)),
        "{:?}",
        machine_paths(&answer)
    );
    assert_eq!(answer.attributes("main .actions a", "href"), ["/admin"]);
    assert_eq!(form_fields(&answer), fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(admin.publisher.post(&address, &fields).await.location(), "/admin?done=status-set");
}

#[apply(on_both_databases!)]
async fn every_maintenance_form_has_a_preview(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let planned = fixtures::maintenance("work", now + TimeDelta::days(1), now + TimeDelta::days(2), &["api"]);
    admin.app.plan(&[planned]).await;
    let update = admin.app.maintenance("work").await.updates[0].id.to_string();
    let page = |answer: &Answer| frame_html(answer, "/incidents/work");

    let edited = format!("/admin/maintenances/work/updates/{update}");
    let answer = admin.preview(&edited, &[("version", "1"), ("body", "Said **better**.")]).await;
    assert!(page(&answer).contains("<strong>better"));
    admin.confirm(&answer, &edited, "body").await;

    let version = admin.app.maintenance("work").await.version.to_string();
    let fields = [("version", version.as_str()), ("title", "Xylophone"), ("component", "api")];
    let answer = admin.preview("/admin/maintenances/work", &fields).await;
    assert!(page(&answer).contains("Xylophone") && machine_paths(&answer).contains(&"/maintenance.ics".to_owned()));
    assert!(machine_paths(&answer).contains(&"/incidents/work.ics".to_owned()), "{:?}", machine_paths(&answer));
    admin.confirm(&answer, "/admin/maintenances/work", "title").await;

    let version = admin.app.maintenance("work").await.version.to_string();
    let mut fields = vec![("version", version.as_str()), ("zone", "UTC"), ("body", "To **Sunday**.")];
    fields.extend([("scheduled_for", "2026-11-15T02:00"), ("scheduled_until", "2026-11-15T04:00")]);
    let answer = admin.preview("/admin/maintenances/work/schedule", &fields).await;
    assert!(page(&answer).contains("<strong>Sunday"));
    admin.confirm(&answer, "/admin/maintenances/work/schedule", "scheduled_for").await;

    let version = admin.app.maintenance("work").await.version.to_string();
    let fields = [("version", version.as_str())];
    let answer = admin.preview("/admin/maintenances/work/beginning", &fields).await;
    assert!(page(&answer).contains("currently in progress"));
    admin.confirm(&answer, "/admin/maintenances/work/beginning", "version").await;
    let version = admin.app.maintenance("work").await.version.to_string();
    let fields =
        [("version", version.as_str()), ("zone", "UTC"), ("until", "2026-11-15T09:00"), ("body", "**Longer**.")];
    let answer = admin.preview("/admin/maintenances/work/extension", &fields).await;
    assert!(page(&answer).contains("<strong>Longer"));
    admin.confirm(&answer, "/admin/maintenances/work/extension", "until").await;

    let version = admin.app.maintenance("work").await.version.to_string();
    let fields = [("version", version.as_str()), ("body", "**Called off**.")];
    let answer = admin.preview("/admin/maintenances/work/cancellation", &fields).await;
    assert!(page(&answer).contains("<strong>Called off"));
    admin.confirm(&answer, "/admin/maintenances/work/cancellation", "body").await;
}

#[apply(on_both_databases!)]
async fn empty_time_is_reported_at_its_field(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    admin.app.plan(&[fixtures::maintenance("work", now, now + TimeDelta::days(2), &["api"])]).await;
    admin.publisher.post("/admin/maintenances/work/beginning", &[("version", "1")]).await;
    let version = admin.app.maintenance("work").await.version.to_string();
    let corrections = format!("/admin/components/{}/corrections", admin.api.id);
    let empty = [("zone", "UTC"), ("title", "X"), ("body", "X"), ("reason", "X"), ("version", version.as_str())];
    for (address, fields) in [
        (corrections.as_str(), &["started_at", "ended_at"][..]),
        ("/admin/maintenances", &["scheduled_for", "scheduled_until"]),
        ("/admin/maintenances/work/extension", &["until"]),
        ("/admin/maintenances/work/schedule", &["scheduled_for", "scheduled_until"]),
    ] {
        let answer = admin.publisher.post(address, &empty).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        for field in fields {
            assert_eq!(answer.message(field), "Enter a date and a time.", "{address} {field}");
        }
    }
    let form =
        [("title", "X"), ("body", "X"), ("phase", "identified"), ("visibility", "embargoed"), ("publish_zone", "UTC")];
    let answer = admin.publisher.post("/admin/incidents", &form).await;
    assert_eq!(answer.message("publish_at"), "Choose when to publish.");
}
