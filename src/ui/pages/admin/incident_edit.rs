use chrono_tz::Tz;
use leptos::prelude::*;

use super::conflict::{Conflict, conflict_details};
use super::notify;
use crate::domain::forms::IncidentDetailsForm;
use crate::domain::{Impact, Incident, Invalid, Reminder, Visibility};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    Choice, DateTimeLocal, ErrorSummary, Field, FormErrors, Hidden, PreviewPageButton, Select, Submit, TextArea,
    TextInput, ZoneInput, zone_list,
};

/// The form for an incident's details, apart from its updates.
#[derive(Clone, Debug)]
pub struct IncidentEdit {
    pub shell: AdminContext,
    pub incident: Incident,
    pub form: IncidentDetailsForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<IncidentDetailsForm>>,
}

/// The fields of [`detail_fields`] in their order.
pub const DETAIL_FIELDS: [&str; 7] =
    ["started_at", "ended_at", "zone", "impact", "reminder", "detected_by", "internal_note"];
/// The fields of [`visibility_fields`] in their order.
pub const VISIBILITY_FIELDS: [&str; 3] = ["visibility", "publish_at", "publish_zone"];

#[component]
pub fn IncidentEditPage(page: IncidentEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let order = ["title"].into_iter().chain(VISIBILITY_FIELDS).chain(DETAIL_FIELDS).collect::<Vec<_>>();
    let problems = FormErrors::new(&page.invalid, &order);
    let path = format!("/admin/incidents/{}", page.incident.id);
    let title = Field::new("title", "Title").hint("What customers notice.").with_error(&problems);
    // Only making an incident public notifies subscribers.
    let switch = (!page.incident.visibility.is_public()).then(|| notify::notify_switch(&shell, "notify"));
    let content = view! {
        <div class="column">
            <h1>"Edit the incident"</h1>
            <p class="soft"><a href=path.clone() dir="auto">{page.incident.title.clone()}</a></p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            <form method="post" action=path.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                <TextInput field=title value=page.form.title.clone()/>
                {visibility_fields(&page.form, shell.zone, &problems)}
                {detail_fields(&page.form, shell.zone, &problems, "Leave empty to keep it.")}
                {zone_list()}
                {switch}
                <p class="actions">
                    <Submit words="Publish changes"/>
                    <PreviewPageButton/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Edit the incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any()/> }
}

/// Visibility: public, public from a given time on, or internal.
pub fn visibility_fields(form: &IncidentDetailsForm, page_zone: Tz, problems: &FormErrors) -> AnyView {
    let who = Field::new("visibility", "Visibility").with_error(problems);
    let from = Field::new("publish_at", "Publish at").hint("Only if it is published at a set time.");
    let zone = Field::new("publish_zone", "Time zone").with_error(problems);
    let who_value = if form.visibility.is_empty() { Visibility::Public.key() } else { &form.visibility };
    let zone_value = if form.publish_zone.is_empty() { page_zone.name() } else { &form.publish_zone };
    let words = ["Public", "Publish at a set time", "Internal"];
    let choices = Visibility::KEYS.into_iter().zip(words).map(|(key, words)| Choice::new(key, words)).collect();
    view! {
        <Select field=who choices value=who_value/>
        <div class="pair">
            <DateTimeLocal field=from.with_error(problems) value=form.publish_at.clone()/>
            <ZoneInput field=zone value=zone_value/>
        </div>
    }
    .into_any()
}

/// Times, zone, impact, detection, reminder and internal note; `no_start` is the hint for an empty start.
pub fn detail_fields(form: &IncidentDetailsForm, page_zone: Tz, problems: &FormErrors, no_start: &str) -> AnyView {
    view! {
        {period_fields(form, problems, no_start)}
        <div class="pair">
            {zone_field(form, page_zone, problems)}
            {impact_field(form, problems)}
        </div>
        {internal_fields(form, problems)}
    }
    .into_any()
}

pub fn period_fields(form: &IncidentDetailsForm, problems: &FormErrors, no_start: &str) -> AnyView {
    let started = Field::new("started_at", "Started").hint(no_start).with_error(problems);
    let ended = Field::new("ended_at", "Ended")
        .hint("Leave empty to use the time of the “Resolved” update.")
        .with_error(problems);
    view! {
        <div class="pair">
            <DateTimeLocal field=started value=form.started_at.clone()/>
            <DateTimeLocal field=ended value=form.ended_at.clone()/>
        </div>
    }
    .into_any()
}

pub fn zone_field(form: &IncidentDetailsForm, page_zone: Tz, problems: &FormErrors) -> AnyView {
    let field = Field::new("zone", "Time zone").with_error(problems);
    let value = if form.zone.is_empty() { page_zone.name() } else { &form.zone };
    view! { <ZoneInput field value/> }.into_any()
}

pub fn impact_field(form: &IncidentDetailsForm, problems: &FormErrors) -> AnyView {
    let field = Field::new("impact", "Impact").with_error(problems);
    view! { <Select field choices=impact_choices() value=form.impact.clone()/> }.into_any()
}

/// Reminder, detection and internal note.
pub fn internal_fields(form: &IncidentDetailsForm, problems: &FormErrors) -> AnyView {
    let remind = Field::new("reminder", "Remind managers to post an update").with_error(problems);
    let detected =
        Field::new("detected_by", "Detected by (optional)").hint("For example monitoring or a customer report.");
    let note = Field::new("internal_note", "Internal note (optional)").hint("Only managers see it.");
    view! {
        <Select field=remind choices=reminder_choices(&form.reminder) value=form.reminder.clone()/>
        <TextInput field=detected.with_error(problems) value=form.detected_by.clone()/>
        <TextArea field=note.with_error(problems) value=form.internal_note.clone() rows=3/>
    }
    .into_any()
}

/// The default, common intervals, and the current reminder if not among them.
fn reminder_choices(current: &str) -> Vec<Choice> {
    let common = [1, 2, 4, 8, 24].map(Reminder::Every);
    let mut reminders: Vec<Reminder> = std::iter::once(Reminder::Usual).chain(common).chain([Reminder::Off]).collect();
    reminders.extend(Reminder::from_text(current).filter(|current| !reminders.contains(current)));
    reminders.into_iter().map(|reminder| Choice::new(reminder.to_field(), reminder.words())).collect()
}

fn impact_choices() -> Vec<Choice> {
    let computed = Choice::new("", "Automatic");
    let fixed = Impact::ALL.into_iter().map(|impact| Choice::new(impact.key(), impact.words()));
    std::iter::once(computed).chain(fixed).collect()
}
