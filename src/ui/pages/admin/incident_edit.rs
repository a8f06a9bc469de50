use chrono_tz::Tz;
use leptos::prelude::*;

use super::conflict::{Conflict, both_texts};
use crate::domain::forms::IncidentDetailsForm;
use crate::domain::{Impact, Incident, Invalid};
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{
    Choice, DateTimeLocal, ErrorSummary, Field, Hidden, Problems, Select, Submit, TextArea, TextInput, zone_choices,
};

/// The form for what can be said of an incident besides its updates.
#[derive(Clone, Debug)]
pub struct IncidentEdit {
    pub shell: Shell,
    /// As it stands.
    pub incident: Incident,
    pub form: IncidentDetailsForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<IncidentDetailsForm>>,
}

/// The fields of [`detail_fields`] in their order.
pub const DETAIL_FIELDS: [&str; 6] = ["started_at", "ended_at", "zone", "impact", "detected_by", "internal_note"];

/// Edits an incident's details.
#[component]
pub fn IncidentEditPage(page: IncidentEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let order = ["title"].into_iter().chain(DETAIL_FIELDS).collect::<Vec<_>>();
    let problems = Problems::new(&page.invalid, &order);
    let path = format!("/admin/incidents/{}", page.incident.id);
    let title = Field::new("title", "Title").hint("What the visitor notices.").judged(&problems);
    let content = view! {
        <div class="column">
            <h1>"Edit the incident"</h1>
            <p class="soft"><a href=path.clone() dir="auto">{page.incident.title.clone()}</a></p>
            <ErrorSummary problems=problems.clone()/>
            {both_texts(page.conflict.as_ref(), &page.form, &shell)}
            <form method="post" action=path.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                <TextInput field=title value=page.form.title.clone()/>
                {detail_fields(&page.form, shell.zone, &problems, "Empty leaves it as it is.")}
                <p class="actions">
                    <Submit words="Publish changes"/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Edit the incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any()/> }
}

/// Times, zone, impact, who noticed it, and the note for managers; `no_start` says what an empty start means.
pub fn detail_fields(form: &IncidentDetailsForm, page_zone: Tz, problems: &Problems, no_start: &str) -> AnyView {
    let started = Field::new("started_at", "Started").hint(no_start).judged(problems);
    let ended = Field::new("ended_at", "Ended").hint("Empty means the time of the resolving update.").judged(problems);
    let zone = Field::new("zone", "Time zone of the two").judged(problems);
    let zone_value = if form.zone.is_empty() { page_zone.name() } else { &form.zone };
    let impact = Field::new("impact", "Impact").judged(problems);
    let detected = Field::new("detected_by", "Detected by (optional)").hint("A customer, a probe, a person.");
    let note = Field::new("internal_note", "Internal note (optional)").hint("For managers only; no visitor sees it.");
    view! {
        <div class="pair">
            <DateTimeLocal field=started value=form.started_at.clone()/>
            <DateTimeLocal field=ended value=form.ended_at.clone()/>
        </div>
        <div class="pair">
            <Select field=zone choices=zone_choices() value=zone_value/>
            <Select field=impact choices=impact_choices() value=form.impact.clone()/>
        </div>
        <TextInput field=detected.judged(problems) value=form.detected_by.clone()/>
        <TextArea field=note.judged(problems) value=form.internal_note.clone() rows=3/>
    }
    .into_any()
}

fn impact_choices() -> Vec<Choice> {
    let computed = Choice::new("", "Computed from the components");
    let fixed = Impact::ALL.into_iter().map(|impact| Choice::new(impact.key(), impact.words()));
    std::iter::once(computed).chain(fixed).collect()
}
