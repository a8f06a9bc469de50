//! Tracks withdrawals (deleting, hiding or editing content), after which older copies of a page may not be served.
//!
//! Each publish reads the audit rows since the previous one. Unless all of them only add content, every copy rendered
//! before is invalid. An unknown action counts as a withdrawal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::db::{self, Tx};
use crate::domain::audit::{Digest, Record};

/// The maximum number of audit rows examined; more rows count as a withdrawal.
const MAX_ROWS: i64 = 500;

/// A copy may be served only while `count` has the value from before the copy was rendered.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    count: AtomicU64,
    /// The newest audit row at the last check; the outer `None` means no check yet.
    newest: Mutex<Option<Option<Digest>>>,
    /// The value of `count` when the Site was last stored.
    stored: AtomicU64,
}

impl Withdrawals {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn invalidate_all(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Examines the audit rows up to `newest`; returns whether all copies are now invalid.
    pub(super) async fn follow(&self, tx: &mut Tx, newest: Option<&Digest>) -> db::Result<bool> {
        let before = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let withdrawn = match &before {
            // Nothing is known about copies from before the first check.
            None => true,
            Some(before) => before.as_ref() != newest && has_withdrawn(tx, before.as_ref()).await?,
        };
        if withdrawn {
            self.invalidate_all();
        }
        if before.is_none() {
            self.note_stored();
        }
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.cloned());
        Ok(withdrawn)
    }

    /// Records that the current Site is on disk.
    pub(super) fn note_stored(&self) {
        self.stored.store(self.count(), Ordering::Release);
    }

    /// Whether the Site on disk may contain withdrawn content.
    pub(super) fn invalidates_stored(&self) -> bool {
        self.stored.load(Ordering::Acquire) != self.count()
    }
}

/// Whether a row after `before` may be a withdrawal, or the audit log was replaced, as by a restore.
async fn has_withdrawn(tx: &mut Tx, before: Option<&Digest>) -> db::Result<bool> {
    if let Some(before) = before
        && db::audit_chain::find_row_hash(tx, before.id).await? != Some(before.hash.clone())
    {
        return Ok(true);
    }
    let rows = db::audit::list_since(tx, before.map_or(0, |before| before.id), MAX_ROWS + 1).await?;
    Ok(rows.len() as i64 > MAX_ROWS || rows.iter().any(Record::may_withdraw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn withdrawal_invalidates_stored_site() {
        let withdrawals = Withdrawals::default();
        assert!(!withdrawals.invalidates_stored());
        withdrawals.invalidate_all();
        assert!(withdrawals.invalidates_stored());
        withdrawals.note_stored();
        assert!(!withdrawals.invalidates_stored());
    }
}
