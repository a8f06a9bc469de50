//! Which file an SQLite database was opened from.
//!
//! A file that was removed lives on for whoever has it open: it could be read for weeks, and what is written
//! to it is lost. So before each transaction the file is looked at, which costs a microsecond.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Error, Result};

/// The number of the file's inode; 0 until it is known.
#[derive(Clone, Debug, Default)]
pub struct Opened(Arc<AtomicU64>);

impl Opened {
    /// Takes the file at `path` for the one that is open.
    pub(super) fn note(&self, path: &Path) {
        self.0.store(inode(path).unwrap_or(0), Relaxed);
    }

    /// Whether the file at `path` is still the one that is open.
    ///
    /// # Errors
    /// `Unavailable` where it is not.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let known = self.0.load(Relaxed);
        match inode(path) {
            _ if known == 0 => Ok(()),
            Some(inode) if inode == known => Ok(()),
            Some(_) => Err(Error::Unavailable(format!("{} was replaced while it was open", path.display()))),
            None => Err(Error::Unavailable(format!("{} is gone", path.display()))),
        }
    }

    /// Whether another file stands in its place.
    pub(super) fn is_replaced(&self, path: &Path) -> bool {
        let known = self.0.load(Relaxed);
        known != 0 && inode(path).is_some_and(|inode| inode != known)
    }
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.ino())
}

/// Creates the file and its folder for the owner only, and holds a lock beside it until dropped.
pub(super) fn lock(path: &Path) -> Result<std::fs::File> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let away = |error: std::io::Error| Error::Unavailable(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(away)?;
    }
    let private = || {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        options
    };
    private().open(path).map_err(away)?;
    let lock = private().open(format!("{}.lock", path.display())).map_err(away)?;
    fs4::fs_std::FileExt::lock_exclusive(&lock).map_err(away)?;
    Ok(lock)
}
