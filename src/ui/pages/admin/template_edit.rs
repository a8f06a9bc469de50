use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_edit::{deletion_link, deletion_question};
use super::component_list::ComponentBoard;
use super::composer;
use super::conflict::{Conflict, conflict_details};
use crate::domain::forms::TemplateForm;
use crate::domain::template::{Placeholder, TemplatePhase};
use crate::domain::{Invalid, Template, TemplateId};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{CheckBox, Choice, ErrorSummary, Field, FormErrors, GroupedSelect, Hidden, Submit, TextInput};

/// The form that adds or edits a template.
#[derive(Clone, Debug)]
pub struct TemplateEdit {
    pub shell: AdminContext,
    /// `None` for a new template.
    pub id: Option<TemplateId>,
    pub form: TemplateForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub conflict: Option<Conflict<TemplateForm>>,
}

#[component]
pub fn TemplateEditPage(page: TemplateEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["name", "title", "phase", "body", "components"]);
    let form = &page.form;
    let (heading, action, submit) = match &page.id {
        None => ("Add a template", "/admin/templates".to_owned(), "Add the template"),
        Some(id) => ("Edit a template", format!("/admin/templates/{id}"), "Save the template"),
    };
    let deletion = page.id.as_ref().map(|id| {
        let consequence = "Published incidents and maintenances are not changed.";
        deletion_link(format!("/admin/templates/{id}/deletion"), "Delete the template", consequence)
    });
    let name = Field::new("name", "Name").hint("Internal, for example “Login outage”.").with_error(&problems);
    let title =
        Field::new("title", "Title (optional)").hint("The title of the incident or maintenance.").with_error(&problems);
    let phase = Field::new("phase", "Status").hint("Decides where the template is offered.").with_error(&problems);
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), form, &shell)}
            <form method="post" action=action novalidate>
                <Hidden name="version" value=form.version.to_string()/>
                <TextInput field=name value=form.name.clone() autofocus=page.id.is_none() && problems.is_empty()/>
                <TextInput field=title value=form.title.clone()/>
                <GroupedSelect field=phase groups=phase_groups() value=form.phase.clone()/>
                {composer::message_field(&form.body, &problems)}
                <p class="hint">{placeholders()}</p>
                {composer::component_fields(&page.board, &form.components, &BTreeSet::new(), &problems)}
                <Hidden name="notify_switch" value="1"/>
                <CheckBox field=Field::new("notify", "Notify subscribers by default") checked=form.notify/>
                <p class="actions">
                    <Submit words=submit/>
                    <a href="/admin/templates">"Cancel"</a>
                </p>
            </form>
            {deletion}
        </div>
    };
    let title = problems.titled(heading);
    view! { <AdminLayout shell title section=Some(Section::Templates) content=content.into_any()/> }
}

fn phase_groups() -> Vec<(&'static str, Vec<Choice>)> {
    let choices = |phases: Vec<TemplatePhase>| {
        phases.into_iter().map(|phase| Choice::new(phase.key(), phase.words())).collect::<Vec<_>>()
    };
    vec![
        ("Incident", choices(TemplatePhase::of_incidents())),
        ("Maintenance", choices(TemplatePhase::of_maintenances())),
    ]
}

fn placeholders() -> AnyView {
    let code = |placeholder: Placeholder| view! { <code>{format!("{{{{{}}}}}", placeholder.key())}</code>" " };
    view! { "Available placeholders: "{Placeholder::ALL.into_iter().map(code).collect_view()} }.into_any()
}

#[derive(Clone, Debug)]
pub struct TemplateDeletion {
    pub shell: AdminContext,
    pub template: Template,
}

#[component]
pub fn TemplateDeletionPage(page: TemplateDeletion) -> impl IntoView {
    let template = &page.template;
    let content = deletion_question(
        "Delete a template",
        &template.name,
        "Published incidents and maintenances are not changed. This can't be undone.",
        format!("/admin/templates/{}/deletion", template.id),
        template.version,
        "Delete the template",
        "/admin/templates",
    );
    view! { <AdminLayout shell=page.shell title="Delete a template" section=Some(Section::Templates) content/> }
}
