use leptos::prelude::*;

use super::composer;
use super::conflict::{Conflict, conflict_details};
use crate::domain::forms::UpdateEditForm;
use crate::domain::{Invalid, Maintenance, MaintenanceUpdate};
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ErrorSummary, FormErrors, Hidden, PreviewPageButton, PreviewTextButton, Submit};
use crate::ui::time::Time;

/// The form that edits the text of a maintenance update.
#[derive(Clone, Debug)]
pub struct MaintenanceUpdateEditView {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub update: MaintenanceUpdate,
    pub form: UpdateEditForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<UpdateEditForm>>,
}

#[component]
pub fn MaintenanceUpdateEditPage(page: MaintenanceUpdateEditView) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["body"]);
    let path = format!("/admin/maintenances/{}", page.maintenance.id);
    let action = format!("{path}/updates/{}", page.update.id);
    let posted_at = page.update.posted_at;
    let content = view! {
        <div class="column">
            <h1>"Edit an update"</h1>
            <p class="soft">
                <a href=path.clone() dir="auto">{page.maintenance.title.clone()}</a>
                " · "{page.update.phase.words()}", "<Time at=posted_at words=format_full(posted_at, shell.zone)/>
            </p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            <form method="post" action=action.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                {composer::message_field(&page.form.body, &problems)}
                <p class="hint">"Marked as edited on the page. The audit log keeps the earlier text."</p>
                {composer::text_preview(&page.form.body, page.update.phase.words())}
                <p class="actions">
                    <Submit words="Save changes"/>
                    <PreviewTextButton action=action.clone()/>
                    <PreviewPageButton/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Edit an update");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any() island=true/> }
}
