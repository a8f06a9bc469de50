//! Opens, configures and migrates the database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::backup::copy_before_upgrade;
use super::connection::Opening;
use super::deadlines::ACQUIRE_TIMEOUT;
use super::disk_file::{create, read_mark};
use super::examine::{lock_sidecar, set_foreign_wal_aside};
use super::link::Link;
use super::postgres;
use super::schema::{self, SQLITE};
use super::sidecar::{self, Sidecar};
use super::sqlite_file::Opened;
use super::tx::{DeliveryTx, Tx, WriteTx};
use super::{Error, Result, audit_chain, connection, page_settings, random_mark};

/// How long SQLite waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
/// After this time, a reading connection is replaced when it is needed again. The pool takes the connection that waited
/// longest, so all that once were open would stay in use, each with its own cache, schema and statements: about 1 MB.
const READER_LIFETIME: Duration = Duration::from_secs(60);

/// How many writers of this process may hold a PostgreSQL connection while they wait for the lock. The others wait
/// without a connection, so that readers still get one.
const WAITING_WRITERS: usize = 4;
static WRITERS: Semaphore = Semaphore::const_new(WAITING_WRITERS);

/// A lazily opened database: creating it never fails because the database is down.
#[derive(Clone, Debug)]
pub enum Db {
    /// One connection writes, the others only read.
    Sqlite {
        path: PathBuf,
        writer: SqlitePool,
        readers: SqlitePool,
        opened: Opened,
    },
    Postgres(PgPool, Link),
}

impl Db {
    /// The database at `url`: `sqlite://PATH` or `postgres://…`. Fails only for a malformed URL; it does not connect.
    pub fn at(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let (pool, link) = postgres::pool(url)?;
            return Ok(Self::Postgres(pool, link));
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some(path) if !path.is_empty() => Ok(Self::sqlite(Path::new(path))),
            _ => Err(Error::other("the database address must begin with sqlite:// or postgres://")),
        }
    }

    fn sqlite(path: &Path) -> Self {
        let base = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Full)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("journal_size_limit", "67108864")
            .pragma("temp_store", "MEMORY")
            .disable_statement_logging();
        let writing = base.clone().journal_mode(SqliteJournalMode::Wal).optimize_on_close(true, None);
        let reading = base.pragma("query_only", "ON");
        let pool = |size| {
            let options = SqlitePoolOptions::new().max_connections(size).acquire_timeout(ACQUIRE_TIMEOUT);
            // `begin` detects dead connections.
            options.test_before_acquire(false)
        };
        Self::Sqlite {
            path: path.to_owned(),
            // A writer may wait for another process as long as SQLite's busy timeout.
            writer: pool(1).acquire_timeout(BUSY_TIMEOUT + ACQUIRE_TIMEOUT).connect_lazy_with(writing),
            readers: pool(READERS).max_lifetime(READER_LIFETIME).connect_lazy_with(reading),
            opened: Opened::default(),
        }
    }

    /// Creates the database if needed and migrates it; concurrent calls from several processes run one after the other.
    /// A SQLite database with pending migrations is first copied to `PATH.before-VERSION`.
    pub async fn prepare(&self, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::Sqlite { path, writer, readers, opened } => {
                prepare_sqlite(path, [writer, readers], opened, &SQLITE, now).await?;
            }
            Self::Postgres(pool, link) => postgres::migrate(pool, link).await?,
        }
        let mut tx = self.write().await?;
        page_settings::ensure(&mut tx, now).await?;
        audit_chain::chain_existing_rows(&mut tx).await?;
        tx.commit_unaudited().await
    }

    /// Whether the schema is of this version or a newer one. False for an empty database.
    pub async fn is_migrated(&self) -> Result<bool> {
        let mut tx = match self {
            Self::Sqlite { path, .. } if !path.exists() => return Ok(false),
            Self::Sqlite { readers, .. } => Tx::begin_on(readers, "begin").await?,
            Self::Postgres(..) => self.read().await?,
        };
        schema::is_migrated(&mut tx).await
    }

    /// Commits whose outcome is unknown.
    pub fn uncertain_commits(&self) -> u64 {
        self.uncertain().load(Relaxed)
    }

    pub(super) fn uncertain(&self) -> &AtomicU64 {
        match self {
            Self::Sqlite { opened, .. } => &opened.uncertain,
            Self::Postgres(_, link) => &link.statements.uncertain,
        }
    }

    /// Begins a read transaction on one consistent snapshot.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { path, readers, opened, .. } => {
                opened.check(path)?;
                Tx::begin_on(readers, "begin").await?
            }
            Self::Postgres(pool, link) => {
                Tx::Postgres(connection::begin(pool, postgres::reading(link.limits), Some(link)).await?)
            }
        })
    }

    /// Begins the only write transaction: SQLite uses `begin immediate`, because a transaction that reads first and
    /// then writes fails at once instead of waiting; PostgreSQL uses an advisory lock.
    pub async fn write(&self) -> Result<WriteTx> {
        let tx = match self {
            Self::Sqlite { path, writer, opened, .. } => {
                opened.check(path)?;
                let tx = connection::begin(writer, Opening::sqlite("begin immediate"), None).await?;
                // A restore may have moved the file away while this transaction waited.
                opened.check(path)?;
                Tx::Sqlite(tx)
            }
            Self::Postgres(pool, link) => {
                let queue = timeout(BUSY_TIMEOUT + ACQUIRE_TIMEOUT, WRITERS.acquire()).await;
                let _place = queue.map_err(|_| Error::Unavailable("too many changes wait for the lock".to_owned()))?;
                Tx::Postgres(connection::begin(pool, postgres::writing(link.limits), Some(link)).await?)
            }
        };
        Ok(WriteTx::new(tx, self.clone()))
    }

    /// Begins a transaction on notices and deliveries. On SQLite it is the only write transaction; on PostgreSQL it takes
    /// no lock, so that sending delays no publishing.
    pub async fn deliver(&self) -> Result<DeliveryTx> {
        match self {
            Self::Sqlite { .. } => Ok(DeliveryTx(self.write().await?.into_tx())),
            Self::Postgres(pool, link) => Ok(DeliveryTx(Tx::Postgres(
                connection::begin(pool, postgres::delivering(link.limits), Some(link)).await?,
            ))),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { path, writer, readers, opened } => {
                let is_own = opened.is_open() && opened.check(path).is_ok();
                if !opened.must_leave_wal(path) {
                    opened.close_held_connection().await;
                }
                readers.close().await;
                writer.close().await;
                // Otherwise the next server would wait until it is sure that the file is complete.
                if is_own && let Err(error) = sidecar::refresh(path) {
                    tracing::debug!("the closed database was not noted: {error}");
                }
            }
            Self::Postgres(pool, _) => pool.close().await,
        }
    }

    /// The faults found by SQLite's integrity check; empty if there are none, and always on PostgreSQL.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        let Self::Sqlite { readers, .. } = self else {
            return Ok(Vec::new());
        };
        let rows: Vec<(String,)> = sqlx::query_as("pragma integrity_check").fetch_all(readers).await?;
        Ok(rows.into_iter().map(|(row,)| row).filter(|row| row != "ok").collect())
    }
}

async fn prepare_sqlite(
    path: &Path,
    pools: [&SqlitePool; 2],
    opened: &Opened,
    migrations: &Migrator,
    now: DateTime<Utc>,
) -> Result<()> {
    let [writer, readers] = pools;
    create(path)?;
    let lock = lock_sidecar(path).await?;
    let is_opened_now = !opened.is_open();
    if is_opened_now {
        set_foreign_wal_aside(path, now).await?;
    }
    let mut connection = writer.acquire().await?;
    let known = tables(&mut connection, "name = '_sqlx_migrations'").await?;
    if known > 0 {
        schema::refuse_sqlite_pre_release(&mut connection).await?;
        let version = schema::sqlite_version(&mut connection).await?;
        schema::refuse_sqlite_floor(&mut connection, version).await?;
        if migrations.iter().any(|migration| migration.version > version) {
            copy_before_upgrade(&mut connection, path, version).await?;
        }
    } else if tables(&mut connection, "name not like 'sqlite~_%' escape '~'").await? > 0 {
        return Err(Error::other(format!("{} is a database of another application", path.display())));
    }
    let prepared = async {
        migrations.run(&mut *connection).await?;
        if is_opened_now { open_file(&mut connection, path, readers, opened).await } else { Ok(()) }
    };
    let prepared = prepared.await;
    if prepared.is_err() {
        // The connection may still be in a transaction, or SQLite may have ended one that sqlx still counts.
        connection::close(connection).await;
    }
    drop(lock);
    prepared
}

async fn open_file(
    connection: &mut SqliteConnection,
    path: &Path,
    readers: &SqlitePool,
    opened: &Opened,
) -> Result<()> {
    mark_file(connection, path).await?;
    let mut held_connection = readers.connect_options().as_ref().clone().connect().await?;
    tables(&mut held_connection, "true").await?;
    opened.open(path, held_connection).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))
}

async fn tables(connection: &mut SqliteConnection, condition: &'static str) -> Result<i64> {
    let sql = format!("select count(*) from sqlite_master where type = 'table' and {condition}");
    let (count,): (i64,) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(count)
}

/// Records that this server may open the file. A file seen for the first time gets a new mark, so that earlier copies
/// of it are recognized as other files.
async fn mark_file(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let mark = read_mark(path).unwrap_or_default();
    if let Some(sidecar) = Sidecar::read(path)
        && sidecar.marks.contains(&mark)
    {
        return Sidecar::of(path, sidecar.marks)?.write(path);
    }
    // The file carries the old mark until a checkpoint writes the new one.
    let fresh = random_mark();
    Sidecar::of(path, vec![mark, fresh])?.write(path)?;
    sqlx::query(AssertSqlSafe(format!("pragma user_version = {fresh}"))).execute(&mut *connection).await?;
    sqlx::query("pragma wal_checkpoint(truncate)").execute(connection).await?;
    Sidecar::of(path, vec![mark, fresh])?.write(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::disk_file::beside;
    use crate::db::examine::{Examination, validate};

    /// This program's migrations plus one.
    async fn next_version() -> Migrator {
        let folder = tempfile::tempdir().unwrap();
        for (name, sql) in [
            ("0001_schema.sql", include_str!("../../migrations/sqlite/0001_schema.sql")),
            ("0002_more.sql", "create table more (id integer) strict"),
        ] {
            std::fs::write(folder.path().join(name), sql).unwrap();
        }
        Migrator::new(folder.path()).await.unwrap()
    }

    async fn upgrade(db: &Db) -> Result<()> {
        let Db::Sqlite { path, writer, readers, opened } = db else { unreachable!() };
        prepare_sqlite(path, [writer, readers], opened, &next_version().await, DateTime::UNIX_EPOCH).await
    }

    async fn downgrade(db: &Db) {
        let Db::Sqlite { writer, .. } = db else { unreachable!() };
        let sql = "drop table more; delete from _sqlx_migrations where version = 2; update revision set number = 7";
        sqlx::raw_sql(sql).execute(writer).await.unwrap();
    }

    async fn revision_of(file: &Path) -> i64 {
        match validate(file, false, true).await.unwrap() {
            Examination::Complete(state) => state.revision,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn copy_before_an_upgrade_counts_only_when_sound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("candor.db");
        let db = Db::at(&format!("sqlite://{}", file.display())).unwrap();
        db.prepare(DateTime::UNIX_EPOCH).await.unwrap();
        let copy = beside(&file, ".before-1");
        assert!(!copy.exists(), "nothing is pending");
        std::fs::write(&copy, "").unwrap();
        upgrade(&db).await.unwrap();
        assert_eq!(
            (revision_of(&copy).await, db.read().await.unwrap().revision().await.unwrap()),
            (1, 1),
            "a copy that is no database is replaced"
        );
        downgrade(&db).await;
        upgrade(&db).await.unwrap();
        assert_eq!(revision_of(&copy).await, 7);
        assert_eq!(revision_of(&beside(&copy, "-revision-1")).await, 1, "the copy of another state is kept");
        downgrade(&db).await;
        let before = std::fs::read(&copy).unwrap();
        upgrade(&db).await.unwrap();
        assert!(std::fs::read(&copy).unwrap() == before, "the sound copy of this state stays");
        db.close().await;
    }
}
