//! Maintenances and recurring maintenances in the database.

use candor::actions::recurring_maintenances::schedule_next;
use candor::db::{components, incidents, maintenances, series, status_intervals};
use candor::domain::{Maintenance, MaintenanceId, MaintenancePhase, SeriesId, Status, UpdateId};
use chrono::TimeDelta;

use crate::support::fixtures::{component, incident, maintenance};
use crate::support::{TestDb, now};

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn planned_maintenance(id: &str, begins_in: i64) -> Maintenance {
    maintenance(id, now() + hours(begins_in), now() + hours(begins_in + 2), &["api", "db"])
}

async fn insert_all(test: &TestDb, all: &[Maintenance]) {
    let mut tx = test.write().await.unwrap();
    for it in all {
        maintenances::insert(&mut tx, it).await.unwrap();
    }
    test.commit(tx).await;
}

async fn find_maintenance(test: &TestDb, id: &str) -> Maintenance {
    maintenances::find(&mut test.read().await.unwrap(), &MaintenanceId::parse(id).unwrap()).await.unwrap()
}

fn new_update_id() -> UpdateId {
    UpdateId::from_random(candor::credentials::random_bytes())
}

#[apply(on_both_databases!)]
async fn maintenance_round_trips(test: TestDb) {
    let mut maintenance = planned_maintenance("a", 5);
    maintenance.zone = "Australia/Lord_Howe".parse().unwrap();
    maintenance.switches.completes = false;
    insert_all(&test, std::slice::from_ref(&maintenance)).await;
    assert_eq!(find_maintenance(&test, "a").await, maintenance);
    maintenance.begin(new_update_id(), now()).unwrap();
    maintenance.components.remove(1);
    let mut tx = test.write().await.unwrap();
    maintenances::update(&mut tx, &mut maintenance, now()).await.unwrap();
    test.commit(tx).await;
    assert_eq!(find_maintenance(&test, "a").await, maintenance);
    assert_eq!((maintenance.version, maintenance.updates.len()), (2, 2));
}

#[apply(on_both_databases!)]
async fn stale_maintenance_change_is_a_conflict(test: TestDb) {
    let mut maintenance = planned_maintenance("a", 5);
    insert_all(&test, std::slice::from_ref(&maintenance)).await;
    let mut older = maintenance.clone();
    let mut tx = test.write().await.unwrap();
    maintenances::update(&mut tx, &mut maintenance, now()).await.unwrap();
    let refused = maintenances::update(&mut tx, &mut older, now()).await;
    assert!(matches!(refused, Err(candor::db::Error::Conflict(_))));
}

#[apply(on_both_databases!)]
async fn cancelled_maintenances_do_not_displace_past_ones(test: TestDb) {
    let over = |id: &str, ago: i64, cancelled: bool| {
        let mut it = planned_maintenance(id, -ago);
        if !cancelled {
            it.begin(new_update_id(), now() - hours(ago)).unwrap();
            it.complete(new_update_id(), now() - hours(ago - 1)).unwrap();
        } else {
            it.cancel("Off.".into(), new_update_id(), now() - hours(ago)).unwrap();
        }
        it
    };
    let ahead = |number: i64| {
        let from = now() + TimeDelta::minutes(1 + number);
        let mut it = maintenance(&format!("off{number:03}"), from, from + hours(1), &["api"]);
        it.cancel("Off.".into(), new_update_id(), now()).unwrap();
        it
    };
    // Started and completed long before its scheduled time.
    let mut early = planned_maintenance("early", 20);
    early.begin(new_update_id(), now() - hours(3)).unwrap();
    early.complete(new_update_id(), now() - hours(2)).unwrap();
    let mut all: Vec<Maintenance> = (0..120).map(ahead).collect();
    all.extend([over("done", 30, false), over("dropped", 40, true), early]);
    insert_all(&test, &all).await;
    let mut tx = test.read().await.unwrap();
    let ids = |list: Vec<Maintenance>| list.into_iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
    let past = maintenances::list_past_since(&mut tx, now() - hours(60 * 24), now(), 100).await.unwrap();
    assert_eq!(ids(past), ["early", "done", "dropped"]);
    let called_off = ids(maintenances::list_cancelled(&mut tx, now(), 100).await.unwrap());
    assert_eq!((called_off.len(), called_off[0].as_str(), called_off[99].as_str()), (100, "off099", "off000"));
}

#[apply(on_both_databases!)]
async fn lists_are_in_order_and_bounded(test: TestDb) {
    let mut over = planned_maintenance("over", -30);
    over.begin(new_update_id(), now() - hours(30)).unwrap();
    over.complete(new_update_id(), now() - hours(28)).unwrap();
    let mut early = planned_maintenance("early", 20);
    early.begin(new_update_id(), now() - hours(3)).unwrap();
    early.complete(new_update_id(), now() - hours(2)).unwrap();
    insert_all(&test, &[planned_maintenance("later", 48), planned_maintenance("sooner", 5), over, early]).await;
    let mut tx = test.read().await.unwrap();
    let ids = |list: Vec<Maintenance>| list.into_iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(maintenances::list_planned(&mut tx).await.unwrap()), ["sooner", "later"]);
    assert_eq!(
        ids(maintenances::list_completed_since(&mut tx, now() - hours(29), 9).await.unwrap()),
        ["early", "over"]
    );
    assert_eq!(ids(maintenances::list_completed_since(&mut tx, now(), 9).await.unwrap()), ["early"]);
    let past = maintenances::list_past_since(&mut tx, now() - hours(29), now(), 9).await.unwrap();
    assert_eq!(ids(past), ["early", "over"]);
    assert_eq!(ids(maintenances::list_cancelled(&mut tx, now(), 9).await.unwrap()), [""; 0]);
    let first = maintenances::list(&mut tx, None, 3).await.unwrap();
    let cursor = maintenances::cursor(&first[2]);
    assert_eq!(ids(first), ["later", "early", "sooner"]);
    assert_eq!(ids(maintenances::list(&mut tx, cursor.as_ref(), 2).await.unwrap()), ["over"]);
    let soon = (Some(now()), Some(now() + hours(48)));
    assert_eq!(ids(maintenances::list_within(&mut tx, soon, 9).await.unwrap()), ["sooner"]);
    let begun = (Some(now() - hours(4)), Some(now() - hours(1)));
    assert_eq!(ids(maintenances::list_within(&mut tx, begun, 9).await.unwrap()), ["early"], "by its actual start");
    assert_eq!(maintenances::last_start_before(&mut tx, now()).await.unwrap(), Some(now() - hours(3)));
    assert_eq!(maintenances::first_start_since(&mut tx, now()).await.unwrap(), Some(now() + hours(5)));
    let next = maintenances::first_start_since(&mut tx, now() - hours(4)).await.unwrap();
    assert_eq!(next, Some(now() - hours(3)));
}

#[apply(on_both_databases!)]
async fn database_constraints_reject_invalid_maintenances(test: TestDb) {
    let mut maintenance = planned_maintenance("a", 5);
    maintenance.scheduled_until = maintenance.scheduled_for;
    let mut tx = test.write().await.unwrap();
    assert!(maintenances::insert(&mut tx, &maintenance).await.is_err());
    drop(tx);
    let mut maintenance = planned_maintenance("a", 5);
    maintenance.title = String::new();
    let mut tx = test.write().await.unwrap();
    assert!(maintenances::insert(&mut tx, &maintenance).await.is_err());
}

#[apply(on_both_databases!)]
async fn incidents_and_maintenances_never_share_an_id(test: TestDb) {
    test.insert(&[incident("one", now())]).await;
    insert_all(&test, &[planned_maintenance("two", 5)]).await;
    let mut tx = test.write().await.unwrap();
    assert!(maintenances::insert(&mut tx, &planned_maintenance("one", 5)).await.is_err());
    drop(tx);
    let mut tx = test.write().await.unwrap();
    assert!(incidents::insert(&mut tx, &incident("two", now())).await.is_err());
}

#[apply(on_both_databases!)]
async fn maintenance_is_no_downtime_and_replaces_baseline(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let mut api = components::create(&mut tx, component("API"), now() - hours(100)).await.unwrap();
    api.status = Status::MajorOutage;
    components::update(&mut tx, &mut api, now() - hours(10)).await.unwrap();
    api.status = Status::Operational;
    components::update(&mut tx, &mut api, now() - hours(2)).await.unwrap();
    let mut work = maintenance("a", now() - hours(8), now() - hours(6), &[api.id.as_str()]);
    work.begin(new_update_id(), now() - hours(8)).unwrap();
    work.complete(new_update_id(), now() - hours(5)).unwrap();
    maintenances::insert(&mut tx, &work).await.unwrap();
    test.commit(tx).await;
    let mut found = status_intervals::list_since(&mut test.read().await.unwrap(), now() - hours(90)).await.unwrap();
    found.sort_by_key(|effect| effect.from);
    let spans: Vec<_> = found
        .iter()
        .map(|interval| {
            ((now() - interval.from).num_hours(), (now() - interval.to.unwrap()).num_hours(), interval.status)
        })
        .collect();
    assert_eq!(spans, [(10, 8, Status::MajorOutage), (8, 5, Status::UnderMaintenance), (5, 2, Status::MajorOutage)]);
    assert!(found.iter().all(|effect| effect.incident_id.is_none()));
}

#[apply(on_both_databases!)]
async fn series_creates_each_occurrence_once(test: TestDb) {
    use candor::domain::forms::{MaintenanceForm, PlanForm, RecurrenceForm, SeriesForm, WindowForm};
    let mut tx = test.write().await.unwrap();
    let api = components::create(&mut tx, component("API"), now()).await.unwrap();
    let window = WindowForm::from_times(now() + hours(24), now() + hours(26), chrono_tz::Europe::Lisbon);
    let plan = PlanForm { title: "Again".into(), components: [api.id.to_string()].into(), ..PlanForm::default() };
    let recurrence =
        RecurrenceForm { repeats: "FREQ=WEEKLY".into(), skipped: "2026-12-24".into(), ..RecurrenceForm::default() };
    let form =
        SeriesForm { id: String::new(), first: MaintenanceForm { plan, window, body: "Text".into() }, recurrence };
    let id = SeriesId::parse("s").unwrap();
    let mut it = form.parse().unwrap().begin(id.clone(), &[api], now()).unwrap();
    series::insert(&mut tx, &it).await.unwrap();
    let (made, _) = schedule_next(&mut tx, &mut it, now()).await.unwrap().unwrap();
    test.commit(tx).await;
    let mut tx = test.read().await.unwrap();
    assert_eq!(series::find(&mut tx, &id).await.unwrap(), it);
    assert_eq!(maintenances::find_next_occurrence(&mut tx, &id).await.unwrap(), Some(made.clone()));
    assert_eq!((made.components[0].name.as_str(), made.phase), ("API", MaintenancePhase::Scheduled));
    drop(tx);
    let mut tx = test.write().await.unwrap();
    let mut again = Maintenance { id: MaintenanceId::parse("again").unwrap(), ..made };
    again.updates[0].id = new_update_id();
    let refused = maintenances::insert(&mut tx, &again).await;
    assert!(matches!(refused, Err(candor::db::Error::Conflict(_))), "{refused:?}");
}
