//! Groups of components.

use chrono::{DateTime, Utc};

use super::components as component_actions;
use crate::db::{Result, WriteTx, components};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewGroup;
use crate::domain::{Component, Group};

pub async fn add(tx: &mut WriteTx, new: NewGroup, now: DateTime<Utc>) -> Result<(Group, Entry)> {
    let added = components::create_group(tx, new, now).await?;
    let entry = Entry::new(Action::GroupAdd, &added.id, &added.name).after(&added);
    Ok((added, entry))
}

pub async fn edit(tx: &mut WriteTx, before: &Group, after: &mut Group, now: DateTime<Utc>) -> Result<Entry> {
    components::update_group(tx, after, now).await?;
    Ok(Entry::new(Action::GroupEdit, &after.id, &after.name).before(before).after(after))
}

/// Deletes a group. Its components stay, without a group.
pub async fn delete(tx: &mut WriteTx, group: &Group) -> Result<Entry> {
    components::delete_group(tx, &group.id).await?;
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
    let leaving = leaving.map(|before| (before, Component { group_id: None, ..before.clone() }));
    let joining = members
        .iter()
        .zip(1..)
        .map(|(before, position)| (before, Component { group_id: Some(group.id.clone()), position, ..before.clone() }));
    let mut entries = Vec::new();
    for (before, mut after) in leaving.chain(joining).filter(|(before, after)| *before != after) {
        entries.push(component_actions::edit(tx, before, &mut after, now).await?);
    }
    Ok(entries)
}
