//! `/uptime_showcase`: the last ninety days of components, as bars, as seconds and in per cent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{Scene, written};
use crate::domain::uptime::{self, Day, Effect, Outage};
use crate::domain::{Component, Correction, IncidentId};
use crate::publish::uptime::effects_of;
use crate::ui::pages::public::DAYS;

/// The titles of the incidents that held components down, by id.
pub type Incidents = BTreeMap<IncidentId, String>;

#[derive(Serialize)]
struct Showcase<'a> {
    components: BTreeMap<&'a str, String>,
    timelines: BTreeMap<&'a str, Timeline<'a>>,
    values: Vec<Values<'a>>,
}

#[derive(Serialize)]
struct Timeline<'a> {
    component: Named<'a>,
    days: Vec<DayRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    code: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<NaiveDate>,
}

#[derive(Serialize)]
struct DayRow<'a> {
    date: NaiveDate,
    outages: Seconds,
    related_events: Vec<Event<'a>>,
}

/// Seconds of partial and of major outage; what is nothing is left out.
#[derive(Serialize)]
struct Seconds {
    #[serde(skip_serializing_if = "is_nothing")]
    p: i64,
    #[serde(skip_serializing_if = "is_nothing")]
    m: i64,
}

#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    code: &'a str,
}

/// Per cent of the last days, cut to two decimals.
#[derive(Serialize)]
struct Values<'a> {
    component: &'a str,
    ninety: f64,
    sixty: f64,
    thirty: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_nothing(seconds: &i64) -> bool {
    *seconds == 0
}

/// The document of the components that `chosen` lets through.
pub fn showcase(
    scene: &Scene<'_>,
    chosen: impl Fn(&Component) -> bool,
    effects: &[Effect],
    corrections: &[Correction],
    incidents: &Incidents,
    now: DateTime<Utc>,
) -> String {
    let mut document = Showcase { components: BTreeMap::new(), timelines: BTreeMap::new(), values: Vec::new() };
    for (component, _) in scene.components.iter().filter(|(component, _)| chosen(component)) {
        let own = effects_of(component, effects, corrections);
        let days = uptime::days(&own, component.start_date, DAYS, scene.zone(), now);
        let code = component.id.as_str();
        document.components.insert(code, bars(code, &days));
        document.values.push(values(code, &days));
        document.timelines.insert(code, timeline(component, &days, incidents));
    }
    written(&document)
}

fn timeline<'a>(component: &'a Component, days: &[Day], incidents: &'a Incidents) -> Timeline<'a> {
    let event = |id: &IncidentId| {
        let (id, name) = incidents.get_key_value(id)?;
        Some(Event { name, code: id.as_str() })
    };
    let row = |day: &Day| DayRow {
        date: day.date,
        outages: Seconds { p: day.outage.partial, m: day.outage.major },
        related_events: day.incidents.iter().filter_map(event).collect(),
    };
    Timeline {
        component: Named { code: component.id.as_str(), name: &component.name, start_date: component.start_date },
        days: days.iter().map(row).collect(),
    }
}

fn values<'a>(component: &'a str, days: &[Day]) -> Values<'a> {
    let last = |count: usize| {
        let sum = days.iter().rev().take(count).fold(Outage::default(), |sum, day| sum.plus(day.outage));
        // Of which nothing is known, nothing was out.
        f64::from(sum.uptime().unwrap_or(10_000)) / 100.0
    };
    Values { component, ninety: last(90), sixty: last(60), thirty: last(30) }
}

/// One bar a day, three units wide with two between, as the page of the service has them.
fn bars(code: &str, days: &[Day]) -> String {
    let width = days.len() * 5;
    let mut svg = format!(
        "<svg class=\"availability-time-line-graphic\" id=\"uptime-component-{code}\" preserveAspectRatio=\"none\" \
         height=\"34\" viewBox=\"0 0 {width} 34\">"
    );
    for (index, day) in days.iter().enumerate() {
        let (colour, x) = (colour(day), index * 5);
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

/// From green over yellow and orange to red, by the weighted hours of outage.
fn colour(day: &Day) -> &'static str {
    if !day.outage.is_known() {
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
