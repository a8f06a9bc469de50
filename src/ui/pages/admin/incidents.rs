use leptos::prelude::*;

use super::incident_card::{impact_words, seen};
use super::pagination::older;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, Phase, Visibility};
use crate::format::duration::words;
use crate::format::time::full;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{Choice, Field, Select, Submit, TextInput, Weight};
use crate::ui::time::Time;

/// The incidents, a page of them at a time.
#[derive(Clone, Debug)]
pub struct IncidentList {
    pub shell: Shell,
    pub search: IncidentSearch,
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
        view! { <a class="button primary" href="/admin/incidents/new">"Create incident"</a> }
    });
    let content = view! {
        <div class="headline">
            <h1>"Incidents"</h1>
            {new}
        </div>
        {form(&page.search)}
        {table(&page.incidents, &shell)}
        {older("/admin/incidents", page.search.pairs(), page.older)}
    };
    view! { <AdminLayout shell title="Incidents" section=Some(Section::Incidents) content=content.into_any()/> }
}

/// What to look for; a plain form that asks for another list.
fn form(search: &IncidentSearch) -> AnyView {
    let text = Field::new("q", "Search incidents");
    let phase = Field::new("phase", "Status");
    let phases = Phase::ALL.into_iter().map(|phase| Choice::new(phase.key(), phase.words()));
    let phases = std::iter::once(Choice::new("", "Any status")).chain(phases).collect();
    let seen = Field::new("visibility", "Visibility");
    let words = ["Public", "Scheduled", "Internal"];
    let choices = Visibility::KEYS.into_iter().zip(words).map(|(key, words)| Choice::new(key, words));
    let choices = std::iter::once(Choice::new("", "Any visibility")).chain(choices).collect();
    let all = (*search != IncidentSearch::default()).then(|| view! { <a href="/admin/incidents">"Show all"</a> });
    view! {
        <form class="search" method="get" action="/admin/incidents" role="search">
            <TextInput field=text value=search.text.clone() kind="search" keys="/"/>
            <Select field=phase choices=phases value=search.phase.map_or("", Phase::key)/>
            <Select field=seen choices value=search.visibility.unwrap_or_default()/>
            <p class="actions"><Submit words="Search" weight=Weight::Quiet/>{all}</p>
        </form>
    }
    .into_any()
}

fn table(incidents: &[Incident], shell: &Shell) -> AnyView {
    if incidents.is_empty() {
        return view! { <p class="soft">"No incidents found."</p> }.into_any();
    }
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Incidents, newest first">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Incident"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Impact"</th>
                        <th scope="col">"Started"</th>
                        <th scope="col">"Duration"</th>
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
        Some(took) => words(took).unwrap_or_else(|| "–".into()),
        None => "ongoing".into(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a>
                {seen(incident.visibility, shell.zone).map(|seen| view! { <br/>{seen} })}
            </th>
            <td>{incident.phase.words()}</td>
            <td>{impact_words(incident.impact())}</td>
            <td><Time at=incident.started_at words=full(incident.started_at, shell.zone)/></td>
            <td>{took}</td>
            <td class="number">{incident.updates.len()}</td>
        </tr>
    }
    .into_any()
}
