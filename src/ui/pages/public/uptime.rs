//! `/uptime`: the uptime of every component by month, and one month of a component in detail.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::count_words;
use crate::domain::history::Month;
use crate::domain::uptime::{Downtime, StatusInterval, UptimeDay};
use crate::domain::{ComponentId, IncidentId, Status, UptimeCorrection};
use crate::format::duration;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

#[derive(Clone, Debug)]
pub struct UptimePage {
    /// Its path has no query.
    pub shell: PublicContext,
    /// Oldest first.
    pub months: Vec<Month>,
    /// In page order.
    pub blocks: Vec<UptimeBlock>,
    pub detail: Option<UptimeDetail>,
    /// The last of the months if it is not the current one.
    pub until: Option<Month>,
    /// The last month of the page with earlier months.
    pub older: Option<Month>,
    /// The last month of the page with later months; `Some(None)` for the page that ends with the current month.
    pub newer: Option<Option<Month>>,
}

/// A group, or adjacent components without one.
#[derive(Clone, Debug)]
pub struct UptimeBlock {
    pub group: Option<String>,
    pub rows: Vec<ComponentUptime>,
}

#[derive(Clone, Debug)]
pub struct ComponentUptime {
    pub id: ComponentId,
    pub name: String,
    /// Oldest first.
    pub months: Vec<MonthUptime>,
}

#[derive(Clone, Debug)]
pub struct MonthUptime {
    pub month: Month,
    pub outage: Downtime,
    /// The number of incidents that overlap the month.
    pub incidents: usize,
    /// Whether a correction overlaps the month.
    pub corrected: bool,
    /// The days, from 1, with a status other than operational.
    pub ticks: Vec<(u32, Status)>,
}

/// The maximum number of incidents and of manual statuses listed.
pub const MAX_LISTED: usize = 20;

/// A month of a component.
#[derive(Clone, Debug)]
pub struct UptimeDetail {
    pub component: ComponentId,
    pub name: String,
    pub description: String,
    pub month: Month,
    /// The start of the history; there is no data before.
    pub start: DateTime<Utc>,
    pub outage: Downtime,
    /// The period of the uptime bars.
    pub last_days: Downtime,
    pub days: Vec<UptimeDay>,
    /// The number of incidents that overlap the month.
    pub incidents: usize,
    /// The newest of them, at most [`MAX_LISTED`].
    pub listed: Vec<DetailIncident>,
    /// Corrections that overlap the month, newest first.
    pub corrections: Vec<UptimeCorrection>,
    /// Manual statuses other than operational, newest first, at most [`MAX_LISTED`].
    pub by_hand: Vec<StatusInterval>,
    /// The number of omitted manual statuses.
    pub more_by_hand: usize,
}

#[derive(Clone, Debug)]
pub struct DetailIncident {
    pub id: IncidentId,
    pub title: String,
    pub began: DateTime<Utc>,
    /// `None` while it lasts.
    pub ended: Option<DateTime<Utc>>,
}

impl ComponentUptime {
    fn total(&self) -> Downtime {
        self.months.iter().fold(Downtime::default(), |sum, month| sum.combine(month.outage))
    }
}

impl MonthUptime {
    /// Whether the detail of the month says more than its figure.
    fn has_detail(&self) -> bool {
        self.outage.worst != Status::Operational || self.incidents > 0 || self.corrected
    }
}

pub fn render_uptime_page(page: UptimePage) -> String {
    crate::ui::render_page(|| view! { <UptimeView page=page /> })
}

#[component]
pub fn UptimeView(page: UptimePage) -> AnyView {
    let is_usual = page.until.is_none() && page.detail.is_none();
    let title = match &page.detail {
        Some(detail) => format!("Uptime of {} in {}", detail.name, month_words(detail.month)),
        None => "Uptime".to_owned(),
    };
    let head = PageHead {
        title,
        description: format!("Monthly uptime of the components of {}.", page.shell.page.name),
        kind: if is_usual { PageKind::Regular } else { PageKind::Filtered },
        style: PageStyle::Uptime,
    };
    let shell = page.shell.clone();
    let content = if page.blocks.is_empty() {
        view! { <p class="soft empty">"This status page is being set up."</p> }.into_any()
    } else {
        view! { {month_grid(&page)}{legend()} }.into_any()
    };
    view! {
        <PublicLayout shell=shell head=head>
            <div class="top-line">
                <div>
                    <h1>"Uptime"</h1>
                    <p class="lede">"Share of each month without an outage."</p>
                </div>
                {period_nav(&page)}
            </div>
            {content}
            {calculation()}
        </PublicLayout>
    }
    .into_any()
}

fn month_words(month: Month) -> String {
    time::format_month(month.year, month.month)
}

/// `Nov`
fn short_month(month: Month) -> String {
    month.first_day().format("%b").to_string()
}

/// `Nov 2026`
fn dated_month(month: Month) -> String {
    month.first_day().format("%b %Y").to_string()
}

fn until_href(until: Option<Month>) -> String {
    until.map_or_else(|| "/uptime".to_owned(), |month| format!("/uptime?until={month}"))
}

fn detail_href(until: Option<Month>, month: Month, component: &ComponentId) -> String {
    let until = until.map(|until| format!("until={until}&")).unwrap_or_default();
    format!("/uptime?{until}month={month}&component={component}#component-{component}")
}

fn period_nav(page: &UptimePage) -> Option<AnyView> {
    let (first, last) = (page.months.first()?, page.months.last()?);
    let older = page.older.map(|month| {
        view! { <a class="btn back-arrow" href=until_href(Some(month)) rel="prev">{Icon::Chevron.view()}"Older"</a> }
    });
    let newer = page.newer.map(|month| {
        view! { <a class="btn" href=until_href(month) rel="next">"Newer"{Icon::Chevron.view()}</a> }
    });
    let words = format!("{} – {}", dated_month(*first), dated_month(*last));
    Some(view! { <nav class="period" aria-label="Period">{older}<span>{words}</span>{newer}</nav> }.into_any())
}

fn month_grid(page: &UptimePage) -> AnyView {
    let month = |month: &Month| {
        let year = format!(" {}", month.year);
        view! { <th scope="col">{short_month(*month)}<span class="unseen">{year}</span></th> }
    };
    let blocks = page.blocks.iter().map(|block| grid_block(block, page)).collect_view();
    view! {
        <table class="panel grid">
            <caption class="unseen">"Uptime by component and month, in per cent"</caption>
            <thead>
                <tr>
                    <td></td>
                    {page.months.iter().map(month).collect_view()}
                    <th scope="col">{count_words(page.months.len() as i64, "month")}</th>
                </tr>
            </thead>
            {blocks}
        </table>
    }
    .into_any()
}

fn grid_block(block: &UptimeBlock, page: &UptimePage) -> AnyView {
    let total = block.rows.iter().fold(Downtime::default(), |sum, row| sum.combine(row.total()));
    let heading = block.group.clone().map(|name| {
        let columns = (page.months.len() + 1).to_string();
        view! {
            <tr class="group">
                <th scope="rowgroup" colspan=columns dir="auto">{name}</th>
                <td>{figure(&total)}</td>
            </tr>
        }
    });
    let rows = block.rows.iter().map(|row| grid_row(row, page)).collect_view();
    view! { <tbody>{heading}{rows}</tbody> }.into_any()
}

fn grid_row(row: &ComponentUptime, page: &UptimePage) -> AnyView {
    let chosen = page.detail.as_ref().filter(|detail| detail.component == row.id);
    let cells = row.months.iter().map(|month| {
        let is_chosen = chosen.is_some_and(|detail| detail.month == month.month);
        grid_cell(row, month, page.until, is_chosen)
    });
    let total = figure(&row.total());
    let detail = chosen.map(|detail| detail_row(detail, page));
    // On a phone, the summary replaces the row, and the cells are shown while it is open.
    view! {
        <tr id=format!("component-{}", row.id)>
            <th scope="row">
                <span class="name" dir="auto">{row.name.clone()}</span>
                " "
                <details open=chosen.is_some()>
                    <summary>
                        <span class="name" dir="auto">{row.name.clone()}</span>
                        " "
                        <span class="total">{total.clone()}</span>
                        {month_strip(&row.months)}
                    </summary>
                </details>
            </th>
            {cells.collect_view()}
            <td class="total">{total}</td>
        </tr>
        {detail}
    }
    .into_any()
}

/// `99.95`, `100` or a dash without data.
fn figure(outage: &Downtime) -> String {
    if outage.has_data() { outage.uptime_words().trim_end_matches('%').to_owned() } else { "–".to_owned() }
}

fn grid_cell(row: &ComponentUptime, month: &MonthUptime, until: Option<Month>, is_chosen: bool) -> AnyView {
    let label = short_month(month.month);
    if !month.outage.has_data() {
        return view! { <td class="none" data-m=label>"–"</td> }.into_any();
    }
    let words = figure(&month.outage);
    if !month.has_detail() {
        return view! { <td data-m=label>{words}</td> }.into_any();
    }
    let status = match month.outage.worst {
        Status::Operational => None,
        worst => Some(format!("status-{}", worst.key())),
    };
    let name = format!("{}, {}: {}", row.name, month_words(month.month), month_summary(month));
    view! {
        <td data-m=label>
            <a
                class=status
                href=detail_href(until, month.month, &row.id)
                aria-label=name
                aria-current=is_chosen.then_some("true")
            >
                {words}
                {day_ticks(month)}
            </a>
        </td>
    }
    .into_any()
}

/// `99.79%, 1 incident, 1 h 30 min major outage`
fn month_summary(month: &MonthUptime) -> String {
    let incidents = (month.incidents > 0).then(|| count_words(month.incidents as i64, "incident"));
    let lengths = outage_lengths(&month.outage).into_iter();
    let lengths = lengths.map(|(status, words)| format!("{words} {}", status.words().to_lowercase()));
    let corrected = month.corrected.then(|| "corrected".to_owned());
    let parts = std::iter::once(month.outage.uptime_words()).chain(incidents).chain(lengths).chain(corrected);
    parts.collect::<Vec<_>>().join(", ")
}

/// The length of each status that occurred, worst first.
fn outage_lengths(outage: &Downtime) -> Vec<(Status, String)> {
    let seconds = [
        (Status::MajorOutage, outage.major),
        (Status::PartialOutage, outage.partial),
        (Status::DegradedPerformance, outage.degraded),
        (Status::UnderMaintenance, outage.maintenance),
    ];
    seconds.into_iter().filter_map(|(status, seconds)| Some((status, length_words(seconds)?))).collect()
}

fn length_words(seconds: i64) -> Option<String> {
    duration::spell_duration(TimeDelta::seconds(seconds))
}

/// The bar of a month, with the days on which something was wrong.
fn day_ticks(month: &MonthUptime) -> AnyView {
    let days = f64::from(month.month.last_day().day());
    let tick = |(day, status): &(u32, Status)| {
        let x = (f64::from(*day) - 0.5) * 44.0 / days;
        let height = match status {
            Status::MajorOutage => 12,
            Status::PartialOutage => 10,
            _ => 8,
        };
        let path = format!("M{x:.1} {}v{height}", 12 - height);
        view! { <path class=status.key() d=path></path> }
    };
    let ticks = month.ticks.iter().map(tick).collect_view();
    view! { <svg viewBox="0 0 44 12" preserveAspectRatio="none" aria-hidden="true"><path d="M0 9h44"></path>{ticks}</svg> }
        .into_any()
}

/// The months of a row as ticks, for phones.
fn month_strip(months: &[MonthUptime]) -> AnyView {
    let mut quiet = String::new();
    let mut ticks = Vec::new();
    for (place, month) in months.iter().enumerate() {
        let path = format!("M{} 4v12", place * 10 + 5);
        match month.outage.worst {
            _ if !month.outage.has_data() => {
                ticks.push(view! { <path class="none" d=format!("M{} 16v0", place * 10 + 5)></path> });
            }
            Status::Operational => quiet.push_str(&path),
            worst => ticks.push(view! { <path class=worst.key() d=path></path> }),
        }
    }
    let quiet = (!quiet.is_empty()).then(|| view! { <path d=quiet></path> });
    view! { <svg class="strip" viewBox="0 0 120 20" preserveAspectRatio="none" aria-hidden="true">{quiet}{ticks}</svg> }
        .into_any()
}

fn detail_row(detail: &UptimeDetail, page: &UptimePage) -> AnyView {
    let zone = page.shell.zone();
    let columns = (page.months.len() + 2).to_string();
    let close = until_href(page.until);
    let counted = match length_words(detail.outage.counted_seconds()) {
        Some(words) => format!("{words} counted as downtime"),
        None => "No downtime".to_owned(),
    };
    let start = (Month::from_time(detail.start, zone) == detail.month).then(|| {
        view! { <p class="soft">"Data since "<Time at=detail.start words=time::format_day(detail.start, zone) /></p> }
    });
    let about =
        (!detail.description.is_empty()).then(|| view! { <p class="soft" dir="auto">{detail.description.clone()}</p> });
    let last_days = format!("Last {} days", super::DAYS);
    view! {
        <tr class="detail">
            <td colspan=columns>
                <section aria-labelledby="detail">
                    <div class="over">
                        <h2 id="detail"><bdi>{detail.name.clone()}</bdi>{format!(", {}", month_words(detail.month))}</h2>
                        <a href=close>"Close"</a>
                    </div>
                    {about}
                    <div class="halves">
                        {day_calendar(detail, page.shell.now, zone)}
                        <div>
                            <p class="sum"><b>{detail.outage.uptime_words()}</b>" "<span class="soft">{counted}</span></p>
                            {start}
                            {status_lengths(&detail.outage)}
                            {incident_list(detail, page.shell.now, zone)}
                            {manual_statuses(&detail.by_hand, detail.more_by_hand, zone)}
                            {correction_list(&detail.corrections, zone)}
                            <p class="last soft">{last_days}": "<b>{detail.last_days.uptime_words()}</b></p>
                            <p class="back">
                                <a href=format!("/subscribe?component={}", detail.component)>
                                    "Get updates on "<bdi>{detail.name.clone()}</bdi>
                                </a>
                            </p>
                        </div>
                    </div>
                </section>
            </td>
        </tr>
    }
    .into_any()
}

fn status_lengths(outage: &Downtime) -> Option<AnyView> {
    let line = |(status, words): (Status, String)| {
        let note = match status {
            Status::MajorOutage => None,
            Status::PartialOutage => Some(" (30% counted)"),
            _ => Some(" (not counted)"),
        };
        let note = note.map(|words| view! { <span class="soft">{words}</span> });
        let class = format!("state status-{}", status.key());
        view! {
            <div>
                <dt class=class>{Icon::from(status).view()}{status.words()}</dt>
                <dd>{words}{note}</dd>
            </div>
        }
    };
    let lengths = outage_lengths(outage);
    (!lengths.is_empty()).then(|| view! { <dl>{lengths.into_iter().map(line).collect_view()}</dl> }.into_any())
}

fn incident_list(detail: &UptimeDetail, now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    let line = |incident: &DetailIncident| {
        let day = incident.began.with_timezone(&zone).format("%-d %b").to_string();
        let length = match incident.ended {
            None => "ongoing".to_owned(),
            Some(end) => duration::spell_duration(end - incident.began).unwrap_or_default(),
        };
        let words = [day, length].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        view! {
            <li>
                <a href=format!("/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a>
                <span class="soft">{words}</span>
            </li>
        }
    };
    let more = (detail.incidents > detail.listed.len()).then(|| {
        let days = (detail.month.first_day(), detail.month.last_day().min(time::today(now, zone)));
        let href = format!("/history?component={}&from={}&to={}", detail.component, days.0, days.1);
        view! { <li><a href=href>"View all incidents of this period"</a></li> }
    });
    let lines = detail.listed.iter().map(line).collect_view();
    (detail.incidents > 0).then(|| view! { <ul class="causes">{lines}{more}</ul> }.into_any())
}

fn manual_statuses(by_hand: &[StatusInterval], more: usize, zone: Tz) -> Option<AnyView> {
    let line = |effect: &StatusInterval| {
        let words = time::format_span(effect.from, effect.to, zone);
        view! { <li><Time at=effect.from words=words />": "{effect.status.words().to_lowercase()}</li> }
    };
    let more = (more > 0).then(|| view! { <li class="soft">{format!("and {more} earlier")}</li> });
    (!by_hand.is_empty()).then(|| {
        view! {
            <h3>"Status changed manually"</h3>
            <ul class="by-hand">{by_hand.iter().map(line).collect_view()}{more}</ul>
        }
        .into_any()
    })
}

fn correction_list(corrections: &[UptimeCorrection], zone: Tz) -> Option<AnyView> {
    let line = |correction: &UptimeCorrection| {
        let span = time::format_span(correction.from, Some(correction.to), zone);
        let status = correction.status.words().to_lowercase();
        view! {
            <li><Time at=correction.from words=span />" counts as "{status}": "<bdi>{correction.reason.clone()}</bdi></li>
        }
    };
    (!corrections.is_empty()).then(|| {
        view! {
            <h3>"Corrections"</h3>
            <ul class="corrections">{corrections.iter().map(line).collect_view()}</ul>
        }
        .into_any()
    })
}

/// The days of a month in weeks that begin on Monday.
fn day_calendar(detail: &UptimeDetail, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let today = time::today(now, zone);
    let before = detail.month.first_day().weekday().num_days_from_monday() as usize;
    let mut cells: Vec<AnyView> = (0..before).map(|_| view! { <td></td> }.into_any()).collect();
    cells.extend(detail.days.iter().map(|day| calendar_day(day, today)));
    let mut weeks = Vec::new();
    while !cells.is_empty() {
        let rest = cells.split_off(cells.len().min(7));
        weeks.push(view! { <tr>{cells}</tr> });
        cells = rest;
    }
    let weekday = |(short, long): (&'static str, &'static str)| view! { <th scope="col" abbr=long>{short}</th> };
    view! {
        <table class="days">
            <caption class="unseen">"Days"</caption>
            <thead><tr>{WEEKDAYS.map(weekday).into_iter().collect_view()}</tr></thead>
            <tbody>{weeks}</tbody>
        </table>
    }
    .into_any()
}

const WEEKDAYS: [(&str, &str); 7] = [
    ("Mo", "Monday"),
    ("Tu", "Tuesday"),
    ("We", "Wednesday"),
    ("Th", "Thursday"),
    ("Fr", "Friday"),
    ("Sa", "Saturday"),
    ("Su", "Sunday"),
];

fn calendar_day(day: &UptimeDay, today: NaiveDate) -> AnyView {
    let number = day.date.day().to_string();
    if !day.outage.has_data() {
        let words = (day.date <= today).then(|| view! { <span class="unseen">": no data"</span> });
        return view! { <td class="none">{number}{words}</td> }.into_any();
    }
    let worst = day.outage.worst;
    if worst == Status::Operational {
        return view! { <td class="status-operational">{number}</td> }.into_any();
    }
    let lengths = outage_lengths(&day.outage).into_iter();
    let lengths = lengths.map(|(status, words)| format!("{words} {}", status.words().to_lowercase()));
    let words = format!(": {}", lengths.collect::<Vec<_>>().join(", "));
    view! { <td class=format!("status-{}", worst.key())>{number}<span class="unseen">{words}</span></td> }.into_any()
}

fn legend() -> AnyView {
    let item = |(status, words): (Status, &'static str)| {
        view! { <li class=format!("status-{}", status.key())>{Icon::from(status).view()}{words}</li> }
    };
    let items = [
        (Status::Operational, "No outage"),
        (Status::DegradedPerformance, "Degraded"),
        (Status::PartialOutage, "Partial outage"),
        (Status::MajorOutage, "Major outage"),
        (Status::UnderMaintenance, "Maintenance"),
    ];
    view! {
        <div class="legend">
            <ul>
                {items.map(item).into_iter().collect_view()}
                <li>"– No data yet"</li>
            </ul>
            <a href="/uptime.csv" download="uptime.csv">"Download CSV"</a>
        </div>
    }
    .into_any()
}

fn calculation() -> AnyView {
    view! {
        <details class="how">
            <summary>"How we calculate this"</summary>
            <p>
                "Major outages count fully, partial outages count 30%. Degraded performance and maintenance count as up. Overlapping incidents are counted once, at the worst status. Percentages are rounded down. Days before a component was added, or before its start date, are not counted. Manual corrections override incidents; the reason is shown."
            </p>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    fn quiet(text: &str) -> MonthUptime {
        let outage = Downtime { covered: 30 * 86_400, ..Downtime::default() };
        MonthUptime { month: month(text), outage, incidents: 0, corrected: false, ticks: Vec::new() }
    }

    fn bad(text: &str) -> MonthUptime {
        let outage = Downtime { partial: 3300, degraded: 60, worst: Status::PartialOutage, ..quiet(text).outage };
        MonthUptime {
            outage,
            incidents: 2,
            ticks: vec![(14, Status::DegradedPerformance), (27, Status::PartialOutage)],
            ..quiet(text)
        }
    }

    fn unknown(text: &str) -> MonthUptime {
        MonthUptime { outage: Downtime::default(), ..quiet(text) }
    }

    fn row(id: &str, name: &str, months: [MonthUptime; 3]) -> ComponentUptime {
        ComponentUptime { id: ComponentId::parse(id).unwrap(), name: name.into(), months: months.into() }
    }

    fn page() -> UptimePage {
        let maps = vec![
            row("api", "Tile API", [quiet("2026-09"), quiet("2026-10"), quiet("2026-11")]),
            row("sat", "Satellite imagery", [unknown("2026-09"), quiet("2026-10"), bad("2026-11")]),
        ];
        UptimePage {
            shell: fixtures::shell("/uptime"),
            months: ["2026-09", "2026-10", "2026-11"].map(month).into(),
            blocks: vec![UptimeBlock { group: Some("Maps".into()), rows: maps }],
            detail: None,
            until: None,
            older: Some(month("2026-08")),
            newer: None,
        }
    }

    fn detail() -> UptimeDetail {
        let day = |number: u32, outage: Downtime| UptimeDay {
            date: NaiveDate::from_ymd_opt(2026, 11, number).unwrap(),
            outage,
            incidents: Vec::new(),
            has_new_event: false,
        };
        let calm = Downtime { covered: 86_400, ..Downtime::default() };
        let out = Downtime { partial: 3300, worst: Status::PartialOutage, ..calm };
        let days = (1..=30).map(|number| match number {
            21 => day(number, out),
            24.. => day(number, Downtime::default()),
            _ => day(number, calm),
        });
        UptimeDetail {
            component: ComponentId::parse("sat").unwrap(),
            name: "Satellite imagery".into(),
            description: String::new(),
            month: month("2026-11"),
            start: fixtures::at("2026-10-03T00:00:00Z"),
            outage: bad("2026-11").outage,
            last_days: calm,
            days: days.collect(),
            incidents: 1,
            listed: vec![DetailIncident {
                id: IncidentId::parse("tiles").unwrap(),
                title: "Tiles are missing".into(),
                began: fixtures::at("2026-11-21T10:00:00Z"),
                ended: Some(fixtures::at("2026-11-21T10:55:00Z")),
            }],
            corrections: Vec::new(),
            by_hand: Vec::new(),
            more_by_hand: 0,
        }
    }

    #[test]
    fn cell_with_something_is_a_link_and_quiet_one_is_not() {
        let html = render_uptime_page(page());
        check(&html);
        for words in [
            "<td data-m=\"Nov\">100</td>",
            "<td data-m=\"Sep\" class=\"none\">–</td>",
            "href=\"/uptime?month=2026-11&amp;component=sat#component-sat\"",
            "aria-label=\"Satellite imagery, November 2026: 99.96%, 2 incidents, 55 min partial outage, 1 min degraded performance\"",
            "<tr id=\"component-sat\">",
            "<span>Sep 2026 – Nov 2026</span>",
            "href=\"/uptime?until=2026-08\" rel=\"prev\"",
            "href=\"/uptime.csv\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert_eq!(html.matches("?month=").count(), 1, "{html}");
        assert!(!html.contains("rel=\"next\"") && !html.contains("noindex"), "{html}");
        assert!(html.contains("<td>99.99</td>") && html.contains("<td class=\"total\">99.98</td>"), "{html}");
    }

    #[test]
    fn chosen_month_shows_days_lengths_and_incidents() {
        let html = render_uptime_page(UptimePage { detail: Some(detail()), ..page() });
        check(&html);
        for words in [
            "<h2 id=\"detail\"><bdi>Satellite imagery</bdi>, November 2026</h2>",
            "<td class=\"status-partial_outage\">21<span class=\"unseen\">: 55 min partial outage</span></td>",
            "<td class=\"status-operational\">1</td>",
            "<td class=\"none\">30</td>",
            "<td class=\"none\">24</td>",
            "<dd>55 min<span class=\"soft\"> (30% counted)</span></dd>",
            "16 min counted as downtime",
            "21 Nov · 55 min",
            "aria-current=\"true\"",
            "href=\"/subscribe?component=sat\"",
            "noindex",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert_eq!(html.matches("<details open").count(), 1, "{html}");
        // November 2026 begins on a Sunday.
        assert!(html.contains(&format!("<tr>{}<td class=\"status-operational\">1</td></tr>", "<td></td>".repeat(6))));
    }

    #[test]
    fn view_of_other_months_leads_back() {
        let html = render_uptime_page(UptimePage { until: Some(month("2025-11")), newer: Some(None), ..page() });
        check(&html);
        assert!(html.contains("href=\"/uptime\" rel=\"next\"") && html.contains("noindex"), "{html}");
        assert!(html.contains("/uptime?until=2025-11&amp;month=2026-11&amp;component=sat#"), "{html}");
    }

    #[test]
    fn page_without_components_is_being_set_up() {
        let html = render_uptime_page(UptimePage { blocks: Vec::new(), ..page() });
        check(&html);
        assert!(html.contains("This status page is being set up.") && !html.contains("<table"), "{html}");
    }

    #[test]
    fn every_text_is_escaped() {
        let mut all = page();
        let mut hostile = detail();
        hostile.name = SCRIPT.into();
        hostile.description = SCRIPT.into();
        hostile.listed[0].title = SCRIPT.into();
        all.detail = Some(hostile);
        all.blocks[0].group = Some(SCRIPT.into());
        all.blocks[0].rows.iter_mut().for_each(|row| row.name = format!("{SCRIPT}\"'"));
        check(&render_uptime_page(all));
    }
}
