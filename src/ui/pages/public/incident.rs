//! `/incidents/{id}`: one incident with everything said about it.

use leptos::prelude::*;

use super::parts::{self, Timeline, count};
use crate::domain::{Incident, Status, duration};
use crate::ui::layout::{Head, Kind, Layout, Shell};
use crate::ui::markdown;
use crate::ui::time::{self, Time};

/// The most characters of the newest update in the description.
const SUMMARY: usize = 160;

/// What the page of an incident shows.
#[derive(Clone, Debug)]
pub struct IncidentPage {
    pub shell: Shell,
    pub incident: Incident,
}

/// The whole document.
pub fn render(page: IncidentPage) -> String {
    crate::ui::render(|| view! { <IncidentView page=page /> })
}

/// The page of an incident.
#[component]
pub fn IncidentView(page: IncidentPage) -> AnyView {
    let IncidentPage { shell, incident } = page;
    let (zone, now) = (shell.zone(), shell.now);
    let said = incident.newest().map(|update| markdown::summary(&update.body, SUMMARY)).unwrap_or_default();
    let head = Head { title: incident.title.clone(), description: said, kind: Kind::Regular };
    let class = parts::impact_class(&incident);
    let updates = count(incident.updates.len() as i64, "update");
    let facts = facts(&incident, &shell);
    view! {
        <Layout shell=shell head=head>
            <article class=format!("incident {class}")>
                <div class="intro">
                    <p class="chip">{parts::state_words(&incident, now)}</p>
                    <h1 dir="auto">{incident.title.clone()}</h1>
                </div>
                {facts}
                <h2>{updates}</h2>
                <Timeline updates=incident.updates zone=zone now=now />
            </article>
            <p class="back"><a href="/">"Current status"</a><a href="/history">"Incident history"</a></p>
        </Layout>
    }
    .into_any()
}

fn facts(incident: &Incident, shell: &Shell) -> AnyView {
    let zone = shell.zone();
    let full = |at| view! { <Time at=at words=time::full(at, zone) /> };
    let detected = incident.detected_by.clone().map(|who| fact("Detected by", who.into_any()));
    let resolved = match incident.ended_at {
        Some(at) => full(at).into_any(),
        None => "still open".into_any(),
    };
    let lasted = incident.duration().and_then(duration::words);
    let lasted = lasted.map(|words| fact("Duration", words.into_any()));
    let noted = parts::written_afterwards(incident).then(|| fact("Reported", "afterwards".into_any()));
    let affected = (!incident.affected().is_empty()).then(|| fact("Affected components", affected(incident)));
    view! {
        <dl>
            {detected}
            {fact("Started", full(incident.started_at).into_any())}
            {fact("Resolved", resolved)}
            {lasted}
            {noted}
            {affected}
        </dl>
    }
    .into_any()
}

fn fact(term: &'static str, words: AnyView) -> AnyView {
    view! { <div><dt>{term}</dt><dd dir="auto">{words}</dd></div> }.into_any()
}

/// Every component it named; while it is open with the status it leaves them in.
fn affected(incident: &Incident) -> AnyView {
    let now = incident.statuses();
    let item = |(id, name): (&_, &str)| {
        let status = now.get(id).copied().map(Status::words).map(|words| format!(": {}", words.to_lowercase()));
        view! { <li><bdi>{name.to_owned()}</bdi>{status}</li> }
    };
    view! { <ul>{incident.affected().into_iter().map(item).collect_view()}</ul> }.into_any()
}
