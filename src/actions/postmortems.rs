//! Postmortems of incidents.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, postmortems};
use crate::domain::audit::{Action, Entry};
use crate::domain::{Incident, IncidentId, Postmortem};

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
