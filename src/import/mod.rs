//! Bringing a page from elsewhere: read the documents, decide what each thing becomes, write it.
//!
//! `source` reads, `plan` decides (both are pure), `apply` compares with the database and writes.
//! Ids are kept, so old links work and a second import changes nothing. What people changed here
//! since an import is never written over.

mod apply;
mod plan;
mod source;
mod text;

pub use apply::apply;
pub use plan::Known;
pub use source::{Source, Unreadable, read};

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
        [self.page, self.groups, self.components, self.incidents].iter().all(|kind| kind.created + kind.changed == 0)
    }
}

/// Who imports, for the audit.
pub fn actor() -> Actor {
    Actor { name: "import".into(), ..Actor::shell() }
}
