//! Backups are complete, restoring works while the server runs and after a crash, and an unrelated database never
//! replaces a published page.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use candor::db::{Db, Examination, audit, components, page_settings};
use candor::domain::Role::Owner;
use candor::publish::{Publisher, Site};
use candor::server::connection_limits::ConnectionLimits;
use candor::worker::{Worker, probe_if_due, run_worker};
use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::support::app::{Browser, ORIGIN, TestApp};
use crate::support::postgres::Database;
use crate::support::server::{Server, until};
use crate::support::{TestDb, fixtures, now};
use crate::web_hostile::listen;

fn database_file(test: &TestDb) -> PathBuf {
    test.url.strip_prefix("sqlite://").unwrap().into()
}

fn sibling_path(file: &Path, ending: &str) -> PathBuf {
    format!("{}{ending}", file.display()).into()
}

fn open_database(file: &Path) -> Db {
    Db::at(&format!("sqlite://{}", file.display())).unwrap()
}

/// A server that published an incident, and a backup made at that time.
async fn with_backup() -> (TestApp, PathBuf) {
    let app = TestApp::new(TestDb::sqlite().await).await;
    app.add(&[fixtures::incident("before", app.clock.now())]).await;
    let backup = sibling_path(&database_file(&app.test), ".backup");
    app.db.backup(&backup).await.unwrap();
    (app, backup)
}

async fn add_incidents(app: &TestApp) {
    for name in ["one", "two", "three"] {
        app.add(&[fixtures::incident(name, app.clock.now())]).await;
    }
}

async fn post_group(owner: &mut Browser, name: &str) -> StatusCode {
    owner.post("/admin/groups", &[("name", name), ("description", "")]).await.status
}

/// Runs worker rounds until the restored database is read.
async fn wait_until_reopened(app: &TestApp, work: &mut Worker) {
    let begun = Instant::now();
    work.tick(app).await;
    while app.publisher.last_failure().is_some() && begun.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        work.tick(app).await;
    }
    assert_eq!(app.publisher.last_failure(), None, "{:?}", app.publisher.waiting_reason());
}

/// The database is sound and contains the backup's data; revision and audit log continue.
async fn assert_restored(app: &TestApp, published: i64) {
    assert_eq!(app.db.check_integrity().await.unwrap(), Vec::<String>::new());
    assert_eq!(app.number("select count(*) from incidents").await, 1);
    assert!(app.publisher.site().revision > published);
    assert_eq!(app.visitor().get("/").await.words(".card h3"), ["Incident before"]);
    let newest = audit::list(&mut app.db.read().await.unwrap(), None, 1).await.unwrap().remove(0);
    assert_eq!(newest.action, "database.restore");
    stdout_text(&candor(&app.test, &["audit", "verify"], ""));
}

/// Overwrites the file from its start without truncating it, like `dd conv=notrunc`.
fn overwrite_without_truncating(backup: &Path, file: &Path) {
    let bytes = std::fs::read(backup).unwrap();
    let mut target = std::fs::File::options().write(true).open(file).unwrap();
    std::io::Write::write_all(&mut target, &bytes).unwrap();
}

fn count_replaced_files(file: &Path) -> usize {
    let names = std::fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains(".replaced-")).count()
}

#[tokio::test]
async fn running_server_opens_backup_without_old_wal() {
    let (app, backup) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    add_incidents(&app).await;
    let published = app.publisher.site().revision;
    std::fs::remove_file(&file).unwrap();
    work.tick(&app).await;
    std::fs::rename(&backup, &file).unwrap();
    wait_until_reopened(&app, &mut work).await;
    assert_restored(&app, published).await;
    assert_eq!(count_replaced_files(&file), 1, "the old write-ahead log is kept");
}

#[tokio::test]
async fn overwritten_file_is_detected_and_reopened() {
    let (app, backup) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    add_incidents(&app).await;
    let mut owner = app.logged_in(Owner).await;
    let published = app.publisher.site().revision;
    overwrite_without_truncating(&backup, &file);
    assert_eq!(post_group(&mut owner, "Lost").await, StatusCode::SERVICE_UNAVAILABLE);
    work.tick(&app).await;
    assert_eq!(app.publisher.waiting_reason().as_deref(), Some("the database file was overwritten while it was open"));
    wait_until_reopened(&app, &mut work).await;
    assert_restored(&app, published).await;
}

#[tokio::test]
async fn truncated_file_refuses_posts_until_it_is_restored() {
    let (app, backup) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    add_incidents(&app).await;
    let mut owner = app.logged_in(Owner).await;
    let (page, published) = (app.visitor().get("/").await.body, app.publisher.site().revision);
    for length in [20_000, 0] {
        std::fs::File::options().write(true).open(&file).unwrap().set_len(length).unwrap();
        assert_eq!(post_group(&mut owner, "Lost").await, StatusCode::SERVICE_UNAVAILABLE);
        work.tick(&app).await;
        assert!(app.publisher.last_failure().is_some() && app.visitor().get("/").await.body == page);
    }
    std::fs::copy(&backup, &file).unwrap();
    wait_until_reopened(&app, &mut work).await;
    assert_restored(&app, published).await;
}

#[tokio::test]
async fn removed_wal_refuses_posts_and_loses_none() {
    let (app, _) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    add_incidents(&app).await;
    let mut owner = app.logged_in(Owner).await;
    std::fs::remove_file(sibling_path(&file, "-wal")).unwrap();
    assert_eq!(post_group(&mut owner, "Lost").await, StatusCode::SERVICE_UNAVAILABLE);
    work.tick(&app).await;
    assert!(app.publisher.waiting_reason().unwrap().contains("write-ahead log"));
    // kill -9 from here on: accepted writes are in the file once the connections are closed.
    let copy = sibling_path(&file, ".copy");
    let begun = Instant::now();
    let left = loop {
        work.tick(&app).await;
        std::fs::copy(&file, &copy).unwrap();
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", copy.display())).await.unwrap();
        let counted = sqlx::query_as("select count(*) from incidents").fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        let (left,): (i64,) = counted.unwrap_or_default();
        if left == 4 || begun.elapsed() > Duration::from_secs(15) {
            break left;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(left, 4);
    wait_until_reopened(&app, &mut work).await;
    assert_eq!(post_group(&mut owner, "Kept").await, StatusCode::SEE_OTHER);
    assert_eq!(app.number("select count(*) from incidents").await, 4);
}

#[tokio::test]
async fn unusable_files_are_not_opened_and_page_stays_up() {
    let (app, backup) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    let (page, published) = (app.visitor().get("/").await.body, app.publisher.site().revision);
    let folder = tempfile::tempdir().unwrap();
    let other = TestApp::new(TestDb::sqlite().await).await;
    change_page_id(&other.test).await;
    other.add(&[fixtures::incident("other", other.clock.now())]).await;
    let [other_page, fresh, foreign] = ["other", "fresh", "foreign"].map(|name| folder.path().join(name));
    other.db.backup(&other_page).await.unwrap();
    TestDb::sqlite().await.db.backup(&fresh).await.unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", foreign.display())).await.unwrap();
    sqlx::query("create table notes (text)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let whole = std::fs::read(&backup).unwrap();
    let cases = [
        ("is empty", Vec::new()),
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("truncated", whole[..50].to_vec()),
        ("not an SQLite database", vec![0xa5; 8192]),
        ("another application", std::fs::read(&foreign).unwrap()),
        ("is empty", std::fs::read(&fresh).unwrap()),
        ("another page", std::fs::read(&other_page).unwrap()),
    ];
    std::fs::remove_file(&file).unwrap();
    for (reason, bytes) in cases {
        let new = sibling_path(&file, ".new");
        std::fs::write(&new, &bytes).unwrap();
        std::fs::rename(&new, &file).unwrap();
        let begun = Instant::now();
        let is_refused = || app.publisher.waiting_reason().is_some_and(|words| words.contains(reason));
        while !is_refused() && begun.elapsed() < Duration::from_secs(30) {
            work.tick(&app).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_refused(), "{reason}: {:?}", app.publisher.waiting_reason());
        probe_if_due(&app).await;
        let ready = app.visitor().get("/readyz").await;
        assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{reason}");
        assert!(ready.text().contains(reason), "{reason}: {}", ready.text());
        assert!(app.visitor().get("/").await.body == page, "{reason}");
        assert!(std::fs::read(&file).unwrap() == bytes, "{reason}: nothing is written to it");
    }
    std::fs::rename(&backup, &file).unwrap();
    wait_until_reopened(&app, &mut work).await;
    assert_eq!(app.publisher.site().revision, published, "a backup of the published state");
}

/// Copies the files of an open database, as a crash leaves them.
fn crash(from: &Path, to: &Path) {
    for ending in ["", "-wal", "-shm", ".identity"] {
        let (source, target) = (sibling_path(from, ending), sibling_path(to, ending));
        std::fs::copy(&source, &target).unwrap();
        let modified = std::fs::metadata(&source).unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
    }
}

async fn count_incidents(db: &Db) -> i64 {
    let Db::Sqlite { readers, .. } = db else { panic!("not SQLite") };
    sqlx::query_scalar("select count(*) from incidents").fetch_one(readers).await.unwrap()
}

#[tokio::test]
async fn crash_keeps_own_wal_and_drops_a_foreign_one() {
    let (app, backup) = with_backup().await;
    add_incidents(&app).await;
    let folder = tempfile::tempdir().unwrap();
    // Its own WAL: unchanged, with another timestamp as after a copy of the folder, and without the identity file.
    for case in ["as it was", "copied", "no note"] {
        let file = folder.path().join(format!("{case}.db"));
        crash(&file_of(&app), &file);
        match case {
            "copied" => std::fs::File::options().write(true).open(&file).unwrap().set_modified(now().into()).unwrap(),
            "no note" => std::fs::remove_file(sibling_path(&file, ".identity")).unwrap(),
            _ => {}
        }
        let db = open_database(&file);
        db.prepare(now()).await.unwrap();
        assert_eq!(count_incidents(&db).await, 4, "{case}");
        db.close().await;
    }
    // The WAL of another file: a backup was copied over the database.
    for with_note in [true, false] {
        let file = folder.path().join(format!("restored {with_note}.db"));
        crash(&file_of(&app), &file);
        if !with_note {
            std::fs::remove_file(sibling_path(&file, ".identity")).unwrap();
        }
        std::fs::copy(&backup, &file).unwrap();
        let db = open_database(&file);
        db.protect_from_old_wal(now()).await.unwrap();
        db.prepare(now()).await.unwrap();
        assert_eq!(db.check_integrity().await.unwrap(), Vec::<String>::new());
        if with_note {
            assert_eq!(count_incidents(&db).await, 1);
            assert!(
                !sibling_path(&file, "-wal").exists()
                    || std::fs::metadata(sibling_path(&file, "-wal")).unwrap().len() < 100_000
            );
        }
        db.close().await;
    }
}

fn file_of(app: &TestApp) -> PathBuf {
    database_file(&app.test)
}

#[tokio::test]
async fn restore_command_keeps_the_old_database_file() {
    let (app, backup) = with_backup().await;
    let (file, mut work) = (database_file(&app.test), Worker::default());
    add_incidents(&app).await;
    let published = app.publisher.site().revision;
    let words = stdout_text(&candor(&app.test, &["restore", backup.to_str().unwrap()], ""));
    assert!(words.contains("kept as"), "{words}");
    assert!(backup.exists(), "the backup stays");
    wait_until_reopened(&app, &mut work).await;
    assert_restored(&app, published).await;
    let replaced = std::fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let replaced = replaced.into_iter().find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.contains(".replaced-") && !name.ends_with("-wal") && !name.ends_with("-shm")
    });
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", replaced.unwrap().display())).await.unwrap();
    let (left,): (i64,) = sqlx::query_as("select count(*) from incidents").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 4);
    connection.close().await.unwrap();
}

#[tokio::test]
async fn restore_command_rejects_other_files() {
    let (app, backup) = with_backup().await;
    let folder = tempfile::tempdir().unwrap();
    let other = TestApp::new(TestDb::sqlite().await).await;
    change_page_id(&other.test).await;
    other.add(&[fixtures::incident("other", other.clock.now())]).await;
    let [half, empty, other_page] = ["half", "empty", "other"].map(|name| folder.path().join(name));
    other.db.backup(&other_page).await.unwrap();
    let whole = std::fs::read(&backup).unwrap();
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    std::fs::write(&empty, "").unwrap();
    let cases = [
        (half, "not a complete database"),
        (empty, "not a complete database"),
        (other_page, "another page"),
        (folder.path().to_owned(), "not a regular file"),
    ];
    for (file, reason) in cases {
        let words = stderr_text(&candor(&app.test, &["restore", file.to_str().unwrap()], ""), 1);
        assert!(words.contains(reason), "{reason}: {words}");
    }
    app.add(&[fixtures::incident("after", app.clock.now())]).await;
    assert_eq!(app.number("select count(*) from incidents").await, 2, "nothing was touched");
    assert_eq!(count_replaced_files(&file_of(&app)), 0);
}

#[tokio::test]
async fn backup_overwrites_no_file_and_removes_leftovers() {
    let (app, backup) = with_backup().await;
    let left = backup.parent().unwrap().join(".candor-unfinished-left");
    std::fs::write(&left, "cut short").unwrap();
    let before = std::fs::read(&backup).unwrap();
    assert!(app.db.backup(&backup).await.is_err());
    assert!(std::fs::read(&backup).unwrap() == before);
    app.db.backup(&sibling_path(&backup, ".second")).await.unwrap();
    assert!(!left.exists());
    assert!(std::fs::read(sibling_path(&backup, ".second")).unwrap() != before, "each copy has a mark of its own");
}

/// A migrated, empty database of the same kind and of another page.
async fn other_page_database(test: &TestDb) -> TestDb {
    let other = match test.db {
        Db::Sqlite { .. } => TestDb::sqlite().await,
        Db::Postgres(..) => TestDb::postgres().await.unwrap(),
    };
    change_page_id(&other).await;
    other
}

/// Gives the database another page id and first audit row: copies of one template with a fixed clock have the same.
async fn change_page_id(test: &TestDb) {
    test.clock.advance(TimeDelta::seconds(1));
    let mut tx = test.write().await.unwrap();
    page_settings::set_id(&mut tx, "another").await.unwrap();
    tx.commit_unaudited().await.unwrap();
}

#[apply(on_both_databases!)]
async fn database_of_another_page_never_replaces_the_published_one(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let page = app.visitor().get("/").await.body;
    let other = other_page_database(&app.test).await;
    let (state, browser) = app.restart_with(other.db.clone());
    let mut work = Worker::default();
    work.tick(&state).await;
    assert!(state.publisher.waiting_reason().unwrap().contains("the database is empty"));
    other.insert(&[fixtures::incident("other", now())]).await;
    work.tick(&state).await;
    assert!(state.publisher.waiting_reason().unwrap().contains("another page"));
    assert!(browser.clone().get("/").await.body == page);
    assert_eq!(browser.clone().get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let accepting = Publisher::new(other.db.clone(), app.clock.clone(), ORIGIN.to_owned(), app.site_file());
    let published = accepting.site().revision;
    let accepting = accepting.with_accept_empty(true);
    assert!(accepting.publish().await.unwrap() > published, "events and caches go forward");
}

/// The URL of a database with the migrations of another application.
async fn foreign_database(test: &TestDb, folder: &Path) -> (String, Option<Database>) {
    let (url, database) = missing_database(test, folder).await;
    let sql = "create table _sqlx_migrations (version bigint primary key, description text not null,
                 installed_on timestamp not null default current_timestamp, success boolean not null,
                 checksum BYTES not null, execution_time bigint not null);
               insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (1, 'notes', true, CHECKSUM, 1000);
               create table notes (text text);";
    if database.is_some() {
        let sql = sql.replace("BYTES", "bytea").replace("CHECKSUM", "'\\x00'");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let sql = sql.replace("BYTES", "blob").replace("CHECKSUM", "x'00'");
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    (url, database)
}

#[apply(on_both_databases!)]
async fn refused_database_is_logged_once_and_named_by_readyz(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let (page, folder, log) = (app.visitor().get("/").await.body, tempfile::tempdir().unwrap(), listen());
    let (foreign, _database) = foreign_database(&app.test, folder.path()).await;
    let other = other_page_database(&app.test).await;
    other.insert(&[fixtures::incident("other", now())]).await;
    for (db, reason) in [(Db::at(&foreign).unwrap(), "another application"), (other.db.clone(), "another page")] {
        let before = log.text().len();
        let ((state, browser), stop) = (app.restart_with(db), CancellationToken::new());
        let checks = async {
            let is_refused = || state.publisher.waiting_reason().is_some_and(|words| words.contains(reason));
            until("the database is refused", is_refused).await;
            let begun = Instant::now();
            until("the worker has tried several times", || begun.elapsed() > Duration::from_millis(1500)).await;
            let ready = browser.clone().get("/readyz").await;
            assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{reason}");
            assert!(ready.text().contains(reason), "{}", ready.text());
            assert!(browser.clone().get("/").await.body == page, "{reason}");
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(run_worker(state.clone(), stop.clone()), checks);
        ended.unwrap();
        let lines = log.text().split_off(before);
        let count = lines.lines().filter(|line| line.contains("database unavailable") && line.contains(reason)).count();
        assert_eq!(count, 1, "{lines}");
    }
}

#[apply(on_both_databases!)]
async fn older_database_continues_above_published_revision(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("one", app.clock.now())]).await;
    app.add(&[fixtures::incident("two", app.clock.now())]).await;
    let published = app.publisher.site().revision;
    let older = "update revision set number = 2; delete from audit_log where id = (select max(id) from audit_log);
                 delete from incidents where id = 'two'";
    app.tamper(older, older).await;
    Worker::default().tick(&app).await;
    assert_eq!((app.publisher.site().revision, app.publisher.last_failure()), (published + 1, None));
    assert_eq!(app.visitor().get("/").await.words(".card h3"), ["Incident one"]);
    let newest = audit::list(&mut app.db.read().await.unwrap(), None, 1).await.unwrap().remove(0);
    assert_eq!(newest.action, "database.restore");
    stdout_text(&candor(&app.test, &["audit", "verify"], ""));
}

async fn missing_database(test: &TestDb, folder: &Path) -> (String, Option<Database>) {
    match test.db {
        Db::Sqlite { .. } => (format!("sqlite://{}", folder.join("missing.db").display()), None),
        Db::Postgres(..) => {
            let database = Database::empty().await.unwrap();
            (database.url.clone(), Some(database))
        }
    }
}

#[apply(on_both_databases!)]
async fn damaged_site_file_never_starts_a_new_page(test: TestDb) {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("site"), [7; 5000]).unwrap();
    let (url, _database) = missing_database(&test, data.path()).await;
    let server = Server::start(&url, &test.clock, ConnectionLimits::default(), &data).await;
    until("it waits", || server.state.publisher.waiting_reason().is_some()).await;
    let reason = server.state.publisher.waiting_reason().unwrap();
    assert!(reason.contains("a page was published from here"), "{reason}");
    assert_eq!(server.state.publisher.site().revision, 0);
    assert!(!data.path().join("missing.db").exists());
    assert!(Site::read(&data.path().join("site")).is_err(), "the damaged one is not overwritten");
}

#[apply(on_both_databases!)]
async fn accepting_empty_starts_a_new_page(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let published = app.publisher.site().revision;
    let other = other_page_database(&app.test).await;
    let publisher = Publisher::new(other.db.clone(), app.clock.clone(), ORIGIN.to_owned(), app.site_file());
    assert!(publisher.publish().await.is_err());
    let publisher = publisher.with_accept_empty(true);
    for found in [Examination::Missing, Examination::Empty] {
        assert_eq!(publisher.check_database(&found), Ok(()));
    }
    assert!(publisher.publish().await.unwrap() > published);
    assert!(publisher.check_database(&Examination::Empty).is_err(), "once only");
}

#[apply(on_both_databases!)]
async fn complete_database_is_recognized(test: TestDb) {
    let found = test.db.examine(now()).await.unwrap();
    assert!(matches!(found, Examination::Complete(ref state) if state.revision == 1), "{found:?}");
}

/// The next server need not wait until the file has stayed unchanged for a while.
#[tokio::test]
async fn database_is_complete_once_a_command_has_closed_it() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let file = database_file(&app.test);
    app.db.close().await;
    let command = open_database(&file);
    command.prepare(now()).await.unwrap();
    let mut tx = command.write().await.unwrap();
    components::create(&mut tx, fixtures::component("API"), now()).await.unwrap();
    tx.commit(&fixtures::actor(), now(), fixtures::entry()).await.unwrap();
    command.close().await;
    let found = open_database(&file).examine(now()).await;
    assert!(matches!(found, Ok(Examination::Complete(_))), "{found:?}");
}

#[tokio::test]
async fn unusable_site_files_are_refused_at_once() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let (folder, log) = (tempfile::tempdir().unwrap(), listen());
    let path = |name: &str| folder.path().join(name);
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    std::fs::create_dir(path("folder")).unwrap();
    std::os::unix::fs::symlink(app.site_file(), path("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
    let large = std::fs::File::create(path("large")).unwrap();
    std::io::Write::write_all(&mut &large, &[7]).unwrap();
    large.set_len(6 << 30).unwrap();
    for name in ["pipe", "folder", "link", "dangling", "large"] {
        let before = log.text().len();
        let begun = Instant::now();
        let publisher = Publisher::new(app.db.clone(), app.clock.clone(), ORIGIN.to_owned(), path(name));
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?} on a busy machine", begun.elapsed());
        assert_eq!(publisher.site().revision, 0, "{name}");
        let words = log.text().split_off(before);
        assert_eq!(words.matches("the stored page can't be used").count(), 1, "{name}: {words}");
        assert!(publisher.check_database(&Examination::Missing).is_err(), "{name}");
    }
}
