//! Automatic steps of maintenances.

use std::sync::Arc;

use candor::db::{Db, maintenances};
use candor::domain::{Maintenance, MaintenancePhase, Status};
use candor::worker::Worker;
use candor::worker::maintenances::run_due_steps;
use chrono::{DateTime, TimeDelta, Utc};

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures, noon_in};

/// A maintenance of the component API that starts at noon tomorrow and lasts one hour.
async fn plan_maintenance(app: &TestApp) -> Maintenance {
    let api = app.component("API").await;
    let begin = noon_in(1);
    let maintenance = fixtures::maintenance("work", begin, begin + TimeDelta::hours(1), &[api.id.as_str()]);
    app.plan(std::slice::from_ref(&maintenance)).await;
    maintenance
}

fn advance_to(app: &TestApp, at: DateTime<Utc>) {
    app.clock.advance(at - app.clock.now());
}

async fn audited_actions(app: &TestApp) -> Vec<String> {
    let rows = app.audit().await.into_iter().filter(|row| row.subject_id == "work");
    let mut actions: Vec<String> = rows.map(|row| row.action).collect();
    actions.reverse();
    actions
}

#[apply(on_both_databases!)]
async fn automatic_start_and_end_are_exact_and_published(test: TestDb) {
    let app = TestApp::new(test).await;
    let maintenance = plan_maintenance(&app).await;
    let mut work = Worker::default();
    let headline = async || app.visitor().get("/").await.word("h1");
    work.tick(&app).await;
    advance_to(&app, maintenance.scheduled_for - TimeDelta::microseconds(1));
    work.tick(&app).await;
    assert_eq!(audited_actions(&app).await, ["maintenance.remind"]);
    assert_eq!(headline().await, "All systems operational");
    advance_to(&app, maintenance.scheduled_for);
    work.tick(&app).await;
    assert_eq!(headline().await, "API: under maintenance until 13:00");
    assert_eq!(app.visitor().get("/").await.word("li.row .state"), Status::UnderMaintenance.words());
    advance_to(&app, maintenance.scheduled_until - TimeDelta::microseconds(1));
    work.tick(&app).await;
    assert_eq!(headline().await, "API: under maintenance until 13:00");
    advance_to(&app, maintenance.scheduled_until);
    work.tick(&app).await;
    work.tick(&app).await;
    assert_eq!(headline().await, "All systems operational");
    assert_eq!(audited_actions(&app).await, ["maintenance.remind", "maintenance.start", "maintenance.complete"]);
    let over = app.maintenance("work").await;
    assert_eq!((over.started_at, over.ended_at), (Some(maintenance.scheduled_for), Some(maintenance.scheduled_until)));
    assert!(app.audit().await[0].actor.name == "Candor" && app.audit().await[0].actor.manager_id.is_none());
}

#[apply(on_both_databases!)]
async fn concurrent_workers_take_each_step_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let maintenance = plan_maintenance(&app).await;
    let (other, _) = app.restart_with(Db::at(&app.test.url).unwrap());
    other.publisher.publish().await.unwrap();
    for at in
        [maintenance.scheduled_for - TimeDelta::minutes(60), maintenance.scheduled_for, maintenance.scheduled_until]
    {
        advance_to(&app, at);
        // Both nodes find the step due; the second writer finds it done.
        let (one, two) = tokio::join!(run_due_steps(&app), run_due_steps(&other));
        assert_eq!(i32::from(one.unwrap()) + i32::from(two.unwrap()), 1, "{at}");
        app.publisher.publish().await.unwrap();
        other.publisher.publish().await.unwrap();
    }
    assert_eq!(audited_actions(&app).await, ["maintenance.remind", "maintenance.start", "maintenance.complete"]);
    other.db.close().await;
}

#[apply(on_both_databases!)]
async fn missed_steps_are_caught_up_at_their_due_time(test: TestDb) {
    let app = TestApp::new(test).await;
    let maintenance = plan_maintenance(&app).await;
    app.clock.advance(TimeDelta::days(3));
    assert!(run_due_steps(&app).await.unwrap());
    let over = app.maintenance("work").await;
    let updates: Vec<_> = over.updates.iter().map(|update| (update.phase, update.posted_at)).collect();
    assert_eq!(
        updates[1..],
        [
            (MaintenancePhase::InProgress, maintenance.scheduled_for),
            (MaintenancePhase::Completed, maintenance.scheduled_until),
        ]
    );
    assert!(over.updates[1..].iter().all(|update| update.created_at == app.clock.now()));
    let revision = app.counts().await.0;
    assert!(!run_due_steps(&app).await.unwrap());
    assert_eq!(app.counts().await.0, revision);
}

#[apply(on_both_databases!)]
async fn no_due_step_writes_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    plan_maintenance(&app).await;
    let mut work = Worker::default();
    work.tick(&app).await;
    let (before, site) = (app.counts().await, app.publisher.site());
    app.clock.advance(TimeDelta::seconds(59));
    work.tick(&app).await;
    assert_eq!(app.counts().await, before);
    assert!(Arc::ptr_eq(&site, &app.publisher.site()));
}

#[apply(on_both_databases!)]
async fn each_start_plans_the_next_occurrence(test: TestDb) {
    let app = TestApp::new(test).await;
    let first = app.create_series("weekly", app.clock.now() + TimeDelta::hours(2)).await;
    let all = async || maintenances::list(&mut app.db.read().await.unwrap(), None, 100).await.unwrap();
    assert_eq!(all().await.len(), 1);
    advance_to(&app, first.scheduled_for);
    Worker::default().tick(&app).await;
    let created = all().await;
    assert_eq!(created.len(), 2);
    assert_eq!(created[0].scheduled_for, first.scheduled_for + TimeDelta::days(7));
    assert_eq!((created[0].phase, created[1].phase), (MaintenancePhase::Scheduled, MaintenancePhase::InProgress));
    Worker::default().tick(&app).await;
    assert_eq!(all().await.len(), 2);
}

#[apply(on_both_databases!)]
async fn long_downtime_creates_one_occurrence(test: TestDb) {
    let app = TestApp::new(test).await;
    app.create_series("weekly", app.clock.now() + TimeDelta::hours(2)).await;
    app.clock.advance(TimeDelta::days(100));
    assert!(run_due_steps(&app).await.unwrap());
    let created = maintenances::list(&mut app.db.read().await.unwrap(), None, 100).await.unwrap();
    assert_eq!(created.len(), 2, "the one that was planned, and the next one");
    assert!(created[0].scheduled_for > app.clock.now() && created[1].phase == MaintenancePhase::Completed);
}
