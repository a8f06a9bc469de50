//! Scheduling, moving, extending and completing maintenances.

use axum::http::StatusCode;
use candor::db::{maintenances, series};
use candor::domain::{Maintenance, MaintenancePhase, Role, Status};
use chrono::TimeDelta;

use crate::support::app::{Browser, TestApp};
use crate::support::{TestDb, day_name, fixtures, noon_in};

const PLAN: [(&str, &str); 9] = [
    ("title", "Disk upgrade"),
    ("body", "The archive is **read-only**."),
    ("scheduled_for", "2026-11-12T02:00"),
    ("scheduled_until", "2026-11-12T04:00"),
    ("zone", "Asia/Kolkata"),
    ("starts", "1"),
    ("completes", "1"),
    ("marks", "1"),
    ("reminds", "1"),
];

async fn list_maintenances(app: &TestApp) -> Vec<Maintenance> {
    maintenances::list(&mut app.db.read().await.unwrap(), None, 100).await.unwrap()
}

/// A publisher's browser, and a maintenance "work" that starts at noon tomorrow.
async fn app_with_maintenance(test: TestDb) -> (TestApp, Browser) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    let begin = noon_in(1);
    app.plan(&[fixtures::maintenance("work", begin, begin + TimeDelta::hours(2), &[api.id.as_str()])]).await;
    let browser = app.logged_in(Role::Publisher).await;
    (app, browser)
}

#[apply(on_both_databases!)]
async fn maintenance_is_planned_started_extended_completed(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let api = app.component("API").await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let form = browser.get("/admin/maintenances/new").await;
    assert_eq!((form.field("zone").as_str(), form.field("starts").as_str()), ("UTC", "1"));
    let answer = browser.post("/admin/maintenances", &[&PLAN[..], &[("component", api.id.as_str())]].concat()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let created = list_maintenances(&app).await.remove(0);
    assert_eq!(answer.location(), format!("/admin/maintenances/{}?done=maintenance-planned", created.id));
    assert_eq!(created.scheduled_for.to_rfc3339(), "2026-11-11T20:30:00+00:00");
    assert_eq!((created.zone.name(), created.components.len()), ("Asia/Kolkata", 1));
    assert_eq!(app.visitor().get("/").await.word(".card.planned h3"), "Disk upgrade");
    let path = format!("/admin/maintenances/{}", created.id);
    browser.post(&format!("{path}/beginning"), &[("version", "1")]).await;
    let headline = app.visitor().get("/").await.word("h1");
    assert!(headline.starts_with("API: under maintenance until "), "{headline}");
    let extension = browser.get(&format!("{path}/extension")).await;
    assert_eq!(
        (extension.field("until").as_str(), extension.field("zone").as_str()),
        ("2026-11-12T04:30", "Asia/Kolkata")
    );
    let version = extension.field("version");
    let fields = [("until", "2026-11-12T05:00"), ("zone", "Asia/Kolkata"), ("version", version.as_str())];
    let answer = browser.post(&format!("{path}/extension"), &fields).await;
    assert_eq!(answer.location(), format!("{path}?done=maintenance-extended"));
    browser.post(&format!("{path}/completion"), &[("version", "3")]).await;
    let over = app.maintenance(created.id.as_str()).await;
    assert_eq!((over.phase, over.ended_at), (MaintenancePhase::Completed, Some(app.clock.now())));
    assert_eq!(over.scheduled_until.to_rfc3339(), "2026-11-11T23:30:00+00:00");
    assert_eq!(app.visitor().get("/").await.word("h1"), "All systems operational");
    let actions: Vec<String> = app.audit().await.into_iter().map(|row| row.action).take(4).collect();
    assert_eq!(actions, ["maintenance.complete", "maintenance.extend", "maintenance.start", "maintenance.schedule"]);
}

#[apply(on_both_databases!)]
async fn invalid_plan_keeps_typed_text(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let before = app.all_content().await;
    let mut fields = PLAN.to_vec();
    fields[3] = ("scheduled_until", "2026-11-12T01:00");
    fields.extend([("repeats", "custom"), ("rule", "FREQ=HOURLY"), ("component", "gone")]);
    let answer = browser.post("/admin/maintenances", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("scheduled_until").contains("after the start"), "{}", answer.text());
    assert_eq!((answer.field("title").as_str(), answer.field("rule").as_str()), ("Disk upgrade", "FREQ=HOURLY"));
    assert_eq!(answer.field("body"), "The archive is **read-only**.");
    fields[3] = ("scheduled_until", "2026-11-12T04:00");
    let answer = browser.post("/admin/maintenances", &fields).await;
    assert!(answer.message("rule").contains("once a day"), "{}", answer.text());
    fields.retain(|(name, _)| !["repeats", "rule"].contains(name));
    let answer = browser.post("/admin/maintenances", &fields).await;
    assert!(answer.message("components").contains("was deleted"), "{}", answer.text());
    let gap =
        [("scheduled_for", "2027-03-28T01:30"), ("zone", "Europe/Lisbon"), ("scheduled_until", "2027-03-28T03:00")];
    let answer = browser.post("/admin/maintenances", &[&PLAN[..2], &gap].concat()).await;
    assert!(answer.message("scheduled_for").contains("does not exist"), "{}", answer.text());
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn a_preview_publishes_nothing(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let before = app.all_content().await;
    let answer = browser.post("/admin/maintenances", &[&PLAN[..], &[("preview", "1")]].concat()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.word("#preview .preview").contains("The archive is read-only."));
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn rescheduled_maintenance_posts_an_update(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let form = browser.get("/admin/maintenances/work/schedule").await;
    assert_eq!(form.field("scheduled_for"), noon_in(1).format("%FT12:00").to_string());
    let window = [noon_in(3).format("%FT12:00").to_string(), noon_in(3).format("%FT14:00").to_string()];
    let fields = [
        ("scheduled_for", &*window[0]),
        ("scheduled_until", &*window[1]),
        ("zone", "UTC"),
        ("version", "1"),
        ("body", "The disks come later."),
    ];
    let answer = browser.post("/admin/maintenances/work/schedule", &fields).await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=maintenance-moved");
    let maintenance = app.maintenance("work").await;
    assert_eq!(maintenance.remind_at, Some(maintenance.scheduled_for - TimeDelta::hours(1)));
    let page = app.visitor().get("/incidents/work").await;
    assert_eq!(page.word(".banner .phase"), "Scheduled maintenance");
    let window = format!("{}, 12:00 to 14:00 UTC", day_name(noon_in(3)));
    assert!(page.word(".banner .lede").starts_with(&window), "{}", page.word(".banner .lede"));
    assert!(page.text().contains("The disks come later."));
    let past = [
        ("scheduled_for", "2026-11-01T12:00"),
        ("scheduled_until", "2026-11-01T14:00"),
        ("zone", "UTC"),
        ("version", "2"),
    ];
    let answer = browser.post("/admin/maintenances/work/schedule", &past).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("scheduled_until").contains("in the past"));
}

#[apply(on_both_databases!)]
async fn planned_maintenance_can_be_edited(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let web = app.component("Web").await;
    let answer = browser
        .post("/admin/maintenances/work", &[("title", "New title"), ("component", web.id.as_str()), ("version", "1")])
        .await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=maintenance-saved", "{}", answer.text());
    let maintenance = app.maintenance("work").await;
    assert_eq!((maintenance.title.as_str(), maintenance.components[0].name.as_str()), ("New title", "Web"));
    assert_eq!((maintenance.next_step(), maintenance.remind_at), (None, None), "every switch is off");
    browser.post("/admin/maintenances/work/beginning", &[("version", "2")]).await;
    let answer = browser.post("/admin/maintenances/work", &[("title", "Newer"), ("version", "3")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("components").contains("started"));
}

#[apply(on_both_databases!)]
async fn cancelled_maintenance_does_nothing_more(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let answer = browser.post("/admin/maintenances/work/cancellation", &[("version", "1")]).await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=maintenance-cancelled");
    assert_eq!(app.maintenance("work").await.next_step(), None);
    assert_eq!(app.visitor().get("/incidents/work").await.word(".banner .phase"), "Maintenance cancelled");
    assert_eq!(app.visitor().get("/").await.words(".card.planned"), [""; 0]);
    let again = browser.post("/admin/maintenances/work/cancellation", &[("version", "2")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[apply(on_both_databases!)]
async fn concurrent_change_is_a_conflict(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let text = [("phase", "scheduled"), ("body", "Somebody was quicker."), ("version", "1")];
    browser.post("/admin/maintenances/work/updates", &text).await;
    let before = app.all_content().await;
    let stale: [(&str, &[(&str, &str)]); 5] = [
        ("", &[("title", "Mine"), ("version", "1")]),
        ("/updates", &[("phase", "scheduled"), ("body", "Mine"), ("version", "1")]),
        ("/schedule", &[("scheduled_for", "2026-11-13T12:00"), ("body", "Mine"), ("version", "1")]),
        ("/extension", &[("until", "2026-11-13T12:00"), ("body", "Mine"), ("version", "1")]),
        ("/cancellation", &[("body", "Mine"), ("version", "1")]),
    ];
    for (path, fields) in stale {
        let answer = browser.post(&format!("/admin/maintenances/work{path}"), fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert!(answer.text().contains("Mine") && answer.field("version") == "2", "{path}: {}", answer.text());
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn the_text_of_an_update_can_be_edited(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let path = "/admin/maintenances/work/updates/work-1";
    assert_eq!(browser.get(&format!("{path}/edit")).await.field("body"), "Text of work");
    let answer = browser.post(path, &[("body", "Better words"), ("version", "1")]).await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=update-saved");
    let stale = browser.post(path, &[("body", "Late words"), ("version", "1")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let page = app.visitor().get("/incidents/work").await.text();
    assert!(page.contains("Better words") && page.contains("edited"), "{page}");
}

#[apply(on_both_databases!)]
async fn maintenance_update_sets_component_statuses(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    browser.post("/admin/maintenances/work/beginning", &[("version", "1")]).await;
    let api = app.maintenance("work").await.components[0].id.clone();
    let field = crate::support::app::status_of(&api);
    let show = browser.get("/admin/maintenances/work").await;
    assert_eq!(show.field(&field), "under_maintenance");
    let post =
        |status: &'static str| [("phase", "verifying"), ("body", "Look"), ("version", "2"), (field.as_str(), status)];
    let answer = browser.post("/admin/maintenances/work/updates", &post("major_outage")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("If something unexpected breaks, create an incident"), "{}", answer.text());
    browser.post("/admin/maintenances/work/updates", &post("operational")).await;
    let maintenance = app.maintenance("work").await;
    assert_eq!((maintenance.phase, maintenance.statuses()[&api]), (MaintenancePhase::Verifying, Status::Operational));
    assert_eq!(app.visitor().get("/").await.word("li.row .state"), "Operational");
}

#[apply(on_both_databases!)]
async fn repeated_step_is_rejected(test: TestDb) {
    let (_app, mut browser) = app_with_maintenance(test).await;
    let completion = browser.post("/admin/maintenances/work/completion", &[]).await;
    assert_eq!(completion.status, StatusCode::CONFLICT);
    browser.post("/admin/maintenances/work/beginning", &[("version", "1")]).await;
    let answer = browser.post("/admin/maintenances/work/beginning", &[("version", "2")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text().contains("has already started or is over"), "{}", answer.text());
}

#[apply(on_both_databases!)]
async fn early_start_asks_with_title_and_effect(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let show = browser.get("/admin/maintenances/work").await;
    assert!(show.attributes("main form", "action").iter().all(|action| !action.ends_with("/beginning")));
    assert!(show.attributes("a.button", "href").contains(&"/admin/maintenances/work/beginning".to_owned()));
    let question = browser.get("/admin/maintenances/work/beginning").await;
    assert_eq!(
        (question.word("h1"), question.word(".quoted")),
        ("Start this maintenance now?".into(), "Maintenance work".into())
    );
    let text = question.word("main");
    for words in ["API", "Under maintenance", "Notify subscribers", "undo the start"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(app.maintenance("work").await.phase, MaintenancePhase::Scheduled, "a link changes nothing");
    let unseen = browser.post("/admin/maintenances/work/beginning", &[]).await;
    assert_eq!((unseen.status, unseen.field("version").as_str()), (StatusCode::CONFLICT, "1"));
    let version = question.field("version");
    let answer = browser.post("/admin/maintenances/work/beginning", &[("version", version.as_str())]).await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=maintenance-begun");
}

#[apply(on_both_databases!)]
async fn due_maintenance_starts_without_a_question(test: TestDb) {
    let (app, _) = app_with_maintenance(test).await;
    app.clock.advance(noon_in(1) + TimeDelta::minutes(1) - app.clock.now());
    let show = app.logged_in(Role::Owner).await.get("/admin/maintenances/work").await;
    assert!(show.attributes("main form", "action").contains(&"/admin/maintenances/work/beginning".to_owned()));
}

#[apply(on_both_databases!)]
async fn early_start_can_be_undone_until_changed(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let undo = "/admin/maintenances/work/beginning/withdrawal";
    let before = app.maintenance("work").await;
    browser.post("/admin/maintenances/work/beginning", &[("version", "1")]).await;
    let show = browser.get("/admin/maintenances/work").await;
    assert!(show.attributes("main form", "action").contains(&undo.to_owned()), "{}", show.text());
    let stale = browser.post(undo, &[("version", "1")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let answer = browser.post(undo, &[("version", "2")]).await;
    assert_eq!(answer.location(), "/admin/maintenances/work?done=maintenance-start-undone");
    let after = app.maintenance("work").await;
    let same = Maintenance { version: before.version, updated_at: before.updated_at, ..after.clone() };
    assert_eq!(same, before, "the maintenance is as before its start, with its reminder");
    assert_eq!(app.audit().await[0].action, "maintenance.undo-start");
    assert_eq!(app.visitor().get("/").await.word("h1"), "All systems operational");
    assert!(!app.visitor().get("/incidents/work").await.text().contains("currently in progress"));
    browser.post("/admin/maintenances/work/beginning", &[("version", "3")]).await;
    let update = [("phase", "in_progress"), ("body", "Half done."), ("version", "4")];
    app.logged_in(Role::Owner).await.post("/admin/maintenances/work/updates", &update).await;
    let late = browser.post(undo, &[("version", "5")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("can&#x27;t be undone") || late.text().contains("can't be undone"), "{}", late.text());
    assert!(
        !browser.get("/admin/maintenances/work").await.attributes("main form", "action").contains(&undo.to_owned())
    );
    assert_eq!(app.maintenance("work").await.phase, MaintenancePhase::InProgress);
}

#[apply(on_both_databases!)]
async fn maintenance_is_deleted_by_typing_its_title(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    let path = "/admin/maintenances/work/deletion";
    let form = browser.get(path).await;
    assert!(form.word("main").contains("its only update"), "{}", form.text());
    for (title, version) in [("Another", "1"), ("Maintenance work", "7")] {
        let answer = browser.post(path, &[("title", title), ("version", version)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!answer.message("title").is_empty());
    }
    let answer = browser.post(path, &[("title", "Maintenance work"), ("version", "1")]).await;
    assert_eq!(answer.location(), "/admin/maintenances?done=maintenance-deleted", "{}", answer.text());
    assert!(list_maintenances(&app).await.is_empty());
    assert_eq!(app.audit().await[0].action, "maintenance.delete");
    assert_eq!(app.visitor().get("/incidents/work").await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn deleted_occurrence_plans_the_next(test: TestDb) {
    let app = TestApp::new(test).await;
    let first = app.create_series("weekly", app.clock.now() + TimeDelta::hours(2)).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let path = format!("/admin/maintenances/{}/deletion", first.id);
    assert!(browser.get(&path).await.word("main").contains("the next occurrence is scheduled"));
    browser.post(&path, &[("title", first.title.as_str()), ("version", "1")]).await;
    let created = list_maintenances(&app).await;
    assert_eq!((created.len(), created[0].scheduled_for), (1, first.scheduled_for + TimeDelta::days(7)));
}

#[apply(on_both_databases!)]
async fn series_edit_applies_to_future_and_can_end(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let answer = browser.post("/admin/maintenances", &[&PLAN[..], &[("repeats", "FREQ=WEEKLY")]].concat()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let first = list_maintenances(&app).await.remove(0);
    let id = first.occurrence.clone().unwrap().series_id;
    let path = format!("/admin/series/{id}");
    let form = browser.get(&format!("{path}/edit")).await;
    assert_eq!(
        (form.field("scheduled_for").as_str(), form.field("repeats").as_str()),
        ("2026-11-12T02:00", "FREQ=WEEKLY")
    );
    let version = form.field("version");
    let mut fields = PLAN.to_vec();
    fields[0] = ("title", "Disk rebuild");
    fields[2] = ("scheduled_for", "2026-11-13T03:00");
    fields[3] = ("scheduled_until", "2026-11-13T04:00");
    fields.extend([("repeats", "custom"), ("rule", "FREQ=MONTHLY;BYDAY=2FR"), ("version", version.as_str())]);
    let answer = browser.post(&path, &fields).await;
    assert_eq!(answer.location(), "/admin/maintenances?done=series-saved", "{}", answer.text());
    let changed = list_maintenances(&app).await;
    assert_eq!((changed.len(), &changed[0].id), (1, &first.id), "the planned one follows under its own id");
    assert_eq!(changed[0].title, "Disk rebuild");
    assert_eq!(changed[0].scheduled_for.to_rfc3339(), "2026-11-12T21:30:00+00:00");
    let stale = browser.post(&path, &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let question = browser.get(&format!("{path}/end")).await;
    browser.post(&format!("{path}/end"), &[("version", &question.field("version"))]).await;
    assert!(series::list_active(&mut app.db.read().await.unwrap()).await.unwrap().is_empty());
    assert_eq!(list_maintenances(&app).await.len(), 1, "the planned one stays");
}

#[apply(on_both_databases!)]
async fn stopping_a_series_asks_first(test: TestDb) {
    let app = TestApp::new(test.at_noon()).await;
    let first = app.create_series("weekly", noon_in(2)).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    let form = browser.get("/admin/series/weekly/edit").await;
    assert_eq!(form.attributes("a.destructive", "href"), ["/admin/series/weekly/end"]);
    let question = browser.get("/admin/series/weekly/end").await;
    assert_eq!(question.words("main ul time").len(), 3, "the next dates are listed");
    assert!(question.text().contains("and all later ones"), "{}", question.text());
    assert_eq!(question.attributes("main p a", "href")[0], format!("/admin/maintenances/{}/cancellation", first.id));
    let is_active = async || !series::list_active(&mut app.db.read().await.unwrap()).await.unwrap().is_empty();
    for fields in [&[][..], &[("version", "99")]] {
        let answer = browser.post("/admin/series/weekly/end", fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
        assert!(answer.text().contains("This is its current version."), "{}", answer.text());
        assert!(is_active().await);
    }
    let version = question.field("version");
    let answer = browser.post("/admin/series/weekly/end", &[("version", &version)]).await;
    assert_eq!(answer.location(), "/admin/maintenances?done=series-ended", "{}", answer.text());
    assert!(!is_active().await);
    let ended = browser.get("/admin/series/weekly/end").await;
    assert!(ended.text().contains("has stopped already") && ended.words("main form button").is_empty());
}

#[apply(on_both_databases!)]
async fn cancelled_occurrence_plans_the_next(test: TestDb) {
    let app = TestApp::new(test).await;
    let first = app.create_series("weekly", app.clock.now() + TimeDelta::hours(2)).await;
    let mut browser = app.logged_in(Role::Publisher).await;
    browser.post(&format!("/admin/maintenances/{}/cancellation", first.id), &[("version", "1")]).await;
    let created = list_maintenances(&app).await;
    assert_eq!(created.len(), 2);
    assert_eq!(created[0].scheduled_for, first.scheduled_for + TimeDelta::days(7));
}

#[apply(on_both_databases!)]
async fn dashboard_and_list_show_planned_maintenances(test: TestDb) {
    let (app, mut browser) = app_with_maintenance(test).await;
    app.create_series("weekly", noon_in(2)).await;
    let admin = browser.get("/admin").await;
    assert_eq!(admin.words("section[aria-labelledby='planned'] li a"), ["Maintenance work", "Series weekly"]);
    let list = browser.get("/admin/maintenances").await;
    assert_eq!(list.words("tbody th"), ["Series weekly", "Maintenance work"]);
    assert!(list.text().contains("Every week, at 12:00 in UTC"), "{}", list.text());
}
