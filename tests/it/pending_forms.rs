//! A form that is sent after its session has ended goes on after the login: whole, once, and for its manager only.

use axum::http::{Method, StatusCode};
use candor::db::pending_forms::{MAX_FORMS, RETENTION};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::{Manager, Phase, Status};
use candor::web::sign_in::pending_form::RENDERED_AGAIN;
use candor::worker;
use chrono::TimeDelta;

use crate::support::app::{Answer, Browser, PASSWORD, TestApp, status_of};
use crate::support::{TestDb, fixtures};
use crate::web_brand;

const BODY: &str = "We look into it.\n\n</textarea><script>alert(1)</script> & \"more\"";

fn expire(app: &TestApp) {
    app.clock.advance(TimeDelta::hours(12) + TimeDelta::minutes(1));
}

/// Logs `manager` in on the page of the ended session; returns the path that the login leads to.
async fn log_in_there(browser: &mut Browser, manager: &Manager, ended: &Answer) -> String {
    assert_eq!((ended.status, ended.word("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
    assert_eq!(ended.attributes("main form", "action"), ["/login"]);
    let next = ended.field("next");
    let fields = [("next", next.as_str()), ("email", &manager.email), ("password", PASSWORD)];
    let answer = browser.post("/login", &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, next.as_str()), "{}", answer.text());
    next
}

/// The style sources that the policy of the page allows.
fn styles_of(page: &Answer) -> &str {
    let policy = page.header("content-security-policy");
    policy.split("; ").find(|rule| rule.starts_with("style-src ")).unwrap_or_default()
}

#[apply(on_both_databases!)]
async fn expired_form_goes_on_with_every_field(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let (api, web) = (app.component("API").await, app.component("Web").await);
    let manager = app.manager("Ines", Publisher).await;
    let mut browser = app.through_login(&manager).await;
    let id = browser.get("/admin/incidents/new").await.field("new_id");
    let (api, web) = (status_of(&api.id), status_of(&web.id));
    let fields = [
        ("new_id", id.as_str()),
        ("title", "Logins <b>fail</b>"),
        ("phase", "identified"),
        ("body", BODY),
        (api.as_str(), "major_outage"),
        (web.as_str(), "degraded_performance"),
        ("started_at", "2026-11-10T09:30"),
        ("zone", "Asia/Kolkata"),
        ("detected_by", "Monitoring"),
        ("internal_note", "Ticket 7"),
        ("visibility", "internal"),
        ("reminder", "0"),
    ];
    expire(&app);
    let ended = browser.post("/admin/incidents", &fields).await;
    assert!(!ended.text().contains("<script>alert"), "{}", ended.text());
    let path = log_in_there(&mut browser, &manager, &ended).await;
    let form = browser.get(&path).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text());
    for (name, value) in fields {
        assert_eq!(form.field(name), value, "{name}");
    }
    let composer = browser.get("/admin/incidents/new").await;
    assert!(styles_of(&composer).contains("sha256-"), "{}", styles_of(&composer));
    assert_eq!(styles_of(&form), styles_of(&composer), "its preview frames the public page too");
    assert!(app.incidents().await.is_empty(), "nothing was published");
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "it works once");
    let done = browser.post("/admin/incidents", &fields).await;
    assert!(done.location().ends_with("?done=incident-kept"), "{}", done.text());
    let opened = app.incident(&id).await;
    assert_eq!((opened.phase, opened.updates[0].components.len()), (Phase::Identified, 2));
    assert_eq!(opened.updates[0].components[0].status, Status::MajorOutage);
}

#[apply(on_both_databases!)]
async fn pending_form_belongs_to_its_manager(test: TestDb) {
    let app = TestApp::new(test).await;
    let (ines, owner) = (app.manager("Ines", Publisher).await, app.manager("Olga", Owner).await);
    let mut browser = app.through_login(&ines).await;
    expire(&app);
    let ended = browser.post("/admin/incidents", &[("title", "Late"), ("body", BODY)]).await;
    let path = ended.field("next");
    assert_eq!(app.through_login(&owner).await.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::SEE_OTHER);
    log_in_there(&mut browser, &ines, &ended).await;
    let loaded_ahead = browser.get_with(&path, &[("sec-purpose", "prefetch")]).await;
    assert_eq!(loaded_ahead.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.get(&path).await.field("body"), BODY);
}

#[apply(on_both_databases!)]
async fn pending_form_keeps_no_secret(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.through_login(&app.manager("Ines", Owner).await).await;
    expire(&app);
    let secrets =
        [("email", "new@example.org"), ("password", "harbour crane"), ("current", "quay"), ("code", "123456")];
    browser.post("/admin/account/email", &secrets).await;
    let kept = app.texts("select fields from pending_forms").await;
    assert_eq!(kept, ["email=new%40example.org"]);
    let paths = app.texts("select token_hash from pending_forms").await;
    assert_eq!(paths[0].len(), 64, "only the hash of the token is stored");
}

#[apply(on_both_databases!)]
async fn pending_forms_are_bounded(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let browser = app.through_login(&manager).await;
    let count = || app.number("select count(*) from pending_forms");
    let fields = [("title", "Late"), ("body", BODY)];
    let unknown = app.visitor().post("/admin/incidents", &fields).await;
    assert_eq!((unknown.status, count().await), (StatusCode::UNAUTHORIZED, 0));
    assert!(unknown.attributes("main a", "href").contains(&"/login?next=%2Fadmin".to_owned()));
    expire(&app);
    // The response clears the cookie of the ended session.
    for _ in 0..MAX_FORMS + 2 {
        browser.clone().post("/admin/incidents", &fields).await;
    }
    assert_eq!(count().await, MAX_FORMS);
    let large = "x".repeat(600_000);
    assert_eq!(
        browser.clone().post("/admin/incidents", &[("body", &large)]).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    app.clock.advance(RETENTION + TimeDelta::minutes(1));
    worker::sweep(&app.state).await.unwrap();
    assert_eq!((count().await, app.session_count().await), (0, 0));
}

#[apply(on_both_databases!)]
async fn disabled_manager_keeps_no_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    owner.post(&format!("/admin/managers/{}/disablement", manager.id), &[]).await;
    browser.post("/admin/incidents", &[("title", "Late")]).await;
    assert_eq!(app.number("select count(*) from pending_forms").await, 0);
}

#[apply(on_both_databases!)]
async fn resuming_changes_nothing_for_any_form(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let (api, group) = (app.component("API").await, app.group("Core").await);
    let now = app.clock.now();
    app.add(&[fixtures::incident("it", now)]).await;
    app.plan(&[fixtures::maintenance("work", now + TimeDelta::days(3), now + TimeDelta::days(4), &[])]).await;
    app.create_series("weekly", now + TimeDelta::days(5)).await;
    app.add_template_and_draft("template", "draft").await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    let fields = [
        ("version", "1"),
        ("title", "New words"),
        ("name", "New words"),
        ("body", "New words"),
        ("reason", "New words"),
        ("about", "New words"),
    ];
    for route in RENDERED_AGAIN {
        let id = match route.split('/').nth(2).unwrap() {
            "incidents" => "it",
            "maintenances" => "work",
            "series" => "weekly",
            "templates" => "template",
            "components" => api.id.as_str(),
            "groups" => group.id.as_str(),
            _ => "",
        };
        let path = route.replace("{id}", id).replace("{update}", &format!("{id}-1"));
        expire(&app);
        let ended = browser.post(&path, &fields).await;
        let resumed = log_in_there(&mut browser, &manager, &ended).await;
        let before = app.all_content().await;
        let form = browser.get(&resumed).await;
        assert!([200, 409].contains(&form.status.as_u16()), "{route}: {} {}", form.status, form.text());
        assert!(form.attributes("main form", "action").contains(&path), "{route}: {}", form.text());
        assert!(form.text().contains("New words"), "{route}: {}", form.text());
        assert!(app.all_content().await == before, "{route}");
    }
}

/// The preview beside the form asks while the manager writes.
#[apply(on_both_databases!)]
async fn script_that_asks_after_the_end_loses_no_form(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut browser = app.through_login(&manager).await;
    expire(&app);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "empty"),
    ];
    let asked = browser.send(Method::POST, "/admin/incidents", &headers, "title=Late&live=1".into()).await;
    assert_eq!((asked.status, asked.cookies().len()), (StatusCode::UNAUTHORIZED, 0));
    let ended = browser.post("/admin/incidents", &[("title", "Late")]).await;
    let resumed = log_in_there(&mut browser, &manager, &ended).await;
    assert_eq!(browser.get(&resumed).await.field("title"), "Late");
}

#[apply(on_both_databases!)]
async fn expired_brand_form_goes_on_with_its_files(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    expire(&app);
    let ended = web_brand::upload(&mut browser, &[("about", b"New words"), ("logo", web_brand::SVG.as_bytes())]).await;
    let resumed = log_in_there(&mut browser, &manager, &ended).await;
    let form = browser.get(&resumed).await;
    assert_eq!((form.status, form.field("about").as_str()), (StatusCode::OK, "New words"), "{}", form.text());
    assert!(!form.field("kept_logo").is_empty(), "{}", form.text());
}

#[apply(on_both_databases!)]
async fn other_forms_wait_for_a_click(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let component = app.component("API").await;
    let mut browser = app.through_login(&manager).await;
    let path = format!("/admin/components/{}/status", component.id);
    expire(&app);
    let ended = browser.post(&path, &[("version", "1"), ("status", "major_outage")]).await;
    let resumed = log_in_there(&mut browser, &manager, &ended).await;
    let before = app.all_content().await;
    let page = browser.get(&resumed).await;
    assert_eq!((page.status, page.word("h1").as_str()), (StatusCode::OK, "Continue"));
    assert_eq!(page.attributes("main form", "action"), [path.as_str()]);
    assert!(app.all_content().await == before);
    let fields = [("version", page.field("version")), ("status", page.field("status"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post(&path, &fields).await.location(), "/admin?done=status-set");
}
