//! A database of a Candor 0.1 pre-release is rejected with instructions for moving it, and stays unchanged.

use std::time::{Duration, Instant};

use candor::db::{Db, Error, Examination, PRE_RELEASE};
use sqlx::Connection as _;
use sqlx::{PgConnection, SqliteConnection};

use crate::cli::{candor, stderr_text};
use crate::support::postgres::Database;
use crate::support::{TestDb, now};

/// The pre-releases' table names, by which a database is recognized.
const TABLES: &str = "
    create table page (id text primary key, name text not null);
    create table revision (id bigint primary key, number bigint not null);
    create table audit (id bigint primary key, action text not null);
    create table incidents (id text primary key, title text not null);
    insert into page values ('page', 'Tidewater Maps');
    insert into revision values (1, 7);";

const FIRST: &str = "
    create table _sqlx_migrations (version bigint primary key, description text not null,
      installed_on timestamp not null default current_timestamp, success boolean not null, checksum BYTES not null,
      execution_time bigint not null);
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
      values (1, 'start', true, CHECKSUM, 1000);";

const LATER: &str = "
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
      values (2, 'indexes', true, CHECKSUM, 1000), (18, 'pending email', true, CHECKSUM, 1000);";

#[apply(on_both_databases!)]
async fn pre_release_database_is_rejected_with_instructions(test: TestDb) {
    let is_sqlite = matches!(test.db, Db::Sqlite { .. });
    for migrations in [FIRST.to_owned(), format!("{FIRST}{LATER}")] {
        let sql = format!("{TABLES}{migrations}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("candor.db");
        let (url, _database) = if is_sqlite {
            let url = format!("sqlite://{}", file.display());
            let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
            let sql = sql.replace("BYTES", "blob").replace("CHECKSUM", "x'00'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            (url, None)
        } else {
            let database = Database::empty().await.unwrap();
            let mut connection = PgConnection::connect(&database.url).await.unwrap();
            let sql = sql.replace("BYTES", "bytea").replace("CHECKSUM", "'\\x00'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            (database.url.clone(), Some(database))
        };
        let old = TestDb::at(url);
        assert_eq!(examine(&old.url).await, Examination::PreRelease);
        let data = folder.path().join("data");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
        for command in [&["check"][..], &["audit", "verify"], &["incident", "list"], &["sample"], &serve] {
            let words = stderr_text(&candor(&old, command, ""), 1);
            let last = words.lines().last().unwrap_or_default();
            assert!(last.ends_with(PRE_RELEASE), "{command:?}: {words}");
            assert_eq!(words.matches("is not upgraded").count(), 1, "{command:?}: {words}");
        }
        assert_eq!(examine(&old.url).await, Examination::PreRelease, "it stays as it is");
        if is_sqlite {
            assert!(
                !folder.path().join("candor.db.before-1").exists()
                    && !folder.path().join("candor.db.before-18").exists()
            );
            let words = stderr_text(&candor(&test, &["restore", file.to_str().unwrap()], ""), 1);
            assert!(words.contains(PRE_RELEASE), "{words}");
        }
    }
}

/// Examines `url` once a new file counts as written.
async fn examine(url: &str) -> Examination {
    let db = Db::at(url).unwrap();
    let begun = Instant::now();
    let found = loop {
        match db.examine(now()).await {
            Err(Error::Unavailable(_)) if begun.elapsed() < Duration::from_secs(30) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            found => break found.unwrap(),
        }
    };
    db.close().await;
    found
}
