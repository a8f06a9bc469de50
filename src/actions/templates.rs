//! Templates of updates.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, templates};
use crate::domain::Template;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewTemplate;

/// Adds a template.
///
/// # Errors
/// `Full` if the page has as many templates as it may have.
pub async fn add(tx: &mut WriteTx, new: NewTemplate, now: DateTime<Utc>) -> Result<(Template, Entry)> {
    let added = templates::create(tx, new, now).await?;
    let entry = Entry::new(Action::TemplateAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

/// Saves an edited template.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn edit(tx: &mut WriteTx, before: &Template, after: &mut Template, now: DateTime<Utc>) -> Result<Entry> {
    templates::update(tx, after, now).await?;
    Ok(Entry::new(Action::TemplateEdit, &after.id, &after.name).before(before).after(after))
}

/// Deletes a template.
///
/// # Errors
/// If the database can't be written.
pub async fn delete(tx: &mut WriteTx, template: &Template) -> Result<Entry> {
    templates::delete(tx, &template.id).await?;
    Ok(Entry::new(Action::TemplateDelete, &template.id, &template.name).before(template))
}
