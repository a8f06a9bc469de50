//! Rows of components and component groups.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::PageContext;
use super::schema::StatusKey;
use crate::domain::{Component, Group, Status};

/// A component or a group. The key order is Statuspage's; some clients reject unknown keys.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "Component", deny_unknown_fields)]
pub struct ComponentRow<'a> {
    pub id: &'a str,
    pub name: &'a str,
    #[schemars(with = "StatusKey")]
    pub status: &'static str,
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: String,
    pub position: i64,
    pub description: Option<&'a str>,
    pub showcase: bool,
    start_date: Option<NaiveDate>,
    pub group_id: Option<&'a str>,
    pub page_id: &'a str,
    group: bool,
    only_show_if_degraded: bool,
    /// The ids of the members; only groups have this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Vec<&'a str>>,
}

/// Every component and group, sorted by position. A member's position counts within its group.
pub fn component_rows<'a>(scene: &PageContext<'a>) -> Vec<ComponentRow<'a>> {
    let groups = scene.groups.iter().map(|group| group_row(scene, group));
    let mut rows: Vec<ComponentRow<'a>> = groups.chain(ungrouped_rows(scene, |_| true)).collect();
    rows.sort_by_key(|row| row.position);
    rows
}

/// The components that `chosen` accepts, in page order.
pub fn ungrouped_rows<'a>(scene: &PageContext<'a>, chosen: impl Fn(&Component) -> bool) -> Vec<ComponentRow<'a>> {
    let chosen = scene.components.iter().filter(|(component, _)| chosen(component));
    chosen.map(|(component, status)| component_row_with_status(scene, component, *status)).collect()
}

/// A component with its effective status.
pub fn component_row<'a>(scene: &PageContext<'a>, component: &'a Component) -> ComponentRow<'a> {
    let shown = scene.components.iter().find(|(other, _)| other.id == component.id);
    component_row_with_status(scene, component, shown.map_or(component.status, |(_, status)| *status))
}

fn component_row_with_status<'a>(
    scene: &PageContext<'a>,
    component: &'a Component,
    status: Status,
) -> ComponentRow<'a> {
    ComponentRow {
        id: component.id.as_str(),
        name: &component.name,
        status: status.key(),
        created_at: scene.stamp(component.created_at),
        updated_at: scene.stamp(component.updated_at),
        position: component.position,
        description: nonempty_description(&component.description),
        // Every component has uptime bars on the page.
        showcase: true,
        start_date: component.start_date,
        group_id: component.group_id.as_ref().map(crate::domain::id::GroupId::as_str),
        page_id: &scene.page.id,
        group: false,
        only_show_if_degraded: component.only_show_if_degraded,
        components: None,
    }
}

/// A group has the status of its worst member.
fn group_row<'a>(scene: &PageContext<'a>, group: &'a Group) -> ComponentRow<'a> {
    let members = || scene.components.iter().filter(|(component, _)| component.group_id.as_ref() == Some(&group.id));
    let worst = members().map(|(_, status)| *status).max().unwrap_or_default();
    ComponentRow {
        id: group.id.as_str(),
        name: &group.name,
        status: worst.key(),
        created_at: scene.stamp(group.created_at),
        updated_at: scene.stamp(group.updated_at),
        position: group.position,
        description: nonempty_description(&group.description),
        showcase: false,
        start_date: None,
        group_id: None,
        page_id: &scene.page.id,
        group: true,
        only_show_if_degraded: false,
        components: Some(members().map(|(component, _)| component.id.as_str()).collect()),
    }
}

fn nonempty_description(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
