//! Copies of an SQLite database: written beside their place and renamed, so that the name stands for a whole copy.

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

/// What the names of files begin with that are being written.
const UNFINISHED: &str = ".candor-unfinished-";

/// What a restore did.
#[derive(Debug)]
pub struct RestoreResult {
    pub revision: i64,
    /// Where the database before it was moved, if there was one.
    pub replaced: Option<PathBuf>,
}

impl Db {
    /// Copies the whole database to the new file `target` while it is in use.
    ///
    /// # Errors
    /// On PostgreSQL, whose own pg_dump does this; where the file exists or can't be written.
    pub async fn backup(&self, target: &Path) -> Result<()> {
        let Self::Sqlite { readers, .. } = self else {
            return Err(Error::other("a PostgreSQL database is backed up with pg_dump"));
        };
        if target.symlink_metadata().is_ok() {
            return Err(Error::Unavailable(format!("{} exists", target.display())));
        }
        // VACUUM INTO only reads the database but is refused under query_only, so not on a reader.
        let options = readers.connect_options().as_ref().clone().pragma("query_only", "OFF");
        let mut connection = options.connect().await?;
        let copy = copy_whole(&mut connection, folder(target)).await?;
        copy.persist_noclobber(target).map_err(|error| io_error(target, &error.error))?;
        sync_folder(folder(target)).map_err(|error| io_error(target, &error))
    }

    /// Puts the database in `file` in the place of this one, which is moved aside with its write-ahead log. Servers
    /// that run take the restored one up.
    ///
    /// # Errors
    /// Where `file` is not a complete database of the same page, or another process is writing; then nothing changed.
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

/// Holds the write lock of the database at `path`, so that no change is accepted into a file that is moved away; none
/// where it is no database that can be read.
async fn stop_writers(path: &Path, backup: &DatabaseState, now: DateTime<Utc>) -> Result<Option<Tx>> {
    if read_mark(path).is_err() {
        return Ok(None);
    }
    set_foreign_wal_aside(path, now).await?;
    let pool =
        SqlitePoolOptions::new().max_connections(1).connect_lazy_with(SqliteConnectOptions::new().filename(path));
    let mut tx = match Tx::begin_on(&pool, "begin immediate").await {
        Ok(tx) => tx,
        // A damaged database can't be locked; one that is busy can be read.
        Err(_) => {
            return match validate(path, true, false).await {
                Ok(Examination::Complete(_)) | Err(_) => {
                    Err(Error::Unavailable("another process is writing to the database; try again".into()))
                }
                Ok(_) => Ok(None),
            };
        }
    };
    match DatabaseState::load(&mut tx).await {
        Ok(current) if !current.is_same_page(backup) => Err(Error::Conflict(
            "the backup holds another page; to publish it, stop Candor, put it in place and start with --accept-empty",
        )),
        _ => Ok(Some(tx)),
    }
}

/// A private copy of `file` and of the write-ahead log beside it, merged into one file.
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

/// The state of a backup, which has to be complete and of a version this program knows.
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

/// Copies the database before it is migrated from `version`. A copy that is already there counts only if it is
/// complete and of the same state.
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

/// A whole copy of the database in an unfinished file in `folder`, on the disk and with a mark of its own. Only its
/// owner can read it, as the database itself.
async fn copy_whole(connection: &mut SqliteConnection, folder: &Path) -> Result<NamedTempFile> {
    remove_unfinished(folder);
    let copy = create_unfinished(folder)?;
    // The name of a file can't be bound, so it is quoted as SQL quotes text.
    let quoted = copy.path().display().to_string().replace('\'', "''");
    sqlx::query(AssertSqlSafe(format!("vacuum into '{quoted}'"))).execute(connection).await?;
    set_mark(&copy, random_mark()).await?;
    Ok(copy)
}

/// Gives the private file `copy` the mark, and writes all of it to the disk.
async fn set_mark(copy: &NamedTempFile, mark: u32) -> Result<()> {
    let mut connection = SqliteConnectOptions::new().filename(copy.path()).connect().await?;
    sqlx::query(AssertSqlSafe(format!("pragma user_version = {mark}"))).execute(&mut connection).await?;
    connection.close().await?;
    copy.as_file().sync_all().map_err(|error| io_error(copy.path(), &error))
}

/// An unfinished file in `folder`, locked for as long as it is written.
fn create_unfinished(folder: &Path) -> Result<NamedTempFile> {
    let made = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder);
    let made = made.map_err(|error| io_error(folder, &error))?;
    fs4::fs_std::FileExt::lock_exclusive(made.as_file()).map_err(|error| io_error(folder, &error))?;
    Ok(made)
}

/// Removes the unfinished files of processes that were killed: no process holds their lock.
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
