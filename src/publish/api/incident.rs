//! Incidents and maintenances: Statuspage uses one object for both, apart from the scheduled times.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::affected_components::{StatusChange, status_changes};
use super::component::{ComponentRow, ungrouped_rows};
use super::context::PageRow;
use super::schema::{EntryStatusKey, ImpactKey, StatusKey};
use super::{PageContext, to_json};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{ComponentId, Incident, Maintenance, MaintenancePhase, Phase, Update, UpdateId};

/// An incident, or a maintenance if the last two keys are set.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "Incident", deny_unknown_fields)]
pub struct EntryRow<'a> {
    pub id: &'a str,
    pub name: &'a str,
    #[schemars(with = "EntryStatusKey")]
    pub status: &'static str,
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: String,
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub monitoring_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub resolved_at: Option<String>,
    #[schemars(with = "ImpactKey")]
    pub impact: &'static str,
    pub shortlink: String,
    #[schemars(with = "DateTime<Utc>")]
    pub started_at: String,
    pub page_id: &'a str,
    pub incident_updates: Vec<UpdateRow<'a>>,
    pub components: Vec<ComponentRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub scheduled_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub scheduled_until: Option<String>,
    /// When the next update is due; only while one is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub next_update_at: Option<String>,
    /// The sort key of lists.
    #[serde(skip)]
    pub created: DateTime<Utc>,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "Update", deny_unknown_fields)]
pub struct UpdateRow<'a> {
    pub id: String,
    #[schemars(with = "EntryStatusKey")]
    pub status: &'static str,
    pub body: &'a str,
    pub incident_id: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: String,
    #[schemars(with = "DateTime<Utc>")]
    pub display_at: String,
    pub affected_components: Option<Vec<AffectedRow<'a>>>,
    pub deliver_notifications: bool,
    /// Always null: updates are not posted to other services.
    pub custom_tweet: Option<&'a str>,
    pub tweet_id: Option<&'a str>,
}

/// A component in an update.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "AffectedComponent", deny_unknown_fields)]
pub struct AffectedRow<'a> {
    code: &'a str,
    /// The name at the time of the update.
    name: String,
    #[schemars(with = "StatusKey")]
    old_status: &'static str,
    #[schemars(with = "StatusKey")]
    new_status: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct IncidentDocument<'a> {
    page: PageRow<'a>,
    incident: WithReminders<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IncidentWithReminders", deny_unknown_fields)]
struct WithReminders<'a> {
    #[serde(flatten)]
    entry: EntryRow<'a>,
    reminder_intervals: Option<&'a str>,
}

impl EntryRow<'_> {
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

pub fn render_incident(scene: &PageContext<'_>, entry: EntryRow<'_>) -> String {
    to_json(&IncidentDocument { page: scene.page_row(), incident: WithReminders { entry, reminder_intervals: None } })
}

impl<'a> EntryRow<'a> {
    /// An incident. A published postmortem counts as an update, and a closed incident gets the status `postmortem`.
    pub fn incident(
        scene: &PageContext<'a>,
        incident: &'a Incident,
        postmortem: Option<&'a PublishedPostmortem>,
    ) -> Self {
        let id = incident.id.as_str();
        let mut updates = update_rows(scene, id, &incident.updates, Phase::key, |phase| !phase.is_open());
        updates.extend(postmortem.map(|postmortem| (postmortem.at, postmortem_row(scene, id, postmortem))));
        updates.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let created = creation_time(incident.created_at, &incident.updates);
        Self {
            id,
            name: &incident.title,
            status: if postmortem.is_some() && !incident.is_open() { "postmortem" } else { incident.phase.key() },
            created_at: scene.stamp(created),
            updated_at: scene.stamp(incident.updated_at),
            monitoring_at: first_update_time(scene, &incident.updates, |phase| phase == Phase::Monitoring),
            resolved_at: incident.ended_at.map(|at| scene.stamp(at)),
            impact: incident.api_impact().key(),
            shortlink: scene.permalink(id),
            started_at: scene.stamp(incident.started_at),
            page_id: &scene.page.id,
            incident_updates: updates.into_iter().map(|(_, row)| row).collect(),
            components: existing_components(scene, incident.affected_components().into_iter().map(|(id, _)| id)),
            scheduled_for: None,
            scheduled_until: None,
            next_update_at: incident.next_update_at.map(|at| scene.stamp(at)),
            created,
        }
    }

    /// A maintenance. A cancelled one gets the status `completed`, because Statuspage has no other end; the text of its
    /// newest update says that the maintenance was cancelled.
    pub fn maintenance(scene: &PageContext<'a>, it: &'a Maintenance) -> Self {
        let id = it.id.as_str();
        let mut updates = update_rows(scene, id, &it.updates, phase_key, MaintenancePhase::is_over);
        updates.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let created = creation_time(it.created_at, &it.updates);
        Self {
            id,
            name: &it.title,
            status: phase_key(it.phase),
            created_at: scene.stamp(it.created_at),
            updated_at: scene.stamp(it.updated_at),
            monitoring_at: first_update_time(scene, &it.updates, |phase| phase == MaintenancePhase::Verifying),
            resolved_at: it.ended_at.map(|at| scene.stamp(at)),
            impact: it.api_impact().key(),
            shortlink: scene.permalink(id),
            started_at: scene.stamp(it.updates.first().map_or(it.created_at, |first| first.posted_at)),
            page_id: &scene.page.id,
            incident_updates: updates.into_iter().map(|(_, row)| row).collect(),
            components: existing_components(scene, it.components.iter().map(|component| &component.id)),
            scheduled_for: Some(scene.stamp(it.scheduled_for)),
            scheduled_until: Some(scene.stamp(it.scheduled_until)),
            next_update_at: None,
            created,
        }
    }
}

/// The Statuspage name of a phase.
pub fn phase_key(phase: MaintenancePhase) -> &'static str {
    match phase {
        MaintenancePhase::Cancelled => MaintenancePhase::Completed.key(),
        phase => phase.key(),
    }
}

/// The creation time. For a backfilled entry that is the display time of its first update.
fn creation_time<P>(created_at: DateTime<Utc>, updates: &[Update<P>]) -> DateTime<Utc> {
    updates.first().map_or(created_at, |first| created_at.min(first.posted_at))
}

/// The display time of the first update whose phase satisfies `is`.
fn first_update_time<P: Copy>(scene: &PageContext<'_>, updates: &[Update<P>], is: fn(P) -> bool) -> Option<String> {
    updates.iter().find(|update| is(update.phase)).map(|update| scene.stamp(update.posted_at))
}

/// The components with these ids that still exist, with their current data.
fn existing_components<'a, 'i>(
    scene: &PageContext<'a>,
    ids: impl Iterator<Item = &'i ComponentId>,
) -> Vec<ComponentRow<'a>> {
    let ids: BTreeSet<&ComponentId> = ids.collect();
    ungrouped_rows(scene, |component| ids.contains(&component.id))
}

/// Every update with its display time. Among updates with equal times, the one added last comes first.
fn update_rows<'a, P: Copy>(
    scene: &PageContext<'a>,
    owner: &'a str,
    updates: &'a [Update<P>],
    key: fn(P) -> &'static str,
    ends: fn(P) -> bool,
) -> Vec<(DateTime<Utc>, UpdateRow<'a>)> {
    let all = updates.iter().zip(status_changes(updates, ends)).rev();
    let row = |(update, changes): (&'a Update<P>, Vec<StatusChange<'a>>)| {
        let affected: Vec<_> = changes.iter().map(|change| affected_row(scene, change)).collect();
        let row = UpdateRow {
            id: update.id.to_string(),
            status: key(update.phase),
            body: &update.body,
            incident_id: owner,
            created_at: scene.stamp(update.created_at),
            updated_at: scene.stamp(update.edited_at.unwrap_or(update.created_at)),
            display_at: scene.stamp(update.posted_at),
            affected_components: (!affected.is_empty()).then_some(affected),
            deliver_notifications: true,
            custom_tweet: None,
            tweet_id: None,
        };
        (update.posted_at, row)
    };
    all.map(row).collect()
}

fn affected_row<'a>(scene: &PageContext<'_>, change: &StatusChange<'a>) -> AffectedRow<'a> {
    AffectedRow {
        code: change.component.id.as_str(),
        name: scene.full_name(&change.component.id, &change.component.name),
        old_status: change.old.key(),
        new_status: change.new.key(),
    }
}

fn postmortem_row<'a>(scene: &PageContext<'_>, owner: &'a str, postmortem: &'a PublishedPostmortem) -> UpdateRow<'a> {
    let at = scene.stamp(postmortem.at);
    UpdateRow {
        id: postmortem.update_id.clone().unwrap_or_else(|| postmortem_update_id(owner)).to_string(),
        status: "postmortem",
        body: &postmortem.body,
        incident_id: owner,
        created_at: at.clone(),
        updated_at: at.clone(),
        display_at: at,
        affected_components: None,
        deliver_notifications: true,
        custom_tweet: None,
        tweet_id: None,
    }
}

/// The update id of a postmortem that was not imported, derived from the incident id so that it never changes.
fn postmortem_update_id(owner: &str) -> UpdateId {
    let digest = Sha256::digest(format!("review of {owner}").as_bytes());
    UpdateId::from_random(std::array::from_fn(|at| digest[at]))
}
