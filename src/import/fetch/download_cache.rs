//! The folder in which fetched documents are kept.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use url::Url;

use crate::private_folder::create_private_folder;

/// Says from where the documents are.
const SOURCE_FILE: &str = "from";
/// Says that they were imported.
const IMPORTED_FILE: &str = "imported";

/// Documents that were fetched, by the paths of their addresses.
pub struct DownloadCache {
    folder: PathBuf,
}

impl DownloadCache {
    /// The folder for what is fetched from `url`: empty after an import, or where everything is wanted `anew`; else
    /// with what was fetched before.
    ///
    /// # Errors
    /// Where it can't be used, or holds something else.
    pub fn open(folder: &Path, url: &Url, anew: bool) -> anyhow::Result<Self> {
        let keep = Self { folder: folder.to_owned() };
        match std::fs::read_to_string(folder.join(SOURCE_FILE)) {
            Ok(from) if from != url.as_str() => {
                bail!("{} is the cache of {from}: choose another folder with --keep", folder.display())
            }
            Ok(_) if anew || keep.has(IMPORTED_FILE) => {
                std::fs::remove_dir_all(folder).with_context(|| keep.write_error())?
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

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says that everything was imported.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn mark_imported(&self) -> anyhow::Result<()> {
        self.put(IMPORTED_FILE, b"")
    }

    /// Whether the document `name` was fetched.
    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// The document `name`, if it was fetched.
    pub fn document(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(name)).ok()
    }

    /// Keeps a document: wholly, or not at all.
    ///
    /// # Errors
    /// Where it can't be written.
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
