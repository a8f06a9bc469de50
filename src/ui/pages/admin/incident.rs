use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::{ComponentBoard, status_words};
use super::composer::{self, PUBLISH_KEYS, message_tools};
use super::composer_extras::{ComposerExtras, status_answers, status_question};
use super::conflict::{Conflict, conflict_notice};
use super::incident_card::{impact_words, incident_facts, incident_pill, visibility_badge};
use super::notify;
use crate::domain::forms::UpdateForm;
use crate::domain::{Incident, Invalid, Phase, Update, Visibility};
use crate::format::markdown;
use crate::format::time::{format_full, format_span};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, FormErrors, Hidden, PreviewPageButton};
use crate::ui::time::Time;

/// An incident with its timeline and the form to post an update.
#[derive(Clone, Debug)]
pub struct IncidentView {
    pub shell: AdminContext,
    /// The current version, with updates oldest first.
    pub incident: Incident,
    /// As submitted; the message is shown as a preview.
    pub form: UpdateForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    /// Set if someone else changed the incident meanwhile; `incident` is the current version.
    pub conflict: Option<Conflict<()>>,
    pub extras: ComposerExtras,
    /// Set if the message suggests another status: asks which one is right.
    pub suggested_phase: Option<Phase>,
}

#[component]
pub fn IncidentPage(page: IncidentView) -> impl IntoView {
    let shell = page.shell.clone();
    let composes = shell.can_publish();
    let incident = &page.incident;
    let problems = FormErrors::new(&page.invalid, &["phase", "body", "components", "next_update"]);
    let folded = composes && is_composer_folded(&page, &problems);
    let public = incident.visibility.is_public().then(|| format!("/incidents/{}", incident.id));
    let here = if composes && !folded { "Post update" } else { "Incident" };
    let content = view! {
        {composer::composer_crumbs(("/admin/incidents", "Incidents"), here, public)}
        <div class="title-line">
            <h1 dir="auto">{incident.title.clone()}</h1>
            {incident_pill(incident, &shell)}
        </div>
        {incident_summary(incident, &shell)}
        {visibility_notice(incident, &shell)}
        {(composes && !folded).then(|| composer(&page, &problems))}
        <div class="column">
            {timeline(incident, &shell)}
            {folded.then(|| folded_composer(&page, &problems))}
            {incident_details(incident, &shell)}
        </div>
    };
    let title = problems.titled(&incident.title);
    view! {
        <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=composes/>
    }
}

/// After an incident is resolved, an empty form would only invite reopening it.
fn is_composer_folded(page: &IncidentView, problems: &FormErrors) -> bool {
    let is_untouched = page.form.body.is_empty() && page.form.phase == page.incident.phase.key();
    let is_plain = problems.is_empty() && page.conflict.is_none() && page.extras.draft.is_none();
    !page.incident.is_open() && is_untouched && is_plain
}

fn folded_composer(page: &IncidentView, problems: &FormErrors) -> AnyView {
    view! {
        <details class="fold" id="another-update">
            <summary>"Post another update or reopen"</summary>
            {composer(page, problems)}
        </details>
    }
    .into_any()
}

/// What the pill does not say: the affected components, or how long it took.
fn incident_summary(incident: &Incident, shell: &AdminContext) -> AnyView {
    if incident.is_open() {
        return incident_facts(incident, shell);
    }
    let words = format_span(incident.started_at, incident.ended_at, shell.zone);
    let seen = visibility_badge(incident.visibility, shell.zone).map(|seen| view! { {seen}" · " });
    view! { <p class="soft">{seen}{impact_words(incident.impact())}" · "{words}</p> }.into_any()
}

/// The notice that visitors can't see the incident, with a button to publish it.
fn visibility_notice(incident: &Incident, shell: &AdminContext) -> Option<AnyView> {
    let words = match incident.visibility {
        Visibility::Public => return None,
        Visibility::Embargoed(at) => {
            view! { "Scheduled to publish at "<Time at words=format_full(at, shell.zone)/>"." }.into_any()
        }
        Visibility::Internal => "Internal: not on the public page.".into_any(),
    };
    let now = shell.can_publish().then(|| {
        view! {
            <form method="post" action=format!("/admin/incidents/{}/publication", incident.id)>
                <Hidden name="version" value=incident.version.to_string()/>
                {notify::notify_switch(shell, "notify-publication")}
                <p class="actions">
                    {notify::publish_button("Publish now", shell, ButtonStyle::Quiet, None)}
                    <PreviewPageButton about="publishing it now"/>
                </p>
            </form>
        }
    });
    Some(view! { <div class="summary unseen-yet"><p>{words}</p>{now}</div> }.into_any())
}

fn composer(page: &IncidentView, problems: &FormErrors) -> AnyView {
    let path = format!("/admin/incidents/{}", page.incident.id);
    let action = format!("{path}/updates");
    let form = &page.form;
    let named: BTreeSet<_> = page.incident.statuses().into_keys().collect();
    let reopens = (!page.incident.is_open()).then(|| {
        view! { <p class="hint while-open">"Resolved. Posting any other status reopens it."</p> }
    });
    let tools = message_tools(page.extras.template_links(&path), &composer::incident_sentences(true));
    let focus = is_focus_in_message(page, problems);
    let asks = page.suggested_phase.map(|suggested| status_question(suggested, &form.phase));
    let fields = view! {
        {page.extras.hidden_fields()}
        <Hidden name="version" value=form.version.to_string()/>
        {asks}
        {composer::phase_field(&form.phase, problems)}
        {reopens}
        {composer::message_field_with(&form.body, problems, focus, Some(tools))}
        <div class="while-open">{composer::component_fields(&page.board, &form.components, &named, problems)}</div>
        <p class="when-resolved hint">
            "Resolving closes the incident and sets its components back to their manual status."
        </p>
        {composer::next_update_field(&form.next_update, page.shell.zone, problems)}
    };
    let preview = composer::live_preview(&action, &form.body, composer::phase_words(&form.phase));
    // An update of an incident that is not public notifies no subscribers.
    let is_public = page.incident.visibility.is_public();
    let switch = is_public.then(|| notify::notify_switch(&page.shell, "notify"));
    let reach = is_public.then(|| notify::reach_span(&page.shell)).flatten();
    let primary = match page.suggested_phase {
        Some(suggested) => status_answers(suggested, reach),
        None => update_button(is_public, reach),
    };
    let others = view! { <a href="/admin">"Cancel"</a>{composer::save_draft_button()} }.into_any();
    view! {
        <ErrorSummary problems=problems.clone()/>
        {newer_update_notice(page)}
        {page.extras.notices(&page.shell)}
        {composer::composer_form(
            &action,
            fields.into_any(),
            preview,
            composer::composer_bar(switch, others, primary),
        )}
    }
    .into_any()
}

/// CSS shows the words for the chosen status.
fn update_button(is_public: bool, reach: Option<AnyView>) -> AnyView {
    let (update, resolve) = match is_public {
        true => ("Publish update", "Resolve incident"),
        false => ("Post internal update", "Resolve internally"),
    };
    view! {
        <button type="submit" class=ButtonStyle::Primary.class() data-keys=PUBLISH_KEYS>
            <span><span class="while-open">{update}</span><span class="when-resolved">{resolve}</span>{reach}</span>
        </button>
    }
    .into_any()
}

/// Only the message is missing.
fn is_focus_in_message(page: &IncidentView, problems: &FormErrors) -> bool {
    let is_plain = page.conflict.is_none() && page.suggested_phase.is_none() && problems.is_empty();
    page.form.body.is_empty() && is_plain && page.incident.is_open()
}

/// The newest update, after an edit conflict.
fn newer_update_notice(page: &IncidentView) -> Option<AnyView> {
    let conflict = page.conflict.as_ref()?;
    let newest = page.incident.newest_update().map(|update| update_text(update, &page.shell)).into_any();
    Some(conflict_notice(conflict.by.as_deref(), conflict.at, newest, &page.shell))
}

fn timeline(incident: &Incident, shell: &AdminContext) -> AnyView {
    let post = |update: &Update| {
        view! { <li>{update_text(update, shell)}{update_components(update)}{update_links(incident, update, shell)}</li> }
    };
    let posts = incident.updates.iter().rev().map(post).collect_view();
    view! {
        <section aria-labelledby="posted">
            <h2 id="posted">"Updates"</h2>
            <ol class="timeline" reversed>{posts}</ol>
        </section>
    }
    .into_any()
}

pub fn update_text(update: &Update, shell: &AdminContext) -> AnyView {
    let edited = update.edited_at.map(|at| view! { " · edited "<Time at words=format_full(at, shell.zone)/> });
    let later = (update.created_at != update.posted_at)
        .then(|| view! { " · written "<Time at=update.created_at words=format_full(update.created_at, shell.zone)/> });
    view! {
        <p class="said">
            <strong>{update.phase.words()}</strong>
            " "
            <span class="soft">
                <Time at=update.posted_at words=format_full(update.posted_at, shell.zone)/>{edited}{later}
            </span>
        </p>
        <div class="prose" dir="auto" inner_html=markdown::render_markdown(&update.body)></div>
    }
    .into_any()
}

fn update_components(update: &Update) -> Option<AnyView> {
    let component = |component: &crate::domain::AffectedComponent| {
        view! { <li><span dir="auto">{component.name.clone()}</span>": "{status_words(component.status)}</li> }
    };
    (!update.components.is_empty())
        .then(|| view! { <ul class="named">{update.components.iter().map(component).collect_view()}</ul> }.into_any())
}

fn update_links(incident: &Incident, update: &Update, shell: &AdminContext) -> Option<AnyView> {
    let path = format!("/admin/incidents/{}/updates/{}", incident.id, update.id);
    let which = format!(" the update of {}", format_full(update.posted_at, shell.zone));
    shell.can_publish().then(|| {
        let newest = incident.newest_update().is_some_and(|newest| newest.id == update.id);
        let deletable = newest && incident.updates.len() > 1;
        let deletion = deletable.then(|| {
            view! {
                <a class="danger" href=format!("{path}/deletion")>"Delete"<span class="unseen">{which.clone()}</span></a>
            }
        });
        view! {
            <p class="links">
                <a href=format!("{path}/edit")>"Edit"<span class="unseen">{which.clone()}</span></a>
                {deletion}
            </p>
        }
        .into_any()
    })
}

/// Details that are shown to managers only.
fn incident_details(incident: &Incident, shell: &AdminContext) -> AnyView {
    let row = |term: &'static str, text: String| view! { <dt>{term}</dt><dd class="lines" dir="auto">{text}</dd> };
    let ended = incident.ended_at.map(|at| row("Ended", format_full(at, shell.zone)));
    let impact = match incident.impact_override {
        Some(impact) => format!("{} (manual)", impact.words()),
        None => format!("{} (automatic)", incident.impact().words()),
    };
    let path = format!("/admin/incidents/{}", incident.id);
    let postmortem =
        if incident.postmortem_published_at.is_some() { "Postmortem (published)" } else { "Write a postmortem" };
    let links = shell.can_publish().then(|| {
        view! {
            <a href=format!("{path}/edit")>"Edit incident"</a>
            <a href=format!("{path}/postmortem")>{postmortem}</a>
            <a class="danger" href=format!("{path}/deletion")>"Delete the incident"</a>
        }
    });
    view! {
        <section aria-labelledby="details">
            <h2 id="details">"Details"</h2>
            <dl>
                {row("Started", format_full(incident.started_at, shell.zone))}
                {ended}
                {row("Impact", impact)}
                {incident.detected_by.clone().map(|text| row("Detected by", text))}
                {incident.internal_note.clone().map(|text| row("Internal note", text))}
            </dl>
            <p class="links">
                {links}
            </p>
        </section>
    }
    .into_any()
}
