use leptos::prelude::*;

use super::composer::{self, Draft};
use super::conflict::{Conflict, both_texts};
use crate::domain::forms::UpdateEditForm;
use crate::domain::{Invalid, Maintenance, MaintenanceUpdate};
use crate::format::time::full;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{ErrorSummary, Hidden, PreviewButton, Problems, RehearseButton, Submit};
use crate::ui::time::Time;

/// The form that changes the text of an update of a maintenance.
#[derive(Clone, Debug)]
pub struct MaintenanceUpdateEditing {
    pub shell: Shell,
    pub maintenance: Maintenance,
    /// As it stands.
    pub update: MaintenanceUpdate,
    pub form: UpdateEditForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<UpdateEditForm>>,
}

/// Edits the text of an update of a maintenance.
#[component]
pub fn MaintenanceUpdateEditPage(page: MaintenanceUpdateEditing) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = Problems::new(&page.invalid, &["body"]);
    let path = format!("/admin/maintenances/{}", page.maintenance.id);
    let action = format!("{path}/updates/{}", page.update.id);
    let posted_at = page.update.posted_at;
    let content = view! {
        <div class="column">
            <h1>"Edit an update"</h1>
            <p class="soft">
                <a href=path.clone() dir="auto">{page.maintenance.title.clone()}</a>
                " · "{page.update.phase.words()}", "<Time at=posted_at words=full(posted_at, shell.zone)/>
            </p>
            <ErrorSummary problems=problems.clone()/>
            {both_texts(page.conflict.as_ref(), &page.form, &shell)}
            <form method="post" action=action.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                {composer::message(&page.form.body, &problems)}
                <p class="hint">"Marked as edited on the page. The audit log keeps the earlier text."</p>
                {composer::preview(&page.form.body, page.update.phase.words(), Draft::none())}
                <p class="actions">
                    <Submit words="Save changes"/>
                    <PreviewButton action=action.clone()/>
                    <RehearseButton/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Edit an update");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any() island=true/> }
}
