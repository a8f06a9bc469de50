//! Incidents and their updates.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::drafts::delete_published;
use super::notices::announce_incident;
use crate::db::{self, Result, WriteTx, admin_incidents, incidents};
use crate::domain::audit::{Action, Entry};
use crate::domain::{Incident, IncidentId, SavedDraft, Visibility};

/// Opens an incident and deletes the draft it was written from.
pub async fn open(tx: &mut WriteTx, incident: &Incident, draft: Option<&SavedDraft>) -> Result<Entry> {
    incidents::insert(tx, incident).await?;
    announce_incident(tx, None, incident, incident.created_at).await?;
    delete_published(tx, draft).await?;
    Ok(Entry::new(Action::IncidentOpen, &incident.id, &incident.title).after(incident))
}

/// Saves `after`, the incident with the new update, and deletes the draft the update was written from.
pub async fn post_update(
    tx: &mut WriteTx,
    before: &Incident,
    after: &mut Incident,
    draft: Option<&SavedDraft>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let entry = save(tx, Action::IncidentUpdate, before, after, now).await?;
    delete_published(tx, draft).await?;
    Ok(entry)
}

/// Saves the edited title, times, impact or visibility.
pub async fn edit(tx: &mut WriteTx, before: &Incident, after: &mut Incident, now: DateTime<Utc>) -> Result<Entry> {
    save(tx, Action::IncidentEdit, before, after, now).await
}

pub async fn edit_update(
    tx: &mut WriteTx,
    before: &Incident,
    after: &mut Incident,
    now: DateTime<Utc>,
) -> Result<Entry> {
    save(tx, Action::IncidentEditUpdate, before, after, now).await
}

pub async fn delete_update(
    tx: &mut WriteTx,
    before: &Incident,
    after: &mut Incident,
    now: DateTime<Utc>,
) -> Result<Entry> {
    save(tx, Action::IncidentDeleteUpdate, before, after, now).await
}

pub async fn publish(tx: &mut WriteTx, before: &Incident, now: DateTime<Utc>) -> Result<(Incident, Entry)> {
    make_public(tx, Action::IncidentPublish, before, now).await
}

/// Publishes an incident whose embargo is over; `None` if a manager or another node published or deleted it first.
pub async fn end_embargo(tx: &mut WriteTx, id: &IncidentId, now: DateTime<Utc>) -> Result<Option<Entry>> {
    let before = match admin_incidents::find(tx, id).await {
        Err(db::Error::NotFound) => return Ok(None),
        found => found?,
    };
    if !before.visibility.is_due(now) {
        return Ok(None);
    }
    let (_, entry) = make_public(tx, Action::IncidentEndEmbargo, &before, now).await?;
    Ok(Some(entry))
}

pub async fn delete(tx: &mut WriteTx, incident: &Incident) -> Result<Entry> {
    incidents::delete(tx, &incident.id).await?;
    Ok(Entry::new(Action::IncidentDelete, &incident.id, &incident.title).before(incident))
}

/// Metadata are key-value pairs that API clients store with an incident.
pub fn record_metadata(incident: &Incident, before: &impl Serialize, after: &impl Serialize) -> Entry {
    Entry::new(Action::IncidentEdit, &incident.id, &incident.title).before(before).after(after)
}

async fn make_public(
    tx: &mut WriteTx,
    action: Action,
    before: &Incident,
    now: DateTime<Utc>,
) -> Result<(Incident, Entry)> {
    let mut after = Incident { visibility: Visibility::Public, ..before.clone() };
    let entry = save(tx, action, before, &mut after, now).await?;
    Ok((after, entry))
}

async fn save(
    tx: &mut WriteTx,
    action: Action,
    before: &Incident,
    after: &mut Incident,
    now: DateTime<Utc>,
) -> Result<Entry> {
    incidents::update(tx, after, now).await?;
    announce_incident(tx, Some(before), after, now).await?;
    Ok(Entry::new(action, &after.id, &after.title).before(before).after(after))
}
