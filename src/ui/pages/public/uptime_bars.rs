//! The uptime bars of a component as SVG, with a text equivalent.

use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use leptos::prelude::*;

use super::incident_card::count_words;
use crate::domain::history::Month;
use crate::domain::uptime::{Downtime, UptimeDay};
use crate::domain::{ComponentId, Status};
use crate::format::duration::format_duration;
use crate::format::time;

/// The number of bars, one per day, including today.
pub const DAYS: u64 = 90;

/// In SVG units; `STEP` is the distance between the left edges of two bars.
const WIDTH: usize = 4;
const STEP: usize = 5;
const HEIGHT: usize = 20;

/// The height of a day without data.
const NO_DATA_HEIGHT: usize = 3;

/// Each status has its own height, higher if worse than operational, so that the chart doesn't rely on colour.
fn bar_height(worst: Status) -> usize {
    match worst {
        Status::MajorOutage => HEIGHT,
        Status::PartialOutage => 17,
        Status::DegradedPerformance => 14,
        Status::Operational => 11,
        Status::UnderMaintenance => 8,
    }
}

#[derive(Clone, Debug)]
pub struct UptimeBars {
    pub component: ComponentId,
    /// Oldest first.
    pub days: Vec<UptimeDay>,
}

impl UptimeBars {
    pub fn total(&self) -> Downtime {
        self.days.iter().fold(Downtime::default(), |sum, day| sum.combine(day.outage))
    }

    /// The first day with data, if there are days without before it.
    fn history_start(&self) -> Option<NaiveDate> {
        let first = self.days.iter().position(|day| day.outage.has_data()).filter(|place| *place > 0)?;
        self.days.get(first).map(|day| day.date)
    }

    /// `99.97%`, or `100% since 28 Nov` if the history began within these days.
    pub fn uptime_words(&self) -> String {
        let words = self.total().uptime_words();
        self.history_start().map_or(words.clone(), |day| format!("{words} since {}", day.format("%-d %b")))
    }

    /// The text equivalent of the bars.
    pub fn words(&self) -> String {
        let total = self.total();
        let period = match self.history_start() {
            Some(day) => format!("Since {}", day.format("%-d %b")),
            None => format!("Last {}", count_words(self.days.len() as i64, "day")),
        };
        if !total.has_data() {
            return format!("{period}: no data");
        }
        let mut text = format!("{period}: {} uptime", total.uptime_words());
        for part in self.day_labels() {
            let _ = write!(text, ", {part}");
        }
        text
    }

    /// Incidents, and how long the component was not operational; empty if it always was.
    pub fn day_labels(&self) -> Vec<String> {
        let mut incidents: Vec<_> = self.days.iter().flat_map(|day| &day.incidents).collect();
        incidents.sort_unstable();
        incidents.dedup();
        let mut parts: Vec<String> = Vec::new();
        parts.extend((!incidents.is_empty()).then(|| count_words(incidents.len() as i64, "incident")));
        parts.extend(downtime_words(self.total()));
        parts
    }
}

/// `1h major outage`, `32m partial outage`, `1h 35m degraded performance`, `2h maintenance`; only those that occurred.
pub fn downtime_words(outage: Downtime) -> Vec<String> {
    let part = |(seconds, what): (i64, &str)| {
        format_duration(TimeDelta::seconds(seconds)).map(|length| format!("{length} {what}"))
    };
    let parts = [
        (outage.major, "major outage"),
        (outage.partial, "partial outage"),
        (outage.degraded, "degraded performance"),
        (outage.maintenance, "maintenance"),
    ];
    parts.into_iter().filter_map(part).collect()
}

/// Quiet days are drawn as one path, to keep the page small. Every other day is a shape with a link to details.
pub fn bars_svg(bars: &UptimeBars) -> AnyView {
    let width = bars.days.len() * STEP - (STEP - WIDTH);
    let marked = |(place, day): (usize, &UptimeDay)| day_bar(&bars.component, place, day);
    let marks: Vec<AnyView> = bars.days.iter().enumerate().filter_map(marked).collect();
    view! {
        <svg
            class="bars"
            viewBox=format!("0 0 {width} {HEIGHT}")
            preserveAspectRatio="none"
            role="group"
            aria-label=bars.words()
        >
            <path d=operational_path(&bars.days)></path>
            {no_data_path(&bars.days).map(|d| view! { <path class="none" d=d></path> })}
            {marks}
        </svg>
    }
    .into_any()
}

/// The days without incidents or downtime, as one path.
fn operational_path(days: &[UptimeDay]) -> String {
    bars_path(days, bar_height(Status::Operational), |day| day.is_empty() && day.outage.has_data())
}

/// The days without data, as one path.
fn no_data_path(days: &[UptimeDay]) -> Option<String> {
    let path = bars_path(days, NO_DATA_HEIGHT, |day| day.is_empty() && !day.outage.has_data());
    (!path.is_empty()).then_some(path)
}

fn bars_path(days: &[UptimeDay], height: usize, drawn: impl Fn(&UptimeDay) -> bool) -> String {
    let mut path = String::new();
    let top = HEIGHT - height;
    for (place, _) in days.iter().enumerate().filter(|(_, day)| drawn(day)) {
        let _ = write!(path, "M{} {top}h{WIDTH}v{height}h-{WIDTH}z", place * STEP);
    }
    path
}

fn day_bar(component: &ComponentId, place: usize, day: &UptimeDay) -> Option<AnyView> {
    if day.is_empty() {
        return None;
    }
    let class = match day.outage.worst {
        Status::Operational => "bar",
        status => status.key(),
    };
    let text = day_words(day);
    let height = bar_height(day.outage.worst);
    let shape = view! { <rect class=class x=place * STEP y=HEIGHT - height width=WIDTH height=height></rect> };
    let href = day_href(component, day);
    Some(view! { <a href=href aria-label=text.clone()>{shape}<title>{text.clone()}</title></a> }.into_any())
}

/// `Sat 21 Nov: 1 incident, 32m partial outage`
fn day_words(day: &UptimeDay) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !day.incidents.is_empty() {
        parts.push(count_words(day.incidents.len() as i64, "incident"));
    }
    parts.extend(downtime_words(day.outage));
    format!("{}: {}", time::format_weekday(day.date), parts.join(", "))
}

/// The link of a bar: the incident, or the history of that day if several incidents or a maintenance began then.
/// Otherwise the uptime page, which lists earlier incidents, manual statuses and corrections.
fn day_href(component: &ComponentId, day: &UptimeDay) -> String {
    match day.incidents.as_slice() {
        [only] => format!("/incidents/{only}"),
        [] if day.outage.worst != Status::UnderMaintenance => format!("/uptime#component-{component}"),
        [_, ..] if !day.has_new_event => format!("/uptime#component-{component}"),
        _ => {
            let month = Month { year: day.date.year(), month: day.date.month() };
            format!("/history/{month}#day-{}", day.date)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::IncidentId;

    fn day(number: u32, worst: Status, partial: i64, incidents: &[&str]) -> UptimeDay {
        UptimeDay {
            date: NaiveDate::from_ymd_opt(2026, 11, number).unwrap(),
            outage: Downtime { partial, covered: 86_400, worst, ..Downtime::default() },
            incidents: incidents.iter().map(|id| IncidentId::parse(id).unwrap()).collect(),
            has_new_event: true,
        }
    }

    fn bars(days: Vec<UptimeDay>) -> UptimeBars {
        UptimeBars { component: ComponentId::parse("api").unwrap(), days }
    }

    #[test]
    fn quiet_days_share_a_path_others_have_labels() {
        let mut degraded = day(23, Status::DegradedPerformance, 0, &[]);
        degraded.outage.degraded = 95 * 60;
        let days = vec![
            day(20, Status::Operational, 0, &[]),
            day(21, Status::PartialOutage, 1_920, &["one"]),
            day(22, Status::PartialOutage, 60, &["two", "three"]),
            degraded,
        ];
        let html = crate::ui::render_page(|| bars_svg(&bars(days)));
        assert_eq!(html.matches("<path").count(), 1);
        assert_eq!(html.matches("<a ").count(), 3);
        assert!(html.contains("<rect x=\"5\" y=\"3\" width=\"4\" height=\"17\" class=\"partial_outage\">"), "{html}");
        assert!(html.contains("M0 9h4v11h-4z") && html.contains("/uptime#component-api"), "{html}");
        assert!(html.contains("Sat 21 Nov: 1 incident, 32m partial outage"), "{html}");
        assert!(html.contains("/incidents/one") && html.contains("/history/2026-11#day-2026-11-22"), "{html}");
        assert!(html.contains("Mon 23 Nov: 1h 35m degraded performance"), "{html}");
    }

    #[test]
    fn uptime_bars_have_text_alternative() {
        let days = vec![day(21, Status::PartialOutage, 1_920, &["one"]), day(22, Status::PartialOutage, 60, &["one"])];
        let text = bars(days).words();
        assert_eq!(text, "Last 2 days: 99.65% uptime, 1 incident, 33m partial outage");
        assert_eq!(
            bars(vec![UptimeDay { outage: Downtime::default(), ..day(1, Status::Operational, 0, &[]) }]).words(),
            "Last 1 day: no data"
        );
    }

    #[test]
    fn days_before_the_start_are_not_claimed() {
        let unknown = |number| UptimeDay { outage: Downtime::default(), ..day(number, Status::Operational, 0, &[]) };
        let young = bars(vec![unknown(20), unknown(21), day(22, Status::Operational, 0, &[])]);
        assert_eq!(
            (young.uptime_words().as_str(), young.words().as_str()),
            ("100% since 22 Nov", "Since 22 Nov: 100% uptime")
        );
        let html = crate::ui::render_page(|| bars_svg(&young));
        assert!(html.contains("<path d=\"M10 9h4v11h-4z\">") && html.contains("class=\"none\""), "{html}");
    }

    #[test]
    fn degraded_performance_is_measured_in_hours() {
        let mut degraded = day(23, Status::DegradedPerformance, 0, &[]);
        degraded.outage.degraded = 30;
        degraded.outage.maintenance = 7_200;
        assert_eq!(
            bars(vec![degraded]).words(),
            "Last 1 day: 100% uptime, under 1m degraded performance, 2h maintenance"
        );
    }

    #[test]
    fn every_status_has_its_own_bar_height() {
        let mut heights: Vec<usize> = Status::ALL.map(bar_height).into_iter().chain([NO_DATA_HEIGHT]).collect();
        heights.sort_unstable();
        assert!(heights.windows(2).all(|pair| pair[1] >= pair[0] + 3), "{heights:?}");
    }
}
