//! The documents under `/api/v2/` that are rendered at publish time.

use schemars::JsonSchema;
use serde::Serialize;

use super::component::{ComponentRow, component_rows};
use super::context::{PageRow, StatusRow};
use super::{EntryRow, MAX_LISTED, PageContext, to_json};
use crate::domain::MaintenancePhase;
use crate::publish::Snapshot;

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Summary<'a> {
    page: PageRow<'a>,
    components: Vec<ComponentRow<'a>>,
    incidents: Vec<EntryRow<'a>>,
    scheduled_maintenances: Vec<EntryRow<'a>>,
    status: StatusRow,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StatusDocument<'a> {
    page: PageRow<'a>,
    status: StatusRow,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ComponentsDocument<'a> {
    page: PageRow<'a>,
    components: Vec<ComponentRow<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct IncidentsDocument<'a> {
    page: PageRow<'a>,
    incidents: Vec<EntryRow<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MaintenancesDocument<'a> {
    page: PageRow<'a>,
    scheduled_maintenances: Vec<EntryRow<'a>>,
}

pub fn render_v2_documents(scene: &PageContext<'_>, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let page = scene.page_row();
    let (components, status) = (component_rows(scene), scene.status_row());
    let incident = |incident| EntryRow::incident(scene, incident, snapshot.postmortem_for(incident));
    let incidents = newest_first(snapshot.listed.iter().map(incident).collect());
    let unresolved = newest_first(snapshot.open.iter().map(incident).collect());
    let planned = |wanted: fn(MaintenancePhase) -> bool| {
        let planned = snapshot.planned.iter().filter(|it| wanted(it.phase));
        newest_first(planned.map(|it| EntryRow::maintenance(scene, it)).collect())
    };
    let maintenances =
        newest_first(snapshot.listed_maintenances.iter().map(|it| EntryRow::maintenance(scene, it)).collect());
    let incidents_of = |incidents| to_json(&IncidentsDocument { page: page.clone(), incidents });
    let maintenances_of =
        |scheduled_maintenances| to_json(&MaintenancesDocument { page: page.clone(), scheduled_maintenances });
    let summary = Summary {
        page: page.clone(),
        components: components.clone(),
        incidents: unresolved.clone(),
        scheduled_maintenances: planned(|_| true),
        status: status.clone(),
    };
    vec![
        ("/api/v2/summary.json", to_json(&summary)),
        ("/api/v2/status.json", to_json(&StatusDocument { page: page.clone(), status })),
        ("/api/v2/components.json", to_json(&ComponentsDocument { page: page.clone(), components })),
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

fn newest_first(mut entries: Vec<EntryRow<'_>>) -> Vec<EntryRow<'_>> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.created));
    entries.truncate(MAX_LISTED);
    entries
}
