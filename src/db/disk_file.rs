//! An SQLite database file on disk: its metadata, its mark, its lock and the files beside it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Result};

const HEADER_BYTES: usize = 100;

/// Changes when the file is written. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub inode: u64,
    pub length: u64,
    pub modified: i128,
}

impl Shape {
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|about| Self::of(&about))
    }

    pub(super) fn of(about: &Metadata) -> Self {
        let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        Self { inode: about.ino(), length: about.len(), modified }
    }
}

/// The process's only descriptor of the database file, never closed while the file exists: POSIX drops all locks of a
/// process on a file when the process closes any descriptor of it, and SQLite relies on these locks.
pub(super) fn descriptor(path: &Path) -> io::Result<Arc<File>> {
    static OPEN: Mutex<Vec<Arc<File>>> = Mutex::new(Vec::new());
    let wanted = std::fs::metadata(path)?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|file| file.metadata().is_ok_and(|about| about.nlink() > 0));
    let is_same = |about: Metadata| (about.dev(), about.ino()) == (wanted.dev(), wanted.ino());
    if let Some(file) = open.iter().find(|file| file.metadata().is_ok_and(is_same)) {
        return Ok(file.clone());
    }
    let file = Arc::new(File::open(path)?);
    open.push(file.clone());
    Ok(file)
}

/// The mark of the SQLite file at `path`. Fails if the file can't be a complete database.
pub(super) fn read_mark(path: &Path) -> Result<u32, &'static str> {
    let about = std::fs::metadata(path).map_err(|_| "the database file can't be read")?;
    if !about.is_file() {
        return Err("the path of the database is not a regular file");
    }
    let mut header = [0; HEADER_BYTES];
    let file = descriptor(path).map_err(|_| "the database file can't be read")?;
    file.read_exact_at(&mut header, 0).map_err(|_| "the database file is truncated")?;
    let mark = mark_in(&header).ok_or("the file is not an SQLite database")?;
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        size => u64::from(size),
    };
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    if about.len() < page_size * u64::from(pages) {
        return Err("the database file is truncated");
    }
    Ok(mark)
}

/// The mark of an open file; `None` if it is no SQLite database.
pub(super) fn mark_of(file: &File) -> Option<u32> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0).ok().and_then(|()| mark_in(&header))
}

/// The `user_version` in an SQLite header. Candor writes a random one into each copy and each file that it opens, so
/// that two files of the same database differ.
fn mark_in(header: &[u8; HEADER_BYTES]) -> Option<u32> {
    let mark = u32::from_be_bytes([header[60], header[61], header[62], header[63]]);
    header.starts_with(b"SQLite format 3\0").then_some(mark)
}

/// Appends `ending` to the name of `path`.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

pub(super) fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.ino())
}

fn unavailable(path: &Path, error: &io::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", path.display()))
}

pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes renames in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates the file and its folder if missing, accessible to the owner only.
pub(super) fn create(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder(path))
        .map_err(|error| unavailable(path, &error))?;
    // Never open an existing file here: closing the descriptor would drop SQLite's locks.
    if path.exists() {
        return Ok(());
    }
    match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unavailable(path, &error)),
        _ => Ok(()),
    }
}

/// Locks `PATH.lock` until dropped: one process at a time examines, prepares or replaces the file.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = beside(path, ".lock");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let lock = options.open(file).map_err(|error| unavailable(path, &error))?;
    fs4::fs_std::FileExt::lock_exclusive(&lock).map_err(|error| unavailable(path, &error))?;
    Ok(lock)
}
