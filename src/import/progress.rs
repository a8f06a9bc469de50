//! The state of a running import.

use chrono::{DateTime, Utc};

use super::context::{ImportContext, ItemKind, Precedence};
use super::{ImportOptions, ImportReport, KindCounts, import_actor};
use crate::actions::postmortems;
use crate::db::{Result, WriteTx, audit};
use crate::domain::IncidentId;
use crate::domain::audit::{Entry, Record};

/// The import of one part in its transaction.
pub(super) struct Import<'a> {
    pub(super) known: &'a ImportContext,
    pub(super) options: &'a ImportOptions,
    pub(super) now: DateTime<Utc>,
    /// The index of the part.
    pub(super) document: usize,
    pub(super) report: ImportReport,
    pub(super) entries: Vec<Entry>,
}

impl<'a> Import<'a> {
    pub(super) fn new(
        known: &'a ImportContext,
        options: &'a ImportOptions,
        now: DateTime<Utc>,
        document: usize,
    ) -> Self {
        Self { known, options, now, document, report: ImportReport::default(), entries: Vec::new() }
    }
}

impl Import<'_> {
    /// Whether to import the item at `position` of its list. Another version of it is counted as unchanged; one in the
    /// same document is reported.
    pub(super) fn is_newest(
        &mut self,
        kind: ItemKind,
        (id, name): (&str, &str),
        position: usize,
        counts: impl Fn(&mut ImportReport) -> &mut KindCounts,
    ) -> bool {
        match self.known.precedence(kind, id, self.document, position) {
            Precedence::Imported => return true,
            Precedence::Elsewhere => {}
            Precedence::Repeated => self
                .report
                .warnings
                .push(format!("{id} “{name}” occurs twice in the file; the newest, or else the first, is imported")),
        }
        counts(&mut self.report).unchanged += 1;
        false
    }

    /// Counts and reports an item that people changed or deleted here.
    pub(super) fn skip(
        &mut self,
        change: LocalChange,
        (kind, id, name): (&str, &str, &str),
        counts: impl Fn(&mut ImportReport) -> &mut KindCounts,
    ) {
        counts(&mut self.report).skipped += 1;
        let reason = match change {
            LocalChange::Changed => "changed here since the last import, or not from an import",
            LocalChange::Deleted => "deleted here",
        };
        self.report.skips.push(format!("{kind} {id} “{name}”: {reason}"));
    }

    /// The converted item; a rejected one is counted and reported.
    pub(super) fn or_reject<T>(
        &mut self,
        planned: std::result::Result<T, String>,
        counts: impl Fn(&mut ImportReport) -> &mut KindCounts,
    ) -> Option<T> {
        planned
            .map_err(|refusal| {
                counts(&mut self.report).refused += 1;
                self.report.refusals.push(refusal);
            })
            .ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalChange {
    Changed,
    Deleted,
}

/// What someone other than an import last did to an item. The audit log also remembers what was deleted, so that an
/// import doesn't publish it again. `nouns` are those of the item's audit actions: ids of several kinds may be equal.
pub(super) async fn find_local_change(tx: &mut WriteTx, id: &str, nouns: &[&str]) -> Result<Option<LocalChange>> {
    let mut last = None;
    let mut subjects: Vec<(String, &str)> = nouns.iter().map(|noun| (id.to_owned(), *noun)).collect();
    if nouns.contains(&"incident") {
        subjects.extend(IncidentId::parse(id).map(|id| (postmortems::audit_id(&id), "postmortem")));
    }
    for (subject, noun) in subjects {
        let record = audit::find_latest_of(tx, &subject, noun).await?;
        last = std::cmp::max_by_key(last, record, |record: &Option<Record>| record.as_ref().map(|record| record.id));
    }
    Ok(match last {
        Some(record) if record.actor == import_actor() => None,
        Some(record) if record.action.ends_with(".delete") && !record.action.starts_with("postmortem") => {
            Some(LocalChange::Deleted)
        }
        _ => Some(LocalChange::Changed),
    })
}

/// Whether an item that is not stored was deleted here.
pub(super) async fn is_deleted_here(tx: &mut WriteTx, id: &str, nouns: &[&str]) -> Result<bool> {
    Ok(find_local_change(tx, id, nouns).await? == Some(LocalChange::Deleted))
}

pub(super) const INCIDENT_NOUNS: &[&str] = &["incident", "postmortem"];
pub(super) const MAINTENANCE_NOUNS: &[&str] = &["maintenance"];
pub(super) const COMPONENT_NOUNS: &[&str] = &["component"];
pub(super) const GROUP_NOUNS: &[&str] = &["group"];
pub(super) const TEMPLATE_NOUNS: &[&str] = &["template"];
