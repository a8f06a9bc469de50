//! `/incidents/ID.json`: one incident with everything about it at the top level.

use serde::Serialize;

use super::component::ComponentRow;
use super::incident::UpdateRow;
use super::{EntryRow, Scene, written};
use crate::domain::postmortem::PublishedReview;
use crate::domain::{Incident, Maintenance};

#[derive(Serialize)]
struct Flat<'a> {
    name: &'a str,
    status: &'static str,
    created_at: String,
    updated_at: String,
    monitoring_at: Option<String>,
    resolved_at: Option<String>,
    impact: &'static str,
    shortlink: String,
    started_at: String,
    postmortem_ignored: bool,
    postmortem_body: Option<&'a str>,
    postmortem_body_last_updated_at: Option<String>,
    postmortem_published_at: Option<String>,
    postmortem_notified_subscribers: bool,
    postmortem_notified_twitter: bool,
    backfilled: bool,
    scheduled_for: Option<String>,
    scheduled_until: Option<String>,
    scheduled_remind_prior: bool,
    scheduled_reminded_at: Option<String>,
    impact_override: Option<&'static str>,
    scheduled_auto_in_progress: bool,
    scheduled_auto_completed: bool,
    id: &'a str,
    page_id: &'a str,
    incident_updates: Vec<UpdateRow<'a>>,
    components: Vec<ComponentRow<'a>>,
}

/// What the object says beyond what every list says.
#[derive(Default)]
struct More<'a> {
    review: Option<&'a PublishedReview>,
    backfilled: bool,
    impact_override: Option<&'static str>,
    /// Reminds, starts by itself, completes by itself.
    switches: [bool; 3],
}

/// The document of an incident.
pub fn flat(scene: &Scene<'_>, incident: &Incident, review: Option<&PublishedReview>) -> String {
    let more = More {
        review,
        backfilled: incident.updates.first().is_some_and(|first| !first.phase.is_open()),
        impact_override: incident.impact_override.map(|impact| impact.key()),
        ..More::default()
    };
    write(scene, EntryRow::incident(scene, incident, review), &more)
}

/// The document of a maintenance.
pub fn flat_maintenance(scene: &Scene<'_>, it: &Maintenance) -> String {
    let switches = [it.switches.reminds, it.switches.starts, it.switches.completes];
    write(scene, EntryRow::maintenance(scene, it), &More { switches, ..More::default() })
}

fn write(scene: &Scene<'_>, entry: EntryRow<'_>, more: &More<'_>) -> String {
    let published = more.review.map(|review| scene.stamp(review.at));
    written(&Flat {
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
        postmortem_body: more.review.map(|review| review.body.as_str()),
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
    })
}
