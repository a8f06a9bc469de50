//! The state of a running import.

use chrono::{DateTime, Utc};

use super::convert::ImportContext;
use super::{ImportOptions, ImportReport, KindCounts, import_actor};
use crate::db::{Result, WriteTx, audit};
use crate::domain::audit::Entry;

/// The import of one part in its transaction.
pub(super) struct Import<'a> {
    pub(super) known: &'a ImportContext,
    pub(super) options: &'a ImportOptions,
    pub(super) now: DateTime<Utc>,
    pub(super) report: ImportReport,
    pub(super) entries: Vec<Entry>,
}

impl Import<'_> {
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

/// Whether the last change of this item was made by someone other than an import.
pub(super) async fn is_changed_locally(tx: &mut WriteTx, id: &str) -> Result<bool> {
    let last = audit::find_latest(tx, id).await?;
    Ok(last.is_none_or(|record| record.actor != import_actor()))
}

pub(super) fn skipped_message(kind: &str, id: &str, name: &str) -> String {
    format!("{kind} {id} “{name}”: skipped: changed locally since the last import, or not from an import")
}
