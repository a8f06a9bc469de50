use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::{Board, small_board, status_words};
use super::composer::{self, Draft, PUBLISH_KEYS};
use super::composer_extras::{Aids, buttons};
use super::conflict::{Conflict, notice};
use super::incident_card::{impact_words, open_card, seen, standing};
use crate::domain::forms::UpdateForm;
use crate::domain::{Incident, Invalid, Update, Visibility};
use crate::format::markdown;
use crate::format::time::{full, span};
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{ErrorSummary, Hidden, PreviewButton, Problems, RehearseButton, Submit, Weight};
use crate::ui::time::Time;

/// An incident with everything said of it, and the form that says more.
#[derive(Clone, Debug)]
pub struct IncidentView {
    pub shell: Shell,
    /// As it stands, with its updates oldest first.
    pub incident: Incident,
    /// As it was typed; its message, if any, is shown as a preview.
    pub form: UpdateForm,
    pub invalid: Invalid,
    pub board: Board,
    /// Every open incident, this one included.
    pub open: Vec<Incident>,
    /// Somebody changed `incident` in between; what stands now is `incident` itself.
    pub conflict: Option<Conflict<()>>,
    pub aids: Aids,
}

/// The incident, with its composer for those who may publish.
#[component]
pub fn IncidentPage(page: IncidentView) -> impl IntoView {
    let shell = page.shell.clone();
    let composes = shell.can_publish();
    let title = page.incident.title.clone();
    let problems = Problems::new(&page.invalid, &["phase", "body", "components"]);
    let (heading, above) = if composes {
        ("Post an update".to_owned(), Some(view! { <span dir="auto">{title.clone()}</span>" · " }))
    } else {
        (title.clone(), None)
    };
    let content = view! {
        <div class="aside-right">
            <div>
                <h1 dir="auto">{heading}</h1>
                <p class="soft">{above}{in_short(&page.incident, &shell)}</p>
                {unseen(&page.incident, &shell)}
                {composes.then(|| composer(&page, &problems))}
                {timeline(&page.incident, &shell)}
                {about(&page.incident, &shell)}
            </div>
            <aside>
                <h2>"Active incidents"</h2>
                {open_now(&page.open, &shell)}
                <h2>"Components"</h2>
                {small_board(&page.board)}
            </aside>
        </div>
    };
    let title = problems.titled(&title);
    view! {
        <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=composes/>
    }
}

fn in_short(incident: &Incident, shell: &Shell) -> AnyView {
    if incident.is_open() {
        return standing(incident, shell);
    }
    let words = span(incident.started_at, incident.ended_at, shell.zone);
    let seen = seen(incident.visibility, shell.zone).map(|seen| view! { {seen}" · " });
    view! { {seen}{impact_words(incident.impact())}" · resolved · "{words} }.into_any()
}

/// What visitors don't see says so, and can be published at once.
fn unseen(incident: &Incident, shell: &Shell) -> Option<AnyView> {
    let words = match incident.visibility {
        Visibility::Public => return None,
        Visibility::Embargoed(at) => {
            view! { "Scheduled to publish at "<Time at words=full(at, shell.zone)/>"." }.into_any()
        }
        Visibility::Internal => "Internal: not on the public page.".into_any(),
    };
    let now = shell.can_publish().then(|| {
        view! {
            <form method="post" action=format!("/admin/incidents/{}/publication", incident.id)>
                <Hidden name="version" value=incident.version.to_string()/>
                <p class="actions">
                    <Submit words="Publish now" weight=Weight::Quiet/>
                    <RehearseButton about="publishing it now"/>
                </p>
            </form>
        }
    });
    Some(view! { <div class="summary unseen-yet"><p>{words}</p>{now}</div> }.into_any())
}

fn composer(page: &IncidentView, problems: &Problems) -> AnyView {
    let path = format!("/admin/incidents/{}/updates", page.incident.id);
    let form = &page.form;
    let named: BTreeSet<_> = page.incident.statuses().into_keys().collect();
    let submit = if page.incident.visibility.is_public() { "Publish update" } else { "Post internal update" };
    let posted = page.incident.newest().map(|update| update.body.clone()).unwrap_or_default();
    let draft = Draft { place: page.incident.id.to_string(), posted };
    let reopens = (!page.incident.is_open()).then(|| {
        view! { <p class="hint">"Resolved. Posting any other status reopens it."</p> }
    });
    view! {
        <ErrorSummary problems=problems.clone()/>
        {in_between(page)}
        {page.aids.above(&format!("/admin/incidents/{}", page.incident.id), &page.shell)}
        <form method="post" action=path.clone() novalidate>
            {page.aids.fields()}
            <Hidden name="version" value=form.version.to_string()/>
            {composer::phase(&form.phase, problems)}
            {reopens}
            {composer::message(&form.body, problems)}
            {composer::components(&page.board, &form.components, &named, problems)}
            <p class="hint">"Resolving closes the incident and sets its components back to their manual status."</p>
            {composer::preview(&form.body, composer::phase_words(&form.phase), draft)}
            <p class="actions">
                <Submit words=submit keys=PUBLISH_KEYS/>
                <PreviewButton action=path.clone()/>
                {buttons()}
            </p>
        </form>
    }
    .into_any()
}

/// The newest update, where somebody changed the incident in between.
fn in_between(page: &IncidentView) -> Option<AnyView> {
    let conflict = page.conflict.as_ref()?;
    let newest = page.incident.newest().map(|update| said(update, &page.shell)).into_any();
    Some(notice(conflict.by.as_deref(), conflict.at, newest, &page.shell))
}

fn timeline(incident: &Incident, shell: &Shell) -> AnyView {
    let post = |update: &Update| {
        view! { <li>{said(update, shell)}{named(update)}{update_links(incident, update, shell)}</li> }
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

/// What an update says: phase, time, text.
pub fn said(update: &Update, shell: &Shell) -> AnyView {
    let edited = update.edited_at.map(|at| view! { " · edited "<Time at words=full(at, shell.zone)/> });
    let later = (update.created_at != update.posted_at)
        .then(|| view! { " · written "<Time at=update.created_at words=full(update.created_at, shell.zone)/> });
    view! {
        <p class="said">
            <strong>{update.phase.words()}</strong>
            " "
            <span class="soft">
                <Time at=update.posted_at words=full(update.posted_at, shell.zone)/>{edited}{later}
            </span>
        </p>
        <div class="prose" dir="auto" inner_html=markdown::render(&update.body)></div>
    }
    .into_any()
}

fn named(update: &Update) -> Option<AnyView> {
    let component = |component: &crate::domain::AffectedComponent| {
        view! { <li><span dir="auto">{component.name.clone()}</span>": "{status_words(component.status)}</li> }
    };
    (!update.components.is_empty())
        .then(|| view! { <ul class="named">{update.components.iter().map(component).collect_view()}</ul> }.into_any())
}

fn update_links(incident: &Incident, update: &Update, shell: &Shell) -> Option<AnyView> {
    let path = format!("/admin/incidents/{}/updates/{}", incident.id, update.id);
    let which = format!(" the update of {}", full(update.posted_at, shell.zone));
    shell.can_publish().then(|| {
        let newest = incident.newest().is_some_and(|newest| newest.id == update.id);
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

/// What managers know of the incident besides its updates.
fn about(incident: &Incident, shell: &Shell) -> AnyView {
    let row = |term: &'static str, text: String| view! { <dt>{term}</dt><dd class="lines" dir="auto">{text}</dd> };
    let ended = incident.ended_at.map(|at| row("Ended", full(at, shell.zone)));
    let impact = match incident.impact_override {
        Some(impact) => format!("{} (manual)", impact.words()),
        None => format!("{} (automatic)", incident.impact().words()),
    };
    let path = format!("/admin/incidents/{}", incident.id);
    let public = incident.visibility.is_public().then(|| {
        view! { <a href=format!("/incidents/{}", incident.id)>"View on status page"</a> }
    });
    let review = if incident.reviewed_at.is_some() { "Postmortem (published)" } else { "Write a postmortem" };
    let links = shell.can_publish().then(|| {
        view! {
            <a href=format!("{path}/edit")>"Edit incident"</a>
            <a href=format!("{path}/review")>{review}</a>
            <a class="danger" href=format!("{path}/deletion")>"Delete the incident"</a>
        }
    });
    view! {
        <section aria-labelledby="details">
            <h2 id="details">"Details"</h2>
            <dl>
                {row("Started", full(incident.started_at, shell.zone))}
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

fn open_now(open: &[Incident], shell: &Shell) -> AnyView {
    if open.is_empty() {
        return view! { <p class="soft">"No active incidents."</p> }.into_any();
    }
    view! { <ul class="cards">{open.iter().map(|incident| open_card(incident, shell, None)).collect_view()}</ul> }
        .into_any()
}
