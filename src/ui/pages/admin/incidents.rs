use leptos::prelude::*;

use super::incident_card::{impact_words, visibility_badge};
use super::pagination::older_link;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, Phase, Visibility};
use crate::format::duration::format_duration;
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Choice, Field, Select, Submit, TextInput};
use crate::ui::time::Time;

/// One page of the incident list.
#[derive(Clone, Debug)]
pub struct IncidentList {
    pub shell: AdminContext,
    pub search: IncidentSearch,
    /// Newest first.
    pub incidents: Vec<Incident>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
}

#[component]
pub fn IncidentsPage(page: IncidentList) -> impl IntoView {
    let shell = page.shell.clone();
    let new = shell.can_publish().then(|| {
        view! {
            <div class="do">
                <a class="button" href="/admin/incidents/new?past=1">"Add past incident"</a>
                <a class="button primary" href="/admin/incidents/new">"Create incident"</a>
            </div>
        }
    });
    let content = view! {
        <div class="headline">
            <h1>"Incidents"</h1>
            {new}
        </div>
        {search_form(&page.search)}
        {incident_table(&page.incidents, &shell)}
        {older_link("/admin/incidents", page.search.pairs(), page.older)}
    };
    view! { <AdminLayout shell title="Incidents" section=Some(Section::Incidents) content=content.into_any()/> }
}

fn search_form(search: &IncidentSearch) -> AnyView {
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
            <p class="actions"><Submit words="Search" weight=ButtonStyle::Quiet/>{all}</p>
        </form>
    }
    .into_any()
}

fn incident_table(incidents: &[Incident], shell: &AdminContext) -> AnyView {
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
                <tbody>{incidents.iter().map(|incident| incident_row(incident, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn incident_row(incident: &Incident, shell: &AdminContext) -> AnyView {
    let took = match incident.duration() {
        Some(took) => format_duration(took).unwrap_or_else(|| "–".into()),
        None => "ongoing".into(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a>
                {visibility_badge(incident.visibility, shell.zone).map(|seen| view! { <br/>{seen} })}
            </th>
            <td>{incident.phase.words()}</td>
            <td>{impact_words(incident.impact())}</td>
            <td><Time at=incident.started_at words=format_full(incident.started_at, shell.zone)/></td>
            <td>{took}</td>
            <td class="number">{incident.updates.len()}</td>
        </tr>
    }
    .into_any()
}
