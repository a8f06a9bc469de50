//! What a composer offers beside its fields: templates to begin with, a draft to go on with, a look before.

use leptos::prelude::*;

use super::conflict::{Compared, Conflict, both_texts};
use super::templates::offered;
use crate::domain::draft::Reader;
use crate::domain::{Phase, SavedDraft, Template};
use crate::format::time::{ago, clock};
use crate::ui::admin_layout::Shell;
use crate::ui::form::{Hidden, RehearseButton, Weight};
use crate::ui::time::Time;

/// What stands around a composer.
#[derive(Clone, Debug, Default)]
pub struct Aids {
    /// By name.
    pub templates: Vec<Template>,
    /// The draft that is gone on with, with the version it was opened with.
    pub draft: Option<SavedDraft>,
    /// What became of the draft since it was opened.
    pub met: Option<DraftMet>,
    /// Who else has the draft open.
    pub readers: Vec<Reader>,
}

/// What somebody else did with a draft.
#[derive(Clone, Debug)]
pub enum DraftMet {
    /// Published or deleted it.
    Gone,
    /// Changed it: what stands, and what was submitted.
    Changed(Box<(Conflict<SavedDraft>, SavedDraft)>),
}

impl Compared for SavedDraft {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let phase = Phase::from_key(&self.fields.text("phase")).map_or("", Phase::words);
        let components = self.fields.components().into_iter().map(|(id, status)| format!("{id}: {status}"));
        vec![
            ("Title", self.fields.text("title")),
            ("Status", phase.to_owned()),
            ("Message", self.fields.text("body")),
            ("Components", components.collect::<Vec<_>>().join("\n")),
        ]
    }
}

impl Aids {
    /// What stands above the form; `path` is where the composer stands.
    pub fn above(&self, path: &str, shell: &Shell) -> AnyView {
        let met = match &self.met {
            None => None,
            Some(DraftMet::Gone) => Some(gone()),
            Some(DraftMet::Changed(both)) => both_texts(Some(&both.0), &both.1, shell),
        };
        let saved = self.draft.as_ref().map(|draft| saved(draft, shell));
        let opened = opened_by(self.readers.iter(), shell);
        let offered = self.draft.is_none().then(|| offered(&self.templates, path)).flatten();
        view! { {met}{saved}{opened}{offered} }.into_any()
    }

    /// The hidden fields that name the draft.
    pub fn fields(&self) -> Option<AnyView> {
        self.draft.as_ref().map(|draft| {
            view! {
                <Hidden name="draft" value=draft.id.to_string()/>
                <Hidden name="draft_version" value=draft.version.to_string()/>
            }
            .into_any()
        })
    }
}

/// The buttons beside the one that publishes.
pub fn buttons() -> AnyView {
    view! {
        <RehearseButton/>
        <button type="submit" class=Weight::Quiet.class() name="save_draft" value="1">"Save as draft"</button>
    }
    .into_any()
}

fn gone() -> AnyView {
    view! {
        <div class="summary conflict" role="alert">
            <h2>"This draft was published or deleted while you were writing"</h2>
            <p>"Your text is kept in the form below. Check whether it is still needed, then save again."</p>
        </div>
    }
    .into_any()
}

/// Who left it like this, louder where that was somebody else.
fn saved(draft: &SavedDraft, shell: &Shell) -> AnyView {
    let class = if draft.edited_by == shell.manager.name { "soft" } else { "waiting" };
    view! {
        <p class=class>
            "A draft: "<bdi>{draft.edited_by.clone()}</bdi>" edited this "
            <Time at=draft.edited_at words=ago(draft.edited_at, shell.now)/>"."
        </p>
    }
    .into_any()
}

/// `Ines is editing this since 14:02.`, a line for each.
pub fn opened_by<'a>(readers: impl Iterator<Item = &'a Reader>, shell: &Shell) -> AnyView {
    let line = |reader: &Reader| {
        let since = clock(reader.opened_at, shell.zone);
        view! {
            <p class="waiting">
                <bdi>{reader.name.clone()}</bdi>" is editing this since "<Time at=reader.opened_at words=since/>"."
            </p>
        }
    };
    readers.map(line).collect_view().into_any()
}
