use leptos::prelude::*;

use super::component_list::status_words;
use super::composer::{self, message_tools};
use super::composer_extras::ComposerExtras;
use super::conflict::{Conflict, conflict_notice};
use super::maintenances::phase_words;
use super::notify;
use crate::domain::draft::MAINTENANCE_FIELD;
use crate::domain::forms::MaintenanceUpdateForm;
use crate::domain::page_status::Tone;
use crate::domain::{AffectedComponent, Invalid, Maintenance, MaintenancePhase, MaintenanceUpdate, Status};
use crate::format::markdown;
use crate::format::time::{format_full, format_window};
use crate::ui::admin_icon::admin_pill;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Choice, ErrorSummary, Field, FormErrors, Group, Hidden, SelectRow, Submit};
use crate::ui::time::Time;

/// A maintenance with its timeline, and the form to post an update.
#[derive(Clone, Debug)]
pub struct MaintenanceView {
    pub shell: AdminContext,
    /// The current version, with updates oldest first.
    pub maintenance: Maintenance,
    /// As submitted; the message is shown as a preview.
    pub form: MaintenanceUpdateForm,
    pub invalid: Invalid,
    /// Set if someone else changed the maintenance meanwhile; `maintenance` is the current version.
    pub conflict: Option<Conflict<()>>,
    /// Whether the last change was a start, so that it can be undone.
    pub undoes_start: bool,
    /// The templates are those of the next phases.
    pub extras: ComposerExtras,
}

#[component]
pub fn MaintenancePage(page: MaintenanceView) -> impl IntoView {
    let shell = page.shell.clone();
    let composes = shell.can_publish();
    let it = &page.maintenance;
    let problems = FormErrors::new(&page.invalid, &["phase", "body", "components"]);
    let words = format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
    let here = if composes { "Post update" } else { "Details" };
    let content = view! {
        {composer::composer_crumbs(("/admin/maintenances", "Maintenance"), here, Some(format!("/incidents/{}", it.id)))}
        <div class="title-line">
            <h1 dir="auto">{it.title.clone()}</h1>
            {admin_pill(it.phase.into(), phase_words(it, &shell), Tone::Maintenance)}
        </div>
        <p class="soft"><Time at=it.scheduled_for words=words/></p>
        <ErrorSummary problems=problems.clone()/>
        {newer_update_notice(&page)}
        {composes.then(|| step_buttons(&page))}
        {composes.then(|| composer(&page, &problems))}
        <div class="column">
            {timeline(it, &shell)}
            {maintenance_details(it, &shell)}
        </div>
    };
    let title = problems.titled(&it.title);
    view! {
        <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any() island=composes/>
    }
}

/// The buttons for actions without a message. A start ahead of the schedule asks first.
fn step_buttons(page: &MaintenanceView) -> AnyView {
    let it = &page.maintenance;
    let path = format!("/admin/maintenances/{}", it.id);
    let cancel = view! { <a class="danger" href=format!("{path}/cancellation")>"Cancel the maintenance"</a> };
    let is_early = it.scheduled_for > page.shell.now;
    match it.phase {
        MaintenancePhase::Scheduled => {
            let start = if is_early {
                view! { <a class="button" href=format!("{path}/beginning")>"Start early…"</a> }.into_any()
            } else {
                step_button(format!("{path}/beginning"), "Start now", it, Some(&page.shell))
            };
            let reschedule = view! { <a class="button" href=format!("{path}/schedule")>"Reschedule"</a> };
            view! { <div class="actions">{start}{reschedule}{cancel}</div> }.into_any()
        }
        phase if phase.is_active() => {
            let complete = step_button(format!("{path}/completion"), "Complete", it, Some(&page.shell));
            let undo = (page.undoes_start && is_early)
                .then(|| step_button(format!("{path}/beginning/withdrawal"), "Undo the start", it, None));
            let extend = view! { <a class="button" href=format!("{path}/extension")>"Extend"</a> };
            view! { <div class="actions">{complete}{undo}{extend}{cancel}</div> }.into_any()
        }
        _ => ().into_any(),
    }
}

/// A step that posts an update has the notify switch; undoing one posts none.
fn step_button(action: String, words: &'static str, it: &Maintenance, notifying: Option<&AdminContext>) -> AnyView {
    let button = match notifying {
        Some(shell) => view! {
            {notify::publish_button(words, shell, ButtonStyle::Primary, None)}
            {notify::notify_switch(shell, "notify-step")}
        }
        .into_any(),
        None => view! { <Submit words weight=ButtonStyle::Quiet/> }.into_any(),
    };
    view! {
        <form method="post" action=action>
            <Hidden name="version" value=it.version.to_string()/>
            {button}
        </form>
    }
    .into_any()
}

fn composer(page: &MaintenanceView, problems: &FormErrors) -> AnyView {
    let it = &page.maintenance;
    let path = format!("/admin/maintenances/{}", it.id);
    let action = format!("{path}/updates");
    let form = &page.form;
    let words = MaintenancePhase::from_key(&form.phase).unwrap_or(it.phase).words();
    let phases = it.phase.next();
    let tools = message_tools(page.extras.template_links(&path), &composer::maintenance_sentences(phases));
    let fields = view! {
        {page.extras.hidden_fields()}
        <Hidden name=MAINTENANCE_FIELD value=it.id.to_string()/>
        <Hidden name="version" value=form.version.to_string()/>
        {composer::maintenance_phase_field(phases, &form.phase, problems)}
        {composer::message_field_with(&form.body, problems, false, Some(tools))}
        {component_fields(it, form, problems)}
    };
    let switch = Some(notify::notify_switch(&page.shell, "notify"));
    let primary =
        notify::publish_button("Publish update", &page.shell, ButtonStyle::Primary, Some(composer::PUBLISH_KEYS));
    let others = view! { <a href="/admin/maintenances">"Cancel"</a>{composer::save_draft_button()} }.into_any();
    view! {
        <section aria-labelledby="compose">
            <h2 id="compose" class="unseen">"Post an update"</h2>
            {page.extras.notices(&page.shell)}
            {composer::composer_form(
                &action,
                fields.into_any(),
                composer::live_preview(&action, &form.body, words),
                composer::composer_bar(switch, others, primary),
            )}
        </section>
    }
    .into_any()
}

/// The status of each component during the maintenance.
fn component_fields(it: &Maintenance, form: &MaintenanceUpdateForm, problems: &FormErrors) -> Option<AnyView> {
    let choices = || {
        [Status::UnderMaintenance, Status::Operational].map(|status| Choice::new(status.key(), status.words())).to_vec()
    };
    let row = |component: &crate::domain::maintenance::PlannedComponent| {
        let field = Field::new(format!("component.{}", component.id), component.name.clone()).with_error(problems);
        let value = form.components.get(component.id.as_str()).cloned();
        let value = value.unwrap_or_else(|| Status::Operational.key().to_owned());
        view! { <SelectRow field choices=choices() value/> }
    };
    let hint = "Applies during the window. If something unexpected breaks, create an incident.";
    (!it.phase.is_over() && !it.components.is_empty()).then(|| {
        let field = Field::new("components", "Component status during maintenance").hint(hint).with_error(problems);
        let content = view! { <div class="rows">{it.components.iter().map(row).collect_view()}</div> }.into_any();
        view! { <Group field content id="components"/> }.into_any()
    })
}

fn newer_update_notice(page: &MaintenanceView) -> Option<AnyView> {
    newer_version_notice(page.conflict.as_ref(), &page.maintenance, &page.shell)
}

/// The notice of an edit conflict, with the newest update.
pub fn newer_version_notice(
    conflict: Option<&Conflict<()>>,
    it: &Maintenance,
    shell: &AdminContext,
) -> Option<AnyView> {
    let conflict = conflict?;
    let newest = it.newest_update().map(|update| update_text(update, shell)).into_any();
    Some(conflict_notice(conflict.by.as_deref(), conflict.at, newest, shell))
}

fn timeline(it: &Maintenance, shell: &AdminContext) -> AnyView {
    let post = |update: &MaintenanceUpdate| {
        view! { <li>{update_text(update, shell)}{update_components(update)}{edit_link(it, update, shell)}</li> }
    };
    let posts = it.updates.iter().rev().map(post).collect_view();
    view! {
        <section aria-labelledby="posted">
            <h2 id="posted">"Updates"</h2>
            <ol class="timeline" reversed>{posts}</ol>
        </section>
    }
    .into_any()
}

fn update_text(update: &MaintenanceUpdate, shell: &AdminContext) -> AnyView {
    let edited = update.edited_at.map(|at| view! { " · edited "<Time at words=format_full(at, shell.zone)/> });
    view! {
        <p class="said">
            <strong>{update.phase.words()}</strong>
            " "
            <span class="soft"><Time at=update.posted_at words=format_full(update.posted_at, shell.zone)/>{edited}</span>
        </p>
        <div class="prose" dir="auto" inner_html=markdown::render_markdown(&update.body)></div>
    }
    .into_any()
}

fn update_components(update: &MaintenanceUpdate) -> Option<AnyView> {
    let component = |component: &AffectedComponent| {
        view! { <li><span dir="auto">{component.name.clone()}</span>": "{status_words(component.status)}</li> }
    };
    let shows = update.phase.is_active() && !update.components.is_empty();
    shows.then(|| view! { <ul class="named">{update.components.iter().map(component).collect_view()}</ul> }.into_any())
}

fn edit_link(it: &Maintenance, update: &MaintenanceUpdate, shell: &AdminContext) -> Option<AnyView> {
    let path = format!("/admin/maintenances/{}/updates/{}/edit", it.id, update.id);
    let which = format!(" the update of {}", format_full(update.posted_at, shell.zone));
    shell
        .can_publish()
        .then(|| view! { <p class="links"><a href=path>"Edit"<span class="unseen">{which}</span></a></p> }.into_any())
}

/// The schedule and automation settings.
fn maintenance_details(it: &Maintenance, shell: &AdminContext) -> AnyView {
    let row = |term: &'static str, text: String| view! { <dt>{term}</dt><dd dir="auto">{text}</dd> };
    let names: Vec<&str> = it.components.iter().map(|component| component.name.as_str()).collect();
    let names = (!names.is_empty()).then(|| row("Components", names.join(", ")));
    let began = it.started_at.map(|at| row("Started", format_full(at, shell.zone)));
    let ended = it.ended_at.map(|at| row("Ended", format_full(at, shell.zone)));
    let entered = row("Time zone", it.zone.name().to_owned());
    let edit = shell.can_publish().then(|| {
        let words = if it.occurrence.is_some() { "Edit this occurrence" } else { "Edit maintenance" };
        let again = it.occurrence.as_ref().map(|occurrence| {
            view! { <a href=format!("/admin/series/{}/edit", occurrence.series_id)>"Edit series"</a> }
        });
        view! {
            <a href=format!("/admin/maintenances/{}/edit", it.id)>{words}</a>
            {again}
            <a class="danger" href=format!("/admin/maintenances/{}/deletion", it.id)>"Delete the maintenance"</a>
        }
    });
    view! {
        <section aria-labelledby="details">
            <h2 id="details">"Details"</h2>
            <dl>
                {row("Scheduled for", format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone))}
                {entered}{began}{ended}{names}
                {row("Automation", automation_words(it))}
            </dl>
            <p class="links">{edit}</p>
        </section>
    }
    .into_any()
}

fn automation_words(it: &Maintenance) -> String {
    let switches = [
        (it.switches.reminds, "reminder 60 min before"),
        (it.switches.starts, "starts"),
        (it.switches.marks, "sets components"),
        (it.switches.completes, "completes"),
    ];
    let words: Vec<&str> = switches.into_iter().filter(|(on, _)| *on).map(|(_, words)| words).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
