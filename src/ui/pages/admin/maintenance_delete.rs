use leptos::prelude::*;

use crate::domain::{Invalid, Maintenance};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, Submit, TextInput};

/// Confirmation by typing the maintenance's title.
#[derive(Clone, Debug)]
pub struct MaintenanceDeletion {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    /// The submitted title.
    pub typed: String,
    pub invalid: Invalid,
}

#[component]
pub fn MaintenanceDeletionPage(page: MaintenanceDeletion) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["title"]);
    let path = format!("/admin/maintenances/{}", page.maintenance.id);
    let field = Field::new("title", "Type the title to confirm").with_error(&problems);
    let count = match page.maintenance.updates.len() {
        1 => "its only update".to_owned(),
        count => format!("all {count} updates"),
    };
    let recurs = page.maintenance.occurrence.is_some().then(|| {
        view! { <p>"It recurs: the next occurrence is scheduled in its place. Stop the series if it should not be."</p> }
    });
    let content = view! {
        <div class="column">
            <h1>"Delete the maintenance"</h1>
            <ErrorSummary problems=problems.clone()/>
            <p>
                "This permanently deletes the maintenance with " {count}
                " from the page, the calendar, the uptime and the feeds. This can't be undone. The audit log keeps the text."
            </p>
            <p>"To call it off and tell visitors, cancel it instead."</p>
            {recurs}
            <p class="quoted" dir="auto"><strong>{page.maintenance.title.clone()}</strong></p>
            <form method="post" action=format!("{path}/deletion") novalidate>
                <Hidden name="version" value=page.maintenance.version.to_string()/>
                <TextInput field value=page.typed.clone() autofocus=problems.is_empty()/>
                <p class="actions">
                    <Submit words="Delete the maintenance" weight=ButtonStyle::Destructive/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Delete the maintenance");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }
}
