//! Form parts for messages to visitors: status, message, components, next update, preview, bar.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use leptos::prelude::*;

use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_choices};
use crate::domain::forms::{INTERVALS, NextUpdateForm};
use crate::domain::update::MAX_BODY;
use crate::domain::{ComponentId, MaintenancePhase, Phase, Status};
use crate::format::markdown;
use crate::islands::composer::{COUNT_ID, Composer};
use crate::ui::admin_icon::AdminIcon;
use crate::ui::form::{
    Chips, Choice, Field, FormErrors, Group, PreviewPageButton, PreviewTextButton, Segments, SelectRow, TextArea,
    TextInput, ZoneInput, zone_list,
};

/// The keyboard shortcut for the composer's button.
pub const PUBLISH_KEYS: &str = "mod+Enter";

/// The path to the page, with a link to what visitors see at its end.
pub fn composer_crumbs(parent: (&'static str, &'static str), here: &'static str, public: Option<String>) -> AnyView {
    let (path, words) = parent;
    let public = public.map(|path| {
        view! { <a class="public-link" href=path>"View on status page"{AdminIcon::External.view()}</a> }
    });
    view! {
        <div class="crumb-line">
            <ol class="crumbs">
                <li><a href=path>{words}</a></li>
                <li>{here}</li>
            </ol>
            {public}
        </div>
    }
    .into_any()
}

/// The form with the preview beside it.
pub fn composer_form(action: &str, fields: AnyView, preview: AnyView, bar: AnyView) -> AnyView {
    view! {
        <form class="composer with-preview" method="post" action=action.to_owned() novalidate>
            <div class="fields">{fields}</div>
            {preview}
            {bar}
        </form>
    }
    .into_any()
}

/// The bar at the lower edge: the switch, `others`, and one primary action.
pub fn composer_bar(switch: Option<AnyView>, others: AnyView, primary: AnyView) -> AnyView {
    view! { <div class="bar">{switch}<p class="actions">{others}{primary}</p></div> }.into_any()
}

pub fn save_draft_button() -> AnyView {
    view! { <button type="submit" class="button quiet draft-button" name="save_draft" value="1">"Save as draft"</button> }
        .into_any()
}

pub fn phase_field(value: &str, problems: &FormErrors) -> AnyView {
    phase_segments(phase_choices(), value, problems)
}

pub fn phase_choices() -> Vec<Choice> {
    let choice = |phase: Phase| Choice::new(phase.key(), phase.words()).icon(phase.into());
    Phase::ALL.into_iter().map(choice).collect()
}

pub fn maintenance_phase_field(phases: &[MaintenancePhase], value: &str, problems: &FormErrors) -> AnyView {
    let choice = |phase: &MaintenancePhase| Choice::new(phase.key(), phase.words()).icon((*phase).into());
    phase_segments(phases.iter().map(choice).collect(), value, problems)
}

fn phase_segments(choices: Vec<Choice>, value: &str, problems: &FormErrors) -> AnyView {
    let field = Field::new("phase", "Status").with_error(problems);
    view! { <Segments field choices value/> }.into_any()
}

pub fn phase_words(key: &str) -> &'static str {
    Phase::from_key(key).unwrap_or_default().words()
}

/// The message field, with the note that typed.js updates and the character count of the island.
pub fn message_field(value: &str, problems: &FormErrors) -> AnyView {
    message_field_with(value, problems, false, None)
}

/// As [`message_field`], with `tools` in its foot; with `focus` it gets the focus when the page opens.
pub fn message_field_with(value: &str, problems: &FormErrors, focus: bool, tools: Option<AnyView>) -> AnyView {
    let under = view! {
        {tools}
        <span id="body-note">"Markdown."</span>
        <span id=COUNT_ID>"At most 25,000 characters"</span>
    };
    let field = Field::new("body", "Message").with_error(problems).with_focus(focus);
    view! { <TextArea field value under=under.into_any() keys="m"/> }.into_any()
}

/// A sentence that can be inserted into the message, and the key of the status that it belongs to.
pub type Sentence = (&'static str, &'static str);

/// The default sentences of every status of an incident. `is_update` adds those for a second update in the same status.
pub fn incident_sentences(is_update: bool) -> Vec<Sentence> {
    let of = |phase: Phase| {
        let repeated = (is_update && phase != Phase::Resolved).then(|| phase.default_text_repeated());
        std::iter::once(phase.default_text()).chain(repeated).map(move |text| (phase.key(), text))
    };
    Phase::ALL.into_iter().flat_map(of).collect()
}

pub fn maintenance_sentences(phases: &[MaintenancePhase]) -> Vec<Sentence> {
    phases.iter().map(|phase| (phase.key(), phase.default_text())).collect()
}

/// Templates, and the sentences of the chosen status. The script turns each sentence into a button.
pub fn message_tools(templates: Option<AnyView>, sentences: &[Sentence]) -> AnyView {
    let line = |(phase, text): &Sentence| {
        view! { <li class="usual" data-phase=*phase><span data-insert="1">{*text}</span></li> }
    };
    view! {
        <details class="templates">
            <summary>{AdminIcon::Templates.view()}"Insert text"</summary>
            {templates}
            <p class="label">"Default sentences"</p>
            <ul class="sentences">{sentences.iter().map(line).collect_view()}</ul>
        </details>
    }
    .into_any()
}

/// When the next update is due. `page_zone` is the zone of a time without one.
pub fn next_update_field(form: &NextUpdateForm, page_zone: Tz, problems: &FormErrors) -> AnyView {
    let minutes = INTERVALS.into_iter().map(|minutes| match minutes {
        60 => Choice::new("60", "1 hour"),
        _ => Choice::new(minutes.to_string(), format!("{minutes} min")),
    });
    let choices = minutes.chain([Choice::new("other", "Other…"), Choice::new("none", "None")]).collect();
    let value = if form.choice.is_empty() { "none".to_owned() } else { form.choice.clone() };
    let field = Field::new("next_update", "Promise the next update in").with_error(problems);
    let other = Field::new("next_update_other", "Minutes or time").hint("Like 45, 22:45 or 2026-03-29 14:05.");
    let zone = Field::new("next_update_zone", "Time zone");
    let zone_value = if form.zone.is_empty() { page_zone.name() } else { &form.zone };
    let reveal = view! {
        <div class="pair">
            <TextInput field=other value=form.other.clone()/>
            <ZoneInput field=zone value=zone_value/>
        </div>
        {zone_list()}
    }
    .into_any();
    view! { <div class="while-open"><Chips field choices value reveal/></div> }.into_any()
}

/// The message as visitors see it, under the label of its phase. In a composer, the script shows the whole page instead.
pub fn text_preview(body: &str, phase: &str) -> AnyView {
    let (html, phase) = (message_preview(body), phase.to_owned());
    view! {
        <section id="preview" aria-labelledby="preview-title">
            <h2 id="preview-title" class="label">"Preview as visitors see it"</h2>
            <div class="preview">
                <Composer html phase/>
            </div>
        </section>
    }
    .into_any()
}

/// [`text_preview`] beside the composer at `action`, where the script shows the page and the messages instead.
pub fn live_preview(action: &str, body: &str, phase: &str) -> AnyView {
    let (html, phase) = (message_preview(body), phase.to_owned());
    live_preview_of(action, view! { <Composer html phase/> }.into_any())
}

/// The HTML of a message.
pub fn message_preview(body: &str) -> String {
    markdown::render_truncated(body, MAX_BODY)
}

/// As [`live_preview`], with `content` while no script shows the page.
pub fn live_preview_of(action: &str, content: AnyView) -> AnyView {
    view! {
        <details class="live-preview" id="preview" open data-live="1">
            <summary>"Preview"<span>"Page and messages"</span></summary>
            <section aria-labelledby="preview-title">
                <h2 id="preview-title" class="unseen">"Preview as visitors see it"</h2>
                <div class="preview">{content}</div>
                <p class="preview-foot">
                    <span>"Nothing is published yet."</span>
                    <PreviewTextButton action/>
                    <PreviewPageButton/>
                </p>
            </section>
        </details>
    }
    .into_any()
}

/// The affected components with a status each, and a list to add others. Those in `named` always send a status, because
/// omitting them would keep the old one; the others can be taken back with "Not affected".
pub fn component_fields(
    board: &ComponentBoard,
    chosen: &BTreeMap<String, String>,
    named: &BTreeSet<ComponentId>,
    problems: &FormErrors,
) -> AnyView {
    let is_shown = |row: &BoardRow| named.contains(&row.component.id) || chosen.contains_key(row.component.id.as_str());
    let picker = ComponentPicker { board, chosen, named, problems };
    let shown = board.rows().filter(|row| is_shown(row)).map(|row| picker.row(row)).collect_view();
    let others = board.sections.iter().map(|section| picker.section(section, is_shown)).collect_view();
    let count = board.rows().filter(|row| !is_shown(row)).count();
    let add = (count > 0).then(|| {
        view! {
            <div class="add" hidden data-add="1">
                {AdminIcon::Search.view()}
                <label class="unseen" for="add-component">"Add a component"</label>
                <input
                    type="text"
                    id="add-component"
                    list="component-names"
                    placeholder="Add a component"
                    autocomplete="off"
                    dir="auto"
                />
                <datalist id="component-names"></datalist>
            </div>
            <details class="fold" data-others="1">
                <summary>{format!("Add components ({count})")}</summary>
                <div class="rows">{others}</div>
            </details>
        }
    });
    let none = board.is_empty().then(|| view! { <p class="soft">"No components yet."</p> });
    let content = view! {
        {none}
        <div class="affected" data-affected="1"><div class="rows chosen">{shown}</div>{add}</div>
    }
    .into_any();
    let field = Field::new("components", "Affected components").with_error(problems);
    view! { <Group field content id="components"/> }.into_any()
}

struct ComponentPicker<'a> {
    board: &'a ComponentBoard,
    chosen: &'a BTreeMap<String, String>,
    named: &'a BTreeSet<ComponentId>,
    problems: &'a FormErrors,
}

impl ComponentPicker<'_> {
    /// The rows of a group that are not shown above.
    fn section(&self, section: &BoardSection, is_shown: impl Fn(&BoardRow) -> bool) -> Option<AnyView> {
        let rows: Vec<_> = section.rows.iter().filter(|row| !is_shown(row)).collect();
        let heading =
            section.group.as_ref().map(|group| view! { <p class="group-name" dir="auto">{group.name.clone()}</p> });
        let selects = rows.iter().map(|row| self.row(row)).collect_view();
        (!rows.is_empty()).then(|| view! { <div>{heading}{selects}</div> }.into_any())
    }

    fn row(&self, row: &BoardRow) -> AnyView {
        let component = &row.component;
        let id = component.id.as_str();
        let is_named = self.named.contains(&component.id);
        let fallback = if is_named { Status::Operational.key() } else { "" };
        let value = self.chosen.get(id).map_or(fallback, String::as_str);
        let mut choices = status_choices();
        if !is_named {
            choices.insert(0, Choice::new("", "Not affected"));
        }
        let end = (!is_named).then(|| {
            view! {
                <button type="button" class="remove" hidden data-remove="1">
                    {AdminIcon::Close.view()}
                    <span class="unseen" dir="auto">{format!("Remove {}", component.name)}</span>
                </button>
            }
            .into_any()
        });
        let field = Field::new(format!("component.{id}"), component.name.clone()).with_error(self.problems);
        let name = self.search_name(row);
        view! { <div data-name=name><SelectRow field choices value end/></div> }.into_any()
    }

    /// The name, with its group if another component has the same name.
    fn search_name(&self, row: &BoardRow) -> String {
        let component = &row.component;
        let same = self.board.rows().filter(|other| other.component.name == component.name).count();
        let group = self
            .board
            .sections
            .iter()
            .find(|section| section.rows.iter().any(|other| other.component.id == component.id));
        match group.and_then(|section| section.group.as_ref()) {
            Some(group) if same > 1 => format!("{} ({})", component.name, group.name),
            _ => component.name.clone(),
        }
    }
}
