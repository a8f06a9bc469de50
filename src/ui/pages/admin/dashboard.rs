use leptos::prelude::*;

use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_choices, status_words};
use super::composer_extras::draft_readers;
use super::incident_card::{impact_words, open_incident_card, visibility_badge};
use super::maintenances::phase_words;
use super::pagination::older_link;
use super::subscribers::{QueueState, queue_notice};
use crate::domain::draft::DraftReader;
use crate::domain::{Incident, Maintenance, SavedDraft};
use crate::format::duration::format_duration;
use crate::format::time::{format_age, format_day, format_window};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Field, Hidden, PreviewPageButton, Select, Submit};
use crate::ui::time::Time;

const MAX_PLANNED: usize = 10;

/// The start page: open incidents, maintenances, component status, drafts, recent incidents.
#[derive(Clone, Debug)]
pub struct Dashboard {
    pub shell: AdminContext,
    /// Newest first.
    pub open: Vec<Incident>,
    /// The cursor of the next page of open incidents, `None` on the last.
    pub older: Option<String>,
    /// Upcoming and ongoing maintenances, soonest first.
    pub planned: Vec<Maintenance>,
    pub board: ComponentBoard,
    /// Recently resolved, newest first.
    pub recent: Vec<Incident>,
    /// Newest first.
    pub drafts: Vec<SavedDraft>,
    /// Other managers who have a draft open.
    pub readers: Vec<DraftReader>,
    /// The messages that wait to be sent.
    pub queue: QueueState,
}

#[component]
pub fn DashboardPage(page: Dashboard) -> impl IntoView {
    let shell = page.shell.clone();
    let open_button = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/incidents/new">"Create incident"</a> }
    });
    let content = view! {
        <div class="headline">
            <h1>"Dashboard"</h1>
            {open_button}
        </div>
        {stuck_notice(&page.queue, &shell)}
        <section aria-labelledby="open">
            <h2 id="open">"Active incidents"</h2>
            {open_incidents(&page, &shell)}
            {older_link("/admin", Vec::new(), page.older.clone())}
        </section>
        {draft_list(&page)}
        <section aria-labelledby="planned">
            <h2 id="planned">"Maintenance"</h2>
            {planned_maintenances(&page.planned, &shell)}
        </section>
        <section aria-labelledby="board">
            <h2 id="board">"Components"</h2>
            {component_board(&page.board, &shell)}
        </section>
        <section aria-labelledby="recent">
            <h2 id="recent">"Recently resolved"</h2>
            {recent_incidents(&page.recent, &shell)}
        </section>
    };
    view! { <AdminLayout shell title="Dashboard" section=Some(Section::Dashboard) content=content.into_any()/> }
}

/// Warns if messages to subscribers wait too long.
fn stuck_notice(queue: &QueueState, shell: &AdminContext) -> Option<AnyView> {
    queue.is_stuck.then(|| queue_notice(queue, shell)).flatten()
}

fn open_incidents(page: &Dashboard, shell: &AdminContext) -> AnyView {
    let open = &page.open;
    if open.is_empty() {
        return view! { <p class="soft">"No active incidents."</p> }.into_any();
    }
    let card = |(place, incident): (usize, &Incident)| {
        open_incident_card(incident, shell, incident_actions(incident, shell, place == 0))
    };
    view! {
        {due_updates(page, shell)}
        <ul class="cards">{open.iter().enumerate().map(card).collect_view()}</ul>
    }
    .into_any()
}

/// The number of incidents with a due reminder; only those on this page if there are more.
fn due_updates(page: &Dashboard, shell: &AdminContext) -> Option<AnyView> {
    let waiting = page.open.iter().filter(|incident| incident.reminders_due(shell.now) > 0).count();
    let text = match (waiting, page.older.is_some()) {
        (0, _) => return None,
        (several, true) => format!("Of these, {several} need an update."),
        (1, false) => "1 incident needs an update.".to_owned(),
        (several, false) => format!("{several} incidents need an update."),
    };
    Some(view! { <p class="waiting"><strong>{text}</strong></p> }.into_any())
}

/// The links to post an update and to resolve. Keyboard shortcuts work for the first incident.
fn incident_actions(incident: &Incident, shell: &AdminContext, first: bool) -> Option<AnyView> {
    let path = format!("/admin/incidents/{}", incident.id);
    let about = || view! { <span class="unseen" dir="auto">{format!(": {}", incident.title)}</span> };
    shell.can_publish().then(|| {
        view! {
            <p class="act actions">
                <a class="button" href=format!("{path}#body") data-keys=first.then_some("u")>
                    "Post an update"{about()}
                </a>
                <a class="button" href=format!("{path}?phase=resolved") data-keys=first.then_some("r")>
                    "Resolve"{about()}
                </a>
            </p>
        }
        .into_any()
    })
}

fn planned_maintenances(planned: &[Maintenance], shell: &AdminContext) -> AnyView {
    if planned.is_empty() {
        return view! { <p class="soft">"No maintenance scheduled."</p> }.into_any();
    }
    let row = |it: &Maintenance| {
        let words = format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
        view! {
            <li>
                <a href=format!("/admin/maintenances/{}", it.id) dir="auto">{it.title.clone()}</a>
                <p class="soft">{phase_words(it, shell)}" · "<Time at=it.scheduled_for words=words/></p>
            </li>
        }
    };
    view! {
        <ul class="plain-list">{planned.iter().take(MAX_PLANNED).map(row).collect_view()}</ul>
        <p><a href="/admin/maintenances">"View all maintenance"</a></p>
    }
    .into_any()
}

/// Unpublished drafts, for managers who may publish.
fn draft_list(page: &Dashboard) -> Option<AnyView> {
    let rows = page.drafts.iter().map(|draft| draft_row(draft, page)).collect_view();
    (page.shell.can_publish() && !page.drafts.is_empty()).then(|| {
        view! {
            <section aria-labelledby="drafts">
                <h2 id="drafts">"Drafts"</h2>
                <ul class="plain-list">{rows}</ul>
            </section>
        }
        .into_any()
    })
}

fn draft_row(draft: &SavedDraft, page: &Dashboard) -> AnyView {
    let of = draft.incident.as_ref().map(|id| page.open.iter().chain(&page.recent).find(|incident| incident.id == *id));
    let title = match of {
        None => draft.fields.text("title"),
        Some(Some(incident)) => incident.title.clone(),
        Some(None) => "Incident (older)".to_owned(),
    };
    let title = if title.trim().is_empty() { "Untitled".to_owned() } else { title };
    let kind = if draft.incident.is_some() { "Update" } else { "Create incident" };
    let path = format!("/admin/drafts/{}", draft.id);
    let delete = format!("{path}/deletion");
    view! {
        <li class="draft">
            <div>
                <a href=path dir="auto">{title.clone()}</a>
                <p class="soft">
                    {kind}" · "<bdi>{draft.edited_by.clone()}</bdi>", "
                    <Time at=draft.edited_at words=format_age(draft.edited_at, page.shell.now)/>
                </p>
                {draft_readers(page.readers.iter().filter(|reader| reader.draft == draft.id), &page.shell)}
            </div>
            <a class="button destructive" href=delete>
                "Delete…"<span class="unseen" dir="auto">{format!(": {title}")}</span>
            </a>
        </li>
    }
    .into_any()
}

fn component_board(board: &ComponentBoard, shell: &AdminContext) -> AnyView {
    if board.is_empty() {
        let add = shell.is_owner().then(|| view! { " "<a href="/admin/components/new">"Add your first component"</a> });
        return view! { <p class="soft">"No components yet."{add}</p> }.into_any();
    }
    let caption = shell.can_publish().then(|| {
        view! {
            <p class="soft">
                "This is the manual status. An active incident can show a worse one; when it is resolved, the manual status applies again."
            </p>
        }
    });
    let sections = board.sections.iter().map(|section| board_section(section, shell)).collect_view();
    view! { {caption}<div class="board">{sections}</div> }.into_any()
}

fn board_section(section: &BoardSection, shell: &AdminContext) -> AnyView {
    let heading = section.group.as_ref().map(|group| view! { <h3 dir="auto">{group.name.clone()}</h3> });
    let rows = section.rows.iter().map(|row| board_row(row, shell)).collect_view();
    (!section.rows.is_empty()).then(|| view! { <div class="group">{heading}<ul>{rows}</ul></div> }).into_any()
}

fn board_row(row: &BoardRow, shell: &AdminContext) -> AnyView {
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
    let field = Field::new("status", format!("Status of {}", component.name)).id(format!("status-{}", component.id));
    view! {
        <form class="baseline" method="post" action=format!("/admin/components/{}/status", component.id)>
            <Hidden name="version" value=component.version.to_string()/>
            <Select field choices=status_choices() value=component.status.key()/>
            <Submit words="Update" weight=ButtonStyle::Quiet about=component.name.clone()/>
            <PreviewPageButton about=component.name.clone()/>
        </form>
    }
    .into_any()
}

fn recent_incidents(incidents: &[Incident], shell: &AdminContext) -> AnyView {
    if incidents.is_empty() {
        return view! { <p class="soft">"No recent incidents."</p> }.into_any();
    }
    let row = |incident: &Incident| {
        let ended = incident.ended_at.map(|at| view! { <Time at words=format_day(at, shell.zone)/>" · " });
        let took = incident.duration().and_then(format_duration).map(|took| format!(" · {took}"));
        let seen = visibility_badge(incident.visibility, shell.zone).map(|seen| view! { " · "{seen} });
        view! {
            <li>
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">{incident.title.clone()}</a>
                <p class="soft">{ended}{impact_words(incident.impact())}{took}{seen}</p>
            </li>
        }
    };
    view! {
        <ul class="plain-list">{incidents.iter().map(row).collect_view()}</ul>
        <p><a href="/admin/incidents">"All incidents"</a></p>
    }
    .into_any()
}
