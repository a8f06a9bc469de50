//! Postmortems of incidents.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, postmortems};
use crate::domain::audit::{Action, Entry};
use crate::domain::{Incident, Postmortem};

/// The postmortem's id in the audit log: an incident and its postmortem are told apart there.
pub fn audit_id(incident: &Incident) -> String {
    format!("{}/review", incident.id)
}

/// Saves a postmortem after `action`: edited, published or withdrawn.
///
/// # Errors
/// A conflict if it was changed in the meantime.
pub async fn save(
    tx: &mut WriteTx,
    action: Action,
    incident: &Incident,
    (before, after): (Option<&Postmortem>, &mut Postmortem),
    now: DateTime<Utc>,
) -> Result<Entry> {
    postmortems::save(tx, after, now).await?;
    let entry = Entry::new(action, audit_id(incident), &incident.title).after(after);
    Ok(match before {
        Some(before) => entry.before(before),
        None => entry,
    })
}

/// Deletes a postmortem.
///
/// # Errors
/// If the database can't be written.
pub async fn delete(tx: &mut WriteTx, incident: &Incident, postmortem: &Postmortem) -> Result<Entry> {
    postmortems::delete(tx, &incident.id).await?;
    Ok(Entry::new(Action::PostmortemDelete, audit_id(incident), &incident.title).before(postmortem))
}
