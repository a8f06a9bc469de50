//! Which file an SQLite database was opened from, and whether it is still that file.
//!
//! A file that was removed lives on for a process that has it open: it could be read for weeks, and what is written
//! to it is lost. The same holds for its write-ahead log, and a file that is overwritten in place is mixed with what
//! this process remembers of the old one. So the files are looked at before each transaction, which costs two system
//! calls.

use std::fmt;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

use super::disk_file::{Shape, beside, descriptor, inode, mark_of};
use super::sidecar::Sidecar;
use super::{Error, Result};

/// How long a file must stay the same before it is taken for complete.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// The same where the write-ahead log was removed: somebody is cleaning up by hand.
const SETTLED_AFTER_WAL: Duration = Duration::from_secs(5);

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
        let Some(mark) = mark_of(&self.file) else { return false };
        // Another server may have given the file a new mark.
        if !self.marks.contains(&mark) {
            self.marks = Sidecar::read(path).map(|sidecar| sidecar.marks).unwrap_or_default();
        }
        self.marks.is_empty() || self.marks.contains(&mark)
    }
}
