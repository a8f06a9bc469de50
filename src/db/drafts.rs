//! Saved drafts.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::forms::Fields;
use crate::domain::{DraftId, IncidentId, SavedDraft};

/// The dashboard lists all drafts at once.
const MAX_DRAFTS: i64 = 100;

#[apply(from_row!)]
struct Row {
    id: String,
    incident_id: Option<String>,
    fields: String,
    edited_by: String,
    created_at: DateTime<Utc>,
    edited_at: DateTime<Utc>,
    version: i64,
}

/// Newest edit first.
pub async fn list(tx: &mut Tx) -> Result<Vec<SavedDraft>> {
    let sql = "select id, incident_id, fields, edited_by, created_at, edited_at, version
               from drafts order by edited_at desc, id limit $1";
    rows!(tx, Row, sql, MAX_DRAFTS)?.into_iter().map(SavedDraft::try_from).collect()
}

pub async fn find(tx: &mut Tx, id: &DraftId) -> Result<SavedDraft> {
    let sql = "select id, incident_id, fields, edited_by, created_at, edited_at, version from drafts where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// Fails with `Full` at the limit.
pub async fn insert(tx: &mut WriteTx, draft: &SavedDraft) -> Result<()> {
    let count = row!(tx, (i64,), "select count(*) from drafts")?;
    if count.is_some_and(|(count,)| count >= MAX_DRAFTS) {
        return Err(Error::Full("Limit reached (100 drafts). Publish or delete some first."));
    }
    run!(
        tx,
        "insert into drafts (id, incident_id, fields, edited_by, created_at, edited_at, version)
         values ($1, $2, $3, $4, $5, $6, $7)",
        draft.id.as_str(),
        draft.incident.as_ref().map(IncidentId::as_str),
        json(&draft.fields)?,
        draft.edited_by.as_str(),
        draft.created_at,
        draft.edited_at,
        draft.version
    )?;
    Ok(())
}

/// Saves `draft` and increments its version. `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, draft: &mut SavedDraft) -> Result<()> {
    let sql = "update drafts set fields = $1, edited_by = $2, edited_at = $3, version = version + 1
               where id = $4 and version = $5";
    let (editor, at) = (draft.edited_by.as_str(), draft.edited_at);
    if run!(tx, sql, json(&draft.fields)?, editor, at, draft.id.as_str(), draft.version)? == 0 {
        return Err(Error::Conflict("the draft was changed in the meantime"));
    }
    draft.version += 1;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, id: &DraftId) -> Result<()> {
    run!(tx, "delete from drafts where id = $1", id.as_str())?;
    Ok(())
}

fn json(fields: &Fields) -> Result<String> {
    serde_json::to_string(fields).map_err(Error::other)
}

impl TryFrom<Row> for SavedDraft {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: DraftId::parse(&row.id).ok_or_else(|| Error::other("a draft's id"))?,
            incident: row.incident_id.as_deref().and_then(IncidentId::parse),
            fields: serde_json::from_str(&row.fields).map_err(Error::other)?,
            edited_by: row.edited_by,
            created_at: row.created_at,
            edited_at: row.edited_at,
            version: row.version,
        })
    }
}
