use leptos::prelude::*;

use super::desk::impact_words;
use crate::domain::Incident;
use crate::domain::duration::words;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::time::{Time, full};

/// The incidents, a page of them at a time.
#[derive(Clone, Debug)]
pub struct IncidentList {
    pub shell: Shell,
    /// Newest first.
    pub incidents: Vec<Incident>,
    /// The cursor of the next older page; nothing on the last.
    pub older: Option<String>,
}

/// The table of incidents.
#[component]
pub fn IncidentsPage(page: IncidentList) -> impl IntoView {
    let shell = page.shell.clone();
    let new = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/incidents/new">"Open an incident"</a> }
    });
    let content = view! {
        <div class="headline">
            <h1>"Incidents"</h1>
            {new}
        </div>
        {table(&page.incidents, &shell)}
        {older("/admin/incidents", page.older)}
    };
    view! { <AdminLayout shell title="Incidents" section=Some(Section::Incidents) content=content.into_any()/> }
}

/// The link to the next older page of a list.
pub fn older(path: &'static str, cursor: Option<String>) -> Option<AnyView> {
    cursor.map(|cursor| {
        view! { <p><a class="button" href=format!("{path}?before={cursor}") rel="next">"Older"</a></p> }.into_any()
    })
}

fn table(incidents: &[Incident], shell: &Shell) -> AnyView {
    if incidents.is_empty() {
        return view! { <p class="soft">"No incidents here."</p> }.into_any();
    }
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Incidents, newest first">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Incident"</th>
                        <th scope="col">"Phase"</th>
                        <th scope="col">"Impact"</th>
                        <th scope="col">"Started"</th>
                        <th scope="col">"Took"</th>
                        <th scope="col" class="number">"Updates"</th>
                    </tr>
                </thead>
                <tbody>{incidents.iter().map(|incident| row(incident, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(incident: &Incident, shell: &Shell) -> AnyView {
    let took = match incident.duration() {
        Some(took) => words(took).unwrap_or_else(|| "no time".into()),
        None => "still open".into(),
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a></th>
            <td>{incident.phase.words()}</td>
            <td>{impact_words(incident.impact())}</td>
            <td><Time at=incident.started_at words=full(incident.started_at, shell.zone)/></td>
            <td>{took}</td>
            <td class="number">{incident.updates.len()}</td>
        </tr>
    }
    .into_any()
}
