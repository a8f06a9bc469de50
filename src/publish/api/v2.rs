//! The documents under `/api/v2/` that are written ahead.

use serde::Serialize;

use super::component::{ComponentRow, rows};
use super::context::{PageRow, StatusRow};
use super::{EntryRow, MAX_LISTED, Scene, written};
use crate::domain::MaintenancePhase;
use crate::publish::Snapshot;

#[derive(Serialize)]
struct Summary<'a> {
    page: PageRow<'a>,
    components: Vec<ComponentRow<'a>>,
    incidents: Vec<EntryRow<'a>>,
    scheduled_maintenances: Vec<EntryRow<'a>>,
    status: StatusRow,
}

#[derive(Serialize)]
struct Stands<'a> {
    page: PageRow<'a>,
    status: StatusRow,
}

#[derive(Serialize)]
struct Components<'a> {
    page: PageRow<'a>,
    components: Vec<ComponentRow<'a>>,
}

#[derive(Serialize)]
struct Incidents<'a> {
    page: PageRow<'a>,
    incidents: Vec<EntryRow<'a>>,
}

#[derive(Serialize)]
struct Maintenances<'a> {
    page: PageRow<'a>,
    scheduled_maintenances: Vec<EntryRow<'a>>,
}

/// Every list with its path.
pub fn documents(scene: &Scene<'_>, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let page = scene.page_row();
    let (components, status) = (rows(scene), scene.status_row());
    let incident = |incident| EntryRow::incident(scene, incident, snapshot.review_of(incident));
    let incidents = sorted(snapshot.listed.iter().map(incident).collect());
    let unresolved = sorted(snapshot.open.iter().map(incident).collect());
    let planned = |wanted: fn(MaintenancePhase) -> bool| {
        let planned = snapshot.planned.iter().filter(|it| wanted(it.phase));
        sorted(planned.map(|it| EntryRow::maintenance(scene, it)).collect())
    };
    let maintenances = sorted(snapshot.listed_maintenances.iter().map(|it| EntryRow::maintenance(scene, it)).collect());
    let incidents_of = |incidents| written(&Incidents { page: page.clone(), incidents });
    let maintenances_of =
        |scheduled_maintenances| written(&Maintenances { page: page.clone(), scheduled_maintenances });
    let summary = Summary {
        page: page.clone(),
        components: components.clone(),
        incidents: unresolved.clone(),
        scheduled_maintenances: planned(|_| true),
        status: status.clone(),
    };
    vec![
        ("/api/v2/summary.json", written(&summary)),
        ("/api/v2/status.json", written(&Stands { page: page.clone(), status })),
        ("/api/v2/components.json", written(&Components { page: page.clone(), components })),
        ("/api/v2/incidents.json", incidents_of(incidents)),
        ("/api/v2/incidents/unresolved.json", incidents_of(unresolved)),
        ("/api/v2/scheduled-maintenances.json", maintenances_of(maintenances)),
        (
            "/api/v2/scheduled-maintenances/upcoming.json",
            maintenances_of(planned(|phase| phase == MaintenancePhase::Scheduled)),
        ),
        ("/api/v2/scheduled-maintenances/active.json", maintenances_of(planned(MaintenancePhase::is_active))),
    ]
}

/// The newest first, and no more than a list may hold.
fn sorted(mut entries: Vec<EntryRow<'_>>) -> Vec<EntryRow<'_>> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.created));
    entries.truncate(MAX_LISTED);
    entries
}
