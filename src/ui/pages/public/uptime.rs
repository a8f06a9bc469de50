//! `/uptime`: each component month by month, and why each figure is what it is.

use chrono_tz::Tz;
use leptos::prelude::*;

use super::bars::outage_words;
use super::parts::count;
use crate::domain::history::Month;
use crate::domain::uptime::Outage;
use crate::domain::{ComponentId, Correction, IncidentId};
use crate::ui::layout::{Head, Kind, Layout, Shell};
use crate::ui::time::{self, Time};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct UptimePage {
    pub shell: Shell,
    /// In the order of the page.
    pub components: Vec<ComponentUptime>,
}

/// One component with its months.
#[derive(Clone, Debug)]
pub struct ComponentUptime {
    pub id: ComponentId,
    pub name: String,
    /// Newest first.
    pub months: Vec<MonthUptime>,
    /// What was corrected within them, newest first.
    pub corrections: Vec<Correction>,
}

/// The most incidents that one month names.
pub const MAX_TOLD: usize = 20;

/// One month of a component.
#[derive(Clone, Debug)]
pub struct MonthUptime {
    pub month: Month,
    pub outage: Outage,
    /// How many incidents touched it.
    pub incidents: usize,
    /// The newest of them with their titles, at most [`MAX_TOLD`].
    pub told: Vec<(IncidentId, String)>,
    /// Whether a correction speaks of some of it.
    pub corrected: bool,
}

/// The whole document.
pub fn render(page: UptimePage) -> String {
    crate::ui::render(|| view! { <UptimeView page=page /> })
}

/// The uptime page.
#[component]
pub fn UptimeView(page: UptimePage) -> AnyView {
    let head = Head {
        title: "Uptime".to_owned(),
        description: format!("How much of each month the components of {} worked, and why.", page.shell.page.name),
        kind: Kind::Regular,
    };
    let zone = page.shell.zone();
    let empty = page.components.is_empty().then(|| view! { <p class="soft empty">"No components are listed yet."</p> });
    view! {
        <Layout shell=page.shell head=head>
            <div class="intro">
                <h1>"Uptime"</h1>
                <p class="lede">
                    "A second of major outage counts as one second down, a second of partial outage as 0.3. Degraded performance and maintenance count as up. Where causes overlap, the worst counts, once. Figures are cut, never rounded up; what lies before a component's first day is no data. A correction wins over incidents and says why."
                </p>
            </div>
            {empty}
            {page.components.into_iter().map(|it| component(it, zone)).collect_view()}
        </Layout>
    }
    .into_any()
}

fn component(component: ComponentUptime, zone: Tz) -> AnyView {
    let ComponentUptime { id, name, months, corrections } = component;
    let total = months.iter().fold(Outage::default(), |sum, month| sum.plus(month.outage));
    let summary = format!("{} in {}", total.uptime_words(), count(months.len() as i64, "month"));
    let rows = months.iter().map(|month| row(&id, month)).collect_view();
    view! {
        <section class="panel uptime" id=format!("component-{id}")>
            <div class="head"><h2 dir="auto">{name.clone()}</h2><p class="soft">{summary}</p></div>
            <table>
                <caption class="unseen">{format!("{name}, month by month")}</caption>
                <thead><tr><th scope="col">"Month"</th><th scope="col">"Uptime"</th><th scope="col">"Why"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {corrected(&corrections, zone)}
        </section>
    }
    .into_any()
}

/// Each correction with its reason.
fn corrected(corrections: &[Correction], zone: Tz) -> Option<AnyView> {
    let line = |correction: &Correction| {
        let span = time::span(correction.from, Some(correction.to), zone);
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

fn row(component: &ComponentId, month: &MonthUptime) -> AnyView {
    view! {
        <tr>
            <th scope="row">{time::month(month.month)}</th>
            <td>{month.outage.uptime_words()}</td>
            <td>{why(component, month)}</td>
        </tr>
    }
    .into_any()
}

/// `2 incidents, 32m partial outage`, and which incidents these are: also those that began in another month.
fn why(component: &ComponentId, month: &MonthUptime) -> AnyView {
    let out = outage_words(month.outage);
    if month.incidents == 0 && out.is_empty() {
        let words = match (month.outage.is_known(), month.corrected) {
            (false, _) => "",
            (true, false) => "Nothing was out",
            (true, true) => "Corrected: nothing was out",
        };
        return view! { <span class="soft">{words}</span> }.into_any();
    }
    let mut parts = vec![match month.incidents {
        0 if month.corrected => "Corrected".to_owned(),
        0 => "Set by hand".to_owned(),
        number => count(number as i64, "incident"),
    }];
    parts.extend(out);
    parts.extend((month.corrected && month.incidents > 0).then(|| "corrected".to_owned()));
    let shown = parts.join(", ");
    if month.incidents == 0 {
        return shown.into_any();
    }
    let link = |(id, title): &(IncidentId, String)| {
        view! { <li><a href=format!("/incidents/{id}") dir="auto">{title.clone()}</a></li> }
    };
    let (from, to) = (month.month.first_day(), month.month.last_day());
    let href = format!("/history?component={component}&from={from}&to={to}");
    let more = (month.incidents > month.told.len())
        .then(|| view! { <li><a href=href>"All that began in this month"</a></li> });
    view! {
        <details>
            <summary>{shown}</summary>
            <ul>{month.told.iter().map(link).collect_view()}{more}</ul>
        </details>
    }
    .into_any()
}
