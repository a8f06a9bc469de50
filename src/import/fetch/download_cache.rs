//! The cache folder for fetched documents.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use url::Url;

use crate::private_folder::create_private_folder;

/// The file with the source's URL.
const SOURCE_FILE: &str = "from";
/// Exists once the documents were imported.
const IMPORTED_FILE: &str = "imported";

/// Fetched documents, by URL path.
pub struct DownloadCache {
    folder: PathBuf,
}

impl DownloadCache {
    /// Opens the cache for `url`. It is emptied after an import or with `restart`. Fails if the folder holds other files
    /// or the cache of another URL.
    pub fn open(folder: &Path, url: &Url, restart: bool) -> anyhow::Result<Self> {
        let keep = Self { folder: folder.to_owned() };
        match std::fs::read_to_string(folder.join(SOURCE_FILE)) {
            Ok(from) if from != url.as_str() => {
                bail!("{} is the cache of {from}: choose another folder with --keep", folder.display())
            }
            Ok(_) if restart || keep.has(IMPORTED_FILE) => {
                std::fs::remove_dir_all(folder).with_context(|| keep.write_error())?;
            }
            Ok(_) => return Ok(keep),
            Err(_) if folder.exists() && std::fs::read_dir(folder)?.next().is_some() => {
                bail!("{} is not a cache folder: choose another folder with --keep", folder.display())
            }
            Err(_) => {}
        }
        keep.put(SOURCE_FILE, url.as_str().as_bytes())?;
        Ok(keep)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn mark_imported(&self) -> anyhow::Result<()> {
        self.put(IMPORTED_FILE, b"")
    }

    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    pub fn document(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(name)).ok()
    }

    /// Stores a document atomically.
    pub fn put(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let file = self.folder.join(name);
        let folder = file.parent().unwrap_or(&self.folder);
        create_private_folder(folder).with_context(|| self.write_error())?;
        let mut half = tempfile::NamedTempFile::new_in(folder).with_context(|| self.write_error())?;
        std::io::Write::write_all(&mut half, bytes).with_context(|| self.write_error())?;
        half.persist(&file).with_context(|| self.write_error())?;
        Ok(())
    }

    fn write_error(&self) -> String {
        format!("caching fetched files in {}", self.folder.display())
    }
}
