use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::ComponentBoard;
use super::composer::{self, PUBLISH_KEYS, message_tools};
use super::composer_extras::{ComposerExtras, status_answers, status_question};
use super::incident_edit::{
    DETAIL_FIELDS, VISIBILITY_FIELDS, detail_fields, impact_field, internal_fields, period_fields, visibility_fields,
    zone_field,
};
use super::notify;
use super::past_updates::{past_update_fields, past_update_names, past_updates_preview};
use crate::domain::forms::{IncidentForm, PAST_INCIDENT};
use crate::domain::{Invalid, Phase, Visibility};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, CheckBox, ErrorSummary, Field, FormErrors, Hidden, TextInput, zone_list};

/// The form that opens an incident, or adds a past one.
#[derive(Clone, Debug)]
pub struct IncidentNew {
    pub shell: AdminContext,
    /// As submitted; the messages are shown as a preview.
    pub form: IncidentForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub extras: ComposerExtras,
    /// Set if the message suggests another status: asks which one is right.
    pub suggested_phase: Option<Phase>,
    /// The update of a past incident that gets the focus.
    pub focus_update: Option<usize>,
}

const ACTION: &str = "/admin/incidents";

#[component]
pub fn IncidentNewPage(page: IncidentNew) -> impl IntoView {
    let shell = page.shell.clone();
    let rows = past_update_names();
    let order = ["title", "started_at", "ended_at", "zone"]
        .into_iter()
        .filter(|_| page.form.is_past())
        .chain(["title", "phase", "body"])
        .chain(rows.iter().map(String::as_str))
        .chain(["components", "next_update"])
        .chain(VISIBILITY_FIELDS)
        .chain(DETAIL_FIELDS)
        .collect::<Vec<_>>();
    let problems = FormErrors::new(&page.invalid, &order);
    let form = &page.form;
    let is_past = form.is_past();
    let title = Field::new("title", "Title").hint("What customers notice.").with_error(&problems);
    let phase = chosen_phase(form);
    let asks = page.suggested_phase.map(|suggested| status_question(suggested, phase));
    let fields = view! {
        {is_past.then(past_marks)}
        <Hidden name="new_id" value=form.id.clone()/>
        {page.extras.hidden_fields()}
        {asks}
        <TextInput
            field=title
            value=form.title.clone()
            autofocus=problems.is_empty() && page.focus_update.is_none()
        />
        {if is_past { past_fields(&page, &problems) } else { current_fields(&page, &problems) }}
        {visibility_section(&page, &problems)}
        {details_section(&page, &problems)}
    };
    let reach = (!is_past).then(|| notify::reach_span(&shell)).flatten();
    let primary = match page.suggested_phase {
        Some(suggested) => status_answers(suggested, reach),
        None => publish_button(reach),
    };
    let others = view! { <a href="/admin">"Cancel"</a>{composer::save_draft_button()} }.into_any();
    let switch = (!is_past).then(|| notify::notify_switch(&shell, "notify"));
    let preview = match is_past {
        true => composer::live_preview_of(ACTION, past_updates_preview(&form.past, &form.details.zone)),
        false => composer::live_preview(ACTION, &form.body, composer::phase_words(phase)),
    };
    let (heading, crumb) =
        if is_past { ("Add past incident", "Past incident") } else { ("Create incident", "New incident") };
    let content = view! {
        {composer::composer_crumbs(("/admin/incidents", "Incidents"), crumb, None)}
        <div class="title-line"><h1>{heading}</h1>{other_form_link(is_past)}</div>
        <ErrorSummary problems=problems.clone()/>
        {page.extras.notices(&shell)}
        {composer::composer_form(
            ACTION,
            fields.into_any(),
            preview,
            composer::composer_bar(switch, others, primary),
        )}
    };
    let title = problems.titled(heading);
    let island = !is_past;
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any() island/> }
}

/// The status of the newest update.
fn chosen_phase(form: &IncidentForm) -> &str {
    match form.past.last().map_or(&form.phase, |newest| &newest.phase) {
        phase if phase.is_empty() => Phase::default().key(),
        phase => phase,
    }
}

fn other_form_link(is_past: bool) -> AnyView {
    let (path, words) = match is_past {
        true => ("/admin/incidents/new", "Create a current incident instead"),
        false => ("/admin/incidents/new?past=1", "Add a past incident instead"),
    };
    view! { <a class="other-form" href=path>{words}</a> }.into_any()
}

/// What makes it the form of a past incident, and the button that the Enter key presses: the first in the form. The
/// first visible one would remove an update.
fn past_marks() -> AnyView {
    let formaction = format!("{ACTION}#preview");
    view! {
        <button type="submit" hidden name="preview" value="1" formaction=formaction>"Preview"</button>
        <Hidden name=PAST_INCIDENT value="1"/>
    }
    .into_any()
}

/// Status, message, components and promise of an incident that begins now.
fn current_fields(page: &IncidentNew, problems: &FormErrors) -> AnyView {
    let form = &page.form;
    let tools = message_tools(page.extras.template_links("/admin/incidents/new"), &composer::incident_sentences(false));
    view! {
        {composer::phase_field(chosen_phase(form), problems)}
        {composer::message_field_with(&form.body, problems, false, Some(tools))}
        {composer::component_fields(&page.board, &form.components, &BTreeSet::new(), problems)}
        {composer::next_update_field(&form.next_update, page.shell.zone, problems)}
    }
    .into_any()
}

/// Times, updates and components of a past incident.
fn past_fields(page: &IncidentNew, problems: &FormErrors) -> AnyView {
    let form = &page.form;
    view! {
        {period_fields(&form.details, problems, "Leave empty to use the time of the first update.")}
        {zone_field(&form.details, page.shell.zone, problems)}
        {zone_list()}
        {past_update_fields(&form.past, page.focus_update, problems)}
        {composer::component_fields(&page.board, &form.components, &BTreeSet::new(), problems)}
    }
    .into_any()
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
    let is_past = page.form.is_past();
    let internal = [&details.impact, &details.detected_by, &details.internal_note, &details.reminder];
    let times = [&details.started_at, &details.ended_at].into_iter().filter(|_| !is_past);
    let hint = match is_past {
        true => "A past incident notifies no subscribers otherwise.",
        false => "An incident that is created as resolved notifies no subscribers otherwise.",
    };
    let backfill = Field::new("notify_backfill", "Notify subscribers even if it is over").hint(hint);
    let open = internal.into_iter().chain(times).any(|text| !text.is_empty())
        || DETAIL_FIELDS.into_iter().any(|field| page.invalid.get(field).is_some());
    let fields = match is_past {
        true => view! { {impact_field(details, problems)}{internal_fields(details, problems)} }.into_any(),
        false => detail_fields(details, page.shell.zone, problems, "Leave empty for now."),
    };
    view! {
        <details class="fold" open=open>
            <summary>"More options"</summary>
            {fields}
            <CheckBox field=backfill checked=page.form.notify_backfill/>
        </details>
    }
    .into_any()
}
