use leptos::prelude::*;

use super::component_list::ComponentBoard;
use super::conflict::{Conflict, conflict_details};
use super::maintenance_new::{automation_fields, component_fields, title_field};
use crate::domain::forms::PlanForm;
use crate::domain::{Invalid, Maintenance, MaintenancePhase};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ErrorSummary, FormErrors, Hidden, PreviewPageButton, Submit};

/// The form for title, components and automation.
#[derive(Clone, Debug)]
pub struct MaintenanceEdit {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub form: PlanForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub conflict: Option<Conflict<PlanForm>>,
    /// Whether automatic steps notify subscribers.
    pub notifies_steps: bool,
}

#[component]
pub fn MaintenanceEditPage(page: MaintenanceEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["title", "components"]);
    let path = format!("/admin/maintenances/{}", page.maintenance.id);
    let time = (page.maintenance.phase == MaintenancePhase::Scheduled).then(|| {
        view! { <p class="hint">"To change the time, "<a href=format!("{path}/schedule")>"reschedule it"</a>"."</p> }
    });
    let content = view! {
        <div class="column">
            <h1>"Edit the maintenance"</h1>
            <p class="soft"><a href=path.clone() dir="auto">{page.maintenance.title.clone()}</a></p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            {time}
            <form method="post" action=path.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                {title_field(&page.form.title, &problems)}
                {component_fields(&page.form, &page.board, &problems)}
                {automation_fields(page.form.switches, page.notifies_steps)}
                <p class="actions">
                    <Submit words="Publish changes"/>
                    <PreviewPageButton/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Edit the maintenance");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }
}
