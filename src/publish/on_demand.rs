//! Pages rendered on demand: old incidents, months of the history, filtered views.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use url::form_urlencoded;

use super::on_demand_json::{JsonDocument, JsonShape, MAX_IN_QUARTER};
use super::render_site::{
    banner_of, component_choices, incident_path, is_empty_page, maintenance_path, month_path, picture_path,
};
use super::snapshot::MAX_MAINTENANCES;
use super::social::{PICTURE_PATH, PictureWords, render_picture};
use super::uptime::{UptimeSource, check_uptime_view, render_uptime_csv, uptime_months, uptime_page};
use super::{Document, calendar};
use crate::db::{self, Error, Tx};
use crate::domain::history::{Cursor, HistoryFilter, Month, Neighbours, PAGE_SIZE, Totals};
use crate::domain::page_status::Banner;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::uptime::{StatusInterval, UptimeView};
use crate::domain::{
    Component, ComponentId, Group, Incident, IncidentId, Maintenance, MaintenanceId, Page, UptimeCorrection,
};
use crate::format::time;
use crate::ui::pages::public::history::{self, HistoryPage};
use crate::ui::pages::public::incident::{self, IncidentPage};
use crate::ui::pages::public::maintenance::{self, MaintenancePage};
use crate::ui::pages::public::uptime::render_uptime_page;
use crate::ui::public_layout::PublicContext;

#[derive(Clone, Debug)]
pub enum OnDemandPage {
    /// An incident or a maintenance; both share the path `/incidents/ID`.
    Incident(IncidentId),
    /// A single maintenance as iCalendar.
    CalendarEvent(MaintenanceId),
    /// The link preview of an incident or a maintenance.
    Picture(IncidentId),
    Json(IncidentId, JsonShape),
    /// Three months of the history as JSON; page 1 holds the current ones.
    Quarter(u32),
    /// The uptime showcase of these components as JSON.
    Showcase(Vec<ComponentId>),
    /// A month, from the cursor or its newest incident on.
    Month(Month, Option<Cursor>),
    /// A filtered view, from the cursor or its newest incident on.
    Filtered(HistoryFilter, Option<Cursor>),
    /// The uptime of every component by month, and a month of a component in detail.
    Uptime(UptimeView),
    /// The uptime of every component by month as CSV.
    UptimeCsv,
}

pub(super) struct LoadedPage {
    page: Page,
    banner: Banner,
    is_empty: bool,
    is_picture: bool,
    content: PageContent,
}

enum PageContent {
    Incident(Box<Incident>, Option<PublishedPostmortem>, Box<Neighbours>),
    Maintenance(Box<Maintenance>),
    CalendarEvent(Box<Maintenance>),
    Json(Box<JsonDocument>),
    List(Box<HistoryList>),
    /// `None`: as CSV.
    Uptime(Option<UptimeView>, Box<UptimeRecord>),
}

/// What the uptime page is computed from.
struct UptimeRecord {
    groups: Vec<Group>,
    components: Vec<Component>,
    effects: Vec<StatusInterval>,
    corrections: Vec<UptimeCorrection>,
    titles: BTreeMap<IncidentId, String>,
}

impl UptimeRecord {
    /// Everything since `oldest`.
    async fn load(tx: &mut Tx, components: Vec<Component>, oldest: DateTime<Utc>) -> db::Result<Self> {
        Ok(Self {
            groups: db::components::list_groups(tx).await?,
            components,
            effects: db::status_intervals::list_since(tx, oldest).await?,
            corrections: db::uptime_corrections::list_since(tx, oldest).await?,
            titles: db::status_intervals::titles_since(tx, oldest).await?,
        })
    }

    fn source(&self) -> UptimeSource<'_> {
        UptimeSource {
            groups: &self.groups,
            components: &self.components,
            effects: &self.effects,
            corrections: &self.corrections,
            titles: &self.titles,
        }
    }
}

struct HistoryList {
    path: String,
    month: Option<Month>,
    filter: HistoryFilter,
    unsearched: Option<(NaiveDate, String)>,
    components: Vec<Component>,
    totals: Totals,
    incidents: Vec<Incident>,
    maintenances: Vec<Maintenance>,
    newer: Option<(String, String)>,
    older: Option<(String, String)>,
}

impl OnDemandPage {
    /// The canonical address, also the cache key: equal pages have equal addresses.
    pub fn address(&self) -> String {
        match self {
            Self::Incident(id) => format!("/incidents/{id}"),
            Self::CalendarEvent(id) => format!("/incidents/{id}.ics"),
            Self::Picture(id) => picture_path(id),
            Self::Json(id, form) => form.path(id),
            Self::Quarter(1) => "/history.json".to_owned(),
            Self::Quarter(page) => format!("/history.json?page={page}"),
            Self::Showcase(chosen) => showcase_path(chosen),
            Self::Month(month, cursor) => url_with_query(&month_path(*month), Vec::new(), cursor.as_ref()),
            Self::Filtered(filter, cursor) => url_with_query("/history", filter.pairs(), cursor.as_ref()),
            Self::Uptime(view) => url_with_query("/uptime", view.pairs(), None),
            Self::UptimeCsv => "/uptime.csv".to_owned(),
        }
    }

    pub(super) async fn load(self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<LoadedPage> {
        // Loaded first, so that an unknown id needs no other queries.
        let found = match &self {
            Self::Incident(id) | Self::Picture(id) | Self::Json(id, _) => {
                Some(load_incident_or_maintenance(tx, id).await?)
            }
            _ => None,
        };
        let page = db::page_settings::load(tx).await?;
        let components = db::components::list(tx).await?;
        let open = db::incidents::list_open(tx).await?;
        let planned = db::maintenances::list_planned(tx).await?;
        let banner = banner_of(&components, &open, &planned);
        let (is_empty, is_picture) = (is_empty_page(&components, &open), matches!(self, Self::Picture(_)));
        let matter = match self {
            Self::Incident(_) | Self::Picture(_) => found.ok_or(Error::NotFound)?,
            Self::Json(_, form) => {
                let record = JsonDocument::with_context(tx, components, open, planned).await?;
                PageContent::Json(Box::new(match found.ok_or(Error::NotFound)? {
                    PageContent::Incident(incident, postmortem, _) => record.for_incident(*incident, postmortem, form),
                    PageContent::Maintenance(maintenance) => record.for_maintenance(*maintenance, form),
                    _ => return Err(Error::NotFound),
                }))
            }
            Self::Quarter(number) => {
                let record = JsonDocument::with_context(tx, components, open, planned).await?;
                PageContent::Json(Box::new(record.for_quarter(tx, number, page.time_zone, now, MAX_IN_QUARTER).await?))
            }
            Self::Showcase(chosen) => {
                let record = JsonDocument::with_context(tx, components, open, planned).await?;
                PageContent::Json(Box::new(record.for_showcase(tx, chosen, page.time_zone, now).await?))
            }
            Self::CalendarEvent(id) => PageContent::CalendarEvent(Box::new(db::maintenances::find(tx, &id).await?)),
            Self::Month(month, cursor) => {
                PageContent::List(Box::new(load_month(tx, month, cursor, components, page.time_zone).await?))
            }
            Self::Filtered(filter, cursor) => {
                PageContent::List(Box::new(load_filtered(tx, filter, cursor, components, page.time_zone, now).await?))
            }
            Self::Uptime(view) => {
                check_uptime_view(&view, &components, now, page.time_zone)?;
                let oldest = oldest_instant(&view, page.time_zone, now);
                PageContent::Uptime(Some(view), Box::new(UptimeRecord::load(tx, components, oldest).await?))
            }
            Self::UptimeCsv => {
                let oldest = oldest_instant(&UptimeView::default(), page.time_zone, now);
                PageContent::Uptime(None, Box::new(UptimeRecord::load(tx, components, oldest).await?))
            }
        };
        Ok(LoadedPage { page, banner, is_empty, is_picture, content: matter })
    }
}

/// The start of the first month.
fn oldest_instant(view: &UptimeView, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    uptime_months(view, now, zone).first().map_or(now, |month| month.bounds(zone).0)
}

async fn load_incident_or_maintenance(tx: &mut Tx, id: &IncidentId) -> db::Result<PageContent> {
    match (db::incidents::find(tx, id).await, MaintenanceId::parse(id.as_str())) {
        (Err(Error::NotFound), Some(id)) => {
            Ok(PageContent::Maintenance(Box::new(db::maintenances::find(tx, &id).await?)))
        }
        (found, _) => {
            let incident = found?;
            let postmortem = db::postmortems::find_published(tx, id).await?;
            let neighbours = db::incidents::neighbours(tx, &incident).await?;
            Ok(PageContent::Incident(Box::new(incident), postmortem, Box::new(neighbours)))
        }
    }
}

async fn load_month(
    tx: &mut Tx,
    month: Month,
    cursor: Option<Cursor>,
    components: Vec<Component>,
    zone: Tz,
) -> db::Result<HistoryList> {
    let (from, to) = month.bounds(zone);
    let bounds = (Some(from), Some(to));
    let filter = HistoryFilter::default();
    let totals = db::incidents::totals(tx, &filter, bounds).await?;
    let mut incidents = db::incidents::list(tx, &filter, bounds, cursor.as_ref(), PAGE_SIZE as i64 + 1).await?;
    let neighbour = |words: &str, at: Option<DateTime<Utc>>| {
        at.map(|at| Month::from_time(at, zone))
            .map(|month| (format!("{words}: {}", time::format_month(month.year, month.month)), month_path(month)))
    };
    let next = [db::incidents::first_start_since(tx, to).await?, db::maintenances::first_start_since(tx, to).await?];
    let newer = neighbour("Newer", next.into_iter().flatten().min());
    let last =
        [db::incidents::last_start_before(tx, from).await?, db::maintenances::last_start_before(tx, from).await?];
    let before = neighbour("Older", last.into_iter().flatten().max());
    let rest = take_page(&mut incidents);
    let maintenances = maintenances_between(tx, &incidents, (cursor.as_ref(), rest.as_ref()), bounds).await?;
    if totals.count == 0 && maintenances.is_empty() && newer.is_none() && before.is_none() {
        return Err(Error::NotFound);
    }
    let rest =
        rest.map(|cursor| ("Older in this month".to_owned(), OnDemandPage::Month(month, Some(cursor)).address()));
    let path = month_path(month);
    let (month, older) = (Some(month), rest.or(before));
    Ok(HistoryList { path, month, filter, unsearched: None, components, totals, incidents, maintenances, newer, older })
}

async fn load_filtered(
    tx: &mut Tx,
    filter: HistoryFilter,
    cursor: Option<Cursor>,
    components: Vec<Component>,
    zone: Tz,
    now: DateTime<Utc>,
) -> db::Result<HistoryList> {
    let (from, to) = filter.range.bounds(zone, now);
    let stopped = db::incidents::unsearched(tx, &filter, (from, to)).await?;
    let bounds = (stopped.or(from), to);
    let totals = db::incidents::totals(tx, &filter, bounds).await?;
    let mut incidents = db::incidents::list(tx, &filter, bounds, cursor.as_ref(), PAGE_SIZE as i64 + 1).await?;
    let address = |cursor| OnDemandPage::Filtered(filter.clone(), cursor).address();
    let newer = cursor.is_some().then(|| ("Newest".to_owned(), address(None)));
    let older = take_page(&mut incidents).map(|cursor| ("Older incidents".to_owned(), address(Some(cursor))));
    let unsearched = stopped.map(|at| {
        let day = at.with_timezone(&zone).date_naive();
        (day, OnDemandPage::Filtered(filter.until(day), None).address())
    });
    let (path, maintenances) = ("/history".into(), Vec::new());
    Ok(HistoryList { path, month: None, filter, unsearched, components, totals, incidents, maintenances, newer, older })
}

/// The maintenances for one page of a month: those between the end of the previous page and the end of this one.
async fn maintenances_between(
    tx: &mut Tx,
    incidents: &[Incident],
    (cursor, rest): (Option<&Cursor>, Option<&Cursor>),
    bounds: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> db::Result<Vec<Maintenance>> {
    let from = incidents.last().filter(|_| rest.is_some()).map(|last| last.started_at).or(bounds.0);
    let to = cursor.map(|cursor| cursor.started_at).or(bounds.1);
    db::maintenances::list_within(tx, (from, to), MAX_MAINTENANCES as i64 + 1).await
}

/// Truncates a list to one page; returns the cursor after its last incident if there are more.
fn take_page(incidents: &mut Vec<Incident>) -> Option<Cursor> {
    let follows = incidents.len() > PAGE_SIZE;
    incidents.truncate(PAGE_SIZE);
    incidents.last().filter(|_| follows).map(Cursor::after_incident)
}

/// A comma needs no escape in a query.
fn showcase_path(chosen: &[ComponentId]) -> String {
    let ids: Vec<&str> = chosen.iter().map(ComponentId::as_str).collect();
    format!("/uptime_showcase?components={}", ids.join(","))
}

fn url_with_query(path: &str, mut pairs: Vec<(&'static str, String)>, cursor: Option<&Cursor>) -> String {
    pairs.extend(cursor.map(|cursor| ("before", cursor.to_string())));
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

impl LoadedPage {
    pub(super) fn render(self, origin: &str, now: DateTime<Utc>) -> Document {
        let shell = |page: Page, path| {
            let words = PictureWords::of_page(&page, origin, &self.banner, self.is_empty);
            let (tone, is_empty, picture) = (self.banner.tone, self.is_empty, Some(words.picture_at(PICTURE_PATH)));
            PublicContext { page, base_url: origin.to_owned(), path, tone, is_empty, picture, now }
        };
        let html = match self.content {
            PageContent::Incident(incident, postmortem, neighbours) => {
                let words = PictureWords::of_incident(&self.page, origin, &incident);
                if self.is_picture {
                    return Document::picture(render_picture(&words));
                }
                let shell = shell(self.page, incident_path(&incident));
                let shell = shell.with_picture(words.picture_at(&picture_path(&incident.id)));
                let (incident, neighbours) = (*incident, *neighbours);
                incident::render_incident_page(IncidentPage { shell, incident, postmortem, neighbours })
            }
            PageContent::Maintenance(maintenance) => {
                let words = PictureWords::of_maintenance(&self.page, origin, &maintenance);
                if self.is_picture {
                    return Document::picture(render_picture(&words));
                }
                let shell = shell(self.page, maintenance_path(&maintenance));
                let shell = shell.with_picture(words.picture_at(&picture_path(&maintenance.id)));
                maintenance::render_maintenance_page(MaintenancePage { shell, maintenance: *maintenance })
            }
            PageContent::CalendarEvent(maintenance) => {
                return calendar::calendar_document(calendar::render_calendar(&self.page, origin, [&*maintenance]));
            }
            PageContent::Json(record) => return record.render(&self.page, origin, now),
            PageContent::Uptime(Some(view), record) => {
                let shell = shell(self.page, "/uptime".to_owned());
                render_uptime_page(uptime_page(record.source(), &view, shell))
            }
            PageContent::Uptime(None, record) => {
                let text = render_uptime_csv(record.source(), self.page.time_zone, now);
                return Document::cross_origin("text/csv; charset=utf-8", text);
            }
            PageContent::List(list) => history::render_history(HistoryPage {
                shell: shell(self.page, list.path),
                month: list.month,
                filter: list.filter,
                unsearched: list.unsearched,
                components: component_choices(&list.components),
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
