//! The order of components and groups: positions from 1 without gaps or ties. Groups and components without a group
//! share one numbering; each group has its own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Component, ComponentId, Group, GroupId};

/// Moves an item to the end of its list.
pub const LAST_POSITION: i64 = i64::MAX;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderedItem {
    Group(GroupId),
    Component(ComponentId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    /// To this position.
    To(i64),
}

impl Direction {
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "up" => Some(Self::Up),
            "down" => Some(Self::Down),
            _ => None,
        }
    }

    /// The new position of an item at `position`.
    pub fn step(self, position: i64) -> i64 {
        match self {
            Self::Up => (position - 1).max(1),
            Self::Down => position + 1,
            Self::To(position) => position.max(1),
        }
    }
}

/// The items as pages show them: each group with its components, and adjacent components without a group together.
pub fn page_order<'a>(
    groups: &'a [Group],
    components: &'a [Component],
) -> Vec<(Option<&'a Group>, Vec<&'a Component>)> {
    let mut sorted: Vec<&Component> = components.iter().collect();
    sorted.sort_by(|a, b| (a.position, &a.name).cmp(&(b.position, &b.name)));
    let mut placed: Vec<(i64, Option<&Group>, Vec<&Component>)> = Vec::new();
    for component in sorted {
        let group = groups.iter().find(|group| Some(&group.id) == component.group_id.as_ref());
        let known =
            placed.iter_mut().find(|(_, block, _)| block.is_some() && block.map(|it| &it.id) == group.map(|it| &it.id));
        match known {
            Some((_, _, members)) => members.push(component),
            None => {
                let place = group.map_or(component.position, |group| group.position);
                placed.push((place, group, vec![component]));
            }
        }
    }
    placed.sort_by_key(|(place, _, _)| *place);
    let mut blocks: Vec<(Option<&Group>, Vec<&Component>)> = Vec::new();
    for (_, group, members) in placed {
        match blocks.last_mut() {
            Some((None, last)) if group.is_none() => last.extend(members),
            _ => blocks.push((group, members)),
        }
    }
    blocks
}

struct Slot {
    item: OrderedItem,
    position: i64,
    created_at: DateTime<Utc>,
}

/// The settled position of every item. `moved`, the last one written, gets the position it asks for; the others keep
/// their order around it.
pub fn settled_positions(
    groups: &[Group],
    components: &[Component],
    moved: Option<&OrderedItem>,
) -> BTreeMap<OrderedItem, i64> {
    let mut lists: BTreeMap<Option<&GroupId>, Vec<Slot>> = BTreeMap::new();
    for group in groups {
        let item = OrderedItem::Group(group.id.clone());
        lists.entry(None).or_default().push(Slot { item, position: group.position, created_at: group.created_at });
    }
    for component in components {
        let item = OrderedItem::Component(component.id.clone());
        let slot = Slot { item, position: component.position, created_at: component.created_at };
        lists.entry(component.group_id.as_ref()).or_default().push(slot);
    }
    lists.into_values().flat_map(|list| settled_list(list, moved)).collect()
}

fn settled_list(list: Vec<Slot>, moved: Option<&OrderedItem>) -> Vec<(OrderedItem, i64)> {
    let (movers, mut rest): (Vec<Slot>, Vec<Slot>) = list.into_iter().partition(|slot| Some(&slot.item) == moved);
    rest.sort_by(|a, b| (a.position, a.created_at, &a.item).cmp(&(b.position, b.created_at, &b.item)));
    for mover in movers {
        let index = usize::try_from(mover.position - 1).unwrap_or_default().min(rest.len());
        rest.insert(index, mover);
    }
    rest.into_iter().map(|slot| slot.item).zip(1..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status;
    use crate::domain::component::tests::component;

    fn named(id: &str, group: Option<&str>, position: i64) -> Component {
        let id = ComponentId::parse(id).unwrap();
        Component { id, group_id: group.and_then(GroupId::parse), position, ..component(Status::Operational) }
    }

    fn group(id: &str, position: i64) -> Group {
        let at = DateTime::UNIX_EPOCH;
        let (id, name) = (GroupId::parse(id).unwrap(), id.to_owned());
        Group { id, name, description: String::new(), position, created_at: at, updated_at: at, version: 1 }
    }

    /// The ids of the top level in order, then those of group `g`.
    fn order(groups: &[Group], components: &[Component], moved: Option<&str>) -> (String, String) {
        let moved = moved.map(|id| OrderedItem::Component(ComponentId::parse(id).unwrap()));
        let settled = settled_positions(groups, components, moved.as_ref());
        let is_member = |item: &OrderedItem| match item {
            OrderedItem::Group(_) => false,
            OrderedItem::Component(id) => components.iter().any(|it| it.id == *id && it.group_id.is_some()),
        };
        let ids = |members: bool| {
            let mut list: Vec<_> = settled.iter().filter(|(item, _)| is_member(item) == members).collect();
            list.sort_by_key(|(_, position)| **position);
            assert!(list.iter().zip(1..).all(|((_, position), expected)| **position == expected), "{list:?}");
            let name = |item: &OrderedItem| match item {
                OrderedItem::Group(id) => id.to_string(),
                OrderedItem::Component(id) => id.to_string(),
            };
            list.iter().map(|(item, _)| name(item)).collect::<Vec<_>>().join(" ")
        };
        (ids(false), ids(true))
    }

    #[test]
    fn moved_item_takes_its_position() {
        let at = |position| [named("a", None, 1), named("b", None, 2), named("c", None, position)];
        assert_eq!(order(&[], &at(1), Some("c")).0, "c a b");
        assert_eq!(order(&[], &at(2), Some("c")).0, "a c b");
        assert_eq!(order(&[], &at(LAST_POSITION), Some("c")).0, "a b c");
        let down = [named("a", None, 3), named("b", None, 2), named("c", None, 3)];
        assert_eq!(order(&[], &down, Some("a")).0, "b c a");
    }

    #[test]
    fn gaps_and_ties_are_resolved_per_list() {
        let groups = [group("g", 7), group("h", 7)];
        let components =
            [named("a", None, 7), named("b", None, 9000), named("x", Some("g"), 4), named("y", Some("g"), 4)];
        assert_eq!(order(&groups, &components, None), ("g h a b".into(), "x y".into()));
    }

    #[test]
    fn direction_steps_stay_above_zero() {
        assert_eq!((Direction::Up.step(1), Direction::Up.step(3), Direction::Down.step(3)), (1, 2, 4));
        assert_eq!(Direction::from_key("sideways"), None);
    }
}
