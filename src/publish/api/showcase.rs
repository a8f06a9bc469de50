//! `/uptime_showcase`: the last ninety days of components, as bars, in seconds and in percent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{PageContext, to_json};
use crate::domain::uptime::{self, Downtime, StatusInterval, UptimeDay};
use crate::domain::{Component, IncidentId, UptimeCorrection};
use crate::format::time::today;
use crate::publish::uptime::component_intervals;
use crate::ui::pages::public::DAYS;

/// The titles of the incidents that affected components, by id.
pub type IncidentTitles = BTreeMap<IncidentId, String>;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Showcase", deny_unknown_fields)]
pub struct Showcase<'a> {
    components: BTreeMap<&'a str, String>,
    timelines: BTreeMap<&'a str, Timeline<'a>>,
    values: Vec<UptimeValues<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Timeline", deny_unknown_fields)]
struct Timeline<'a> {
    component: ComponentName<'a>,
    days: Vec<DayRow<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TimelineComponent", deny_unknown_fields)]
struct ComponentName<'a> {
    code: &'a str,
    name: &'a str,
    /// The first day of the history.
    start_date: NaiveDate,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Day", deny_unknown_fields)]
struct DayRow<'a> {
    date: NaiveDate,
    outages: Seconds,
    related_events: Vec<RelatedIncident<'a>>,
}

/// Seconds of partial and of major outage; zeros are omitted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OutageSeconds", deny_unknown_fields)]
struct Seconds {
    #[serde(skip_serializing_if = "is_zero")]
    p: i64,
    #[serde(skip_serializing_if = "is_zero")]
    m: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RelatedEvent", deny_unknown_fields)]
struct RelatedIncident<'a> {
    name: &'a str,
    code: &'a str,
}

/// Uptime in percent, truncated to two decimals; null without data.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UptimeValues", deny_unknown_fields)]
struct UptimeValues<'a> {
    component: &'a str,
    ninety: Option<f64>,
    sixty: Option<f64>,
    thirty: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(seconds: &i64) -> bool {
    *seconds == 0
}

pub fn render_showcase(
    scene: &PageContext<'_>,
    chosen: impl Fn(&Component) -> bool,
    effects: &[StatusInterval],
    corrections: &[UptimeCorrection],
    incidents: &IncidentTitles,
    now: DateTime<Utc>,
) -> String {
    let mut document = Showcase { components: BTreeMap::new(), timelines: BTreeMap::new(), values: Vec::new() };
    for (component, _) in scene.components.iter().filter(|(component, _)| chosen(component)) {
        let own = component_intervals(component, effects, corrections);
        let start = component.history_start(scene.zone());
        let days = uptime::uptime_days(&own, start, DAYS, scene.zone(), now);
        let code = component.id.as_str();
        document.components.insert(code, render_bars(code, &days));
        document.values.push(uptime_values(code, &days));
        document.timelines.insert(code, timeline(component, today(start, scene.zone()), &days, incidents));
    }
    to_json(&document)
}

fn timeline<'a>(
    component: &'a Component,
    start_date: NaiveDate,
    days: &[UptimeDay],
    incidents: &'a IncidentTitles,
) -> Timeline<'a> {
    let event = |id: &IncidentId| {
        let (id, name) = incidents.get_key_value(id)?;
        Some(RelatedIncident { name, code: id.as_str() })
    };
    let row = |day: &UptimeDay| DayRow {
        date: day.date,
        outages: Seconds { p: day.outage.partial, m: day.outage.major },
        related_events: day.incidents.iter().filter_map(event).collect(),
    };
    Timeline {
        component: ComponentName { code: component.id.as_str(), name: &component.name, start_date },
        days: days.iter().map(row).collect(),
    }
}

fn uptime_values<'a>(component: &'a str, days: &[UptimeDay]) -> UptimeValues<'a> {
    let last = |count: usize| {
        let sum = days.iter().rev().take(count).fold(Downtime::default(), |sum, day| sum.combine(day.outage));
        sum.uptime().map(|hundredths| f64::from(hundredths) / 100.0)
    };
    UptimeValues { component, ninety: last(90), sixty: last(60), thirty: last(30) }
}

/// One bar per day, three units wide with a gap of two, like Statuspage's graphic.
fn render_bars(code: &str, days: &[UptimeDay]) -> String {
    let width = days.len() * 5;
    let mut svg = format!(
        "<svg class=\"availability-time-line-graphic\" id=\"uptime-component-{code}\" preserveAspectRatio=\"none\" \
         height=\"34\" viewBox=\"0 0 {width} 34\">"
    );
    for (index, day) in days.iter().enumerate() {
        let (colour, x) = (day_colour(day), index * 5);
        // Writing to a String can't fail.
        let _ = write!(
            svg,
            "<rect height=\"34\" width=\"3\" x=\"{x}\" y=\"0\" fill=\"{colour}\" \
             class=\"uptime-day component-{code} day-{index}\" data-html=\"true\"/>"
        );
    }
    svg.push_str("</svg>");
    svg
}

/// From green over yellow and orange to red, by weighted seconds of outage.
fn day_colour(day: &UptimeDay) -> &'static str {
    if !day.outage.has_data() {
        return "#b3bac5";
    }
    let weighted = day.outage.major * 10 + day.outage.partial * 3;
    match weighted {
        0 => "#76ad2a",
        1..11_880 => "#b5b619",
        11_880..19_800 => "#ed9a15",
        19_800..36_000 => "#e76430",
        _ => "#e74c3c",
    }
}
