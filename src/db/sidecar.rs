//! `PATH.identity`, which records the database file that a write-ahead log belongs to.
//!
//! SQLite replays any `-wal` file it finds beside a database. If a backup replaces the database after a crash, this
//! mixes the two. The sidecar holds the marks that the file may carry, and its length and modification time when a
//! server last saw it.

use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};
use serde::{Deserialize, Serialize};

use super::disk_file::{Shape, beside, descriptor, folder, read_mark};
use super::{Error, Result};

/// SQLite's lock bytes start at PENDING_BYTE.
const LOCK_START: u64 = 0x4000_0000;
const LOCK_BYTES: u64 = 512;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub marks: Vec<u32>,
    length: u64,
    /// Nanoseconds since 1970, as text, because JSON numbers are not exact at this size.
    modified: String,
}

/// Which database file the write-ahead log belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wal {
    /// Missing or empty.
    Absent,
    Own,
    Foreign,
    /// The sidecar doesn't say; only the content shows.
    Unknown,
}

impl Sidecar {
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file(path)).ok()?).ok()
    }

    pub(super) fn of(path: &Path, marks: Vec<u32>) -> Result<Self> {
        let shape = Shape::at(path).map_err(Error::other)?;
        Ok(Self { marks, length: shape.length, modified: shape.modified.to_string() })
    }

    /// Writes the sidecar atomically.
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

    /// Compares length and modification time only.
    fn fits(&self, shape: Shape) -> bool {
        self.length == shape.length && self.modified == shape.modified.to_string()
    }
}

/// Whether this file was opened here before and has not changed.
pub(super) fn is_known(path: &Path) -> bool {
    let (Some(sidecar), Ok(shape)) = (Sidecar::read(path), Shape::at(path)) else { return false };
    sidecar.fits(shape)
}

/// Updates length and modification time, which a checkpoint changes.
pub(super) fn refresh(path: &Path) -> Result<()> {
    match Sidecar::read(path) {
        Some(sidecar) if !is_known(path) => Sidecar::of(path, sidecar.marks)?.write(path),
        _ => Ok(()),
    }
}

/// Which file the write-ahead log beside `path` belongs to. `Unavailable` if the file was overwritten while another
/// process has it open.
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

/// Whether another process holds an SQLite lock on the file.
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
