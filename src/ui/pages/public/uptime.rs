//! `/uptime`: monthly uptime per component, with the reasons for each figure.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::count_words;
use super::uptime_bars::downtime_words;
use crate::domain::history::Month;
use crate::domain::uptime::{Downtime, StatusInterval};
use crate::domain::{ComponentId, IncidentId, Status, UptimeCorrection};
use crate::format::time;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

#[derive(Clone, Debug)]
pub struct UptimePage {
    pub shell: PublicContext,
    /// In page order.
    pub components: Vec<ComponentUptime>,
}

#[derive(Clone, Debug)]
pub struct ComponentUptime {
    pub id: ComponentId,
    pub name: String,
    /// The start of the history; there is no data before.
    pub start: DateTime<Utc>,
    /// The period of the uptime bars.
    pub last_days: PeriodUptime,
    /// Newest first.
    pub months: Vec<PeriodUptime>,
    /// Corrections in these months, newest first.
    pub corrections: Vec<UptimeCorrection>,
    /// Manual statuses other than operational, newest first, at most [`MAX_LISTED`].
    pub by_hand: Vec<StatusInterval>,
    /// The number of omitted manual statuses.
    pub more_by_hand: usize,
}

#[derive(Clone, Copy, Debug)]
pub enum UptimePeriod {
    /// This number of days, ending with this date.
    LastDays(u64, NaiveDate),
    Month(Month),
}

impl UptimePeriod {
    fn words(self) -> String {
        match self {
            Self::LastDays(number, _) => format!("Last {number} days"),
            Self::Month(month) => time::format_month(month.year, month.month),
        }
    }

    /// The first and the last day.
    fn days(self) -> (NaiveDate, NaiveDate) {
        match self {
            Self::LastDays(number, today) => (today - Days::new(number.saturating_sub(1)), today),
            Self::Month(month) => (month.first_day(), month.last_day()),
        }
    }
}

/// The maximum number of incidents per row, and of manual statuses listed.
pub const MAX_LISTED: usize = 20;

#[derive(Clone, Debug)]
pub struct PeriodUptime {
    pub span: UptimePeriod,
    pub outage: Downtime,
    /// The number of incidents that overlap the period.
    pub incidents: usize,
    /// The newest of them with their titles, at most [`MAX_LISTED`].
    pub listed: Vec<(IncidentId, String)>,
    /// Whether a correction overlaps the period.
    pub corrected: bool,
}

pub fn render_uptime_page(page: UptimePage) -> String {
    crate::ui::render_page(|| view! { <UptimeView page=page /> })
}

#[component]
pub fn UptimeView(page: UptimePage) -> AnyView {
    let head = PageHead {
        title: "Uptime".to_owned(),
        description: format!("Monthly uptime of the components of {}.", page.shell.page.name),
        kind: PageKind::Regular,
        style: PageStyle::Uptime,
    };
    let zone = page.shell.zone();
    let empty =
        page.components.is_empty().then(|| view! { <p class="soft empty">"This status page is being set up."</p> });
    view! {
        <PublicLayout shell=page.shell head=head>
            <div class="intro">
                <h1>"Uptime"</h1>
                <p class="lede">
                    "Major outages count fully, partial outages count 30%. Degraded performance and maintenance count as up. Overlapping incidents are counted once, at the worst status. Percentages are rounded down. Days before a component was added, or before its start date, are not counted. Manual corrections override incidents; the reason is shown."
                </p>
            </div>
            {empty}
            {page.components.into_iter().map(|it| component_section(it, zone)).collect_view()}
        </PublicLayout>
    }
    .into_any()
}

fn component_section(component: ComponentUptime, zone: Tz) -> AnyView {
    let ComponentUptime { id, name, start, last_days, months, corrections, by_hand, more_by_hand } = component;
    let total = months.iter().fold(Downtime::default(), |sum, month| sum.combine(month.outage));
    let first_day = time::today(start, zone);
    let is_young = months.last().is_some_and(|month| month.span.days().0 < first_day);
    let summary = match (total.has_data(), is_young) {
        (true, true) => format!("{} since {}", total.uptime_words(), time::format_day(start, zone)),
        _ => format!("{} over the last {}", total.uptime_words(), count_words(months.len() as i64, "month")),
    };
    let rows = std::iter::once(&last_days).chain(&months);
    let rows = rows.map(|span| uptime_row(&id, span, first_day)).collect_view();
    view! {
        <section class="panel uptime" id=format!("component-{id}")>
            <div class="head"><h2 dir="auto">{name.clone()}</h2><p class="soft">{summary}</p></div>
            <table>
                <caption class="unseen">{format!("{name}, month by month")}</caption>
                <thead><tr><th scope="col">"Period"</th><th scope="col">"Uptime"</th><th scope="col">"Incidents"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {manual_statuses(&by_hand, more_by_hand, zone)}
            {correction_list(&corrections, zone)}
            <p class="back"><a href=format!("/subscribe?component={id}")>"Get updates on "<bdi>{name}</bdi></a></p>
        </section>
    }
    .into_any()
}

fn manual_statuses(by_hand: &[StatusInterval], more: usize, zone: Tz) -> Option<AnyView> {
    let line = |effect: &StatusInterval| {
        let words = time::format_span(effect.from, effect.to, zone);
        view! { <li><Time at=effect.from words=words/>": "{effect.status.words().to_lowercase()}</li> }
    };
    let more = (more > 0).then(|| view! { <li class="soft">{format!("and {more} earlier")}</li> });
    (!by_hand.is_empty()).then(|| {
        view! {
            <h3>"Status changed manually"</h3>
            <ul>{by_hand.iter().map(line).collect_view()}{more}</ul>
        }
        .into_any()
    })
}

fn correction_list(corrections: &[UptimeCorrection], zone: Tz) -> Option<AnyView> {
    let line = |correction: &UptimeCorrection| {
        let span = time::format_span(correction.from, Some(correction.to), zone);
        let status = correction.status.words().to_lowercase();
        view! {
            <li><Time at=correction.from words=span/>" counts as "{status}": "<bdi>{correction.reason.clone()}</bdi></li>
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

fn uptime_row(component: &ComponentId, line: &PeriodUptime, first_day: NaiveDate) -> AnyView {
    let words = match line.span {
        UptimePeriod::LastDays(..) if line.outage.has_data() && line.span.days().0 < first_day => {
            format!("Since {}", first_day.format("%-d %b %Y"))
        }
        span => span.words(),
    };
    view! {
        <tr>
            <th scope="row">{words}</th>
            <td>{line.outage.uptime_words()}</td>
            <td>{downtime_reasons(component, line)}</td>
        </tr>
    }
    .into_any()
}

/// `2 incidents, 32m partial outage`, with links to the incidents, including those that began earlier.
fn downtime_reasons(component: &ComponentId, line: &PeriodUptime) -> AnyView {
    let out = downtime_words(line.outage);
    if line.incidents == 0 && out.is_empty() {
        let words = match (line.outage.has_data(), line.corrected) {
            (false, _) => "",
            (true, false) => "No downtime",
            (true, true) => "Corrected: no downtime",
        };
        return view! { <span class="soft">{words}</span> }.into_any();
    }
    let is_planned = line.outage.worst == Status::UnderMaintenance;
    let mut parts = vec![match line.incidents {
        0 if line.corrected => "Corrected".to_owned(),
        0 if is_planned => "No downtime".to_owned(),
        0 => "Status changed manually".to_owned(),
        number => count_words(number as i64, "incident"),
    }];
    parts.extend(out);
    parts.extend((line.corrected && line.incidents > 0).then(|| "corrected".to_owned()));
    let shown = parts.join(", ");
    if line.incidents == 0 {
        return shown.into_any();
    }
    let link = |(id, title): &(IncidentId, String)| {
        view! { <li><a href=format!("/incidents/{id}") dir="auto">{title.clone()}</a></li> }
    };
    let (from, to) = line.span.days();
    let href = format!("/history?component={component}&from={from}&to={to}");
    let more = (line.incidents > line.listed.len())
        .then(|| view! { <li><a href=href>"View all incidents of this period"</a></li> });
    view! {
        <details>
            <summary>{shown}</summary>
            <ul>{line.listed.iter().map(link).collect_view()}{more}</ul>
        </details>
    }
    .into_any()
}
