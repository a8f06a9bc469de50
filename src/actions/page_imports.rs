//! Imports of pages that are started in the admin.

use chrono::{DateTime, Utc};

use crate::credentials::random_bytes;
use crate::db::{Result, WriteTx, page_imports};
use crate::domain::audit::{Action, Entry};
use crate::domain::page_import::{ImportProgress, ImportState};
use crate::domain::{ImportSource, PageImport, PageImportId};

/// Stores an import that is being fetched.
pub async fn begin(
    tx: &mut WriteTx,
    (source, address): (ImportSource, &str),
    started_by: &str,
    now: DateTime<Utc>,
) -> Result<(PageImport, Entry)> {
    let import = PageImport {
        id: PageImportId::from_random(random_bytes()),
        source,
        address: address.to_owned(),
        state: ImportState::Fetching,
        progress: ImportProgress::default(),
        summary: None,
        started_by: started_by.to_owned(),
        started_at: now,
        seen_at: now,
    };
    page_imports::insert(tx, &import).await?;
    let entry = Entry::new(Action::ImportFetch, &import.id, &import.address);
    Ok((import, entry))
}

/// Lets the server that fetched the page import it; `None` unless the preview waits.
pub async fn confirm(tx: &mut WriteTx, import: &PageImport, now: DateTime<Utc>) -> Result<Option<Entry>> {
    let is_ready = import.state_at(now) == ImportState::Ready;
    let begins =
        is_ready && page_imports::set_state(tx, &import.id, ImportState::Ready, ImportState::Importing, now).await?;
    Ok(begins.then(|| Entry::new(Action::ImportConfirm, &import.id, &import.address)))
}

/// Stops an import that has not begun to write; `None` for others.
pub async fn discard(tx: &mut WriteTx, import: &PageImport, now: DateTime<Utc>) -> Result<Option<Entry>> {
    for state in [ImportState::Fetching, ImportState::Comparing, ImportState::Ready] {
        if import.state_at(now) == state
            && page_imports::set_state(tx, &import.id, state, ImportState::Discarded, now).await?
        {
            return Ok(Some(Entry::new(Action::ImportDiscard, &import.id, &import.address)));
        }
    }
    Ok(None)
}
