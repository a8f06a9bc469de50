//! `/`: current incidents and maintenances first, then components and past incidents.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::component_list::{self, ComponentList, ComponentRow};
use super::incident_card::{self, Facts, IncidentCard, TimelineFold, count_words};
use super::maintenance::{self, MaintenanceCard};
use super::uptime_bars::UptimeBars;
use crate::domain::component::StatusCause;
use crate::domain::history::start_of_day;
use crate::domain::page_status::{Banner, Tone};
use crate::domain::uptime::StatusInterval;
use crate::domain::{Component, Group, Incident, Maintenance, Phase, Status};
use crate::format::time;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

/// The number of days under "Past incidents", including today.
pub const PAST_DAYS: u64 = 14;
/// The maximum number of upcoming maintenances with a card.
const MAX_PLANNED: usize = 10;

#[derive(Clone, Debug)]
pub struct StatusPage {
    pub shell: PublicContext,
    /// Its tone equals the one in `shell`.
    pub banner: Banner,
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
    let rows = component_list::component_rows(&page.components, (&page.open, &page.planned), &page.baselines);
    let line = if page.components.is_empty() && page.open.is_empty() {
        "This status page is being set up.".to_owned()
    } else {
        state_line(&rows, &page)
    };
    let head = PageHead {
        title: page.banner.headline.clone(),
        description: format!("{}. {line}", page.banner.headline),
        kind: PageKind::Regular,
        style: PageStyle::Base,
    };
    let shell = page.shell.clone();
    view! {
        <PublicLayout shell=shell head=head>
            {banner(&page, &rows, line)}
            {open_incidents(&page)}
            {maintenances(&page)}
            {components(&page, rows)}
            {past_days(&page)}
        </PublicLayout>
    }
    .into_any()
}

fn banner(page: &StatusPage, rows: &[ComponentRow], line: String) -> AnyView {
    let why = (!page.open.is_empty()).then(|| {
        let words = match page.open.len() {
            1 => "See incident".to_owned(),
            n => format!("See {n} incidents"),
        };
        view! { " "<a href="#open-incidents">{words}</a> }
    });
    let works = page.planned.iter().filter(|maintenance| maintenance.phase.is_active()).count();
    let works = (works > 0 && page.open.is_empty()).then(|| {
        let words = "See maintenance".to_owned();
        view! { " "<a href="#maintenance">{words}</a> }
    });
    let by_hand = manual_status_link(rows);
    view! {
        <div class="banner">
            {status_icon(page.banner.tone)}
            <div>
                <h1 dir="auto">{page.banner.headline.clone()}</h1>
                <p class="lede">{line}{why}{works}{by_hand}</p>
            </div>
        </div>
    }
    .into_any()
}

/// Links to the uptime history of the worst component whose status was set manually. With other causes on the page, it
/// names the component.
fn manual_status_link(rows: &[ComponentRow]) -> Option<AnyView> {
    let is_manual = |row: &&ComponentRow| row.reason.as_ref().is_some_and(|it| it.cause == StatusCause::Manual);
    let worst = rows.iter().filter(is_manual).max_by_key(|row| row.status)?;
    let href = format!("/uptime#component-{}", worst.component.id);
    let alone = rows.iter().filter(|row| row.reason.is_some()).all(|row| is_manual(&row));
    let name = (!alone).then(|| view! { <bdi>{worst.component.name.clone()}</bdi>": " });
    let words = if alone { "Status changed manually" } else { "status changed manually" };
    Some(view! { " "<a href=href>{name}{words}</a> }.into_any())
}

/// A tick, a pause sign or an exclamation mark. Decorative: the text says the same.
fn status_icon(tone: Tone) -> AnyView {
    let stroke = match tone {
        Tone::Operational => "M7.5 12.5l3 3 6-7",
        Tone::Maintenance => "M9.5 8v8M14.5 8v8",
        _ => "M12 7v6M12 16.5v.5",
    };
    view! {
        <svg class="glyph" viewBox="0 0 24 24" width="32" height="32" aria-hidden="true">
            <circle cx="12" cy="12" r="10" />
            <path d=stroke />
        </svg>
    }
    .into_any()
}

/// The number of components per status, and since when if that is the same for all of them. Otherwise each row says it.
fn state_line(rows: &[ComponentRow], page: &StatusPage) -> String {
    let shell = &page.shell;
    let short = |at| incident_card::short_time(at, shell.now, shell.zone());
    let opened = page.open.iter().map(|incident| incident.started_at).min().map(short);
    match (degraded_summary(rows), opened) {
        (Some(troubled), _) => match common_start(rows).map(short) {
            Some(since) => format!("{troubled}, since {since}."),
            None => format!("{troubled}."),
        },
        (None, Some(since)) if rows.is_empty() => format!("Open since {since}."),
        (None, Some(since)) => format!("No component is marked as affected. Open since {since}."),
        (None, None) => all_operational(rows.len()),
    }
}

/// The start of the present statuses, if all components that are not operational have the same.
fn common_start(rows: &[ComponentRow]) -> Option<DateTime<Utc>> {
    let mut starts = rows.iter().filter_map(|row| row.reason.as_ref()).map(|reason| reason.since);
    let first = starts.next()?;
    starts.all(|at| at == first).then_some(first)
}

fn all_operational(all: usize) -> String {
    match all {
        0 => "All systems operational.".to_owned(),
        1 => "All systems operational.".to_owned(),
        n => format!("All {n} components are operational."),
    }
}

/// `3 of 12 components are not operational: 1 in partial outage, 2 degraded`
fn degraded_summary(rows: &[ComponentRow]) -> Option<String> {
    let number = |status| rows.iter().filter(|row| row.status == status).count();
    let worst_first = Status::ALL.into_iter().rev().filter(|status| *status != Status::Operational);
    let states: Vec<(usize, &str)> =
        worst_first.map(|status| (number(status), status_phrase(status))).filter(|(n, _)| *n > 0).collect();
    let sum: usize = states.iter().map(|(n, _)| n).sum();
    let verb = if sum == 1 { "is" } else { "are" };
    let of_all = format!("{sum} of {} {verb}", count_words(rows.len() as i64, "component"));
    match states.as_slice() {
        [] => None,
        [(_, words)] => Some(format!("{of_all} {words}")),
        several => {
            let several: Vec<String> = several.iter().map(|(n, words)| format!("{n} {words}")).collect();
            Some(format!("{of_all} not operational: {}", several.join(", ")))
        }
    }
}

/// The status at the end of a sentence.
fn status_phrase(status: Status) -> &'static str {
    match status {
        Status::Operational => "operational",
        Status::UnderMaintenance => "under maintenance",
        Status::DegradedPerformance => "degraded",
        Status::PartialOutage => "in partial outage",
        Status::MajorOutage => "in major outage",
    }
}

fn open_incidents(page: &StatusPage) -> Option<AnyView> {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let card = |incident: &Incident| {
        view! { <IncidentCard incident=incident.clone() fold=TimelineFold::Never zone=zone now=now /> }
    };
    (!page.open.is_empty()).then(|| {
        view! {
            <section id="open-incidents">
                <h2 class="unseen">"Active incidents"</h2>
                {page.open.iter().map(card).collect_view()}
            </section>
        }
        .into_any()
    })
}

/// Ongoing maintenances with their timeline, and upcoming ones.
fn maintenances(page: &StatusPage) -> Option<AnyView> {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let (active, coming): (Vec<_>, Vec<_>) = page.planned.iter().partition(|it| it.phase.is_active());
    let more = coming.len().saturating_sub(MAX_PLANNED);
    let card = |it: &&Maintenance| {
        let fold = if it.phase.is_active() { TimelineFold::Never } else { TimelineFold::Closed };
        view! { <MaintenanceCard maintenance=(*it).clone() fold=fold zone=zone now=now /> }
    };
    let cards: Vec<_> = active.iter().chain(coming.iter().take(MAX_PLANNED)).map(card).collect();
    let more = (more > 0).then(|| {
        view! { <p class="soft">{format!("{more} more scheduled: ")}<a href="/history">"view all"</a></p> }
    });
    (!cards.is_empty()).then(|| {
        view! { <section id="maintenance"><h2 class="unseen">"Maintenance"</h2>{cards}{more}</section> }.into_any()
    })
}

fn components(page: &StatusPage, rows: Vec<ComponentRow>) -> Option<AnyView> {
    let legend = page.bars.first().map(|bars| {
        view! { <p class="soft">{format!("Uptime over the last {} days", bars.days.len())}</p> }
    });
    (!rows.is_empty()).then(|| {
        view! {
            <section>
                <div class="over"><h2>"Components"</h2>{legend}</div>
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

fn past_days(page: &StatusPage) -> AnyView {
    let today = time::today(page.shell.now, page.shell.zone());
    let days = (0..PAST_DAYS).filter_map(|back| today.checked_sub_days(Days::new(back)));
    view! {
        <section class="days">
            <h2>"Past incidents"</h2>
            {days.map(|day| past_day(page, day)).collect_view()}
            <p><a href="/history">"View incident history"</a></p>
        </section>
    }
    .into_any()
}

fn past_day(page: &StatusPage, day: NaiveDate) -> AnyView {
    let zone = page.shell.zone();
    let that_day = |incident: &&Incident| time::today(incident.started_at, zone) == day;
    let open = page.open.iter().filter(that_day).map(ongoing_incident);
    let over = page.past.iter().filter(|incident| !incident.is_open()).filter(that_day);
    let mut shown: Vec<AnyView> = open.chain(over.map(|incident| past_incident(incident, zone))).collect();
    let works = page.planned.iter().filter(|it| it.phase.is_active()).chain(&page.finished);
    let works = works.filter(|it| time::today(it.starts_at(), zone) == day);
    shown.extend(works.map(|it| past_maintenance(it, zone)));
    if shown.is_empty() {
        shown.push(view! { <p class="soft">"No incidents reported."</p> }.into_any());
    }
    view! {
        <div class="day">
            <h3><time datetime=day.to_string()>{time::format_weekday(day)}</time></h3>
            <div>{shown}</div>
        </div>
    }
    .into_any()
}

fn ongoing_incident(incident: &Incident) -> AnyView {
    let anchor = format!("#{}", incident_card::incident_anchor(incident));
    view! { <p class="soft">"Ongoing: "<a href=anchor dir="auto">{incident.title.clone()}</a></p> }.into_any()
}

fn past_maintenance(it: &Maintenance, zone: Tz) -> AnyView {
    if it.phase.is_active() {
        let anchor = format!("#{}", maintenance::maintenance_anchor(it));
        return view! { <p class="soft">"Maintenance in progress: "<a href=anchor dir="auto">{it.title.clone()}</a></p> }
            .into_any();
    }
    let (from, to) = it.window();
    let words = format!("{} to {}", time::format_clock(from, zone), incident_card::short_time(to, from, zone));
    let names = maintenance::affected_names(it).map(|names| view! { <li dir="auto">{names}</li> });
    view! {
        <div class=format!("past {}", maintenance::state_class(it))>
            <p dir="auto"><a href=maintenance::maintenance_href(it)>{it.title.clone()}</a></p>
            <p class="chip">{maintenance::state_words(it, from, zone)}</p>
            <ul class="facts"><li><Time at=from words=words /></li>{names}</ul>
        </div>
    }
    .into_any()
}

fn past_incident(incident: &Incident, zone: Tz) -> AnyView {
    let updates = count_words(incident.updates.len() as i64, "update");
    view! {
        <div class=format!("past {}", incident_card::state_class(incident))>
            <p dir="auto"><a href=incident_card::incident_href(incident)>{incident.title.clone()}</a></p>
            <p class="chip">{Phase::Resolved.words()}</p>
            <Facts incident=incident.clone() words=incident_hours(incident, zone) />
            <p class="updates">{updates}</p>
        </div>
    }
    .into_any()
}

/// `08:12 to 08:49 UTC`; the end has a date if it is on another day.
fn incident_hours(incident: &Incident, zone: Tz) -> String {
    let from = incident.started_at;
    match incident.ended_at {
        Some(to) if to != from => {
            format!("{} to {}", time::format_clock(from, zone), incident_card::short_time(to, from, zone))
        }
        _ => time::format_clock_with_zone(from, zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::page::Link;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn status_sentence_starts_with_problems() {
        let html = render_status_page(fixtures::status_page());
        check(&html);
        for words in [
            "<title>Partial outage: Outbound delivery · Harbor Mail</title>",
            "<body class=\"tone-major\">",
            ">Partial outage: Outbound delivery</h1>",
            "2 of 7 components are not operational: 1 in partial outage, 1 degraded, since 13:05 WET.",
            "href=\"#open-incidents\">See incident</a>",
            "href=\"/incidents/delayed00001\">Delayed delivery",
            "Partial outage · open for 1h 27m",
            "Outbound delivery, Queue dashboard",
            "<strong>eu-west</strong>",
            "edited <time datetime=\"2026-11-23T14:25:00Z\">14:25 WET</time>",
            "<span class=\"state\">Partial outage</span>",
            "<span class=\"state\">Degraded performance</span>",
            ">Since 13:05 WET</time>: <a href=\"#incident-delayed00001\" dir=\"auto\">Delayed delivery",
            "Times are shown in Europe/Lisbon (WET).",
            "rel=\"noopener\"",
            "<link rel=\"canonical\" href=\"https://status.harbormail.example/\">",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(html.find(">Identified<") < html.find(">Investigating<"), "the newest update stands first");
    }

    #[test]
    fn past_days_are_listed_individually() {
        let html = render_status_page(fixtures::status_page());
        assert_eq!(html.matches("class=\"day\"").count(), 14);
        assert_eq!(html.matches("No incidents reported.").count(), 12);
        for words in
            ["Ongoing: ", "Resolved", "major outage", "08:12 to 08:49 WET", "37m", "3 updates", "View incident history"]
        {
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
        assert!(html.contains("23:30 to 21 Nov, 08:49 WET"), "{html}");
    }

    #[test]
    fn maintenances_follow_incidents_in_their_own_tone() {
        let mut page = fixtures::status_page();
        page.planned = vec![fixtures::upgrade_under_way(), fixtures::upgrade()];
        page.planned[0].id = crate::domain::MaintenanceId::parse("under-way").unwrap();
        let html = render_status_page(page);
        check(&html);
        assert_eq!(html.matches("class=\"card planned\"").count(), 2);
        assert!(html.find("id=\"open-incidents\"") < html.find("id=\"maintenance\""));
        for words in [
            "Maintenance in progress · until 15:30 WET",
            "Scheduled · Thu 26 Nov, 02:00 to 04:00 WET",
            "<summary>Details</summary>",
            "Maintenance in progress: <a href=\"#maintenance-under-way\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn page_under_maintenance_states_start_and_reason() {
        let mut page = fixtures::quiet_page();
        page.planned = vec![fixtures::upgrade_under_way()];
        page.banner = Banner { tone: Tone::Maintenance, headline: "Service Under Maintenance".into() };
        let html = render_status_page(page);
        assert!(html.contains(">Service Under Maintenance</h1>"), "{html}");
        assert!(html.contains("1 of 7 components is under maintenance, since 13:30 WET."), "{html}");
        assert!(html.contains("<a href=\"#maintenance\">See maintenance</a>"), "{html}");
    }

    #[test]
    fn completed_maintenance_is_listed_but_no_incident() {
        let mut page = fixtures::quiet_page();
        let mut it = fixtures::upgrade_under_way();
        it.complete(crate::domain::UpdateId::parse("done").unwrap(), fixtures::at("2026-11-23T14:00:00Z")).unwrap();
        page.finished = vec![it];
        let html = render_status_page(page);
        check(&html);
        assert_eq!(html.matches("No incidents reported.").count(), 13, "not above the maintenance");
        assert!(
            html.contains("<div class=\"past resolved\">")
                && html.contains("Maintenance completed")
                && html.contains("13:30 to 14:00 WET"),
            "{html}"
        );
    }

    #[test]
    fn day_without_incidents_is_stated() {
        let html = render_status_page(fixtures::quiet_page());
        check(&html);
        assert!(html.contains("<body class=\"tone-none\">") && html.contains("All 7 components are operational."));
        assert!(!html.contains("open-incidents"));
    }

    #[test]
    fn page_without_components_states_that() {
        let html =
            render_status_page(StatusPage { components: Vec::new(), groups: Vec::new(), ..fixtures::quiet_page() });
        check(&html);
        assert!(html.contains("This status page is being set up.") && !html.contains(">Components<"));
    }

    #[test]
    fn open_notice_states_its_start() {
        let mut page = fixtures::quiet_page();
        let mut incident = fixtures::incident(
            "notice",
            "Invoices are late",
            vec![fixtures::update("2026-11-23T14:31:30Z", Phase::Identified, "Late.", &[])],
        );
        incident.started_at = fixtures::at("2026-11-22T09:00:00Z");
        page.open = vec![incident];
        let html = render_status_page(page);
        assert!(html.contains("No component is marked as affected. Open since 22 Nov, 09:00 WET."), "{html}");
        assert!(html.contains("Notice · open for 1d 5h"), "{html}");
    }

    #[test]
    fn manual_status_has_its_own_start_and_reason() {
        let mut page = fixtures::status_page();
        let web = page.components.iter_mut().find(|component| component.id.as_str() == "web").unwrap();
        web.status = Status::MajorOutage;
        page.baselines = vec![StatusInterval {
            component_id: web.id.clone(),
            incident_id: None,
            from: fixtures::at("2026-11-23T11:30:00Z"),
            to: None,
            status: Status::MajorOutage,
        }];
        let html = render_status_page(page);
        check(&html);
        for words in [
            "3 of 7 components are not operational: 1 in major outage, 1 in partial outage, 1 degraded. ",
            "href=\"/uptime#component-web\"><bdi>Website</bdi>: status changed manually</a>",
            ">Since 11:30 WET</time>: status changed manually</div>",
            ">Since 13:05 WET</time>: <a href=\"#incident-delayed00001\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
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
        assert_eq!(begin, fixtures::at("2026-10-22T23:00:00Z"));
    }
}
