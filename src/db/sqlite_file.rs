//! Which file an SQLite database was opened from, and whether it is still that file.
//!
//! A file that was removed lives on for a process that has it open: it could be read for weeks, and what is written
//! to it is lost. The same holds for its write-ahead log, and a file that is overwritten in place is mixed with what
//! this process remembers of the old one. So the files are looked at before each transaction, which costs two system
//! calls.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

use super::sidecar::Sidecar;
use super::{Error, Result};

/// How long a file must stay the same before it is taken for complete.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// The same where the write-ahead log was removed: somebody is cleaning up by hand.
const SETTLED_AFTER_WAL: Duration = Duration::from_secs(5);
/// The bytes of the header of an SQLite file.
const HEADER_BYTES: usize = 100;

/// Why the file at the path must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It was not examined yet.
    Unexamined,
    /// Another file is in its place.
    Replaced,
    /// It was overwritten while it was open.
    Overwritten,
    /// It is shorter than it was.
    Truncated,
    /// Its write-ahead log was removed or replaced.
    WalRemoved,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unexamined => "the database file was not examined yet",
            Self::Replaced => "the database file was replaced while it was open",
            Self::Overwritten => "the database file was overwritten while it was open",
            Self::Truncated => "the database file was truncated while it was open",
            Self::WalRemoved => "the write-ahead log of the database was removed while it was open",
        })
    }
}

/// The file that is open, shared by all clones of a `Db`.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    state: Arc<Mutex<State>>,
    /// Commits whose outcome is not known.
    pub(super) uncertain: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    /// Why no transaction may begin, and since when.
    closed: Option<(Closed, Instant)>,
    known: Option<Known>,
    /// The last look at a file that may still be written, and since when it looks like that.
    watched: Option<(Shape, Instant)>,
}

/// What is known of the open file.
#[derive(Debug)]
struct Known {
    inode: u64,
    shape: Shape,
    wal_inode: Option<u64>,
    marks: Vec<u32>,
    /// Reads the header.
    file: Arc<File>,
    /// An idle connection, so that SQLite never removes the write-ahead log while the pools are empty.
    keeper: Option<ManuallyDrop<SqliteConnection>>,
    /// Whether the keeper must stay open until the process ends, see [`Opened::must_leave_wal`].
    leaves_wal: bool,
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take()
            && !self.leaves_wal
        {
            drop(ManuallyDrop::into_inner(keeper));
        }
    }
}

/// What changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub inode: u64,
    pub length: u64,
    /// Nanoseconds since 1970.
    pub modified: i128,
}

impl Shape {
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|about| Self::of(&about))
    }

    fn of(about: &Metadata) -> Self {
        let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        Self { inode: about.ino(), length: about.len(), modified }
    }
}

impl Opened {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No transaction begins until the file was examined and prepared.
    pub(super) fn close_until_examined(&self) {
        self.lock().closed = Some((Closed::Unexamined, Instant::now()));
    }

    /// Takes the file at `path` for the one that is open; `keeper` is a connection to it.
    ///
    /// # Errors
    /// Where the file can't be looked at.
    pub(super) fn open(&self, path: &Path, keeper: SqliteConnection) -> io::Result<()> {
        let file = descriptor(path)?;
        let shape = Shape::of(&file.metadata()?);
        let marks = Sidecar::read(path).map(|sidecar| sidecar.marks).unwrap_or_default();
        let wal_inode = inode(&beside(path, "-wal"));
        let keeper = Some(ManuallyDrop::new(keeper));
        let mut state = self.lock();
        *state = State {
            known: Some(Known { inode: shape.inode, shape, wal_inode, marks, file, keeper, leaves_wal: false }),
            ..State::default()
        };
        Ok(())
    }

    /// Whether the file was opened and may be used.
    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        state.closed.is_none() && state.known.is_some()
    }

    /// Why the file must not be used, where that is so.
    pub(super) fn closed(&self) -> Option<Closed> {
        self.lock().closed.map(|(closed, _)| closed)
    }

    /// Whether the file at `path` is still the one that is open. Once it was found to be another one, no transaction
    /// begins until it was examined; a file that is only missing may come back.
    ///
    /// # Errors
    /// `Unavailable` where it is not.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let mut state = self.lock();
        if let Some((closed, _)) = state.closed {
            return Err(Error::Unavailable(format!("{closed}: {}", path.display())));
        }
        let Some(known) = &mut state.known else { return Ok(()) };
        let Ok(shape) = Shape::at(path) else {
            return Err(Error::Unavailable(format!("the database file is gone: {}", path.display())));
        };
        let Some(closed) = known.difference(path, shape) else { return Ok(()) };
        known.leaves_wal = matches!(closed, Closed::Overwritten | Closed::Truncated);
        state.closed = Some((closed, Instant::now()));
        Err(Error::Unavailable(format!("{closed}: {}", path.display())))
    }

    /// Whether the file at `path` has stayed the same for long enough to be complete.
    pub(super) fn has_settled(&self, path: &Path) -> bool {
        let mut state = self.lock();
        let Ok(shape) = Shape::at(path) else { return false };
        let since = match state.watched {
            Some((watched, since)) if watched == shape => since,
            _ => Instant::now(),
        };
        state.watched = Some((shape, since));
        let needed = match state.closed {
            Some((Closed::WalRemoved, _)) => SETTLED_AFTER_WAL,
            _ => SETTLED_AFTER,
        };
        since.elapsed() >= needed
    }

    /// The inode of the write-ahead log of the file that was open.
    pub(super) fn wal_inode(&self) -> Option<u64> {
        self.lock().known.as_ref().and_then(|known| known.wal_inode)
    }

    /// The connection that keeps the write-ahead log, to be closed.
    pub(super) async fn close_keeper(&self) {
        let keeper = self.lock().known.as_mut().and_then(|known| known.keeper.take());
        if let Some(keeper) = keeper {
            // A connection to a file that is gone has nothing to lose.
            let _ = ManuallyDrop::into_inner(keeper).close().await;
        }
    }

    /// Whether closing the last connection would write the old write-ahead log into another database: SQLite does so
    /// where a file was overwritten in place.
    pub(super) fn must_leave_wal(&self, path: &Path) -> bool {
        let mut state = self.lock();
        let State { closed, known, .. } = &mut *state;
        let is_open_inode = known.as_ref().is_some_and(|known| inode(path) == Some(known.inode));
        match closed {
            Some((Closed::Overwritten | Closed::Truncated, _)) if is_open_inode => true,
            // Another file came in its place since.
            Some((closed @ (Closed::Overwritten | Closed::Truncated), _)) => {
                *closed = Closed::Replaced;
                if let Some(known) = known {
                    known.leaves_wal = false;
                }
                false
            }
            _ => false,
        }
    }
}

impl Known {
    /// What became of the file, whose shape is now `shape`; nothing where it is as it should be.
    fn difference(&mut self, path: &Path, shape: Shape) -> Option<Closed> {
        if shape.inode != self.inode {
            return Some(Closed::Replaced);
        }
        if shape.length < self.shape.length {
            return Some(Closed::Truncated);
        }
        // A checkpoint changes it; a copy of another database has another mark.
        if shape != self.shape {
            if !self.has_known_mark(path) {
                return Some(Closed::Overwritten);
            }
            self.shape = shape;
        }
        let wal_inode = inode(&beside(path, "-wal"));
        match self.wal_inode {
            Some(_) if wal_inode != self.wal_inode => return Some(Closed::WalRemoved),
            Some(_) => {}
            None => self.wal_inode = wal_inode,
        }
        None
    }

    fn has_known_mark(&mut self, path: &Path) -> bool {
        let mut header = [0; HEADER_BYTES];
        let Some(mark) = self.file.read_exact_at(&mut header, 0).ok().and_then(|()| mark_in(&header)) else {
            return false;
        };
        // Another server may have given the file a new mark.
        if !self.marks.contains(&mark) {
            self.marks = Sidecar::read(path).map(|sidecar| sidecar.marks).unwrap_or_default();
        }
        self.marks.is_empty() || self.marks.contains(&mark)
    }
}

/// A descriptor of the database file at `path`, the same for all who ask in this process, and never closed while the
/// file exists: POSIX drops all locks of a process on a file when the process closes any descriptor of it, and SQLite
/// relies on its locks.
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

/// The mark of the SQLite file at `path`.
///
/// # Errors
/// A sentence where the file can't be a complete SQLite database.
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

/// The user version in the header of an SQLite file: Candor writes a random one into each copy and each file it takes
/// up, so that two files of the same database are told apart.
fn mark_in(header: &[u8; HEADER_BYTES]) -> Option<u32> {
    let mark = u32::from_be_bytes([header[60], header[61], header[62], header[63]]);
    header.starts_with(b"SQLite format 3\0").then_some(mark)
}

/// The file whose name is that of `path` followed by `ending`.
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

/// The folder of `path`, for the names of files beside it.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the renames in `folder` permanent.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates the file and its folder for the owner only, where they are missing.
pub(super) fn create(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder(path))
        .map_err(|error| unavailable(path, &error))?;
    // Only a missing file is opened: closing a descriptor of an open one would drop its locks.
    if path.exists() {
        return Ok(());
    }
    match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unavailable(path, &error)),
        _ => Ok(()),
    }
}

/// Holds a lock beside the database until dropped: one process at a time examines, prepares or replaces the file.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = beside(path, ".lock");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let lock = options.open(file).map_err(|error| unavailable(path, &error))?;
    fs4::fs_std::FileExt::lock_exclusive(&lock).map_err(|error| unavailable(path, &error))?;
    Ok(lock)
}
