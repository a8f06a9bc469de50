//! Imports of pages that were started in the admin.

use chrono::{DateTime, TimeDelta, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::page_import::{ImportProgress, ImportState, ImportSummary};
use crate::domain::{ImportSource, PageImport, PageImportId};

/// How long an import and its report are kept.
pub const RETENTION: TimeDelta = TimeDelta::days(30);
/// How many are listed.
const MAX_LISTED: i64 = 10;
/// Of a step, in characters.
const MAX_STEP: usize = 1_000;

#[apply(from_row!)]
struct Row {
    id: String,
    source: String,
    address: String,
    state: String,
    step: String,
    documents: i64,
    done: i64,
    total: i64,
    summary: Option<String>,
    started_by: String,
    started_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

impl TryFrom<Row> for PageImport {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        Ok(Self {
            id: PageImportId::parse(&row.id).ok_or_else(|| Error::other("an import's id"))?,
            source: ImportSource::from_key(&row.source).ok_or_else(|| Error::other("an import's source"))?,
            address: row.address,
            state: ImportState::from_key(&row.state).ok_or_else(|| Error::other("an import's state"))?,
            progress: ImportProgress {
                step: row.step,
                documents: count(row.documents),
                done: count(row.done),
                total: count(row.total),
            },
            // Of another version: the counts are gone, the import is not.
            summary: row.summary.and_then(|text| serde_json::from_str(&text).ok()),
            started_by: row.started_by,
            started_at: row.started_at,
            seen_at: row.seen_at,
        })
    }
}

pub async fn insert(tx: &mut WriteTx, import: &PageImport) -> Result<()> {
    run!(
        tx,
        "insert into page_imports (id, source, address, state, step, documents, done, total, summary, started_by,
                                   started_at, seen_at)
         values ($1, $2, $3, $4, '', 0, 0, 0, null, $5, $6, $7)",
        import.id.as_str(),
        import.source.key(),
        import.address.as_str(),
        import.state.key(),
        import.started_by.as_str(),
        import.started_at,
        import.seen_at
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, id: &PageImportId) -> Result<PageImport> {
    let sql =
        "select id, source, address, state, step, documents, done, total, summary, started_by, started_at, seen_at
               from page_imports where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// The newest ones, newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<PageImport>> {
    let sql =
        "select id, source, address, state, step, documents, done, total, summary, started_by, started_at, seen_at
               from page_imports order by started_at desc, id limit $1";
    rows!(tx, Row, sql, MAX_LISTED)?.into_iter().map(PageImport::try_from).collect()
}

/// The import that a server works on, or that waits for a decision.
pub async fn find_live(tx: &mut Tx, now: DateTime<Utc>) -> Result<Option<PageImport>> {
    Ok(list(tx).await?.into_iter().find(|import| import.state_at(now).is_live()))
}

/// The state of an import; `None` if it is gone.
pub async fn state(tx: &mut Tx, id: &PageImportId) -> Result<Option<ImportState>> {
    let found = row!(tx, (String,), "select state from page_imports where id = $1", id.as_str())?;
    Ok(found.and_then(|(key,)| ImportState::from_key(&key)))
}

/// Changes the state; returns whether it was `from`.
pub async fn set_state(
    tx: &mut WriteTx,
    id: &PageImportId,
    from: ImportState,
    to: ImportState,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "update page_imports set state = $1, seen_at = $2 where id = $3 and state = $4";
    Ok(run!(tx, sql, to.key(), now, id.as_str(), from.key())? > 0)
}

/// Saves progress as a sign of life; returns whether the state is still `state`.
pub async fn save_progress(
    tx: &mut WriteTx,
    id: &PageImportId,
    state: ImportState,
    progress: &ImportProgress,
    now: DateTime<Utc>,
) -> Result<bool> {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let step: String = progress.step.chars().filter(|c| !c.is_control()).take(MAX_STEP).collect();
    let changed = run!(
        tx,
        "update page_imports set step = $1, documents = $2, done = $3, total = $4, seen_at = $5
         where id = $6 and state = $7",
        step.as_str(),
        count(progress.documents),
        count(progress.done),
        count(progress.total),
        now,
        id.as_str(),
        state.key()
    )?;
    Ok(changed > 0)
}

pub async fn save_summary(tx: &mut WriteTx, id: &PageImportId, summary: &ImportSummary) -> Result<()> {
    let text = serde_json::to_string(summary).map_err(|error| Error::other(error.to_string()))?;
    run!(tx, "update page_imports set summary = $1 where id = $2", text.as_str(), id.as_str())?;
    Ok(())
}

pub async fn delete_expired(tx: &mut WriteTx, before: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from page_imports where started_at <= $1", before)?;
    Ok(())
}
