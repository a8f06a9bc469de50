//! Postmortems of incidents.

use chrono::{DateTime, Utc};

use super::notices::{announce_postmortem, postmortem_notifies};
use crate::db::{Result, WriteTx, postmortems};
use crate::domain::audit::{Action, Entry};
use crate::domain::{Incident, IncidentId, Postmortem, Visibility};

/// The suffix distinguishes the postmortem from its incident in the audit log.
pub fn audit_id(incident: &IncidentId) -> String {
    format!("{incident}/postmortem")
}

/// `action` says whether the postmortem was edited, published or withdrawn.
pub async fn save(
    tx: &mut WriteTx,
    action: Action,
    incident: &Incident,
    (before, after): (Option<&Postmortem>, &mut Postmortem),
    now: DateTime<Utc>,
) -> Result<Entry> {
    postmortems::save(tx, after, now).await?;
    let was_published = before.is_some_and(|before| before.published.is_some());
    let is_new = action == Action::PostmortemPublish && !was_published;
    if is_new && incident.visibility == Visibility::Public && postmortem_notifies(tx, &incident.id).await? {
        announce_postmortem(tx, incident, now).await?;
    }
    let entry = Entry::new(action, audit_id(&incident.id), &incident.title).after(after);
    Ok(match before {
        Some(before) => entry.before(before),
        None => entry,
    })
}

pub async fn delete(tx: &mut WriteTx, incident: &Incident, postmortem: &Postmortem) -> Result<Entry> {
    postmortems::delete(tx, &incident.id).await?;
    Ok(Entry::new(Action::PostmortemDelete, audit_id(&incident.id), &incident.title).before(postmortem))
}
