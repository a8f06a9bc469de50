use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::ComponentBoard;
use super::composer::{self, PUBLISH_KEYS, message_tools};
use super::composer_extras::{ComposerExtras, status_answers, status_question};
use super::incident_edit::{DETAIL_FIELDS, VISIBILITY_FIELDS, detail_fields, visibility_fields};
use super::notify;
use crate::domain::forms::IncidentForm;
use crate::domain::{Invalid, Phase, Visibility};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, CheckBox, ErrorSummary, Field, FormErrors, Hidden, TextInput};

/// The form that opens an incident.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    pub shell: AdminContext,
    /// As submitted; the message is shown as a preview.
    pub form: IncidentForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub extras: ComposerExtras,
    /// Set if the message suggests another status: asks which one is right.
    pub suggested_phase: Option<Phase>,
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
    let title = Field::new("title", "Title").hint("What customers notice.").with_error(&problems);
    let tools = message_tools(page.extras.template_links("/admin/incidents/new"), &composer::incident_sentences(false));
    let asks = page.suggested_phase.map(|suggested| status_question(suggested, phase));
    let fields = view! {
        <Hidden name="new_id" value=form.id.clone()/>
        {page.extras.hidden_fields()}
        {asks}
        <TextInput field=title value=form.title.clone() autofocus=problems.is_empty()/>
        {composer::phase_field(phase, &problems)}
        {composer::message_field_with(&form.body, &problems, false, Some(tools))}
        {composer::component_fields(&page.board, &form.components, &BTreeSet::new(), &problems)}
        {composer::next_update_field(&form.next_update, shell.zone, &problems)}
        {visibility_section(&page, &problems)}
        {details_section(&page, &problems)}
    };
    let reach = notify::reach_span(&shell);
    let primary = match page.suggested_phase {
        Some(suggested) => status_answers(suggested, reach),
        None => publish_button(reach),
    };
    let others = view! { <a href="/admin">"Cancel"</a>{composer::save_draft_button()} }.into_any();
    let switch = Some(notify::notify_switch(&shell, "notify"));
    let content = view! {
        {composer::composer_crumbs(("/admin/incidents", "Incidents"), "New incident", None)}
        <div class="title-line"><h1>"Create incident"</h1></div>
        <ErrorSummary problems=problems.clone()/>
        {page.extras.notices(&shell)}
        {composer::composer_form(
            "/admin/incidents",
            fields.into_any(),
            composer::live_preview("/admin/incidents", &form.body, composer::phase_words(phase)),
            composer::composer_bar(switch, others, primary),
        )}
    };
    let title = problems.titled("Create incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island=true/> }
}

/// CSS shows the words for the chosen visibility: what is not public yet notifies later, when it is published.
fn publish_button(reach: Option<AnyView>) -> AnyView {
    view! {
        <button type="submit" class=ButtonStyle::Primary.class() data-keys=PUBLISH_KEYS>
            <span class="while-public">"Publish incident"{reach}</span>
            <span class="while-hidden">"Save internally"</span>
        </button>
    }
    .into_any()
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
