use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::ComponentBoard;
use super::composer::{self, PUBLISH_KEYS};
use super::composer_extras::{ComposerExtras, extra_buttons};
use super::incident_edit::{DETAIL_FIELDS, VISIBILITY_FIELDS, detail_fields, visibility_fields};
use super::notify;
use crate::domain::forms::IncidentForm;
use crate::domain::{Invalid, Phase, Visibility};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, CheckBox, ErrorSummary, Field, FormErrors, Hidden, PreviewTextButton, Submit, TextInput,
};

/// The form that opens an incident.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    pub shell: AdminContext,
    /// As submitted; the message is shown as a preview.
    pub form: IncidentForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub extras: ComposerExtras,
}

#[component]
pub fn IncidentNewPage(page: IncidentNew) -> impl IntoView {
    let shell = page.shell.clone();
    let order = ["title", "phase", "body", "components", "next_update"]
        .into_iter()
        .chain(VISIBILITY_FIELDS)
        .chain(DETAIL_FIELDS)
        .collect::<Vec<_>>();
    let problems = FormErrors::new(&page.invalid, &order);
    let form = &page.form;
    let phase = if form.phase.is_empty() { Phase::default().key() } else { &form.phase };
    let submit = if is_public(form) { "Publish" } else { "Save internally" };
    // What is not public yet notifies later, when it is published.
    let button = match is_public(form) {
        true => notify::publish_button(submit, &shell, ButtonStyle::Primary, Some(PUBLISH_KEYS)),
        false => view! { <Submit words=submit keys=PUBLISH_KEYS/> }.into_any(),
    };
    let title = Field::new("title", "Title").hint("What customers notice.").with_error(&problems);
    let content = view! {
        <div class="column">
            <h1>"Create incident"</h1>
            <ErrorSummary problems=problems.clone()/>
            {page.extras.notices("/admin/incidents/new", &shell)}
            <form method="post" action="/admin/incidents" novalidate>
                <Hidden name="new_id" value=form.id.clone()/>
                {page.extras.hidden_fields()}
                <TextInput field=title value=form.title.clone() autofocus=problems.is_empty()/>
                {composer::phase_field(phase, &problems)}
                {composer::message_field(&form.body, &problems)}
                {composer::component_fields(&page.board, &form.components, &BTreeSet::new(), &problems)}
                {composer::next_update_field(&form.next_update, shell.zone, &problems)}
                {visibility_section(&page, &problems)}
                {details_section(&page, &problems)}
                {composer::text_preview(&form.body, composer::phase_words(phase))}
                <div class="bar">
                    {notify::notify_switch(&shell, "notify")}
                    <p class="actions">
                        {button}
                        <PreviewTextButton action="/admin/incidents"/>
                        {extra_buttons()}
                        <a href="/admin">"Cancel"</a>
                    </p>
                </div>
            </form>
        </div>
    };
    let title = problems.titled("Create incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=true/> }
}

fn is_public(form: &IncidentForm) -> bool {
    ["", Visibility::Public.key()].contains(&form.details.visibility.as_str())
}

/// Folded while the incident is public and the fields have no errors.
fn visibility_section(page: &IncidentNew, problems: &FormErrors) -> AnyView {
    let open = !is_public(&page.form) || VISIBILITY_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    view! {
        <details class="fold" open=open>
            <summary>"Visibility"</summary>
            {visibility_fields(&page.form.details, page.shell.zone, problems)}
        </details>
    }
    .into_any()
}

/// Folded while all fields are empty and without errors.
fn details_section(page: &IncidentNew, problems: &FormErrors) -> AnyView {
    let details = &page.form.details;
    let texts = [
        &details.impact,
        &details.started_at,
        &details.ended_at,
        &details.detected_by,
        &details.internal_note,
        &details.reminder,
    ];
    let backfill = Field::new("notify_backfill", "Notify subscribers even if it is over")
        .hint("An incident that is created as resolved notifies no subscribers otherwise.");
    let open = texts.into_iter().any(|text| !text.is_empty())
        || DETAIL_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    view! {
        <details class="fold" open=open>
            <summary>"More options"</summary>
            {detail_fields(details, page.shell.zone, problems, "Leave empty for now.")}
            <CheckBox field=backfill checked=false/>
        </details>
    }
    .into_any()
}
