//! Applies every migration to existing data, on both databases.
//!
//! `tests/migrations/VERSION.sql` contains rows that a program of that version may have written. Add such a file with
//! each migration, so that the next one is applied to its data.

#[path = "it/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candor::db::{Db, FOREIGN_KEYS, TABLES};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use support::postgres::Database;
use support::{TestDb, now};

#[tokio::test]
async fn sqlite_migrations_run_over_data() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("candor.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    run_over_data("sqlite", &mut connection).await;
    for table in TABLES {
        let sql = AssertSqlSafe(format!("select count(*) from {table}"));
        let (rows,): (i64,) = sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap();
        assert!(rows > 0, "{table}");
    }
    let seen: Vec<(String,)> = sqlx::query_as(PUBLIC_TITLES).fetch_all(&mut connection).await.unwrap();
    assert_eq!(seen, [("Tiles fail".to_owned(),)]);
    let broken: Vec<(String,)> =
        sqlx::query_as("select \"table\" from pragma_foreign_key_check").fetch_all(&mut connection).await.unwrap();
    assert_eq!(broken, []);
}

#[tokio::test]
async fn postgres_migrations_run_over_data() {
    let Some(database) = Database::empty().await else { return };
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    run_over_data("postgres", &mut connection).await;
    for table in TABLES {
        let sql = AssertSqlSafe(format!("select count(*) from {table}"));
        let (rows,): (i64,) = sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap();
        assert!(rows > 0, "{table}");
    }
    let seen: Vec<(String,)> = sqlx::query_as(PUBLIC_TITLES).fetch_all(&mut connection).await.unwrap();
    assert_eq!(seen, [("Tiles fail".to_owned(),)]);
    connection.close().await.unwrap();
}

const PUBLIC_TITLES: &str = "select title from public_incidents";

/// Applies the migrations one by one and inserts each version's rows before the next.
async fn run_over_data<C>(database: &str, connection: &mut C)
where
    C: Migrate,
    for<'c> &'c mut C: sqlx::Executor<'c>,
{
    let migrator = Migrator::new(migrations(database)).await.unwrap();
    connection.ensure_migrations_table("_sqlx_migrations").await.unwrap();
    for migration in migrator.iter() {
        connection.apply("_sqlx_migrations", migration).await.unwrap();
        let file = data().join(format!("{:04}.sql", migration.version));
        let sql = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // PostgreSQL has its own way to write bytes.
        let sql = if database == "postgres" { sql.replace(" x'", " '\\x") } else { sql };
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    }
}

#[test]
fn both_databases_have_the_same_migrations_with_data() {
    let names = |folder: PathBuf| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let versions =
        |names: &BTreeSet<String>| -> BTreeSet<String> { names.iter().map(|name| name[..4].into()).collect() };
    let sqlite = names(migrations("sqlite"));
    assert_eq!(sqlite, names(migrations("postgres")));
    assert_eq!(versions(&names(data())), versions(&sqlite));
}

/// Columns by table, from the database's own catalogue, without sqlx's table.
type Tables = BTreeMap<String, BTreeSet<(String, bool)>>;

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(postgres) = TestDb::postgres().await else { return };
    let sqlite = TestDb::sqlite().await;
    assert_eq!(sqlite_tables(&sqlite.db).await, postgres_tables(&postgres.db).await);
}

#[tokio::test]
async fn examination_knows_all_tables_and_foreign_keys() {
    let sqlite = sqlite_tables(&TestDb::sqlite().await.db).await;
    assert!(sqlite.keys().eq(TABLES.iter()), "{:?}", sqlite.keys());
    let Some(postgres) = TestDb::postgres().await else { return };
    let Db::Postgres(pool, _) = &postgres.db else { panic!("not PostgreSQL") };
    let sql = "select count(*) from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace";
    let (keys,): (i64,) = sqlx::query_as(sql).fetch_one(pool).await.unwrap();
    assert_eq!(keys, FOREIGN_KEYS);
}

async fn sqlite_tables(db: &Db) -> Tables {
    let Db::Sqlite { readers, .. } = db else { panic!("not SQLite") };
    // SQLite marks primary key columns with pk instead of "not null".
    let sql = "select m.name, c.name, c.\"notnull\" = 0 and c.pk = 0
               from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'";
    let rows: Vec<(String, String, bool)> = sqlx::query_as(sql).fetch_all(readers).await.unwrap();
    collect(rows)
}

async fn postgres_tables(db: &Db) -> Tables {
    let Db::Postgres(pool, _) = db else { panic!("not PostgreSQL") };
    let sql = "select c.table_name::text, c.column_name::text, c.is_nullable = 'YES'
               from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
               where c.table_schema = 'public' and t.table_type = 'BASE TABLE'";
    let rows: Vec<(String, String, bool)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
    collect(rows)
}

fn collect(rows: Vec<(String, String, bool)>) -> Tables {
    let mut tables = Tables::new();
    for (table, column, empty) in rows {
        tables.entry(table).or_default().insert((column, empty));
    }
    tables.retain(|table, _| !table.starts_with("sqlite_") && table != "_sqlx_migrations");
    assert!(tables.len() > 10, "{tables:?}");
    tables
}

#[tokio::test]
async fn database_with_data_is_copied_before_migration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("candor.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    // A database with no migration applied yet.
    connection.ensure_migrations_table("_sqlx_migrations").await.unwrap();
    connection.close().await.unwrap();
    let db = Db::at(&format!("sqlite://{}", file.display())).unwrap();
    db.prepare(now()).await.unwrap();
    db.prepare(now()).await.unwrap();
    db.close().await;
    assert!(folder.path().join("candor.db.before-0").exists());
}

fn migrations(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database)
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrations")
}
