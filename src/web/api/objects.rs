//! The objects in responses: those of the public API, with the keys that only managers may read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::page_context::{ClientFields, POSTMORTEM_FIELDS, RELEASE_FIELD, UPDATE_FIELDS};
use super::request_body::{Metadata, PhaseKey};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Component, Group, Incident, Maintenance, Postmortem, Template};
use crate::publish::api::schema::{EntryStatusKey, ImpactKey, StatusKey};
use crate::publish::api::{ComponentRow, EntryRow, PageContext, UpdateRow, component_row, ungrouped_rows};

/// A component.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Component", deny_unknown_fields, transform = remove_members)]
pub struct ComponentView<'a> {
    #[serde(flatten)]
    row: ComponentRow<'a>,
    automation_email: Option<&'a str>,
    /// What the page shows.
    #[schemars(with = "StatusKey")]
    effective_status: &'static str,
}

/// A group of components.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Group", deny_unknown_fields)]
pub struct GroupView<'a> {
    id: &'a str,
    page_id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    components: Vec<&'a str>,
    position: i64,
    #[schemars(with = "DateTime<Utc>")]
    created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
}

/// An incident or a maintenance.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Incident", deny_unknown_fields)]
pub struct EventView<'a> {
    id: &'a str,
    components: Vec<ComponentView<'a>>,
    #[schemars(with = "DateTime<Utc>")]
    created_at: String,
    #[schemars(with = "ImpactKey")]
    impact: &'static str,
    #[schemars(with = "Option<ImpactKey>")]
    impact_override: Option<&'static str>,
    incident_updates: Vec<UpdateView<'a>>,
    incident_impacts: [(); 0],
    #[schemars(with = "Metadata")]
    metadata: Value,
    #[schemars(with = "Option<DateTime<Utc>>")]
    monitoring_at: Option<String>,
    name: &'a str,
    page_id: &'a str,
    postmortem_body: Option<&'a str>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    postmortem_body_last_updated_at: Option<String>,
    postmortem_ignored: bool,
    postmortem_notified_subscribers: bool,
    postmortem_notified_twitter: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    postmortem_published_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    resolved_at: Option<String>,
    scheduled_auto_completed: bool,
    scheduled_auto_in_progress: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_for: Option<String>,
    auto_transition_deliver_notifications_at_end: Option<bool>,
    auto_transition_deliver_notifications_at_start: Option<bool>,
    auto_transition_to_maintenance_state: Option<bool>,
    auto_transition_to_operational_state: Option<bool>,
    scheduled_remind_prior: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_reminded_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_until: Option<String>,
    shortlink: String,
    #[schemars(with = "EntryStatusKey")]
    status: &'static str,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
    reminder_intervals: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    next_update_at: Option<String>,
}

/// An update of an incident or a maintenance.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Update", deny_unknown_fields)]
pub struct UpdateView<'a> {
    #[serde(flatten)]
    row: UpdateRow<'a>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    twitter_updated_at: Option<&'a str>,
    wants_twitter_update: bool,
}

/// A postmortem with its draft.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Postmortem", deny_unknown_fields)]
pub struct PostmortemView<'a> {
    preview_key: Option<&'a str>,
    body: Option<&'a str>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    body_updated_at: Option<String>,
    body_draft: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    body_draft_updated_at: String,
    #[schemars(with = "Option<DateTime<Utc>>")]
    published_at: Option<String>,
    notify_subscribers: bool,
    notify_twitter: bool,
    custom_tweet: Option<&'a str>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    created_at: Option<String>,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
}

/// A template for incidents or maintenances.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Template", deny_unknown_fields)]
pub struct TemplateView<'a> {
    id: &'a str,
    components: Vec<ComponentView<'a>>,
    name: &'a str,
    title: &'a str,
    body: &'a str,
    #[schemars(with = "Option<String>")]
    group_id: Value,
    #[schemars(with = "PhaseKey")]
    update_status: &'static str,
    #[schemars(with = "bool")]
    should_tweet: Value,
    should_send_notifications: bool,
}

/// Only the rows of groups have members.
fn remove_members(schema: &mut Schema) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.remove("components");
    }
}

/// The client fields of an event, and those of all components.
#[derive(Clone, Copy)]
pub struct EventFields<'a> {
    pub event: &'a ClientFields,
    pub components: &'a BTreeMap<String, ClientFields>,
}

impl<'a> ComponentView<'a> {
    /// The component with its own status. `all` are the client fields of all components.
    pub fn new(scene: &PageContext<'a>, component: &'a Component, all: &BTreeMap<String, ClientFields>) -> Self {
        let mut view = Self::from_row(component_row(scene, component), all);
        view.row.status = component.status.key();
        view
    }

    /// The component with the status that the page shows, as events have it.
    fn from_row(mut row: ComponentRow<'a>, all: &BTreeMap<String, ClientFields>) -> Self {
        if let Some(fields) = all.get(row.id) {
            row.showcase = fields.get("showcase").and_then(Value::as_bool).unwrap_or(row.showcase);
            row.description = row.description.or(blank_description(fields));
        }
        let effective_status = row.status;
        Self { row, automation_email: None, effective_status }
    }
}

/// The empty description, if a client sent one.
fn blank_description(echoes: &ClientFields) -> Option<&'static str> {
    echoes.contains_key("description").then_some("")
}

impl<'a> GroupView<'a> {
    pub fn new(scene: &PageContext<'a>, group: &'a Group, echoes: &ClientFields) -> Self {
        let members = scene.components.iter().filter(|(component, _)| component.group_id.as_ref() == Some(&group.id));
        Self {
            id: group.id.as_str(),
            page_id: &scene.page.id,
            name: &group.name,
            description: Some(group.description.as_str()).filter(|text| !text.is_empty()).or(blank_description(echoes)),
            components: members.map(|(component, _)| component.id.as_str()).collect(),
            position: group.position,
            created_at: scene.stamp(group.created_at),
            updated_at: scene.stamp(group.updated_at),
        }
    }
}

impl<'a> EventView<'a> {
    pub fn incident(
        scene: &PageContext<'a>,
        incident: &'a Incident,
        postmortem: Option<&'a PublishedPostmortem>,
        fields: EventFields<'_>,
    ) -> Self {
        let published = postmortem.map(|postmortem| scene.stamp(postmortem.at));
        Self {
            impact_override: incident.impact_override.map(crate::domain::impact::Impact::key),
            postmortem_body: postmortem.map(|postmortem| postmortem.body.as_str()),
            postmortem_body_last_updated_at: published.clone(),
            postmortem_published_at: published,
            reminder_intervals: incident.reminder.to_text(),
            ..Self::from_row(EntryRow::incident(scene, incident, postmortem), fields)
        }
    }

    pub fn maintenance(scene: &PageContext<'a>, it: &'a Maintenance, fields: EventFields<'_>) -> Self {
        let releases = fields.event.get(RELEASE_FIELD).and_then(Value::as_bool);
        Self {
            impact_override: it.impact_override.map(crate::domain::impact::Impact::key),
            scheduled_auto_completed: it.switches.completes,
            scheduled_auto_in_progress: it.switches.starts,
            auto_transition_to_maintenance_state: Some(it.switches.marks),
            auto_transition_to_operational_state: Some(releases.unwrap_or(it.switches.marks)),
            scheduled_remind_prior: it.switches.reminds,
            ..Self::from_row(EntryRow::maintenance(scene, it), fields)
        }
    }

    fn from_row(entry: EntryRow<'a>, fields: EventFields<'_>) -> Self {
        let component = |row| ComponentView::from_row(row, fields.components);
        let flag = |name: &str| fields.event.get(name).and_then(Value::as_bool);
        Self {
            id: entry.id,
            components: entry.components.into_iter().map(component).collect(),
            created_at: entry.created_at,
            impact: entry.impact,
            impact_override: None,
            incident_updates: entry.incident_updates.into_iter().map(|row| UpdateView::from_row(row, fields)).collect(),
            incident_impacts: [],
            metadata: fields.event.get("metadata").cloned().unwrap_or_else(|| Value::Object(Map::new())),
            monitoring_at: entry.monitoring_at,
            name: entry.name,
            page_id: entry.page_id,
            postmortem_body: None,
            postmortem_body_last_updated_at: None,
            postmortem_ignored: false,
            postmortem_notified_subscribers: false,
            postmortem_notified_twitter: false,
            postmortem_published_at: None,
            resolved_at: entry.resolved_at,
            scheduled_auto_completed: false,
            scheduled_auto_in_progress: false,
            scheduled_for: entry.scheduled_for,
            auto_transition_deliver_notifications_at_end: flag("auto_transition_deliver_notifications_at_end"),
            auto_transition_deliver_notifications_at_start: flag("auto_transition_deliver_notifications_at_start"),
            auto_transition_to_maintenance_state: None,
            auto_transition_to_operational_state: None,
            scheduled_remind_prior: false,
            scheduled_reminded_at: None,
            scheduled_until: entry.scheduled_until,
            shortlink: entry.shortlink,
            status: entry.status,
            updated_at: entry.updated_at,
            reminder_intervals: None,
            next_update_at: entry.next_update_at,
        }
    }

    pub fn find_update(self, id: &str) -> Option<UpdateView<'a>> {
        self.incident_updates.into_iter().find(|update| update.row.id == id)
    }
}

impl<'a> UpdateView<'a> {
    fn from_row(mut row: UpdateRow<'a>, fields: EventFields<'_>) -> Self {
        let own = fields.event.get(UPDATE_FIELDS).and_then(|all| all.get(&row.id));
        let flag = |name: &str| own.and_then(|own| own.get(name)).and_then(Value::as_bool);
        row.deliver_notifications = flag("deliver_notifications").unwrap_or(row.deliver_notifications);
        let wants_twitter_update = flag("wants_twitter_update").unwrap_or_default();
        Self { row, twitter_updated_at: None, wants_twitter_update }
    }
}

impl<'a> PostmortemView<'a> {
    /// `fields` are the client fields of the incident.
    pub fn new(scene: &PageContext<'_>, postmortem: &'a Postmortem, fields: &'a ClientFields) -> Self {
        let sent = |name: &str| fields.get(POSTMORTEM_FIELDS).and_then(|own| own.get(name));
        let flag = |name: &str| sent(name).and_then(Value::as_bool).unwrap_or_default();
        let published = postmortem.published.as_ref();
        let published_at = published.map(|published| scene.stamp(published.at));
        Self {
            preview_key: None,
            body: published.map(|published| published.body.as_str()),
            body_updated_at: published_at.clone(),
            body_draft: &postmortem.body,
            body_draft_updated_at: scene.stamp(postmortem.updated_at),
            published_at,
            notify_subscribers: flag("notify_subscribers"),
            notify_twitter: flag("notify_twitter"),
            custom_tweet: sent("custom_tweet").and_then(Value::as_str),
            created_at: None,
            updated_at: scene.stamp(postmortem.updated_at),
        }
    }
}

impl<'a> TemplateView<'a> {
    pub fn new(scene: &PageContext<'a>, template: &'a Template, fields: EventFields<'_>) -> Self {
        let named = |component: &Component| template.components.iter().any(|(id, _)| *id == component.id);
        let said = |name: &str, usual: Value| fields.event.get(name).cloned().unwrap_or(usual);
        let component = |row| ComponentView::from_row(row, fields.components);
        Self {
            id: template.id.as_str(),
            components: ungrouped_rows(scene, named).into_iter().map(component).collect(),
            name: &template.name,
            title: &template.title,
            body: &template.body,
            group_id: said("group_id", Value::Null),
            update_status: template.phase.key(),
            should_tweet: said("should_tweet", Value::Bool(false)),
            should_send_notifications: template.notify,
        }
    }
}
