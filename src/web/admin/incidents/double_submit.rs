//! Double submits: the form of a new object has the object's id, so submitting it twice creates one object.

use crate::db::{self, Tx, admin_incidents, maintenances, series};
use crate::domain::audit::Action;
use crate::domain::forms::{IncidentForm, SeriesForm};
use crate::domain::{Incident, IncidentId, MaintenanceId, SeriesId};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::{Error, Result};

pub(in crate::web) enum Submission<T> {
    First,
    /// A double click, or a retry without a response: the object that the first submission created.
    Again(T),
    /// The id belongs to another object.
    Taken,
}

/// Looks up the incident that the form with this `id` already opened.
pub(in crate::web) async fn find_submitted_incident(
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    id: &IncidentId,
    form: &IncidentForm,
) -> Result<Submission<Box<Incident>>> {
    let existing = match admin_incidents::find(tx, id).await {
        Err(db::Error::NotFound) => {
            let planned = MaintenanceId::parse(id.as_str());
            let taken = matches!(planned, Some(planned) if maintenances::exists(tx, &planned).await?);
            return Ok(if taken { Submission::Taken } else { Submission::First });
        }
        found => found?,
    };
    // A manager who went back and wrote another incident must not lose it.
    let is_posted = |body: &str| existing.updates.iter().any(|update| update.body == body.trim_end());
    let same = existing.title == form.title.trim() && form.bodies().into_iter().all(is_posted);
    let own = db::audit::has_done(tx, &manager.id, Action::IncidentOpen, id.as_str()).await?;
    Ok(if same && own { Submission::Again(Box::new(existing)) } else { Submission::Taken })
}

/// Looks up what the form with this `id` already scheduled, and its path.
pub(in crate::web) async fn find_submitted_maintenance(
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    id: &MaintenanceId,
    form: &SeriesForm,
) -> Result<Submission<String>> {
    let (title, body) = (form.first.plan.title.trim(), form.first.body.trim_end());
    // A manager who went back and wrote another maintenance must not lose it.
    let (same, action, path) = if maintenances::exists(tx, id).await? {
        let existing = maintenances::find(tx, id).await?;
        let same = existing.title == title && existing.updates.iter().any(|update| update.body == body);
        (same, Action::MaintenanceSchedule, format!("/admin/maintenances/{id}"))
    } else {
        match series::find(tx, &series_id(id)?).await {
            Err(db::Error::NotFound) => {
                let taken =
                    matches!(IncidentId::parse(id.as_str()), Some(id) if admin_incidents::exists(tx, &id).await?);
                return Ok(if taken { Submission::Taken } else { Submission::First });
            }
            found => {
                let existing = found?;
                let same = existing.title == title && existing.body == body;
                (same, Action::SeriesAdd, "/admin/maintenances".to_owned())
            }
        }
    };
    let own = db::audit::has_done(tx, &manager.id, action, id.as_str()).await?;
    Ok(if same && own { Submission::Again(path) } else { Submission::Taken })
}

/// A recurring maintenance takes the id in its form.
pub(in crate::web) fn series_id(id: &MaintenanceId) -> Result<SeriesId> {
    SeriesId::parse(id.as_str()).ok_or(Error::NotFound)
}
