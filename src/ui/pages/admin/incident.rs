use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::{ComponentBoard, readonly_board, status_words};
use super::composer::{self, PUBLISH_KEYS};
use super::composer_extras::{ComposerExtras, extra_buttons};
use super::conflict::{Conflict, conflict_notice};
use super::incident_card::{impact_words, incident_state, open_incident_card, visibility_badge};
use super::notify;
use crate::domain::forms::UpdateForm;
use crate::domain::{Incident, Invalid, Update, Visibility};
use crate::format::markdown;
use crate::format::time::{format_full, format_span};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, FormErrors, Hidden, PreviewPageButton, PreviewTextButton, Submit};
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
    /// Every open incident, including this one.
    pub open: Vec<Incident>,
    /// Set if someone else changed the incident meanwhile; `incident` is the current version.
    pub conflict: Option<Conflict<()>>,
    pub extras: ComposerExtras,
}

#[component]
pub fn IncidentPage(page: IncidentView) -> impl IntoView {
    let shell = page.shell.clone();
    let composes = shell.can_publish();
    let title = page.incident.title.clone();
    let problems = FormErrors::new(&page.invalid, &["phase", "body", "components", "next_update"]);
    let folded = composes && is_composer_folded(&page, &problems);
    let (heading, above) = if composes && !folded {
        ("Post an update".to_owned(), Some(view! { <span dir="auto">{title.clone()}</span>" · " }))
    } else {
        (title.clone(), None)
    };
    let content = view! {
        <div class="aside-right">
            <div>
                <h1 dir="auto">{heading}</h1>
                <p class="soft">{above}{incident_summary(&page.incident, &shell)}</p>
                {visibility_notice(&page.incident, &shell)}
                {(composes && !folded).then(|| composer(&page, &problems))}
                {timeline(&page.incident, &shell)}
                {folded.then(|| folded_composer(&page, &problems))}
                {incident_details(&page.incident, &shell)}
            </div>
            <aside>
                <h2>"Active incidents"</h2>
                {other_open_incidents(&page.open, &shell)}
                <h2>"Components"</h2>
                {readonly_board(&page.board)}
            </aside>
        </div>
    };
    let title = problems.titled(&title);
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

fn incident_summary(incident: &Incident, shell: &AdminContext) -> AnyView {
    if incident.is_open() {
        return incident_state(incident, shell);
    }
    let words = format_span(incident.started_at, incident.ended_at, shell.zone);
    let seen = visibility_badge(incident.visibility, shell.zone).map(|seen| view! { {seen}" · " });
    view! { {seen}{impact_words(incident.impact())}" · resolved · "{words} }.into_any()
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
    let path = format!("/admin/incidents/{}/updates", page.incident.id);
    let form = &page.form;
    let named: BTreeSet<_> = page.incident.statuses().into_keys().collect();
    // An update of an incident that is not public notifies no subscribers.
    let is_public = page.incident.visibility.is_public();
    let switch = is_public.then(|| notify::notify_switch(&page.shell, "notify"));
    let button = match is_public {
        true => notify::publish_button("Publish update", &page.shell, ButtonStyle::Primary, Some(PUBLISH_KEYS)),
        false => view! { <Submit words="Post internal update" keys=PUBLISH_KEYS/> }.into_any(),
    };
    let reopens = (!page.incident.is_open()).then(|| {
        view! { <p class="hint">"Resolved. Posting any other status reopens it."</p> }
    });
    view! {
        <ErrorSummary problems=problems.clone()/>
        {newer_update_notice(page)}
        {page.extras.notices(&format!("/admin/incidents/{}", page.incident.id), &page.shell)}
        <form method="post" action=path.clone() novalidate>
            {page.extras.hidden_fields()}
            <Hidden name="version" value=form.version.to_string()/>
            {composer::phase_field(&form.phase, problems)}
            {reopens}
            {composer::focusable_message_field(&form.body, problems, asks_for_message(page, problems))}
            {composer::component_fields(&page.board, &form.components, &named, problems)}
            {composer::next_update_field(&form.next_update, page.shell.zone, problems)}
            <p class="hint">"Resolving closes the incident and sets its components back to their manual status."</p>
            {composer::text_preview(&form.body, composer::phase_words(&form.phase))}
            <div class="bar">
                {switch}
                <p class="actions">
                    {button}
                    <PreviewTextButton action=path.clone()/>
                    {extra_buttons()}
                </p>
            </div>
        </form>
    }
    .into_any()
}

/// A link has preselected another status, and only the message is missing.
fn asks_for_message(page: &IncidentView, problems: &FormErrors) -> bool {
    let preselected = page.form.phase != page.incident.phase.key();
    preselected && page.form.body.is_empty() && page.conflict.is_none() && problems.is_empty()
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
    let public = incident.visibility.is_public().then(|| {
        view! { <a href=format!("/incidents/{}", incident.id)>"View on status page"</a> }
    });
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
                {public}
                {links}
            </p>
        </section>
    }
    .into_any()
}

fn other_open_incidents(open: &[Incident], shell: &AdminContext) -> AnyView {
    if open.is_empty() {
        return view! { <p class="soft">"No active incidents."</p> }.into_any();
    }
    view! { <ul class="cards">{open.iter().map(|incident| open_incident_card(incident, shell, None)).collect_view()}</ul> }
        .into_any()
}
