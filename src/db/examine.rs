//! Examines the database file before the server writes to it.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::disk_file::{Shape, beside, descriptor, folder, inode, lock, read_mark};
use super::link::Limits;
use super::schema::{FOREIGN_KEYS, SchemaError, TABLES, has_own_tables, is_pre_release, newest_version};
use super::sidecar::{self, Wal, owner_of_wal};
use super::sqlite_file::{Closed, Opened};
use super::{Db, Error, Result, Tx, audit_chain, notices};
use crate::domain::audit::{Action, Actor, Entry};

/// Name prefix of temporary copies for examination.
const COPY_PREFIX: &str = ".candor-examined-";
/// Deadline of queries on the examined file.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examination {
    Missing,
    /// A database without Candor's tables or rows.
    Empty,
    /// Another application's database.
    Foreign,
    /// Made by a pre-release of Candor, which is not upgraded.
    PreRelease,
    /// Truncated, damaged or incomplete; the sentence says which.
    Broken(String),
    Complete(DatabaseState),
}

/// Identifies a page's database and its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseState {
    pub page_id: String,
    /// The hash of the first audit row, which never changes; `None` while the audit log is empty.
    pub audit_start: Option<String>,
    pub revision: i64,
}

impl Db {
    /// For servers: requests fail soon on a silent network, and SQLite refuses transactions until [`Db::examine`] and
    /// [`Db::prepare`] have run.
    #[must_use]
    pub fn for_server(mut self) -> Self {
        match &mut self {
            Self::Sqlite { opened, .. } => opened.close_until_examined(),
            Self::Postgres(_, link) => link.limits = Limits::Server,
        }
        self
    }

    /// Examines the database without writing to it. If another file has replaced the open one, closes the old file and
    /// moves its write-ahead log aside. `Unavailable` means: try again later.
    pub async fn examine(&self, now: DateTime<Utc>) -> Result<Examination> {
        match self {
            Self::Sqlite { path, writer, readers, opened } => examine_file(path, [writer, readers], opened, now).await,
            Self::Postgres(..) => find(&mut self.read().await?).await,
        }
    }

    /// Whether the file at the path is no longer the open one and must be examined.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Sqlite { opened, .. } if opened.closed().is_some())
    }

    pub fn reason_closed(&self) -> Option<String> {
        match self {
            Self::Sqlite { opened, .. } => {
                opened.closed().filter(|it| *it != Closed::Unexamined).map(|it| it.to_string())
            }
            Self::Postgres(..) => None,
        }
    }

    /// Raises the revision of a restored database above the `published` one, so that the revision never goes backwards
    /// for visitors, caches and API clients.
    pub async fn continue_above(&self, published: i64, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.write().await?;
        let restored = tx.revision().await?;
        if restored > published {
            return Ok(());
        }
        run!(tx, "update revision set number = $1 where id = 1", published)?;
        // What the backup was about to send was sent since, or is old.
        notices::cancel_unsent(&mut tx, now).await?;
        let entry = Entry::new(Action::DatabaseRestore, "", "database").before(&restored).after(&published);
        tx.commit(&Actor::server(), now, entry).await.map(drop)
    }

    /// For commands that open the database: keeps SQLite from replaying another file's write-ahead log.
    pub async fn protect_from_old_wal(&self, now: DateTime<Utc>) -> Result<()> {
        let Self::Sqlite { path, .. } = self else { return Ok(()) };
        if !path.is_file() {
            return Ok(());
        }
        let _lock = lock_sidecar(path).await?;
        set_foreign_wal_aside(path, now).await
    }

    /// For commands that don't call [`Db::prepare`]: fails with `Schema` if a pre-release made the database.
    pub async fn refuse_pre_release(&self) -> Result<()> {
        let mut tx = self.read().await?;
        let is_migrated = tables(&mut tx).await?.iter().any(|table| table == "_sqlx_migrations");
        if is_migrated && is_pre_release(&mut tx).await? { Err(SchemaError::PreRelease.into()) } else { Ok(()) }
    }

    /// Updates the sidecar, so that the write-ahead log is recognized after a crash.
    pub fn note_file(&self) -> Result<()> {
        match self {
            Self::Sqlite { path, opened, .. } if opened.is_open() => sidecar::refresh(path),
            _ => Ok(()),
        }
    }
}

async fn examine_file(
    path: &Path,
    pools: [&SqlitePool; 2],
    opened: &Opened,
    now: DateTime<Utc>,
) -> Result<Examination> {
    if opened.is_open() && opened.check(path).is_ok() {
        return find(&mut Tx::begin_on(pools[1], "begin").await?).await;
    }
    if !path.exists() {
        return Ok(Examination::Missing);
    }
    let _lock = lock_sidecar(path).await?;
    if opened.must_leave_wal(path)
        && let Err(found) = overwritten_copy(path, opened, now).await?
    {
        return Ok(found);
    }
    // An overwritten file has a new inode by now.
    opened.must_leave_wal(path);
    let is_replaced = opened.closed() == Some(Closed::Replaced);
    close_all(pools, opened).await?;
    if opened.closed() == Some(Closed::WalRemoved) {
        // Closing the last connection wrote the removed log's content into the file.
        sidecar::refresh(path)?;
    }
    if std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == 0) {
        return Ok(Examination::Empty);
    }
    if let Err(sentence) = read_mark(path) {
        return Ok(Examination::Broken(sentence.into()));
    }
    let is_known = sidecar::is_known(path);
    let may_change = !is_known || !matches!(opened.closed(), Some(Closed::Unexamined) | None);
    if may_change && !opened.has_settled(path) {
        return Err(Error::Unavailable("the database file is still being written".into()));
    }
    if is_replaced && opened.wal_inode().is_some() && opened.wal_inode() == inode(&beside(path, "-wal")) {
        set_wal_aside(path, now)?;
    }
    set_foreign_wal_aside(path, now).await?;
    let has_wal = std::fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    validate(path, has_wal, !is_known).await
}

/// Closes every connection; `Unavailable` while one is in use.
async fn close_all(pools: [&SqlitePool; 2], opened: &Opened) -> Result<()> {
    for pool in pools {
        while let Some(connection) = pool.try_acquire() {
            // A failed close loses nothing: the file is gone.
            let _ = connection.close().await;
        }
    }
    if pools.iter().any(|pool| pool.size() > 0) {
        return Err(Error::Unavailable("the old database file is still in use".into()));
    }
    opened.close_held_connection().await;
    Ok(())
}

/// Gives an overwritten file a new inode once it is complete, so that closing connections to the old content doesn't
/// write to it.
async fn overwritten_copy(path: &Path, opened: &Opened, now: DateTime<Utc>) -> Result<Result<(), Examination>> {
    if let Err(sentence) = read_mark(path) {
        let is_empty = std::fs::metadata(path).is_ok_and(|about| about.len() == 0);
        return Ok(Err(if is_empty { Examination::Empty } else { Examination::Broken(sentence.into()) }));
    }
    if !opened.has_settled(path) {
        return Err(Error::Unavailable("the database file is still being written".into()));
    }
    let seen = Shape::at(path).map_err(Error::other)?;
    let copies = copy_beside(path, false).await?;
    let copy = copies.path().join("copy");
    match validate(&copy, false, true).await? {
        Examination::Complete(_) => {}
        other => return Ok(Err(other)),
    }
    if Shape::at(path).ok() != Some(seen) {
        return Err(Error::Unavailable("the database file is still being written".into()));
    }
    set_wal_aside(path, now)?;
    std::fs::rename(&copy, path).map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(Ok(()))
}

pub(super) async fn lock_sidecar(path: &Path) -> Result<std::fs::File> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || lock(&path)).await.map_err(Error::other)?
}

/// Moves the write-ahead log aside if it belongs to another file than the one at `path`.
pub(super) async fn set_foreign_wal_aside(path: &Path, now: DateTime<Utc>) -> Result<()> {
    let owner = match owner_of_wal(path)? {
        Wal::Unknown if is_wal_valid(path).await? => Wal::Own,
        Wal::Unknown => Wal::Foreign,
        owner => owner,
    };
    if owner == Wal::Foreign { set_wal_aside(path, now) } else { Ok(()) }
}

/// Whether a copy of the file is intact with the write-ahead log replayed.
async fn is_wal_valid(path: &Path) -> Result<bool> {
    let copies = copy_beside(path, true).await?;
    let pool = pool(&copies.path().join("copy"), true);
    let is_whole = async {
        let found = validate_database(&pool, true).await?;
        if found == Examination::PreRelease {
            return Ok(true);
        }
        let mut tx = Tx::begin_on(&pool, "begin").await?;
        let mut walk = audit_chain::ChainWalk::default();
        let end = loop {
            match walk.step(&mut tx).await? {
                audit_chain::ChainStep::On => {}
                end => break end,
            }
        };
        Ok::<_, Error>(matches!(found, Examination::Complete(_)) && end == audit_chain::ChainStep::End)
    };
    // An error on the private copy means that its source is faulty.
    let is_whole = is_whole.await.unwrap_or(false);
    pool.close().await;
    Ok(is_whole)
}

/// Renames the write-ahead log, so that SQLite doesn't find it, and removes its index.
pub(super) fn set_wal_aside(path: &Path, now: DateTime<Utc>) -> Result<()> {
    let wal = beside(path, "-wal");
    let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", wal.display()));
    if wal.exists() {
        let aside = beside(&replaced_name(path, now), "-wal");
        std::fs::rename(&wal, &aside).map_err(failed)?;
        tracing::warn!("the write-ahead log of another database file was set aside as {}", aside.display());
    }
    match std::fs::remove_file(beside(path, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// A free name for the file that is replaced.
pub(super) fn replaced_name(path: &Path, now: DateTime<Utc>) -> PathBuf {
    let stamped = beside(path, &format!(".replaced-{}", now.format("%Y%m%dT%H%M%SZ")));
    let is_free = |name: &PathBuf| !name.exists() && !beside(name, "-wal").exists();
    let numbered = (2..).map(|number| beside(&stamped, &format!("-{number}")));
    std::iter::once(stamped.clone()).chain(numbered).find(is_free).unwrap_or(stamped)
}

/// A folder beside the database with a file `copy`, and `copy-wal` if `with_wal`.
async fn copy_beside(path: &Path, with_wal: bool) -> Result<tempfile::TempDir> {
    let path = path.to_owned();
    let copy = move || {
        remove_left_copies(folder(&path));
        let copies = tempfile::Builder::new().prefix(COPY_PREFIX).tempdir_in(folder(&path))?;
        copy_file(&path, &copies.path().join("copy"))?;
        if with_wal {
            std::fs::copy(beside(&path, "-wal"), copies.path().join("copy-wal"))?;
        }
        io::Result::Ok(copies)
    };
    let copied = tokio::task::spawn_blocking(copy).await.map_err(Error::other)?;
    copied.map_err(|error| Error::Unavailable(format!("copying the database to examine it: {error}")))
}

/// Reads through the shared descriptor: closing one would drop SQLite's locks.
fn copy_file(path: &Path, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let source = descriptor(path)?;
    let mut target = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    let (mut buffer, mut at) = (vec![0; 1 << 20], 0);
    loop {
        let read = source.read_at(&mut buffer, at)?;
        if read == 0 {
            return target.sync_all();
        }
        io::Write::write_all(&mut target, &buffer[..read])?;
        at += read as u64;
    }
}

/// Removes copies left by killed processes. The caller holds the sidecar lock.
fn remove_left_copies(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(COPY_PREFIX) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Validates the SQLite file at `path`. Without a write-ahead log, reads without locks and creates no files.
pub(super) async fn validate(path: &Path, has_wal: bool, is_thorough: bool) -> Result<Examination> {
    let pool = pool(path, has_wal);
    let found = validate_database(&pool, is_thorough).await;
    pool.close().await;
    match found {
        Err(Error::Unavailable(cause)) if has_wal => Err(Error::Unavailable(cause)),
        Err(error) => Ok(Examination::Broken(format!("the database can't be read: {error}"))),
        found => found,
    }
}

fn pool(path: &Path, has_wal: bool) -> SqlitePool {
    let options =
        SqliteConnectOptions::new().filename(path).busy_timeout(QUERY_TIMEOUT).pragma("trusted_schema", "OFF");
    let options = if has_wal { options } else { options.read_only(true).immutable(true) };
    SqlitePoolOptions::new().max_connections(1).acquire_timeout(2 * QUERY_TIMEOUT).connect_lazy_with(options)
}

async fn validate_database(pool: &SqlitePool, is_thorough: bool) -> Result<Examination> {
    let check = if is_thorough { "pragma integrity_check(1)" } else { "pragma quick_check(1)" };
    let row: Option<(String,)> = sqlx::query_as(check).fetch_optional(pool).await?;
    match row {
        Some((answer,)) if answer == "ok" => find(&mut Tx::begin_on(pool, "begin").await?).await,
        Some((fault,)) => Ok(Examination::Broken(format!("the database is damaged: {fault}"))),
        None => Ok(Examination::Broken("the database does not say whether it is sound".into())),
    }
}

/// Examines a database of any version.
async fn find(tx: &mut Tx) -> Result<Examination> {
    let tables = tables(tx).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !has("_sqlx_migrations") {
        // Other applications may share a PostgreSQL schema.
        let is_shared = matches!(tx, Tx::Postgres(_));
        return Ok(if is_shared || tables.is_empty() { Examination::Empty } else { Examination::Foreign });
    }
    let version = newest_version(tx).await?;
    if version == 0 {
        return Ok(Examination::Empty);
    }
    if !has("page") || !has("revision") {
        return Ok(Examination::Foreign);
    }
    if is_pre_release(tx).await? {
        return Ok(Examination::PreRelease);
    }
    if !has("audit_log") {
        return Ok(Examination::Foreign);
    }
    if has_own_tables(version) {
        if let Some(missing) = TABLES.iter().find(|table| !has(table)) {
            return Ok(Examination::Broken(format!("the database is incomplete: the table {missing} is missing")));
        }
        if foreign_keys(tx).await?.is_some_and(|count| count < FOREIGN_KEYS) {
            return Ok(Examination::Broken(
                "the database is incomplete: foreign keys are missing, or it is still being restored".into(),
            ));
        }
    }
    let page = row!(tx, (String,), "select id from page")?;
    let number = row!(tx, (i64,), "select number from revision where id = 1")?;
    let (Some((page_id,)), Some((revision,))) = (page, number) else { return Ok(Examination::Empty) };
    Ok(Examination::Complete(DatabaseState { page_id, audit_start: audit_start(tx).await?, revision }))
}

impl DatabaseState {
    /// Compares the first audit row too, because an import may change the page's id.
    pub fn is_same_page(&self, other: &Self) -> bool {
        self.page_id == other.page_id || self.audit_start.is_some() && self.audit_start == other.audit_start
    }

    /// The state in `tx`; the schema must be up to date.
    pub async fn load(tx: &mut Tx) -> Result<Self> {
        let page = row!(tx, (String,), "select id from page")?;
        let (page_id,) = page.ok_or(Error::NotFound)?;
        Ok(Self { page_id, audit_start: audit_start(tx).await?, revision: tx.revision().await? })
    }
}

async fn audit_start(tx: &mut Tx) -> Result<Option<String>> {
    let first = row!(tx, (String,), "select hash from audit_log where id = (select min(id) from audit_log)")?;
    Ok(first.map(|(hash,)| hash).filter(|hash| !hash.is_empty()))
}

async fn tables(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = match tx {
        Tx::Sqlite(_) => "select name from sqlite_master where type = 'table' and name not like 'sqlite~_%' escape '~'",
        Tx::Postgres(_) => {
            "select table_name::text from information_schema.tables where table_schema = current_schema()"
        }
    };
    Ok(rows!(tx, (String,), sql)?.into_iter().map(|(name,)| name).collect())
}

/// `None` on SQLite, which creates foreign keys together with their table.
async fn foreign_keys(tx: &mut Tx) -> Result<Option<i64>> {
    if matches!(tx, Tx::Sqlite(_)) {
        return Ok(None);
    }
    let sql = "select count(*) from pg_constraint c join pg_namespace n on n.oid = c.connamespace
               where c.contype = 'f' and n.nspname = current_schema()";
    Ok(row!(tx, (i64,), sql)?.map(|(count,)| count))
}
