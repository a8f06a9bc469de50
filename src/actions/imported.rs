//! What importers write: as an edit, but under an action of its own and without what follows from an edit.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, components, incidents, maintenances, page_settings, postmortems, templates};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::PageSettings;
use crate::domain::{Component, Group, Incident, Maintenance, Page, Postmortem, Template};

/// Saves the settings of the imported page, with the id it has there if that is usable here.
///
/// # Errors
/// If the database can't be written.
pub async fn page(
    tx: &mut WriteTx,
    before: &Page,
    settings: &PageSettings,
    id: Option<&str>,
    changed_at: DateTime<Utc>,
) -> Result<Entry> {
    page_settings::update(tx, before, settings, changed_at).await?;
    if let Some(id) = id {
        page_settings::set_id(tx, id).await?;
    }
    let after = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageImport, "", &after.name).before(before).after(&after))
}

/// The entry of `count` imported ids of feed entries.
pub fn feed_ids(count: usize) -> Entry {
    Entry::new(Action::PageImportFeedIds, "", count.to_string())
}

/// Inserts a group, or updates the one `before`.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn group(tx: &mut WriteTx, before: Option<&Group>, group: &mut Group, now: DateTime<Utc>) -> Result<Entry> {
    match before {
        None => components::insert_group(tx, group).await?,
        Some(_) => components::update_group(tx, group, now).await?,
    }
    Ok(with_before(Entry::new(Action::GroupImport, &group.id, &group.name).after(group), before))
}

/// Inserts a component, or updates the one `before`.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn component(
    tx: &mut WriteTx,
    before: Option<&Component>,
    component: &mut Component,
    now: DateTime<Utc>,
) -> Result<Entry> {
    match before {
        None => components::insert(tx, component).await?,
        Some(_) => components::update(tx, component, now).await?,
    }
    Ok(with_before(Entry::new(Action::ComponentImport, &component.id, &component.name).after(component), before))
}

/// Inserts an incident, or updates the one `before`. A new one has no copy in the audit log: it is its own first copy.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn incident(
    tx: &mut WriteTx,
    before: Option<&Incident>,
    incident: &mut Incident,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let entry = Entry::new(Action::IncidentImport, &incident.id, &incident.title);
    let Some(before) = before else {
        incidents::insert(tx, incident).await?;
        return Ok(entry);
    };
    incidents::update(tx, incident, now).await?;
    Ok(entry.before(before).after(incident))
}

/// Inserts a maintenance, or updates the one `before`; a new one as [`incident`].
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn maintenance(
    tx: &mut WriteTx,
    before: Option<&Maintenance>,
    maintenance: &mut Maintenance,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let entry = Entry::new(Action::MaintenanceImport, &maintenance.id, &maintenance.title);
    let Some(before) = before else {
        maintenances::insert(tx, maintenance).await?;
        return Ok(entry);
    };
    maintenances::update(tx, maintenance, now).await?;
    Ok(entry.before(before).after(maintenance))
}

/// Writes the postmortem of the incident called `title`.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn postmortem(tx: &mut WriteTx, title: &str, postmortem: &mut Postmortem) -> Result<Entry> {
    let at = postmortem.updated_at;
    postmortems::save(tx, postmortem, at).await?;
    Ok(Entry::new(Action::PostmortemImport, &postmortem.incident, title).after(postmortem))
}

/// Inserts a template, or updates the one `before`.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn template(
    tx: &mut WriteTx,
    before: Option<&Template>,
    template: &mut Template,
    now: DateTime<Utc>,
) -> Result<Entry> {
    match before {
        None => templates::insert(tx, template).await?,
        Some(_) => templates::update(tx, template, now).await?,
    }
    Ok(with_before(Entry::new(Action::TemplateImport, &template.id, &template.name).after(template), before))
}

fn with_before(entry: Entry, before: Option<&impl serde::Serialize>) -> Entry {
    match before {
        Some(before) => entry.before(before),
        None => entry,
    }
}
