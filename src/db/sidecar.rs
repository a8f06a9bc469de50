//! The note beside an SQLite database that says to which file its write-ahead log belongs.
//!
//! SQLite replays any `-wal` it finds into the database of that name. Where a backup was put in the place of the
//! database after a crash, that would mix the two. `PATH.identity` names the marks the database file may carry, and
//! its length and time when a server last saw it.

use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};
use serde::{Deserialize, Serialize};

use super::disk_file::{Shape, beside, descriptor, folder, read_mark};
use super::{Error, Result};

/// Where SQLite locks a database file, and how many bytes: PENDING_BYTE and what follows it.
const LOCK_START: u64 = 0x4000_0000;
const LOCK_BYTES: u64 = 512;

/// What the note says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    /// The marks that the header of the file may carry.
    pub marks: Vec<u32>,
    length: u64,
    /// Nanoseconds since 1970, as text: JSON has no numbers of that size.
    modified: String,
}

/// Whose write-ahead log lies beside a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wal {
    /// There is none, or an empty one.
    Absent,
    /// That of this file.
    Own,
    /// That of another file.
    Foreign,
    /// The note does not decide it: the content has to.
    Unknown,
}

impl Sidecar {
    /// The note beside the database at `path`, if there is one that can be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file(path)).ok()?).ok()
    }

    /// A note of the file at `path` as it is now.
    pub(super) fn of(path: &Path, marks: Vec<u32>) -> Result<Self> {
        let shape = Shape::at(path).map_err(Error::other)?;
        Ok(Self { marks, length: shape.length, modified: shape.modified.to_string() })
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        use std::io::Write as _;
        let write = || {
            let mut fresh = tempfile::Builder::new().prefix(".identity-").tempfile_in(folder(path))?;
            fresh.write_all(&serde_json::to_vec(self)?)?;
            fresh.persist(file(path)).map_err(|error| error.error)?;
            std::io::Result::Ok(())
        };
        write().map_err(|error| Error::Unavailable(format!("{}: {error}", file(path).display())))
    }

    /// Whether the file at `path` is the same to the byte as far as its length and time tell.
    fn fits(&self, shape: Shape) -> bool {
        self.length == shape.length && self.modified == shape.modified.to_string()
    }
}

/// Whether the file at `path` is one that was opened here before.
pub(super) fn is_known(path: &Path) -> bool {
    let (Some(sidecar), Ok(shape)) = (Sidecar::read(path), Shape::at(path)) else { return false };
    sidecar.fits(shape)
}

/// Notes the length and time of the file at `path` where they changed, as after a checkpoint.
pub(super) fn refresh(path: &Path) -> Result<()> {
    match Sidecar::read(path) {
        Some(sidecar) if !is_known(path) => Sidecar::of(path, sidecar.marks)?.write(path),
        _ => Ok(()),
    }
}

/// Whose the write-ahead log beside `path` is.
///
/// # Errors
/// `Unavailable` where the file is not the one that another process has open.
pub(super) fn owner_of_wal(path: &Path) -> Result<Wal> {
    if std::fs::metadata(beside(path, "-wal")).map_or(0, |wal| wal.len()) == 0 {
        return Ok(Wal::Absent);
    }
    let sidecar = Sidecar::read(path);
    let Ok(mark) = read_mark(path) else { return Ok(Wal::Unknown) };
    let is_used = is_open_elsewhere(path);
    match sidecar {
        Some(sidecar) if !sidecar.marks.contains(&mark) => match is_used {
            true => Err(Error::Unavailable("the database file was overwritten while another process uses it".into())),
            false => Ok(Wal::Foreign),
        },
        Some(sidecar) if Shape::at(path).is_ok_and(|shape| sidecar.fits(shape)) => Ok(Wal::Own),
        _ if is_used => Ok(Wal::Own),
        _ => Ok(Wal::Unknown),
    }
}

/// Whether another process holds a lock of SQLite on the file at `path`.
fn is_open_elsewhere(path: &Path) -> bool {
    let Ok(file) = descriptor(path) else { return false };
    let lock = Flock {
        start: LOCK_START,
        length: LOCK_BYTES,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    fcntl_getlk(&file, &lock).is_ok_and(|held| held.is_some())
}

fn file(path: &Path) -> PathBuf {
    beside(path, ".identity")
}
