//! Drafts of incidents, maintenances and updates.

use crate::db::{Error, Result, Tx, WriteTx, admin_incidents, drafts, maintenances};
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

/// Deletes the draft that a published text was written from.
pub async fn delete_published(tx: &mut WriteTx, draft: Option<&SavedDraft>) -> Result<()> {
    match draft {
        Some(draft) => drafts::delete(tx, &draft.id).await,
        None => Ok(()),
    }
}

/// The title of the draft, or of what it updates; empty if that was deleted.
pub async fn find_title(tx: &mut Tx, draft: &SavedDraft) -> Result<String> {
    if let Some(id) = &draft.incident {
        return Ok(admin_incidents::find(tx, id).await?.title);
    }
    match draft.maintenance() {
        None => Ok(draft.fields.text("title")),
        Some(id) => match maintenances::find(tx, &id).await {
            Err(Error::NotFound) => Ok(String::new()),
            found => Ok(found?.title),
        },
    }
}

/// The title without control characters: PostgreSQL cannot store NUL.
async fn audit_name(tx: &mut Tx, draft: &SavedDraft) -> Result<String> {
    let title: String = find_title(tx, draft).await?.chars().filter(|c| !c.is_control()).collect();
    Ok(if title.trim().is_empty() { "untitled".to_owned() } else { title })
}
