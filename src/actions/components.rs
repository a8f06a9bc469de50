//! Components and the corrections of their uptime.

use chrono::{DateTime, Utc};

use super::notices::announce_component;
use super::positions;
use crate::db::{Result, WriteTx, components, uptime_corrections};
use crate::domain::audit::{Action, Entry};
use crate::domain::component_order::{Direction, OrderedItem};
use crate::domain::forms::NewComponent;
use crate::domain::{Component, ComponentId, UptimeCorrection};

/// Adds a component at its position, by default the last of its group.
pub async fn add(tx: &mut WriteTx, new: NewComponent, now: DateTime<Utc>) -> Result<(Component, Entry)> {
    let mut added = components::create(tx, new, now).await?;
    added.position = positions::settle(tx, Some(&OrderedItem::Component(added.id.clone()))).await?;
    let entry = Entry::new(Action::ComponentAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

/// Saves a component. The others of its list make room for a new position.
pub async fn edit(tx: &mut WriteTx, before: &Component, after: &mut Component, now: DateTime<Utc>) -> Result<Entry> {
    components::update(tx, after, now).await?;
    if (after.position, &after.group_id) != (before.position, &before.group_id) {
        after.position = positions::settle(tx, Some(&OrderedItem::Component(after.id.clone()))).await?;
    }
    Ok(Entry::new(Action::ComponentEdit, &after.id, &after.name).before(before).after(after))
}

/// Moves a component one position within its list; `None` at the end of the list, where the caller must not commit.
pub async fn step(
    tx: &mut WriteTx,
    id: &ComponentId,
    direction: Direction,
    now: DateTime<Utc>,
) -> Result<Option<Entry>> {
    positions::settle(tx, None).await?;
    let before = components::find(tx, id).await?;
    let mut after = Component { position: direction.step(before.position), ..before.clone() };
    let entry = edit(tx, &before, &mut after, now).await?;
    Ok((after.position != before.position).then_some(entry))
}

/// Sets a component's own status, and notifies webhooks.
pub async fn set_status(
    tx: &mut WriteTx,
    before: &Component,
    after: &mut Component,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let entry = save_status(tx, before, after, now).await?;
    announce_component(tx, before, after, now).await?;
    Ok(entry)
}

/// As [`set_status`], where the incident or maintenance that changes the status has a notice.
pub async fn save_status(
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
    positions::settle(tx, None).await?;
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
