//! Notices to subscribers, written in the transaction of the change that they tell. The worker sends them.
//!
//! A notice is silenced by a flag of the update, `deliver_notifications`, which API clients read back.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::db::{Result, Tx, WriteTx, api_metadata, notices};
use crate::domain::notice::Event;
use crate::domain::{Component, ComponentId, Incident, IncidentId, Maintenance, UpdateId, Visibility};

/// The flags of single updates, in the metadata of their incident or maintenance.
const UPDATES: &str = "updates";
const DELIVER: &str = "deliver_notifications";
const DELIVER_AT_START: &str = "auto_transition_deliver_notifications_at_start";
/// The fields of the postmortem, in the metadata of its incident.
const POSTMORTEM: &str = "postmortem";
const NOTIFY_SUBSCRIBERS: &str = "notify_subscribers";
const DELIVER_AT_END: &str = "auto_transition_deliver_notifications_at_end";

/// Stores whether `update` of an incident or a maintenance notifies subscribers. Call it before the action that posts
/// the update.
pub async fn set_notification(tx: &mut WriteTx, subject: &str, update: &UpdateId, notifies: bool) -> Result<()> {
    let mut fields = api_metadata::load(tx, subject).await?;
    let mut updates = object(fields.remove(UPDATES));
    let mut own = object(updates.remove(update.as_str()));
    own.insert(DELIVER.to_owned(), notifies.into());
    updates.insert(update.as_str().to_owned(), own.into());
    fields.insert(UPDATES.to_owned(), updates.into());
    api_metadata::replace(tx, subject, &fields).await
}

/// Stores whether publishing the postmortem of an incident notifies subscribers. Call it before the action that publishes
/// it.
pub async fn set_postmortem_notification(tx: &mut WriteTx, incident: &IncidentId, notifies: bool) -> Result<()> {
    let mut fields = api_metadata::load(tx, incident.as_str()).await?;
    let mut own = object(fields.remove(POSTMORTEM));
    own.insert(NOTIFY_SUBSCRIBERS.to_owned(), notifies.into());
    fields.insert(POSTMORTEM.to_owned(), own.into());
    api_metadata::replace(tx, incident.as_str(), &fields).await
}

pub(super) async fn postmortem_notifies(tx: &mut Tx, incident: &IncidentId) -> Result<bool> {
    let fields = api_metadata::load(tx, incident.as_str()).await?;
    let own = fields.get(POSTMORTEM).and_then(|own| own.get(NOTIFY_SUBSCRIBERS));
    Ok(own.and_then(Value::as_bool).unwrap_or(true))
}

/// Whether the automatic start and end of a maintenance, or of the occurrences of a series, notify subscribers.
pub async fn steps_notify(tx: &mut Tx, subject: &str) -> Result<bool> {
    let fields = api_metadata::load(tx, subject).await?;
    let is_on = |flag| fields.get(flag).and_then(Value::as_bool).unwrap_or(true);
    Ok(is_on(DELIVER_AT_START) && is_on(DELIVER_AT_END))
}

/// Stores whether the automatic start and end of a maintenance notify subscribers; for a series, those of the
/// occurrences that are scheduled from then on.
pub async fn set_step_notifications(tx: &mut WriteTx, subject: &str, notifies: bool) -> Result<()> {
    let mut fields = api_metadata::load(tx, subject).await?;
    for name in [DELIVER_AT_START, DELIVER_AT_END] {
        fields.remove(name);
        if !notifies {
            fields.insert(name.to_owned(), false.into());
        }
    }
    api_metadata::replace(tx, subject, &fields).await
}

/// Writes the notice of a change to an incident, if subscribers are to hear of it.
pub(super) async fn announce_incident(
    tx: &mut WriteTx,
    before: Option<&Incident>,
    after: &Incident,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(event) = Event::of_incident(before, after) else { return Ok(()) };
    let Some(update) = after.newest_update() else { return Ok(()) };
    // An incident that is published after its end notifies only on request.
    let was_public = before.is_some_and(|before| before.visibility == Visibility::Public);
    let default = was_public || after.is_open();
    if !notifies(tx, after.id.as_str(), &update.id).await?.unwrap_or(default) {
        return Ok(());
    }
    let mut notice = notices::new_notice(event, after.id.as_str(), now);
    notice.update_id = Some(update.id.clone());
    notice.components =
        distinct_components(after.updates.iter().flat_map(|update| &update.components).map(|it| &it.id));
    notices::insert(tx, &notice).await
}

/// Writes the notice of a published postmortem.
pub(super) async fn announce_postmortem(tx: &mut WriteTx, incident: &Incident, now: DateTime<Utc>) -> Result<()> {
    let mut notice = notices::new_notice(Event::PostmortemPublished, incident.id.as_str(), now);
    notice.components =
        distinct_components(incident.updates.iter().flat_map(|update| &update.components).map(|it| &it.id));
    notices::insert(tx, &notice).await
}

/// Writes the notice of a change to a maintenance, if subscribers are to hear of it. `is_automatic` is a step that the
/// server took by the schedule.
pub(super) async fn announce_maintenance(
    tx: &mut WriteTx,
    before: Option<&Maintenance>,
    after: &Maintenance,
    is_automatic: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(event) = Event::of_maintenance(before, after) else { return Ok(()) };
    let Some(update) = after.newest_update() else { return Ok(()) };
    if !notifies(tx, after.id.as_str(), &update.id).await?.unwrap_or(true) {
        return Ok(());
    }
    if is_automatic && !step_notifies(tx, after, event).await? {
        return Ok(());
    }
    let mut notice = notices::new_notice(event, after.id.as_str(), now);
    notice.update_id = Some(update.id.clone());
    notice.components = distinct_components(after.components.iter().map(|it| &it.id));
    notices::insert(tx, &notice).await
}

/// Writes the notice of a component's own status, which only webhooks get.
pub(super) async fn announce_component(
    tx: &mut WriteTx,
    before: &Component,
    after: &Component,
    now: DateTime<Utc>,
) -> Result<()> {
    if before.status == after.status {
        return Ok(());
    }
    let mut notice = notices::new_notice(Event::ComponentUpdated, after.id.as_str(), now);
    notice.components = vec![after.id.clone()];
    notice.change = Some((before.status, after.status));
    notices::insert(tx, &notice).await
}

async fn step_notifies(tx: &mut Tx, maintenance: &Maintenance, event: Event) -> Result<bool> {
    let flag = match event {
        Event::MaintenanceStarted => DELIVER_AT_START,
        Event::MaintenanceCompleted => DELIVER_AT_END,
        _ => return Ok(true),
    };
    let fields = api_metadata::load(tx, maintenance.id.as_str()).await?;
    Ok(fields.get(flag).and_then(Value::as_bool).unwrap_or(true))
}

/// What was chosen for the update; `None` for the default.
async fn notifies(tx: &mut Tx, subject: &str, update: &UpdateId) -> Result<Option<bool>> {
    let fields = api_metadata::load(tx, subject).await?;
    let own = fields.get(UPDATES).and_then(|all| all.get(update.as_str()));
    Ok(own.and_then(|own| own.get(DELIVER)).and_then(Value::as_bool))
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Each component once, in the order of the ids.
fn distinct_components<'a>(ids: impl Iterator<Item = &'a ComponentId>) -> Vec<ComponentId> {
    ids.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
