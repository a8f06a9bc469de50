//! Backup and restore of SQLite files. A copy is written under a temporary name and renamed once it is complete.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::{NamedTempFile, TempPath};

use super::disk_file::{beside, folder, read_mark, sync_folder};
use super::examine::{
    DatabaseState, Examination, lock_sidecar, replaced_name, set_foreign_wal_aside, set_wal_aside, validate,
};
use super::schema::PRE_RELEASE;

use super::{Db, Error, Result, Tx, random_mark};

/// Name prefix of files that are being written.
const UNFINISHED: &str = ".candor-unfinished-";

#[derive(Debug)]
pub struct RestoreResult {
    pub revision: i64,
    /// Where the previous database was moved.
    pub replaced: Option<PathBuf>,
}

impl Db {
    /// Copies the database to the new file `target` while it is in use. Fails if `target` exists, and on PostgreSQL,
    /// which has `pg_dump`.
    pub async fn backup(&self, target: &Path) -> Result<()> {
        let Self::Sqlite { readers, .. } = self else {
            return Err(Error::other("a PostgreSQL database is backed up with pg_dump"));
        };
        if target.symlink_metadata().is_ok() {
            return Err(already_exists(target));
        }
        // `VACUUM INTO` only reads the database, but readers can't run it: `query_only` forbids it.
        let options = readers.connect_options().as_ref().clone().pragma("query_only", "OFF");
        let mut connection = options.connect().await?;
        let copy = copy_whole(&mut connection, folder(target)).await?;
        copy.persist_noclobber(target).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => already_exists(target),
            _ => io_error(target, &error.error),
        })?;
        sync_folder(folder(target)).map_err(|error| io_error(target, &error))
    }

    /// Replaces the database with `file`, and moves the old database and its write-ahead log aside. Running servers
    /// open the restored file. Nothing changes if `file` is incomplete, belongs to another page, or another process is
    /// writing.
    pub async fn restore(&self, file: &Path, now: DateTime<Utc>) -> Result<RestoreResult> {
        let Self::Sqlite { path, .. } = self else {
            return Err(Error::other("a PostgreSQL database is restored with pg_restore or psql"));
        };
        let copy = copy_of_backup(file, folder(path)).await?;
        let state = check_complete(&copy, file).await?;
        set_mark(&copy, random_mark()).await?;
        let _lock = lock_sidecar(path).await?;
        let replaced = path.exists().then(|| replaced_name(path, now));
        let _writer = match &replaced {
            Some(_) => stop_writers(path, &state, now).await?,
            None => None,
        };
        if let Some(replaced) = &replaced {
            std::fs::rename(path, replaced).map_err(|error| io_error(path, &error))?;
            let wal = beside(path, "-wal");
            if wal.exists() {
                std::fs::rename(&wal, beside(replaced, "-wal")).map_err(|error| io_error(&wal, &error))?;
            }
        }
        set_wal_aside(path, now)?;
        copy.persist(path).map_err(|error| io_error(path, &error.error))?;
        sync_folder(folder(path)).map_err(|error| io_error(path, &error))?;
        Ok(RestoreResult { revision: state.revision, replaced })
    }
}

fn already_exists(target: &Path) -> Error {
    Error::other(format!("{} already exists; name a new file", target.display()))
}

/// Takes the write lock of the database at `path`, so that no change is written to a file that is moved away. Returns
/// `None` if the file is no readable database.
async fn stop_writers(path: &Path, backup: &DatabaseState, now: DateTime<Utc>) -> Result<Option<Tx>> {
    if read_mark(path).is_err() {
        return Ok(None);
    }
    set_foreign_wal_aside(path, now).await?;
    let pool =
        SqlitePoolOptions::new().max_connections(1).connect_lazy_with(SqliteConnectOptions::new().filename(path));
    let Ok(mut tx) = Tx::begin_on(&pool, "begin immediate").await else {
        // A damaged database can't be locked; a busy one can be read.
        return match validate(path, true, false).await {
            Ok(Examination::Complete(_)) | Err(_) => {
                Err(Error::Unavailable("another process is writing to the database; try again".into()))
            }
            Ok(_) => Ok(None),
        };
    };
    match DatabaseState::load(&mut tx).await {
        Ok(current) if !current.is_same_page(backup) => Err(Error::Conflict(
            "the backup holds another page; to publish it, stop Candor, put it in place and start with --accept-empty",
        )),
        _ => Ok(Some(tx)),
    }
}

/// A private copy of `file`, with its write-ahead log merged in.
async fn copy_of_backup(file: &Path, folder: &Path) -> Result<NamedTempFile> {
    let about = std::fs::metadata(file).map_err(|error| io_error(file, &error))?;
    if !about.is_file() {
        return Err(Error::Unavailable(format!("{} is not a regular file", file.display())));
    }
    remove_unfinished(folder);
    let copy = create_unfinished(folder)?;
    std::fs::copy(file, copy.path()).map_err(|error| io_error(file, &error))?;
    let (wal, copied_wal) = (beside(file, "-wal"), beside(copy.path(), "-wal"));
    if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        std::fs::copy(&wal, &copied_wal).map_err(|error| io_error(&wal, &error))?;
    }
    let _beside = ["-wal", "-shm"].map(|ending| TempPath::try_from_path(beside(copy.path(), ending)));
    let merge = async {
        let mut connection = SqliteConnectOptions::new().filename(copy.path()).connect().await?;
        sqlx::query("pragma journal_mode = delete").execute(&mut connection).await?;
        connection.close().await
    };
    merge.await.map_err(|error| incomplete_error(file, &error.to_string()))?;
    Ok(copy)
}

/// Fails unless the backup is complete and has a schema version that this program supports.
async fn check_complete(copy: &NamedTempFile, file: &Path) -> Result<DatabaseState> {
    let reason = match validate(copy.path(), false, true).await? {
        Examination::Complete(state) => return Ok(state),
        Examination::Missing | Examination::Empty => "it is empty".to_owned(),
        Examination::Foreign => "it belongs to another application".to_owned(),
        Examination::PreRelease => PRE_RELEASE.to_owned(),
        Examination::Broken(sentence) => sentence,
    };
    Err(incomplete_error(file, &reason))
}

fn incomplete_error(file: &Path, reason: &str) -> Error {
    Error::Unavailable(format!("{} is not a complete database of Candor: {reason}", file.display()))
}

/// Copies the database before its migration from `version`. An existing copy is kept as is only if it is complete and
/// holds the same state.
pub(super) async fn copy_before_upgrade(connection: &mut SqliteConnection, path: &Path, version: i64) -> Result<()> {
    let target = beside(path, &format!(".before-{version}"));
    let copy = copy_whole(connection, folder(path)).await?;
    let fresh = validate(copy.path(), false, true).await?;
    if let Examination::Broken(sentence) = fresh {
        return Err(Error::Unavailable(format!("the copy before the upgrade is not sound: {sentence}")));
    }
    if let Ok(Examination::Complete(state)) = validate(&target, false, true).await {
        if fresh == Examination::Complete(state.clone()) {
            return Ok(());
        }
        let kept = beside(&target, &format!("-revision-{}", state.revision));
        std::fs::rename(&target, &kept).map_err(|error| io_error(&kept, &error))?;
    }
    copy.persist(&target).map_err(|error| io_error(&target, &error.error))?;
    sync_folder(folder(path)).map_err(|error| io_error(&target, &error))
}

/// A complete copy in a new file in `folder`, with its own mark, synced, readable by its owner only.
async fn copy_whole(connection: &mut SqliteConnection, folder: &Path) -> Result<NamedTempFile> {
    remove_unfinished(folder);
    let copy = create_unfinished(folder)?;
    // A file name can't be bound as a parameter, so it is quoted as an SQL string.
    let quoted = copy.path().display().to_string().replace('\'', "''");
    sqlx::query(AssertSqlSafe(format!("vacuum into '{quoted}'"))).execute(connection).await?;
    set_mark(&copy, random_mark()).await?;
    Ok(copy)
}

/// Writes the mark to the private file `copy` and syncs it.
async fn set_mark(copy: &NamedTempFile, mark: u32) -> Result<()> {
    let mut connection = SqliteConnectOptions::new().filename(copy.path()).connect().await?;
    sqlx::query(AssertSqlSafe(format!("pragma user_version = {mark}"))).execute(&mut connection).await?;
    connection.close().await?;
    copy.as_file().sync_all().map_err(|error| io_error(copy.path(), &error))
}

/// An unfinished file in `folder`, locked while it is written.
fn create_unfinished(folder: &Path) -> Result<NamedTempFile> {
    let made = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder);
    let made = made.map_err(|error| io_error(folder, &error))?;
    fs4::fs_std::FileExt::lock_exclusive(made.as_file()).map_err(|error| io_error(folder, &error))?;
    Ok(made)
}

/// Removes unfinished files of killed processes: their lock is free.
fn remove_unfinished(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        let is_left = std::fs::File::open(entry.path())
            .is_ok_and(|file| fs4::fs_std::FileExt::try_lock_exclusive(&file).is_ok_and(|locked| locked));
        if is_left {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", path.display()))
}
