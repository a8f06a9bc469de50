//! Bringing a page from elsewhere: read the documents, decide what each thing becomes, write it.
//!
//! `source` reads, `plan` decides (both are pure), `apply` compares with the database and writes.
//! Ids are kept, so old links work and a second import changes nothing. What people changed here
//! since an import is never written over.

mod apply;
mod maintenances;
mod plan;
mod source;
mod text;

pub use source::{Source, Unreadable, read};

use chrono::{DateTime, Utc};

use self::apply::apply;
use self::plan::Known;
use crate::db::{self, Db, Result, components, desk};
use crate::domain::audit::Actor;

/// How an import is wanted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Who or what noticed the incidents first, for all of them.
    pub detected_by: Option<String>,
}

/// What became of the things of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub refused: usize,
}

/// What one document did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The page's settings: one thing.
    pub page: Counts,
    pub groups: Counts,
    pub components: Counts,
    pub incidents: Counts,
    pub maintenances: Counts,
    /// What was brought, but not as it stood; each names the thing.
    pub warnings: Vec<String>,
    /// What was not brought and why; each names the thing.
    pub refusals: Vec<String>,
}

impl Report {
    /// Whether nothing would be different afterwards.
    pub fn changes_nothing(&self) -> bool {
        [self.page, self.groups, self.components, self.incidents, self.maintenances]
            .iter()
            .all(|kind| kind.created + kind.changed == 0)
    }
}

/// Imports documents, each in a transaction of its own; calls `step` after each incident and maintenance.
///
/// # Errors
/// Where the database can't be read or written; what earlier documents brought stays.
pub async fn import(
    db: &Db,
    sources: &[Source],
    options: &Options,
    now: DateTime<Utc>,
    step: impl Fn(),
) -> Result<Vec<Report>> {
    let known = learn(db, sources).await?;
    let mut reports = Vec::new();
    for source in sources {
        let mut tx = db.write().await?;
        let (report, entries) = apply(&mut tx, source, &known, options, now, &step).await?;
        if !report.changes_nothing() {
            tx.commit_all(&actor(), now, &entries).await?;
        }
        reports.push(report);
    }
    Ok(reports)
}

/// Says what [`import`] would do: does it, in one transaction, and keeps nothing.
///
/// # Errors
/// Where the database can't be read or written.
pub async fn preview(
    db: &Db,
    sources: &[Source],
    options: &Options,
    now: DateTime<Utc>,
    step: impl Fn(),
) -> Result<Vec<Report>> {
    let known = learn(db, sources).await?;
    let mut tx = db.write().await?;
    let mut reports = Vec::new();
    for source in sources {
        reports.push(apply(&mut tx, source, &known, options, now, &step).await?.0);
    }
    Ok(reports)
}

/// What is known from the database and from all documents, whatever their order.
async fn learn(db: &Db, sources: &[Source]) -> Result<Known> {
    let mut known = Known::default();
    sources.iter().for_each(|source| known.learn(source));
    let mut tx = db.read().await?;
    let (groups, stored) = (components::groups(&mut tx).await?, components::list(&mut tx).await?);
    let (open, planned) = (desk::open(&mut tx).await?, db::maintenances::planned(&mut tx).await?);
    known.learn_stored(&groups, &stored, &open, &planned);
    Ok(known)
}

/// Who imports, for the audit.
fn actor() -> Actor {
    Actor { name: "import".into(), ..Actor::shell() }
}
