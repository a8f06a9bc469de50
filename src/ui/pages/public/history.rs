//! `/history`, `/history/2024-10` and filtered views: totals in one sentence, then a row for each entry, by month.

use chrono::{DateTime, NaiveDate, Utc};
use leptos::prelude::*;

use super::incident_card::{self, affected_names, count_words, incident_anchor, incident_href};
use super::maintenance::{self, maintenance_anchor, maintenance_href};
use crate::domain::history::{
    HistoryFilter, HistoryRange, MAX_SEARCH_LENGTH, MAX_SEARCHED_INCIDENTS, Month, Totals, start_of_day,
};
use crate::domain::page_status::Tone;
use crate::domain::{ComponentId, Impact, Incident, Maintenance, MaintenancePhase};
use crate::format::duration;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::pill::pill;
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
    let month = page.month.map(month_words);
    let head = PageHead {
        title: month.clone().map_or("History".to_owned(), |month| format!("Incidents in {month}")),
        description: format!("Past incidents and maintenance of {}.", page.shell.page.name),
        kind: if page.filter.is_all() { PageKind::Regular } else { PageKind::Filtered },
        style: PageStyle::History,
    };
    let shell = page.shell.clone();
    let up = page.month.map(|_| view! { <p class="up"><a href="/history">{Icon::Chevron.view()}"History"</a></p> });
    view! {
        <PublicLayout shell=shell head=head>
            {up}
            <div class="title">
                <h1>{month.unwrap_or_else(|| "History".to_owned())}</h1>
                {history_summary(&page)}
            </div>
            {filter_form(&page)}
            {history_months(&page)}
            {pager(&page)}
        </PublicLayout>
    }
    .into_any()
}

fn month_words(month: Month) -> String {
    time::format_month(month.year, month.month)
}

fn is_empty_result(page: &HistoryPage) -> bool {
    page.incidents.is_empty() && page.maintenances.is_empty() && page.filter.range_error().is_none()
}

/// Count, filter, first date, frequency and total duration.
fn history_summary(page: &HistoryPage) -> AnyView {
    if page.filter.range_error().is_some() {
        return view! { <p class="lede">"This period ends before it starts. "<a href="/history">"Clear filters"</a></p> }.into_any();
    }
    if is_empty_result(page) && page.filter.is_all() {
        // The list says it.
        return ().into_any();
    }
    let scope = if page.month.is_some() { Vec::new() } else { filter_words(page) };
    // An empty result has a button for this.
    let is_clearable = page.month.is_none() && !page.filter.is_all() && !is_empty_result(page);
    let all = is_clearable.then(|| view! { " "<a href="/history">"Clear filters"</a> });
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

/// ` · 13 h 27 min in total, 1 ongoing`; without what is zero.
fn duration_words(totals: &Totals, now: DateTime<Utc>) -> String {
    let passed = Some(totals.seconds(now)).filter(|seconds| *seconds > 0);
    let passed = passed.map(|seconds| format!("{} in total", duration::spell_total(seconds)));
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

/// Works without JavaScript. On a phone everything but the search folds away.
fn filter_form(page: &HistoryPage) -> AnyView {
    let HistoryFilter { component, impact, range, .. } = &page.filter;
    let chosen = [component.is_some(), impact.is_some(), *range != HistoryRange::AllTime];
    let words = match chosen.into_iter().filter(|is_chosen| *is_chosen).count() {
        0 => "Filters".to_owned(),
        number => format!("Filters · {number}"),
    };
    view! {
        <form class="filter" method="get" action="/history" role="search">
            <label class="find">
                {Icon::Search.view()}
                <input
                    type="search"
                    name="q"
                    maxlength=MAX_SEARCH_LENGTH.to_string()
                    value=page.filter.text.clone()
                    placeholder="Search titles and updates"
                    aria-label="Search titles and updates"
                    dir="auto"
                />
            </label>
            <details class="more" open=page.filter.range_error().is_some()><summary class="btn">{words}</summary></details>
            <div class="extra">{component_choice(page)}</div>
            <div class="extra">{impact_choice(page.filter.impact)}</div>
            <div class="extra">{range_choice(page.filter.range)}</div>
            <button class="btn">"Apply"</button>
            {days_choice(&page.filter)}
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
            aria-label="Component"
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
    let offered = worst_first.map(|impact| option(impact.key(), severity_words(impact), chosen == Some(impact)));
    view! {
        <select name="impact" aria-label="Severity">
            {option("", "All severities", chosen.is_none())}
            {offered.collect_view()}
        </select>
    }
    .into_any()
}

fn range_choice(chosen: HistoryRange) -> AnyView {
    view! {
        <select name="range" aria-label="Period">
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
        <details class="extra dates" open=from.is_some() || to.is_some()>
            <summary>"Choose dates"</summary>
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

/// A month with its entries, or adjacent months without any.
enum MonthBlock<'a> {
    Entries(Month, &'a [HistoryItem<'a>]),
    /// The first and the last of them.
    Quiet(Month, Month),
}

fn history_months(page: &HistoryPage) -> AnyView {
    let mut items: Vec<HistoryItem<'_>> = page.incidents.iter().map(HistoryItem::Incident).collect();
    items.extend(page.maintenances.iter().map(HistoryItem::Maintenance));
    items.sort_by_key(|item| std::cmp::Reverse(item.at()));
    let blocks = month_blocks(page, &items);
    let months = blocks.iter().map(|block| match block {
        MonthBlock::Entries(month, items) => history_month(page, *month, items),
        MonthBlock::Quiet(first, last) => quiet_months(*first, *last),
    });
    let none = is_empty_result(page).then(|| nothing_found(page));
    let more = page.has_more_maintenances.then(|| {
        view! { <p class="soft">"Showing the latest maintenance. Older entries are listed by month."</p> }
    });
    view! { {none}{months.collect_view()}{more} }.into_any()
}

/// Newest first. Only the first page of the whole history states which months were quiet: any other view leaves entries
/// out.
fn month_blocks<'a>(page: &HistoryPage, items: &'a [HistoryItem<'a>]) -> Vec<MonthBlock<'a>> {
    let zone = page.shell.zone();
    let month = |item: &HistoryItem<'_>| Month::from_time(item.at(), zone);
    let is_whole = page.month.is_none() && page.filter.is_all() && page.newer.is_none() && !page.has_more_maintenances;
    let mut blocks = Vec::new();
    // The month that the next block may begin with.
    let mut next = Month::from_time(page.shell.now, zone);
    for items in items.chunk_by(|a, b| month(a) == month(b)) {
        let Some(here) = items.first().map(month) else { continue };
        if is_whole && here < next {
            blocks.push(MonthBlock::Quiet(here.next(), next));
        }
        blocks.push(MonthBlock::Entries(here, items));
        next = here.previous();
    }
    blocks
}

/// An empty month, or a filter that matches nothing: what was asked, and how to ask for all.
fn nothing_found(page: &HistoryPage) -> AnyView {
    if page.filter.is_all() {
        let words = match page.month {
            Some(month) => format!("No incidents and no maintenance in {}.", month_words(month)),
            None => "No incidents reported.".to_owned(),
        };
        return view! { <p class="panel quiet resolved">{Icon::Operational.view()}<span>{words}</span></p> }.into_any();
    }
    view! {
        <div class="nothing">
            <p>"No incidents match these filters."</p>
            <a class="btn" href="/history">"Clear filters"</a>
        </div>
    }
    .into_any()
}

fn quiet_months(first: Month, last: Month) -> AnyView {
    view! {
        <section>
            <div class="over"><h2>{month_range(first, last)}</h2></div>
            <p class="panel quiet resolved">{Icon::Operational.view()}<span>"No incidents and no maintenance."</span></p>
        </section>
    }
    .into_any()
}

fn history_month(page: &HistoryPage, month: Month, items: &[HistoryItem<'_>]) -> AnyView {
    let zone = page.shell.zone();
    let heading = match page.month {
        None => view! { <h2><a href=format!("/history/{month}")>{month_words(month)}</a></h2> }.into_any(),
        Some(_) => view! { <h2 class="unseen">"Incidents"</h2> }.into_any(),
    };
    let summary = is_whole_month(page, month).then(|| view! { <p class="soft">{month_summary(page, items)}</p> });
    let over = view! { <div class="over">{heading}{summary}</div> };
    let day = |item: &HistoryItem<'_>| time::today(item.at(), zone);
    let row = |(index, item): (usize, &HistoryItem<'_>)| {
        let begins = index == 0 || items.get(index - 1).is_some_and(|before| day(before) != day(item));
        let date = EntryDate { day: day(item), has_anchor: begins };
        match *item {
            HistoryItem::Incident(incident) => incident_row(incident, date, page.shell.now),
            HistoryItem::Maintenance(maintenance) => maintenance_row(maintenance, date),
        }
    };
    let rows = items.iter().enumerate().map(row).collect_view();
    view! { <section>{over}<ol class="panel entries">{rows}</ol></section> }.into_any()
}

/// Whether the page shows every incident of the month.
fn is_whole_month(page: &HistoryPage, month: Month) -> bool {
    let zone = page.shell.zone();
    let is_of_month = |incident: &&Incident| Month::from_time(incident.started_at, zone) == month;
    let is_last = page.incidents.last().as_ref().is_some_and(is_of_month);
    let goes_on = page.older.as_ref().is_some_and(|(_, href)| href.contains("before="));
    page.month.is_none() && page.newer.is_none() && !(is_last && goes_on)
}

/// `5 incidents · 5 h 3 min`
fn month_summary(page: &HistoryPage, items: &[HistoryItem<'_>]) -> String {
    let incidents: Vec<&Incident> = items
        .iter()
        .filter_map(|item| match item {
            HistoryItem::Incident(incident) => Some(*incident),
            HistoryItem::Maintenance(_) => None,
        })
        .collect();
    let length = |it: &&Incident| (it.ended_at.unwrap_or(page.shell.now) - it.started_at).num_seconds().max(0);
    let seconds: i64 = incidents.iter().map(length).sum();
    let sum = if seconds > 0 { format!(" · {}", duration::spell_total(seconds)) } else { String::new() };
    match incidents.len() {
        0 => "No incidents".to_owned(),
        number => format!("{}{sum}", count_words(number as i64, "incident")),
    }
}

/// The day of an entry; the first entry of a day has its anchor.
struct EntryDate {
    day: NaiveDate,
    has_anchor: bool,
}

impl EntryDate {
    fn view(&self) -> AnyView {
        let id = self.has_anchor.then(|| format!("day-{}", self.day));
        let words = self.day.format("%a %-d").to_string();
        view! { <time class="date" id=id datetime=self.day.to_string()>{words}</time> }.into_any()
    }
}

fn severity_words(impact: Impact) -> &'static str {
    if impact == Impact::None { "No impact" } else { impact.words() }
}

fn incident_row(incident: &Incident, date: EntryDate, now: DateTime<Utc>) -> AnyView {
    let impact = incident.impact();
    let names = affected_names(incident).map(|names| view! { " · "<bdi>{names}</bdi> });
    let noted = incident.is_backfilled().then_some(" · Added retroactively");
    let length = duration::spell_duration(incident.ended_at.unwrap_or(now) - incident.started_at);
    let reviewed = incident.postmortem_published_at.map(|_| {
        let href = format!("{}#postmortem", incident_href(incident));
        view! { <a class="tag" href=href>"Postmortem"</a> }
    });
    let state = incident
        .is_open()
        .then(|| pill(&incident_card::state_class(incident), Icon::from(incident.phase), incident.phase.words()));
    view! {
        <li class=format!("impact-{}", impact.key()) id=incident_anchor(incident)>
            {date.view()}
            {Icon::from(Tone::from(impact)).view()}
            <div>
                <h3 dir="auto"><a href=incident_href(incident)>{incident.title.clone()}</a></h3>
                <p class="soft">{severity_words(impact)}{names}{noted}</p>
            </div>
            {reviewed}
            " "
            {state}
            " "
            <span class="length">{length}</span>
        </li>
    }
    .into_any()
}

fn maintenance_row(maintenance: &Maintenance, date: EntryDate) -> AnyView {
    let names = maintenance::affected_names(maintenance).map(|names| view! { " · "<bdi>{names}</bdi> });
    let (from, to) = maintenance.window();
    let is_cancelled = maintenance.phase == MaintenancePhase::Cancelled;
    let length = duration::spell_duration(to - from).filter(|_| !is_cancelled);
    let (class, icon) = if is_cancelled { ("impact-none", Icon::Notice) } else { ("planned", Icon::Maintenance) };
    let state = (maintenance.phase != MaintenancePhase::Completed)
        .then(|| pill(class, Icon::from(maintenance.phase), maintenance.phase.words()));
    view! {
        <li class=class id=maintenance_anchor(maintenance)>
            {date.view()}
            {icon.view()}
            <div>
                <h3 dir="auto"><a href=maintenance_href(maintenance)>{maintenance.title.clone()}</a></h3>
                <p class="soft">"Maintenance"{names}</p>
            </div>
            {state}
            " "
            <span class="length">{length}</span>
        </li>
    }
    .into_any()
}

fn pager(page: &HistoryPage) -> Option<AnyView> {
    let newer = page.newer.clone().map(|(label, href)| {
        view! { <a class="btn newer" rel="prev" href=href>{Icon::Chevron.view()}{label}</a> }
    });
    let older = page.older.clone().map(|(label, href)| {
        view! { <a class="btn older" rel="next" href=href>{label}{Icon::Chevron.view()}</a> }
    });
    (newer.is_some() || older.is_some()).then(|| {
        view! { <nav class="pager" aria-label="More incidents">{newer}" "{shown_range(page)}" "{older}</nav> }
            .into_any()
    })
}

/// `November 2026`, `August – November 2026`
fn month_range(first: Month, last: Month) -> String {
    match (first == last, first.year == last.year) {
        (true, _) => month_words(first),
        (false, true) => format!("{} – {}", first.first_day().format("%B"), month_words(last)),
        (false, false) => format!("{} – {}", month_words(first), month_words(last)),
    }
}

/// The months of the entries shown.
fn shown_range(page: &HistoryPage) -> Option<AnyView> {
    let zone = page.shell.zone();
    let starts = page.incidents.iter().map(|it| it.started_at);
    let months = starts.chain(page.maintenances.iter().map(Maintenance::starts_at));
    let months: Vec<Month> = months.map(|at| Month::from_time(at, zone)).collect();
    let words = month_range(*months.iter().min()?, *months.iter().max()?);
    page.month.is_none().then(|| view! { <span class="soft">{words}</span> }.into_any())
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
            "<h1>History</h1>",
            "41 incidents since 10 Jul 2024 · 1.4 per month · 13 h 27 min in total.",
            "href=\"/history/2026-11\">November 2026</a>",
            "href=\"/history/2026-10\">October 2026</a>",
            "<time id=\"day-2026-11-21\" datetime=\"2026-11-21\" class=\"date\">Sat 21</time>",
            "<p class=\"soft\">Major outage · <bdi>Sign-in</bdi></p>",
            "<span class=\"length\">37 min</span>",
            "<span class=\"length\">1 h 27 min</span>",
            "<p class=\"soft\">No impact · Added retroactively</p>",
            "<p class=\"soft\">3 incidents · 2 h 26 min</p>",
            ">Identified</span>",
            "href=\"/history?before=1_a\"",
            "method=\"get\" action=\"/history\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert_eq!((html.matches("<li id=\"incident-").count(), html.matches("<details open").count()), (4, 0));
        assert_eq!(html.matches("id=\"day-2026-11-21\"").count(), 1, "two entries of one day");
        assert!(!html.contains("1 incident</p>"), "the last month may go on");
        assert!(!html.contains("noindex") && !html.contains("Clear filters"));
    }

    #[test]
    fn maintenances_are_listed_but_not_counted() {
        let page = HistoryPage { maintenances: vec![fixtures::upgrade()], ..fixtures::history_page() };
        let html = render_history(page);
        check(&html);
        assert!(html.contains("41 incidents since 10 Jul 2024"), "{html}");
        let row = html.split("id=\"maintenance-upgrade00001\" class=\"planned\"").nth(1).unwrap();
        assert!(row.contains(">Thu 26</time>") && row.contains(">Maintenance · <bdi>Archive search</bdi><"), "{row}");
        assert!(row.contains("<span>Scheduled</span>") && row.contains("<span class=\"length\">2 h</span>"), "{row}");
        assert!(html.find("Storage upgrade") < html.find("Delayed delivery"), "the later one comes first");
    }

    #[test]
    fn filter_is_described_and_kept_in_form() {
        // Leptos separates adjacent text nodes with `<!>`.
        let html = render_history(filtered(4));
        check(&html);
        for words in [
            "4 incidents with partial outage affecting <bdi>Spam and virus filter</bdi>, matching “<bdi>s3</bdi>”, in the last 2 years",
            " · first on 3 Feb 2025 · 0.2 per month · 1 h 2 min in total.",
            "<summary class=\"btn\">Filters · 3</summary>",
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
        assert_eq!(html.matches("<details open").count(), 1);
    }

    #[test]
    fn month_page_shows_only_its_month() {
        let mut page = fixtures::history_page();
        page.month = Month::parse("2026-10");
        page.incidents = fixtures::past().split_off(2);
        page.totals = Totals { count: 1, ..Totals::default() };
        let html = render_history(page);
        check(&html);
        assert!(html.contains("<h1>October 2026</h1>") && html.contains("<p class=\"lede\">1 incident."), "{html}");
    }

    #[test]
    fn open_incident_counts_in_the_total_duration() {
        let mut page = fixtures::history_page();
        page.totals = Totals { count: 1, ..Totals::default() }.with_open([at("2026-11-23T13:16:00Z")]);
        let html = render_history(page.clone());
        assert!(html.contains(" · 1 h 16 min in total, 1 ongoing."), "{html}");
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
        assert!(html.contains("No incidents match these filters."));
        assert!(html.contains("No incidents with partial outage affecting <bdi>"), "what was asked");
        assert_eq!(html.matches("Clear filters").count(), 1, "{html}");
        let all = HistoryPage { incidents: Vec::new(), totals: Totals::default(), ..fixtures::history_page() };
        assert!(render_history(all).contains("No incidents reported."));
    }

    #[test]
    fn quiet_months_are_stated_between_entries() {
        let mut page = fixtures::history_page();
        page.older = None;
        page.incidents[3].started_at = at("2026-07-10T09:00:00Z");
        page.incidents[3].ended_at = Some(at("2026-07-10T10:00:00Z"));
        let html = render_history(page.clone());
        check(&html);
        assert!(html.contains("<h2>August – October 2026</h2>"), "{html}");
        assert_eq!(html.matches("No incidents and no maintenance.").count(), 1, "{html}");
        assert!(html.contains("<p class=\"soft\">1 incident · 1 h</p>"), "{html}");
        page.incidents.truncate(0);
        page.maintenances = vec![fixtures::upgrade()];
        page.maintenances[0].scheduled_for = at("2026-09-10T09:00:00Z");
        assert!(render_history(page.clone()).contains("<h2>October – November 2026</h2>"));
        page.filter.impact = Some(Impact::Major);
        assert!(!render_history(page).contains("No incidents and no maintenance."), "a filter leaves entries out");
    }

    #[test]
    fn pager_names_the_months_shown() {
        let html = render_history(fixtures::history_page());
        assert!(html.contains("<span class=\"soft\">October – November 2026</span>"), "{html}");
        assert!(html.contains("rel=\"next\"") && !html.contains("rel=\"prev\""), "the missing end is absent");
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
            incident.updates.iter_mut().flat_map(|it| &mut it.components).for_each(|it| it.name = SCRIPT.into());
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
