//! JSON documents rendered on demand: single incidents, three months of the history, uptime showcases.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use super::{Document, api};
use crate::db::{self, Tx};
use crate::domain::history::start_of_day;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::uptime::StatusInterval;
use crate::domain::{Component, ComponentId, Group, Incident, IncidentId, Maintenance, Page, UptimeCorrection};
use crate::format::time::today;
use crate::ui::pages::public::DAYS;

/// The maximum number of incidents, and of maintenances, in three months of the history.
pub(super) const MAX_IN_QUARTER: i64 = 500;

/// The two JSON shapes of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonShape {
    /// Wrapped in an object with the page, under `/api/v2/`.
    Api,
    /// All data at the top level, at `/incidents/ID.json`.
    Flat,
}

pub struct JsonDocument {
    groups: Vec<Group>,
    components: Vec<Component>,
    open: Vec<Incident>,
    planned: Vec<Maintenance>,
    subject: Subject,
}

enum Subject {
    Nothing,
    Incident(Incident, Option<PublishedPostmortem>, JsonShape),
    Maintenance(Maintenance, JsonShape),
    Quarter(u32, Vec<Incident>, Vec<Maintenance>),
    Showcase(Box<Showcase>),
}

struct Showcase {
    chosen: Vec<ComponentId>,
    effects: Vec<StatusInterval>,
    corrections: Vec<UptimeCorrection>,
    incidents: api::IncidentTitles,
}

impl JsonShape {
    pub fn path(self, id: &IncidentId) -> String {
        match self {
            Self::Api => format!("/api/v2/incidents/{id}.json"),
            Self::Flat => format!("/incidents/{id}.json"),
        }
    }
}

impl JsonDocument {
    /// Loads the data that every document needs.
    pub async fn with_context(
        tx: &mut Tx,
        components: Vec<Component>,
        open: Vec<Incident>,
        planned: Vec<Maintenance>,
    ) -> db::Result<Self> {
        let groups = db::components::list_groups(tx).await?;
        Ok(Self { groups, components, open, planned, subject: Subject::Nothing })
    }

    pub fn for_incident(self, incident: Incident, postmortem: Option<PublishedPostmortem>, form: JsonShape) -> Self {
        Self { subject: Subject::Incident(incident, postmortem, form), ..self }
    }

    pub fn for_maintenance(self, maintenance: Maintenance, form: JsonShape) -> Self {
        Self { subject: Subject::Maintenance(maintenance, form), ..self }
    }

    /// Adds what ended in these three months, up to `limit` incidents and maintenances each; page 1 includes what is
    /// ongoing.
    pub async fn for_quarter(
        self,
        tx: &mut Tx,
        page: u32,
        zone: Tz,
        now: DateTime<Utc>,
        limit: i64,
    ) -> db::Result<Self> {
        let months = api::history_months(page, now, zone);
        let edge = |month: Option<&crate::domain::history::Month>| month.map(|month| month.bounds(zone));
        let from = edge(months.last()).map_or(now, |(from, _)| from);
        let to = edge(months.first()).map_or(now, |(_, to)| to);
        let mut incidents = db::incidents::ended_within(tx, (from, to), limit).await?;
        let mut maintenances = db::maintenances::ended_within(tx, (from, to), limit).await?;
        if page == 1 {
            incidents.extend(self.open.iter().cloned());
            maintenances.extend(self.planned.iter().filter(|it| it.phase.is_active()).cloned());
        }
        Ok(Self { subject: Subject::Quarter(page, incidents, maintenances), ..self })
    }

    pub async fn for_showcase(
        self,
        tx: &mut Tx,
        chosen: Vec<ComponentId>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> db::Result<Self> {
        let first = start_of_day(today(now, zone) - Days::new(DAYS - 1), zone);
        let showcase = Showcase {
            chosen,
            effects: db::status_intervals::list_since(tx, first).await?,
            corrections: db::uptime_corrections::list_since(tx, first).await?,
            incidents: db::status_intervals::titles_since(tx, first).await?,
        };
        Ok(Self { subject: Subject::Showcase(Box::new(showcase)), ..self })
    }

    pub fn render(&self, page: &Page, origin: &str, now: DateTime<Utc>) -> Document {
        let scene = api::PageContext::new(page, origin, &self.groups, &self.components, &self.open, &self.planned);
        let text = match &self.subject {
            Subject::Nothing => String::new(),
            Subject::Incident(incident, postmortem, JsonShape::Api) => {
                let entry = api::EntryRow::incident(&scene, incident, postmortem.as_ref());
                api::render_incident(&scene, entry)
            }
            Subject::Incident(incident, postmortem, JsonShape::Flat) => {
                api::flat_incident(&scene, incident, postmortem.as_ref())
            }
            Subject::Maintenance(it, JsonShape::Api) => {
                api::render_incident(&scene, api::EntryRow::maintenance(&scene, it))
            }
            Subject::Maintenance(it, JsonShape::Flat) => api::flat_maintenance(&scene, it),
            Subject::Quarter(number, incidents, maintenances) => {
                let months = api::history_months(*number, now, page.time_zone);
                api::render_quarter(&scene, &months, incidents, maintenances, now)
            }
            Subject::Showcase(it) => {
                let chosen = |component: &Component| it.chosen.contains(&component.id);
                api::render_showcase(&scene, chosen, &it.effects, &it.corrections, &it.incidents, now)
            }
        };
        Document::cross_origin(super::machine_documents::JSON, text)
    }
}
