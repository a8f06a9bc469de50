use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::Board;
use super::composer::{self, Draft, PUBLISH_KEYS};
use super::composer_extras::{Aids, buttons};
use super::incident_edit::{DETAIL_FIELDS, SEEN_FIELDS, detail_fields, seen_fields};
use crate::domain::forms::IncidentForm;
use crate::domain::{Invalid, Phase, Visibility};
use crate::islands::composer::NEW_DRAFT;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{ErrorSummary, Field, Hidden, PreviewButton, Problems, Submit, TextInput};

/// The form that opens an incident.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    pub shell: Shell,
    /// As it was typed; its message, if any, is shown as a preview.
    pub form: IncidentForm,
    pub invalid: Invalid,
    pub board: Board,
    pub aids: Aids,
}

/// Opens an incident.
#[component]
pub fn IncidentNewPage(page: IncidentNew) -> impl IntoView {
    let shell = page.shell.clone();
    let order = ["title", "phase", "body", "components"]
        .into_iter()
        .chain(SEEN_FIELDS)
        .chain(DETAIL_FIELDS)
        .collect::<Vec<_>>();
    let problems = Problems::new(&page.invalid, &order);
    let form = &page.form;
    let phase = if form.phase.is_empty() { Phase::default().key() } else { &form.phase };
    let submit = if is_public(form) { "Publish" } else { "Save internally" };
    let title = Field::new("title", "Title").hint("What customers notice.").judged(&problems);
    let draft = Draft { place: NEW_DRAFT.into(), posted: String::new() };
    let content = view! {
        <div class="column">
            <h1>"Create incident"</h1>
            <ErrorSummary problems=problems.clone()/>
            {page.aids.above("/admin/incidents/new", &shell)}
            <form method="post" action="/admin/incidents" novalidate>
                <Hidden name="new_id" value=form.id.clone()/>
                {page.aids.fields()}
                <TextInput field=title value=form.title.clone() autofocus=problems.is_empty()/>
                {composer::phase(phase, &problems)}
                {composer::message(&form.body, &problems)}
                {composer::components(&page.board, &form.components, &BTreeSet::new(), &problems)}
                {who_sees_it(&page, &problems)}
                {details(&page, &problems)}
                {composer::preview(&form.body, composer::phase_words(phase), draft)}
                <p class="actions">
                    <Submit words=submit keys=PUBLISH_KEYS/>
                    <PreviewButton action="/admin/incidents"/>
                    {buttons()}
                    <a href="/admin">"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Create incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=true/> }
}

fn is_public(form: &IncidentForm) -> bool {
    ["", Visibility::Public.key()].contains(&form.details.visibility.as_str())
}

/// Who sees it, folded while that is everybody.
fn who_sees_it(page: &IncidentNew, problems: &Problems) -> AnyView {
    let open = !is_public(&page.form) || SEEN_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    view! {
        <details class="fold" open=open>
            <summary>"Visibility"</summary>
            {seen_fields(&page.form.details, page.shell.zone, problems)}
        </details>
    }
    .into_any()
}

/// The details, folded unless something is written or wrong there.
fn details(page: &IncidentNew, problems: &Problems) -> AnyView {
    let details = &page.form.details;
    let texts = [
        &details.impact,
        &details.started_at,
        &details.ended_at,
        &details.detected_by,
        &details.internal_note,
        &details.reminder,
    ];
    let open = texts.into_iter().any(|text| !text.is_empty())
        || DETAIL_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    view! {
        <details class="fold" open=open>
            <summary>"More options"</summary>
            {detail_fields(details, page.shell.zone, problems, "Leave empty for now.")}
        </details>
    }
    .into_any()
}
