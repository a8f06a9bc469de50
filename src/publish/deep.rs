//! Pages too deep to be rendered ahead: an old incident, a month of the history, a choice of it.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use url::form_urlencoded;

use super::Document;
use super::pages::{choices, effects_of, incident_path, month_path, tone};
use crate::db::{self, Error, Tx};
use crate::domain::history::start_of_day;
use crate::domain::history::{Cursor, Filter, Month, PAGE_SIZE, Totals};
use crate::domain::page_status::Indicator;
use crate::domain::uptime::{Effect, Outage};
use crate::domain::{Component, Incident, IncidentId, Page};
use crate::ui::layout::Shell;
use crate::ui::pages::public::history::{self, HistoryPage};
use crate::ui::pages::public::incident::{self, IncidentPage};
use crate::ui::pages::public::uptime::{self, ComponentUptime, MonthUptime, UptimePage};
use crate::ui::time;

/// Which page.
#[derive(Clone, Debug)]
pub enum Deep {
    Incident(IncidentId),
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
    Incident(Box<Incident>),
    List(Box<List>),
    Uptime { components: Vec<Component>, effects: Vec<Effect> },
}

/// How many months the uptime page shows, the current one included.
const UPTIME_MONTHS: usize = 12;

struct List {
    path: String,
    month: Option<Month>,
    filter: Filter,
    unsearched: Option<(NaiveDate, String)>,
    components: Vec<Component>,
    totals: Totals,
    incidents: Vec<Incident>,
    newer: Option<(String, String)>,
    older: Option<(String, String)>,
}

impl Deep {
    /// The one address of this page: equal pages have equal addresses, however they were asked for.
    pub fn address(&self) -> String {
        match self {
            Self::Incident(id) => format!("/incidents/{id}"),
            Self::Month(month, cursor) => with_query(&month_path(*month), Vec::new(), cursor.as_ref()),
            Self::Filtered(filter, cursor) => with_query("/history", filter.pairs(), cursor.as_ref()),
            Self::Uptime => "/uptime".to_owned(),
        }
    }

    /// Reads what the page shows.
    pub(super) async fn load(self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Found> {
        // First, so that an address at which there is nothing costs one look.
        let incident = match &self {
            Self::Incident(id) => Some(db::incidents::find(tx, id).await?),
            _ => None,
        };
        let page = db::page::load(tx).await?;
        let components = db::components::list(tx).await?;
        let open = db::incidents::open(tx).await?;
        let tone = tone(&components, &open);
        let matter = match self {
            Self::Incident(_) => Matter::Incident(Box::new(incident.ok_or(Error::NotFound)?)),
            Self::Month(month, cursor) => {
                Matter::List(Box::new(load_month(tx, month, cursor, components, page.time_zone).await?))
            }
            Self::Filtered(filter, cursor) => {
                Matter::List(Box::new(load_filtered(tx, filter, cursor, components, page.time_zone, now).await?))
            }
            Self::Uptime => {
                let oldest =
                    uptime_months(now, page.time_zone).last().map_or(now, |month| month.bounds(page.time_zone).0);
                Matter::Uptime { components, effects: db::effects::since(tx, oldest).await? }
            }
        };
        Ok(Found { page, tone, matter })
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
        at.map(|at| Month::of(at, zone)).map(|month| (format!("{words}: {}", time::month(month)), month_path(month)))
    };
    let newer = neighbour("Newer", db::incidents::first_start_since(tx, to).await?);
    let before = neighbour("Older", db::incidents::last_start_before(tx, from).await?);
    if totals.count == 0 && newer.is_none() && before.is_none() {
        return Err(Error::NotFound);
    }
    let rest = more(&mut incidents)
        .map(|cursor| ("Older in this month".to_owned(), Deep::Month(month, Some(cursor)).address()));
    let path = month_path(month);
    let (month, older) = (Some(month), rest.or(before));
    Ok(List { path, month, filter, unsearched: None, components, totals, incidents, newer, older })
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
    let path = "/history".into();
    Ok(List { path, month: None, filter, unsearched, components, totals, incidents, newer, older })
}

/// Cuts a list to one page; where more follows, gives the cursor behind its last incident.
fn more(incidents: &mut Vec<Incident>) -> Option<Cursor> {
    let follows = incidents.len() > PAGE_SIZE;
    incidents.truncate(PAGE_SIZE);
    incidents.last().filter(|_| follows).map(cursor)
}

/// The place behind `incident` in a list that runs from the newest start to the oldest.
pub(super) fn cursor(incident: &Incident) -> Cursor {
    Cursor { started_at: incident.started_at, id: incident.id.clone() }
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
        // Of choices there are endlessly many, and few are read twice.
        let is_choice = matches!(&self.matter, Matter::List(list) if list.month.is_none());
        let html = match self.matter {
            Matter::Incident(incident) => {
                let shell = shell(self.page, incident_path(&incident));
                incident::render(IncidentPage { shell, incident: *incident })
            }
            Matter::Uptime { components, effects } => {
                let zone = self.page.time_zone;
                let rows =
                    components.iter().map(|component| component_uptime(component, &effects, zone, now)).collect();
                uptime::render(UptimePage { shell: shell(self.page, "/uptime".to_owned()), components: rows })
            }
            Matter::List(list) => history::render(HistoryPage {
                shell: shell(self.page, list.path),
                month: list.month,
                filter: list.filter,
                unsearched: list.unsearched,
                components: choices(&list.components),
                totals: list.totals,
                incidents: list.incidents,
                newer: list.newer,
                older: list.older,
            }),
        };
        if is_choice { Document::seldom(200, html) } else { Document::html(200, html) }
    }
}

/// The months of the uptime page, newest first.
fn uptime_months(now: DateTime<Utc>, zone: Tz) -> Vec<Month> {
    let months = std::iter::successors(Some(Month::of(now, zone)), |month| Some(month.previous()));
    months.take(UPTIME_MONTHS).collect()
}

fn component_uptime(component: &Component, effects: &[Effect], zone: Tz, now: DateTime<Utc>) -> ComponentUptime {
    let own = effects_of(component, effects);
    let start = component.start_date.map(|day| start_of_day(day, zone));
    let month = |month: Month| {
        let (from, to) = month.bounds(zone);
        let here = own.iter().filter(|effect| effect.from < to && effect.to.unwrap_or(now) > from);
        let mut incidents: Vec<&IncidentId> = here.filter_map(|effect| effect.incident_id.as_ref()).collect();
        incidents.sort_unstable();
        incidents.dedup();
        MonthUptime { month, outage: Outage::within(&own, from, to, start, now), incidents: incidents.len() }
    };
    let months = uptime_months(now, zone).into_iter().map(month).collect();
    ComponentUptime { id: component.id.clone(), name: component.name.clone(), months }
}
