//! The form of something new gives its id, so that one that is sent twice makes one thing.

use crate::db::{self, Tx, admin_incidents, maintenances, series};
use crate::domain::audit::Action;
use crate::domain::forms::{IncidentForm, SeriesForm};
use crate::domain::{Incident, IncidentId, MaintenanceId, SeriesId};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::{Error, Result};

/// Whether a form came before.
pub(in crate::web) enum Submission<T> {
    First,
    /// By a double click, or once more because no answer came: this is what it made.
    Again(T),
    /// Its id belongs to something else.
    Taken,
}

/// Looks for what the form with this `id` has opened already.
pub(in crate::web) async fn find_submitted_incident(
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    id: &IncidentId,
    form: &IncidentForm,
) -> Result<Submission<Box<Incident>>> {
    let stands = match admin_incidents::find(tx, id).await {
        Err(db::Error::NotFound) => {
            let planned = MaintenanceId::parse(id.as_str());
            let taken = matches!(planned, Some(planned) if maintenances::exists(tx, &planned).await?);
            return Ok(if taken { Submission::Taken } else { Submission::First });
        }
        found => found?,
    };
    // Somebody who went back and wrote another one must not lose it.
    let body = form.body.trim_end();
    let same = stands.title == form.title.trim() && stands.updates.iter().any(|update| update.body == body);
    let own = db::audit::has_done(tx, &manager.id, Action::IncidentOpen, id.as_str()).await?;
    Ok(if same && own { Submission::Again(Box::new(stands)) } else { Submission::Taken })
}

/// Looks for what the form with this `id` has planned already, and where that stands.
pub(in crate::web) async fn find_submitted_maintenance(
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    id: &MaintenanceId,
    form: &SeriesForm,
) -> Result<Submission<String>> {
    let (title, body) = (form.first.plan.title.trim(), form.first.body.trim_end());
    // Somebody who went back and wrote another one must not lose it.
    let (same, action, path) = if maintenances::exists(tx, id).await? {
        let stands = maintenances::find(tx, id).await?;
        let same = stands.title == title && stands.updates.iter().any(|update| update.body == body);
        (same, Action::MaintenanceSchedule, format!("/admin/maintenances/{id}"))
    } else {
        match series::find(tx, &series_id(id)?).await {
            Err(db::Error::NotFound) => {
                let taken =
                    matches!(IncidentId::parse(id.as_str()), Some(id) if admin_incidents::exists(tx, &id).await?);
                return Ok(if taken { Submission::Taken } else { Submission::First });
            }
            found => {
                let stands = found?;
                let same = stands.title == title && stands.body == body;
                (same, Action::SeriesAdd, "/admin/maintenances".to_owned())
            }
        }
    };
    let own = db::audit::has_done(tx, &manager.id, action, id.as_str()).await?;
    Ok(if same && own { Submission::Again(path) } else { Submission::Taken })
}

/// The id of a series that a form plans: the one it gives.
pub(in crate::web) fn series_id(id: &MaintenanceId) -> Result<SeriesId> {
    SeriesId::parse(id.as_str()).ok_or(Error::NotFound)
}
