//! Imported postmortems.

use chrono::{DateTime, Utc};

use super::sanitize;
use super::source::{SourceIncident, SourceUpdate};
use crate::db::{Result, WriteTx, postmortems};
use crate::domain::parse_time::parse_instant;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Incident, Postmortem, UpdateId};

pub struct ImportedPostmortem<'a> {
    id: &'a str,
    body: &'a str,
    /// `None` for an unpublished postmortem.
    published_at: Option<DateTime<Utc>>,
}

/// Separates the postmortem from the other updates. It stays an update if the incident has no other.
pub fn extract_postmortem(source: &SourceIncident) -> (Vec<&SourceUpdate>, Option<ImportedPostmortem<'_>>) {
    let rows: Vec<&SourceUpdate> = source.incident_updates.iter().collect();
    let position = rows.iter().position(|row| row.status == "postmortem").filter(|_| rows.len() > 1);
    let Some(place) = position else {
        let published_at = parse_instant(&source.postmortem_published_at).ok();
        let lesson = ImportedPostmortem { id: "", body: &source.postmortem_body, published_at };
        return (rows, Some(lesson).filter(|lesson| !lesson.body.trim().is_empty()));
    };
    let row = rows[place];
    let published_at = parse_instant(&row.display_at).or_else(|_| parse_instant(&row.created_at)).ok();
    let rest = rows.into_iter().enumerate().filter(|(index, _)| *index != place).map(|(_, row)| row).collect();
    (rest, Some(ImportedPostmortem { id: &row.id, body: &row.body, published_at }))
}

pub fn convert_postmortem(
    lesson: ImportedPostmortem<'_>,
    incident: &Incident,
    warn: &mut impl FnMut(String),
) -> Postmortem {
    let body = sanitize::convert_body(lesson.body, warn);
    if lesson.published_at.is_none() {
        warn("its postmortem is not published; it is imported as a draft".into());
    }
    let id = UpdateId::parse(lesson.id).filter(|id| incident.updates.iter().all(|update| update.id != *id));
    if id.is_none() && !lesson.id.is_empty() {
        warn(format!("the id “{}” of its postmortem can't be kept", lesson.id));
    }
    let published = lesson.published_at.map(|at| PublishedPostmortem { body: body.clone(), at, update_id: id.clone() });
    let updated_at = lesson.published_at.unwrap_or(incident.updated_at);
    Postmortem { incident: incident.id.clone(), body, published, updated_at, version: 0 }
}

/// The stored postmortem compared with the imported one.
pub enum Existing {
    /// Equal, or there is nothing to import.
    Same,
    /// Different or missing, with the version to replace.
    Other(i64),
}

pub async fn compare_postmortem(tx: &mut WriteTx, planned: Option<&Postmortem>) -> Result<Existing> {
    let Some(planned) = planned else { return Ok(Existing::Same) };
    let stored = postmortems::find(tx, &planned.incident).await?;
    let said = |review: &Postmortem| (review.body.clone(), review.published.clone());
    let mut planned = planned.clone();
    // Some documents do not tell the id; the stored one stays.
    if let Some(published) = planned.published.as_mut().filter(|published| published.update_id.is_none()) {
        let known = stored.as_ref().and_then(|stored| stored.published.as_ref());
        published.update_id = known.and_then(|known| known.update_id.clone());
    }
    Ok(match stored {
        Some(stored) if said(&stored) == said(&planned) => Existing::Same,
        Some(stored) => Existing::Other(stored.version),
        None => Existing::Other(0),
    })
}
