//! Templates, drafts and the page preview around a composer.

use leptos::prelude::*;

use super::composer::phase_words;
use super::conflict::{ComparableForm, Conflict, conflict_details};
use super::templates::template_links;
use crate::domain::draft::DraftReader;
use crate::domain::forms::PastUpdateForm;
use crate::domain::{MaintenancePhase, Phase, SavedDraft, Template};
use crate::format::time::{format_age, format_clock};
use crate::ui::admin_layout::AdminContext;
use crate::ui::form::{ButtonStyle, Hidden};
use crate::ui::time::Time;

#[derive(Clone, Debug, Default)]
pub struct ComposerExtras {
    /// Sorted by name.
    pub templates: Vec<Template>,
    /// The open draft, with the version it was opened at.
    pub draft: Option<SavedDraft>,
    /// Set if someone changed or removed the draft meanwhile.
    pub conflict: Option<DraftConflict>,
    /// Other managers who have the draft open.
    pub readers: Vec<DraftReader>,
}

#[derive(Clone, Debug)]
pub enum DraftConflict {
    /// Published or deleted.
    Gone,
    /// The current version, and the submitted one.
    Changed(Box<(Conflict<SavedDraft>, SavedDraft)>),
}

impl ComparableForm for SavedDraft {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let key = self.fields.text("phase");
        let phase = Phase::from_key(&key).map(Phase::words);
        let phase = phase.or_else(|| MaintenancePhase::from_key(&key).map(MaintenancePhase::words)).unwrap_or_default();
        let statuses = self.fields.components().into_iter().map(|(id, status)| format!("{id}: {status}"));
        let components = statuses.chain(self.fields.values("component"));
        let past = PastUpdateForm::read_all(&self.fields);
        let message: Vec<String> = match past.is_empty() {
            true => vec![self.fields.text("body")],
            false => past.into_iter().map(|row| format!("{}: {}", phase_words(&row.phase), row.body)).collect(),
        };
        let window = ["scheduled_for", "scheduled_until"].map(|name| self.fields.text(name)).join(" ");
        vec![
            ("Title", self.fields.text("title")),
            ("Status", phase.to_owned()),
            ("Message", message.join("\n\n")),
            ("Window", window.trim().to_owned()),
            ("Components", components.collect::<Vec<_>>().join("\n")),
        ]
    }
}

impl ComposerExtras {
    /// The notices above the form.
    pub fn notices(&self, shell: &AdminContext) -> AnyView {
        let conflict = match &self.conflict {
            None => None,
            Some(DraftConflict::Gone) => Some(draft_deleted()),
            Some(DraftConflict::Changed(both)) => conflict_details(Some(&both.0), &both.1, shell),
        };
        let saved = self.draft.as_ref().map(|draft| draft_saved(draft, shell));
        let opened = draft_readers(self.readers.iter(), shell);
        view! { {conflict}{saved}{opened} }.into_any()
    }

    /// Links to the templates, unless a draft is open; `path` is the composer's path.
    pub fn template_links(&self, path: &str) -> Option<AnyView> {
        self.draft.is_none().then(|| template_links(&self.templates, path)).flatten()
    }

    pub fn hidden_fields(&self) -> Option<AnyView> {
        self.draft.as_ref().map(|draft| {
            view! {
                <Hidden name="draft" value=draft.id.to_string()/>
                <Hidden name="draft_version" value=draft.version.to_string()/>
            }
            .into_any()
        })
    }
}

/// Asks whether the chosen status is meant: the message suggests another one. The buttons are in the bar.
pub fn status_question(suggested: Phase, chosen: &str) -> AnyView {
    let chosen = Phase::from_key(chosen).unwrap_or_default().words();
    let words = suggested.words().to_lowercase();
    view! {
        <div class="question" role="alert">
            <h2>"Which status is right?"</h2>
            <p>{format!("The message says “{words}”, but the status is {chosen}. Nothing has been published yet.")}</p>
        </div>
    }
    .into_any()
}

/// The answers to [`status_question`], instead of the primary button.
pub fn status_answers(suggested: Phase, reach: Option<AnyView>) -> AnyView {
    view! {
        <button type="submit" class=ButtonStyle::Primary.class() name="confirm_status" value=suggested.key()>
            {format!("Publish as {}", suggested.words())}{reach}
        </button>
        <button type="submit" class=ButtonStyle::Quiet.class() name="confirm_status" value="keep">
            "Publish with the chosen status"
        </button>
    }
    .into_any()
}

fn draft_deleted() -> AnyView {
    view! {
        <div class="summary conflict" role="alert">
            <h2>"This draft was published or deleted while you were writing"</h2>
            <p>"Your text is kept in the form below. Check whether it is still needed, then save again."</p>
        </div>
    }
    .into_any()
}

/// The last editor, emphasized if it was someone else.
fn draft_saved(draft: &SavedDraft, shell: &AdminContext) -> AnyView {
    let class = if draft.edited_by == shell.manager.name { "soft" } else { "waiting" };
    view! {
        <p class=class>
            "A draft: "<bdi>{draft.edited_by.clone()}</bdi>" edited this "
            <Time at=draft.edited_at words=format_age(draft.edited_at, shell.now)/>"."
        </p>
    }
    .into_any()
}

/// `Ines is editing this since 14:02.`, one line each.
pub fn draft_readers<'a>(readers: impl Iterator<Item = &'a DraftReader>, shell: &AdminContext) -> AnyView {
    let line = |reader: &DraftReader| {
        let since = format_clock(reader.opened_at, shell.zone);
        view! {
            <p class="waiting">
                <bdi>{reader.name.clone()}</bdi>" is editing this since "<Time at=reader.opened_at words=since/>"."
            </p>
        }
    };
    readers.map(line).collect_view().into_any()
}
