//! The ids of feed entries. Imported entries keep their ids, so that feed readers don't show them again.

use super::progress::{INCIDENT_NOUNS, Import, MAINTENANCE_NOUNS, is_deleted_here};
use super::source::Source;
use crate::actions::imported;
use crate::db::{Result, WriteTx, admin_incidents, feed_ids, maintenances};
use crate::domain::{IncidentId, MaintenanceId};

/// In bytes.
const MAX_FEED_ID: usize = 255;
const UNKNOWN_INCIDENT: &str = "unknown incident";

impl Import<'_> {
    /// Stores the source's feed entry ids for incidents and maintenances.
    pub(super) async fn feed_ids(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        let before = self.report.feed_ids.created;
        for (id, feed_id) in &source.feed_ids {
            match feed_id_error(tx, id, feed_id).await? {
                Some(UNKNOWN_INCIDENT) if is_left_out(tx, id).await? => self.report.feed_ids.unchanged += 1,
                // A feed may go further back than the documents.
                Some(UNKNOWN_INCIDENT) => {
                    self.report.feed_ids.skipped += 1;
                    self.report.skips.push(format!("feed entry “{feed_id}”: incident {id} was not imported"));
                }
                Some(refusal) => {
                    self.report.feed_ids.refused += 1;
                    self.report.refusals.push(format!("feed entry “{feed_id}” of incident {id}: {refusal}"));
                }
                None if feed_ids::insert(tx, id, feed_id).await? => self.report.feed_ids.created += 1,
                None => self.report.feed_ids.unchanged += 1,
            }
        }
        let kept = self.report.feed_ids.created - before;
        if kept > 0 {
            self.entries.push(imported::feed_ids(kept));
        }
        Ok(())
    }
}

/// Whether the incident or maintenance was deleted here.
async fn is_left_out(tx: &mut WriteTx, id: &str) -> Result<bool> {
    Ok(is_deleted_here(tx, id, INCIDENT_NOUNS).await? || is_deleted_here(tx, id, MAINTENANCE_NOUNS).await?)
}

async fn feed_id_error(tx: &mut WriteTx, id: &str, feed_id: &str) -> Result<Option<&'static str>> {
    let is_plain =
        feed_id.len() <= MAX_FEED_ID && feed_id.contains(':') && feed_id.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain {
        return Ok(Some("it is not a valid URL"));
    }
    let (incident, maintenance) = (IncidentId::parse(id), MaintenanceId::parse(id));
    let (Some(incident), Some(maintenance)) = (incident, maintenance) else { return Ok(Some(UNKNOWN_INCIDENT)) };
    if !admin_incidents::exists(tx, &incident).await? && !maintenances::exists(tx, &maintenance).await? {
        return Ok(Some(UNKNOWN_INCIDENT));
    }
    let owner = admin_incidents::find_by_feed_id(tx, feed_id).await?;
    Ok(owner.is_some_and(|owner| owner != *id).then_some("another incident has it already"))
}
