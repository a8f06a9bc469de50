//! The bars of a component: one for each of the last days, and the same in words.

use std::fmt::Write as _;

use chrono::TimeDelta;
use leptos::prelude::*;

use super::parts::count;
use crate::domain::duration::words;
use crate::domain::history::Month;
use crate::domain::uptime::{Day, Outage};
use crate::domain::{ComponentId, Status};
use crate::ui::time;

/// How many days have a bar, today included.
pub const DAYS: u64 = 90;

/// How wide a bar is, and how far the next one lies from it, in units of the drawing.
const WIDTH: usize = 4;
const STEP: usize = 5;
const HEIGHT: usize = 20;

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
        let mut incidents: Vec<_> = self.days.iter().flat_map(|day| &day.incidents).collect();
        incidents.sort_unstable();
        incidents.dedup();
        let mut text = format!("Last {} days: {} uptime", self.days.len(), total.uptime_words());
        if !incidents.is_empty() {
            let _ = write!(text, ", {}", count(incidents.len() as i64, "incident"));
        }
        for part in outage_words(total) {
            let _ = write!(text, ", {part}");
        }
        text
    }
}

/// `32m partial outage`, `1h major outage`: what there was of each.
pub fn outage_words(outage: Outage) -> Vec<String> {
    let part = |seconds, what: &str| words(TimeDelta::seconds(seconds)).map(|length| format!("{length} {what}"));
    [part(outage.major, "major outage"), part(outage.partial, "partial outage")].into_iter().flatten().collect()
}

/// The drawing. The quiet days are one path; each other day is a shape of its own, and a link where an
/// incident tells more about it.
pub fn drawing(bars: &Bars) -> AnyView {
    let width = bars.days.len() * STEP - (STEP - WIDTH);
    let marked = |(place, day): (usize, &Day)| mark(place, day);
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
    for (place, _) in days.iter().enumerate().filter(|(_, day)| drawn(day)) {
        let _ = write!(path, "M{} 0h{WIDTH}v{HEIGHT}h-{WIDTH}z", place * STEP);
    }
    path
}

fn mark(place: usize, day: &Day) -> Option<AnyView> {
    if day.is_quiet() {
        return None;
    }
    let class = match day.outage.worst {
        Status::Operational => "bar",
        status => status.key(),
    };
    let text = day_words(day);
    let shape = view! { <rect class=class x=place * STEP width=WIDTH height=HEIGHT></rect> };
    Some(match target(day) {
        Some(href) => {
            view! { <a href=href aria-label=text.clone()>{shape}<title>{text.clone()}</title></a> }.into_any()
        }
        None => view! { <g>{shape}<title>{text}</title></g> }.into_any(),
    })
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

/// Where more is said: the incident, or that day of the history where there were several.
fn target(day: &Day) -> Option<String> {
    match day.incidents.as_slice() {
        [] => None,
        [only] => Some(format!("/incidents/{only}")),
        _ => {
            use chrono::Datelike as _;
            let month = Month { year: day.date.year(), month: day.date.month() };
            Some(format!("/history/{month}#day-{}", day.date))
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
        assert_eq!(html.matches("<a ").count(), 2);
        assert!(html.contains("Sat 21 Nov: 1 incident, 32m partial outage"), "{html}");
        assert!(html.contains("/incidents/one") && html.contains("/history/2026-11#day-2026-11-22"), "{html}");
        assert!(html.contains("Mon 23 Nov: degraded performance"), "{html}");
    }

    #[test]
    fn the_row_says_in_words_what_its_bars_show() {
        let days = vec![day(21, Status::PartialOutage, 1_920, &["one"]), day(22, Status::PartialOutage, 60, &["one"])];
        let text = bars(days).words();
        assert_eq!(text, "Last 2 days: 99.65 % uptime, 1 incident, 33m partial outage");
        assert_eq!(
            bars(vec![Day { outage: Outage::default(), ..day(1, Status::Operational, 0, &[]) }]).words(),
            "Last 1 days: no data"
        );
    }
}
