//! How many subscribers the update of a form reaches.

use crate::db::{Result, Tx, notices};
use crate::domain::notice::Event;
use crate::domain::subscriber::Reach;
use crate::domain::{ComponentId, Incident, Maintenance};

/// A new incident: the components are still to be chosen.
pub(super) async fn of_new_incident(tx: &mut Tx) -> Result<Reach> {
    of_event(tx, Event::IncidentOpened, &[]).await
}

/// An update, which may add components or resolve the incident.
pub(super) async fn of_update(tx: &mut Tx, incident: &Incident) -> Result<Reach> {
    let own = notices::count_of_incident(tx, incident.id.as_str()).await?;
    let least = notices::count_recipients(tx, Event::IncidentUpdated, &affected(incident)).await?;
    let most = notices::count_possible(tx, Event::IncidentResolved).await?;
    Ok(Reach { count: most + own, is_limit: most > least, channels: notices::list_channels(tx).await? })
}

/// Publishing what is already written about an incident.
pub(super) async fn of_publication(tx: &mut Tx, incident: &Incident) -> Result<Reach> {
    let event = if incident.is_open() { Event::IncidentOpened } else { Event::IncidentResolved };
    of_incident_event(tx, incident, event).await
}

pub(super) async fn of_postmortem(tx: &mut Tx, incident: &Incident) -> Result<Reach> {
    of_incident_event(tx, incident, Event::PostmortemPublished).await
}

/// A new maintenance: the components are still to be chosen.
pub(super) async fn of_new_maintenance(tx: &mut Tx) -> Result<Reach> {
    of_event(tx, Event::MaintenanceScheduled, &[]).await
}

pub(super) async fn of_maintenance(tx: &mut Tx, maintenance: &Maintenance) -> Result<Reach> {
    let components: Vec<ComponentId> = maintenance.components.iter().map(|planned| planned.id.clone()).collect();
    let count = notices::count_recipients(tx, Event::MaintenanceUpdated, &components).await?;
    Ok(Reach { count, is_limit: false, channels: notices::list_channels(tx).await? })
}

async fn of_incident_event(tx: &mut Tx, incident: &Incident, event: Event) -> Result<Reach> {
    let own = notices::count_of_incident(tx, incident.id.as_str()).await?;
    let count = notices::count_recipients(tx, event, &affected(incident)).await? + own;
    Ok(Reach { count, is_limit: false, channels: notices::list_channels(tx).await? })
}

/// At least the subscribers of `chosen`, at most those of every component.
async fn of_event(tx: &mut Tx, event: Event, chosen: &[ComponentId]) -> Result<Reach> {
    let least = notices::count_recipients(tx, event, chosen).await?;
    let most = notices::count_possible(tx, event).await?;
    Ok(Reach { count: most, is_limit: most > least, channels: notices::list_channels(tx).await? })
}

/// The components of all updates, whose subscribers are notified.
fn affected(incident: &Incident) -> Vec<ComponentId> {
    incident.affected_components().into_iter().map(|(id, _)| id.clone()).collect()
}
