//! `/history`, `/history/2024-10` and filtered views: totals in one sentence, then incidents by month.

use chrono::{DateTime, NaiveDate, Utc};
use leptos::prelude::*;

use super::incident_card::{IncidentCard, TimelineFold, count_words};
use super::maintenance::MaintenanceCard;
use crate::domain::history::{
    HistoryFilter, HistoryRange, MAX_SEARCH_LENGTH, MAX_SEARCHED_INCIDENTS, Month, Totals, start_of_day,
};
use crate::domain::{ComponentId, Impact, Incident, Maintenance};
use crate::format::duration;
use crate::format::time;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};

#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Its path has no query.
    pub shell: PublicContext,
    /// The only month shown; `None` for the whole or a filtered history.
    pub month: Option<Month>,
    pub filter: HistoryFilter,
    /// Set if a text search stopped at its limit: the last day searched, and the URL that continues from there.
    pub unsearched: Option<(NaiveDate, String)>,
    /// The components to choose from, in display order.
    pub components: Vec<(ComponentId, String)>,
    /// Totals over all pages of this month or filter.
    pub totals: Totals,
    /// The incidents of this page, newest start first.
    pub incidents: Vec<Incident>,
    /// The maintenances in the same period, in any order; not counted in `totals`.
    pub maintenances: Vec<Maintenance>,
    /// Whether some maintenances didn't fit.
    pub has_more_maintenances: bool,
    /// Label and URL of the page with newer incidents.
    pub newer: Option<(String, String)>,
    /// Label and URL of the page with older incidents.
    pub older: Option<(String, String)>,
}

pub fn render_history(page: HistoryPage) -> String {
    crate::ui::render_page(|| view! { <HistoryView page=page /> })
}

#[component]
pub fn HistoryView(page: HistoryPage) -> AnyView {
    let title = page.month.map_or("Incident history".to_owned(), |month| {
        format!("Incidents in {}", time::format_month(month.year, month.month))
    });
    let head = PageHead {
        title: title.clone(),
        description: format!("Past incidents and maintenance of {}.", page.shell.page.name),
        kind: if page.filter.is_all() { PageKind::Regular } else { PageKind::Filtered },
        style: PageStyle::History,
    };
    let shell = page.shell.clone();
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro">
                <h1>{title}</h1>
                {history_summary(&page)}
            </div>
            {filter_form(&page)}
            {history_months(&page)}
            {pager(&page)}
        </PublicLayout>
    }
    .into_any()
}

/// Count, filter, first date, frequency and total duration.
fn history_summary(page: &HistoryPage) -> AnyView {
    if page.filter.range_error().is_some() {
        return view! { <p class="lede">"This period ends before it starts. "<a href="/history">"Clear filters"</a></p> }.into_any();
    }
    let scope = if page.month.is_some() { Vec::new() } else { filter_words(page) };
    let clear = if page.month.is_some() { "Show all" } else { "Clear filters" };
    let all = (page.month.is_some() || !page.filter.is_all()).then(|| view! { " "<a href="/history">{clear}</a> });
    // Leptos renders an empty text as a space.
    let totals = Some(totals_words(page)).filter(|words| !words.is_empty());
    view! { <p class="lede">{number(page)}{scope}{totals}"."{all}</p>{search_limit_notice(page)} }.into_any()
}

/// `4 incidents with partial outage`
fn number(page: &HistoryPage) -> String {
    let impact = if page.month.is_some() { None } else { page.filter.impact };
    let impact = impact.map_or_else(String::new, impact_words);
    match page.totals.count {
        0 if !page.maintenances.is_empty() => "No incidents, only maintenance".to_owned(),
        0 if page.filter.is_all() => "No incidents reported".to_owned(),
        0 => format!("No incidents{impact}"),
        n => format!("{}{impact}", count_words(n, "incident")),
    }
}

fn search_limit_notice(page: &HistoryPage) -> Option<AnyView> {
    let (day, address) = page.unsearched.clone()?;
    let link = view! { <a href=address>"Search incidents up to "{day.format("%-d %b %Y").to_string()}</a> };
    let words = format!("Searched the latest {MAX_SEARCHED_INCIDENTS} incidents. ");
    Some(view! { <p>{words}{link}"."</p> }.into_any())
}

fn totals_words(page: &HistoryPage) -> String {
    let Totals { count: n, first_started_at, .. } = page.totals;
    let (zone, sum) = (page.shell.zone(), duration_words(&page.totals, page.shell.now));
    match (n, first_started_at) {
        (0, _) => String::new(),
        (_, Some(first)) if page.month.is_none() => {
            let (from, to) = page.filter.range.bounds(zone, page.shell.now);
            let searched = page.unsearched.as_ref().map(|(day, _)| start_of_day(*day, zone));
            let (from, to) = (searched.or(from), to.map_or(page.shell.now, |to| to.min(page.shell.now)));
            let rate = page.totals.per_month(from, to);
            let since = if page.filter.is_all() { " since" } else { " · first on" };
            format!("{since} {} · {rate:.1} per month{sum}", time::format_day(first, zone))
        }
        _ => sum,
    }
}

/// ` · 13h 27m in total, 1 ongoing`; without what is zero.
fn duration_words(totals: &Totals, now: DateTime<Utc>) -> String {
    let passed = Some(totals.seconds(now)).filter(|seconds| *seconds > 0);
    let passed = passed.map(|seconds| format!("{} in total", duration::format_total(seconds)));
    let open = (totals.open > 0).then(|| format!("{} ongoing", totals.open));
    let parts: Vec<String> = passed.into_iter().chain(open).collect();
    if parts.is_empty() { String::new() } else { format!(" · {}", parts.join(", ")) }
}

/// The filter without the impact: ` affecting Shield, matching “s3”, in the last 2 years`.
fn filter_words(page: &HistoryPage) -> Vec<AnyView> {
    let filter = &page.filter;
    let component =
        filter.component.as_ref().map(|id| view! { "affecting "<bdi>{component_name(id, page)}</bdi> }.into_any());
    let text = filter.text.clone().map(|text| view! { "matching “"<bdi>{text}</bdi>"”" }.into_any());
    let range = range_words(filter.range).map(IntoAny::into_any);
    let parts = [component, text, range].into_iter().flatten().enumerate();
    parts.map(|(index, part)| view! { {if index == 0 { " " } else { ", " }}{part} }.into_any()).collect()
}

/// The name of a component; it is unknown if it was deleted.
fn component_name(id: &ComponentId, page: &HistoryPage) -> String {
    let known = page.components.iter().find(|(known, _)| known == id);
    known.map_or_else(|| "an unknown component".to_owned(), |(_, name)| name.clone())
}

fn impact_words(impact: Impact) -> String {
    match impact {
        Impact::None => " without impact".to_owned(),
        other => format!(" with {}", other.words().to_lowercase()),
    }
}

fn range_words(range: HistoryRange) -> Option<String> {
    let day = |day: NaiveDate| day.format("%-d %b %Y");
    match range {
        HistoryRange::AllTime | HistoryRange::Days { from: None, to: None } => None,
        HistoryRange::LastYear => Some("in the last 12 months".to_owned()),
        HistoryRange::LastTwoYears => Some("in the last 2 years".to_owned()),
        HistoryRange::Days { from: Some(from), to: Some(to) } => Some(format!("from {} to {}", day(from), day(to))),
        HistoryRange::Days { from: Some(from), to: None } => Some(format!("from {}", day(from))),
        HistoryRange::Days { from: None, to: Some(to) } => Some(format!("until {}", day(to))),
    }
}

/// Works without JavaScript.
fn filter_form(page: &HistoryPage) -> AnyView {
    view! {
        <form class="filter" method="get" action="/history" role="search">
            <label class="wide">
                "Search incidents "
                <input type="search" name="q" maxlength=MAX_SEARCH_LENGTH.to_string() value=page.filter.text.clone() dir="auto" />
            </label>
            " "
            <label>"Component " {component_choice(page)}</label>
            " "
            <label>"Impact " {impact_choice(page.filter.impact)}</label>
            " "
            <label class="last">"Period " {range_choice(page.filter.range)}</label>
            {days_choice(&page.filter)}
            <button>"Filter"</button>
        </form>
    }
    .into_any()
}

fn component_choice(page: &HistoryPage) -> AnyView {
    let chosen = page.filter.component.as_ref();
    let offered = page.components.iter().map(|(id, name)| option(id.as_str(), name, chosen == Some(id)));
    let is_unknown = chosen.is_some_and(|id| !page.components.iter().any(|(known, _)| known == id));
    let error = is_unknown.then(|| {
        view! { <span class="error" id="component-error">"Unknown component. It may have been deleted."</span> }
    });
    view! {
        <select
            name="component"
            aria-invalid=is_unknown.then_some("true")
            aria-describedby=is_unknown.then_some("component-error")
        >
            {option("", "All components", chosen.is_none() || is_unknown)}
            {offered.collect_view()}
        </select>
        {error}
    }
    .into_any()
}

fn impact_choice(chosen: Option<Impact>) -> AnyView {
    let worst_first = Impact::ALL.into_iter().rev();
    let offered = worst_first.map(|impact| option(impact.key(), impact.words(), chosen == Some(impact)));
    view! {
        <select name="impact">
            {option("", "All impacts", chosen.is_none())}
            {offered.collect_view()}
        </select>
    }
    .into_any()
}

fn range_choice(chosen: HistoryRange) -> AnyView {
    view! {
        <select name="range">
            {option("", "All time", false)}
            {option("12m", "Last 12 months", chosen == HistoryRange::LastYear)}
            {option("2y", "Last 2 years", chosen == HistoryRange::LastTwoYears)}
        </select>
    }
    .into_any()
}

fn days_choice(filter: &HistoryFilter) -> AnyView {
    let error = filter.range_error();
    let message = error.map(|text| view! { <span class="error" id="to-error" role="alert">{text}</span> });
    let (from, to) = match filter.range {
        HistoryRange::Days { from, to } => (from, to),
        _ => (None, None),
    };
    let value = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    view! {
        <details open=from.is_some() || to.is_some()>
            <summary>"Custom date range"</summary>
            <div>
                <label>"From" <input type="date" name="from" value=value(from) /></label>
                <label>
                    "To"
                    <input
                        type="date"
                        name="to"
                        value=value(to)
                        aria-invalid=error.map(|_| "true")
                        aria-describedby=error.map(|_| "to-error")
                    />
                    {message}
                </label>
            </div>
        </details>
    }
    .into_any()
}

fn option(value: &str, words: &str, selected: bool) -> AnyView {
    view! { <option value=value.to_owned() selected=selected>{words.to_owned()}</option> }.into_any()
}

#[derive(Clone, Copy)]
enum HistoryItem<'a> {
    Incident(&'a Incident),
    Maintenance(&'a Maintenance),
}

impl HistoryItem<'_> {
    fn at(self) -> DateTime<Utc> {
        match self {
            HistoryItem::Incident(incident) => incident.started_at,
            HistoryItem::Maintenance(maintenance) => maintenance.starts_at(),
        }
    }
}

fn history_months(page: &HistoryPage) -> AnyView {
    let mut items: Vec<HistoryItem<'_>> = page.incidents.iter().map(HistoryItem::Incident).collect();
    items.extend(page.maintenances.iter().map(HistoryItem::Maintenance));
    items.sort_by_key(|item| std::cmp::Reverse(item.at()));
    let none = (items.is_empty() && page.filter.range_error().is_none()).then(|| {
        let words = if page.filter.is_all() { "No incidents reported." } else { "No incidents match these filters." };
        view! { <p class="empty soft">{words}</p> }
    });
    let zone = page.shell.zone();
    // The timeline of the newest incident is open, even if a maintenance is listed above it.
    let newest = page.incidents.first().map(|incident| &incident.id);
    let months = items.chunk_by(|a, b| Month::from_time(a.at(), zone) == Month::from_time(b.at(), zone));
    let months = months.map(|items| history_month(page, items, newest)).collect_view();
    let more = page.has_more_maintenances.then(|| {
        view! { <p class="soft">"Showing the latest maintenance. Older entries are listed by month."</p> }
    });
    view! { {none}{months}{more} }.into_any()
}

fn history_month(page: &HistoryPage, items: &[HistoryItem<'_>], newest: Option<&crate::domain::IncidentId>) -> AnyView {
    let (zone, now) = (page.shell.zone(), page.shell.now);
    let month = items.first().map(|first| Month::from_time(first.at(), zone));
    let heading = match (page.month, month) {
        (None, Some(month)) => {
            view! { <h2><a href=format!("/history/{month}")>{time::format_month(month.year, month.month)}</a></h2> }
                .into_any()
        }
        _ => view! { <h2 class="unseen">"Incidents"</h2> }.into_any(),
    };
    let day = |item: &HistoryItem<'_>| time::today(item.at(), zone);
    let card = |(index, item): (usize, &HistoryItem<'_>)| {
        let begins = index == 0 || items.get(index - 1).is_some_and(|before| day(before) != day(item));
        let anchor = begins.then(|| view! { <span id=format!("day-{}", day(item))></span> });
        let card = match *item {
            HistoryItem::Incident(incident) => {
                let fold = if Some(&incident.id) == newest { TimelineFold::Open } else { TimelineFold::Closed };
                view! { <IncidentCard incident=incident.clone() fold=fold zone=zone now=now /> }.into_any()
            }
            HistoryItem::Maintenance(it) => {
                view! { <MaintenanceCard maintenance=it.clone() fold=TimelineFold::Closed zone=zone now=now /> }
                    .into_any()
            }
        };
        view! { {anchor}{card} }
    };
    view! { <section>{heading}{items.iter().enumerate().map(card).collect_view()}</section> }.into_any()
}

fn pager(page: &HistoryPage) -> Option<AnyView> {
    let link = |(label, href): (String, String), class: &'static str| view! { <a class=class href=href>{label}</a> };
    let newer = page.newer.clone().map(|to| link(to, "newer"));
    let older = page.older.clone().map(|to| link(to, "older"));
    (newer.is_some() || older.is_some())
        .then(|| view! { <nav class="pager" aria-label="More incidents">{newer}{older}</nav> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, at, check};

    fn filtered(count: i64) -> HistoryPage {
        let filter = HistoryFilter {
            component: ComponentId::parse("spam"),
            impact: Some(Impact::Major),
            text: Some("s3".into()),
            range: HistoryRange::LastTwoYears,
        };
        let first_started_at = Some(at("2025-02-03T09:00:00Z"));
        let totals = Totals { count, resolved_seconds: 3720, first_started_at, ..Totals::default() };
        HistoryPage { filter, totals, ..fixtures::history_page() }
    }

    #[test]
    fn limited_search_states_its_end_and_continues() {
        let day = NaiveDate::from_ymd_opt(2019, 3, 4).unwrap();
        let stopped = HistoryPage { unsearched: Some((day, "/history?q=s3&to=2019-03-04".into())), ..filtered(7) };
        let html = render_history(stopped);
        check(&html);
        for words in ["Searched the latest 5000 incidents", "href=\"/history?q=s3&amp;to=2019-03-04\"", "4 Mar 2019"] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(!render_history(filtered(7)).contains("Searched the latest"));
    }

    #[test]
    fn history_has_summary_then_months() {
        let html = render_history(fixtures::history_page());
        check(&html);
        for words in [
            "41 incidents since 10 Jul 2024 · 1.4 per month · 13h 27m in total.",
            "href=\"/history/2026-11\">November 2026</a>",
            "href=\"/history/2026-10\">October 2026</a>",
            "21 Nov 2026, 08:12 to 08:49 WET",
            "detected by <bdi>on-call</bdi>",
            "10 Oct 2026, 20:30 WEST",
            "added retroactively",
            ">Resolved<",
            "Show 3 updates",
            "Show 1 update<",
            "href=\"/history?before=1_a\"",
            "method=\"get\" action=\"/history\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert_eq!(html.matches("<details open").count(), 1);
        assert!(!html.contains("noindex") && !html.contains("Clear filters"));
    }

    #[test]
    fn maintenances_are_listed_but_not_counted() {
        let page = HistoryPage { maintenances: vec![fixtures::upgrade()], ..fixtures::history_page() };
        let html = render_history(page);
        check(&html);
        assert!(html.contains("41 incidents since 10 Jul 2024"), "{html}");
        assert!(html.contains("Scheduled · Thu 26 Nov, 02:00 to 04:00 WET"), "{html}");
        assert_eq!((html.matches("card planned").count(), html.matches("<details open").count()), (1, 1));
        assert!(html.find("Storage upgrade") < html.find("Delayed delivery"), "the later one stands first");
    }

    #[test]
    fn filter_is_described_and_kept_in_form() {
        // Leptos separates adjacent text nodes with `<!>`.
        let html = render_history(filtered(4));
        check(&html);
        for words in [
            "4 incidents with partial outage affecting <bdi>Spam and virus filter</bdi>, matching “<bdi>s3</bdi>”, in the last 2 years",
            " · first on 3 Feb 2025 · 0.2 per month · 1h 2m in total.",
            ">Clear filters</a>",
            "noindex",
            "value=\"s3\"",
            "<option value=\"spam\" selected",
            "<option value=\"major\" selected",
            "<option value=\"2y\" selected",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn chosen_days_keep_date_fields_open() {
        let day = |text: &str| text.parse().ok();
        let mut page = fixtures::history_page();
        page.filter.range = HistoryRange::Days { from: day("2026-01-01"), to: day("2026-02-01") };
        let html = render_history(page);
        assert!(
            html.contains("incidents from 1 Jan 2026 to 1 Feb 2026 · first on ")
                && html.contains("value=\"2026-02-01\""),
            "{html}"
        );
        assert_eq!(html.matches("<details open").count(), 2);
    }

    #[test]
    fn month_page_shows_only_its_month() {
        let mut page = fixtures::history_page();
        page.month = Month::parse("2026-10");
        page.incidents = fixtures::past().split_off(2);
        page.totals = Totals { count: 1, ..Totals::default() };
        let html = render_history(page);
        check(&html);
        assert!(
            html.contains("<h1>Incidents in October 2026</h1>") && html.contains("<p class=\"lede\">1 incident."),
            "{html}"
        );
    }

    #[test]
    fn open_incident_counts_in_the_total_duration() {
        let mut page = fixtures::history_page();
        page.totals = Totals { count: 1, ..Totals::default() }.with_open([at("2026-11-23T13:16:00Z")]);
        let html = render_history(page.clone());
        assert!(html.contains(" · 1h 16m in total, 1 ongoing."), "{html}");
        page.totals = Totals { count: 1, ..Totals::default() }.with_open([fixtures::now()]);
        assert!(render_history(page).contains("1 ongoing."), "nothing has passed");
    }

    #[test]
    fn maintenance_is_listed_at_its_actual_start() {
        let mut early = fixtures::upgrade();
        early.scheduled_for = at("2026-12-03T02:00:00Z");
        early.scheduled_until = at("2026-12-03T04:00:00Z");
        early.begin(crate::domain::UpdateId::parse("begun").unwrap(), at("2026-11-23T14:00:00Z")).unwrap();
        let mut page = HistoryPage { maintenances: vec![early], ..fixtures::history_page() };
        let html = render_history(page.clone());
        assert!(!html.contains("December 2026") && html.contains("id=\"day-2026-11-23\""), "{html}");
        (page.incidents, page.totals) = (Vec::new(), Totals::default());
        let html = render_history(page);
        assert!(html.contains("No incidents, only maintenance.") && !html.contains("No incidents reported"), "{html}");
    }

    #[test]
    fn no_results_differs_from_no_incidents() {
        let html = render_history(HistoryPage { incidents: Vec::new(), totals: Totals::default(), ..filtered(0) });
        check(&html);
        assert!(html.contains("No incidents match these filters.") && html.contains("Clear filters"));
        let all = HistoryPage { incidents: Vec::new(), totals: Totals::default(), ..fixtures::history_page() };
        assert!(render_history(all).contains("No incidents reported."));
    }

    #[test]
    fn every_text_is_escaped() {
        let mut page = filtered(4);
        page.filter.text = Some(format!("\"'{SCRIPT}"));
        page.components.iter_mut().for_each(|(_, name)| *name = SCRIPT.into());
        page.older = Some((SCRIPT.into(), format!("/history?q={SCRIPT}\"")));
        page.newer = Some((SCRIPT.into(), "/history".into()));
        for incident in &mut page.incidents {
            incident.title = SCRIPT.into();
            incident.detected_by = Some(SCRIPT.into());
            incident.updates[0].body = SCRIPT.into();
        }
        let html = render_history(page);
        check(&html);
        assert!(html.contains("value=\"&quot;"), "{html}");
    }

    #[test]
    fn unknown_component_is_no_option() {
        let html = render_history(HistoryPage { components: Vec::new(), ..filtered(1) });
        check(&html);
        assert!(!html.contains("spam"), "{html}");
        assert!(html.contains("affecting <bdi>an unknown component</bdi>"), "{html}");
        assert!(html.contains("aria-describedby=\"component-error\"") && html.contains("Unknown component."), "{html}");
        assert!(!render_history(filtered(1)).contains("component-error"));
    }

    #[test]
    fn reversed_dates_are_refused_beside_the_field() {
        let day = |text: &str| text.parse().ok();
        let mut page = HistoryPage { incidents: Vec::new(), totals: Totals::default(), ..fixtures::history_page() };
        page.filter.range = HistoryRange::Days { from: day("2026-02-02"), to: day("2026-02-01") };
        let html = render_history(page);
        check(&html);
        assert!(
            html.contains("aria-describedby=\"to-error\"") && html.contains("The end is before the start."),
            "{html}"
        );
        assert!(html.contains("value=\"2026-02-01\"") && !html.contains("No incidents match"), "{html}");
    }
}
