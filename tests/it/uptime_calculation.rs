//! Downtime as stored and as shown.

use std::path::Path;
use std::sync::Arc;

use candor::db::{components, incidents, status_intervals};
use candor::domain::history::Month;
use candor::domain::uptime::{StatusInterval, UptimeView};
use candor::domain::{Component, ComponentId, Phase, Status};
use candor::publish::{Document, Encoding, OnDemandPage, Publisher};
use chrono::{DateTime, TimeDelta, Utc};

use crate::support::fixtures::{component, incident, resolved, update};
use crate::support::{TestDb, noon_in, now};

async fn intervals_since(test: &TestDb, ago: TimeDelta) -> Vec<StatusInterval> {
    let mut tx = test.read().await.unwrap();
    status_intervals::list_since(&mut tx, now() - ago).await.unwrap()
}

async fn create_component(test: &TestDb, name: &str) -> Component {
    let mut tx = test.write().await.unwrap();
    let created = components::create(&mut tx, component(name), now() - TimeDelta::days(200)).await.unwrap();
    test.commit(tx).await;
    created
}

fn new_publisher(test: &TestDb, folder: &Path) -> Publisher {
    Publisher::new((**test).clone(), test.clock.clone(), "https://status.test".into(), folder.join("site"))
}

fn document_text(document: &Arc<Document>) -> String {
    String::from_utf8(document.bytes(Encoding::Plain).to_vec()).unwrap()
}

#[apply(on_both_databases!)]
async fn intervals_are_stored_and_deleted_with_incident(test: TestDb) {
    let mut incident = incident("a", now() - TimeDelta::hours(3));
    incident.updates =
        vec![update("first", now() - TimeDelta::hours(3), Phase::Identified, &[("api", Status::MajorOutage)])];
    incident.recompute();
    test.insert(std::slice::from_ref(&incident)).await;
    assert_eq!(intervals_since(&test, TimeDelta::days(1)).await, incident.status_intervals());
    let mut tx = test.write().await.unwrap();
    incident.updates.push(update("second", now() - TimeDelta::hours(1), Phase::Resolved, &[]));
    incident.recompute();
    incidents::update(&mut tx, &mut incident, now()).await.unwrap();
    test.commit(tx).await;
    let stored = intervals_since(&test, TimeDelta::days(1)).await;
    assert_eq!((stored.len(), stored[0].to), (1, Some(now() - TimeDelta::hours(1))));
    let mut tx = test.write().await.unwrap();
    incidents::delete(&mut tx, &incident.id).await.unwrap();
    test.commit(tx).await;
    assert_eq!(intervals_since(&test, TimeDelta::days(1)).await, []);
}

#[apply(on_both_databases!)]
async fn intervals_ended_before_range_are_excluded(test: TestDb) {
    let mut old = resolved("old", now() - TimeDelta::days(30), TimeDelta::hours(1));
    old.updates[0].components = update("x", now(), Phase::Identified, &[("api", Status::PartialOutage)]).components;
    old.recompute();
    test.insert(&[old]).await;
    assert_eq!(intervals_since(&test, TimeDelta::days(29)).await, []);
    assert_eq!(intervals_since(&test, TimeDelta::days(31)).await.len(), 1);
}

#[apply(on_both_databases!)]
async fn manual_baseline_counts_as_downtime(test: TestDb) {
    let mut api = create_component(&test, "API").await;
    for (ago, status) in [(TimeDelta::hours(5), Status::MajorOutage), (TimeDelta::hours(4), Status::Operational)] {
        let mut tx = test.write().await.unwrap();
        api.status = status;
        components::update(&mut tx, &mut api, now() - ago).await.unwrap();
        test.commit(tx).await;
    }
    let found = intervals_since(&test, TimeDelta::days(1)).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].incident_id.as_ref(), found[0].status), (None, Status::MajorOutage));
    assert_eq!((found[0].from, found[0].to), (now() - TimeDelta::hours(5), Some(now() - TimeDelta::hours(4))));
}

/// The month of a component that contains `at`.
fn detail(component: &ComponentId, at: DateTime<Utc>) -> OnDemandPage {
    let month = Month::from_time(at, chrono_tz::Tz::UTC);
    OnDemandPage::Uptime(UptimeView { until: None, detail: Some((component.clone(), month)) })
}

/// Half an hour of partial outage yesterday.
async fn half_hour_outage(test: &TestDb) -> ComponentId {
    let api = create_component(test, "API").await;
    let began = noon_in(-1);
    let mut incident = resolved("half", began, TimeDelta::minutes(30));
    incident.updates[0].components =
        update("x", began, Phase::Identified, &[(api.id.as_str(), Status::PartialOutage)]).components;
    incident.recompute();
    test.insert(&[incident]).await;
    api.id
}

#[apply(on_both_databases!)]
async fn uptime_bars_show_each_day_with_text(test: TestDb) {
    half_hour_outage(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = new_publisher(&test, folder.path());
    publisher.publish().await.unwrap();
    let html = document_text(publisher.site().document("/").unwrap());
    assert!(html.contains("Last 90 days: 99.99% uptime, 1 incident, 30 min partial outage"), "{html}");
    assert!(html.contains("<a href=\"/incidents/half\"><b dir=\"auto\">Incident half</b>"), "{html}");
    assert_eq!(html.matches("class=\"partial_outage\"").count(), 1, "{html}");
}

#[apply(on_both_databases!)]
async fn uptime_page_shows_reasons(test: TestDb) {
    let api = half_hour_outage(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = new_publisher(&test, folder.path());
    let page = publisher.on_demand(OnDemandPage::Uptime(UptimeView::default())).await.unwrap();
    let html = document_text(page.document());
    let month = noon_in(-1).format("%Y-%m");
    let link = format!("href=\"/uptime?month={month}&amp;component={api}#component-{api}\"");
    assert!(html.contains(&link) && html.contains("%, 1 incident, 30 min partial outage\""), "{html}");
    let html = document_text(publisher.on_demand(detail(&api, noon_in(-1))).await.unwrap().document());
    assert!(html.contains("<dd>30 min<span") && html.contains("9 min counted as downtime"), "{html}");
    assert!(html.contains("<a href=\"/incidents/half\" dir=\"auto\">Incident half</a>"), "{html}");
}

/// An incident counts in every month that it overlaps, and each month lists it.
#[apply(on_both_databases!)]
async fn month_lists_incidents_started_earlier(test: TestDb) {
    let api = create_component(&test, "API").await;
    let first_of_month = |at| Month::from_time(at, chrono_tz::Tz::UTC).bounds(chrono_tz::Tz::UTC).0;
    let first = first_of_month(first_of_month(now()) - TimeDelta::days(1));
    let began = first - TimeDelta::minutes(10);
    let mut incident = resolved("across", began, TimeDelta::minutes(30));
    incident.updates[0].components =
        update("x", began, Phase::Identified, &[(api.id.as_str(), Status::MajorOutage)]).components;
    incident.recompute();
    test.insert(&[incident]).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = new_publisher(&test, folder.path());
    let page = publisher.on_demand(OnDemandPage::Uptime(UptimeView::default())).await.unwrap();
    let html = document_text(page.document());
    for (at, minutes) in [(first, 20), (began, 10)] {
        let words = format!("1 incident, {minutes} min major outage\"");
        assert_eq!(html.matches(&words).count(), 1, "{words} is not in {html}");
        let month = document_text(publisher.on_demand(detail(&api.id, at)).await.unwrap().document());
        assert_eq!(month.matches("href=\"/incidents/across\"").count(), 1, "{month}");
        assert!(month.contains(&format!("<dd>{minutes} min</dd>")) && month.contains(" · 30 min</span>"), "{month}");
    }
}

#[apply(on_both_databases!)]
async fn new_component_has_no_history(test: TestDb) {
    test.clock.set_wall(noon_in(0));
    let mut tx = test.write().await.unwrap();
    let api = components::create(&mut tx, component("API"), noon_in(0) - TimeDelta::hours(1)).await.unwrap();
    test.commit(tx).await;
    let mut early = resolved("early", noon_in(-3), TimeDelta::hours(1));
    early.updates[0].components =
        update("x", noon_in(-3), Phase::Identified, &[(api.id.as_str(), Status::MajorOutage)]).components;
    early.recompute();
    test.insert(&[early]).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = new_publisher(&test, folder.path());
    publisher.publish().await.unwrap();
    let html = document_text(publisher.site().document("/").unwrap());
    let today = noon_in(0).format("%-d %b");
    assert!(html.contains(&format!("Since {today}: 100% uptime")) && !html.contains("1 incident"), "{html}");
    let showcase = document_text(publisher.site().document("/uptime_showcase").unwrap());
    assert_eq!(showcase.matches("#b3bac5").count(), 89, "{showcase}");
    let page =
        document_text(publisher.on_demand(OnDemandPage::Uptime(UptimeView::default())).await.unwrap().document());
    assert_eq!((page.matches(">–</td>").count(), page.matches(">100</td>").count()), (11, 2), "{page}");
    let month = document_text(publisher.on_demand(detail(&api.id, noon_in(0))).await.unwrap().document());
    assert!(month.contains("Data since ") && month.contains("No downtime"), "{month}");
    assert!(!page.contains("?month=") && !month.contains("/incidents/early"), "{month}");
    assert!(publisher.on_demand(detail(&api.id, noon_in(-40))).await.is_err(), "there is no such month");
}

#[apply(on_both_databases!)]
async fn stale_page_is_labelled_until_confirmed(test: TestDb) {
    half_hour_outage(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = new_publisher(&test, folder.path());
    publisher.publish().await.unwrap();
    publisher.on_demand(OnDemandPage::Uptime(UptimeView::default())).await.unwrap();
    publisher.mark_stale().await;
    assert!(!document_text(publisher.site().document("/").unwrap()).contains("Last updated"));
    test.clock.advance(TimeDelta::seconds(61));
    publisher.mark_stale().await;
    let deep = publisher.on_demand(OnDemandPage::Uptime(UptimeView::default())).await.unwrap();
    for document in [publisher.site().document("/").unwrap(), deep.document()] {
        let html = document_text(document);
        assert!(html.contains("Last updated at <time"), "{html}");
        assert_eq!(document.status, 200);
    }
    publisher.publish().await.unwrap();
    assert!(!document_text(publisher.site().document("/").unwrap()).contains("Last updated"));
}
