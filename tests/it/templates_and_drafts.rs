//! Reminders on the dashboard, templates, drafts and previews.

use axum::http::StatusCode;
use candor::domain::Role::{Publisher, Viewer};
use candor::domain::{Component, Phase, Reminder, Status, Visibility};
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

    async fn colleague(&self) -> Browser {
        let rui = self.app.manager("Rui", Publisher).await;
        self.app.with_session(&rui).await
    }
}

#[apply(on_both_databases!)]
async fn dashboard_shows_due_updates(test: TestDb) {
    let admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let open = |id: &str, ago, reminder| {
        let mut incident = fixtures::incident(id, now - TimeDelta::hours(ago));
        incident.reminder = reminder;
        incident
    };
    admin
        .app
        .add(&[
            open("fresh", 2, Reminder::Usual),
            open("usual", 7, Reminder::Usual),
            open("often", 8, Reminder::Every(2)),
            open("never", 9, Reminder::Off),
        ])
        .await;
    let page = admin.app.logged_in(Viewer).await.get("/admin").await;
    let expected = ["No update for 7 h 2 reminders.", "No update for 8 h 4 reminders."];
    assert_eq!(page.words(".card .strip"), expected);
    let public = admin.app.visitor().get("/").await.text();
    assert!(!public.contains("reminder"), "visitors are told of reminders");
}

#[apply(on_both_databases!)]
async fn dashboard_links_update_and_resolve(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[fixtures::incident("it", admin.app.clock.now())]).await;
    let page = admin.publisher.get("/admin").await;
    assert_eq!(page.attributes(".card .act a", "href"), ["/admin/incidents/it?phase=resolved", "/admin/incidents/it"]);
    let composer = admin.publisher.get("/admin/incidents/it?phase=resolved").await;
    assert_eq!((composer.field("phase"), composer.field("version")), ("resolved".into(), "1".into()));
    assert_eq!(composer.attributes("[autofocus]", "id"), ["body"], "the space key must not choose a status");
    assert_eq!(composer.attributes("#phase", "value"), ["resolved"]);
    let plain = admin.publisher.get("/admin/incidents/it").await;
    assert_eq!(plain.attributes("[autofocus]", "id"), ["body"]);
    let next = admin.app.incident("it").await.phase.likely_next().key();
    assert_eq!(plain.attributes("#phase", "value"), [next]);
    assert_eq!(admin.publisher.get("/admin/incidents/it?phase=broken").await.field("phase"), next);
    assert!(admin.app.logged_in(Viewer).await.get("/admin").await.words(".card .act").is_empty());
}

#[apply(on_both_databases!)]
async fn shortcuts_are_listed_and_served(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let page = admin.publisher.get("/admin/shortcuts").await;
    assert_eq!(page.words(".keys dt").len(), page.words(".keys dd").len());
    assert!(
        page.words(".keys dt").contains(&"g d".into()) && page.words(".keys dd").contains(&"Create incident".into())
    );
    let script = page.attributes("script[defer]", "src").concat();
    let answer = admin.app.visitor().get(&script).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/javascript; charset=utf-8"));
    assert!(answer.header("cache-control").contains("immutable"));
    assert!(admin.app.visitor().get("/").await.attributes("script", "src").iter().all(|src| *src != script));
}

async fn add_template(admin: &mut AdminSession, title: &str, body: &str) -> String {
    let api = status_of(&admin.api.id);
    let fields =
        [("name", "Slow"), ("title", title), ("phase", "identified"), ("body", body), (api.as_str(), "partial_outage")];
    let answer = admin.publisher.post("/admin/templates", &fields).await;
    assert_eq!(answer.location(), "/admin/templates?done=template-added", "{}", answer.text());
    let list = admin.publisher.get("/admin/templates").await;
    let href = list.attributes(".links a", "href").remove(1);
    href.trim_start_matches("/admin/templates/").trim_end_matches("/edit").to_owned()
}

#[apply(on_both_databases!)]
async fn a_template_fills_the_composer_of_an_incident(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = add_template(&mut admin, "{{component}} is slow", "{{title}} since {{time}} on {{date}}. <b>{{page}}</b>")
        .await;
    let before = admin.app.all_content().await;
    let offered = admin.publisher.get("/admin/incidents/new").await;
    assert_eq!(offered.attributes(".offered a", "href"), [format!("/admin/incidents/new?template={id}")]);
    let form = admin.publisher.get(&format!("/admin/incidents/new?template={id}")).await;
    assert_eq!(form.field("title"), "API is slow");
    assert_eq!(form.field("body"), "API is slow since 12:00 UTC on 10 Nov 2026. <b>Status</b>");
    assert_eq!(form.field("phase"), "identified");
    assert_eq!(form.field(&status_of(&admin.api.id)), "partial_outage");
    assert!(admin.app.all_content().await == before, "looking at a template changed something");
    assert_eq!(admin.publisher.get("/admin/incidents/new?template=gone").await.status, StatusCode::NOT_FOUND);
    // Placeholders are only replaced in templates; text in the composer stays unchanged.
    let fields = [("title", "{{title}}"), ("phase", "identified"), ("body", "{{nobody}} {{time}}")];
    let answer = admin.publisher.post("/admin/incidents", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = admin.app.visitor().get("/").await;
    assert!(page.word(".card h3") == "{{title}}" && page.text().contains("{{nobody}} {{time}}"));
}

#[apply(on_both_databases!)]
async fn a_template_fills_the_composer_of_an_update(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = add_template(&mut admin, "", "{{title}}: {{components}} again").await;
    admin.app.add(&[fixtures::incident("it", admin.app.clock.now())]).await;
    let form = admin.publisher.get(&format!("/admin/incidents/it?template={id}")).await;
    assert_eq!((form.field("body"), form.field("phase")), ("Incident it: API again".into(), "identified".into()));
    assert_eq!((form.field(&status_of(&admin.api.id)), form.field("version")), ("partial_outage".into(), "1".into()));
}

#[apply(on_both_databases!)]
async fn maintenance_templates_fill_the_maintenance_composers(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let form = admin.publisher.get("/admin/templates/new").await;
    assert_eq!(form.attributes("select[name='phase'] optgroup", "label"), ["Incident", "Maintenance"]);
    assert_eq!(form.words("select[name='phase'] option").len(), 8);
    let api = status_of(&admin.api.id);
    for (phase, status) in [("scheduled", "under_maintenance"), ("in_progress", "operational"), ("verifying", "")] {
        let fields = [("name", phase), ("title", "Work on {{component}}"), ("phase", phase), ("body", "{{title}}!")];
        let fields = [&fields[..], &[(api.as_str(), status)]].concat();
        let answer = admin.publisher.post("/admin/templates", &fields).await;
        assert_eq!(answer.location(), "/admin/templates?done=template-added", "{}", answer.text());
    }
    let list = admin.publisher.get("/admin/templates").await;
    let [in_progress, scheduled] = [0, 3].map(|index| list.attributes(".links a", "href").remove(index));
    let [in_progress, scheduled] = [in_progress, scheduled].map(|href| href.rsplit_once('=').unwrap().1.to_owned());
    let offered = admin.publisher.get("/admin/maintenances/new").await;
    let link = format!("/admin/maintenances/new?template={scheduled}");
    assert_eq!(offered.attributes(".offered a", "href"), [link.as_str()]);
    let form = admin.publisher.get(&link).await;
    assert_eq!((form.field("title").as_str(), form.field("body").as_str()), ("Work on API", "Work on API!"));
    let (from, api) = (admin.app.clock.now(), admin.api.id.to_string());
    admin.app.plan(&[fixtures::maintenance("work", from, from + TimeDelta::hours(1), &[&api])]).await;
    let page = admin.publisher.get("/admin/maintenances/work").await;
    assert_eq!(page.words(".offered a"), ["in_progress", "scheduled"], "those of the next phases");
    let form = admin.publisher.get(&format!("/admin/maintenances/work?template={in_progress}")).await;
    assert_eq!((form.field("phase").as_str(), form.field("body").as_str()), ("in_progress", "Maintenance work!"));
    assert_eq!(form.field(&status_of(&admin.api.id)), "operational");
    let edited = admin.publisher.get(&format!("/admin/templates/{in_progress}/edit")).await;
    let fields = [("version", "1"), ("name", "x"), ("phase", "completed"), ("body", edited.field("body").as_str())]
        .map(|(name, value)| (name, value.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = admin.publisher.post(&format!("/admin/templates/{in_progress}"), &fields).await;
    assert_eq!(answer.location(), "/admin/templates?done=template-saved", "{}", answer.text());
    let edited = admin.publisher.get(&format!("/admin/templates/{in_progress}/edit")).await;
    assert_eq!(edited.field("phase"), "completed");
}

#[apply(on_both_databases!)]
async fn unknown_placeholder_is_rejected_at_its_field(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let fields = [("name", "Slow"), ("title", "{{title}}"), ("phase", "identified"), ("body", "{{ env.SECRET }}")];
    let answer = admin.publisher.post("/admin/templates", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("body").starts_with("Unknown placeholder {{env.SECRET}}."), "{}", answer.text());
    assert!(answer.message("title").starts_with("Unknown placeholder {{title}}."));
    assert_eq!(answer.field("body"), "{{ env.SECRET }}");
    assert!(admin.app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn template_edit_conflict_shows_both(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = add_template(&mut admin, "One", "Text").await;
    let path = format!("/admin/templates/{id}");
    let change = |body| [("version", "1"), ("name", "Slow"), ("phase", "identified"), ("body", body)];
    assert_eq!(admin.publisher.post(&path, &change("First")).await.location(), "/admin/templates?done=template-saved");
    let conflict = admin.publisher.post(&path, &change("Second")).await;
    assert_eq!(
        (conflict.status, conflict.field("body"), conflict.field("version")),
        (StatusCode::CONFLICT, "Second".into(), "2".into())
    );
    assert!(conflict.word(".conflict").contains("First"));
    let gone = admin.publisher.post(&format!("{path}/deletion"), &[]).await;
    assert_eq!(gone.location(), "/admin/templates?done=template-deleted");
    let actions: Vec<String> = admin.app.audit().await.into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["template.delete", "template.edit", "template.add"]);
}

async fn save_draft(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> String {
    let mut all = fields.to_vec();
    all.push(("save_draft", "1"));
    saved_draft_id(&browser.post(path, &all).await)
}

fn saved_draft_id(answer: &Answer) -> String {
    let id = answer.location().strip_prefix("/admin/drafts/").and_then(|rest| rest.strip_suffix("?done=draft-saved"));
    id.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text())).to_owned()
}

#[apply(on_both_databases!)]
async fn draft_is_shared_and_deleted_on_publish(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = status_of(&admin.api.id);
    let fields = [("title", "Xylophone"), ("body", "  half a sent"), ("phase", ""), (api.as_str(), "major_outage")];
    let id = save_draft(&mut admin.publisher, "/admin/incidents", &fields).await;
    let mut rui = admin.colleague().await;
    let list = rui.get("/admin").await;
    assert_eq!(
        (list.word(".draft .what"), list.word(".draft .soft")),
        ("Incident draft by Publisher".into(), "Xylophone · saved just now".into())
    );
    let form = rui.get(&format!("/admin/drafts/{id}")).await;
    assert!(form.word("main p.waiting").starts_with("A draft: Publisher edited this just now"));
    assert_eq!((form.field("title"), form.field("body")), ("Xylophone".into(), "  half a sent".into()));
    assert_eq!((form.field(&api), form.field("draft_version")), ("major_outage".into(), "1".into()));
    assert!(!admin.app.visitor().get("/").await.text().contains("Xylophone"), "a draft is public");
    let mut all = vec![("draft", id.as_str()), ("draft_version", "1"), ("title", "Xylophone"), ("phase", "identified")];
    all.push(("body", "A whole sentence."));
    let wrong = rui.post("/admin/incidents", &[("draft", id.as_str()), ("draft_version", "1")]).await;
    assert_eq!((wrong.status, wrong.field("draft")), (StatusCode::UNPROCESSABLE_ENTITY, id.clone()));
    let answer = rui.post("/admin/incidents", &all).await;
    assert!(answer.location().ends_with("done=incident-opened"), "{}", answer.text());
    assert_eq!(rui.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::NOT_FOUND);
    assert!(rui.get("/admin").await.words(".draft").is_empty());
    let mut viewer = admin.app.logged_in(Viewer).await;
    assert_eq!(viewer.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn draft_conflict_shows_both_texts(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = save_draft(&mut admin.publisher, "/admin/incidents", &[("title", "Begun"), ("body", "One")]).await;
    let mut rui = admin.colleague().await;
    let edit = |body| [("draft", id.as_str()), ("draft_version", "1"), ("title", "Begun"), ("body", body)];
    admin.app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(save_draft(&mut rui, "/admin/incidents", &edit("Two of Rui")).await, id);
    admin.app.clock.advance(TimeDelta::minutes(2));
    for button in ["save_draft", "publish"] {
        let mut mine = edit("Three of mine").to_vec();
        mine.extend([(button, "1"), ("phase", "identified")]);
        let conflict = admin.publisher.post("/admin/incidents", &mine).await;
        assert_eq!(conflict.status, StatusCode::CONFLICT, "{button}");
        assert!(conflict.word(".conflict").contains("Two of Rui") && conflict.word(".conflict").contains("by Rui"));
        assert_eq!((conflict.field("body"), conflict.field("draft_version")), ("Three of mine".into(), "2".into()));
        assert!(conflict.word("main p.waiting").contains("Rui edited this 2m ago"));
    }
    let mut mine = edit("Three of mine").to_vec();
    mine[1] = ("draft_version", "2");
    assert_eq!(save_draft(&mut admin.publisher, "/admin/incidents", &mine).await, id);
    assert_eq!(rui.get(&format!("/admin/drafts/{id}")).await.field("body"), "Three of mine");
    assert!(admin.app.incidents().await.is_empty());
}

#[apply(on_both_databases!)]
async fn published_draft_cannot_be_published_again(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = save_draft(&mut admin.publisher, "/admin/incidents", &[("title", "Begun"), ("body", "One")]).await;
    let all =
        [("draft", id.as_str()), ("draft_version", "1"), ("title", "Begun"), ("body", "One"), ("phase", "identified")];
    let mut rui = admin.colleague().await;
    assert_eq!(rui.post("/admin/incidents", &all).await.status, StatusCode::SEE_OTHER);
    let conflict = admin.publisher.post("/admin/incidents", &all).await;
    assert_eq!((conflict.status, conflict.field("title")), (StatusCode::CONFLICT, "Begun".into()));
    assert!(conflict.word(".conflict h2").contains("published or deleted"));
    assert_eq!(admin.app.incidents().await.len(), 1);
    // After the conflict, the text can still be published as a new incident.
    assert_eq!(conflict.page().select("input[name='draft']").len(), 0);
    assert_eq!(admin.publisher.post("/admin/incidents", &all[2..]).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn update_draft_conflicts_with_newer_update(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[fixtures::incident("it", admin.app.clock.now())]).await;
    let fields = [("body", "Nearly done"), ("phase", "monitoring"), ("version", "1")];
    let id = save_draft(&mut admin.publisher, "/admin/incidents/it/updates", &fields).await;
    let mut rui = admin.colleague().await;
    let posted = [("body", "It got worse"), ("phase", "identified"), ("version", "1")];
    assert_eq!(rui.post("/admin/incidents/it/updates", &posted).await.status, StatusCode::SEE_OTHER);
    let form = admin.publisher.get(&format!("/admin/drafts/{id}")).await;
    assert_eq!((form.field("body"), form.field("version")), ("Nearly done".into(), "1".into()));
    // Saving the draft again does not move it to the newer version of the incident.
    let version = form.field("version");
    let mut again = vec![("draft", id.as_str()), ("draft_version", "1"), ("body", "All done"), ("phase", "resolved")];
    again.push(("version", version.as_str()));
    assert_eq!(save_draft(&mut admin.publisher, "/admin/incidents/it/updates", &again).await, id);
    let form = admin.publisher.get(&format!("/admin/drafts/{id}")).await;
    let (version, saved) = (form.field("version"), form.field("draft_version"));
    let mut all = vec![("draft", id.as_str()), ("draft_version", saved.as_str())];
    all.extend([("body", "All done"), ("phase", "resolved"), ("version", version.as_str())]);
    let before = admin.app.counts().await;
    let conflict = admin.publisher.post("/admin/incidents/it/updates", &all).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.word(".conflict").contains("Rui"), "{}", conflict.text());
    assert_eq!(
        (conflict.field("body"), conflict.field("version"), conflict.field("draft")),
        ("All done".into(), "2".into(), id.clone())
    );
    assert_eq!(admin.app.counts().await, before, "the draft was published over the colleague's update");
    // With the version from the conflict page, the update can be posted.
    all.pop();
    all.push(("version", "2"));
    assert_eq!(admin.publisher.post("/admin/incidents/it/updates", &all).await.status, StatusCode::SEE_OTHER);
    assert_eq!(admin.publisher.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn update_draft_is_deleted_with_its_incident(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin
        .app
        .add(&[fixtures::incident("it", admin.app.clock.now()), fixtures::incident("other", admin.app.clock.now())])
        .await;
    let fields = [("body", "Nearly"), ("phase", "monitoring"), ("version", "1")];
    let first = save_draft(&mut admin.publisher, "/admin/incidents/it/updates", &fields).await;
    let second = save_draft(&mut admin.publisher, "/admin/incidents/other/updates", &fields).await;
    let form = admin.publisher.get(&format!("/admin/drafts/{first}")).await;
    assert_eq!(
        (form.field("body"), form.field("phase"), form.field("version")),
        ("Nearly".into(), "monitoring".into(), "1".into())
    );
    let mut all = fields.to_vec();
    all.extend([("draft", first.as_str()), ("draft_version", "1")]);
    assert_eq!(admin.publisher.post("/admin/incidents/it/updates", &all).await.status, StatusCode::SEE_OTHER);
    let answer =
        admin.publisher.post("/admin/incidents/other/deletion", &[("title", "Incident other"), ("version", "1")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    for id in [first, second] {
        assert_eq!(admin.publisher.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::NOT_FOUND);
    }
    let third = save_draft(&mut admin.publisher, "/admin/incidents/it/updates", &fields).await;
    let gone = admin.publisher.post(&format!("/admin/drafts/{third}/deletion"), &[("version", "1")]).await;
    assert_eq!(gone.location(), "/admin?done=draft-deleted");
    assert_eq!(admin.app.audit().await[0].action, "draft.delete");
}

fn frame_html(answer: &Answer, path: &str) -> String {
    let title = format!("{path} as visitors will see it");
    let page = answer.page();
    let frames = page.select("iframe");
    let frame = frames.into_iter().find(|frame| frame.attr("title") == Some(title.as_str()));
    frame.and_then(|frame| frame.attr("srcdoc")).unwrap_or_default().replace("<!>", "")
}

#[apply(on_both_databases!)]
async fn preview_shows_pages_and_writes_nothing(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[fixtures::resolved("old", admin.app.clock.now() - TimeDelta::days(3), TimeDelta::hours(1))]).await;
    let before = admin.app.all_content().await;
    let (site, stored) = (admin.app.publisher.site(), std::fs::read(admin.app.site_file()).unwrap());
    let api = status_of(&admin.api.id);
    let fields =
        [("title", "Xylophone"), ("phase", "identified"), ("body", "It is **out**."), (api.as_str(), "major_outage")];
    let mut all = fields.to_vec();
    all.push(("preview_page", "1"));
    let answer = admin.publisher.post("/admin/incidents", &all).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let headings = answer.words("section h2");
    assert_eq!((headings.len(), headings[3].as_str()), (4, "Messages to subscribers"));
    assert_eq!(answer.word("#messages [data-recipients]"), "0 subscribers");
    assert!(headings[0] == "/ changes" && headings[1].ends_with(" new") && headings[2] == "/history changes");
    let also = answer.words("details code");
    // The headings of the first two show the failure.
    for path in ["/api", "/incidents/old", "/api/v2/summary.json", "/history.atom", "/badge.svg", "/embed/frame"] {
        assert!(also.contains(&path.to_owned()), "{path} is not in {also:?}");
    }
    let own = headings[1].trim_end_matches(" new").to_owned();
    let status = frame_html(&answer, "/");
    assert!(status.contains("API: major outage") && status.contains("<strong>out</strong>"), "{status}");
    assert!(
        frame_html(&answer, "/history").contains("Xylophone")
            && frame_html(&answer, &own).contains("<h2>Timeline</h2>")
    );
    assert_eq!(answer.attributes("iframe", "sandbox"), [""; 4]);
    assert!(!status.contains("<script"));
    // The policy differs from the usual one only in the hashes of the public stylesheets and the styles of the e-mail.
    let usual = admin.publisher.get("/admin").await.header("content-security-policy").to_owned();
    let policy = answer.header("content-security-policy");
    let hashes = policy.split([' ', ';']).filter(|word| word.starts_with("'sha256-"));
    let hashes = hashes.collect::<Vec<_>>().join(" ");
    assert!(!hashes.is_empty());
    let nonce = |policy: &str| policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let bare = policy.replace(&format!(" {hashes}"), "").replace(&nonce(policy), "");
    let bare = bare.trim_end_matches("; style-src-attr 'unsafe-inline'");
    assert_eq!(bare, usual.replace(&nonce(&usual), ""));
    // Nothing is saved or served, and a viewer gets no preview.
    assert!(admin.app.all_content().await == before, "a preview was kept");
    assert!(std::sync::Arc::ptr_eq(&site, &admin.app.publisher.site()), "a preview was published");
    assert!(stored == std::fs::read(admin.app.site_file()).unwrap());
    for address in ["/", "/history", "/history?q=xylophone", "/uptime"] {
        let shown = admin.app.visitor().get(address).await.text();
        assert!(!shown.contains("Xylophone") || address.contains("q="), "{address}");
        assert!(!shown.contains("<strong>out</strong>"), "{address}");
    }
    assert_eq!(admin.app.visitor().get(&own).await.status, StatusCode::NOT_FOUND);
    let mut viewer = admin.app.logged_in(Viewer).await;
    assert_eq!(viewer.post("/admin/incidents", &all).await.status, StatusCode::FORBIDDEN);
    for (name, value) in fields {
        assert_eq!(answer.field(name), value);
    }
    assert!(answer.page().select("input[name='preview_page']").is_empty());
}

#[apply(on_both_databases!)]
async fn update_preview_shows_old_incident(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let mut many: Vec<_> = (1..40)
        .map(|n| {
            fixtures::resolved(&format!("r{n}"), now - TimeDelta::days(20) - TimeDelta::hours(n), TimeDelta::hours(1))
        })
        .collect();
    many.push(fixtures::resolved("old", now - TimeDelta::days(400), TimeDelta::hours(1)));
    admin.app.add(&many).await;
    assert!(admin.app.publisher.site().document("/incidents/old").is_none(), "an old one is not kept ready");
    let fields = [("phase", "resolved"), ("body", "One more word."), ("version", "1"), ("preview_page", "1")];
    let answer = admin.publisher.post("/admin/incidents/old/updates", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(frame_html(&answer, "/incidents/old").contains("One more word."));
    assert!(answer.words("section h2").contains(&"/ unchanged".into()), "{:?}", answer.words("section h2"));
    assert_eq!(admin.app.incident("old").await.updates.len(), 2);
}

#[apply(on_both_databases!)]
async fn hidden_incident_preview_states_visibility(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let fields = [("title", "Xylophone"), ("phase", "identified"), ("body", "Out."), ("preview_page", "1")];
    let mut later = fields.to_vec();
    later.extend([("visibility", "embargoed"), ("publish_at", "2026-11-11T12:00"), ("publish_zone", "UTC")]);
    let answer = admin.publisher.post("/admin/incidents", &later).await;
    assert!(
        answer.word("main p.waiting").contains("11 Nov 2026, 12:00 UTC")
            && frame_html(&answer, "/").contains("Xylophone")
    );
    let mut inside = fields.to_vec();
    inside.push(("visibility", "internal"));
    let answer = admin.publisher.post("/admin/incidents", &inside).await;
    assert!(answer.word("main p.waiting").contains("Internal incident"));
    assert!(answer.words("section h2").iter().all(|words| words.ends_with("unchanged")));
    let mut hidden = fixtures::incident("hidden", admin.app.clock.now());
    hidden.visibility = Visibility::Internal;
    admin.app.add(&[hidden]).await;
    let update = [("phase", "identified"), ("body", "More."), ("version", "1"), ("preview_page", "1")];
    let answer = admin.publisher.post("/admin/incidents/hidden/updates", &update).await;
    assert!(answer.word("main p.waiting").contains("Internal incident"));
}

#[apply(on_both_databases!)]
async fn maintenance_preview_writes_nothing(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let plan = [
        ("title", "Disk upgrade"),
        ("body", "The archive is **read-only**."),
        ("scheduled_for", "2026-11-12T02:00"),
        ("scheduled_until", "2026-11-12T04:00"),
        ("zone", "UTC"),
        ("component", admin.api.id.as_str()),
    ];
    for more in [&[("preview_page", "1")][..], &[("preview_page", "1"), ("repeats", "FREQ=WEEKLY")]] {
        let answer = admin.publisher.post("/admin/maintenances", &[&plan[..], more].concat()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let headings = answer.words("section h2");
        assert!(headings[0] == "/ changes" && headings[1].ends_with(" new"), "{headings:?}");
        let own = headings[1].trim_end_matches(" new").to_owned();
        assert!(
            frame_html(&answer, "/").contains("Disk upgrade")
                && frame_html(&answer, &own).contains("<strong>read-only")
        );
        assert_eq!(
            (answer.field("title"), answer.field("component")),
            ("Disk upgrade".into(), admin.api.id.to_string())
        );
        assert_eq!(answer.attributes("nav a[aria-current='page']", "href"), ["/admin/maintenances"]);
        assert_eq!(admin.app.visitor().get(&own).await.status, StatusCode::NOT_FOUND);
        assert!(admin.app.all_content().await == before, "a preview was kept");
    }
    let response = admin.publisher.post("/admin/maintenances", &plan).await;
    let own = response.location().split('?').next().unwrap().to_owned();
    let content = admin.app.all_content().await;
    let fields = [("phase", "scheduled"), ("body", "It takes **longer**."), ("version", "1"), ("preview_page", "1")];
    let answer = admin.publisher.post(&format!("{own}/updates"), &fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(frame_html(&answer, &own.replace("/admin/maintenances/", "/incidents/")).contains("<strong>longer"));
    assert!(admin.app.all_content().await == content, "a preview was kept");
}

#[apply(on_both_databases!)]
async fn invalid_form_is_not_previewed(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let answer = admin.publisher.post("/admin/incidents", &[("title", "X"), ("preview_page", "1")]).await;
    assert_eq!((answer.status, answer.field("title")), (StatusCode::UNPROCESSABLE_ENTITY, "X".into()));
    let mut incident = fixtures::incident("it", admin.app.clock.now());
    incident.updates[0].components =
        fixtures::update("x", incident.started_at, Phase::Identified, &[("api", Status::MajorOutage)]).components;
    incident.recompute();
    admin.app.add(&[incident]).await;
    let stale = [("phase", "identified"), ("body", "More."), ("version", "0"), ("preview_page", "1")];
    assert_eq!(admin.publisher.post("/admin/incidents/it/updates", &stale).await.status, StatusCode::CONFLICT);
}

#[apply(on_both_databases!)]
async fn maintenance_draft_is_continued_and_deleted_on_publish(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let fields = [
        ("title", "New disks"),
        ("body", "We move to new disks."),
        ("scheduled_for", ""),
        ("zone", "Europe/Lisbon"),
        ("component", admin.api.id.as_str()),
        ("notify_steps_shown", "1"),
    ];
    let id = save_draft(&mut admin.publisher, "/admin/maintenances", &fields).await;
    let list = admin.publisher.get("/admin").await;
    assert_eq!(list.word(".draft .what"), "Maintenance draft by Publisher");
    assert!(list.word(".draft .soft").starts_with("New disks · saved"), "{}", list.word(".draft .soft"));
    let form = admin.publisher.get(&format!("/admin/drafts/{id}")).await;
    assert_eq!(form.word("h1"), "Schedule maintenance");
    assert_eq!((form.field("title"), form.field("body")), ("New disks".into(), "We move to new disks.".into()));
    assert_eq!(form.attributes("[name=component][checked]", "value"), [admin.api.id.to_string()]);
    let window = [("scheduled_for", "2031-12-05T02:00"), ("scheduled_until", "2031-12-05T04:00")];
    let drafted = [("draft", id.as_str()), ("draft_version", "1")];
    let whole: Vec<_> = fields.iter().filter(|(name, _)| *name != "scheduled_for").copied().collect();
    let whole = [whole.as_slice(), &window, &drafted].concat();
    let answer = admin.publisher.post("/admin/maintenances", &whole).await;
    assert!(answer.location().ends_with("?done=maintenance-planned"), "{}", answer.text());
    assert_eq!(admin.publisher.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::NOT_FOUND);

    let path = answer.location().trim_end_matches("?done=maintenance-planned").to_owned();
    let maintenance = path.trim_start_matches("/admin/maintenances/").to_owned();
    let update = [("maintenance", maintenance.as_str()), ("version", "1"), ("phase", "scheduled"), ("body", "Soon.")];
    let id = save_draft(&mut admin.publisher, &format!("{path}/updates"), &update).await;
    let list = admin.publisher.get("/admin").await;
    assert!(list.word(".draft .soft").starts_with("New disks · saved"), "{}", list.word(".draft .soft"));
    let form = admin.publisher.get(&format!("/admin/drafts/{id}")).await;
    assert_eq!((form.word("h1"), form.field("body")), ("New disks".into(), "Soon.".into()));
    let posted = [update.as_slice(), &[("draft", id.as_str()), ("draft_version", "1")]].concat();
    let answer = admin.publisher.post(&format!("{path}/updates"), &posted).await;
    assert!(answer.location().ends_with("?done=update-posted"), "{}", answer.text());
    assert_eq!(admin.publisher.get(&format!("/admin/drafts/{id}")).await.status, StatusCode::NOT_FOUND);
}
