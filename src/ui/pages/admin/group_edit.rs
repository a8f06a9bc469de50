use leptos::prelude::*;

use super::component_edit::{deletion_link, deletion_question, same_name_question, save_button};
use super::conflict::{Conflict, conflict_details};
use crate::domain::forms::GroupForm;
use crate::domain::{Group, GroupId, Invalid};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ErrorSummary, Field, FormErrors, Hidden, TextInput};

/// The form that adds or edits a group.
#[derive(Clone, Debug)]
pub struct GroupEdit {
    pub shell: AdminContext,
    /// `None` for a new group.
    pub id: Option<GroupId>,
    pub form: GroupForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<GroupForm>>,
    /// Whether to ask about a second group of the same name.
    pub same_name: bool,
}

#[component]
pub fn GroupEditPage(page: GroupEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["name", "description", "position"]);
    let (heading, action, submit) = match &page.id {
        None => ("Add a group", "/admin/groups".to_owned(), "Add the group"),
        Some(id) => ("Edit a group", format!("/admin/groups/{id}"), "Save"),
    };
    let deletion = page.id.as_ref().map(|id| {
        deletion_link(format!("/admin/groups/{id}/deletion"), "Delete the group", "Its components are kept, ungrouped.")
    });
    let name = Field::new("name", "Name").with_error(&problems);
    let about =
        Field::new("description", "Description (optional)").hint("One line of plain text.").with_error(&problems);
    let place =
        Field::new("position", "Position (optional)").hint("Starts at 1; leave empty for last.").with_error(&problems);
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            {page.same_name.then(|| same_name_question("group", &page.form.name))}
            <form method="post" action=action novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                <Hidden name="opened_position" value=page.form.opened_position.clone()/>
                <TextInput field=name value=page.form.name.clone() autofocus=page.id.is_none() && problems.is_empty()/>
                <TextInput field=about value=page.form.description.clone()/>
                <TextInput field=place value=page.form.position.clone() kind="number" class="short"/>
                <p class="actions">
                    {save_button(submit, page.same_name)}
                    <a href="/admin/components">"Cancel"</a>
                </p>
            </form>
            {deletion}
        </div>
    };
    let title = problems.titled(heading);
    view! { <AdminLayout shell title section=Some(Section::Components) content=content.into_any()/> }
}

#[derive(Clone, Debug)]
pub struct GroupDeletion {
    pub shell: AdminContext,
    pub group: Group,
    /// The number of components in the group.
    pub components: usize,
}

#[component]
pub fn GroupDeletionPage(page: GroupDeletion) -> impl IntoView {
    let consequence = match page.components {
        0 => "The group is empty.".to_owned(),
        1 => "Its component is kept, ungrouped.".to_owned(),
        count => format!("Its {count} components are kept, ungrouped."),
    };
    let content = deletion_question(
        "Delete a group",
        &page.group.name,
        consequence,
        format!("/admin/groups/{}/deletion", page.group.id),
        page.group.version,
        "Delete the group",
        "/admin/components",
    );
    view! { <AdminLayout shell=page.shell title="Delete a group" section=Some(Section::Components) content/> }
}
