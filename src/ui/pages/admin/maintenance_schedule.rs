//! Rescheduling, extending and cancelling a maintenance.

use leptos::prelude::*;

use super::conflict::Conflict;
use super::maintenance::newer_version_notice;
use super::maintenance_new::window_fields;
use super::notify;
use crate::domain::forms::{CancellationForm, ExtensionForm, ScheduleForm};
use crate::domain::{Invalid, Maintenance, MaintenancePhase};
use crate::format::time::format_window;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, DateTimeLocal, ErrorSummary, Field, FormErrors, Hidden, PreviewPageButton, TextArea, ZoneInput,
    zone_list,
};

#[derive(Clone, Debug)]
pub struct MaintenanceSchedule {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub form: ScheduleForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

#[derive(Clone, Debug)]
pub struct MaintenanceExtension {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub form: ExtensionForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

#[derive(Clone, Debug)]
pub struct MaintenanceCancellation {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub form: CancellationForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

#[component]
pub fn MaintenanceSchedulePage(page: MaintenanceSchedule) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["scheduled_for", "scheduled_until", "zone", "body"]);
    let late = (page.maintenance.phase != MaintenancePhase::Scheduled)
        .then(|| view! { <p class="hint">"It has already started; it can't be rescheduled."</p> });
    let fields = view! {
        {late}
        <Hidden name="version" value=page.form.version.to_string()/>
        {window_fields(&page.form.window, &problems)}
        {message_field(&page.form.body, "This maintenance has been moved to another time.", &problems)}
    }
    .into_any();
    let frame = FormFrame { heading: "Reschedule maintenance", path: "schedule", button: "Reschedule", problems };
    frame.wrap(page.shell, &page.maintenance, page.conflict.as_ref(), fields, ButtonStyle::Primary)
}

#[component]
pub fn MaintenanceExtensionPage(page: MaintenanceExtension) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["until", "zone", "body"]);
    let late = (!page.maintenance.phase.is_active())
        .then(|| view! { <p class="hint">"Only maintenance in progress can be extended."</p> });
    let until = Field::new("until", "New end").with_error(&problems);
    let zone = Field::new("zone", "Time zone").with_error(&problems);
    let fields = view! {
        {late}
        <Hidden name="version" value=page.form.version.to_string()/>
        <div class="pair">
            <DateTimeLocal field=until value=page.form.until.clone()/>
            <ZoneInput field=zone value=page.form.zone.clone()/>
            {zone_list()}
        </div>
        {message_field(&page.form.body, "This maintenance takes longer than planned.", &problems)}
    }
    .into_any();
    let frame = FormFrame { heading: "Extend window", path: "extension", button: "Extend window", problems };
    frame.wrap(page.shell, &page.maintenance, page.conflict.as_ref(), fields, ButtonStyle::Primary)
}

#[component]
pub fn MaintenanceCancellationPage(page: MaintenanceCancellation) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["body"]);
    let fields = view! {
        <p>"It stays on the page and in calendars as cancelled, and its components return to their manual status. This can't be undone."</p>
        <Hidden name="version" value=page.form.version.to_string()/>
        {message_field(&page.form.body, MaintenancePhase::Cancelled.default_text(), &problems)}
    }
    .into_any();
    let frame = FormFrame {
        heading: "Cancel the maintenance",
        path: "cancellation",
        button: "Cancel the maintenance",
        problems,
    };
    frame.wrap(page.shell, &page.maintenance, page.conflict.as_ref(), fields, ButtonStyle::Destructive)
}

/// The message to visitors; `usual` is posted if it is empty.
fn message_field(value: &str, usual: &str, problems: &FormErrors) -> AnyView {
    let field =
        Field::new("body", "Message (optional)").hint(format!("Leave empty to post: “{usual}”")).with_error(problems);
    view! { <TextArea field value=value.to_owned() rows=3/> }.into_any()
}

struct FormFrame {
    heading: &'static str,
    path: &'static str,
    button: &'static str,
    problems: FormErrors,
}

impl FormFrame {
    fn wrap(
        self,
        shell: AdminContext,
        it: &Maintenance,
        conflict: Option<&Conflict<()>>,
        fields: AnyView,
        weight: ButtonStyle,
    ) -> AnyView {
        let back = format!("/admin/maintenances/{}", it.id);
        let content = view! {
            <div class="column">
                <h1>{self.heading}</h1>
                <p class="soft">
                    <a href=back.clone() dir="auto">{it.title.clone()}</a>
                    " · "{format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone)}
                </p>
                <ErrorSummary problems=self.problems.clone()/>
                {newer_version_notice(conflict, it, &shell)}
                <form method="post" action=format!("{back}/{}", self.path) novalidate>
                    {fields}
                    {notify::notify_switch(&shell, "notify")}
                    <p class="actions">
                        {notify::publish_button(self.button, &shell, weight, None)}
                        <PreviewPageButton/>
                        <a href=back.clone()>"Back"</a>
                    </p>
                </form>
            </div>
        };
        let title = self.problems.titled(self.heading);
        view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }.into_any()
    }
}
