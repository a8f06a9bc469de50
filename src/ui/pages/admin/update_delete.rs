use leptos::prelude::*;

use super::incident::update_text;
use crate::domain::{Incident, Update};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Hidden, Submit};

#[derive(Clone, Debug)]
pub struct UpdateDeletion {
    pub shell: AdminContext,
    pub incident: Incident,
    pub update: Update,
}

#[component]
pub fn UpdateDeletionPage(page: UpdateDeletion) -> impl IntoView {
    let shell = page.shell.clone();
    let path = format!("/admin/incidents/{}", page.incident.id);
    let content = view! {
        <div class="column">
            <h1>"Delete an update"</h1>
            <p class="soft"><a href=path.clone() dir="auto">{page.incident.title.clone()}</a></p>
            <p>
                "The incident goes back to its previous update. This can't be undone; the audit log keeps the text."
            </p>
            <div class="quoted">{update_text(&page.update, &shell)}</div>
            <form method="post" action=format!("{path}/updates/{}/deletion", page.update.id)>
                <Hidden name="version" value=page.update.version.to_string()/>
                <p class="actions">
                    <Submit words="Delete the update" weight=ButtonStyle::Destructive/>
                    <a href=path.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    view! { <AdminLayout shell title="Delete an update" section=Some(Section::Incidents) content=content.into_any()/> }
}
