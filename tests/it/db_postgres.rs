//! PostgreSQL with other defaults, behind a pooler, and with every reason to reject us.

use std::process::{Child, Command, Stdio};

use candor::db::{Db, Error, components};
use candor::domain::Status;
use candor::domain::history::HistoryFilter;
use candor::worker;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::app::TestApp;
use crate::support::fixtures::{actor, component, entry, incident};
use crate::support::server::until;
use crate::support::{TestDb, now};

async fn operator_connection(test: &TestDb) -> PgConnection {
    PgConnection::connect(&test.url).await.expect("a connection")
}

async fn run(operator: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(operator).await.expect(sql);
}

fn database_name(test: &TestDb) -> String {
    let url: url::Url = test.url.parse().unwrap();
    url.path().trim_start_matches('/').to_owned()
}

/// Six concurrent writers and a search, which need settings that the database may have changed.
async fn check_writes_and_search(db: &Db) {
    let mut writers = JoinSet::new();
    for number in 0..6 {
        let db = db.clone();
        writers.spawn(async move {
            let mut tx = db.write().await.unwrap();
            let count = components::list(&mut tx).await.unwrap().len();
            components::create(&mut tx, component(&format!("Component {number}")), now()).await.unwrap();
            tx.commit(&actor(), now(), entry()).await.unwrap();
            count
        });
    }
    let mut counts = writers.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (0..6).collect::<Vec<_>>());
    let mut tx = db.read().await.unwrap();
    let search = HistoryFilter { text: Some("50% \\ off".into()), ..HistoryFilter::default() };
    candor::db::incidents::totals(&mut tx, &search, (None, None)).await.unwrap();
    let listed = components::list(&mut tx).await.unwrap();
    assert!(listed.iter().all(|component| component.status == Status::Operational));
}

#[tokio::test]
async fn defaults_of_the_database_do_not_matter() {
    let Some(test) = TestDb::postgres().await else { return };
    let (name, mut operator) = (database_name(&test), operator_connection(&test).await);
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "standard_conforming_strings = off",
        "statement_timeout = '1s'",
        "lock_timeout = '1ms'",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German, DMY'",
    ] {
        run(&mut operator, &format!("alter database {name} set {setting}")).await;
    }
    let db = Db::at(&test.url).unwrap();
    db.prepare(now()).await.unwrap();
    run(&mut operator, "select pg_advisory_lock(1128353860)").await;
    tokio::join!(check_writes_and_search(&db), async {
        while !waits_longer_than_a_second(&mut operator, &name).await {}
        run(&mut operator, "select pg_advisory_unlock(1128353860)").await;
    });
    db.close().await;
}

async fn waits_longer_than_a_second(operator: &mut PgConnection, database: &str) -> bool {
    sqlx::query_scalar(
        "select exists (select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'
             and clock_timestamp() - query_start > '1100 ms')",
    )
    .bind(database)
    .fetch_one(operator)
    .await
    .expect("the waiting sessions")
}

#[tokio::test]
async fn connection_errors_are_outages() {
    let Some(test) = TestDb::postgres().await else { return };
    let (name, mut operator) = (database_name(&test), operator_connection(&test).await);
    let role = format!("weak_{name}");
    run(&mut operator, &format!("create role {role} login")).await;
    let away = |what: &str| test.url.replace(&format!("/{name}"), &format!("/{what}"));
    let as_role = |role: &str| test.url.replace("postgres@", &format!("{role}@"));
    for url in [away("missing"), as_role("nobody_at_all"), as_role(&role)] {
        let db = Db::at(&url).unwrap();
        let refused = db.prepare(now()).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{url}: {refused:?}");
        db.close().await;
    }
    run(&mut operator, &format!("drop role {role}")).await;
}

#[tokio::test]
async fn a_read_only_database_is_unavailable_and_recovers() {
    let Some(test) = TestDb::postgres().await else { return };
    let (name, mut operator) = (database_name(&test), operator_connection(&test).await);
    run(&mut operator, &format!("alter database {name} set default_transaction_read_only = on")).await;
    let db = Db::at(&test.url).unwrap();
    assert!(matches!(db.prepare(now()).await, Err(Error::Unavailable(_))));
    let mut tx = db.write().await.unwrap();
    let refused = components::create(&mut tx, component("API"), now()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    drop(tx);
    run(&mut operator, &format!("alter database {name} reset default_transaction_read_only")).await;
    db.close().await;
    check_writes_and_search(&Db::at(&test.url).unwrap()).await;
}

/// Another session holds the writers' lock for longer than the lock timeout.
#[tokio::test]
async fn held_writers_lock_is_unavailable_and_start_waits() {
    let Some(test) = TestDb::postgres().await else { return };
    let mut operator = operator_connection(&test).await;
    run(&mut operator, "select pg_advisory_lock(1128353860)").await;
    let (written, prepared) = tokio::join!(test.write(), test.prepare(now()));
    assert!(matches!(written.map(drop), Err(Error::Unavailable(_))));
    assert!(matches!(prepared, Err(Error::Unavailable(_))));
    run(&mut operator, "select pg_advisory_unlock(1128353860)").await;
    test.prepare(now()).await.unwrap();
}

#[tokio::test]
async fn the_start_waits_for_a_missing_database() {
    let Some(test) = TestDb::postgres().await else { return };
    let (late, mut operator) = (format!("late_{}", database_name(&test)), operator_connection(&test).await);
    let url = test.url.replace(&format!("/{}", database_name(&test)), &format!("/{late}"));
    let app = TestApp::unpublished(test, "http://status.test");
    let (state, _) = app.restart_with(Db::at(&url).unwrap());
    let stop = CancellationToken::new();
    let becomes_available = async {
        until("the worker waits", || state.publisher.last_failure().is_some()).await;
        run(&mut operator, &format!("create database {late}")).await;
        until("the page is published", || state.publisher.site().revision > 0).await;
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(worker::run_worker(state.clone(), stop.clone()), becomes_available);
    worked.unwrap();
    state.db.close().await;
    run(&mut operator, &format!("drop database {late} with (force)")).await;
}

/// PgBouncer in transaction mode, with two sessions for all clients; stopped when dropped.
struct Pooler {
    child: Child,
    folder: TempDir,
}

impl Pooler {
    /// None, with a message, if this machine has no PgBouncer.
    fn start(server: &str) -> Option<Self> {
        let url: url::Url = server.parse().unwrap();
        let (_, host) = url.query_pairs().find(|(name, _)| name == "host")?;
        let folder = tempfile::Builder::new().prefix("candor-pooler-").tempdir().unwrap();
        let home = folder.path().display();
        let settings = format!(
            "[databases]\n* = host={host} user=postgres\n[pgbouncer]\nlisten_addr =\nlisten_port = 5432\n\
             unix_socket_dir = {home}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n\
             logfile = {home}/log\n"
        );
        std::fs::write(folder.path().join("pooler.ini"), settings).unwrap();
        let script = "chmod 755 \"$1\"; if [ \"$(id -u)\" = 0 ]; then chown -R postgres \"$1\"; \
                      exec setpriv --reuid postgres --clear-groups pgbouncer -q \"$1/pooler.ini\"; fi; \
                      exec pgbouncer -q \"$1/pooler.ini\"";
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let found = Command::new("sh").args(["-c", "command -v pgbouncer"]).env("PATH", &path).output().unwrap();
        if !found.status.success() {
            crate::support::skipped("no PgBouncer");
            return None;
        }
        let mut command = Command::new("sh");
        command.args(["-c", script, "pooler"]).arg(folder.path()).env("PATH", &path).stderr(Stdio::null());
        Some(Self { child: command.spawn().unwrap(), folder })
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/{database}?host={socket}")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_works() {
    let Some(test) = TestDb::postgres().await else { return };
    let Some(pooler) = Pooler::start(&test.url) else { return };
    let url = pooler.url(&database_name(&test));
    until("the pooler listens", || pooler.folder.path().join(".s.PGSQL.5432").exists()).await;
    // Two clients of the pooler that prepare statements with the same names.
    let (first, second) = (Db::at(&url).unwrap(), Db::at(&url).unwrap());
    first.prepare(now()).await.unwrap();
    second.prepare(now()).await.unwrap();
    check_writes_and_search(&first).await;
    for db in [&first, &second] {
        let mut tx = db.write().await.unwrap();
        let other = format!("incident-{}", candor::format::hex(&candor::credentials::random_bytes::<4>()));
        candor::db::incidents::insert(&mut tx, &incident(&other, now())).await.unwrap();
        tx.commit(&actor(), now(), entry()).await.unwrap();
        let (one, two) = (db.read().await.unwrap(), db.read().await.unwrap());
        for mut tx in [one, two] {
            assert_eq!(components::list(&mut tx).await.unwrap().len(), 6);
        }
    }
    first.close().await;
    second.close().await;
}
