//! The tables, views and migrations of the schema, and the schema versions that this program supports.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;

use super::{Outage, Result, Tx};

pub const TABLES: [&str; 57] = [
    "acme",
    "announcements",
    "api_metadata",
    "api_tokens",
    "audit_log",
    "challenges",
    "chat_messages",
    "component_baselines",
    "component_groups",
    "components",
    "deliveries",
    "draft_presence",
    "drafts",
    "idempotency_keys",
    "incident_index",
    "incident_status_intervals",
    "incident_totals",
    "incident_update_components",
    "incident_updates",
    "incidents",
    "known_browsers",
    "leases",
    "login_failures",
    "login_policy",
    "maintenance_components",
    "maintenance_intervals",
    "maintenance_series",
    "maintenance_series_components",
    "maintenance_update_components",
    "maintenance_updates",
    "maintenances",
    "managers",
    "nodes",
    "notice_components",
    "notices",
    "oidc_identities",
    "one_time_links",
    "outbox",
    "page",
    "page_imports",
    "page_links",
    "page_logos",
    "passkeys",
    "pending_forms",
    "postmortems",
    "recovery_codes",
    "revision",
    "schema_floor",
    "sender_rejections",
    "sessions",
    "subscriber_components",
    "subscribers",
    "suppressions",
    "template_components",
    "templates",
    "totp_secrets",
    "uptime_corrections",
];
pub const VIEWS: [&str; 4] =
    ["public_feed_ids", "public_incident_status_intervals", "public_incidents", "public_postmortems"];
/// `pg_restore` creates foreign keys last, so their number shows that a restore is complete.
pub const FOREIGN_KEYS: i64 = 41;

/// The migrations of a database, oldest first. `sqlx::migrate!` does the same, but compiles both database drivers a second
/// time, for the compiler.
macro_rules! migrator {
    ($folder:literal, $(($version:literal, $description:literal)),+) => {
        Migrator::with_migrations(vec![$(Migration::new(
            $version,
            $description.into(),
            MigrationType::Simple,
            include_str!(concat!("../../migrations/", $folder, "/000", $version, "_", $description, ".sql")).into_sql_str(),
            false,
        )),+])
    };
}

pub(super) static SQLITE: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = migrator!("sqlite", (1, "schema"));
    // The floor decides instead.
    migrations.set_ignore_missing(true);
    migrations
});

/// sqlx's migration lock belongs to a session, which a pooler shares between clients; our migration transaction takes a
/// lock instead.
pub(super) static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = migrator!("postgres", (1, "schema"));
    migrations.set_locking(false);
    migrations.set_ignore_missing(true);
    migrations
});

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("{PRE_RELEASE}")]
    PreRelease,
    #[error(
        "a newer version of Candor made this database (schema {version}) and needs at least a program with schema {floor}; \
         this one has schema {own}: upgrade it"
    )]
    TooOld { own: i64, version: i64, floor: i64 },
    /// Another application made the schema, or a migration was altered.
    #[error(transparent)]
    Migrate(MigrateError),
}

pub const PRE_RELEASE: &str = "this database was made by a pre-release of Candor 0.1 and is not upgraded: export it with \
    that program (candor export DIR --format statuspage), then import it into a new database (candor import statuspage \
    DIR)";

const VERSION: &str = "select coalesce(max(version), 0) from _sqlx_migrations where success";

/// Counts first migrations with another checksum: pre-releases created tables with other names.
const OTHER_FIRST_MIGRATION: &str = "select count(*) from _sqlx_migrations where version = 1 and checksum <> $1";

pub(super) async fn newest_version(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), VERSION)?.map_or(0, |(version,)| version))
}

pub(super) async fn sqlite_version(connection: &mut SqliteConnection) -> Result<i64> {
    let (version,): (i64,) = sqlx::query_as(VERSION).fetch_one(connection).await?;
    Ok(version)
}

/// The newest schema version that this program knows.
pub(super) fn own_version() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Whether a database of this version has all tables of this program. Newer versions only add some, as long as the floor
/// stays.
pub(super) fn has_own_tables(version: i64) -> bool {
    version >= own_version()
}

pub(super) async fn is_migrated(tx: &mut Tx) -> Result<bool> {
    match newest_version(tx).await {
        Ok(version) => Ok(has_own_tables(version)),
        // There is no table of migrations.
        Err(error) if Outage::from_error(&error) == Outage::Incomplete => Ok(false),
        Err(error) => Err(error),
    }
}

/// The oldest schema version whose programs may still run on the database.
const FLOOR: &str = "select version from schema_floor where id = 1";

/// Refuses a database that a newer version has made unusable for this program.
pub(super) async fn refuse_sqlite_floor(connection: &mut SqliteConnection, version: i64) -> Result<()> {
    if version <= own_version() {
        return Ok(());
    }
    let floor: Option<(i64,)> = sqlx::query_as(FLOOR).fetch_optional(connection).await.unwrap_or_default();
    check_floor(version, floor)
}

/// As [`refuse_sqlite_floor`], in the transaction of the migration.
async fn refuse_postgres_floor(connection: &mut PgConnection) -> Result<()> {
    let (version,): (i64,) = sqlx::query_as(VERSION).persistent(false).fetch_one(&mut *connection).await?;
    if version <= own_version() {
        return Ok(());
    }
    let known = "select count(*) from pg_class where oid = to_regclass('schema_floor')";
    let (known,): (i64,) = sqlx::query_as(known).persistent(false).fetch_one(&mut *connection).await?;
    let floor = match known {
        0 => None,
        _ => sqlx::query_as(FLOOR).persistent(false).fetch_optional(connection).await?,
    };
    check_floor(version, floor)
}

fn check_floor(version: i64, floor: Option<(i64,)>) -> Result<()> {
    let own = own_version();
    match floor {
        Some((floor,)) if floor <= own => {
            tracing::info!("the database has schema {version}, made by a newer version; this program knows {own}");
            Ok(())
        }
        floor => Err(SchemaError::TooOld { own, version, floor: floor.map_or(version, |(floor,)| floor) }.into()),
    }
}

/// Whether a pre-release made the database. The table `_sqlx_migrations` must exist.
pub(super) async fn is_pre_release(tx: &mut Tx) -> Result<bool> {
    let migrations = if matches!(tx, Tx::Sqlite(_)) { &*SQLITE } else { &*POSTGRES };
    Ok(row!(tx, (i64,), OTHER_FIRST_MIGRATION, first_checksum(migrations))? != Some((0,)))
}

/// Refuses a pre-release's SQLite database. The table `_sqlx_migrations` must exist.
pub(super) async fn refuse_sqlite_pre_release(connection: &mut SqliteConnection) -> Result<()> {
    let found = sqlx::query_as(OTHER_FIRST_MIGRATION).bind(first_checksum(&SQLITE)).fetch_one(connection).await?;
    refuse_other_migrations(found)
}

pub(super) async fn refuse_postgres_schema(connection: &mut PgConnection) -> Result<()> {
    let known = "select count(*) from pg_class where oid = to_regclass('_sqlx_migrations')";
    // Not prepared: behind a pooler, the session may already have a statement of this name.
    let (known,): (i64,) = sqlx::query_as(known).persistent(false).fetch_one(&mut *connection).await?;
    if known == 0 {
        return Ok(());
    }
    let query = sqlx::query_as(OTHER_FIRST_MIGRATION).bind(first_checksum(&POSTGRES)).persistent(false);
    refuse_other_migrations(query.fetch_one(&mut *connection).await?)?;
    refuse_postgres_floor(connection).await
}

fn refuse_other_migrations((others,): (i64,)) -> Result<()> {
    if others == 0 { Ok(()) } else { Err(SchemaError::PreRelease.into()) }
}

fn first_checksum(migrations: &'static Migrator) -> &'static [u8] {
    migrations.iter().find(|migration| migration.version == 1).map_or(&[], |first| &first.checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_file_is_listed() {
        for (folder, migrations) in [("sqlite", &*SQLITE), ("postgres", &*POSTGRES)] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
            let names = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            let listed = migrations.iter().map(|it| format!("{:04}_{}.sql", it.version, it.description));
            assert_eq!(names, listed.collect::<Vec<_>>());
        }
    }
}
