//! The Site: all hot documents of one revision. Immutable; replaced as a whole.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Document, Staleness};
use crate::db::DatabaseState;
use crate::private_folder::create_private_folder;
use crate::regular_file::{self, Links};

/// To be incremented when the file format changes. Files of another version are ignored.
const FORMAT_VERSION: u32 = 8;
/// The maximum size of the stored file.
const MAX_BYTES: u64 = 256 << 20;
/// An upper limit for the version and the digest at the start of the file.
const HEADER_BYTES: u64 = 64;
/// The name prefix of temporary files.
const UNFINISHED: &str = ".site-unfinished-";
/// A temporary file this old was left by a killed process.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Site {
    /// 0 for a Site that was never published.
    pub revision: i64,
    pub database: DatabaseState,
    /// When the database last confirmed this state.
    pub confirmed_at: DateTime<Utc>,
    /// Allows the inline stylesheet of these pages by its hash.
    pub content_security_policy: String,
    pub time_zone: Tz,
    /// Whether pages change every minute because something is ongoing.
    pub is_ongoing: bool,
    /// Set while the last confirmation is too old; every document then shows its age.
    pub staleness: Option<Staleness>,
    documents: HashMap<String, Arc<Document>>,
}

impl Site {
    pub fn new(
        revision: i64,
        confirmed_at: DateTime<Utc>,
        csp: String,
        time_zone: Tz,
        documents: HashMap<String, Arc<Document>>,
    ) -> Self {
        Self {
            revision,
            database: DatabaseState::default(),
            confirmed_at,
            content_security_policy: csp,
            time_zone,
            is_ongoing: false,
            staleness: None,
            documents,
        }
    }

    pub(super) fn with_ongoing(self, goes_on: bool) -> Self {
        Self { is_ongoing: goes_on, ..self }
    }

    pub(super) fn with_database(self, database: DatabaseState) -> Self {
        Self { database, ..self }
    }

    /// The cache version of on-demand pages: the revision, and the day in the page's time zone, or the minute while
    /// something is ongoing. Derived from `confirmed_at`, so it stays the same during a database outage.
    pub(super) fn edition(&self) -> (i64, i64) {
        let day = i64::from(self.confirmed_at.with_timezone(&self.time_zone).num_days_from_ce());
        let minute = self.confirmed_at.timestamp().div_euclid(60);
        (self.revision, if self.is_ongoing { minute } else { day })
    }

    /// A copy with the stale notice in every document but the error pages.
    pub fn as_stale(&self) -> Self {
        let age = Staleness { confirmed_at: self.confirmed_at, time_zone: self.time_zone };
        let aged = |(path, document): (&String, &Arc<Document>)| {
            let old = if path.starts_with('/') { Arc::new(document.as_stale(&age)) } else { document.clone() };
            (path.clone(), old)
        };
        let documents = self.documents.iter().map(aged).collect();
        Self { documents, staleness: Some(age), ..self.clone() }
    }

    pub fn document(&self, path: &str) -> Option<&Arc<Document>> {
        self.documents.get(path)
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &Arc<Document>)> {
        self.documents.iter().map(|(path, document)| (path.as_str(), document))
    }

    pub fn error(&self, status: u16) -> Option<&Arc<Document>> {
        self.documents.get(error_path(status).as_str())
    }

    /// Every document except error pages, with its path.
    pub fn pages(&self) -> impl Iterator<Item = (&str, &Document)> {
        let pages = self.documents.iter().filter(|(path, _)| path.starts_with('/'));
        pages.map(|(path, document)| (path.as_str(), document.as_ref()))
    }

    /// Writes the Site to `file` atomically. On an error the previous file remains.
    pub fn store(&self, file: &Path) -> anyhow::Result<()> {
        let folder = file.parent().context("the Site needs a folder")?;
        create_private_folder(folder).with_context(|| format!("creating {}", folder.display()))?;
        let mut fresh = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).context("writing the Site")?;
        let body = postcard::to_stdvec(self)?;
        ensure!((body.len() as u64) < MAX_BYTES - HEADER_BYTES, "the page is larger than {MAX_BYTES} bytes");
        fresh.write_all(&postcard::to_stdvec(&(FORMAT_VERSION, body_digest(&body)))?).context("writing the Site")?;
        fresh.write_all(&body).context("writing the Site")?;
        fresh.as_file().sync_all().context("writing the Site")?;
        fresh.persist(file).context("writing the Site")?;
        Ok(())
    }

    /// Reads the stored Site and logs why a file is unusable. Also removes temporary files left by killed processes.
    pub(super) fn load_stored(file: &Path) -> StoredSite {
        remove_unfinished(file);
        match Self::read(file) {
            Ok(site) => StoredSite::Site(Box::new(site)),
            Err(_) if is_absent(file) => StoredSite::Nothing,
            Err(error) => {
                tracing::warn!("the stored page can't be used: {error:#}");
                StoredSite::Unreadable
            }
        }
    }

    /// Reads a file written by [`Site::store`]. Refuses links, special files and files over the size limit.
    ///
    /// # Errors
    /// If the file is missing, damaged or of another format version.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = regular_file::read(file, MAX_BYTES, Links::Refused)
            .with_context(|| format!("reading {}", file.display()))?;
        let (format, rest): (u32, &[u8]) = postcard::take_from_bytes(&bytes)?;
        ensure!(format == FORMAT_VERSION, "{} has another format", file.display());
        let (written, body): ([u8; 32], &[u8]) = postcard::take_from_bytes(rest)?;
        ensure!(body_digest(body) == written, "{} is damaged", file.display());
        Ok(postcard::from_bytes(body)?)
    }
}

/// The result of reading the stored Site.
pub(super) enum StoredSite {
    Nothing,
    /// A file exists but can't be read.
    Unreadable,
    Site(Box<Site>),
}

/// Whether no file has this name, not even a dangling link.
fn is_absent(file: &Path) -> bool {
    file.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn body_digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// Removes temporary files of killed processes. Failures don't matter.
fn remove_unfinished(file: &Path) {
    let entries = file.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let written_at = entry.metadata().and_then(|about| about.modified()).ok();
        let is_left = written_at.and_then(|at| at.elapsed().ok()).is_some_and(|ago| ago > ABANDONED_AFTER);
        if is_left && entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The key of the page for an unavailable filtered view; no request path has this form.
pub(super) const FILTER_UNAVAILABLE: &str = "error:filter";

/// The key of an error page; no request path has this form.
pub(super) fn error_path(status: u16) -> String {
    format!("error:{status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_site_is_read_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site");
        let page = Arc::new(Document::html(200, "hello".into()));
        let site = Site::new(
            7,
            DateTime::UNIX_EPOCH,
            "default-src 'none'".into(),
            Tz::UTC,
            HashMap::from([("/".to_owned(), page.clone())]),
        );
        site.store(&file).unwrap();
        let again = Site::read(&file).unwrap();
        assert_eq!((again.revision, again.document("/")), (7, Some(&page)));
        std::fs::write(&file, b"half a Si").unwrap();
        assert!(Site::read(&file).is_err());
    }
}
