use leptos::prelude::*;

use super::pagination::older_link;
use crate::domain::forms::RecurrenceForm;
use crate::domain::{Maintenance, Series};
use crate::format::time::format_window;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::time::Time;

/// One page of maintenances, and the active recurring maintenances.
#[derive(Clone, Debug)]
pub struct MaintenanceList {
    pub shell: AdminContext,
    /// Latest scheduled start first.
    pub maintenances: Vec<Maintenance>,
    /// Those that have not ended, oldest first.
    pub series: Vec<Series>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
}

#[component]
pub fn MaintenancesPage(page: MaintenanceList) -> impl IntoView {
    let shell = page.shell.clone();
    let new = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/maintenances/new">"Schedule maintenance"</a> }
    });
    let content = view! {
        <div class="headline">
            <h1>"Maintenance"</h1>
            {new}
        </div>
        {maintenance_table(&page.maintenances, &shell)}
        {older_link("/admin/maintenances", Vec::new(), page.older)}
        {series_table(&page.series, &shell)}
        <p class="soft">"Subscribe in your calendar app: "<a href="/maintenance.ics">"maintenance calendar"</a>"."</p>
    };
    view! { <AdminLayout shell title="Maintenance" section=Some(Section::Maintenances) content=content.into_any()/> }
}

fn maintenance_table(maintenances: &[Maintenance], shell: &AdminContext) -> AnyView {
    if maintenances.is_empty() {
        return view! { <p class="soft">"No maintenance yet."</p> }.into_any();
    }
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Maintenance, latest first">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Maintenance"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Scheduled for"</th>
                        <th scope="col" class="number">"Components"</th>
                        <th scope="col" class="number">"Updates"</th>
                    </tr>
                </thead>
                <tbody>{maintenances.iter().map(|it| maintenance_row(it, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn maintenance_row(it: &Maintenance, shell: &AdminContext) -> AnyView {
    let words = format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
    view! {
        <tr>
            <th scope="row"><a href=format!("/admin/maintenances/{}", it.id) dir="auto">{it.title.clone()}</a></th>
            <td>{phase_words(it, shell)}</td>
            <td><Time at=it.scheduled_for words=words/></td>
            <td class="number">{it.components.len()}</td>
            <td class="number">{it.updates.len()}</td>
        </tr>
    }
    .into_any()
}

/// The phase, and whether the start or end is overdue.
pub fn phase_words(it: &Maintenance, shell: &AdminContext) -> String {
    let late = match it.phase {
        phase if phase.is_active() && it.scheduled_until < shell.now => ", overdue to finish",
        phase if !phase.is_over() && !phase.is_active() && it.scheduled_for < shell.now => ", overdue to start",
        _ => "",
    };
    format!("{}{late}", it.phase.words())
}

fn series_table(series: &[Series], shell: &AdminContext) -> Option<AnyView> {
    let item = |series: &Series| {
        let edit = shell.can_publish().then(|| {
            view! {
                <p class="links">
                    <a href=format!("/admin/series/{}/edit", series.id)>
                        "Edit series"<span class="unseen" dir="auto">{format!(": {}", series.title)}</span>
                    </a>
                </p>
            }
        });
        view! {
            <li>
                <span dir="auto">{series.title.clone()}</span>
                <p class="soft">{rule_words(series)}</p>
                {edit}
            </li>
        }
    };
    (!series.is_empty()).then(|| {
        view! {
            <section aria-labelledby="series">
                <h2 id="series">"Repeat"</h2>
                <ul class="plain-list">{series.iter().map(item).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

/// `Every week, at 02:00 in Europe/Lisbon`
pub fn rule_words(series: &Series) -> String {
    let rule = series.rule.as_str();
    let listed = RecurrenceForm::RULE_CHOICES.iter().find(|(known, _)| *known == rule);
    let words = listed.map_or(rule, |(_, words)| words);
    format!("{words}, at {} in {}", series.first_start.format("%H:%M"), series.zone.name())
}
