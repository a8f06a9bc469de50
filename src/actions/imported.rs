//! Writes of the importers: import actions in the audit log, and no follow-up such as scheduling an occurrence.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, components, incidents, maintenances, page_settings, postmortems, templates};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{BrandSettings, PageSettings};
use crate::domain::{Component, Group, Incident, Maintenance, Page, Postmortem, Template};

/// Saves the imported page settings. `id` is the page id of the imported page, if Candor can use it.
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

/// Saves the imported brand.
pub async fn brand(tx: &mut WriteTx, before: &Page, settings: &BrandSettings) -> Result<Entry> {
    page_settings::update_brand(tx, before, settings, before.updated_at).await?;
    let after = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageImport, "", &after.name).before(before).after(&after))
}

pub fn feed_ids(count: usize) -> Entry {
    Entry::new(Action::PageImportFeedIds, "", count.to_string())
}

pub async fn group(tx: &mut WriteTx, before: Option<&Group>, group: &mut Group, now: DateTime<Utc>) -> Result<Entry> {
    match before {
        None => components::insert_group(tx, group).await?,
        Some(_) => components::update_group(tx, group, now).await?,
    }
    Ok(with_before(Entry::new(Action::GroupImport, &group.id, &group.name).after(group), before))
}

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

/// A new incident gets no copy in the audit log: its row is the first copy.
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

/// A new maintenance gets no copy in the audit log, like a new [`incident`].
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

pub async fn postmortem(tx: &mut WriteTx, title: &str, postmortem: &mut Postmortem) -> Result<Entry> {
    let at = postmortem.updated_at;
    postmortems::save(tx, postmortem, at).await?;
    Ok(Entry::new(Action::PostmortemImport, &postmortem.incident, title).after(postmortem))
}

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
