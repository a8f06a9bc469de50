//! Groups of components.

use chrono::{DateTime, Utc};

use super::{components as component_actions, positions};
use crate::db::{Result, WriteTx, components};
use crate::domain::audit::{Action, Entry};
use crate::domain::component_order::{Direction, LAST_POSITION, OrderedItem};
use crate::domain::forms::NewGroup;
use crate::domain::{Component, Group, GroupId};

/// Adds a group at its position, by default the last of the page.
pub async fn add(tx: &mut WriteTx, new: NewGroup, now: DateTime<Utc>) -> Result<(Group, Entry)> {
    let mut added = components::create_group(tx, new, now).await?;
    added.position = positions::settle(tx, Some(&OrderedItem::Group(added.id.clone()))).await?;
    let entry = Entry::new(Action::GroupAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

/// Saves a group. The others make room for a new position.
pub async fn edit(tx: &mut WriteTx, before: &Group, after: &mut Group, now: DateTime<Utc>) -> Result<Entry> {
    components::update_group(tx, after, now).await?;
    if after.position != before.position {
        after.position = positions::settle(tx, Some(&OrderedItem::Group(after.id.clone()))).await?;
    }
    Ok(Entry::new(Action::GroupEdit, &after.id, &after.name).before(before).after(after))
}

/// Moves a group one position on the page; `None` at the end of the page, where the caller must not commit.
pub async fn step(tx: &mut WriteTx, id: &GroupId, direction: Direction, now: DateTime<Utc>) -> Result<Option<Entry>> {
    positions::settle(tx, None).await?;
    let before = components::find_group(tx, id).await?;
    let mut after = Group { position: direction.step(before.position), ..before.clone() };
    let entry = edit(tx, &before, &mut after, now).await?;
    Ok((after.position != before.position).then_some(entry))
}

/// Deletes a group. Its components take its place, without a group.
pub async fn delete(tx: &mut WriteTx, group: &Group) -> Result<Entry> {
    let (groups, all) = (components::list_groups(tx).await?, components::list(tx).await?);
    let members = all.iter().filter(|component| component.group_id.as_ref() == Some(&group.id));
    let room = i64::try_from(members.clone().count()).unwrap_or_default();
    for later in groups.iter().filter(|other| other.position > group.position) {
        components::set_group_position(tx, &later.id, later.position + room).await?;
    }
    let single = all.iter().filter(|component| component.group_id.is_none());
    for later in single.filter(|component| component.position > group.position) {
        components::set_position(tx, &later.id, later.position + room).await?;
    }
    for (member, offset) in members.zip(0..) {
        components::set_position(tx, &member.id, group.position + offset).await?;
    }
    components::delete_group(tx, &group.id).await?;
    positions::settle(tx, None).await?;
    Ok(Entry::new(Action::GroupDelete, &group.id, &group.name).before(group))
}

/// Makes `members` the components of `group`, in that order. `all` are the components of the page. Returns one entry
/// per changed component.
pub async fn set_members(
    tx: &mut WriteTx,
    group: &Group,
    all: &[Component],
    members: &[Component],
    now: DateTime<Utc>,
) -> Result<Vec<Entry>> {
    let is_member = |component: &Component| members.iter().any(|member| member.id == component.id);
    let leaving =
        all.iter().filter(|component| component.group_id.as_ref() == Some(&group.id) && !is_member(component));
    let leaving =
        leaving.map(|before| (before, Component { group_id: None, position: LAST_POSITION, ..before.clone() }));
    let mut entries = Vec::new();
    for (before, mut after) in leaving {
        entries.push(component_actions::edit(tx, before, &mut after, now).await?);
    }
    for (member, position) in members.iter().zip(1..) {
        // Those that left have renumbered it.
        let before = components::find(tx, &member.id).await?;
        let mut after = Component { group_id: Some(group.id.clone()), position, ..before.clone() };
        if after != before {
            components::update(tx, &mut after, now).await?;
            entries.push(Entry::new(Action::ComponentEdit, &after.id, &after.name).before(&before).after(&after));
        }
    }
    positions::settle(tx, None).await?;
    Ok(entries)
}
