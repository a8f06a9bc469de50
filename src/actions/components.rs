//! Components and the corrections of their uptime.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, components, uptime_corrections};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewComponent;
use crate::domain::{Component, UptimeCorrection};

pub async fn add(tx: &mut WriteTx, new: NewComponent, now: DateTime<Utc>) -> Result<(Component, Entry)> {
    let added = components::create(tx, new, now).await?;
    let entry = Entry::new(Action::ComponentAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

pub async fn edit(tx: &mut WriteTx, before: &Component, after: &mut Component, now: DateTime<Utc>) -> Result<Entry> {
    components::update(tx, after, now).await?;
    Ok(Entry::new(Action::ComponentEdit, &after.id, &after.name).before(before).after(after))
}

pub async fn set_status(
    tx: &mut WriteTx,
    before: &Component,
    after: &mut Component,
    now: DateTime<Utc>,
) -> Result<Entry> {
    components::update(tx, after, now).await?;
    Ok(Entry::new(Action::ComponentSetStatus, &after.id, &after.name).before(before).after(after))
}

/// Deletes a component. Incidents that name the component keep their texts.
pub async fn delete(tx: &mut WriteTx, component: &Component) -> Result<Entry> {
    components::delete(tx, &component.id).await?;
    Ok(Entry::new(Action::ComponentDelete, &component.id, &component.name).before(component))
}

pub async fn correct_uptime(tx: &mut WriteTx, component: &Component, correction: &UptimeCorrection) -> Result<Entry> {
    uptime_corrections::insert(tx, correction).await?;
    Ok(Entry::new(Action::ComponentCorrectUptime, &component.id, &component.name).after(correction))
}

pub async fn remove_correction(
    tx: &mut WriteTx,
    component: &Component,
    correction: &UptimeCorrection,
) -> Result<Entry> {
    uptime_corrections::delete(tx, &correction.id).await?;
    Ok(Entry::new(Action::ComponentRemoveCorrection, &component.id, &component.name).before(correction))
}
