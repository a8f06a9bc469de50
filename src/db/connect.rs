//! Opening a database: where it is, how it is set, how it is brought up to date.

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
use super::connection::{ACQUIRE_TIMEOUT, BEGIN_TIMEOUT};
use super::disk_file::{create, read_mark};
use super::examine::{lock_sidecar, set_foreign_wal_aside};
use super::postgres;
use super::schema::{self, SQLITE};
use super::sidecar::Sidecar;
use super::sqlite_file::Opened;
use super::statements::Statements;
use super::tx::{Tx, WriteTx};
use super::{Error, Result, audit_chain, connection, page_settings, random_mark};

/// How long SQLite waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read SQLite.
const READERS: u32 = 4;

/// Writers of this process that hold a connection to PostgreSQL while they wait for the lock; others wait without one, so
/// that readers find some.
const WAITING_WRITERS: usize = 4;
static WRITERS: Semaphore = Semaphore::const_new(WAITING_WRITERS);

/// The database, opened lazily: making one never fails because the database is away.
#[derive(Clone, Debug)]
pub enum Db {
    /// One connection writes, some read.
    Sqlite {
        path: PathBuf,
        writer: SqlitePool,
        readers: SqlitePool,
        opened: Opened,
    },
    Postgres(PgPool, Statements),
}

impl Db {
    /// The database at `url`: `sqlite://PATH` or `postgres://…`.
    ///
    /// # Errors
    /// Where the address can't be understood. Whether anything is there shows later.
    pub fn at(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(postgres::pool(url)?, Statements::default()));
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
            // `begin` finds out whether a connection works.
            options.test_before_acquire(false)
        };
        Self::Sqlite {
            path: path.to_owned(),
            // A write may wait for another process as long as SQLite's own busy timeout.
            writer: pool(1).acquire_timeout(BUSY_TIMEOUT + ACQUIRE_TIMEOUT).connect_lazy_with(writing),
            readers: pool(READERS).connect_lazy_with(reading),
            opened: Opened::default(),
        }
    }

    /// Creates what is missing and brings the schema up to date. Two processes that do it at once take
    /// turns. A SQLite file that holds something is copied to `PATH.before-VERSION` first.
    ///
    /// # Errors
    /// Where the database is away, or is newer than this program.
    pub async fn prepare(&self, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::Sqlite { path, writer, readers, opened } => {
                prepare_sqlite(path, [writer, readers], opened, &SQLITE, now).await?;
            }
            Self::Postgres(pool, _) => postgres::migrate(pool).await?,
        }
        let mut tx = self.write().await?;
        page_settings::ensure(&mut tx, now).await?;
        audit_chain::chain_existing_rows(&mut tx).await?;
        tx.commit_unaudited().await
    }

    /// How often it is not known whether a commit took place.
    pub fn uncertain_commits(&self) -> u64 {
        self.uncertain().load(Relaxed)
    }

    pub(super) fn uncertain(&self) -> &AtomicU64 {
        match self {
            Self::Sqlite { opened, .. } => &opened.uncertain,
            Self::Postgres(_, statements) => &statements.uncertain,
        }
    }

    /// A transaction that reads one consistent state.
    ///
    /// # Errors
    /// Where the database can't be reached.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { path, readers, opened, .. } => {
                opened.check(path)?;
                Tx::Sqlite(connection::begin(readers, "begin", BEGIN_TIMEOUT, &Statements::default()).await?)
            }
            Self::Postgres(pool, statements) => {
                statements.look_for_pooler(pool).await?;
                Tx::Postgres(connection::begin(pool, postgres::BEGIN_READ, ACQUIRE_TIMEOUT, statements).await?)
            }
        })
    }

    /// A transaction that writes. It waits until it is the only one: on SQLite by `begin immediate`
    /// (one that begins reading and then writes would fail at once instead of waiting), on PostgreSQL
    /// by an advisory lock, so that both databases let changes happen one after the other.
    ///
    /// # Errors
    /// Where the database can't be reached or another writer does not finish.
    pub async fn write(&self) -> Result<WriteTx> {
        let tx = match self {
            Self::Sqlite { path, writer, opened, .. } => {
                opened.check(path)?;
                let statements = Statements::default();
                let tx = connection::begin(writer, "begin immediate", BEGIN_TIMEOUT, &statements).await?;
                // It may have waited for a restore, which moved the file away.
                opened.check(path)?;
                Tx::Sqlite(tx)
            }
            Self::Postgres(pool, statements) => {
                let queue = timeout(BUSY_TIMEOUT + ACQUIRE_TIMEOUT, WRITERS.acquire()).await;
                let _place = queue.map_err(|_| Error::Unavailable("too many changes wait for the lock".to_owned()))?;
                statements.look_for_pooler(pool).await?;
                let (begin, limit) = (postgres::BEGIN_WRITE, postgres::WRITE_TIMEOUT);
                Tx::Postgres(connection::begin(pool, begin, limit, statements).await?)
            }
        };
        Ok(WriteTx::new(tx, self.clone()))
    }

    /// Ends all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { path, writer, readers, opened } => {
                if !opened.must_leave_wal(path) {
                    opened.close_keeper().await;
                }
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool, _) => pool.close().await,
        }
    }

    /// What the database says of its own soundness: nothing, where all is well.
    ///
    /// # Errors
    /// Where it can't be asked.
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
        // It may be within a transaction still, or SQLite has ended one that sqlx counts on.
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
    let mut keeper = readers.connect_options().as_ref().clone().connect().await?;
    tables(&mut keeper, "true").await?;
    opened.open(path, keeper).map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))
}

async fn tables(connection: &mut SqliteConnection, condition: &'static str) -> Result<i64> {
    let sql = format!("select count(*) from sqlite_master where type = 'table' and {condition}");
    let (count,): (i64,) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(count)
}

/// Notes that the file is ours to open. One that was not opened here before gets a mark of its own, so that a copy made
/// of it earlier is told from it.
async fn mark_file(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let mark = read_mark(path).unwrap_or_default();
    if let Some(sidecar) = Sidecar::read(path)
        && sidecar.marks.contains(&mark)
    {
        return Sidecar::of(path, sidecar.marks)?.write(path);
    }
    // Until a checkpoint has brought the new mark into the file, it carries the old one.
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

    /// The migrations of this program and one more, as its next version has them.
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
