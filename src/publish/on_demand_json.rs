//! Deep pages for programs: one incident, three months of the history, the last days of some components.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use super::{Document, api};
use crate::db::{self, Tx};
use crate::domain::history::start_of_day;
use crate::domain::postmortem::PublishedReview;
use crate::domain::uptime::Effect;
use crate::domain::{Component, ComponentId, Correction, Group, Incident, IncidentId, Maintenance, Page};
use crate::format::time::today;
use crate::ui::pages::public::DAYS;

/// The most incidents, and the most maintenances, in three months of the history.
pub(super) const MAX_IN_QUARTER: i64 = 500;

/// In which of its two shapes an incident is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With the page around it, under `/api/v2/`.
    Api,
    /// Everything at the top level, beside its page.
    Flat,
}

/// A document for programs with all that it tells.
pub struct Record {
    groups: Vec<Group>,
    components: Vec<Component>,
    open: Vec<Incident>,
    planned: Vec<Maintenance>,
    subject: Subject,
}

enum Subject {
    Nothing,
    Incident(Incident, Option<PublishedReview>, Form),
    Maintenance(Maintenance, Form),
    Quarter(u32, Vec<Incident>, Vec<Maintenance>),
    Showcase(Box<Showcase>),
}

struct Showcase {
    chosen: Vec<ComponentId>,
    effects: Vec<Effect>,
    corrections: Vec<Correction>,
    incidents: api::Incidents,
}

impl Form {
    /// Where an incident is told in this shape.
    pub fn path(self, id: &IncidentId) -> String {
        match self {
            Self::Api => format!("/api/v2/incidents/{id}.json"),
            Self::Flat => format!("/incidents/{id}.json"),
        }
    }
}

impl Record {
    /// What every such document needs.
    pub async fn around(
        tx: &mut Tx,
        components: Vec<Component>,
        open: Vec<Incident>,
        planned: Vec<Maintenance>,
    ) -> db::Result<Self> {
        let groups = db::components::groups(tx).await?;
        Ok(Self { groups, components, open, planned, subject: Subject::Nothing })
    }

    pub fn of_incident(self, incident: Incident, review: Option<PublishedReview>, form: Form) -> Self {
        Self { subject: Subject::Incident(incident, review, form), ..self }
    }

    pub fn of_maintenance(self, maintenance: Maintenance, form: Form) -> Self {
        Self { subject: Subject::Maintenance(maintenance, form), ..self }
    }

    /// What ended within three months, at most `limit` incidents and maintenances each; on the first page also what
    /// goes on.
    pub async fn of_quarter(
        self,
        tx: &mut Tx,
        page: u32,
        zone: Tz,
        now: DateTime<Utc>,
        limit: i64,
    ) -> db::Result<Self> {
        let months = api::months(page, now, zone);
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

    pub async fn of_showcase(
        self,
        tx: &mut Tx,
        chosen: Vec<ComponentId>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> db::Result<Self> {
        let first = start_of_day(today(now, zone) - Days::new(DAYS - 1), zone);
        let showcase = Showcase {
            chosen,
            effects: db::status_intervals::since(tx, first).await?,
            corrections: db::uptime_corrections::since(tx, first).await?,
            incidents: db::status_intervals::titles_since(tx, first).await?,
        };
        Ok(Self { subject: Subject::Showcase(Box::new(showcase)), ..self })
    }

    /// The document.
    pub fn render(&self, page: &Page, origin: &str, now: DateTime<Utc>) -> Document {
        let scene = api::Scene::of(page, origin, &self.groups, &self.components, &self.open, &self.planned);
        let text = match &self.subject {
            Subject::Nothing => String::new(),
            Subject::Incident(incident, review, Form::Api) => {
                let entry = api::EntryRow::incident(&scene, incident, review.as_ref());
                api::single(&scene, entry)
            }
            Subject::Incident(incident, review, Form::Flat) => api::flat(&scene, incident, review.as_ref()),
            Subject::Maintenance(it, Form::Api) => api::single(&scene, api::EntryRow::maintenance(&scene, it)),
            Subject::Maintenance(it, Form::Flat) => api::flat_maintenance(&scene, it),
            Subject::Quarter(number, incidents, maintenances) => {
                let months = api::months(*number, now, page.time_zone);
                api::quarter(&scene, &months, incidents, maintenances, now)
            }
            Subject::Showcase(it) => {
                let chosen = |component: &Component| it.chosen.contains(&component.id);
                api::showcase(&scene, chosen, &it.effects, &it.corrections, &it.incidents, now)
            }
        };
        Document::shared(super::machine_documents::JSON, text)
    }
}
