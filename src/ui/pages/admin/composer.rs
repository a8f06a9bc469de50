//! Form parts for messages to visitors: phase, message, components, preview.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use leptos::prelude::*;

use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_choices};
use crate::domain::update::MAX_BODY;
use crate::domain::forms::{INTERVALS, NextUpdateForm};
use crate::domain::{ComponentId, Phase, Status};
use crate::format::markdown;
use crate::islands::composer::{COUNT_ID, Composer};
use crate::ui::form::{
    Chips, Choice, Field, FormErrors, Group, Segments, SelectRow, TextArea, TextInput, ZoneInput, zone_list,
};

/// The keyboard shortcut for the composer's button.
pub const PUBLISH_KEYS: &str = "mod+Enter";

pub fn phase_field(value: &str, problems: &FormErrors) -> AnyView {
    let choices = Phase::ALL.into_iter().map(|phase| Choice::new(phase.key(), phase.words())).collect();
    let field = Field::new("phase", "Status").with_error(problems);
    view! { <Segments field choices value/> }.into_any()
}

pub fn phase_words(key: &str) -> &'static str {
    Phase::from_key(key).unwrap_or_default().words()
}

/// The message field, and below it the note that typed.js updates, and the character count of the island.
pub fn message_field(value: &str, problems: &FormErrors) -> AnyView {
    focusable_message_field(value, problems, false)
}

/// As [`message_field`]; with `focus` it gets the focus when the page opens.
pub fn focusable_message_field(value: &str, problems: &FormErrors, focus: bool) -> AnyView {
    let under = view! {
        <p class="under">
            <span id="body-note">"Markdown."</span>
            <span id=COUNT_ID>"At most 25,000 characters"</span>
        </p>
    };
    let field = Field::new("body", "Message").with_error(problems).with_focus(focus);
    view! { <TextArea field value under=under.into_any() keys="m"/> }.into_any()
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

/// The rendered message, under the label of its phase.
pub fn text_preview(body: &str, phase: &str) -> AnyView {
    let phase = phase.to_owned();
    let html = markdown::render_truncated(body, MAX_BODY);
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

/// A status select for each component. Those in `named` come first and always send a status, because omitting them
/// would keep the old one. The others start with "Not affected" and are folded if any are named.
pub fn component_fields(
    board: &ComponentBoard,
    chosen: &BTreeMap<String, String>,
    named: &BTreeSet<ComponentId>,
    problems: &FormErrors,
) -> AnyView {
    let field = Field::new("components", "Affected components").with_error(problems);
    let first = board.rows().filter(|row| named.contains(&row.component.id));
    let first = first.map(|row| status_select(row, chosen, StatusOptions::Statuses, problems)).collect_view();
    let others = board.sections.iter().map(|section| other_section(section, chosen, named, problems)).collect_view();
    let count = board.rows().filter(|row| !named.contains(&row.component.id)).count();
    let open = board.rows().any(|row| {
        let id = &row.component.id;
        !named.contains(id) && chosen.contains_key(id.as_str())
    });
    let others = match (named.is_empty(), count) {
        (_, 0) => ().into_any(),
        (true, _) => view! { <div class="rows">{others}</div> }.into_any(),
        (false, _) => view! {
            <details class="fold" open=open>
                <summary>{format!("Add other components ({count})")}</summary>
                <div class="rows">{others}</div>
            </details>
        }
        .into_any(),
    };
    let none = board.is_empty().then(|| view! { <p class="soft">"No components yet."</p> });
    let content = view! { {none}<div class="rows">{first}</div>{others} }.into_any();
    view! { <Group field content id="components"/> }.into_any()
}

fn other_section(
    section: &BoardSection,
    chosen: &BTreeMap<String, String>,
    named: &BTreeSet<ComponentId>,
    problems: &FormErrors,
) -> Option<AnyView> {
    let rows: Vec<_> = section.rows.iter().filter(|row| !named.contains(&row.component.id)).collect();
    let heading =
        section.group.as_ref().map(|group| view! { <p class="group-name" dir="auto">{group.name.clone()}</p> });
    let selects =
        rows.iter().map(|row| status_select(row, chosen, StatusOptions::NotAffectedFirst, problems)).collect_view();
    (!rows.is_empty()).then(|| view! { {heading}{selects} }.into_any())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StatusOptions {
    Statuses,
    NotAffectedFirst,
}

fn status_select(
    row: &BoardRow,
    chosen: &BTreeMap<String, String>,
    choices: StatusOptions,
    problems: &FormErrors,
) -> AnyView {
    let id = row.component.id.as_str();
    let fallback = if choices == StatusOptions::Statuses { Status::Operational.key() } else { "" };
    let value = chosen.get(id).map_or(fallback, String::as_str);
    let mut list = status_choices();
    if choices == StatusOptions::NotAffectedFirst {
        list.insert(0, Choice::new("", "Not affected"));
    }
    let field = Field::new(format!("component.{id}"), row.component.name.clone()).with_error(problems);
    view! { <SelectRow field choices=list value/> }.into_any()
}
