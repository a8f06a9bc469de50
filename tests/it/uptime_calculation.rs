//! What held components down, as it is stored and as the page shows it.

use std::path::Path;
use std::sync::Arc;

use candor::db::{components, incidents, status_intervals};
use candor::domain::history::Month;
use candor::domain::uptime::Effect;
use candor::domain::{Component, Phase, Status};
use candor::publish::{Deep, Document, Encoding, Publisher};
use chrono::TimeDelta;

use crate::support::fixtures::{component, incident, resolved, update};
use crate::support::{TestDb, noon_in, now};

on_both_databases!(
    effects_are_written_with_their_incident_and_go_with_it,
    only_what_lasted_beyond_the_asked_time_is_found,
    a_baseline_set_by_hand_counts_too,
    the_page_shows_a_bar_for_each_day_and_says_what_it_shows,
    the_uptime_page_tells_why,
    a_month_names_what_began_before_it,
    a_page_that_could_not_be_confirmed_says_so_until_it_is,
);

async fn since(test: &TestDb, ago: TimeDelta) -> Vec<Effect> {
    let mut tx = test.read().await.unwrap();
    status_intervals::since(&mut tx, now() - ago).await.unwrap()
}

async fn a_component(test: &TestDb, name: &str) -> Component {
    let mut tx = test.write().await.unwrap();
    let made = components::create(&mut tx, component(name), now() - TimeDelta::days(200)).await.unwrap();
    test.keep(tx).await;
    made
}

fn publisher(test: &TestDb, folder: &Path) -> Publisher {
    Publisher::new((**test).clone(), test.clock.clone(), "https://status.test".into(), folder.join("site"))
}

fn text(document: &Arc<Document>) -> String {
    String::from_utf8(document.bytes(Encoding::Plain).to_vec()).unwrap().replace("<!>", "")
}

async fn effects_are_written_with_their_incident_and_go_with_it(test: TestDb) {
    let mut it = incident("a", now() - TimeDelta::hours(3));
    it.updates = vec![update("first", now() - TimeDelta::hours(3), Phase::Identified, &[("api", Status::MajorOutage)])];
    it.settle();
    test.insert(std::slice::from_ref(&it)).await;
    assert_eq!(since(&test, TimeDelta::days(1)).await, it.effects());
    let mut tx = test.write().await.unwrap();
    it.updates.push(update("second", now() - TimeDelta::hours(1), Phase::Resolved, &[]));
    it.settle();
    incidents::update(&mut tx, &mut it, now()).await.unwrap();
    test.keep(tx).await;
    let stored = since(&test, TimeDelta::days(1)).await;
    assert_eq!((stored.len(), stored[0].to), (1, Some(now() - TimeDelta::hours(1))));
    let mut tx = test.write().await.unwrap();
    incidents::delete(&mut tx, &it.id).await.unwrap();
    test.keep(tx).await;
    assert_eq!(since(&test, TimeDelta::days(1)).await, []);
}

async fn only_what_lasted_beyond_the_asked_time_is_found(test: TestDb) {
    let mut old = resolved("old", now() - TimeDelta::days(30), TimeDelta::hours(1));
    old.updates[0].components = update("x", now(), Phase::Identified, &[("api", Status::PartialOutage)]).components;
    old.settle();
    test.insert(&[old]).await;
    assert_eq!(since(&test, TimeDelta::days(29)).await, []);
    assert_eq!(since(&test, TimeDelta::days(31)).await.len(), 1);
}

async fn a_baseline_set_by_hand_counts_too(test: TestDb) {
    let mut api = a_component(&test, "API").await;
    for (ago, status) in [(TimeDelta::hours(5), Status::MajorOutage), (TimeDelta::hours(4), Status::Operational)] {
        let mut tx = test.write().await.unwrap();
        api.status = status;
        components::update(&mut tx, &mut api, now() - ago).await.unwrap();
        test.keep(tx).await;
    }
    let found = since(&test, TimeDelta::days(1)).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].incident_id.as_ref(), found[0].status), (None, Status::MajorOutage));
    assert_eq!((found[0].from, found[0].to), (now() - TimeDelta::hours(5), Some(now() - TimeDelta::hours(4))));
}

/// Half an hour of partial outage yesterday.
async fn a_bad_half_hour(test: &TestDb) {
    let api = a_component(test, "API").await;
    let began = noon_in(-1);
    let mut it = resolved("half", began, TimeDelta::minutes(30));
    it.updates[0].components =
        update("x", began, Phase::Identified, &[(api.id.as_str(), Status::PartialOutage)]).components;
    it.settle();
    test.insert(&[it]).await;
}

async fn the_page_shows_a_bar_for_each_day_and_says_what_it_shows(test: TestDb) {
    a_bad_half_hour(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(&test, folder.path());
    publisher.publish().await.unwrap();
    let html = text(publisher.site().document("/").unwrap());
    assert!(html.contains("Last 90 days: 99.99% uptime, 1 incident, 30m partial outage"), "{html}");
    assert!(html.contains("<a href=\"/incidents/half\" aria-label=\""), "{html}");
    assert_eq!(html.matches("class=\"partial_outage\"").count(), 1, "{html}");
}

async fn the_uptime_page_tells_why(test: TestDb) {
    a_bad_half_hour(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let page = publisher(&test, folder.path()).deep(Deep::Uptime).await.unwrap();
    let html = text(page.document());
    assert!(html.contains("<summary>1 incident, 30m partial outage</summary>"), "{html}");
    assert!(html.contains("<a href=\"/incidents/half\" dir=\"auto\">Incident half</a>"), "{html}");
}

/// An incident counts in every month that it touched, and each of them names it.
async fn a_month_names_what_began_before_it(test: TestDb) {
    let api = a_component(&test, "API").await;
    let first_of_month = |at| Month::of(at, chrono_tz::Tz::UTC).bounds(chrono_tz::Tz::UTC).0;
    let first = first_of_month(first_of_month(now()) - TimeDelta::days(1));
    let began = first - TimeDelta::minutes(10);
    let mut it = resolved("across", began, TimeDelta::minutes(30));
    it.updates[0].components =
        update("x", began, Phase::Identified, &[(api.id.as_str(), Status::MajorOutage)]).components;
    it.settle();
    test.insert(&[it]).await;
    let folder = tempfile::tempdir().unwrap();
    let page = publisher(&test, folder.path()).deep(Deep::Uptime).await.unwrap();
    let html = text(page.document());
    let lines = ["1 incident, 30m major outage", "1 incident, 20m major outage", "1 incident, 10m major outage"];
    for words in lines {
        assert!(html.contains(words), "{words} is not in {html}");
    }
    assert_eq!(html.matches("href=\"/incidents/across\"").count(), lines.len(), "{html}");
}

async fn a_page_that_could_not_be_confirmed_says_so_until_it_is(test: TestDb) {
    a_bad_half_hour(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(&test, folder.path());
    publisher.publish().await.unwrap();
    publisher.deep(Deep::Uptime).await.unwrap();
    publisher.grow_old().await;
    assert!(!text(publisher.site().document("/").unwrap()).contains("Last updated"));
    test.clock.advance(TimeDelta::seconds(61));
    publisher.grow_old().await;
    let deep = publisher.deep(Deep::Uptime).await.unwrap();
    for document in [publisher.site().document("/").unwrap(), deep.document()] {
        let html = text(document);
        assert!(html.contains("Last updated at <time"), "{html}");
        assert_eq!(document.status, 200);
    }
    publisher.publish().await.unwrap();
    assert!(!text(publisher.site().document("/").unwrap()).contains("Last updated"));
}
