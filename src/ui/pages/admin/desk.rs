use leptos::prelude::*;

use super::board::{Board, BoardRow, BoardSection, status_choices, status_words};
use super::maintenances::phase_words;
use crate::domain::duration::words;
use crate::domain::{Impact, Incident, Maintenance};
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{Field, Hidden, Select, Submit, Weight};
use crate::ui::time::{Time, ago, day, window};

/// The most maintenances shown.
const MAX_PLANNED: usize = 10;

/// Where a manager arrives: what is open, how everything stands, what was over lately.
#[derive(Clone, Debug)]
pub struct Desk {
    pub shell: Shell,
    /// Newest first.
    pub open: Vec<Incident>,
    /// Maintenances to come and going on, soonest first.
    pub planned: Vec<Maintenance>,
    pub board: Board,
    /// Resolved lately, newest first.
    pub recent: Vec<Incident>,
}

/// The desk.
#[component]
pub fn DeskPage(page: Desk) -> impl IntoView {
    let shell = page.shell.clone();
    let open_button = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/incidents/new">"Open an incident"</a> }
    });
    let content = view! {
        <div class="headline">
            <h1>"Desk"</h1>
            {open_button}
        </div>
        <section aria-labelledby="open">
            <h2 id="open">"Open now"</h2>
            {open_incidents(&page.open, &shell)}
        </section>
        <section aria-labelledby="planned">
            <h2 id="planned">"Maintenance"</h2>
            {planned(&page.planned, &shell)}
        </section>
        <section aria-labelledby="board">
            <h2 id="board">"Components"</h2>
            {board(&page.board, &shell)}
        </section>
        <section aria-labelledby="recent">
            <h2 id="recent">"Resolved lately"</h2>
            {recent(&page.recent, &shell)}
        </section>
    };
    view! { <AdminLayout shell title="Desk" section=Some(Section::Desk) content=content.into_any()/> }
}

fn open_incidents(open: &[Incident], shell: &Shell) -> AnyView {
    if open.is_empty() {
        return view! { <p class="soft">"Nothing is open."</p> }.into_any();
    }
    let card = |incident: &Incident| open_card(incident, shell, post_link(incident, shell));
    view! { <ul class="cards">{open.iter().map(card).collect_view()}</ul> }.into_any()
}

/// An open incident with its age and that of its newest update, and perhaps something to do.
pub fn open_card(incident: &Incident, shell: &Shell, action: Option<AnyView>) -> AnyView {
    view! {
        <li class=format!("panel card {}", incident.impact().key())>
            <h3>
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">
                    {incident.title.clone()}
                </a>
            </h3>
            <p class="soft">{standing(incident, shell)}</p>
            {action}
        </li>
    }
    .into_any()
}

fn post_link(incident: &Incident, shell: &Shell) -> Option<AnyView> {
    shell.can_publish().then(|| {
        view! {
            <p class="act">
                <a class="button" href=format!("/admin/incidents/{}#phase", incident.id)>
                    "Post an update"
                    <span class="unseen" dir="auto">
                        {format!(": {}", incident.title)}
                    </span>
                </a>
            </p>
        }
        .into_any()
    })
}

/// `Major · open for 1h 27m · Identified 14m ago`
pub fn standing(incident: &Incident, shell: &Shell) -> AnyView {
    let age = words(shell.now - incident.started_at).unwrap_or_else(|| "under 1m".into());
    let newest = incident.newest().map(|update| {
        view! { " · "{update.phase.words()}" "<Time at=update.posted_at words=ago(update.posted_at, shell.now)/> }
    });
    view! { {impact_words(incident.impact())}" · open for "{age}{newest} }.into_any()
}

/// The impact in words, in its colour.
pub fn impact_words(impact: Impact) -> AnyView {
    view! { <span class=format!("impact {}", impact.key())>{impact.words()}</span> }.into_any()
}

/// The maintenances that go on and the next ones to come.
fn planned(planned: &[Maintenance], shell: &Shell) -> AnyView {
    if planned.is_empty() {
        return view! { <p class="soft">"Nothing is planned."</p> }.into_any();
    }
    let row = |it: &Maintenance| {
        let words = window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
        view! {
            <li>
                <a href=format!("/admin/maintenances/{}", it.id) dir="auto">{it.title.clone()}</a>
                <p class="soft">{phase_words(it, shell)}" · "<Time at=it.scheduled_for words=words/></p>
            </li>
        }
    };
    view! {
        <ul class="plain-list">{planned.iter().take(MAX_PLANNED).map(row).collect_view()}</ul>
        <p><a href="/admin/maintenances">"All maintenances"</a></p>
    }
    .into_any()
}

fn board(board: &Board, shell: &Shell) -> AnyView {
    if board.is_empty() {
        let add = shell.is_owner().then(|| view! { " "<a href="/admin/components/new">"Add the first one"</a> });
        return view! { <p class="soft">"The page has no components yet."{add}</p> }.into_any();
    }
    let caption = shell.can_publish().then(|| {
        view! {
            <p class="soft">
                "What you set here is the baseline. An open incident can show something worse, and frees it when it is resolved."
            </p>
        }
    });
    let sections = board.sections.iter().map(|section| board_section(section, shell)).collect_view();
    view! { {caption}<div class="board">{sections}</div> }.into_any()
}

fn board_section(section: &BoardSection, shell: &Shell) -> AnyView {
    let heading = section.group.as_ref().map(|group| view! { <h3 dir="auto">{group.name.clone()}</h3> });
    let rows = section.rows.iter().map(|row| board_row(row, shell)).collect_view();
    (!section.rows.is_empty()).then(|| view! { <div class="group">{heading}<ul>{rows}</ul></div> }).into_any()
}

fn board_row(row: &BoardRow, shell: &Shell) -> AnyView {
    let form = shell.can_publish().then(|| baseline_form(row));
    view! {
        <li>
            <span class="what" dir="auto">{row.component.name.clone()}</span>
            {status_words(row.effective)}
            {form}
        </li>
    }
    .into_any()
}

fn baseline_form(row: &BoardRow) -> AnyView {
    let component = &row.component;
    let field = Field::new("status", format!("Baseline of {}", component.name)).id(format!("status-{}", component.id));
    view! {
        <form class="baseline" method="post" action=format!("/admin/components/{}/status", component.id)>
            <Hidden name="version" value=component.version.to_string()/>
            <Select field choices=status_choices() value=component.status.key()/>
            <Submit words="Set" weight=Weight::Quiet/>
        </form>
    }
    .into_any()
}

fn recent(incidents: &[Incident], shell: &Shell) -> AnyView {
    if incidents.is_empty() {
        return view! { <p class="soft">"No incident was resolved lately."</p> }.into_any();
    }
    let row = |incident: &Incident| {
        let ended = incident.ended_at.map(|at| view! { <Time at words=day(at, shell.zone)/>" · " });
        let took = incident.duration().and_then(words).map(|took| format!(" · {took}"));
        view! {
            <li>
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a>
                <p class="soft">{ended}{impact_words(incident.impact())}{took}</p>
            </li>
        }
    };
    view! {
        <ul class="plain-list">{incidents.iter().map(row).collect_view()}</ul>
        <p><a href="/admin/incidents">"All incidents"</a></p>
    }
    .into_any()
}
