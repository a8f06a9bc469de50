//! Maintenances on public pages and in calendars.

use candor::domain::{Maintenance, Phase, Status, UpdateId};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures, noon_in};

fn month_path(at: DateTime<Utc>) -> String {
    at.format("/history/%Y-%m").to_string()
}

fn begin_maintenance(it: &mut Maintenance, at: DateTime<Utc>) {
    it.begin(UpdateId::from_random(candor::credentials::random_bytes()), at).unwrap();
}

#[apply(on_both_databases!)]
async fn planned_maintenance_is_on_all_pages(test: TestDb) {
    let app = TestApp::new(test).await;
    let tomorrow = noon_in(1);
    app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(2), &["api"])]).await;
    for path in ["/history", &month_path(tomorrow)] {
        let page = app.visitor().get(path).await;
        assert_eq!(page.word(".entries .planned h3"), "Maintenance work", "{path}");
        assert_eq!(page.word(".entries .planned .pill"), "Scheduled", "{path}");
    }
    let home = app.visitor().get("/").await;
    assert_eq!(home.word(".card.planned h3"), "Maintenance work");
    assert_eq!(home.word(".card.planned .pill"), "Tomorrow");
    assert_eq!(home.words(".card.planned .facts li")[0], tomorrow.format("%a 12:00 – 14:00 UTC").to_string());
    assert_eq!(home.word("h1"), "This status page is being set up");
    let page = app.visitor().get("/incidents/work").await;
    assert_eq!((page.status.as_u16(), page.word("h1")), (200, "Maintenance work".into()));
    assert!(page.word("article").contains("Text of work"));
    assert!(app.visitor().get("/history").await.word(".lede").starts_with("No incidents, only maintenance"));
}

#[apply(on_both_databases!)]
async fn active_maintenance_never_hides_an_incident(test: TestDb) {
    let app = TestApp::new(test).await;
    let (api, web) = (app.component("API").await, app.component("Web").await);
    let now = noon_in(1);
    app.clock.advance(now - app.clock.now());
    let mut maintenance =
        fixtures::maintenance("work", now, now + TimeDelta::hours(1), &[api.id.as_str(), web.id.as_str()]);
    begin_maintenance(&mut maintenance, now);
    app.plan(&[maintenance]).await;
    let mut broken = fixtures::incident("broken", now);
    broken.updates = vec![fixtures::update("b1", now, Phase::Identified, &[(api.id.as_str(), Status::MajorOutage)])];
    broken.recompute();
    app.add(&[broken]).await;
    let page = app.visitor().get("/").await;
    assert_eq!(page.word("h1"), "API: major outage; Web: under maintenance since 12:00");
    assert_eq!(page.words("li.row > .line > .state"), ["Major outage", "Under maintenance"]);
    let order = page.words("article h3");
    assert_eq!(order, ["Incident broken", "Maintenance work"]);
}

#[apply(on_both_databases!)]
async fn completed_maintenance_is_on_its_day_not_counted(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    let yesterday = noon_in(-1);
    let mut maintenance = fixtures::maintenance("work", yesterday, yesterday + TimeDelta::hours(3), &[api.id.as_str()]);
    begin_maintenance(&mut maintenance, yesterday);
    maintenance.complete(UpdateId::parse("done").unwrap(), yesterday + TimeDelta::hours(3)).unwrap();
    app.plan(&[maintenance]).await;
    let page = app.visitor().get("/").await;
    assert_eq!(
        page.word(".past.planned p"),
        format!("Maintenance, completed after 3 h · {}", api.id.as_str().to_uppercase())
    );
    assert!(!page.words(".day")[1].contains("No incidents"), "{:?}", page.words(".day"));
    assert_eq!(page.words(".card.planned"), [""; 0]);
    let bars = page.attributes(".bars svg[role=img]", "aria-label").concat();
    assert_eq!(bars, "Last 90 days: 100% uptime, 3 h maintenance");
    assert_eq!(
        page.attributes(".pop a", "href"),
        [format!("{}#day-{}", month_path(yesterday), yesterday.date_naive())]
    );
    assert!(page.text().contains(&yesterday.format("%a %-d %b: 3 h maintenance").to_string()), "{}", page.text());
    let history = app.visitor().get("/history").await;
    assert!(history.word(".lede").starts_with("No incidents, only maintenance"));
    assert_eq!(history.words(".entries .planned .length"), ["3 h"]);
    assert_eq!(history.words(".entries .planned .pill"), [""; 0], "a completed one has no state to tell");
    assert!(app.visitor().get("/uptime").await.text().contains("100%"));
}

#[apply(on_both_databases!)]
async fn month_with_only_a_maintenance_has_a_page(test: TestDb) {
    let app = TestApp::new(test).await;
    let then = app.clock.now() - TimeDelta::days(100);
    let mut maintenance = fixtures::maintenance("work", then, then + TimeDelta::hours(3), &[]);
    begin_maintenance(&mut maintenance, then);
    maintenance.complete(UpdateId::parse("done").unwrap(), then + TimeDelta::hours(3)).unwrap();
    app.plan(&[maintenance]).await;
    let page = app.visitor().get(&month_path(then)).await;
    assert_eq!((page.status.as_u16(), page.word(".entries .planned h3")), (200, "Maintenance work".into()));
    assert_eq!(app.visitor().get("/incidents/work").await.status, 200);
    let month_before = month_path(then - TimeDelta::days(i64::from(then.day())));
    assert_eq!(app.visitor().get(&month_before).await.status, 200, "the newer one is offered from there");
}

#[apply(on_both_databases!)]
async fn calendar_is_stable_until_changed(test: TestDb) {
    let app = TestApp::new(test).await;
    let tomorrow = noon_in(1);
    let mut maintenance = fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(2), &[]);
    maintenance.title = "Disks; cables, and\\or more".into();
    app.plan(std::slice::from_ref(&maintenance)).await;
    let first = app.visitor().get("/maintenance.ics").await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (200, "text/calendar; charset=utf-8"));
    let text = String::from_utf8(first.body.to_vec()).unwrap();
    for line in [
        "SUMMARY:Disks\\; cables\\, and\\\\or more\r\n",
        &tomorrow.format("DTSTART:%Y%m%dT120000Z\r\n").to_string(),
        &tomorrow.format("DTEND:%Y%m%dT140000Z\r\n").to_string(),
        "SEQUENCE:0\r\n",
        "STATUS:CONFIRMED\r\n",
        "URL:http://status.test/incidents/work\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    app.clock.advance(TimeDelta::minutes(5));
    app.publisher.publish().await.unwrap();
    let tag = first.header("etag").to_owned();
    let again = app.visitor().get_with("/maintenance.ics", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status.as_u16(), 304);
    let event = app.visitor().get("/incidents/work.ics").await;
    assert_eq!(event.body, first.body, "the only one of the calendar");
    let mut browser = app.logged_in(candor::domain::Role::Publisher).await;
    browser.post("/admin/maintenances/work/cancellation", &[("version", "1"), ("body", "Not needed.")]).await;
    let text = String::from_utf8(app.visitor().get("/maintenance.ics").await.body.to_vec()).unwrap();
    for line in ["STATUS:CANCELLED\r\n", "SEQUENCE:1\r\n", "Not needed."] {
        assert!(text.contains(line), "{line} in {text}");
    }
    app.clock.advance(TimeDelta::days(90));
    app.publisher.publish().await.unwrap();
    let text = String::from_utf8(app.visitor().get("/maintenance.ics").await.body.to_vec()).unwrap();
    assert!(!text.contains("VEVENT"), "{text}");
}

#[apply(on_both_databases!)]
async fn cancelled_maintenances_do_not_displace_completed(test: TestDb) {
    let app = TestApp::new(test).await;
    let (now, hour) = (app.clock.now(), TimeDelta::hours(1));
    let mut completed = fixtures::maintenance("done", now - hour * 30, now - hour * 28, &["api"]);
    begin_maintenance(&mut completed, now - hour * 30);
    completed.complete(UpdateId::from_random(candor::credentials::random_bytes()), now - hour * 28).unwrap();
    let off = |number: i64| {
        let from = now + TimeDelta::minutes(1 + number);
        let mut maintenance = fixtures::maintenance(&format!("off{number}"), from, from + hour, &["api"]);
        maintenance.cancel("Off.".into(), UpdateId::from_random(candor::credentials::random_bytes()), now).unwrap();
        maintenance
    };
    let all: Vec<Maintenance> = (0..110_i64).map(off).chain([completed]).collect();
    app.plan(&all).await;
    assert_eq!(app.visitor().get("/").await.words(".days .past.completed a"), ["Maintenance done"]);
    let calendar = app.visitor().get("/maintenance.ics").await.text();
    assert!(calendar.contains("SUMMARY:Maintenance done\r\n"), "{calendar}");
    assert_eq!(calendar.matches("STATUS:CANCELLED").count(), 100, "programs that have them learn that they are off");
}

#[apply(on_both_databases!)]
async fn an_unknown_event_is_not_found(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    for path in ["/incidents/none.ics", "/incidents/it.ics", "/incidents/.ics", "/incidents/none"] {
        assert_eq!(app.visitor().get(path).await.status, 404, "{path}");
    }
}

#[apply(on_both_databases!)]
async fn export_has_calendar_and_every_maintenance(test: TestDb) {
    let app = TestApp::new(test).await;
    let tomorrow = noon_in(1);
    app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(2), &[])]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    app.publisher.export(&target, std::iter::empty(), |_| {}).await.unwrap();
    for file in [
        "maintenance.ics",
        "incidents/work.ics",
        "incidents/work/index.html",
        &format!("{}/index.html", month_path(tomorrow)),
    ] {
        assert!(target.join(file.trim_start_matches('/')).is_file(), "{file}");
    }
}
