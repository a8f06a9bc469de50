//! `/history.json`: three calendar months, newest first, each with the incidents and maintenances that ended in it.

use chrono::{DateTime, Datelike as _, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;

use super::component::{ComponentRow, ungrouped_rows};
use super::schema::ImpactKey;
use super::{PageContext, to_json};
use crate::domain::history::Month;
use crate::domain::{Incident, Maintenance};
use crate::publish::feeds::{format_window, render_message};

/// The last page number: 200 pages are fifty years.
pub const MAX_PAGE: u32 = 200;
/// Months per page.
const MONTHS: usize = 3;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "History", deny_unknown_fields)]
pub struct HistoryDocument<'a> {
    page_status: PageStatus<'a>,
    components: Vec<ComponentRow<'a>>,
    months: Vec<MonthRow<'a>>,
    show_component_filter: bool,
    show_uptime_calendar: bool,
    component_filter: Option<&'a str>,
    #[schemars(with = "DateTime<Utc>")]
    start_time: String,
    #[schemars(with = "DateTime<Utc>")]
    end_time: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PageStatus", deny_unknown_fields)]
struct PageStatus<'a> {
    page: PageSettingsRow<'a>,
}

/// The page settings that have an equivalent in Statuspage.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PageSettings", deny_unknown_fields)]
struct PageSettingsRow<'a> {
    name: &'a str,
    domain: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    created_at: String,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
    url: &'a str,
    hidden_from_search: bool,
    allow_page_subscribers: bool,
    allow_incident_subscribers: bool,
    allow_email_subscribers: bool,
    allow_sms_subscribers: bool,
    allow_webhook_subscribers: bool,
    allow_rss_atom_feeds: bool,
    branding: &'static str,
    support_url: Option<&'a str>,
    page_description: Option<&'a str>,
    headline: &'static str,
    viewers_must_be_team_members: bool,
    time_zone: &'static str,
    id: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Month", deny_unknown_fields)]
struct MonthRow<'a> {
    name: String,
    year: i32,
    /// The weekday of the first day, 0 for Sunday.
    starts_on: u32,
    days: u32,
    incidents: Vec<IncidentRow<'a>>,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "HistoryEntry", deny_unknown_fields)]
struct IncidentRow<'a> {
    code: &'a str,
    name: &'a str,
    /// The newest update as HTML.
    message: String,
    #[schemars(with = "ImpactKey")]
    impact: &'static str,
    timestamp: String,
    #[serde(skip)]
    ended_at: DateTime<Utc>,
}

/// The months of a page, newest first. Page 1 holds the current month and the two before it.
pub fn history_months(page: u32, now: DateTime<Utc>, zone: Tz) -> Vec<Month> {
    let all = std::iter::successors(Some(Month::from_time(now, zone)), |month| Some(month.previous()));
    let before = (page.clamp(1, MAX_PAGE) as usize - 1) * MONTHS;
    all.skip(before).take(MONTHS).collect()
}

/// Renders these months. Ongoing incidents and maintenances count as ending `now`.
pub fn render_quarter(
    scene: &PageContext<'_>,
    months: &[Month],
    incidents: &[Incident],
    maintenances: &[Maintenance],
    now: DateTime<Utc>,
) -> String {
    let zone = scene.zone();
    let incidents = incidents.iter().map(|it| incident_row(it, now, zone));
    let rows: Vec<IncidentRow<'_>> =
        incidents.chain(maintenances.iter().map(|it| maintenance_row(it, now, zone))).collect();
    let (first, last) = (months.last(), months.first());
    let edge = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false);
    to_json(&HistoryDocument {
        page_status: PageStatus { page: page_settings_row(scene) },
        components: ungrouped_rows(scene, |_| true),
        months: months.iter().map(|month| month_row(*month, &rows, zone)).collect(),
        show_component_filter: false,
        show_uptime_calendar: true,
        component_filter: None,
        start_time: first.map_or_else(String::new, |month| edge(month.bounds(zone).0)),
        end_time: last.map_or_else(String::new, |month| edge(month.bounds(zone).1 - TimeDelta::seconds(1))),
    })
}

fn page_settings_row<'a>(scene: &PageContext<'a>) -> PageSettingsRow<'a> {
    let updated_at = scene.stamp(scene.page.updated_at);
    PageSettingsRow {
        name: &scene.page.name,
        domain: scene.origin.split_once("://").map_or(scene.origin, |(_, domain)| domain),
        created_at: updated_at.clone(),
        updated_at,
        url: if scene.page.url.is_empty() { scene.origin } else { &scene.page.url },
        hidden_from_search: false,
        allow_page_subscribers: false,
        allow_incident_subscribers: false,
        allow_email_subscribers: false,
        allow_sms_subscribers: false,
        allow_webhook_subscribers: false,
        allow_rss_atom_feeds: true,
        branding: "basic",
        support_url: None,
        page_description: None,
        headline: "",
        viewers_must_be_team_members: false,
        time_zone: scene.zone().name(),
        id: &scene.page.id,
    }
}

fn month_row<'a>(month: Month, rows: &[IncidentRow<'a>], zone: Tz) -> MonthRow<'a> {
    let (from, to) = month.bounds(zone);
    let here = rows.iter().filter(|row| from <= row.ended_at && row.ended_at < to);
    let mut incidents: Vec<IncidentRow<'a>> = here.cloned().collect();
    incidents.sort_by_key(|row| std::cmp::Reverse(row.ended_at));
    MonthRow {
        name: month.first_day().format("%B").to_string(),
        year: month.year,
        starts_on: month.first_day().weekday().num_days_from_sunday(),
        days: month.last_day().day(),
        incidents,
    }
}

fn incident_row(it: &Incident, now: DateTime<Utc>, zone: Tz) -> IncidentRow<'_> {
    IncidentRow {
        code: it.id.as_str(),
        name: &it.title,
        message: it.newest_update().map(|update| render_message(&update.body)).unwrap_or_default(),
        impact: it.api_impact().key(),
        timestamp: format_window(it.started_at, it.ended_at, zone),
        ended_at: it.ended_at.unwrap_or(now),
    }
}

fn maintenance_row(it: &Maintenance, now: DateTime<Utc>, zone: Tz) -> IncidentRow<'_> {
    let (from, to) = it.window();
    let to = (!it.phase.is_active()).then_some(to);
    IncidentRow {
        code: it.id.as_str(),
        name: &it.title,
        message: it.newest_update().map(|update| render_message(&update.body)).unwrap_or_default(),
        impact: it.api_impact().key(),
        timestamp: format_window(from, to, zone),
        ended_at: it.ended_at.unwrap_or(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_steps_back_three_months() {
        let now = "2025-11-20T10:00:00Z".parse().unwrap();
        let words = |page| history_months(page, now, Tz::UTC).iter().map(Month::to_string).collect::<Vec<_>>();
        assert_eq!(words(1), ["2025-11", "2025-10", "2025-09"]);
        assert_eq!(words(8), ["2024-02", "2024-01", "2023-12"]);
        assert_eq!((words(0), words(u32::MAX)), (words(1), words(MAX_PAGE)));
    }
}
