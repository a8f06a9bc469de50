//! The bars of a component: one for each of the last days, and the same in words.

use std::fmt::Write as _;

use chrono::{Datelike as _, TimeDelta};
use leptos::prelude::*;

use super::incident_card::count;
use crate::domain::history::Month;
use crate::domain::uptime::{Day, Outage};
use crate::domain::{ComponentId, Status};
use crate::format::duration::words;
use crate::format::time;

/// How many days have a bar, today included.
pub const DAYS: u64 = 90;

/// How wide a bar is, and how far the next one lies from it, in units of the drawing.
const WIDTH: usize = 4;
const STEP: usize = 5;
const HEIGHT: usize = 20;

/// How high the bar of a day stands: the worse, the higher, so that nobody needs the colours.
fn height(worst: Status) -> usize {
    match worst {
        Status::MajorOutage => HEIGHT,
        Status::PartialOutage => 18,
        Status::DegradedPerformance => 16,
        Status::Operational | Status::UnderMaintenance => 14,
    }
}

/// The last days of one component.
#[derive(Clone, Debug)]
pub struct Bars {
    pub component: ComponentId,
    /// Oldest first.
    pub days: Vec<Day>,
}

impl Bars {
    /// All its days together.
    pub fn total(&self) -> Outage {
        self.days.iter().fold(Outage::default(), |sum, day| sum.plus(day.outage))
    }

    /// What the bars show, in one sentence.
    pub fn words(&self) -> String {
        let total = self.total();
        if !total.is_known() {
            return format!("Last {} days: no data", self.days.len());
        }
        let mut text = format!("Last {} days: {} uptime", self.days.len(), total.uptime_words());
        for part in self.marked() {
            let _ = write!(text, ", {part}");
        }
        text
    }

    /// What the days were that stand out; nothing where all were quiet.
    pub fn marked(&self) -> Vec<String> {
        let mut incidents: Vec<_> = self.days.iter().flat_map(|day| &day.incidents).collect();
        incidents.sort_unstable();
        incidents.dedup();
        let mut parts: Vec<String> = Vec::new();
        parts.extend((!incidents.is_empty()).then(|| count(incidents.len() as i64, "incident")));
        parts.extend(outage_words(self.total()));
        for (status, words) in
            [(Status::DegradedPerformance, "of degraded performance"), (Status::UnderMaintenance, "with maintenance")]
        {
            let days = self.days.iter().filter(|day| day.outage.worst == status).count();
            parts.extend((days > 0).then(|| format!("{} {words}", count(days as i64, "day"))));
        }
        parts
    }
}

/// `32m partial outage`, `1h major outage`: what there was of each.
pub fn outage_words(outage: Outage) -> Vec<String> {
    let part = |seconds, what: &str| words(TimeDelta::seconds(seconds)).map(|length| format!("{length} {what}"));
    [part(outage.major, "major outage"), part(outage.partial, "partial outage")].into_iter().flatten().collect()
}

/// The drawing. The quiet days are one path; each other day is a shape of its own, and a link to where more is said.
pub fn drawing(bars: &Bars) -> AnyView {
    let width = bars.days.len() * STEP - (STEP - WIDTH);
    let marked = |(place, day): (usize, &Day)| mark(&bars.component, place, day);
    let marks: Vec<AnyView> = bars.days.iter().enumerate().filter_map(marked).collect();
    view! {
        <svg
            class="bars"
            viewBox=format!("0 0 {width} {HEIGHT}")
            preserveAspectRatio="none"
            role="group"
            aria-label=bars.words()
        >
            <path d=quiet(&bars.days)></path>
            {unknown(&bars.days).map(|d| view! { <path class="none" d=d></path> })}
            {marks}
        </svg>
    }
    .into_any()
}

/// The days on which nothing was the matter, as one path of rectangles.
fn quiet(days: &[Day]) -> String {
    path(days, |day| day.is_quiet() && day.outage.is_known())
}

/// The days of which nothing is known.
fn unknown(days: &[Day]) -> Option<String> {
    let path = path(days, |day| day.is_quiet() && !day.outage.is_known());
    (!path.is_empty()).then_some(path)
}

fn path(days: &[Day], drawn: impl Fn(&Day) -> bool) -> String {
    let mut path = String::new();
    let height = height(Status::Operational);
    let top = HEIGHT - height;
    for (place, _) in days.iter().enumerate().filter(|(_, day)| drawn(day)) {
        let _ = write!(path, "M{} {top}h{WIDTH}v{height}h-{WIDTH}z", place * STEP);
    }
    path
}

fn mark(component: &ComponentId, place: usize, day: &Day) -> Option<AnyView> {
    if day.is_quiet() {
        return None;
    }
    let class = match day.outage.worst {
        Status::Operational => "bar",
        status => status.key(),
    };
    let text = day_words(day);
    let height = height(day.outage.worst);
    let shape = view! { <rect class=class x=place * STEP y=HEIGHT - height width=WIDTH height=height></rect> };
    let href = target(component, day);
    Some(view! { <a href=href aria-label=text.clone()>{shape}<title>{text.clone()}</title></a> }.into_any())
}

/// `Sat 21 Nov: 1 incident, 32m partial outage`
fn day_words(day: &Day) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !day.incidents.is_empty() {
        parts.push(count(day.incidents.len() as i64, "incident"));
    }
    let out = outage_words(day.outage);
    if out.is_empty() && day.outage.worst != Status::Operational {
        parts.push(day.outage.worst.words().to_lowercase());
    }
    parts.extend(out);
    format!("{}: {}", time::weekday(day.date), parts.join(", "))
}

/// Where more is said: the incident; that day of the history where several, or work, began; else the months of the
/// component, which name what began before, and what was set or corrected by hand.
fn target(component: &ComponentId, day: &Day) -> String {
    match day.incidents.as_slice() {
        [only] => format!("/incidents/{only}"),
        [] if day.outage.worst != Status::UnderMaintenance => format!("/uptime#component-{component}"),
        [_, ..] if !day.began => format!("/uptime#component-{component}"),
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
    use chrono::NaiveDate;

    fn day(number: u32, worst: Status, partial: i64, incidents: &[&str]) -> Day {
        Day {
            date: NaiveDate::from_ymd_opt(2026, 11, number).unwrap(),
            outage: Outage { partial, major: 0, covered: 86_400, worst },
            incidents: incidents.iter().map(|id| IncidentId::parse(id).unwrap()).collect(),
            began: true,
        }
    }

    fn bars(days: Vec<Day>) -> Bars {
        Bars { component: ComponentId::parse("api").unwrap(), days }
    }

    #[test]
    fn quiet_days_are_one_path_and_the_others_say_what_was() {
        let days = vec![
            day(20, Status::Operational, 0, &[]),
            day(21, Status::PartialOutage, 1_920, &["one"]),
            day(22, Status::PartialOutage, 60, &["two", "three"]),
            day(23, Status::DegradedPerformance, 0, &[]),
        ];
        let html = crate::ui::render(|| drawing(&bars(days)));
        assert_eq!(html.matches("<path").count(), 1);
        assert_eq!(html.matches("<a ").count(), 3);
        assert!(html.contains("<rect x=\"5\" y=\"2\" width=\"4\" height=\"18\" class=\"partial_outage\">"), "{html}");
        assert!(html.contains("M0 6h4v14h-4z") && html.contains("/uptime#component-api"), "{html}");
        assert!(html.contains("Sat 21 Nov: 1 incident, 32m partial outage"), "{html}");
        assert!(html.contains("/incidents/one") && html.contains("/history/2026-11#day-2026-11-22"), "{html}");
        assert!(html.contains("Mon 23 Nov: degraded performance"), "{html}");
    }

    #[test]
    fn the_row_says_in_words_what_its_bars_show() {
        let days = vec![day(21, Status::PartialOutage, 1_920, &["one"]), day(22, Status::PartialOutage, 60, &["one"])];
        let text = bars(days).words();
        assert_eq!(text, "Last 2 days: 99.65% uptime, 1 incident, 33m partial outage");
        assert_eq!(
            bars(vec![Day { outage: Outage::default(), ..day(1, Status::Operational, 0, &[]) }]).words(),
            "Last 1 days: no data"
        );
    }
}
