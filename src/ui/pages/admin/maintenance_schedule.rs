//! Another time, more time, and no time at all.

use leptos::prelude::*;

use super::conflict::Conflict;
use super::maintenance::changed_meanwhile;
use super::maintenance_new::window_fields;
use crate::domain::forms::{CancellationForm, ExtensionForm, ScheduleForm};
use crate::domain::{Invalid, Maintenance, MaintenancePhase};
use crate::format::time::window;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{
    DateTimeLocal, ErrorSummary, Field, Hidden, Problems, RehearseButton, Select, Submit, TextArea, Weight,
    zone_choices,
};

/// The form that moves a maintenance to another time.
#[derive(Clone, Debug)]
pub struct MaintenanceSchedule {
    pub shell: Shell,
    pub maintenance: Maintenance,
    pub form: ScheduleForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

/// The form that gives a maintenance more time.
#[derive(Clone, Debug)]
pub struct MaintenanceExtension {
    pub shell: Shell,
    pub maintenance: Maintenance,
    pub form: ExtensionForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

/// The question before a maintenance is called off.
#[derive(Clone, Debug)]
pub struct MaintenanceCancellation {
    pub shell: Shell,
    pub maintenance: Maintenance,
    pub form: CancellationForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<()>>,
}

/// Moves a maintenance.
#[component]
pub fn MaintenanceSchedulePage(page: MaintenanceSchedule) -> impl IntoView {
    let problems = Problems::new(&page.invalid, &["scheduled_for", "scheduled_until", "zone", "body"]);
    let late = (page.maintenance.phase != MaintenancePhase::Scheduled)
        .then(|| view! { <p class="hint">"It has already started; it can't be rescheduled."</p> });
    let fields = view! {
        {late}
        <Hidden name="version" value=page.form.version.to_string()/>
        {window_fields(&page.form.window, &problems)}
        {message(&page.form.body, "This maintenance has been moved to another time.", &problems)}
    }
    .into_any();
    let frame = Frame { heading: "Reschedule maintenance", path: "schedule", button: "Reschedule", problems };
    frame.around(page.shell, &page.maintenance, page.conflict.as_ref(), fields, Weight::Primary)
}

/// Gives a maintenance more time.
#[component]
pub fn MaintenanceExtensionPage(page: MaintenanceExtension) -> impl IntoView {
    let problems = Problems::new(&page.invalid, &["until", "zone", "body"]);
    let late = (!page.maintenance.phase.is_active())
        .then(|| view! { <p class="hint">"Only maintenance in progress can be extended."</p> });
    let until = Field::new("until", "New end").judged(&problems);
    let zone = Field::new("zone", "Time zone").judged(&problems);
    let fields = view! {
        {late}
        <Hidden name="version" value=page.form.version.to_string()/>
        <div class="pair">
            <DateTimeLocal field=until value=page.form.until.clone()/>
            <Select field=zone choices=zone_choices() value=page.form.zone.clone()/>
        </div>
        {message(&page.form.body, "This maintenance takes longer than planned.", &problems)}
    }
    .into_any();
    let frame = Frame { heading: "Extend window", path: "extension", button: "Extend window", problems };
    frame.around(page.shell, &page.maintenance, page.conflict.as_ref(), fields, Weight::Primary)
}

/// Asks before a maintenance is called off.
#[component]
pub fn MaintenanceCancellationPage(page: MaintenanceCancellation) -> impl IntoView {
    let problems = Problems::new(&page.invalid, &["body"]);
    let fields = view! {
        <p>"It stays on the page and in calendars as cancelled, and its components return to their manual status. This can't be undone."</p>
        <Hidden name="version" value=page.form.version.to_string()/>
        {message(&page.form.body, MaintenancePhase::Cancelled.usual_text(), &problems)}
    }
    .into_any();
    let frame =
        Frame { heading: "Cancel the maintenance", path: "cancellation", button: "Cancel the maintenance", problems };
    frame.around(page.shell, &page.maintenance, page.conflict.as_ref(), fields, Weight::Destructive)
}

/// What visitors are told, and what that is where nothing is written.
fn message(value: &str, usual: &str, problems: &Problems) -> AnyView {
    let field =
        Field::new("body", "Message (optional)").hint(format!("Leave empty to post: “{usual}”")).judged(problems);
    view! { <TextArea field value=value.to_owned() rows=3/> }.into_any()
}

/// What is around the three forms.
struct Frame {
    heading: &'static str,
    path: &'static str,
    button: &'static str,
    problems: Problems,
}

impl Frame {
    fn around(
        self,
        shell: Shell,
        it: &Maintenance,
        conflict: Option<&Conflict<()>>,
        fields: AnyView,
        weight: Weight,
    ) -> AnyView {
        let back = format!("/admin/maintenances/{}", it.id);
        let content = view! {
            <div class="column">
                <h1>{self.heading}</h1>
                <p class="soft">
                    <a href=back.clone() dir="auto">{it.title.clone()}</a>
                    " · "{window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone)}
                </p>
                <ErrorSummary problems=self.problems.clone()/>
                {changed_meanwhile(conflict, it, &shell)}
                <form method="post" action=format!("{back}/{}", self.path) novalidate>
                    {fields}
                    <p class="actions">
                        <Submit words=self.button weight/>
                        <RehearseButton/>
                        <a href=back.clone()>"Back"</a>
                    </p>
                </form>
            </div>
        };
        let title = self.problems.titled(self.heading);
        view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }.into_any()
    }
}
