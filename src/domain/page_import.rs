//! Imports of a page from its address, started in the admin.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::PageImportId;

/// After this time without a sign of life an import has been interrupted.
const SILENCE_LIMIT: TimeDelta = TimeDelta::minutes(2);
/// While it compares or imports, it holds the write lock, so it can't give a sign of life.
const LOCKED_SILENCE_LIMIT: TimeDelta = TimeDelta::minutes(10);
/// Sentences of a kind that a summary keeps.
pub const MAX_NOTES: usize = 50;
/// Of a sentence, in characters.
pub const MAX_NOTE: usize = 400;

/// A program whose pages can be fetched from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSource {
    Statuspage,
    Instatus,
    OpenStatus,
    Upptime,
    IncidentIo,
}

impl ImportSource {
    pub const ALL: [Self; 5] = [Self::Statuspage, Self::Instatus, Self::OpenStatus, Self::Upptime, Self::IncidentIo];

    pub fn key(self) -> &'static str {
        match self {
            Self::Statuspage => "statuspage",
            Self::Instatus => "instatus",
            Self::OpenStatus => "openstatus",
            Self::Upptime => "upptime",
            Self::IncidentIo => "incident-io",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Statuspage => "Statuspage",
            Self::Instatus => "Instatus",
            Self::OpenStatus => "OpenStatus",
            Self::Upptime => "Upptime",
            Self::IncidentIo => "incident.io",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    Fetching,
    /// A dry run counts what would change.
    Comparing,
    /// The preview waits for a decision.
    Ready,
    Importing,
    Done,
    Failed,
    Interrupted,
    Discarded,
}

impl ImportState {
    const ALL: [Self; 8] = [
        Self::Fetching,
        Self::Comparing,
        Self::Ready,
        Self::Importing,
        Self::Done,
        Self::Failed,
        Self::Interrupted,
        Self::Discarded,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Comparing => "comparing",
            Self::Ready => "ready",
            Self::Importing => "importing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Discarded => "discarded",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Fetching => "Fetching",
            Self::Comparing => "Comparing",
            Self::Ready => "Preview ready",
            Self::Importing => "Importing",
            Self::Done => "Imported",
            Self::Failed => "Failed",
            Self::Interrupted => "Interrupted",
            Self::Discarded => "Discarded",
        }
    }

    /// Whether a task of a server works on it, or waits for a decision.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Fetching | Self::Comparing | Self::Ready | Self::Importing)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImport {
    pub id: PageImportId,
    pub source: ImportSource,
    pub address: String,
    /// As stored; see [`PageImport::state_at`].
    pub state: ImportState,
    pub progress: ImportProgress,
    /// What it would change, or changed.
    pub summary: Option<ImportSummary>,
    /// The manager's name.
    pub started_by: String,
    pub started_at: DateTime<Utc>,
    /// The last sign of life.
    pub seen_at: DateTime<Utc>,
}

impl PageImport {
    /// A live import whose server gives no sign of life has been interrupted.
    pub fn state_at(&self, now: DateTime<Utc>) -> ImportState {
        let limit = match self.state {
            ImportState::Comparing | ImportState::Importing => LOCKED_SILENCE_LIMIT,
            _ => SILENCE_LIMIT,
        };
        if self.state.is_live() && now - self.seen_at > limit { ImportState::Interrupted } else { self.state }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// What it does now; why it failed.
    pub step: String,
    /// Documents that were requested.
    pub documents: usize,
    /// Incidents that were fetched or imported, and their number if it is known.
    pub done: usize,
    pub total: usize,
}

/// What an import would change, or changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    pub kinds: Vec<KindSummary>,
    /// The first new components.
    pub components: Vec<String>,
    /// The newest new incidents and maintenances: begin and title.
    pub incidents: Vec<(DateTime<Utc>, String)>,
    pub maintenances: Vec<(DateTime<Utc>, String)>,
    pub unfetched: Notes,
    pub refusals: Notes,
    pub warnings: Notes,
    pub skips: Notes,
}

/// The counts of a kind of items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSummary {
    pub name: String,
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub skipped: usize,
    pub refused: usize,
}

/// The first sentences of a kind, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    pub first: Vec<String>,
    pub count: usize,
}

impl Notes {
    /// Sentences may quote the source: control characters are removed.
    pub fn new(sentences: &[String]) -> Self {
        let short = |sentence: &String| sentence.chars().filter(|c| !c.is_control()).take(MAX_NOTE).collect();
        Self { first: sentences.iter().take(MAX_NOTES).map(short).collect(), count: sentences.len() }
    }
}

impl ImportSummary {
    pub fn created(&self, name: &str) -> usize {
        self.kinds.iter().filter(|kind| kind.name == name).map(|kind| kind.created).sum()
    }

    /// Created and changed items.
    pub fn changes(&self) -> usize {
        self.kinds.iter().map(|kind| kind.created + kind.changed).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(state: ImportState, seen_at: DateTime<Utc>) -> PageImport {
        PageImport {
            id: PageImportId::parse("a").unwrap(),
            source: ImportSource::Statuspage,
            address: "https://status.example.org/".into(),
            state,
            progress: ImportProgress::default(),
            summary: None,
            started_by: "Ines".into(),
            started_at: seen_at,
            seen_at,
        }
    }

    #[test]
    fn live_import_without_a_sign_of_life_is_interrupted() {
        let seen = DateTime::UNIX_EPOCH;
        for (state, minutes, expected) in [
            (ImportState::Fetching, 2, ImportState::Fetching),
            (ImportState::Fetching, 3, ImportState::Interrupted),
            (ImportState::Comparing, 10, ImportState::Comparing),
            (ImportState::Comparing, 11, ImportState::Interrupted),
            (ImportState::Ready, 3, ImportState::Interrupted),
            (ImportState::Importing, 10, ImportState::Importing),
            (ImportState::Importing, 11, ImportState::Interrupted),
            (ImportState::Done, 1_000, ImportState::Done),
            (ImportState::Failed, 1_000, ImportState::Failed),
            (ImportState::Discarded, 1_000, ImportState::Discarded),
        ] {
            assert_eq!(
                import(state, seen).state_at(seen + TimeDelta::minutes(minutes)),
                expected,
                "{state:?} {minutes}"
            );
        }
    }

    #[test]
    fn notes_are_bounded_and_plain() {
        let notes = Notes::new(&vec!["a\u{1b}b".to_owned() + &"x".repeat(500); 60]);
        assert_eq!((notes.first.len(), notes.count), (MAX_NOTES, 60));
        assert!(notes.first[0].starts_with("abx") && notes.first[0].chars().count() == MAX_NOTE);
    }

    #[test]
    fn keys_are_unique() {
        for state in ImportState::ALL {
            assert_eq!(ImportState::from_key(state.key()), Some(state));
        }
        for source in ImportSource::ALL {
            assert_eq!(ImportSource::from_key(source.key()), Some(source));
        }
    }
}
