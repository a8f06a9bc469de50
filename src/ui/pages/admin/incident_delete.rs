use leptos::prelude::*;

use crate::domain::{Incident, Invalid};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, Submit, TextInput};

/// Confirmation by typing the incident's title.
#[derive(Clone, Debug)]
pub struct IncidentDeletion {
    pub shell: AdminContext,
    pub incident: Incident,
    /// The submitted title.
    pub typed: String,
    pub invalid: Invalid,
}

#[component]
pub fn IncidentDeletionPage(page: IncidentDeletion) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["title"]);
    let path = format!("/admin/incidents/{}", page.incident.id);
    let field = Field::new("title", "Type the title to confirm").with_error(&problems);
    let count = match page.incident.updates.len() {
        1 => "its only update".to_owned(),
        count => format!("all {count} updates"),
    };
    let content = view! {
        <div class="column">
            <h1>"Delete an incident"</h1>
            <ErrorSummary problems=problems.clone()/>
            <p>
                "This permanently deletes the incident with " {count}
                " from the page, the history and the feeds. This can't be undone. The audit log keeps the text."
            </p>
            <p class="quoted" dir="auto"><strong>{page.incident.title.clone()}</strong></p>
            <form method="post" action=format!("{path}/deletion") novalidate>
                <Hidden name="version" value=page.incident.version.to_string()/>
                <TextInput field value=page.typed.clone() autofocus=problems.is_empty()/>
                <p class="actions">
                    <Submit words="Delete the incident" weight=ButtonStyle::Destructive/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Delete an incident");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any()/> }
}
