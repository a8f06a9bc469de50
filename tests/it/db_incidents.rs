//! Incidents in the database.

use candor::db::{Error, admin_incidents, incidents};
use candor::domain::history::{Cursor, HistoryFilter, Totals};
use candor::domain::{ComponentId, Impact, Incident, IncidentId, Phase, Status, UpdateId};
use chrono::TimeDelta;

use crate::support::fixtures::{incident, resolved, update};
use crate::support::{TestDb, now};

fn id(text: &str) -> IncidentId {
    IncidentId::parse(text).unwrap()
}

async fn list_ids(test: &TestDb, filter: &HistoryFilter, cursor: Option<&Cursor>, limit: i64) -> Vec<String> {
    let mut tx = test.read().await.unwrap();
    let found = incidents::list(&mut tx, filter, (None, None), cursor, limit).await.unwrap();
    found.iter().map(|incident| incident.id.to_string()).collect()
}

fn full_incident(text: &str) -> Incident {
    let mut incident = incident(text, now() - TimeDelta::hours(3));
    incident.title = "Größere Störung 🌊 'quoted' \"twice\"".into();
    incident.impact_override = Some(Impact::Critical);
    incident.detected_by = Some("Monitoring".into());
    incident.internal_note = Some("Line one\nline two".into());
    let components = [("web", Status::MajorOutage), ("api", Status::PartialOutage)];
    let mut second = update("second", now() - TimeDelta::hours(1), Phase::Identified, &components);
    second.edited_at = Some(now() - TimeDelta::minutes(7));
    second.version = 2;
    incident.updates.push(second);
    incident.updates.push(update("third", now(), Phase::Resolved, &[("web", Status::Operational)]));
    incident.recompute();
    incident
}

#[apply(on_both_databases!)]
async fn incident_round_trips(test: TestDb) {
    let incident = full_incident("a");
    test.insert(std::slice::from_ref(&incident)).await;
    let mut tx = test.read().await.unwrap();
    assert_eq!(admin_incidents::find(&mut tx, &incident.id).await.unwrap(), incident);
    assert!(admin_incidents::exists(&mut tx, &incident.id).await.unwrap());
}

#[apply(on_both_databases!)]
async fn a_missing_incident_is_not_found(test: TestDb) {
    let mut tx = test.read().await.unwrap();
    assert!(matches!(admin_incidents::find(&mut tx, &id("x")).await, Err(Error::NotFound)));
    assert!(!admin_incidents::exists(&mut tx, &id("x")).await.unwrap());
}

#[apply(on_both_databases!)]
async fn a_taken_id_is_a_conflict(test: TestDb) {
    test.insert(&[incident("a", now())]).await;
    let mut tx = test.write().await.unwrap();
    assert!(matches!(incidents::insert(&mut tx, &incident("a", now())).await, Err(Error::Conflict(_))));
}

#[apply(on_both_databases!)]
async fn pages_are_newest_first_without_gaps_or_repeats(test: TestDb) {
    // Two at the same instant, and others that differ by microseconds.
    let starts = [("a", 0), ("b", 0), ("c", 1), ("d", 1_000), ("e", 1_000_000), ("f", -876_544), ("g", -123_456)];
    let all: Vec<Incident> =
        starts.iter().map(|(id, micros)| incident(id, now() + TimeDelta::microseconds(*micros))).collect();
    test.insert(&all).await;
    let filter = HistoryFilter::default();
    let expected = ["e", "d", "c", "b", "a", "g", "f"];
    assert_eq!(list_ids(&test, &filter, None, 100).await, expected);
    for limit in 1..=3 {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = list_ids(&test, &filter, cursor.as_ref(), limit).await;
            let Some(last) = page.last().cloned() else { break };
            let started_at = all.iter().find(|incident| incident.id == id(&last)).unwrap().started_at;
            cursor = Cursor::parse(&Cursor { started_at, id: id(&last) }.to_string());
            seen.extend(page);
        }
        assert_eq!(seen, expected, "in pages of {limit}");
    }
}

#[apply(on_both_databases!)]
async fn open_list_has_only_open_incidents(test: TestDb) {
    let hour = TimeDelta::hours(1);
    test.insert(&[incident("a", now() - hour), resolved("b", now() - hour, hour), incident("c", now())]).await;
    let open = incidents::list_open(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!(open.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["c", "a"]);
}

#[apply(on_both_databases!)]
async fn filters_choose_by_component_impact_text_and_time(test: TestDb) {
    let hour = TimeDelta::hours(1);
    let plain = resolved("plain", now() - hour, hour);
    test.insert(&[full_incident("full"), plain]).await;
    let filter = |change: fn(&mut HistoryFilter)| {
        let mut filter = HistoryFilter::default();
        change(&mut filter);
        filter
    };
    for (expected, filter) in [
        (vec!["full"], filter(|f| f.component = ComponentId::parse("api"))),
        (vec![], filter(|f| f.component = ComponentId::parse("mail"))),
        (vec!["full"], filter(|f| f.impact = Some(Impact::Critical))),
        (vec!["plain"], filter(|f| f.impact = Some(Impact::None))),
        (vec!["full"], filter(|f| f.text = Some("GRÖSSERE".to_lowercase().replace("ss", "ß")))),
        (vec!["full"], filter(|f| f.text = Some("TEXT OF second".into()))),
        (vec!["plain", "full"], filter(|f| f.text = Some("text of".into()))),
    ] {
        assert_eq!(list_ids(&test, &filter, None, 10).await, expected, "{filter:?}");
    }
    let mut tx = test.read().await.unwrap();
    let bounds = (Some(now() - hour * 2), Some(now()));
    let within = incidents::list(&mut tx, &HistoryFilter::default(), bounds, None, 10).await.unwrap();
    assert_eq!(within.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["plain"]);
}

#[apply(on_both_databases!)]
async fn sql_wildcards_are_literal(test: TestDb) {
    let titled = |id: &str, title: &str| Incident { title: title.into(), ..incident(id, now()) };
    test.insert(&[titled("a", "100% _x_ \\ 'done'; drop table incidents"), titled("b", "1000 axb")]).await;
    for text in ["0%", "_x_", "\\", "'; drop", "% _"] {
        let filter = HistoryFilter { text: Some(text.into()), ..HistoryFilter::default() };
        assert_eq!(list_ids(&test, &filter, None, 10).await, ["a"], "{text}");
    }
}

#[apply(on_both_databases!)]
async fn totals_match_the_list(test: TestDb) {
    let none =
        incidents::totals(&mut test.read().await.unwrap(), &HistoryFilter::default(), (None, None)).await.unwrap();
    assert_eq!(none, Totals::default());
    let first = now() - TimeDelta::days(400);
    let fraction = TimeDelta::minutes(12) + TimeDelta::milliseconds(999);
    test.insert(&[resolved("a", first, fraction), resolved("b", now() - TimeDelta::days(2), TimeDelta::hours(1))])
        .await;
    test.insert(&[incident("c", now())]).await;
    let mut tx = test.read().await.unwrap();
    let all = incidents::totals(&mut tx, &HistoryFilter::default(), (None, None)).await.unwrap();
    let resolved =
        Totals { count: 3, resolved_seconds: 720 + 3600, first_started_at: Some(first), ..Totals::default() };
    assert_eq!(all, resolved.with_open([now()]));
    let last_year = (Some(now() - TimeDelta::days(365)), None);
    let some = incidents::totals(&mut tx, &HistoryFilter::default(), last_year).await.unwrap();
    assert_eq!((some.count, some.open, some.seconds(now() + TimeDelta::minutes(76))), (2, 1, 3600 + 76 * 60));
}

#[apply(on_both_databases!)]
async fn stored_totals_follow_every_change(test: TestDb) {
    let day = TimeDelta::days(1);
    let mut moved = resolved("b", now() - day * 30, TimeDelta::hours(2));
    let mut reopened = resolved("c", now() - day * 20, TimeDelta::hours(4));
    test.insert(&[resolved("a", now() - day * 40, TimeDelta::hours(1)), moved.clone(), reopened.clone()]).await;
    assert_eq!(stored_totals(&test).await, (3, 7 * 3600, Some(now() - day * 40)));
    let mut tx = test.write().await.unwrap();
    moved.started_at = now() - day * 50;
    moved.ended_at = Some(moved.started_at + TimeDelta::hours(3));
    incidents::update(&mut tx, &mut moved, now()).await.unwrap();
    reopened.updates.pop();
    reopened.recompute();
    incidents::update(&mut tx, &mut reopened, now()).await.unwrap();
    incidents::delete(&mut tx, &id("a")).await.unwrap();
    incidents::delete(&mut tx, &id("nobody")).await.unwrap();
    test.commit(tx).await;
    assert_eq!(stored_totals(&test).await, (2, 3 * 3600, Some(now() - day * 50)));
    let mut lost = test.write().await.unwrap();
    incidents::delete(&mut lost, &id("b")).await.unwrap();
    drop(lost);
    assert_eq!(stored_totals(&test).await, (2, 3 * 3600, Some(now() - day * 50)));
}

/// The stored totals, which must equal the counted ones.
async fn stored_totals(test: &TestDb) -> (i64, i64, Option<chrono::DateTime<chrono::Utc>>) {
    let mut tx = test.read().await.unwrap();
    let ever = (Some(chrono::DateTime::UNIX_EPOCH), None);
    let totals = incidents::totals(&mut tx, &HistoryFilter::default(), (None, None)).await.unwrap();
    assert_eq!(totals, incidents::totals(&mut tx, &HistoryFilter::default(), ever).await.unwrap());
    (totals.count, totals.resolved_seconds, totals.first_started_at)
}

#[apply(on_both_databases!)]
async fn component_lists_follow_every_change(test: TestDb) {
    let mut incident = full_incident("a");
    test.insert(std::slice::from_ref(&incident)).await;
    let of = |component: &str| HistoryFilter { component: ComponentId::parse(component), ..HistoryFilter::default() };
    assert_eq!(list_ids(&test, &of("api"), None, 10).await, ["a"]);
    incident.impact_override = Some(Impact::Minor);
    incident.updates.iter_mut().for_each(|update| update.components.clear());
    incident.updates[0] =
        update("first", incident.started_at, Phase::Investigating, &[("mail", Status::PartialOutage)]);
    incident.recompute();
    let mut tx = test.write().await.unwrap();
    incidents::update(&mut tx, &mut incident, now()).await.unwrap();
    test.commit(tx).await;
    assert_eq!(list_ids(&test, &of("api"), None, 10).await, [""; 0]);
    assert_eq!(list_ids(&test, &HistoryFilter { impact: Some(Impact::Minor), ..of("mail") }, None, 10).await, ["a"]);
    assert_eq!(
        list_ids(&test, &HistoryFilter { impact: Some(Impact::Critical), ..of("mail") }, None, 10).await,
        [""; 0]
    );
}

#[apply(on_both_databases!)]
async fn change_increments_the_version(test: TestDb) {
    let mut incident = full_incident("a");
    test.insert(std::slice::from_ref(&incident)).await;
    incident.title = "Another title".into();
    incident.updates.remove(0);
    incident.updates.push(update("fourth", now() + TimeDelta::minutes(1), Phase::Investigating, &[]));
    incident.recompute();
    let mut tx = test.write().await.unwrap();
    incidents::update(&mut tx, &mut incident, now()).await.unwrap();
    test.commit(tx).await;
    let stored = admin_incidents::find(&mut test.read().await.unwrap(), &incident.id).await.unwrap();
    assert_eq!((stored.version, stored.is_open(), stored.ended_at), (2, true, None));
    assert_eq!(stored, incident);
    let filter = HistoryFilter { text: Some("another".into()), ..HistoryFilter::default() };
    assert_eq!(list_ids(&test, &filter, None, 10).await, ["a"]);
}

#[apply(on_both_databases!)]
async fn stale_incident_change_is_a_conflict(test: TestDb) {
    let mut first = incident("a", now());
    test.insert(std::slice::from_ref(&first)).await;
    let mut second = first.clone();
    let mut tx = test.write().await.unwrap();
    incidents::update(&mut tx, &mut first, now()).await.unwrap();
    test.commit(tx).await;
    let mut tx = test.write().await.unwrap();
    second.title = "Lost".into();
    assert!(matches!(incidents::update(&mut tx, &mut second, now()).await, Err(Error::Conflict(_))));
    drop(tx);
    assert_eq!(admin_incidents::find(&mut test.read().await.unwrap(), &first.id).await.unwrap(), first);
}

#[apply(on_both_databases!)]
async fn deleting_an_incident_deletes_its_updates(test: TestDb) {
    test.insert(&[full_incident("a")]).await;
    let mut tx = test.write().await.unwrap();
    incidents::delete(&mut tx, &id("a")).await.unwrap();
    test.commit(tx).await;
    // The ids of deleted incidents can be used again.
    test.insert(&[full_incident("b")]).await;
}

#[apply(on_both_databases!)]
async fn database_rejects_end_before_start(test: TestDb) {
    for earlier in [TimeDelta::microseconds(1), TimeDelta::days(400)] {
        let mut incident = resolved("a", now(), TimeDelta::hours(1));
        incident.ended_at = Some(incident.started_at - earlier);
        let mut tx = test.write().await.unwrap();
        assert!(incidents::insert(&mut tx, &incident).await.is_err(), "{earlier}");
    }
}

#[apply(on_both_databases!)]
async fn database_rejects_open_incident_with_end(test: TestDb) {
    let mut invalid = incident("a", now());
    invalid.ended_at = Some(now());
    assert!(incidents::insert(&mut test.write().await.unwrap(), &invalid).await.is_err());
    let mut invalid = resolved("a", now(), TimeDelta::hours(1));
    invalid.ended_at = None;
    assert!(incidents::insert(&mut test.write().await.unwrap(), &invalid).await.is_err());
}

#[apply(on_both_databases!)]
async fn nearest_starts_are_found(test: TestDb) {
    let day = TimeDelta::days(1);
    test.insert(&[incident("a", now() - day * 9), incident("b", now() - day * 5), incident("c", now())]).await;
    let mut tx = test.read().await.unwrap();
    let middle = now() - day * 5;
    assert_eq!(incidents::last_start_before(&mut tx, middle).await.unwrap(), Some(now() - day * 9));
    assert_eq!(incidents::first_start_since(&mut tx, middle).await.unwrap(), Some(middle));
    assert_eq!(incidents::last_start_before(&mut tx, now() - day * 9).await.unwrap(), None);
    assert_eq!(incidents::first_start_since(&mut tx, now() + day).await.unwrap(), None);
}

#[apply(on_both_databases!)]
async fn incident_is_found_by_its_update(test: TestDb) {
    test.insert(&[incident("a", now())]).await;
    let mut tx = test.read().await.unwrap();
    let owner = async |tx: &mut _, text| {
        admin_incidents::find_incident_of_update(tx, &UpdateId::parse(text).unwrap()).await.unwrap()
    };
    assert_eq!(owner(&mut tx, "a-1").await, Some(id("a")));
    assert_eq!(owner(&mut tx, "b-1").await, None);
}
