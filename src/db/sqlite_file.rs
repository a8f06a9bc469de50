//! Checks before each transaction, with two system calls, that the open SQLite file is still the file at its path.
//!
//! A process can read and write a removed file for weeks, but its writes are lost. The same holds for a removed
//! write-ahead log. If a file is overwritten in place, SQLite mixes its content with cached pages of the old one.

use std::fmt;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

use super::changes::Changes;
use super::disk_file::{Shape, beside, descriptor, inode, mark_of};
use super::sidecar::Sidecar;
use super::{Error, Result};

/// How long a file must stay unchanged to count as complete.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// Longer if the write-ahead log was removed, because an operator may be cleaning up.
const SETTLED_AFTER_WAL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    Unexamined,
    Replaced,
    Overwritten,
    Truncated,
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

/// The open file, shared by all clones of a `Db`.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    state: Arc<Mutex<State>>,
    /// Commits whose outcome is unknown.
    pub(super) uncertain: Arc<AtomicU64>,
    pub(super) changes: Changes,
}

#[derive(Debug, Default)]
struct State {
    /// Why and since when no transaction may begin.
    closed: Option<(Closed, Instant)>,
    known: Option<Known>,
    /// The last seen shape of a file that may still be written, and since when it has had it.
    watched: Option<(Shape, Instant)>,
}

#[derive(Debug)]
struct Known {
    inode: u64,
    shape: Shape,
    wal_inode: Option<u64>,
    marks: Vec<u32>,
    /// For reading the header.
    file: Arc<File>,
    /// An idle connection, so that SQLite keeps the write-ahead log while the pools are empty.
    held_connection: Option<ManuallyDrop<SqliteConnection>>,
    /// Whether the keeper must stay open until the process ends, see [`Opened::must_leave_wal`].
    leaves_wal: bool,
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(held_connection) = self.held_connection.take()
            && !self.leaves_wal
        {
            drop(ManuallyDrop::into_inner(held_connection));
        }
    }
}

impl Opened {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses transactions until the file is examined and prepared.
    pub(super) fn close_until_examined(&self) {
        self.lock().closed = Some((Closed::Unexamined, Instant::now()));
    }

    /// Records the file at `path` as open; `keeper` is a connection to it.
    pub(super) fn open(&self, path: &Path, held_connection: SqliteConnection) -> io::Result<()> {
        let file = descriptor(path)?;
        let shape = Shape::of(&file.metadata()?);
        let marks = Sidecar::read(path).map(|sidecar| sidecar.marks).unwrap_or_default();
        let wal_inode = inode(&beside(path, "-wal"));
        let held_connection = Some(ManuallyDrop::new(held_connection));
        let mut state = self.lock();
        *state = State {
            known: Some(Known {
                inode: shape.inode,
                shape,
                wal_inode,
                marks,
                file,
                held_connection,
                leaves_wal: false,
            }),
            ..State::default()
        };
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        state.closed.is_none() && state.known.is_some()
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.lock().closed.map(|(closed, _)| closed)
    }

    /// Fails unless the file at `path` is the open one. Another file closes the database until it is examined; a
    /// missing file may come back.
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

    /// Whether the file has stayed unchanged for long enough to be complete.
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

    pub(super) fn wal_inode(&self) -> Option<u64> {
        self.lock().known.as_ref().and_then(|known| known.wal_inode)
    }

    pub(super) async fn close_held_connection(&self) {
        let held_connection = self.lock().known.as_mut().and_then(|known| known.held_connection.take());
        if let Some(held_connection) = held_connection {
            // A failed close loses nothing: the file is gone.
            let _ = ManuallyDrop::into_inner(held_connection).close().await;
        }
    }

    /// Whether closing the last connection would write the old write-ahead log into another database. SQLite does so
    /// where a file was overwritten in place.
    pub(super) fn must_leave_wal(&self, path: &Path) -> bool {
        let mut state = self.lock();
        let State { closed, known, .. } = &mut *state;
        let is_open_inode = known.as_ref().is_some_and(|known| inode(path) == Some(known.inode));
        match closed {
            Some((Closed::Overwritten | Closed::Truncated, _)) if is_open_inode => true,
            // Another file has replaced the overwritten one.
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
    /// Compares the file with its last known `shape`; `None` if it is still the open file.
    fn difference(&mut self, path: &Path, shape: Shape) -> Option<Closed> {
        if shape.inode != self.inode {
            return Some(Closed::Replaced);
        }
        if shape.length < self.shape.length {
            return Some(Closed::Truncated);
        }
        // A checkpoint changes the shape but not the mark; a copy of another database has another mark.
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
        // Another server may have written a new mark.
        if !self.marks.contains(&mark) {
            self.marks = Sidecar::read(path).map(|sidecar| sidecar.marks).unwrap_or_default();
        }
        self.marks.is_empty() || self.marks.contains(&mark)
    }
}
