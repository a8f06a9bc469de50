use std::collections::BTreeSet;

use leptos::prelude::*;

use super::board::Board;
use super::composer::{self, Draft};
use super::incident_edit::{DETAIL_FIELDS, detail_fields};
use crate::domain::forms::IncidentForm;
use crate::domain::{Invalid, Phase};
use crate::islands::composer::NEW_DRAFT;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{ErrorSummary, Field, PreviewButton, Problems, Submit, TextInput};

/// The form that opens an incident.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    pub shell: Shell,
    /// As it was typed; its message, if any, is shown as a preview.
    pub form: IncidentForm,
    pub invalid: Invalid,
    pub board: Board,
}

/// Opens an incident.
#[component]
pub fn IncidentNewPage(page: IncidentNew) -> impl IntoView {
    let shell = page.shell.clone();
    let order = ["title", "phase", "body", "components"].into_iter().chain(DETAIL_FIELDS).collect::<Vec<_>>();
    let problems = Problems::new(&page.invalid, &order);
    let form = &page.form;
    let phase = if form.phase.is_empty() { Phase::default().key() } else { &form.phase };
    let title = Field::new("title", "Title").hint("What the visitor notices.").judged(&problems);
    let draft = Draft { place: NEW_DRAFT.into(), posted: String::new() };
    let content = view! {
        <div class="column">
            <h1>"Open an incident"</h1>
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action="/admin/incidents" novalidate>
                <TextInput field=title value=form.title.clone() autofocus=problems.is_empty()/>
                {composer::phase(phase, &problems)}
                {composer::message(&form.body, &problems)}
                {composer::components(&page.board, &form.components, &BTreeSet::new(), &problems)}
                {details(&page, &problems)}
                {composer::preview(&form.body, composer::phase_words(phase), draft)}
                <p class="actions">
                    <Submit words="Publish incident"/>
                    <PreviewButton action="/admin/incidents"/>
                    <a href="/admin">"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Open an incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=true/> }
}

/// The details, folded unless something is written or wrong there.
fn details(page: &IncidentNew, problems: &Problems) -> AnyView {
    let details = &page.form.details;
    let texts = [&details.impact, &details.started_at, &details.ended_at, &details.detected_by, &details.internal_note];
    let open = texts.into_iter().any(|text| !text.is_empty())
        || DETAIL_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    view! {
        <details class="fold" open=open>
            <summary>"Details: times, impact, internal note"</summary>
            {detail_fields(details, page.shell.zone, problems, "Empty means now.")}
        </details>
    }
    .into_any()
}
