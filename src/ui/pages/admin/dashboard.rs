use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use leptos::prelude::*;

use super::audit::action_words;
use super::checklist::{SetupChecklist, checklist_box};
use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_buttons, status_summary};
use super::composer_extras::draft_readers;
use super::incident_card::open_incident_card;
use super::maintenances::phase_words;
use super::pagination::older_link;
use super::subscribers::{QueueState, queue_notice};
use crate::domain::audit::Record;
use crate::domain::component::StatusCause;
use crate::domain::draft::DraftReader;
use crate::domain::page_status::Tone;
use crate::domain::subscriber::Channel;
use crate::domain::{Impact, Incident, Maintenance, SavedDraft, Status};
use crate::format::duration::format_duration;
use crate::format::number::group_thousands;
use crate::format::time::{format_age, format_clock, format_day, format_window, today};
use crate::ui::admin_icon::{AdminIcon, admin_pill};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section, name_initials};
use crate::ui::form::Hidden;
use crate::ui::time::Time;

const MAX_PLANNED: usize = 10;
/// When a postmortem of a major incident counts as late, and how long the dashboard says so.
const POSTMORTEM_DUE: TimeDelta = TimeDelta::days(3);
const POSTMORTEM_FORGOTTEN: TimeDelta = TimeDelta::days(30);
/// The form that the check boxes of the board belong to.
const SELECTION_FORM: &str = "selection";

/// The start page: active incidents, what is to do, maintenances, components.
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
    /// What is left to set up, for owners.
    pub checklist: Option<SetupChecklist>,
    /// Active subscribers by channel.
    pub subscribers: Vec<(Channel, i64)>,
    /// The latest changes to what visitors see, newest first.
    pub activity: Vec<Record>,
}

#[component]
pub fn DashboardPage(page: Dashboard) -> impl IntoView {
    let shell = page.shell.clone();
    let content = view! {
        <div class="headline">
            <h1>"Dashboard"</h1>
            {main_actions(&page)}
        </div>
        {stuck_notice(&page.queue, &shell)}
        <div class="aside-right">
            <div>
                <section aria-labelledby="open">
                    <h2 id="open">{if page.open.len() > 1 { "Active incidents" } else { "Active incident" }}</h2>
                    {open_incidents(&page, &shell)}
                    {older_link("/admin", Vec::new(), page.older.clone())}
                </section>
                {to_do(&page)}
                {planned_maintenances(&page.planned, &shell)}
                <section aria-labelledby="board">
                    <div class="section-head">
                        <h2 id="board">"Components"</h2>
                        {(shell.is_owner() && !page.board.is_empty())
                            .then(|| view! { <a href="/admin/components">"Edit and reorder"</a> })}
                    </div>
                    {component_board(&page.board, &shell)}
                </section>
            </div>
            <aside aria-label="At a glance">
                {page.checklist.as_ref().map(checklist_box)}
                {subscriber_box(&page)}
                {recent_activity(&page)}
            </aside>
        </div>
    };
    view! { <AdminLayout shell title="Dashboard" section=Some(Section::Dashboard) content=content.into_any()/> }
}

/// The primary action is to post an update while an incident is active, and a new incident otherwise.
fn main_actions(page: &Dashboard) -> Option<AnyView> {
    let class = if page.open.is_empty() { "button primary" } else { "button" };
    page.shell.can_publish().then(|| {
        view! {
            <p class="do">
                <a class="button" href="/admin/maintenances/new">"Schedule maintenance"</a>
                <a class=class href="/admin/incidents/new">{AdminIcon::Plus.view()}"New incident"</a>
            </p>
        }
        .into_any()
    })
}

/// Warns if messages to subscribers wait too long.
fn stuck_notice(queue: &QueueState, shell: &AdminContext) -> Option<AnyView> {
    queue.is_stuck.then(|| queue_notice(queue, shell)).flatten()
}

fn open_incidents(page: &Dashboard, shell: &AdminContext) -> AnyView {
    let open = &page.open;
    if open.is_empty() {
        return view! { <p class="empty">"No active incidents."</p> }.into_any();
    }
    let card = |(place, incident): (usize, &Incident)| {
        open_incident_card(incident, shell, incident_actions(incident, shell, place == 0))
    };
    view! { <ul class="cards">{open.iter().enumerate().map(card).collect_view()}</ul> }.into_any()
}

/// The links to post an update and to resolve. Keyboard shortcuts work for the first incident.
fn incident_actions(incident: &Incident, shell: &AdminContext, first: bool) -> Option<AnyView> {
    let path = format!("/admin/incidents/{}", incident.id);
    let about = || view! { <span class="unseen" dir="auto">{format!(": {}", incident.title)}</span> };
    let class = if first { "button primary" } else { "button" };
    shell.can_publish().then(|| {
        view! {
            <p class="act">
                <a class="button" href=format!("{path}?phase=resolved") data-keys=first.then_some("r")>
                    "Resolve…"{about()}
                </a>
                <a class=class href=path.clone() data-keys=first.then_some("u")>
                    "Post update"{about()}
                </a>
            </p>
        }
        .into_any()
    })
}

/// Late postmortems and drafts, for managers who may publish.
fn to_do(page: &Dashboard) -> Option<AnyView> {
    let shell = &page.shell;
    let late = page.recent.iter().filter(|incident| is_postmortem_late(incident, shell.now));
    let postmortems: Vec<AnyView> = late.map(|incident| postmortem_row(incident, shell)).collect();
    let drafts: Vec<AnyView> = page.drafts.iter().map(|draft| draft_row(draft, page)).collect();
    (shell.can_publish() && !(postmortems.is_empty() && drafts.is_empty())).then(|| {
        view! {
            <section aria-labelledby="todo">
                <h2 id="todo">"To do"</h2>
                <ul class="entries">{postmortems}{drafts}</ul>
            </section>
        }
        .into_any()
    })
}

/// A public incident with a major or critical impact that ended days ago, without a published postmortem.
fn is_postmortem_late(incident: &Incident, now: DateTime<Utc>) -> bool {
    let age = incident.ended_at.map(|end| now - end);
    let is_serious = incident.impact() >= Impact::Major && incident.visibility.is_public();
    let is_due = age.is_some_and(|age| age >= POSTMORTEM_DUE && age < POSTMORTEM_FORGOTTEN);
    is_serious && is_due && incident.postmortem_published_at.is_none()
}

fn postmortem_row(incident: &Incident, shell: &AdminContext) -> AnyView {
    let ended = incident.ended_at.map(|at| view! { " · "<Time at words=format_day(at, shell.zone)/> });
    view! {
        <li class="t-degraded">
            {AdminIcon::Clock.view()}
            <div>
                <p class="what">"No postmortem yet"</p>
                <p class="soft"><bdi>{incident.title.clone()}</bdi>{ended}</p>
            </div>
            <a class="button" href=format!("/admin/incidents/{}/postmortem", incident.id)>
                "Write"<span class="unseen" dir="auto">{format!(" the postmortem: {}", incident.title)}</span>
            </a>
        </li>
    }
    .into_any()
}

/// The title of the draft, or of what it updates.
fn draft_title(draft: &SavedDraft, page: &Dashboard) -> String {
    let title = match (&draft.incident, draft.maintenance()) {
        (None, None) => Some(draft.fields.text("title")),
        (Some(id), _) => {
            page.open.iter().chain(&page.recent).find(|incident| incident.id == *id).map(|it| it.title.clone())
        }
        (None, Some(id)) => page.planned.iter().find(|it| it.id == id).map(|it| it.title.clone()),
    };
    let fallback = if draft.is_maintenance() { "Maintenance (older)" } else { "Incident (older)" };
    let title = title.unwrap_or_else(|| fallback.to_owned());
    if title.trim().is_empty() { "Untitled".to_owned() } else { title }
}

fn draft_row(draft: &SavedDraft, page: &Dashboard) -> AnyView {
    let title = draft_title(draft, page);
    let path = format!("/admin/drafts/{}", draft.id);
    let delete = format!("{path}/deletion");
    let about = || view! { <span class="unseen" dir="auto">{format!(": {title}")}</span> };
    view! {
        <li class="draft">
            {AdminIcon::Document.view()}
            <div>
                <p class="what">{draft.kind_words()}" by "<bdi>{draft.edited_by.clone()}</bdi></p>
                <p class="soft">
                    <bdi>{title.clone()}</bdi>" · saved "
                    <Time at=draft.edited_at words=format_age(draft.edited_at, page.shell.now)/>
                </p>
                {draft_readers(page.readers.iter().filter(|reader| reader.draft == draft.id), &page.shell)}
            </div>
            <a class="button quiet" href=delete>"Delete…"{about()}</a>
            <a class="button" href=path>"Open"{about()}</a>
        </li>
    }
    .into_any()
}

fn planned_maintenances(planned: &[Maintenance], shell: &AdminContext) -> Option<AnyView> {
    let rows = planned.iter().take(MAX_PLANNED).map(|it| maintenance_row(it, shell)).collect_view();
    (!planned.is_empty()).then(|| {
        view! {
            <section aria-labelledby="planned">
                <div class="section-head">
                    <h2 id="planned">"Scheduled maintenance"</h2>
                    <a href="/admin/maintenances">"All"<span class="unseen">" maintenance"</span></a>
                </div>
                <ul class="entries">{rows}</ul>
            </section>
        }
        .into_any()
    })
}

fn maintenance_row(it: &Maintenance, shell: &AdminContext) -> AnyView {
    let local = it.scheduled_for.with_timezone(&shell.zone);
    let words = format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
    let wait = (today(it.scheduled_for, shell.zone) - today(shell.now, shell.zone)).num_days();
    let state = match (it.phase.is_active() || it.scheduled_for <= shell.now, wait) {
        (true, _) => phase_words(it, shell),
        (false, 0) => format!("Today {}", format_clock(it.scheduled_for, shell.zone)),
        (false, 1) => "Tomorrow".to_owned(),
        (false, days) => format!("In {days} days"),
    };
    view! {
        <li>
            <span class="tile" aria-hidden="true"><span>{local.format("%b").to_string()}</span><b>{local.day()}</b></span>
            <div>
                <h3><a class="what" href=format!("/admin/maintenances/{}", it.id) dir="auto">{it.title.clone()}</a></h3>
                <p class="soft"><Time at=it.scheduled_for words=words/>{automation_words(it)}</p>
            </div>
            {admin_pill(it.phase.into(), state, Tone::Maintenance)}
        </li>
    }
    .into_any()
}

fn automation_words(it: &Maintenance) -> &'static str {
    match (it.switches.starts, it.switches.completes) {
        (true, true) => " · starts and ends automatically",
        (true, false) => " · starts automatically",
        (false, true) => " · ends automatically",
        (false, false) => " · started by hand",
    }
}

fn component_board(board: &ComponentBoard, shell: &AdminContext) -> AnyView {
    if board.is_empty() {
        let add = shell.is_owner().then(|| {
            view! {
                <a class="button" href="/admin/components/new">"Add your first component"</a>
                <a href="/admin/import">"Import a page"</a>
            }
        });
        return view! { <p class="empty">"No components yet."{add}</p> }.into_any();
    }
    let sections = board.sections.iter().map(|section| board_section(section, shell)).collect_view();
    let selection = shell.can_publish().then(selection_bar);
    view! { <div class="selectable"><div class="board">{sections}</div>{selection}</div> }.into_any()
}

fn board_section(section: &BoardSection, shell: &AdminContext) -> AnyView {
    let heading = section.group.as_ref().map(|group| {
        view! { <h3><span dir="auto">{group.name.clone()}</span><span>{section_words(section)}</span></h3> }
    });
    let rows = section.rows.iter().map(|row| board_row(row, shell)).collect_view();
    (!section.rows.is_empty()).then(|| view! { <div class="group">{heading}<ul>{rows}</ul></div> }).into_any()
}

/// `All operational` or `1 of 4 in partial outage`.
fn section_words(section: &BoardSection) -> String {
    let worst = section.rows.iter().map(|row| row.effective).max().unwrap_or_default();
    if worst == Status::Operational {
        return "All operational".to_owned();
    }
    let count = section.rows.iter().filter(|row| row.effective == worst).count();
    let state = match worst {
        Status::UnderMaintenance => "under maintenance",
        Status::DegradedPerformance => "degraded",
        Status::PartialOutage => "in partial outage",
        _ => "in major outage",
    };
    format!("{count} of {} {state}", section.rows.len())
}

fn board_row(row: &BoardRow, shell: &AdminContext) -> AnyView {
    let component = &row.component;
    let id = format!("select-{}", component.id);
    let tick = shell.can_publish().then(|| {
        let value = format!("{}.{}", component.id, component.version);
        view! { <input type="checkbox" id=id.clone() name="component" value=value form=SELECTION_FORM/> }
    });
    let name = match shell.can_publish() {
        true => view! { <label for=id dir="auto">{component.name.clone()}</label> }.into_any(),
        false => view! { <span dir="auto">{component.name.clone()}</span> }.into_any(),
    };
    let reason = reason_words(row, shell).map(|words| view! { " "<span class="soft">{words}</span> });
    let status = match shell.can_publish() {
        true => status_menu(row),
        false => super::component_list::status_words(row.effective),
    };
    view! { <li>{tick}<div class="what">{name}{reason}</div>{status}</li> }.into_any()
}

/// `from the incident, since 21:30`
fn reason_words(row: &BoardRow, shell: &AdminContext) -> Option<String> {
    let reason = row.reason.as_ref()?;
    let since = match today(reason.since, shell.zone) == today(shell.now, shell.zone) {
        true => format_clock(reason.since, shell.zone),
        false => format_day(reason.since, shell.zone),
    };
    Some(match reason.cause {
        StatusCause::Incident(..) => format!("from the incident, since {since}"),
        StatusCause::Maintenance(..) => format!("from maintenance, since {since}"),
        StatusCause::Manual => "set by hand".to_owned(),
    })
}

/// The status as a menu. An incident or a maintenance that holds the component is changed by an update instead.
fn status_menu(row: &BoardRow) -> AnyView {
    let component = &row.component;
    let held = row.reason.as_ref().and_then(|reason| match &reason.cause {
        StatusCause::Incident(id, title) => Some((format!("/admin/incidents/{id}"), "incident", title.clone())),
        StatusCause::Maintenance(id, title) => {
            Some((format!("/admin/maintenances/{id}"), "maintenance", title.clone()))
        }
        StatusCause::Manual => None,
    });
    let sheet = match held {
        Some((path, kind, title)) => view! {
            <a class="choice" href=path>{AdminIcon::Document.view()}"Post update"</a>
            <p class="hint">
                {format!("The {kind} “")}<bdi>{title}</bdi>
                {format!("” sets this status. Change it in an update; it ends with the {kind}.")}
            </p>
        }
        .into_any(),
        None => view! {
            <form method="post" action=format!("/admin/components/{}/status", component.id)>
                <Hidden name="version" value=component.version.to_string()/>
                {status_buttons(Some(component.status))}
            </form>
            <hr/>
            <a class="choice" href=format!("/admin/incidents/new?component={}", component.id)>
                {AdminIcon::Incidents.view()}"New incident with this…"
            </a>
            <p class="hint">"Visible at once. Only webhooks are notified."</p>
        }
        .into_any(),
    };
    view! {
        <details class="pick" name="board">
            {status_summary(row.effective, &component.name)}
            <div class="sheet">{sheet}</div>
        </details>
    }
    .into_any()
}

/// Acts on the ticked components. CSS hides it while none is.
fn selection_bar() -> AnyView {
    view! {
        <form class="selection" id=SELECTION_FORM method="post" action="/admin/component-statuses">
            <p class="words"><span data-selected>"Selected components"</span></p>
            <button type="reset" class="button">"Clear"</button>
            <details class="pick" name="board">
                <summary><span>"Set status"</span>{AdminIcon::Chevron.view()}</summary>
                <div class="sheet">
                    {status_buttons(None)}
                    <p class="hint">"Visible at once. Only webhooks are notified."</p>
                </div>
            </details>
            <button type="submit" class="button" name="new_incident" value="1">"New incident"</button>
        </form>
    }
    .into_any()
}

fn subscriber_box(page: &Dashboard) -> AnyView {
    let total: i64 = page.subscribers.iter().map(|(_, count)| count).sum();
    let kinds = [("E-mail", vec![Channel::Email]), ("Webhooks", vec![Channel::Webhook])];
    let count_of = |channels: &[Channel]| -> i64 {
        page.subscribers.iter().filter(|(channel, _)| channels.contains(channel)).map(|(_, count)| count).sum()
    };
    let chats: i64 = total - kinds.iter().map(|(_, channels)| count_of(channels)).sum::<i64>();
    let rows = kinds.iter().map(|(words, channels)| (*words, count_of(channels))).chain([("Chat", chats)]);
    let rows = rows.filter(|(_, count)| *count > 0).map(|(words, count)| {
        view! { <dt>{words}</dt><dd>{group_thousands(count)}</dd> }
    });
    let rows: Vec<_> = rows.collect();
    let list = (!rows.is_empty()).then(|| view! { <dl class="pairs">{rows}</dl> });
    view! {
        <section class="box" aria-labelledby="subscribers">
            <h2 id="subscribers" class="label"><a href="/admin/subscribers">"Subscribers"</a></h2>
            <p class="figure">{group_thousands(total)}</p>
            {list}
        </section>
    }
    .into_any()
}

fn recent_activity(page: &Dashboard) -> Option<AnyView> {
    let shell = &page.shell;
    let row = |record: &Record| {
        let subject =
            if record.subject_name.is_empty() { shell.page_name.clone() } else { record.subject_name.clone() };
        let took = format_duration(shell.now - record.at).map_or_else(|| "now".to_owned(), |age| format!("{age} ago"));
        view! {
            <li>
                <span class="initials" aria-hidden="true">{name_initials(&record.actor.name)}</span>
                <div>
                    <p><b dir="auto">{record.actor.name.clone()}</b>" "{action_words(&record.action)}" "<bdi>{subject}</bdi></p>
                    <p class="soft"><Time at=record.at words=took/></p>
                </div>
            </li>
        }
    };
    (!page.activity.is_empty()).then(|| {
        view! {
            <section aria-labelledby="activity">
                <div class="section-head">
                    <h2 id="activity">"Recent activity"</h2>
                    <a href="/admin/audit">"Audit log"</a>
                </div>
                <ul class="activity">{page.activity.iter().map(row).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}
