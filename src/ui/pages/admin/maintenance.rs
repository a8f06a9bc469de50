use leptos::prelude::*;

use super::component_list::status_words;
use super::composer::{self, Draft};
use super::conflict::{Conflict, notice};
use super::maintenances::phase_words;
use crate::domain::forms::MaintenanceUpdateForm;
use crate::domain::{AffectedComponent, Invalid, Maintenance, MaintenancePhase, MaintenanceUpdate, Status};
use crate::format::markdown;
use crate::format::time::{full, window};
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{
    Choice, ErrorSummary, Field, Group, Hidden, PostButton, PreviewButton, Problems, RehearseButton, Segments,
    SelectRow, Submit, Weight,
};
use crate::ui::time::Time;

/// A maintenance with everything said of it, and what can be done next.
#[derive(Clone, Debug)]
pub struct MaintenanceView {
    pub shell: Shell,
    /// As it stands, with its updates oldest first.
    pub maintenance: Maintenance,
    /// As it was typed; its message, if any, is shown as a preview.
    pub form: MaintenanceUpdateForm,
    pub invalid: Invalid,
    /// Somebody changed it in between; what stands now is `maintenance` itself.
    pub conflict: Option<Conflict<()>>,
}

/// The maintenance, with what those who may publish can do.
#[component]
pub fn MaintenancePage(page: MaintenanceView) -> impl IntoView {
    let shell = page.shell.clone();
    let composes = shell.can_publish();
    let it = &page.maintenance;
    let problems = Problems::new(&page.invalid, &["phase", "body", "components"]);
    let words = window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
    let content = view! {
        <div class="column">
            <h1 dir="auto">{it.title.clone()}</h1>
            <p class="soft">{phase_words(it, &shell)}" · "<Time at=it.scheduled_for words=words/></p>
            <ErrorSummary problems=problems.clone()/>
            {in_between(&page)}
            {composes.then(|| steps(it))}
            {composes.then(|| composer(&page, &problems))}
            {timeline(it, &shell)}
            {about(it, &shell)}
        </div>
    };
    let title = problems.titled(&it.title);
    view! {
        <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any() island=composes/>
    }
}

/// What can be done with one step.
fn steps(it: &Maintenance) -> AnyView {
    let path = format!("/admin/maintenances/{}", it.id);
    match it.phase {
        MaintenancePhase::Scheduled => view! {
            <div class="actions">
                <PostButton action=format!("{path}/beginning") words="Start now" weight=Weight::Primary/>
                <a class="button" href=format!("{path}/schedule")>"Reschedule"</a>
                <a class="danger" href=format!("{path}/cancellation")>"Cancel the maintenance"</a>
            </div>
        }
        .into_any(),
        phase if phase.is_active() => view! {
            <div class="actions">
                <PostButton action=format!("{path}/completion") words="Complete" weight=Weight::Primary/>
                <a class="button" href=format!("{path}/extension")>"Extend"</a>
                <a class="danger" href=format!("{path}/cancellation")>"Cancel the maintenance"</a>
            </div>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

fn composer(page: &MaintenanceView, problems: &Problems) -> AnyView {
    let it = &page.maintenance;
    let path = format!("/admin/maintenances/{}/updates", it.id);
    let form = &page.form;
    let phases = it.phase.next().iter().map(|phase| Choice::new(phase.key(), phase.words())).collect();
    let field = Field::new("phase", "Status").judged(problems);
    let draft =
        Draft { place: it.id.to_string(), posted: it.newest().map(|update| update.body.clone()).unwrap_or_default() };
    let words = MaintenancePhase::from_key(&form.phase).unwrap_or(it.phase).words();
    view! {
        <section aria-labelledby="compose">
            <h2 id="compose">"Post an update"</h2>
            <form method="post" action=path.clone() novalidate>
                <Hidden name="version" value=form.version.to_string()/>
                <Segments field choices=phases value=form.phase.clone()/>
                {composer::message(&form.body, problems)}
                {components(it, form, problems)}
                {composer::preview(&form.body, words, draft)}
                <p class="actions">
                    <Submit words="Publish update"/>
                    <PreviewButton action=path.clone()/>
                    <RehearseButton/>
                </p>
            </form>
        </section>
    }
    .into_any()
}

/// How each of its components stands while the work goes on.
fn components(it: &Maintenance, form: &MaintenanceUpdateForm, problems: &Problems) -> Option<AnyView> {
    let choices = || {
        [Status::UnderMaintenance, Status::Operational].map(|status| Choice::new(status.key(), status.words())).to_vec()
    };
    let row = |component: &crate::domain::maintenance::PlannedComponent| {
        let field = Field::new(format!("component.{}", component.id), component.name.clone()).judged(problems);
        let value = form.components.get(component.id.as_str()).cloned();
        let value = value.unwrap_or_else(|| Status::Operational.key().to_owned());
        view! { <SelectRow field choices=choices() value/> }
    };
    let hint = "Applies during the window. If something unexpected breaks, create an incident.";
    (!it.phase.is_over() && !it.components.is_empty()).then(|| {
        let field = Field::new("components", "Component status during maintenance").hint(hint).judged(problems);
        let content = view! { <div class="rows">{it.components.iter().map(row).collect_view()}</div> }.into_any();
        view! { <Group field content id="components"/> }.into_any()
    })
}

/// The newest update, where somebody changed the maintenance in between.
fn in_between(page: &MaintenanceView) -> Option<AnyView> {
    changed_meanwhile(page.conflict.as_ref(), &page.maintenance, &page.shell)
}

/// The notice that somebody changed `it` in between, over its newest update.
pub fn changed_meanwhile(conflict: Option<&Conflict<()>>, it: &Maintenance, shell: &Shell) -> Option<AnyView> {
    let conflict = conflict?;
    let newest = it.newest().map(|update| said(update, shell)).into_any();
    Some(notice(conflict.by.as_deref(), conflict.at, newest, shell))
}

fn timeline(it: &Maintenance, shell: &Shell) -> AnyView {
    let post = |update: &MaintenanceUpdate| {
        view! { <li>{said(update, shell)}{named(update)}{edit_link(it, update, shell)}</li> }
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

/// What an update says: phase, time, text.
fn said(update: &MaintenanceUpdate, shell: &Shell) -> AnyView {
    let edited = update.edited_at.map(|at| view! { " · edited "<Time at words=full(at, shell.zone)/> });
    view! {
        <p class="said">
            <strong>{update.phase.words()}</strong>
            " "
            <span class="soft"><Time at=update.posted_at words=full(update.posted_at, shell.zone)/>{edited}</span>
        </p>
        <div class="prose" dir="auto" inner_html=markdown::render(&update.body)></div>
    }
    .into_any()
}

fn named(update: &MaintenanceUpdate) -> Option<AnyView> {
    let component = |component: &AffectedComponent| {
        view! { <li><span dir="auto">{component.name.clone()}</span>": "{status_words(component.status)}</li> }
    };
    let shows = update.phase.is_active() && !update.components.is_empty();
    shows.then(|| view! { <ul class="named">{update.components.iter().map(component).collect_view()}</ul> }.into_any())
}

fn edit_link(it: &Maintenance, update: &MaintenanceUpdate, shell: &Shell) -> Option<AnyView> {
    let path = format!("/admin/maintenances/{}/updates/{}/edit", it.id, update.id);
    let which = format!(" the update of {}", full(update.posted_at, shell.zone));
    shell
        .can_publish()
        .then(|| view! { <p class="links"><a href=path>"Edit"<span class="unseen">{which}</span></a></p> }.into_any())
}

/// What was planned, and what it does by itself.
fn about(it: &Maintenance, shell: &Shell) -> AnyView {
    let row = |term: &'static str, text: String| view! { <dt>{term}</dt><dd dir="auto">{text}</dd> };
    let names: Vec<&str> = it.components.iter().map(|component| component.name.as_str()).collect();
    let names = (!names.is_empty()).then(|| row("Components", names.join(", ")));
    let began = it.started_at.map(|at| row("Started", full(at, shell.zone)));
    let ended = it.ended_at.map(|at| row("Ended", full(at, shell.zone)));
    let entered = row("Time zone", it.zone.name().to_owned());
    let edit = shell.can_publish().then(|| {
        let words = if it.occurrence.is_some() { "Edit this occurrence" } else { "Edit maintenance" };
        let again = it.occurrence.as_ref().map(|occurrence| {
            view! { <a href=format!("/admin/series/{}/edit", occurrence.series_id)>"Edit series"</a> }
        });
        view! { <a href=format!("/admin/maintenances/{}/edit", it.id)>{words}</a>{again} }
    });
    view! {
        <section aria-labelledby="details">
            <h2 id="details">"Details"</h2>
            <dl>
                {row("Scheduled for", window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone))}
                {entered}{began}{ended}{names}
                {row("Automation", by_itself(it))}
            </dl>
            <p class="links">
                <a href=format!("/incidents/{}", it.id)>"View on status page"</a>
                {edit}
            </p>
        </section>
    }
    .into_any()
}

fn by_itself(it: &Maintenance) -> String {
    let switches = [
        (it.switches.reminds, "reminder 60 min before"),
        (it.switches.starts, "starts"),
        (it.switches.marks, "sets components"),
        (it.switches.completes, "completes"),
    ];
    let words: Vec<&str> = switches.into_iter().filter(|(on, _)| *on).map(|(_, words)| words).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
