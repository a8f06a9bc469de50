//! The uptime bars of a component as SVG, with a text equivalent and a popover per day.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::count_words;
use crate::domain::history::Month;
use crate::domain::uptime::{Downtime, StatusInterval, UptimeDay};
use crate::domain::{ComponentId, IncidentId, Status};
use crate::format::duration::spell_duration;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::pill::status_words;
use crate::ui::time::Time;

/// The number of bars, one per day, including today.
pub const DAYS: u64 = 90;

/// In SVG units: the distance of two days, and the ends of a full stroke without its round caps.
const STEP: usize = 10;
const TOP: f64 = 3.5;
const BOTTOM: f64 = 24.5;
const HEIGHT: usize = 28;

/// Popovers on one page. Older days link to their month.
pub const MAX_POPOVERS: usize = 40;

/// The width of a target in days: at least 24 px at every width of the page.
const TARGET_DAYS: usize = 3;

/// Adjacent days with something to say, which share a target and a popover.
struct DayTarget {
    /// The first day below the target, in places from the oldest day.
    start: usize,
    /// The places of the days to show, oldest first.
    days: Vec<usize>,
}

/// The length of the stroke of a status. The level tells the statuses apart without colour; maintenance is hollow.
fn bar_level(status: Status) -> f64 {
    match status {
        Status::MajorOutage | Status::Operational | Status::UnderMaintenance => BOTTOM - TOP,
        Status::PartialOutage => 13.0,
        Status::DegradedPerformance => 5.0,
    }
}

#[derive(Clone, Debug)]
pub struct UptimeBars {
    pub component: ComponentId,
    /// Oldest first.
    pub days: Vec<UptimeDay>,
    /// The incidents of these days.
    pub incidents: Vec<DayIncident>,
}

/// An incident as a day shows it: when it affected the component.
#[derive(Clone, Debug)]
pub struct DayIncident {
    pub id: IncidentId,
    pub title: String,
    pub from: DateTime<Utc>,
    /// `None` while the component is affected.
    pub to: Option<DateTime<Utc>>,
}

impl DayIncident {
    /// The incidents of `effects`, each from its first to its last effect. Those without a title are left out.
    pub fn from_intervals(effects: &[StatusInterval], titles: &BTreeMap<IncidentId, String>) -> Vec<Self> {
        let mut found: BTreeMap<&IncidentId, Self> = BTreeMap::new();
        for effect in effects {
            let Some((id, title)) = effect.incident_id.as_ref().and_then(|id| titles.get_key_value(id)) else {
                continue;
            };
            let own = Self { id: id.clone(), title: title.clone(), from: effect.from, to: effect.to };
            let known = found.entry(id).or_insert(own);
            known.from = known.from.min(effect.from);
            known.to = known.to.zip(effect.to).map(|(one, other)| one.max(other));
        }
        found.into_values().collect()
    }
}

impl UptimeBars {
    /// The bars of a group: of each day, the worst state of a member. `None` if a member has none.
    pub fn of_group(members: &[&Self]) -> Option<Self> {
        let (first, others) = members.split_first()?;
        let mut all = Self { incidents: Vec::new(), ..(*first).clone() };
        for other in others {
            for (day, more) in all.days.iter_mut().zip(&other.days) {
                day.outage = day.outage.combine(more.outage);
            }
        }
        all.days.iter_mut().for_each(|day| day.incidents.clear());
        Some(all)
    }

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

/// `1 h major outage`, `32 min partial outage`, `2 h maintenance`; only those that occurred.
pub fn downtime_words(outage: Downtime) -> Vec<String> {
    let part = |(seconds, what): (i64, &str)| {
        spell_duration(TimeDelta::seconds(seconds)).map(|length| format!("{length} {what}"))
    };
    let parts = [
        (outage.major, "major outage"),
        (outage.partial, "partial outage"),
        (outage.degraded, "degraded performance"),
        (outage.maintenance, "maintenance"),
    ];
    parts.into_iter().filter_map(part).collect()
}

/// The targets over the bars, oldest first. They don't overlap, except at the oldest days.
fn day_targets(days: &[UptimeDay]) -> Vec<DayTarget> {
    let mut targets: Vec<DayTarget> = Vec::new();
    let mut free = days.len();
    let mut marked: Vec<usize> =
        (0..days.len()).filter(|place| days.get(*place).is_some_and(|day| !day.is_empty())).collect();
    while let Some(newest) = marked.last().copied() {
        let from = marked.partition_point(|place| place + TARGET_DAYS <= newest);
        let shown = marked.split_off(from);
        let spare = TARGET_DAYS - 1 - (newest - shown.first().copied().unwrap_or(newest));
        let end = (newest + spare.div_ceil(2)).min(free.saturating_sub(1)).max(newest);
        let start = (end + 1).saturating_sub(TARGET_DAYS);
        free = start;
        targets.push(DayTarget { start, days: shown });
    }
    targets.reverse();
    targets
}

/// The newest day of each target that has a popover, by component: the newest of the page.
pub fn popover_days(all: &[UptimeBars]) -> BTreeSet<(NaiveDate, ComponentId)> {
    let marked = all.iter().flat_map(|bars| {
        let newest = day_targets(&bars.days).into_iter().filter_map(|target| target.days.last().copied());
        let days: Vec<_> = newest.filter_map(|place| bars.days.get(place)).collect();
        days.into_iter().map(|day| (day.date, bars.component.clone()))
    });
    let mut newest: Vec<_> = marked.collect();
    newest.sort_unstable_by(|a, b| b.cmp(a));
    newest.truncate(MAX_POPOVERS);
    newest.into_iter().collect()
}

/// The bars of a component, with a button or link over the days that have something to say.
pub fn component_bars(
    bars: &UptimeBars,
    name: &str,
    popovers: &BTreeSet<(NaiveDate, ComponentId)>,
    zone: Tz,
) -> AnyView {
    let targets = day_targets(&bars.days).into_iter().filter_map(|target| {
        let days: Vec<&UptimeDay> = target.days.iter().filter_map(|place| bars.days.get(*place)).collect();
        let newest = days.last()?;
        let class = target_class(&target);
        let label = days.iter().map(|day| day_words(day)).collect::<Vec<_>>().join("; ");
        Some(if popovers.contains(&(newest.date, bars.component.clone())) {
            day_popover(bars, &days, (class, label), zone)
        } else {
            view! { <a class=class href=day_href(&bars.component, newest) aria-label=label></a>" " }.into_any()
        })
    });
    let last = bars.days.last().map(|day| day.date.to_string());
    view! {
        <div class="bars" data-last=last data-name=name.to_owned()>
            <div>{bars_svg(bars, Some(bars.words()))}{targets.collect_view()}</div>
        </div>
    }
    .into_any()
}

/// The bars without buttons, for the line of a group.
pub fn group_bars(bars: &UptimeBars) -> AnyView {
    view! { <span class="bars"><span>{bars_svg(bars, None)}</span></span> }.into_any()
}

/// The two ends of the bars, and the uptime between them.
pub fn bars_axis(uptime: Option<String>) -> AnyView {
    view! { <span class="axis"><span>"90 days ago"</span>" "<b>{uptime}</b>" "<span>"Today"</span></span> }.into_any()
}

/// Days of one state share a path, to keep the page small.
fn bars_svg(bars: &UptimeBars, label: Option<String>) -> AnyView {
    let days = &bars.days;
    let quiet = quiet_path(days, |day| day.outage.has_data(), TOP, "v21");
    let unknown = quiet_path(days, |day| !day.outage.has_data(), 26.0, "h0");
    let unknown = (!unknown.is_empty()).then(|| view! { <path class="none" d=unknown></path> });
    let worse = [Status::UnderMaintenance, Status::DegradedPerformance, Status::PartialOutage, Status::MajorOutage];
    let worse: Vec<AnyView> = worse.into_iter().filter_map(|status| status_paths(days, status)).collect();
    let (role, hidden) = if label.is_some() { (Some("img"), None) } else { (None, Some("true")) };
    view! {
        <svg
            viewBox=format!("0 0 {} {HEIGHT}", days.len() * STEP)
            preserveAspectRatio="none"
            role=role
            aria-hidden=hidden
            aria-label=label
        >
            <path d=quiet></path>
            {unknown}
            {worse}
        </svg>
    }
    .into_any()
}

/// The centre of a day's stroke.
fn day_x(place: usize) -> usize {
    place * STEP + STEP / 2
}

/// One path through all days that are operational or without data, as `drawn` says.
fn quiet_path(days: &[UptimeDay], drawn: impl Fn(&UptimeDay) -> bool, top: f64, stroke: &str) -> String {
    let mut path = String::new();
    let mut before: Option<usize> = None;
    let quiet = days.iter().enumerate().filter(|(_, day)| day.outage.worst == Status::Operational && drawn(day));
    for (place, _) in quiet {
        let back = if stroke == "h0" { " 0" } else { "-21" };
        let _ = match before {
            None => write!(path, "M{} {top}{stroke}", day_x(place)),
            Some(before) => write!(path, "m{}{back}{stroke}", (place - before) * STEP),
        };
        before = Some(place);
    }
    path
}

/// The days with this worst status: a pale track and the level on it, or a hollow stroke for maintenance.
fn status_paths(days: &[UptimeDay], status: Status) -> Option<AnyView> {
    let places: Vec<usize> =
        days.iter().enumerate().filter(|(_, day)| day.outage.worst == status).map(|(place, _)| place).collect();
    if places.is_empty() {
        return None;
    }
    let path = |length: f64| -> String {
        places.iter().map(|place| format!("M{} {}v{length}", day_x(*place), BOTTOM - length)).collect()
    };
    let (full, level) = (BOTTOM - TOP, bar_level(status));
    let track = (level < full).then(|| {
        view! { <path class=format!("track-{}", status.key()) d=path(full)></path> }
    });
    let hollow = (status == Status::UnderMaintenance).then(|| view! { <path class="hollow" d=path(full)></path> });
    Some(view! { {track}<path class=status.key() d=path(level)></path>{hollow} }.into_any())
}

/// The place of a target in two digits, because the CSP allows no style attributes. `w` marks several days.
fn target_class(target: &DayTarget) -> String {
    let several = if target.days.len() > 1 { " w" } else { "" };
    let aside = match target.days.first() {
        Some(first) if several.is_empty() => match first - target.start {
            0 => " l",
            1 => "",
            _ => " r",
        },
        _ => several,
    };
    format!("d t{} u{}{aside}", target.start / 10, target.start % 10)
}

/// A button over the bars of days, and what it opens.
fn day_popover(bars: &UptimeBars, days: &[&UptimeDay], (class, label): (String, String), zone: Tz) -> AnyView {
    let newest = days.last().map(|day| day.date.to_string()).unwrap_or_default();
    let id = format!("p-{}-{newest}", bars.component);
    let parts = days.iter().rev().map(|day| day_part(bars, day, zone)).collect_view();
    view! {
        <button class=class popovertarget=id.clone() aria-label=label></button>
        <div class="pop" popover="auto" id=id.clone()>
            <button class="x" popovertarget=id.clone() popovertargetaction="hide" aria-label="Close">
                {Icon::Cancelled.view()}
            </button>
            {parts}
        </div>
    }
    .into_any()
}

/// What happened on a day: the minutes of each state, and the incidents.
fn day_part(bars: &UptimeBars, day: &UptimeDay, zone: Tz) -> AnyView {
    let minutes = |seconds: i64| spell_duration(TimeDelta::seconds(seconds));
    let states = [
        (Status::MajorOutage, day.outage.major),
        (Status::PartialOutage, day.outage.partial),
        (Status::DegradedPerformance, day.outage.degraded),
        (Status::UnderMaintenance, day.outage.maintenance),
    ];
    let states = states.into_iter().filter_map(|(status, seconds)| {
        let length = minutes(seconds)?;
        Some(view! { <li class="line">{status_words(status)}" "<span>{length}</span></li> })
    });
    let counted = minutes(day.outage.counted_seconds()).unwrap_or_else(|| "0 min".to_owned());
    let links: Vec<AnyView> = day
        .incidents
        .iter()
        .filter_map(|id| incident_link(bars.incidents.iter().find(|it| it.id == *id)?, day, zone))
        .collect();
    let other = links.is_empty().then(|| {
        let (href, words) = other_cause(&bars.component, day);
        view! { <a href=href><b>{words}</b></a> }
    });
    view! {
        <p><b>{day.date.format("%a %-d %b %Y").to_string()}</b></p>
        <ul>
            {states.collect_view()}
            <li class="line soft"><span>"Counted as downtime"</span>" "<span>{counted}</span></li>
        </ul>
        {links}
        {other}
    }
    .into_any()
}

fn incident_link(incident: &DayIncident, day: &UptimeDay, zone: Tz) -> Option<AnyView> {
    let clock = |at: DateTime<Utc>| {
        let day_of = time::today(at, zone);
        let date = if day_of == day.date { String::new() } else { format!("{}, ", day_of.format("%-d %b")) };
        format!("{date}{}", time::format_clock(at, zone))
    };
    let (from, to) = (clock(incident.from), incident.to);
    let from = view! { <Time at=incident.from words=from /> };
    let words = match to {
        None => view! { "Since "{from}" · Ongoing" }.into_any(),
        Some(to) => {
            let end = format!("{} {}", clock(to), time::zone_name(to, zone));
            view! { {from}" – "<Time at=to words=end /> }.into_any()
        }
    };
    let href = format!("/incidents/{}", incident.id);
    Some(
        view! { <a href=href><b dir="auto">{incident.title.clone()}</b>" "<span class="soft">{words}</span></a> }
            .into_any(),
    )
}

/// Where a day without a known incident is explained.
fn other_cause(component: &ComponentId, day: &UptimeDay) -> (String, &'static str) {
    let words = match (day.incidents.is_empty(), day.outage.worst) {
        (true, Status::UnderMaintenance) => "Maintenance of this day",
        (true, _) => "Status changed manually",
        (false, _) => "Incidents of this day",
    };
    (day_href(component, day), words)
}

/// `Sat 21 Nov: 1 incident, 32 min partial outage`
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
        UptimeBars { component: ComponentId::parse("api").unwrap(), days, incidents: Vec::new() }
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
        let mut bars = bars(days);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        bars.incidents = vec![DayIncident {
            id: IncidentId::parse("one").unwrap(),
            title: "Mail <late>".into(),
            from: at("2026-11-21T08:12:00Z"),
            to: Some(at("2026-11-21T08:44:00Z")),
        }];
        let inline = popover_days(std::slice::from_ref(&bars));
        let html = crate::ui::render_fragment(|| component_bars(&bars, "API", &inline, Tz::UTC));
        assert!(html.contains("<path d=\"M5 3.5v21\">"), "{html}");
        assert!(
            html.contains("class=\"track-partial_outage\"") && html.contains("d=\"M15 11.5v13M25 11.5v13\""),
            "{html}"
        );
        // Three adjacent days share a target.
        assert_eq!(html.matches("class=\"d t0 u1 w\"").count(), 1, "{html}");
        assert_eq!(html.matches(" popover=").count(), 1, "{html}");
        assert_eq!(html.matches("Counted as downtime").count(), 3, "{html}");
        for words in [
            "Sat 21 Nov: 1 incident, 32 min partial outage",
            "Sat 21 Nov 2026",
            "/incidents/one",
            "Mail &lt;late&gt;",
            "08:12</time> – <time",
            "/history/2026-11#day-2026-11-22",
            "Mon 23 Nov: 1 h 35 min degraded performance",
            "Status changed manually",
            "<span>1 h 35 min</span>",
            "Counted as downtime",
            "<span>9 min</span>",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn older_days_link_to_their_month_instead_of_a_popover() {
        let days = (1..=30).map(|number| day(number, Status::MajorOutage, 0, &[])).collect::<Vec<_>>();
        let names = ["api", "web", "mail", "dns", "docs", "chat"];
        let all = names.map(|name| UptimeBars { component: ComponentId::parse(name).unwrap(), ..bars(days.clone()) });
        let inline = popover_days(&all);
        // Ten targets of three days each.
        assert_eq!(inline.len(), MAX_POPOVERS);
        assert!(inline.iter().all(|(date, _)| date.day() >= 12));
        let html = crate::ui::render_fragment(|| component_bars(&all[0], "API", &inline, Tz::UTC));
        let targets = html.matches("class=\"d t").count();
        assert_eq!((targets, html.matches("<a href=\"/uptime#component-api\" aria-label").count()), (10, 4), "{html}");
    }

    #[test]
    fn targets_are_three_days_wide_and_apart() {
        let quiet = || day(1, Status::Operational, 0, &[]);
        let starts = |marked: &[usize]| {
            let mut days = vec![quiet(); 90];
            marked.iter().for_each(|place| days[*place] = day(1, Status::MajorOutage, 0, &[]));
            day_targets(&days).into_iter().map(|target| (target.start, target.days)).collect::<Vec<_>>()
        };
        assert_eq!(starts(&[]), []);
        assert_eq!(starts(&[0]), [(0, vec![0])]);
        assert_eq!(starts(&[40]), [(39, vec![40])]);
        assert_eq!(starts(&[89]), [(87, vec![89])]);
        assert_eq!(starts(&[40, 43]), [(39, vec![40]), (42, vec![43])]);
        assert_eq!(starts(&[40, 41]), [(40, vec![40, 41])]);
        assert_eq!(starts(&[40, 42]), [(40, vec![40, 42])]);
        let all: Vec<usize> = (0..90).collect();
        let targets = starts(&all);
        assert!(targets.len() == 30 && targets.iter().all(|(start, days)| days.len() == 3 && start == &days[0]));
    }

    #[test]
    fn group_shows_the_worst_state_of_its_members() {
        let quiet = bars(vec![day(21, Status::Operational, 0, &[]), day(22, Status::UnderMaintenance, 0, &[])]);
        let other =
            bars(vec![day(21, Status::DegradedPerformance, 0, &["one"]), day(22, Status::Operational, 60, &[])]);
        let group = UptimeBars::of_group(&[&quiet, &other]).unwrap();
        let worst: Vec<Status> = group.days.iter().map(|day| day.outage.worst).collect();
        assert_eq!(worst, [Status::DegradedPerformance, Status::UnderMaintenance]);
        assert!(group.total().covered == 4 * 86_400 && group.days.iter().all(|day| day.incidents.is_empty()));
        assert!(UptimeBars::of_group(&[]).is_none());
    }

    #[test]
    fn uptime_bars_have_text_alternative() {
        let days = vec![day(21, Status::PartialOutage, 1_920, &["one"]), day(22, Status::PartialOutage, 60, &["one"])];
        let text = bars(days).words();
        assert_eq!(text, "Last 2 days: 99.65% uptime, 1 incident, 33 min partial outage");
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
        let html = crate::ui::render_page(|| bars_svg(&young, None));
        assert!(html.contains("<path d=\"M25 3.5v21\">") && html.contains("d=\"M5 26h0m10 0h0\""), "{html}");
    }

    #[test]
    fn degraded_performance_is_measured_in_hours() {
        let mut degraded = day(23, Status::DegradedPerformance, 0, &[]);
        degraded.outage.degraded = 30;
        degraded.outage.maintenance = 7_200;
        assert_eq!(
            bars(vec![degraded]).words(),
            "Last 1 day: 100% uptime, under 1 min degraded performance, 2 h maintenance"
        );
    }

    #[test]
    fn worse_statuses_have_their_own_levels() {
        let levels = [Status::DegradedPerformance, Status::PartialOutage, Status::MajorOutage].map(bar_level);
        // With round caps of 5.2 units, in shares of the whole bar.
        let shares = levels.map(|level| (level + 5.2) / (BOTTOM - TOP + 5.2));
        assert!(shares.windows(2).all(|pair| pair[1] >= pair[0] + 0.25), "{shares:?}");
        assert!((0.35..0.45).contains(&shares[0]) && (0.65..0.75).contains(&shares[1]), "{shares:?}");
        assert_eq!(bar_level(Status::MajorOutage), bar_level(Status::Operational), "always full height");
    }
}
