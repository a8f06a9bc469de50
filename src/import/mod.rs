//! Bringing a page from elsewhere: read the documents, decide what each thing becomes, write it.
//!
//! A [`Format`] reads (one file for each program that pages come from), `plan` decides (both are pure), `apply`
//! compares with the database and writes. Ids are kept, so old links work and a second import changes nothing. What
//! people changed here since an import is never written over.

mod cachet;
mod convert;
mod cstate;
mod feed_ids;
pub mod fetch;
mod files;
mod kuma;
mod maintenances;
mod postmortems;
mod progress;
mod reserved;
mod sanitize;
mod source;
mod statuspage;
mod templates;
mod write;

pub use cachet::Cachet;
pub use cstate::CState;
pub use files::{BrokenDocument, SourceFiles, SourceParts};
pub use kuma::Kuma;
pub use source::{Source, SourceError};
pub use statuspage::{Statuspage, read};

use std::path::Path;

use chrono::{DateTime, Utc};

use self::convert::ImportContext;
use self::reserved::replace_reserved_ids;
use self::write::write_source;
use crate::db::{self, Db, admin_incidents, components};
use crate::domain::audit::Actor;

/// What a program writes its page in.
pub trait Format: Sync {
    /// Whether a file of this path, in a folder that is imported, is a document of it.
    fn accepts(&self, path: &Path) -> bool;

    /// The id of the one incident that a file holds, where its path says so.
    fn single_incident_id(&self, _path: &Path) -> Option<String> {
        None
    }

    /// Reads one document, without the incidents and maintenances whose ids are not `wanted`.
    ///
    /// # Errors
    /// Where it is no such document; then nothing of it counts.
    fn read_document(&self, path: &Path, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError>;
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Document(#[from] BrokenDocument),
}

/// How an import is wanted.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Who or what noticed the incidents first, for all of them.
    pub detected_by: Option<String>,
}

/// What became of the things of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub refused: usize,
}

/// What one document did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The page's settings: one thing.
    pub page: KindCounts,
    pub groups: KindCounts,
    pub components: KindCounts,
    pub incidents: KindCounts,
    pub maintenances: KindCounts,
    pub templates: KindCounts,
    /// The ids by which feed readers know entries.
    pub feed_ids: KindCounts,
    /// What was brought, but not as it stood; each names the thing.
    pub warnings: Vec<String>,
    /// What was not brought and why; each names the thing.
    pub refusals: Vec<String>,
}

impl ImportReport {
    /// Whether nothing would be different afterwards.
    pub fn changes_nothing(&self) -> bool {
        self.kinds().iter().all(|(_, kind)| kind.created + kind.changed == 0)
    }

    /// What became of each kind, with its name.
    pub fn kinds(&self) -> [(&'static str, KindCounts); 7] {
        [
            ("page", self.page),
            ("groups", self.groups),
            ("components", self.components),
            ("incidents", self.incidents),
            ("maintenances", self.maintenances),
            ("templates", self.templates),
            ("feed entries", self.feed_ids),
        ]
    }

    /// Adds what another part did.
    pub fn extend(&mut self, other: ImportReport) {
        for (mine, more) in [
            (&mut self.page, other.page),
            (&mut self.groups, other.groups),
            (&mut self.components, other.components),
            (&mut self.incidents, other.incidents),
            (&mut self.maintenances, other.maintenances),
            (&mut self.templates, other.templates),
            (&mut self.feed_ids, other.feed_ids),
        ] {
            mine.created += more.created;
            mine.changed += more.changed;
            mine.unchanged += more.unchanged;
            mine.refused += more.refused;
        }
        self.warnings.extend(other.warnings);
        self.refusals.extend(other.refusals);
    }
}

/// How many incidents and maintenances the documents hold.
///
/// # Errors
/// Where one of them can't be read.
pub fn count_events<D: SourceParts + ?Sized>(documents: &D) -> Result<usize, BrokenDocument> {
    (0..documents.len()).map(|index| Ok(documents.part(index)?.count())).sum()
}

/// Imports documents, each part in a transaction of its own; calls `step` after each incident and maintenance.
///
/// # Errors
/// Where a document can't be read: then nothing is imported. Where the database can't be read or written: then
/// what earlier parts brought stays.
pub async fn import<D: SourceParts + ?Sized>(
    db: &Db,
    documents: &D,
    options: &ImportOptions,
    now: DateTime<Utc>,
    step: impl Fn(),
) -> Result<Vec<ImportReport>, ImportError> {
    let known = load_context(db, documents).await?;
    let mut reports = Vec::new();
    for index in 0..documents.len() {
        let source = replace_reserved_ids(documents.part(index)?);
        let mut tx = db.write().await?;
        let (report, entries) = write_source(&mut tx, &source, &known, options, now, &step).await?;
        if !report.changes_nothing() {
            tx.commit_all(&import_actor(), now, &entries).await?;
        }
        reports.push(report);
    }
    Ok(reports)
}

/// Says what [`import`] would do: does it, in one transaction, and keeps nothing.
///
/// # Errors
/// As [`import`].
pub async fn preview<D: SourceParts + ?Sized>(
    db: &Db,
    documents: &D,
    options: &ImportOptions,
    now: DateTime<Utc>,
    step: impl Fn(),
) -> Result<Vec<ImportReport>, ImportError> {
    let known = load_context(db, documents).await?;
    let mut tx = db.write().await?;
    let mut reports = Vec::new();
    for index in 0..documents.len() {
        let source = replace_reserved_ids(documents.part(index)?);
        reports.push(write_source(&mut tx, &source, &known, options, now, &step).await?.0);
    }
    Ok(reports)
}

/// What is known from the database and from all documents, whatever their order.
async fn load_context<D: SourceParts + ?Sized>(db: &Db, documents: &D) -> Result<ImportContext, ImportError> {
    let mut known = ImportContext::default();
    for index in 0..documents.len() {
        known.add_source(&replace_reserved_ids(documents.part(index)?));
    }
    let mut tx = db.read().await?;
    let (groups, stored) = (components::list_groups(&mut tx).await?, components::list(&mut tx).await?);
    let (open, planned) = (
        admin_incidents::list_open(&mut tx, None, MAX_OPEN_INCIDENTS).await?,
        db::maintenances::list_planned(&mut tx).await?,
    );
    known.add_stored(&groups, &stored, &open, &planned);
    Ok(known)
}

/// Of how many open incidents it is learned which components they name: those that are shown.
const MAX_OPEN_INCIDENTS: i64 = 100;

/// Who imports, for the audit.
fn import_actor() -> Actor {
    Actor { name: "import".into(), ..Actor::shell() }
}
