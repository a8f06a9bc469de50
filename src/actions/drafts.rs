//! Drafts of incidents and updates.

use crate::db::{Result, Tx, WriteTx, admin_incidents, drafts};
use crate::domain::SavedDraft;
use crate::domain::audit::{Action, Entry};

pub async fn add(tx: &mut WriteTx, draft: &SavedDraft) -> Result<Entry> {
    drafts::insert(tx, draft).await?;
    Ok(Entry::new(Action::DraftAdd, &draft.id, audit_name(tx, draft).await?).after(draft))
}

pub async fn edit(tx: &mut WriteTx, before: &SavedDraft, after: &mut SavedDraft) -> Result<Entry> {
    drafts::update(tx, after).await?;
    Ok(Entry::new(Action::DraftEdit, &after.id, audit_name(tx, after).await?).before(before).after(after))
}

pub async fn delete(tx: &mut WriteTx, draft: &SavedDraft) -> Result<Entry> {
    drafts::delete(tx, &draft.id).await?;
    Ok(Entry::new(Action::DraftDelete, &draft.id, audit_name(tx, draft).await?).before(draft))
}

/// The title of the draft's incident, else the draft's own title without control characters: PostgreSQL cannot store
/// NUL.
async fn audit_name(tx: &mut Tx, draft: &SavedDraft) -> Result<String> {
    let title = match &draft.incident {
        Some(id) => admin_incidents::find(tx, id).await?.title,
        None => draft.fields.text("title").chars().filter(|c| !c.is_control()).collect(),
    };
    Ok(if title.trim().is_empty() { "untitled".to_owned() } else { title })
}
