//! Pages too deep to be rendered ahead: an old incident, a month of the history, a choice of it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use url::form_urlencoded;

use super::on_demand_json::{Form, MAX_IN_QUARTER, Record};
use super::render_site::{choices, incident_path, maintenance_path, month_path, tone};
use super::snapshot::MAX_MAINTENANCES;
use super::{Document, calendar, uptime};
use crate::db::{self, Error, Tx};
use crate::domain::history::{Cursor, Filter, Month, PAGE_SIZE, Totals};
use crate::domain::page_status::Indicator;
use crate::domain::postmortem::PublishedReview;
use crate::domain::uptime::Effect;
use crate::domain::{Component, ComponentId, Correction, Incident, IncidentId, Maintenance, MaintenanceId, Page};
use crate::format::time;
use crate::ui::pages::public::history::{self, HistoryPage};
use crate::ui::pages::public::incident::{self, IncidentPage};
use crate::ui::pages::public::maintenance::{self, MaintenancePage};
use crate::ui::pages::public::uptime::{UptimePage, render as render_uptime};
use crate::ui::public_layout::Shell;

/// Which page.
#[derive(Clone, Debug)]
pub enum Deep {
    /// An incident or a maintenance: they share their addresses.
    Incident(IncidentId),
    /// One maintenance as a calendar program opens it.
    Event(MaintenanceId),
    /// An incident or a maintenance as programs read it.
    Record(IncidentId, Form),
    /// Three months of the history as programs read them; the current ones are page 1.
    Quarter(u32),
    /// The last days of some components, as programs read them.
    Showcase(Vec<ComponentId>),
    /// A month, from its newest incident or behind a cursor.
    Month(Month, Option<Cursor>),
    /// What a filter lets through, from the newest incident or behind a cursor.
    Filtered(Filter, Option<Cursor>),
    /// The uptime of every component, month by month.
    Uptime,
}

/// A page with all that it shows.
pub(super) struct Found {
    page: Page,
    tone: Indicator,
    matter: Matter,
}

enum Matter {
    Incident(Box<Incident>, Option<PublishedReview>),
    Maintenance(Box<Maintenance>),
    Event(Box<Maintenance>),
    Record(Box<Record>),
    List(Box<List>),
    Uptime {
        components: Vec<Component>,
        effects: Vec<Effect>,
        corrections: Vec<Correction>,
        titles: BTreeMap<IncidentId, String>,
    },
}

struct List {
    path: String,
    month: Option<Month>,
    filter: Filter,
    unsearched: Option<(NaiveDate, String)>,
    components: Vec<Component>,
    totals: Totals,
    incidents: Vec<Incident>,
    maintenances: Vec<Maintenance>,
    newer: Option<(String, String)>,
    older: Option<(String, String)>,
}

impl Deep {
    /// The one address of this page: equal pages have equal addresses, however they were asked for.
    pub fn address(&self) -> String {
        match self {
            Self::Incident(id) => format!("/incidents/{id}"),
            Self::Event(id) => format!("/incidents/{id}.ics"),
            Self::Record(id, form) => form.path(id),
            Self::Quarter(1) => "/history.json".to_owned(),
            Self::Quarter(page) => format!("/history.json?page={page}"),
            Self::Showcase(chosen) => showcase_path(chosen),
            Self::Month(month, cursor) => with_query(&month_path(*month), Vec::new(), cursor.as_ref()),
            Self::Filtered(filter, cursor) => with_query("/history", filter.pairs(), cursor.as_ref()),
            Self::Uptime => "/uptime".to_owned(),
        }
    }

    /// Reads what the page shows.
    pub(super) async fn load(self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Found> {
        // First, so that an address at which there is nothing costs one look.
        let found = match &self {
            Self::Incident(id) | Self::Record(id, _) => Some(incident_or_maintenance(tx, id).await?),
            _ => None,
        };
        let page = db::page_settings::load(tx).await?;
        let components = db::components::list(tx).await?;
        let open = db::incidents::open(tx).await?;
        let planned = db::maintenances::planned(tx).await?;
        let tone = tone(&components, &open, &planned);
        let matter = match self {
            Self::Incident(_) => found.ok_or(Error::NotFound)?,
            Self::Record(_, form) => {
                let record = Record::around(tx, components, open, planned).await?;
                Matter::Record(Box::new(match found.ok_or(Error::NotFound)? {
                    Matter::Incident(incident, review) => record.of_incident(*incident, review, form),
                    Matter::Maintenance(maintenance) => record.of_maintenance(*maintenance, form),
                    _ => return Err(Error::NotFound),
                }))
            }
            Self::Quarter(number) => {
                let record = Record::around(tx, components, open, planned).await?;
                Matter::Record(Box::new(record.of_quarter(tx, number, page.time_zone, now, MAX_IN_QUARTER).await?))
            }
            Self::Showcase(chosen) => {
                let record = Record::around(tx, components, open, planned).await?;
                Matter::Record(Box::new(record.of_showcase(tx, chosen, page.time_zone, now).await?))
            }
            Self::Event(id) => Matter::Event(Box::new(db::maintenances::find(tx, &id).await?)),
            Self::Month(month, cursor) => {
                Matter::List(Box::new(load_month(tx, month, cursor, components, page.time_zone).await?))
            }
            Self::Filtered(filter, cursor) => {
                Matter::List(Box::new(load_filtered(tx, filter, cursor, components, page.time_zone, now).await?))
            }
            Self::Uptime => {
                let oldest =
                    uptime::months(now, page.time_zone).last().map_or(now, |month| month.bounds(page.time_zone).0);
                let effects = db::status_intervals::since(tx, oldest).await?;
                let corrections = db::uptime_corrections::since(tx, oldest).await?;
                Matter::Uptime {
                    components,
                    effects,
                    corrections,
                    titles: db::status_intervals::titles_since(tx, oldest).await?,
                }
            }
        };
        Ok(Found { page, tone, matter })
    }
}

async fn incident_or_maintenance(tx: &mut Tx, id: &IncidentId) -> db::Result<Matter> {
    match (db::incidents::find(tx, id).await, MaintenanceId::parse(id.as_str())) {
        (Err(Error::NotFound), Some(id)) => Ok(Matter::Maintenance(Box::new(db::maintenances::find(tx, &id).await?))),
        (found, _) => Ok(Matter::Incident(Box::new(found?), db::postmortems::published(tx, id).await?)),
    }
}

async fn load_month(
    tx: &mut Tx,
    month: Month,
    cursor: Option<Cursor>,
    components: Vec<Component>,
    zone: Tz,
) -> db::Result<List> {
    let (from, to) = month.bounds(zone);
    let bounds = (Some(from), Some(to));
    let filter = Filter::default();
    let totals = db::incidents::totals(tx, &filter, bounds).await?;
    let mut incidents = db::incidents::list(tx, &filter, bounds, cursor.as_ref(), PAGE_SIZE as i64 + 1).await?;
    let neighbour = |words: &str, at: Option<DateTime<Utc>>| {
        at.map(|at| Month::of(at, zone))
            .map(|month| (format!("{words}: {}", time::month(month.year, month.month)), month_path(month)))
    };
    let next = [db::incidents::first_start_since(tx, to).await?, db::maintenances::first_start_since(tx, to).await?];
    let newer = neighbour("Newer", next.into_iter().flatten().min());
    let last =
        [db::incidents::last_start_before(tx, from).await?, db::maintenances::last_start_before(tx, from).await?];
    let before = neighbour("Older", last.into_iter().flatten().max());
    let rest = more(&mut incidents);
    let maintenances = among(tx, &incidents, (cursor.as_ref(), rest.as_ref()), bounds).await?;
    if totals.count == 0 && maintenances.is_empty() && newer.is_none() && before.is_none() {
        return Err(Error::NotFound);
    }
    let rest = rest.map(|cursor| ("Older in this month".to_owned(), Deep::Month(month, Some(cursor)).address()));
    let path = month_path(month);
    let (month, older) = (Some(month), rest.or(before));
    Ok(List { path, month, filter, unsearched: None, components, totals, incidents, maintenances, newer, older })
}

async fn load_filtered(
    tx: &mut Tx,
    filter: Filter,
    cursor: Option<Cursor>,
    components: Vec<Component>,
    zone: Tz,
    now: DateTime<Utc>,
) -> db::Result<List> {
    let (from, to) = filter.range.bounds(zone, now);
    let stopped = db::incidents::unsearched(tx, &filter, (from, to)).await?;
    let bounds = (stopped.or(from), to);
    let totals = db::incidents::totals(tx, &filter, bounds).await?;
    let mut incidents = db::incidents::list(tx, &filter, bounds, cursor.as_ref(), PAGE_SIZE as i64 + 1).await?;
    let address = |cursor| Deep::Filtered(filter.clone(), cursor).address();
    let newer = cursor.is_some().then(|| ("Newest".to_owned(), address(None)));
    let older = more(&mut incidents).map(|cursor| ("Older incidents".to_owned(), address(Some(cursor))));
    let unsearched = stopped.map(|at| {
        let day = at.with_timezone(&zone).date_naive();
        (day, Deep::Filtered(filter.up_to(day), None).address())
    });
    let (path, maintenances) = ("/history".into(), Vec::new());
    Ok(List { path, month: None, filter, unsearched, components, totals, incidents, maintenances, newer, older })
}

/// The maintenances among the incidents of one page of a month: between the page before and the rest.
async fn among(
    tx: &mut Tx,
    incidents: &[Incident],
    (cursor, rest): (Option<&Cursor>, Option<&Cursor>),
    bounds: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> db::Result<Vec<Maintenance>> {
    let from = incidents.last().filter(|_| rest.is_some()).map(|last| last.started_at).or(bounds.0);
    let to = cursor.map(|cursor| cursor.started_at).or(bounds.1);
    db::maintenances::within(tx, (from, to), MAX_MAINTENANCES as i64 + 1).await
}

/// Cuts a list to one page; where more follows, gives the cursor behind its last incident.
fn more(incidents: &mut Vec<Incident>) -> Option<Cursor> {
    let follows = incidents.len() > PAGE_SIZE;
    incidents.truncate(PAGE_SIZE);
    incidents.last().filter(|_| follows).map(Cursor::behind)
}

/// The address of some components' last days. A comma needs no escape there.
fn showcase_path(chosen: &[ComponentId]) -> String {
    let ids: Vec<&str> = chosen.iter().map(ComponentId::as_str).collect();
    format!("/uptime_showcase?components={}", ids.join(","))
}

fn with_query(path: &str, mut pairs: Vec<(&'static str, String)>, cursor: Option<&Cursor>) -> String {
    pairs.extend(cursor.map(|cursor| ("before", cursor.to_string())));
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

impl Found {
    /// The document.
    pub(super) fn render(self, origin: &str, now: DateTime<Utc>) -> Document {
        let shell = |page, path| Shell { page, base_url: origin.to_owned(), path, tone: self.tone, now };
        let html = match self.matter {
            Matter::Incident(incident, review) => {
                let shell = shell(self.page, incident_path(&incident));
                incident::render(IncidentPage { shell, incident: *incident, review })
            }
            Matter::Maintenance(maintenance) => {
                let shell = shell(self.page, maintenance_path(&maintenance));
                maintenance::render(MaintenancePage { shell, maintenance: *maintenance })
            }
            Matter::Event(maintenance) => {
                return calendar::document(calendar::calendar(&self.page, origin, [&*maintenance]));
            }
            Matter::Record(record) => return record.render(&self.page, origin, now),
            Matter::Uptime { components, effects, corrections, titles } => {
                let zone = self.page.time_zone;
                let (causes, titles) = ((&effects[..], &corrections[..]), &titles);
                let row = |component| uptime::of_component(component, causes, titles, zone, now);
                let rows = components.iter().map(row).collect();
                render_uptime(UptimePage { shell: shell(self.page, "/uptime".to_owned()), components: rows })
            }
            Matter::List(list) => history::render(HistoryPage {
                shell: shell(self.page, list.path),
                month: list.month,
                filter: list.filter,
                unsearched: list.unsearched,
                components: choices(&list.components),
                totals: list.totals,
                incidents: list.incidents,
                has_more_maintenances: list.maintenances.len() > MAX_MAINTENANCES,
                maintenances: list.maintenances.into_iter().take(MAX_MAINTENANCES).collect(),
                newer: list.newer,
                older: list.older,
            }),
        };
        Document::html(200, html)
    }
}
