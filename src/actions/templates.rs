//! Templates of updates.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, templates};
use crate::domain::Template;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewTemplate;

pub async fn add(tx: &mut WriteTx, new: NewTemplate, now: DateTime<Utc>) -> Result<(Template, Entry)> {
    let added = templates::create(tx, new, now).await?;
    let entry = Entry::new(Action::TemplateAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

pub async fn edit(tx: &mut WriteTx, before: &Template, after: &mut Template, now: DateTime<Utc>) -> Result<Entry> {
    templates::update(tx, after, now).await?;
    Ok(Entry::new(Action::TemplateEdit, &after.id, &after.name).before(before).after(after))
}

pub async fn delete(tx: &mut WriteTx, template: &Template) -> Result<Entry> {
    templates::delete(tx, &template.id).await?;
    Ok(Entry::new(Action::TemplateDelete, &template.id, &template.name).before(template))
}
