use leptos::prelude::*;

use super::composer_extras::draft_readers;
use crate::domain::SavedDraft;
use crate::domain::draft::DraftReader;
use crate::format::markdown;
use crate::format::time::format_age;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Hidden, Submit};
use crate::ui::time::Time;

/// Longest excerpt of the message, in characters.
const MAX_EXCERPT: usize = 2000;

/// The question before a draft is deleted.
#[derive(Clone, Debug)]
pub struct DraftDeletion {
    pub shell: AdminContext,
    pub draft: SavedDraft,
    /// The title of the draft, or of its incident.
    pub title: String,
    /// Other managers who have it open.
    pub readers: Vec<DraftReader>,
    /// Whether it was changed after the question was shown.
    pub changed: bool,
}

#[component]
pub fn DraftDeletionPage(page: DraftDeletion) -> impl IntoView {
    let shell = page.shell.clone();
    let draft = &page.draft;
    let path = format!("/admin/drafts/{}", draft.id);
    let title = if page.title.trim().is_empty() { "Untitled".to_owned() } else { page.title.clone() };
    let changed = page.changed.then(|| {
        view! {
            <div class="summary conflict" role="alert">
                <p>"Someone changed this draft in the meantime. This is the current text."</p>
            </div>
        }
    });
    let body = draft.fields.text("body");
    let content = view! {
        <div class="column">
            <h1>"Delete this draft?"</h1>
            {changed}
            <p>
                "Last edited by "<bdi>{draft.edited_by.clone()}</bdi>" "
                <Time at=draft.edited_at words=format_age(draft.edited_at, shell.now)/>
                ". This can't be undone; the audit log keeps the text."
            </p>
            {draft_readers(page.readers.iter(), &shell)}
            <div class="quoted">
                <p dir="auto"><strong>{title}</strong></p>
                <div class="prose" dir="auto" inner_html=markdown::render_truncated(&body, MAX_EXCERPT)></div>
            </div>
            <form method="post" action=format!("{path}/deletion")>
                <Hidden name="version" value=draft.version.to_string()/>
                <p class="actions">
                    <Submit words="Delete the draft" weight=ButtonStyle::Destructive/>
                    <a href="/admin">"Cancel"</a>
                </p>
            </form>
        </div>
    };
    view! { <AdminLayout shell title="Delete this draft?" section=Some(Section::Dashboard) content=content.into_any()/> }
}
