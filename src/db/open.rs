//! Opening a database: where it is, how it is set, how it is brought up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::ConnectOptions as _;

use super::backup::vacuum_into;
use super::sqlite_file::{Opened, lock};
use super::postgres::{self, Statements};
use super::tx::{Tx, WriteTx};
use super::{Error, Result, chain, connection, page};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a request waits for a connection before it is told that the database is unavailable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long opening a transaction may take on SQLite, which bounds its waiting itself.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long SQLite waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read SQLite.
const READERS: u32 = 4;

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
            Self::Sqlite { path, writer, opened, .. } => {
                prepare_sqlite(path, writer).await?;
                opened.note(path);
            }
            Self::Postgres(pool, _) => postgres::migrate(pool).await?,
        }
        let mut tx = self.write().await?;
        page::ensure(&mut tx, now).await?;
        chain::begin(&mut tx).await?;
        tx.commit_unaudited().await
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
                Tx::Sqlite(connection::begin(writer, "begin immediate", BEGIN_TIMEOUT, &statements).await?)
            }
            Self::Postgres(pool, statements) => {
                statements.look_for_pooler(pool).await?;
                let (begin, limit) = (postgres::BEGIN_WRITE, postgres::WRITE_TIMEOUT);
                Tx::Postgres(connection::begin(pool, begin, limit, statements).await?)
            }
        };
        Ok(WriteTx::new(tx, self.clone()))
    }

    /// Whether there is nothing at all where a file should be.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Sqlite { path, .. } if !path.exists())
    }

    /// Where another file was put in the place of the one that is open, as from a backup: lets go of the old
    /// one, and opens the new one once nobody uses the old one any more.
    ///
    /// # Errors
    /// As [`Db::prepare`].
    pub async fn follow_file(&self, now: DateTime<Utc>) -> Result<()> {
        let Self::Sqlite { path, writer, readers, opened } = self else { return Ok(()) };
        if !opened.is_replaced(path) {
            return Ok(());
        }
        for pool in [writer, readers] {
            while let Some(connection) = pool.try_acquire() {
                // How the old file ends matters to nobody.
                let _ = connection.close().await;
            }
        }
        if writer.size() + readers.size() > 0 {
            return Ok(());
        }
        opened.note(path);
        self.prepare(now).await
    }

    /// Ends all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
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
    pub async fn faults(&self) -> Result<Vec<String>> {
        let Self::Sqlite { readers, .. } = self else {
            return Ok(Vec::new());
        };
        let rows: Vec<(String,)> = sqlx::query_as("pragma integrity_check").fetch_all(readers).await?;
        Ok(rows.into_iter().map(|(row,)| row).filter(|row| row != "ok").collect())
    }
}

async fn prepare_sqlite(path: &Path, writer: &SqlitePool) -> Result<()> {
    let lock = {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || lock(&path)).await.map_err(Error::other)??
    };
    let mut connection = writer.acquire().await?;
    let known: Option<(i64,)> =
        sqlx::query_as("select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'")
            .fetch_optional(&mut *connection)
            .await?;
    if known == Some((1,)) {
        let (version,): (i64,) = sqlx::query_as("select coalesce(max(version), 0) from _sqlx_migrations where success")
            .fetch_one(&mut *connection)
            .await?;
        if SQLITE.iter().any(|migration| migration.version > version) {
            let copy = PathBuf::from(format!("{}.before-{version}", path.display()));
            if !copy.exists() {
                vacuum_into(&mut connection, &copy).await?;
            }
        }
    }
    let migrated = SQLITE.run(&mut *connection).await;
    if migrated.is_err() {
        // It may be within a transaction still, or SQLite has ended one that sqlx counts on.
        connection::close(connection).await;
    }
    drop(lock);
    Ok(migrated?)
}
