//! Imports status pages from other programs: reads documents, converts items, writes them.
//!
//! A [`Format`] reads the documents of one program, `convert` converts them (both are pure), `write` compares with the
//! database and writes. Ids are kept, so old links work and a second import changes nothing. Local changes since the
//! last import are never overwritten.

mod cachet;
mod context;
mod convert;
mod cstate;
mod feed;
mod feed_ids;
pub mod fetch;
mod files;
mod hosted_source;
mod html;
mod incident_io;
mod instatus;
mod json;
mod kuma;
mod maintenances;
mod openstatus;
mod order;
pub mod page_import;
mod postmortems;
mod progress;
mod reserved;
mod sanitize;
mod source;
mod statuspage;
pub mod subscriber_list;
mod templates;
mod times;
mod upptime;
mod write;
mod zones;

pub use cachet::Cachet;
pub use cstate::CState;
pub use files::{BrokenDocument, SourceFiles, SourceParts};
pub use hosted_source::{documents_url, fetch_hosted_page, source_format};
pub use incident_io::IncidentIo;
pub use instatus::Instatus;
pub use kuma::Kuma;
pub use openstatus::OpenStatus;
pub use source::{Source, SourceError};
pub use statuspage::{Statuspage, read};
pub use upptime::Upptime;

use std::path::Path;

use chrono::{DateTime, Utc};

use self::context::ImportContext;
use self::progress::Import;
use self::reserved::replace_reserved_ids;
use self::write::write_source;
use crate::db::{self, Db, admin_incidents, components};
use crate::domain::audit::Actor;

/// The file format of another program.
pub trait Format: Sync {
    /// Whether a file at this path in an imported folder is a document of this format.
    fn accepts(&self, path: &Path) -> bool;

    /// The id of the only incident in the file, if the path tells it.
    fn single_incident_id(&self, _path: &Path) -> Option<String> {
        None
    }

    /// Reads one document, skipping incidents and maintenances whose ids are not `wanted`.
    fn read_document(&self, path: &Path, bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Document(#[from] BrokenDocument),
}

#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// "Detected by" of all imported incidents.
    pub detected_by: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
    /// Changed or deleted here since the last import.
    pub skipped: usize,
    /// Could not be read.
    pub refused: usize,
}

/// The result of importing one part, or of a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The page settings count as one item.
    pub page: KindCounts,
    pub groups: KindCounts,
    pub components: KindCounts,
    pub incidents: KindCounts,
    pub maintenances: KindCounts,
    pub templates: KindCounts,
    pub feed_ids: KindCounts,
    /// Entries of an unknown kind.
    pub others: KindCounts,
    /// Items imported with changes; each message names the item.
    pub warnings: Vec<String>,
    /// Items left alone, because people changed or deleted them here or they are hidden; each message names the item.
    pub skips: Vec<String>,
    /// Rejected items with the reason; each message names the item.
    pub refusals: Vec<String>,
    /// The first created components.
    pub new_components: Vec<String>,
    /// The newest created incidents and maintenances, newest first: begin and title.
    pub new_incidents: Vec<(DateTime<Utc>, String)>,
    pub new_maintenances: Vec<(DateTime<Utc>, String)>,
}

/// Created items of a kind that a report names.
pub const MAX_NAMED_ITEMS: usize = 10;

impl ImportReport {
    pub fn changes_nothing(&self) -> bool {
        self.kinds().iter().all(|(_, kind)| kind.created + kind.changed == 0)
    }

    pub fn kinds(&self) -> [(&'static str, KindCounts); 8] {
        [
            ("page", self.page),
            ("groups", self.groups),
            ("components", self.components),
            ("incidents", self.incidents),
            ("maintenances", self.maintenances),
            ("templates", self.templates),
            ("feed entries", self.feed_ids),
            ("other entries", self.others),
        ]
    }

    pub fn extend(&mut self, other: ImportReport) {
        for (mine, more) in [
            (&mut self.page, other.page),
            (&mut self.groups, other.groups),
            (&mut self.components, other.components),
            (&mut self.incidents, other.incidents),
            (&mut self.maintenances, other.maintenances),
            (&mut self.templates, other.templates),
            (&mut self.feed_ids, other.feed_ids),
            (&mut self.others, other.others),
        ] {
            mine.created += more.created;
            mine.changed += more.changed;
            mine.unchanged += more.unchanged;
            mine.skipped += more.skipped;
            mine.refused += more.refused;
        }
        self.warnings.extend(other.warnings);
        self.skips.extend(other.skips);
        self.refusals.extend(other.refusals);
        self.new_components.extend(other.new_components);
        self.new_components.truncate(MAX_NAMED_ITEMS);
        for (at, title) in other.new_incidents {
            name_newest(&mut self.new_incidents, at, &title);
        }
        for (at, title) in other.new_maintenances {
            name_newest(&mut self.new_maintenances, at, &title);
        }
    }
}

/// Adds an item to the newest ones.
fn name_newest(items: &mut Vec<(DateTime<Utc>, String)>, at: DateTime<Utc>, title: &str) {
    let place = items.partition_point(|(other, _)| *other >= at);
    if place < MAX_NAMED_ITEMS {
        items.insert(place, (at, title.to_owned()));
        items.truncate(MAX_NAMED_ITEMS);
    }
}

/// The number of incidents and maintenances in the documents.
pub fn count_events<D: SourceParts + ?Sized>(documents: &D) -> Result<usize, BrokenDocument> {
    (0..documents.len()).map(|index| Ok(documents.part(index)?.count())).sum()
}

/// Imports each part in a transaction of its own; calls `step` after each incident and maintenance.
///
/// # Errors
/// If a document can't be read, nothing is imported. After a database error, parts imported before it remain.
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
        let mut import = Import::new(&known, options, now, index);
        write_source(&mut import, &mut tx, &source, &step).await?;
        let Import { report, entries, .. } = import;
        if !report.changes_nothing() {
            tx.commit_all(&import_actor(), now, &entries).await?;
        }
        reports.push(report);
    }
    Ok(reports)
}

/// A dry run: imports everything in one transaction and rolls back.
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
        let mut import = Import::new(&known, options, now, index);
        write_source(&mut import, &mut tx, &source, &step).await?;
        reports.push(import.report);
    }
    Ok(reports)
}

/// Loads names from the database and from all documents first, so that their order doesn't matter.
async fn load_context<D: SourceParts + ?Sized>(db: &Db, documents: &D) -> Result<ImportContext, ImportError> {
    let mut known = ImportContext::default();
    for index in 0..documents.len() {
        known.add_source(index, &replace_reserved_ids(documents.part(index)?));
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

/// The maximum number of open incidents whose components are loaded.
const MAX_OPEN_INCIDENTS: i64 = 100;

fn import_actor() -> Actor {
    Actor { name: "import".into(), ..Actor::shell() }
}
