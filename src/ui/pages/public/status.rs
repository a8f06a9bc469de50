//! `/`: current incidents and maintenances first, then components and past incidents.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::announcement::announcement_list;
use super::component_list::{self, ComponentList, ComponentRow};
use super::incident_card::{self, IncidentCard, TimelineFold, TimelineTimes};
use super::maintenance;
use super::uptime_bars::UptimeBars;
use crate::domain::component::StatusCause;
use crate::domain::history::start_of_day;
use crate::domain::page_status::{Banner, MAX_NAMED, Tone, join_names};
use crate::domain::uptime::StatusInterval;
use crate::domain::{Announcement, Component, Group, Impact, Incident, Maintenance, MaintenancePhase, Status};
use crate::format::{duration, time};
use crate::ui::icon::Icon;
use crate::ui::pill::pill;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

/// The number of days under "Past incidents", including today.
pub const PAST_DAYS: u64 = 7;
/// The maximum number of upcoming maintenances with a card.
const MAX_PLANNED: usize = 10;
/// The cards of the worst incidents show their whole timeline.
const UNFOLDED_CARDS: usize = 2;
/// The most components that the line below the headline names.
const MAX_LISTED: usize = 6;

#[derive(Clone, Debug)]
pub struct StatusPage {
    pub shell: PublicContext,
    /// Its tone equals the one in `shell`.
    pub banner: Banner,
    /// Those shown now.
    pub announcements: Vec<Announcement>,
    /// In any order.
    pub groups: Vec<Group>,
    /// In any order, including components that are hidden while operational.
    pub components: Vec<Component>,
    /// Newest start first.
    pub open: Vec<Incident>,
    /// Incidents since [`past_days_start`], newest start first. Open ones are skipped here, because `open` has them.
    pub past: Vec<Incident>,
    /// Upcoming and ongoing maintenances, soonest first.
    pub planned: Vec<Maintenance>,
    /// Ended maintenances, latest first.
    pub finished: Vec<Maintenance>,
    /// In any order.
    pub bars: Vec<UptimeBars>,
    /// The present intervals of manual statuses.
    pub baselines: Vec<StatusInterval>,
}

/// The start of the period of "Past incidents".
pub fn past_days_start(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = time::today(now, zone);
    start_of_day(today - Days::new(PAST_DAYS - 1), zone)
}

pub fn render_status_page(page: StatusPage) -> String {
    crate::ui::render_page(|| view! { <StatusView page=page /> })
}

#[component]
pub fn StatusView(page: StatusPage) -> AnyView {
    let mut page = page;
    page.open.sort_by_key(|it| std::cmp::Reverse((Tone::from(it.present_impact()), it.started_at)));
    let rows = component_list::component_rows(&page.components, (&page.open, &page.planned), &page.baselines);
    let head = PageHead {
        title: page.banner.headline.clone(),
        description: format!("{}. {}", page.banner.headline, state_line(&rows, &page)).trim_end().to_owned(),
        kind: PageKind::Regular,
        style: PageStyle::Base,
    };
    let shell = page.shell.clone();
    let is_calm = page.open.is_empty() && rows.iter().all(|row| row.status == Status::Operational);
    let banner = banner(&page, &rows);
    let mut sections = [components(&page, rows), scheduled_maintenances(&page)];
    if is_calm {
        sections.reverse();
    }
    view! {
        <PublicLayout shell=shell head=head>
            {announcement_list(&page.announcements)}
            {banner}
            {open_incidents(&page)}
            {active_maintenances(&page)}
            {sections.into_iter().flatten().collect_view()}
            {past_days(&page)}
        </PublicLayout>
    }
    .into_any()
}

fn banner(page: &StatusPage, rows: &[ComponentRow]) -> AnyView {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let newest = page.open.iter().filter_map(|incident| incident.newest_update()).map(|update| update.posted_at).max();
    let updated = newest.map(|at| {
        view! { <p class="updated">"Updated"<br /><Time at=at words=incident_card::short_time(at, now, zone) /></p> }
    });
    let line = state_line(rows, page);
    let calm = (page.banner.tone == Tone::Operational).then(|| {
        view! { " "<span class="auto">"This page updates automatically."</span> }
    });
    let promise = soonest_promise(page).and_then(|incident| incident_card::next_update(incident, now, zone));
    let promise = promise.map(|words| view! { " "<span class="next">{words}"."</span> });
    view! {
        <div class="banner tint">
            {Icon::from(page.banner.tone).view()}
            <div>
                <h1 dir="auto">{page.banner.headline.clone()}{banner_time(rows, page)}</h1>
                <p class="lede">{line}{promise}{calm}</p>
            </div>
            {updated}
        </div>
    }
    .into_any()
}

/// The open incident whose next update is due first.
fn soonest_promise(page: &StatusPage) -> Option<&Incident> {
    page.open.iter().filter(|incident| incident.next_update_at.is_some()).min_by_key(|it| it.next_update_at)
}

/// ` since 21:30` after names of components with a common start, ` until 04:00` for a maintenance.
fn banner_time(rows: &[ComponentRow], page: &StatusPage) -> Option<AnyView> {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    if headline_names_incident(rows, page) {
        return None;
    }
    let ends = page.planned.iter().filter(|it| it.phase.is_active()).map(|it| it.scheduled_until);
    let until = ends.max().filter(|at| page.banner.tone == Tone::Maintenance && *at > now);
    let (word, at) = match until {
        Some(at) => (" until ", at),
        None => (" since ", common_start(rows)?),
    };
    let words = if time::today(at, zone) == time::today(now, zone) {
        time::format_clock(at, zone)
    } else {
        incident_card::short_time(at, now, zone)
    };
    Some(view! { <span class="when">{word}<Time at=at words=words /></span> }.into_any())
}

/// Whether an incident is worse than every component, so that the headline is its title.
fn headline_names_incident(rows: &[ComponentRow], page: &StatusPage) -> bool {
    !rows.iter().any(|row| Tone::from(row.status) == page.banner.tone)
}

/// The line below the headline: what it leaves out.
fn state_line(rows: &[ComponentRow], page: &StatusPage) -> String {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let affected: Vec<&ComponentRow> = rows.iter().filter(|row| row.status != Status::Operational).collect();
    let mut parts: Vec<String> = Vec::new();
    if rows.is_empty() && page.open.is_empty() {
        return "Components and incidents will appear here.".to_owned();
    }
    if page.banner.tone == Tone::Operational {
        return "No active incidents.".to_owned();
    }
    if headline_names_incident(rows, page) {
        let opened = page.open.iter().map(|incident| incident.started_at).min();
        let since = opened.map(|at| format!(" since {}", incident_card::short_time(at, now, zone))).unwrap_or_default();
        parts.push(format!("{}{since}.", page.banner.tone.words()));
        if affected.is_empty() {
            parts.push("No component is marked as affected.".to_owned());
        } else {
            parts.push(format!("{}.", affected_list(&affected)));
        }
    } else if affected.len() > MAX_NAMED {
        parts.push(format!("{}.", affected_list(&affected)));
    }
    let others = rows.len() - affected.len();
    match others {
        _ if affected.is_empty() => {}
        0 => {}
        1 => parts.push("The other component is operational.".to_owned()),
        n => parts.push(format!("The other {n} components are operational.")),
    }
    let is_manual = |row: &&ComponentRow| row.reason.as_ref().is_some_and(|it| it.cause == StatusCause::Manual);
    if page.open.is_empty() && affected.iter().any(is_manual) {
        parts.push("No incident has been published for this yet.".to_owned());
    }
    parts.join(" ")
}

/// `Major outage: API and Website. Also affected: Search and 2 more`, six names at most.
fn affected_list(affected: &[&ComponentRow]) -> String {
    let worst = affected.iter().map(|row| row.status).max().unwrap_or_default();
    let names = |is_worst: bool| -> Vec<&str> {
        let those = affected.iter().filter(|row| (row.status == worst) == is_worst);
        those.map(|row| row.component.name.as_str()).collect()
    };
    let (first, others) = (names(true), names(false));
    let list = |names: &[&str], room: usize| match names.len().checked_sub(room) {
        Some(more) if more > 0 => {
            let shown = names.get(..room).unwrap_or_default().join(", ");
            if room == 0 { format!("{more} more") } else { format!("{shown} and {more} more") }
        }
        _ => join_names(names),
    };
    let mut line = format!("{}: {}", worst.words(), list(&first, MAX_LISTED));
    if !others.is_empty() {
        line += &format!(". Also affected: {}", list(&others, MAX_LISTED.saturating_sub(first.len())));
    }
    line
}

/// The start of the present statuses, if all components that are not operational have the same.
fn common_start(rows: &[ComponentRow]) -> Option<DateTime<Utc>> {
    let mut starts = rows.iter().filter_map(|row| row.reason.as_ref()).map(|reason| reason.since);
    let first = starts.next()?;
    starts.all(|at| at == first).then_some(first)
}

fn section_head(title: &'static str, link: Option<(&'static str, &'static str)>) -> AnyView {
    let link = link.map(|(words, href)| view! { " "<a href=href>{words}</a> });
    view! { <div class="over"><h2>{title}</h2>{link}</div> }.into_any()
}

fn open_incidents(page: &StatusPage) -> Option<AnyView> {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let card = |(place, incident): (usize, &Incident)| {
        let fold = if place < UNFOLDED_CARDS { TimelineFold::Never } else { TimelineFold::Older };
        view! { <IncidentCard incident=incident.clone() fold=fold zone=zone now=now /> }
    };
    let title = if page.open.len() == 1 { "Active incident" } else { "Active incidents" };
    (!page.open.is_empty()).then(|| {
        view! {
            <section id="open-incidents">
                {section_head(title, None)}
                {page.open.iter().enumerate().map(card).collect_view()}
            </section>
        }
        .into_any()
    })
}

/// Maintenances in progress, with their timeline.
fn active_maintenances(page: &StatusPage) -> Option<AnyView> {
    let active: Vec<&Maintenance> = page.planned.iter().filter(|it| it.phase.is_active()).collect();
    let cards = active.iter().map(|it| active_maintenance(it, page)).collect_view();
    (!active.is_empty()).then(|| {
        view! { <section id="maintenance">{section_head("Maintenance in progress", None)}{cards}</section> }.into_any()
    })
}

fn active_maintenance(it: &Maintenance, page: &StatusPage) -> AnyView {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let until = incident_card::short_time(it.scheduled_until, now, zone);
    let words = view! { {it.phase.words()}" · until "<Time at=it.scheduled_until words=until /> };
    let names = maintenance::affected_names(it).map(|names| view! { <li dir="auto">{names}</li> });
    let from = incident_card::short_time(it.starts_at(), now, zone);
    let times = TimelineTimes { now, zone, shows_age: true };
    view! {
        <article class="card planned" id=maintenance::maintenance_anchor(it)>
            <div class="head">
                <h3 dir="auto"><a href=maintenance::maintenance_href(it)>{it.title.clone()}</a></h3>
                {pill("planned", it.phase.into(), words)}
            </div>
            <ul class="facts"><li>"Started "<Time at=it.starts_at() words=from /></li>{names}</ul>
            {incident_card::timeline(&it.updates, MaintenancePhase::words, times)}
        </article>
    }
    .into_any()
}

/// Upcoming maintenances, soonest first.
fn scheduled_maintenances(page: &StatusPage) -> Option<AnyView> {
    let coming: Vec<&Maintenance> = page.planned.iter().filter(|it| !it.phase.is_active()).collect();
    let more = coming.len().saturating_sub(MAX_PLANNED);
    let cards = coming.iter().take(MAX_PLANNED).map(|it| scheduled_maintenance(it, page)).collect_view();
    let more = (more > 0).then(|| {
        view! { <p class="soft">{format!("{more} more scheduled: ")}<a href="/history">"view all"</a></p> }
    });
    (!coming.is_empty()).then(|| {
        view! {
            <section id="scheduled">
                {section_head("Scheduled maintenance", Some(("Add to calendar", "/maintenance.ics")))}
                {cards}
                {more}
            </section>
        }
        .into_any()
    })
}

fn scheduled_maintenance(it: &Maintenance, page: &StatusPage) -> AnyView {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let (from, to) = (it.scheduled_for, it.scheduled_until);
    let day = time::today(from, zone);
    let is_one_day = day == time::today(to, zone);
    let starts = format!("{} {}", weekday_of(from, now, zone), time::format_clock(from, zone));
    let ends = if is_one_day {
        time::format_clock_with_zone(to, zone)
    } else {
        format!("{} {}", weekday_of(to, now, zone), time::format_clock_with_zone(to, zone))
    };
    let names = maintenance::affected_names(it).map(|names| view! { <li dir="auto">{names}</li> });
    view! {
        <article class="card planned dated" id=maintenance::maintenance_anchor(it)>
            <p class="tile tint" aria-hidden="true"><b>{day.format("%b").to_string()}</b>{day.format("%-d").to_string()}</p>
            <div>
                <h3 dir="auto"><a href=maintenance::maintenance_href(it)>{it.title.clone()}</a></h3>
                <ul class="facts">
                    <li><Time at=from words=starts />" – "<Time at=to words=ends /></li>
                    {names}
                </ul>
            </div>
            {pill("planned", Icon::Scheduled, days_until(day, time::today(now, zone)))}
        </article>
    }
    .into_any()
}

/// `Sun` within the next six days, otherwise `Sun 6 Dec`, with the year if it is another one.
fn weekday_of(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let day = time::today(at, zone);
    let format = match (day - time::today(now, zone)).num_days() {
        0..=6 => "%a",
        _ if time::same_year(at, now, zone) => "%a %-d %b",
        _ => "%a %-d %b %Y",
    };
    day.format(format).to_string()
}

fn days_until(day: NaiveDate, today: NaiveDate) -> String {
    match (day - today).num_days() {
        i64::MIN..=0 => "Today".to_owned(),
        1 => "Tomorrow".to_owned(),
        n => format!("In {n} days"),
    }
}

fn components(page: &StatusPage, rows: Vec<ComponentRow>) -> Option<AnyView> {
    (!rows.is_empty()).then(|| {
        view! {
            <section id="components">
                {section_head("Components", Some(("Uptime by month", "/uptime")))}
                <ComponentList
                    groups=page.groups.clone()
                    rows=rows
                    bars=page.bars.clone()
                    now=page.shell.now
                    zone=page.shell.zone()
                />
            </section>
        }
        .into_any()
    })
}

/// The last days; a run of days without entries is one row.
fn past_days(page: &StatusPage) -> Option<AnyView> {
    if page.components.is_empty() && page.open.is_empty() && page.past.is_empty() && page.finished.is_empty() {
        return None;
    }
    let today = time::today(page.shell.now, page.shell.zone());
    let days = (0..PAST_DAYS).filter_map(|back| today.checked_sub_days(Days::new(back)));
    let days: Vec<(NaiveDate, Vec<AnyView>)> = days.map(|day| (day, day_entries(page, day))).collect();
    let mut rows: Vec<AnyView> = Vec::new();
    let mut quiet: Vec<NaiveDate> = Vec::new();
    for (day, entries) in days {
        // Today has a row of its own.
        if !entries.is_empty() || quiet.first() == Some(&today) {
            rows.extend(quiet_days(&quiet, today));
            quiet.clear();
        }
        if entries.is_empty() {
            quiet.push(day);
        } else {
            rows.push(past_day(view! { {day_label(day, today)} }.into_any(), entries.into_any()));
        }
    }
    rows.extend(quiet_days(&quiet, today));
    Some(
        view! {
            <section class="days">
                {section_head("Past incidents", Some(("Full history", "/history")))}
                <div class="panel">{rows}</div>
            </section>
        }
        .into_any(),
    )
}

fn past_day(label: AnyView, entries: AnyView) -> AnyView {
    view! { <div class="day"><h3>{label}</h3><div>{entries}</div></div> }.into_any()
}

/// One row for `days`, newest first: `22 – 23 Nov`.
fn quiet_days(days: &[NaiveDate], today: NaiveDate) -> Option<AnyView> {
    let (newest, oldest) = (days.first()?, days.last()?);
    let label = if newest == oldest {
        day_label(*newest, today)
    } else {
        let same_month = newest.format("%m").to_string() == oldest.format("%m").to_string();
        let from = oldest.format(if same_month { "%-d" } else { "%-d %b" }).to_string();
        let span = format!("{from} – {}", newest.format("%-d %b"));
        view! { <time datetime=oldest.to_string()>{span}</time> }.into_any()
    };
    Some(past_day(label, view! { <p>"No incidents"</p> }.into_any()))
}

fn day_label(day: NaiveDate, today: NaiveDate) -> AnyView {
    let words = if day == today { format!("Today, {}", day.format("%-d %b")) } else { time::format_weekday(day) };
    view! { <time datetime=day.to_string()>{words}</time> }.into_any()
}

/// What began on a day: incidents, also open ones, then maintenances.
fn day_entries(page: &StatusPage, day: NaiveDate) -> Vec<AnyView> {
    let zone = page.shell.zone();
    let that_day = |incident: &&Incident| time::today(incident.started_at, zone) == day;
    let open = page.open.iter().filter(that_day).map(ongoing_incident);
    let over = page.past.iter().filter(|incident| !incident.is_open()).filter(that_day);
    let mut shown: Vec<AnyView> = open.chain(over.map(past_incident)).collect();
    let works = page.planned.iter().filter(|it| it.phase.is_active()).chain(&page.finished);
    let works = works.filter(|it| time::today(it.starts_at(), zone) == day);
    shown.extend(works.map(past_maintenance));
    shown
}

fn ongoing_incident(incident: &Incident) -> AnyView {
    let tone = Tone::from(incident.present_impact());
    view! {
        <div class=format!("past {}", incident_card::state_class(incident))>
            {Icon::from(tone).view()}
            <b dir="auto">{incident.title.clone()}</b>
            <p>"Ongoing, see above"</p>
        </div>
    }
    .into_any()
}

fn past_maintenance(it: &Maintenance) -> AnyView {
    let (from, to) = it.window();
    let length = duration::spell_duration(to - from);
    let words = match it.phase {
        MaintenancePhase::Cancelled => "Maintenance, cancelled".to_owned(),
        phase if phase.is_active() => "Maintenance in progress, see above".to_owned(),
        _ => match length {
            Some(length) => format!("Maintenance, completed after {length}"),
            None => "Maintenance, completed".to_owned(),
        },
    };
    let title = if it.phase.is_active() {
        view! { <b dir="auto">{it.title.clone()}</b> }.into_any()
    } else {
        view! { <a href=maintenance::maintenance_href(it) dir="auto">{it.title.clone()}</a> }.into_any()
    };
    let names = maintenance::affected_names(it).map(|names| view! { " · "<bdi>{names}</bdi> });
    view! {
        <div class=format!("past planned {}", it.phase.key())>
            {Icon::Maintenance.view()}
            {title}
            <p>{words}{names}</p>
        </div>
    }
    .into_any()
}

fn past_incident(incident: &Incident) -> AnyView {
    let impact = incident.impact();
    let severity = if impact == Impact::None { "Incident" } else { impact.words() };
    let words = match incident.duration().and_then(duration::spell_duration) {
        Some(length) => format!("{severity} for {length}"),
        None => format!("{severity}, resolved"),
    };
    let names = incident_card::affected_names(incident).map(|names| view! { " · "<bdi>{names}</bdi> });
    view! {
        <div class=format!("past impact-{}", impact.key())>
            {Icon::from(Tone::from(impact)).view()}
            <a href=incident_card::incident_href(incident) dir="auto">{incident.title.clone()}</a>
            <p>{words}{names}</p>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::domain::page::Link;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn banner_names_what_is_affected_and_since_when() {
        let mut page = fixtures::status_page();
        page.open[0].next_update_at = Some(fixtures::at("2026-11-23T14:45:00Z"));
        let html = render_status_page(page);
        check(&html);
        for words in [
            "<title>Outbound delivery: partial outage; Queue dashboard: degraded performance · Harbor Mail</title>",
            "<body class=\"tone-major\">",
            "<h1 dir=\"auto\">Outbound delivery: partial outage; Queue dashboard: degraded performance<span class=\"when\"> since <time",
            ">13:05</time></span></h1>",
            "The other 5 components are operational.",
            "Next update due by <b><time datetime=\"2026-11-23T14:45:00Z\">14:45 WET</time></b>",
            "<a href=\"/incidents/delayed00001\">Delayed delivery",
            "Identified · <time datetime=\"2026-11-23T13:05:00Z\" class=\"ago\">1 h 27 min</time>",
            "<bdi>Outbound delivery</bdi>: partial outage",
            "<strong>eu-west</strong>",
            "edited <time datetime=\"2026-11-23T14:25:00Z\">14:25</time>",
            ">Since 13:05 WET</time>: <bdi>Delayed delivery",
            "All times in Lisbon (WET)",
            "rel=\"noopener\"",
            "<link rel=\"canonical\" href=\"https://status.harbormail.example/\">",
            "<button popovertarget=\"p-queue-2026-11-22\" aria-label=\"Sun 22 Nov: 1 incident, 32 min partial outage\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(html.find(">Identified<") < html.find(">Investigating<"), "the newest update comes first");
        assert_eq!(html.matches("Next update due by").count(), 2, "in the banner and in the card");
    }

    #[test]
    fn overdue_update_is_stated_in_banner_and_card() {
        let mut page = fixtures::status_page();
        page.open[0].next_update_at = Some(fixtures::at("2026-11-23T14:30:00Z"));
        let html = render_status_page(page);
        assert_eq!(html.matches("Update was due at").count(), 2, "{html}");
        assert!(!html.contains("Next update due"), "{html}");
    }

    #[test]
    fn groups_open_only_if_a_member_is_affected() {
        let html = render_status_page(fixtures::status_page());
        assert_eq!(html.matches("<details").count(), 2);
        assert!(html.contains("1 of 3 in partial outage") && html.contains("1 of 3 degraded"), "{html}");
        assert_eq!(html.matches(" open").count() - html.matches(" open-").count(), 2, "{html}");
        let calm = render_status_page(fixtures::quiet_page());
        assert!(calm.matches("<details").count() == 2 && !calm.contains(" open>"), "{calm}");
        let mut one = fixtures::quiet_page();
        one.groups.truncate(1);
        assert!(!render_status_page(one).contains("<details"));
    }

    #[test]
    fn quiet_days_collapse_and_others_are_listed() {
        let html = render_status_page(fixtures::status_page());
        assert_eq!(html.matches("class=\"day\"").count(), 4);
        assert_eq!(html.matches("No incidents<").count(), 2);
        for words in [
            "Today, 23 Nov",
            "Ongoing, see above",
            "Sun 22 Nov",
            "Sat 21 Nov",
            "Major outage for 37 min · <bdi>Sign-in</bdi>",
            "Degraded performance for 22 min",
            "17 – 20 Nov",
            "Full history",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn overnight_incident_is_listed_on_its_start_day() {
        let mut page = fixtures::quiet_page();
        let mut incident = fixtures::past().remove(0);
        incident.started_at = fixtures::at("2026-11-20T23:30:00Z");
        page.past = vec![incident];
        let html = render_status_page(page);
        let (_, day) = html.split_once("Fri 20 Nov").unwrap();
        assert!(day.contains("Major outage for 9 h 19 min"), "{html}");
    }

    #[test]
    fn maintenances_have_their_own_tone_and_place() {
        let mut page = fixtures::status_page();
        page.planned = vec![fixtures::upgrade_under_way(), fixtures::upgrade()];
        page.planned[0].id = crate::domain::MaintenanceId::parse("under-way").unwrap();
        let html = render_status_page(page);
        check(&html);
        let order = ["id=\"open-incidents\"", "id=\"maintenance\"", "id=\"components\"", "id=\"scheduled\""];
        let places: Vec<usize> = order.iter().map(|id| html.find(id).unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
        for words in [
            "In progress · until <time",
            ">15:30 WET</time>",
            "<b>Nov</b>26</p>",
            ">Thu 02:00</time> – <time datetime=\"2026-11-26T04:00:00Z\">04:00 WET</time>",
            "In 3 days",
            "Maintenance in progress, see above",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        let mut calm = fixtures::quiet_page();
        calm.planned = vec![fixtures::upgrade()];
        let html = render_status_page(calm);
        assert!(html.find("id=\"scheduled\"") < html.find("id=\"components\""), "{html}");
    }

    #[test]
    fn page_under_maintenance_states_its_end() {
        let mut page = fixtures::quiet_page();
        page.planned = vec![fixtures::upgrade_under_way()];
        page.banner = Banner { tone: Tone::Maintenance, headline: "Archive search: under maintenance".into() };
        let html = render_status_page(page);
        assert!(html.contains("Archive search: under maintenance<span class=\"when\"> until <time"), "{html}");
        assert!(html.contains(">15:30</time></span></h1>"), "{html}");
        assert!(html.contains("The other 6 components are operational."), "{html}");
    }

    #[test]
    fn completed_maintenance_is_listed_but_no_incident() {
        let mut page = fixtures::quiet_page();
        let mut it = fixtures::upgrade_under_way();
        it.complete(crate::domain::UpdateId::parse("done").unwrap(), fixtures::at("2026-11-23T14:00:00Z")).unwrap();
        page.finished = vec![it];
        let html = render_status_page(page);
        check(&html);
        assert_eq!(html.matches("No incidents<").count(), 1, "not beside the maintenance");
        assert!(html.contains("Maintenance, completed after 30 min"), "{html}");
    }

    #[test]
    fn calm_page_says_so_once() {
        let html = render_status_page(fixtures::quiet_page());
        check(&html);
        assert!(html.contains("<body class=\"tone-none\">") && html.contains(">All systems operational</h1>"));
        assert!(html.contains("No active incidents.") && html.contains("This page updates automatically."));
        assert!(!html.contains("open-incidents"));
    }

    #[test]
    fn page_without_components_is_being_set_up() {
        let page = StatusPage { components: Vec::new(), groups: Vec::new(), ..fixtures::quiet_page() };
        let banner = Banner::new(&[], &[]);
        let shell = PublicContext { tone: banner.tone, picture: None, ..page.shell.clone() };
        let html = render_status_page(StatusPage { banner, shell, ..page });
        check(&html);
        assert!(html.contains(">This status page is being set up</h1>") && html.contains("tone-notice"), "{html}");
        let body = html.split_once("<body").unwrap().1;
        for word in [">Components<", "Past incidents", "perational"] {
            assert!(!body.contains(word), "{word} in {body}");
        }
    }

    #[test]
    fn incident_without_components_is_the_headline() {
        let mut page = fixtures::quiet_page();
        let mut incident = fixtures::incident(
            "notice",
            "Invoices are late",
            vec![fixtures::update("2026-11-23T14:31:30Z", Phase::Identified, "Late.", &[])],
        );
        incident.started_at = fixtures::at("2026-11-22T09:00:00Z");
        page.open = vec![incident];
        page.banner = Banner { tone: Tone::Notice, headline: "Invoices are late".into() };
        let html = render_status_page(page);
        assert!(html.contains("<h1 dir=\"auto\">Invoices are late</h1>"), "{html}");
        assert!(html.contains("Notice since 22 Nov, 09:00 WET. No component is marked as affected."), "{html}");
        assert!(
            html.contains("Identified · <time datetime=\"2026-11-22T09:00:00Z\" class=\"ago\">1 d 5 h</time>"),
            "{html}"
        );
    }

    #[test]
    fn manual_status_has_its_own_start_and_reason() {
        let mut page = fixtures::quiet_page();
        let web = page.components.iter_mut().find(|component| component.id.as_str() == "web").unwrap();
        web.status = Status::MajorOutage;
        page.baselines = vec![StatusInterval {
            component_id: web.id.clone(),
            incident_id: None,
            from: fixtures::at("2026-11-23T11:30:00Z"),
            to: None,
            status: Status::MajorOutage,
        }];
        page.banner = Banner { tone: Tone::MajorOutage, headline: "Website: major outage".into() };
        let html = render_status_page(page);
        check(&html);
        for words in [
            "Website: major outage<span class=\"when\"> since <time",
            "The other 6 components are operational. No incident has been published for this yet.",
            ">Since 11:30 WET</time>: status changed manually</span>",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn many_components_are_listed_below_their_number() {
        let mut page = fixtures::quiet_page();
        for (place, component) in page.components.iter_mut().enumerate() {
            component.status = if place < 2 { Status::MajorOutage } else { Status::DegradedPerformance };
        }
        let rows: Vec<(&Component, Status)> = page.components.iter().map(|it| (it, it.status)).collect();
        page.banner = Banner::new(&rows, &[]);
        let html = render_status_page(page);
        assert!(html.contains(">7 components affected"), "{html}");
        let line = "Major outage: Inbound delivery and Outbound delivery. Also affected: ";
        assert!(html.contains(line) && html.contains(" and 1 more. "), "{html}");
    }

    #[test]
    fn cards_are_worst_first_and_fold_after_the_second() {
        let mut page = fixtures::status_page();
        for (number, impact) in [Impact::Minor, Impact::Critical, Impact::None].into_iter().enumerate() {
            let mut it = fixtures::delayed();
            it.id = crate::domain::IncidentId::parse(&format!("other{number}")).unwrap();
            it.impact_override = Some(impact);
            page.open.push(it);
        }
        let html = render_status_page(page);
        let ids = ["incident-other1", "incident-delayed00001", "incident-other0", "incident-other2"];
        let places: Vec<usize> = ids.iter().map(|id| html.find(&format!("id=\"{id}\"")).unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(html.matches("Show 1 earlier update").count(), 2, "{html}");
        // A card never shows another phase than its newest update.
        for card in html.split("<article").skip(1) {
            let pill = card.split("pill").nth(1).unwrap();
            let first = card.split("class=\"said\"").nth(1).unwrap();
            assert!(pill.contains(">Identified ·") && first.starts_with("><strong>Identified<"), "{card}");
        }
    }

    #[test]
    fn every_text_is_escaped() {
        let mut page = fixtures::long_page();
        page.shell.page.name = SCRIPT.into();
        page.shell.page.logo_text = SCRIPT.into();
        page.shell.page.links = vec![
            Link { label: SCRIPT.into(), url: "https://x.example".into() },
            Link { label: "bad".into(), url: "javascript:alert(1)".into() },
        ];
        page.banner.headline = SCRIPT.into();
        for incident in page.open.iter_mut().chain(&mut page.past) {
            incident.title = SCRIPT.into();
            incident.detected_by = Some(SCRIPT.into());
            for update in &mut incident.updates {
                update.body = SCRIPT.into();
                update.components.iter_mut().for_each(|component| component.name = SCRIPT.into());
            }
        }
        page.groups.iter_mut().for_each(|group| (group.name, group.description) = (SCRIPT.into(), SCRIPT.into()));
        page.components.iter_mut().for_each(|c| (c.name, c.description) = (SCRIPT.into(), SCRIPT.into()));
        let html = render_status_page(page);
        check(&html);
        assert!(html.contains("&lt;script&gt;") && !html.contains("javascript:"));
    }

    #[test]
    fn the_first_day_begins_in_the_zone_of_the_page() {
        let begin = past_days_start(fixtures::at("2026-11-05T12:00:00Z"), Tz::Europe__Lisbon);
        assert_eq!(begin, fixtures::at("2026-10-30T00:00:00Z"));
    }
}
