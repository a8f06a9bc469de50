//! Which copies of a page may still be shown after something was withdrawn: deleted, hidden or edited.
//!
//! Each publishing reads the audit rows that are new since the one before. Unless every one of them only adds
//! something, all copies that were rendered before are outdated. An unknown action counts as a withdrawal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::db::{self, Tx};
use crate::domain::audit::{Digest, Record};

/// The most audit rows that are judged one by one; more of them count as a withdrawal.
const MAX_ROWS: i64 = 500;

/// Counts withdrawals. A copy may be shown only while the count is what it was before the copy was rendered.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    count: AtomicU64,
    /// The newest audit row at the last look; the outer `None` before the first look.
    newest: Mutex<Option<Option<Digest>>>,
    /// The count when the Site was stored last.
    stored: AtomicU64,
}

impl Withdrawals {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Outdates every copy.
    pub(super) fn invalidate_all(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Judges the audit rows up to `newest`, which `tx` sees; whether every copy is outdated by them.
    pub(super) async fn follow(&self, tx: &mut Tx, newest: Option<&Digest>) -> db::Result<bool> {
        let before = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let withdrawn = match &before {
            // What a copy from before the first look is worth is not known.
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

    /// Notes that the Site of now is on the disk.
    pub(super) fn note_stored(&self) {
        self.stored.store(self.count(), Ordering::Release);
    }

    /// Whether the Site on the disk may show what was withdrawn.
    pub(super) fn invalidates_stored(&self) -> bool {
        self.stored.load(Ordering::Acquire) != self.count()
    }
}

/// Whether a row behind `before` may have withdrawn something, or the audit is another one, as after a restore.
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
