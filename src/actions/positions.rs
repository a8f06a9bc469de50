//! Positions of components and groups after a change. Renumbered neighbors keep their version, so an open form of one
//! does not conflict, and get no audit entry of their own.

use crate::db::{Result, WriteTx, components};
use crate::domain::component_order::{OrderedItem, settled_positions};

/// Closes gaps and resolves ties. `moved` gets the position it asks for; returns its settled position.
pub(super) async fn settle(tx: &mut WriteTx, moved: Option<&OrderedItem>) -> Result<i64> {
    let (groups, all) = (components::list_groups(tx).await?, components::list(tx).await?);
    let settled = settled_positions(&groups, &all, moved);
    for group in groups {
        let position = settled.get(&OrderedItem::Group(group.id.clone())).copied();
        if let Some(position) = position.filter(|position| *position != group.position) {
            components::set_group_position(tx, &group.id, position).await?;
        }
    }
    for component in all {
        let position = settled.get(&OrderedItem::Component(component.id.clone())).copied();
        if let Some(position) = position.filter(|position| *position != component.position) {
            components::set_position(tx, &component.id, position).await?;
        }
    }
    Ok(moved.and_then(|item| settled.get(item)).copied().unwrap_or(1))
}
