//! Components and the corrections of their uptime.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, components, uptime_corrections};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewComponent;
use crate::domain::{Component, UptimeCorrection};

/// Adds a component.
///
/// # Errors
/// `NotFound` if its group does not exist, `Full` if the page has as many components as it may have.
pub async fn add(tx: &mut WriteTx, new: NewComponent, now: DateTime<Utc>) -> Result<(Component, Entry)> {
    let added = components::create(tx, new, now).await?;
    let entry = Entry::new(Action::ComponentAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

/// Saves an edited component.
///
/// # Errors
/// `NotFound` if its group does not exist, a conflict if it was changed in the meantime.
pub async fn edit(tx: &mut WriteTx, before: &Component, after: &mut Component, now: DateTime<Utc>) -> Result<Entry> {
    components::update(tx, after, now).await?;
    Ok(Entry::new(Action::ComponentEdit, &after.id, &after.name).before(before).after(after))
}

/// Saves a component whose own status alone was changed.
///
/// # Errors
/// As [`edit`].
pub async fn set_status(
    tx: &mut WriteTx,
    before: &Component,
    after: &mut Component,
    now: DateTime<Utc>,
) -> Result<Entry> {
    components::update(tx, after, now).await?;
    Ok(Entry::new(Action::ComponentSetStatus, &after.id, &after.name).before(before).after(after))
}

/// Deletes a component; incidents keep their texts.
///
/// # Errors
/// If the database can't be written.
pub async fn delete(tx: &mut WriteTx, component: &Component) -> Result<Entry> {
    components::delete(tx, &component.id).await?;
    Ok(Entry::new(Action::ComponentDelete, &component.id, &component.name).before(component))
}

/// Adds a correction of the component's uptime.
///
/// # Errors
/// `Full` if the component has as many corrections as it may have.
pub async fn correct_uptime(tx: &mut WriteTx, component: &Component, correction: &UptimeCorrection) -> Result<Entry> {
    uptime_corrections::insert(tx, correction).await?;
    Ok(Entry::new(Action::ComponentCorrectUptime, &component.id, &component.name).after(correction))
}

/// Removes a correction of the component's uptime.
///
/// # Errors
/// If the database can't be written.
pub async fn remove_correction(
    tx: &mut WriteTx,
    component: &Component,
    correction: &UptimeCorrection,
) -> Result<Entry> {
    uptime_corrections::delete(tx, &correction.id).await?;
    Ok(Entry::new(Action::ComponentRemoveCorrection, &component.id, &component.name).before(correction))
}
