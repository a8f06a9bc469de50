//! `/incidents/ID.json`: one incident with all its data at the top level.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::component::ComponentRow;
use super::incident::UpdateRow;
use super::schema::{EntryStatusKey, ImpactKey};
use super::{EntryRow, PageContext, to_json};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Incident, Maintenance};

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FlatIncident<'a> {
    name: &'a str,
    #[schemars(with = "EntryStatusKey")]
    status: &'static str,
    #[schemars(with = "DateTime<Utc>")]
    created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
    #[schemars(with = "Option<DateTime<Utc>>")]
    monitoring_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    resolved_at: Option<String>,
    #[schemars(with = "ImpactKey")]
    impact: &'static str,
    shortlink: String,
    #[schemars(with = "DateTime<Utc>")]
    started_at: String,
    postmortem_ignored: bool,
    postmortem_body: Option<&'a str>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    postmortem_body_last_updated_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    postmortem_published_at: Option<String>,
    postmortem_notified_subscribers: bool,
    postmortem_notified_twitter: bool,
    backfilled: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_for: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_until: Option<String>,
    scheduled_remind_prior: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    scheduled_reminded_at: Option<String>,
    #[schemars(with = "Option<ImpactKey>")]
    impact_override: Option<&'static str>,
    scheduled_auto_in_progress: bool,
    scheduled_auto_completed: bool,
    id: &'a str,
    page_id: &'a str,
    incident_updates: Vec<UpdateRow<'a>>,
    components: Vec<ComponentRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    next_update_at: Option<String>,
}

/// Values that lists don't contain.
#[derive(Default)]
struct FlatExtras<'a> {
    postmortem: Option<&'a PublishedPostmortem>,
    backfilled: bool,
    impact_override: Option<&'static str>,
    /// Reminder, automatic start, automatic completion.
    switches: [bool; 3],
}

pub fn flat_incident(scene: &PageContext<'_>, incident: &Incident, postmortem: Option<&PublishedPostmortem>) -> String {
    let more = FlatExtras {
        postmortem,
        backfilled: incident.is_backfilled(),
        impact_override: incident.impact_override.map(crate::domain::impact::Impact::key),
        ..FlatExtras::default()
    };
    render_flat(scene, EntryRow::incident(scene, incident, postmortem), &more)
}

pub fn flat_maintenance(scene: &PageContext<'_>, it: &Maintenance) -> String {
    let more = FlatExtras {
        switches: [it.switches.reminds, it.switches.starts, it.switches.completes],
        impact_override: it.impact_override.map(crate::domain::impact::Impact::key),
        ..FlatExtras::default()
    };
    render_flat(scene, EntryRow::maintenance(scene, it), &more)
}

fn render_flat(scene: &PageContext<'_>, entry: EntryRow<'_>, more: &FlatExtras<'_>) -> String {
    let published = more.postmortem.map(|postmortem| scene.stamp(postmortem.at));
    to_json(&FlatIncident {
        name: entry.name,
        status: entry.status,
        created_at: entry.created_at,
        updated_at: entry.updated_at,
        monitoring_at: entry.monitoring_at,
        resolved_at: entry.resolved_at,
        impact: entry.impact,
        shortlink: entry.shortlink,
        started_at: entry.started_at,
        postmortem_ignored: false,
        postmortem_body: more.postmortem.map(|postmortem| postmortem.body.as_str()),
        postmortem_body_last_updated_at: published.clone(),
        postmortem_published_at: published,
        postmortem_notified_subscribers: false,
        postmortem_notified_twitter: false,
        backfilled: more.backfilled,
        scheduled_for: entry.scheduled_for,
        scheduled_until: entry.scheduled_until,
        scheduled_remind_prior: more.switches[0],
        scheduled_reminded_at: None,
        impact_override: more.impact_override,
        scheduled_auto_in_progress: more.switches[1],
        scheduled_auto_completed: more.switches[2],
        id: entry.id,
        page_id: entry.page_id,
        incident_updates: entry.incident_updates,
        components: entry.components,
        next_update_at: entry.next_update_at,
    })
}
