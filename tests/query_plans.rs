//! No query scans a table that grows with the history: not in publishing, on deep pages or in the admin.
//!
//! The program runs its own queries here. SQLite is asked for the plan of each recorded query; PostgreSQL counts the
//! sequential scans of each table.

#[path = "it/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use candor::clock::Clock;
use candor::db::{Db, admin_incidents, audit, components, incidents, maintenances, status_intervals};
use candor::domain::history::{Cursor, HistoryFilter, HistoryRange, Month};
use candor::domain::uptime::UptimeView;
use candor::domain::{ComponentId, Impact, Incident, IncidentId, Maintenance, MaintenanceId, Phase, Status, UpdateId};
use candor::publish::{JsonShape, OnDemandPage, Publisher};
use chrono::{Datelike as _, TimeDelta};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use support::{TestDb, fixtures, now};

/// Enough rows that a database uses an index where it can.
const INCIDENTS: i64 = 600;
const MAINTENANCES: i64 = 300;

/// Tables that grow over time, in contrast to those with the page's setup.
const GROWING: [&str; 13] = [
    "incidents",
    "incident_updates",
    "incident_update_components",
    "incident_status_intervals",
    "incident_index",
    "postmortems",
    "maintenances",
    "maintenance_components",
    "maintenance_updates",
    "maintenance_update_components",
    "maintenance_intervals",
    "component_baselines",
    "audit_log",
];

/// Partial indexes that contain only open rows.
const OPEN_ROWS_INDEXES: [&str; 4] =
    ["incidents_open", "incident_status_intervals_open", "maintenances_planned", "maintenance_intervals_open"];

/// Both tests share one log subscriber, so they run one at a time.
static TEST_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn sqlite_queries_use_indexes() {
    let _turn = TEST_LOCK.lock().await;
    let test = TestDb::sqlite().await;
    insert_history(&test).await;
    test.close().await;
    let path = test.url.trim_start_matches("sqlite://");
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(true);
    let pool = || SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let db = Db::Sqlite { path: path.into(), writer: pool(), readers: pool(), opened: Default::default() };
    let seen = collect_statements();
    seen.lock().unwrap().clear();
    run_all_queries(&db).await;
    let statements: Vec<String> = seen.lock().unwrap().drain(..).filter(|sql| has_a_plan(sql)).collect();
    assert!(statements.len() > 30, "{statements:#?}");
    let Db::Sqlite { readers, writer, .. } = &db else { unreachable!() };
    // Statistics of a typical page: `analyze` has run, and few rows are open.
    sqlx::raw_sql("analyze").execute(writer).await.unwrap();
    for sql in statements {
        let explain = AssertSqlSafe(format!("explain query plan {sql}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(readers).await.unwrap();
        for (_, _, _, step) in plan {
            assert!(!is_scan(&step), "{step}\n{sql}");
        }
    }
}

/// Whether a step of a SQLite plan scans a growing table, or all index rows of one component.
fn is_scan(step: &str) -> bool {
    if step.starts_with("SEARCH incident_index") && step.ends_with("(component_id=?)") {
        return true;
    }
    let Some(scanned) = step.strip_prefix("SCAN ") else { return false };
    let table = scanned.split(' ').next().unwrap_or_default();
    // Some queries alias their tables with one letter.
    let grows = GROWING.contains(&table) || table.len() == 1 && table != "c";
    grows && !OPEN_ROWS_INDEXES.iter().any(|index| scanned.ends_with(index))
}

fn has_a_plan(sql: &str) -> bool {
    ["select", "insert", "update", "delete"].iter().any(|verb| sql.trim_start().starts_with(verb))
}

#[tokio::test]
async fn postgres_queries_use_indexes() {
    let _turn = TEST_LOCK.lock().await;
    let Some(test) = TestDb::postgres().await else { return };
    insert_history(&test).await;
    test.close().await;
    let mut connection = PgConnection::connect(&test.url).await.unwrap();
    sqlx::raw_sql("vacuum analyze").execute(&mut connection).await.unwrap();
    let before = scan_counts(&mut connection).await;
    // PostgreSQL prefers a scan of so few rows; without sequential scans it only scans if no index fits.
    let db = Db::at(&format!("{}&options[enable_seqscan]=off", test.url)).unwrap();
    run_all_queries(&db).await;
    db.close().await;
    assert_eq!(scan_counts(&mut connection).await, before);
    connection.close().await.unwrap();
}

/// Sequential scans of each growing table. Waits until all other connections are closed, because each reports
/// its last counts when it ends.
async fn scan_counts(connection: &mut PgConnection) -> BTreeMap<String, i64> {
    let others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let gone = async {
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *connection).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the connections end");
    let counts = "select relname::text, seq_scan from pg_stat_user_tables";
    let counts: Vec<(String, i64)> = sqlx::query_as(counts).fetch_all(connection).await.unwrap();
    counts.into_iter().filter(|(table, _)| GROWING.contains(&table.as_str())).collect()
}

async fn insert_history(test: &TestDb) {
    let all: Vec<Incident> = (1..=INCIDENTS).map(past_incident).collect();
    test.insert(&all).await;
    test.insert(&[fixtures::incident("open", now() - TimeDelta::hours(1))]).await;
    let mut tx = test.write().await.unwrap();
    for number in 1..=MAINTENANCES {
        maintenances::insert(&mut tx, &completed_maintenance(number)).await.unwrap();
    }
    for (id, in_hours) in [("under-way", 0), ("to-come", 48)] {
        maintenances::insert(&mut tx, &planned_maintenance(id, in_hours)).await.unwrap();
    }
    let mut component = components::create(&mut tx, fixtures::component("API"), now()).await.unwrap();
    components::delete(&mut tx, &component.id).await.unwrap();
    component.id = ComponentId::parse("api").unwrap();
    component.start_date = Some((now() - TimeDelta::days(600)).date_naive());
    components::insert(&mut tx, &component).await.unwrap();
    for number in 0..200 {
        component.status = [Status::DegradedPerformance, Status::Operational][number % 2];
        components::update(&mut tx, &mut component, now() + TimeDelta::seconds(number as i64)).await.unwrap();
    }
    let entries = vec![fixtures::entry(); 1_000];
    tx.commit_all(&fixtures::actor(), test.clock.now(), &entries).await.unwrap();
}

fn completed_maintenance(number: i64) -> Maintenance {
    let mut maintenance = planned_maintenance(&format!("work{number}"), -24 * number);
    let end = maintenance.scheduled_for + TimeDelta::hours(1);
    let step = |name: &str| UpdateId::parse(&format!("work{number}-{name}")).unwrap();
    maintenance.begin(step("begin"), maintenance.scheduled_for).unwrap();
    maintenance.complete(step("end"), end).unwrap();
    maintenance
}

fn planned_maintenance(id: &str, in_hours: i64) -> Maintenance {
    let from = now() + TimeDelta::hours(in_hours);
    fixtures::maintenance(id, from, from + TimeDelta::hours(2), &["api"])
}

fn past_incident(number: i64) -> Incident {
    let (id, start) = (format!("past{number}"), now() - TimeDelta::days(number));
    let mut incident = fixtures::resolved(&id, start, TimeDelta::hours(1));
    let component = if number % 100 == 0 { "rare" } else { "api" };
    let status = if number % 50 == 0 { Status::MajorOutage } else { Status::PartialOutage };
    incident.updates[0] = fixtures::update(&format!("{id}-1"), start, Phase::Investigating, &[(component, status)]);
    incident.recompute();
    incident
}

async fn run_all_queries(db: &Db) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(now());
    let publisher = Publisher::new(db.clone(), clock, "http://status.test".into(), folder.path().join("site"));
    publisher.publish().await.unwrap();
    publisher.follow().await.unwrap();
    for page in deep_pages() {
        publisher.on_demand(page.clone()).await.unwrap_or_else(|error| panic!("{page:?}: {error}"));
    }
    let mut tx = db.read().await.unwrap();
    status_intervals::list_since(&mut tx, now() - TimeDelta::days(90)).await.unwrap();
    audit::list(&mut tx, None, 50).await.unwrap();
    admin_incidents::exists(&mut tx, &id("past7")).await.unwrap();
    admin_incidents::find_incident_of_update(&mut tx, &UpdateId::parse("past7-1").unwrap()).await.unwrap();
    admin_incidents::find_by_feed_id(&mut tx, "tag:status.test,2005:Incident/1").await.unwrap();
    let mut incident = admin_incidents::find(&mut tx, &id("past7")).await.unwrap();
    admin_incidents::list_open(&mut tx, None, 100).await.unwrap();
    admin_incidents::list(&mut tx, None, 50).await.unwrap();
    admin_incidents::list_due_embargoes(&mut tx, now()).await.unwrap();
    let mut work = maintenances::find(&mut tx, &maintenance_id("work7")).await.unwrap();
    maintenances::find_maintenance_of_update(&mut tx, &UpdateId::parse("work7-1").unwrap()).await.unwrap();
    let behind = Cursor { started_at: work.scheduled_for, id: id("work7") };
    maintenances::list(&mut tx, None, 50).await.unwrap();
    maintenances::list(&mut tx, Some(&behind), 50).await.unwrap();
    drop(tx);
    let mut tx = db.write().await.unwrap();
    incidents::update(&mut tx, &mut incident, now()).await.unwrap();
    incidents::delete(&mut tx, &id("past8")).await.unwrap();
    incidents::insert(&mut tx, &past_incident(8)).await.unwrap();
    maintenances::update(&mut tx, &mut work, now()).await.unwrap();
    maintenances::delete(&mut tx, &maintenance_id("work8")).await.unwrap();
    maintenances::insert(&mut tx, &completed_maintenance(8)).await.unwrap();
    tx.commit(&fixtures::actor(), now(), fixtures::entry()).await.unwrap();
}

fn deep_pages() -> Vec<OnDemandPage> {
    let old = now() - TimeDelta::days(500);
    let cursor = || Some(Cursor { started_at: old, id: id("past500") });
    let month = Month { year: old.year(), month: old.month() };
    let filtered = |change: fn(&mut HistoryFilter), cursor| {
        let mut filter = HistoryFilter::default();
        change(&mut filter);
        OnDemandPage::Filtered(filter, cursor)
    };
    vec![
        OnDemandPage::Incident(id("past500")),
        OnDemandPage::Incident(id("work200")),
        OnDemandPage::Json(id("past500"), JsonShape::Api),
        OnDemandPage::Json(id("work200"), JsonShape::Flat),
        OnDemandPage::CalendarEvent(maintenance_id("work200")),
        OnDemandPage::Quarter(1),
        OnDemandPage::Quarter(5),
        OnDemandPage::Showcase(vec![ComponentId::parse("api").unwrap()]),
        OnDemandPage::Month(month, None),
        OnDemandPage::Month(month, cursor()),
        OnDemandPage::Picture(id("past500")),
        OnDemandPage::Picture(id("work200")),
        OnDemandPage::Uptime(UptimeView::default()),
        OnDemandPage::Uptime(UptimeView { until: None, detail: ComponentId::parse("api").map(|id| (id, month)) }),
        OnDemandPage::UptimeCsv,
        filtered(|_| {}, cursor()),
        filtered(|filter| filter.component = ComponentId::parse("api"), None),
        filtered(|filter| filter.component = ComponentId::parse("rare"), cursor()),
        filtered(|filter| filter.impact = Some(Impact::Critical), None),
        filtered(|filter| filter.impact = Some(Impact::Major), cursor()),
        filtered(|filter| filter.range = HistoryRange::LastYear, None),
        filtered(|filter| filter.text = Some("past12".into()), None),
        filtered(
            |filter| {
                filter.component = ComponentId::parse("api");
                filter.impact = Some(Impact::Critical);
                filter.text = Some("past".into());
                filter.range = HistoryRange::LastTwoYears;
            },
            cursor(),
        ),
    ]
}

fn maintenance_id(text: &str) -> MaintenanceId {
    MaintenanceId::parse(text).unwrap()
}

fn id(text: &str) -> IncidentId {
    IncidentId::parse(text).unwrap()
}

/// Collects every statement from now on from sqlx's log events.
fn collect_statements() -> &'static Mutex<Vec<String>> {
    static SEEN: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    let seen = SEEN.get_or_init(Mutex::default);
    tracing_subscriber::registry().with(Statements(seen)).init();
    seen
}

struct Statements(&'static Mutex<Vec<String>>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut statement = Statement::default();
            event.record(&mut statement);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(statement.into_text());
        }
    }
}

/// sqlx logs a short statement in its summary field, and a long one in a field of its own.
#[derive(Default)]
struct Statement {
    summary: String,
    text: String,
}

impl Statement {
    fn into_text(self) -> String {
        if self.text.is_empty() { self.summary } else { self.text }
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.trim().to_owned(),
            "db.statement" => self.text = value.trim().to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
