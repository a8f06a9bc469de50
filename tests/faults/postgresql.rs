//! PostgreSQL that is missing, locked, read-only or recreated, and readers who disconnect.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::postgres::Database;
use crate::server::Server;

/// A server on its own database with the sample page and an owner. Fails if there is no PostgreSQL.
fn postgres_server() -> (Database, Server) {
    let database = block_on(Database::migrated()).expect("PostgreSQL");
    let server = Server::postgres(&database.url);
    (database, server)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn sql(url: &str, statements: &[String]) {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        for statement in statements {
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))).await.expect(statement);
        }
        connection.close().await.expect("the connection ends");
    });
}

fn database_name(url: &str) -> String {
    let url: url::Url = url.parse().expect("an address");
    url.path().trim_start_matches('/').to_owned()
}

fn with_database(url: &str, name: &str) -> String {
    let mut url: url::Url = url.parse().expect("an address");
    url.set_path(name);
    url.into()
}

/// Publishes once and stops, so that a Site file exists.
fn publish_once(server: &mut Server) {
    server.start();
    server.wait_until_ready_is(200);
    assert_eq!(server.log_in().post_incident("Published before").status, 303);
    server.stop();
}

#[test]
fn start_waits_for_a_missing_database_or_role() {
    let (database, mut server) = postgres_server();
    publish_once(&mut server);
    let missing = with_database(&database.url, "no_such_database");
    let mut stranger: url::Url = database.url.parse().expect("an address");
    stranger.set_username("no_such_role").expect("a name");
    for url in [missing, stranger.into()] {
        server.env.insert("CANDOR_DATABASE_URL".into(), url);
        server.start();
        std::thread::sleep(Duration::from_millis(1500));
        assert!(server.exit_status().is_none(), "{}", server.log());
        assert_eq!((server.get("/").status, server.get("/readyz").status), (200, 503));
        server.stop();
    }
    server.env.insert("CANDOR_DATABASE_URL".into(), database.url.clone());
    server.start();
    server.wait_until_ready_is(200);
}

#[test]
fn start_waits_while_another_node_holds_the_write_lock() {
    let (database, mut server) = postgres_server();
    publish_once(&mut server);
    let url = database.url.clone();
    let (locked, release) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let holder = std::thread::spawn(move || {
        block_on(async {
            let mut connection = PgConnection::connect(&url).await.expect("a connection");
            connection.execute("select pg_advisory_lock(1128353860)").await.expect("the lock");
            locked.0.send(()).expect("the test waits");
            release.1.recv().expect("the test releases");
            connection.close().await.expect("the connection ends");
        });
    });
    locked.1.recv().expect("the lock is held");
    server.start();
    // Longer than the lock timeout of 5 s.
    std::thread::sleep(Duration::from_secs(7));
    assert!(server.exit_status().is_none(), "{}", server.log());
    assert_eq!(server.get("/").status, 200);
    release.0.send(()).expect("the holder waits");
    holder.join().expect("the holder");
    server.wait_until_ready_is(200);
    assert_eq!(server.log_in().post_incident("After the lock").status, 303);
}

#[test]
fn a_recreated_database_does_not_empty_the_page() {
    let (database, mut server) = postgres_server();
    publish_once(&mut server);
    let page = {
        server.start();
        server.wait_until_ready_is(200);
        let page = server.get("/").body.len();
        server.stop();
        page
    };
    let (name, admin) = (database_name(&database.url), with_database(&database.url, "postgres"));
    sql(&admin, &[format!("drop database {name} with (force)"), format!("create database {name}")]);
    server.start();
    std::thread::sleep(Duration::from_secs(2));
    let shown = server.get("/");
    assert_eq!((shown.status, server.get("/readyz").status), (200, 503));
    assert!(shown.body.len() + 2000 > page, "{} bytes instead of {page}", shown.body.len());
}

#[test]
fn read_only_database_is_soon_not_ready_and_recovers() {
    let (database, mut server) = postgres_server();
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    let (name, admin) = (database_name(&database.url), with_database(&database.url, "postgres"));
    let cut = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    sql(&admin, &[format!("alter database {name} set default_transaction_read_only = on"), cut.clone()]);
    server.wait_until_ready_is(503);
    assert_eq!(owner.post_incident("While read-only").status, 503);
    sql(&admin, &[format!("alter database {name} reset default_transaction_read_only"), cut]);
    server.wait_until_ready_is(200);
    assert_eq!(owner.post_incident("After").status, 303);
}

#[test]
fn disconnecting_readers_do_not_break_writes() {
    let (_database, mut server) = postgres_server();
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    let address = server.address;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let hanging_up = std::thread::spawn(move || {
        let mut number = 0_u64;
        while stopped.try_recv().is_err() {
            let mut stream = TcpStream::connect(address).expect("a connection");
            let _ = write!(stream, "GET /history?q=term{number} HTTP/1.1\r\nhost: {address}\r\n\r\n");
            std::thread::sleep(Duration::from_millis(number % 13));
            number += 1;
        }
    });
    let answers: Vec<u16> = (0..40).map(|number| owner.post_incident(&format!("Post {number}")).status).collect();
    stop.send(()).expect("the thread waits");
    hanging_up.join().expect("the thread");
    assert!(answers.iter().all(|status| *status == 303), "{answers:?}");
    assert!(!server.log().contains("already a transaction in progress"));
}

/// Returns after a session of the database has waited longer than its default `statement_timeout` of 1 s.
fn hold_writers_lock_until_a_writer_waits_a_second(admin: &str, database: &str, is_held: &Sender<()>) {
    block_on(async {
        let mut holder = PgConnection::connect(&with_database(admin, database)).await.expect("a connection");
        holder.execute("set statement_timeout = 0; select pg_advisory_lock(1128353860)").await.expect("the lock");
        is_held.send(()).expect("the test waits");
        let begun = Instant::now();
        loop {
            let waits: bool = sqlx::query_scalar(
                "select exists (select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'
                     and clock_timestamp() - query_start > '1100 ms')",
            )
            .bind(database)
            .fetch_one(&mut holder)
            .await
            .expect("the waiting sessions");
            if waits {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no session waits");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        holder.close().await.expect("the connection ends");
    });
}

#[test]
fn defaults_of_the_database_change_nothing() {
    let (database, mut server) = postgres_server();
    let (name, admin) = (database_name(&database.url), with_database(&database.url, "postgres"));
    let settings = [
        "default_transaction_isolation = 'serializable'",
        "standard_conforming_strings = off",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German'",
        "intervalstyle = 'sql_standard'",
        "statement_timeout = '1s'",
    ];
    sql(&admin, &settings.map(|setting| format!("alter database {name} set {setting}")));
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    let (is_held, held) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || hold_writers_lock_until_a_writer_waits_a_second(&admin, &name, &is_held));
    held.recv().expect("the lock");
    assert_eq!(owner.post_incident("After a second of waiting").status, 303);
    holder.join().expect("the lock is released");
    let answers: Vec<u16> = (0..6).map(|number| owner.post_incident(&format!("Post {number}")).status).collect();
    assert_eq!(answers, [303; 6]);
}
