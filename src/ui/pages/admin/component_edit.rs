use leptos::prelude::*;

use super::component_list::status_choices;
use super::conflict::{Conflict, conflict_details};
use crate::domain::forms::ComponentForm;
use crate::domain::{Component, ComponentId, Group, Invalid, Status};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, CheckBox, Choice, ErrorSummary, Field, FormErrors, Hidden, Select, Submit, TextArea, TextInput,
};

/// The form that adds or edits a component.
#[derive(Clone, Debug)]
pub struct ComponentEdit {
    pub shell: AdminContext,
    /// `None` for a new component.
    pub id: Option<ComponentId>,
    pub form: ComponentForm,
    pub invalid: Invalid,
    pub groups: Vec<Group>,
    pub conflict: Option<Conflict<ComponentForm>>,
    /// Whether to ask about a second component of the same name.
    pub same_name: bool,
}

/// The button that saves a second component or group of the same name.
pub const SAME_NAME: &str = "same_name";

const FIELD_ORDER: [&str; 7] = ["name", "description", "group", "status", "position", "start_date", "more_names"];

#[component]
pub fn ComponentEditPage(page: ComponentEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &FIELD_ORDER);
    let (heading, action, submit) = match &page.id {
        None => ("Add a component", "/admin/components".to_owned(), "Add component"),
        Some(id) => ("Edit a component", format!("/admin/components/{id}"), "Save"),
    };
    let deletion = page.id.as_ref().map(|id| {
        deletion_link(
            format!("/admin/components/{id}/deletion"),
            "Delete the component",
            "Removes the component and its uptime history. Past incidents keep its name.",
        )
    });
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            {page.same_name.then(|| same_name_question("component", &page.form.name))}
            <form method="post" action=action novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                <Hidden name="opened_position" value=page.form.opened_position.clone()/>
                {component_fields(&page, &problems)}
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

/// Asks about a second component or group of the same name; the buttons below the form answer.
pub fn same_name_question(kind: &'static str, name: &str) -> AnyView {
    view! {
        <div class="summary conflict" role="alert">
            <h2>{format!("Another {kind} has this name")}</h2>
            <p>
                "There is a "{kind}" called “"<bdi>{name.to_owned()}</bdi>
                "” in this list already. Change the name, or save it anyway."
            </p>
        </div>
    }
    .into_any()
}

/// The button of a form; after [`same_name_question`] it confirms.
pub fn save_button(words: &'static str, same_name: bool) -> AnyView {
    if !same_name {
        return view! { <Submit words/> }.into_any();
    }
    let words = if words == "Save" { "Save anyway" } else { "Create anyway" };
    view! { <button type="submit" class=ButtonStyle::Primary.class() name=SAME_NAME value="1">{words}</button> }
        .into_any()
}

fn component_fields(page: &ComponentEdit, problems: &FormErrors) -> AnyView {
    let form = &page.form;
    let name = Field::new("name", "Name").with_error(problems);
    let about =
        Field::new("description", "Description (optional)").hint("One line of plain text.").with_error(problems);
    let group = Field::new("group", "Group").with_error(problems);
    let status = Field::new("status", "Status").hint("Status when no incident is active.").with_error(problems);
    let status_value = if form.status.is_empty() { Status::default().key() } else { &form.status };
    let place =
        Field::new("position", "Position (optional)").hint("Starts at 1; leave empty for last.").with_error(problems);
    let since = Field::new("start_date", "Uptime start date (optional)")
        .hint("Uptime counts from this day; without one, from the day the component was added.")
        .with_error(problems);
    let hidden = Field::new("only_show_if_degraded", "Only show when not operational");
    let groups = page.groups.iter().map(|group| Choice::new(group.id.as_str(), group.name.clone()));
    let groups = std::iter::once(Choice::new("", "No group")).chain(groups).collect();
    view! {
        <TextInput field=name value=form.name.clone() autofocus=page.id.is_none() && problems.is_empty()/>
        <TextInput field=about value=form.description.clone()/>
        <div class="pair">
            <Select field=group choices=groups value=form.group.clone()/>
            <Select field=status choices=status_choices() value=status_value/>
        </div>
        <div class="pair">
            <TextInput field=place value=form.position.clone() kind="number"/>
            <TextInput field=since value=form.start_date.clone() kind="date"/>
        </div>
        <CheckBox field=hidden checked=form.only_show_if_degraded/>
        {page.id.is_none().then(|| more_names_field(page, problems))}
    }
    .into_any()
}

fn more_names_field(page: &ComponentEdit, problems: &FormErrors) -> AnyView {
    let field = Field::new("more_names", "More components")
        .hint("One name a line. They get the same group and status.")
        .with_error(problems);
    let open = !page.form.more_names.is_empty();
    view! {
        <details class="fold" open=open>
            <summary>"Add several at once"</summary>
            <TextArea field value=page.form.more_names.clone()/>
        </details>
    }
    .into_any()
}

/// The link to the deletion page, below the form.
pub fn deletion_link(path: String, words: &'static str, consequence: &'static str) -> AnyView {
    view! {
        <section class="apart" aria-labelledby="deletion">
            <h2 id="deletion">{words}</h2>
            <p class="soft">{consequence}</p>
            <p><a class="button destructive" href=path>{format!("{words} …")}</a></p>
        </section>
    }
    .into_any()
}

#[derive(Clone, Debug)]
pub struct ComponentDeletion {
    pub shell: AdminContext,
    pub component: Component,
}

#[component]
pub fn ComponentDeletionPage(page: ComponentDeletion) -> impl IntoView {
    let component = &page.component;
    let content = deletion_question(
        "Delete a component",
        &component.name,
        "Removes the component and its uptime history. Past incidents keep its name. This can't be undone.",
        format!("/admin/components/{}/deletion", component.id),
        component.version,
        "Delete the component",
        "/admin/components",
    );
    view! { <AdminLayout shell=page.shell title="Delete a component" section=Some(Section::Components) content/> }
}

/// A confirmation page for a deletion; `back` is the path of the cancel link.
pub fn deletion_question(
    heading: &'static str,
    name: &str,
    consequence: impl Into<String>,
    action: String,
    version: i64,
    words: &'static str,
    back: &'static str,
) -> AnyView {
    view! {
        <div class="column">
            <h1>{heading}</h1>
            <p>{consequence.into()}</p>
            <p class="quoted" dir="auto"><strong>{name.to_owned()}</strong></p>
            <form method="post" action=action>
                <Hidden name="version" value=version.to_string()/>
                <p class="actions">
                    <Submit words weight=ButtonStyle::Destructive/>
                    <a href=back>"Cancel"</a>
                </p>
            </form>
        </div>
    }
    .into_any()
}
