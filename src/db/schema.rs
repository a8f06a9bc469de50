//! The tables, views and migrations of the schema, and the schema versions that this program supports.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;

use super::{Result, Tx};

pub const TABLES: [&str; 54] = [
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

pub(super) static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator!("sqlite", (1, "schema")));

/// sqlx's migration lock belongs to a session, which a pooler shares between clients; our migration transaction takes a
/// lock instead.
pub(super) static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = migrator!("postgres", (1, "schema"));
    migrations.set_locking(false);
    migrations
});

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("{PRE_RELEASE}")]
    PreRelease,
    /// A newer version or another application made the schema.
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

pub(super) fn is_newest(version: i64) -> bool {
    SQLITE.iter().map(|migration| migration.version).max() == Some(version)
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

pub(super) async fn refuse_postgres_pre_release(connection: &mut PgConnection) -> Result<()> {
    let known = "select count(*) from pg_class where oid = to_regclass('_sqlx_migrations')";
    // Not prepared: behind a pooler, the session may already have a statement of this name.
    let (known,): (i64,) = sqlx::query_as(known).persistent(false).fetch_one(&mut *connection).await?;
    if known == 0 {
        return Ok(());
    }
    let query = sqlx::query_as(OTHER_FIRST_MIGRATION).bind(first_checksum(&POSTGRES)).persistent(false);
    refuse_other_migrations(query.fetch_one(connection).await?)
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
