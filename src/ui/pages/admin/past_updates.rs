//! The rows of a past incident's updates, and their preview.

use leptos::prelude::*;

use super::composer::{message_preview, phase_choices, phase_words};
use crate::domain::forms::{ADD_UPDATE, MAX_PAST_UPDATES, PastUpdateForm, REMOVE_UPDATE};
use crate::ui::admin_icon::AdminIcon;
use crate::ui::form::{DateTimeLocal, Field, FormErrors, Group, Segments, TextArea};

const PARTS: [&str; 3] = ["phase", "at", "body"];

/// The names of the fields of [`past_update_fields`] in their order.
pub fn past_update_names() -> Vec<String> {
    let rows = (0..=MAX_PAST_UPDATES).flat_map(|index| PARTS.map(|part| PastUpdateForm::field(index, part)));
    std::iter::once("updates".to_owned()).chain(rows).collect()
}

/// A row per update, and the buttons that add and remove one. The row at `focus` gets the focus.
pub fn past_update_fields(rows: &[PastUpdateForm], focus: Option<usize>, problems: &FormErrors) -> AnyView {
    let is_only = rows.len() == 1;
    let each = rows.iter().enumerate();
    let each = each.map(|(index, row)| past_update_row(index, row, (is_only, focus == Some(index)), problems));
    let end = match rows.len() < MAX_PAST_UPDATES {
        true => {
            view! { <button type="submit" class="button" name=ADD_UPDATE value="1">"Add update"</button> }.into_any()
        }
        false => view! { <p class="hint">{format!("At most {MAX_PAST_UPDATES} updates.")}</p> }.into_any(),
    };
    let content = view! { <div class="past-updates">{each.collect_view()}{end}</div> }.into_any();
    let field = Field::new("updates", "Updates, oldest first").with_error(problems);
    view! { <Group field content id="updates"/> }.into_any()
}

fn past_update_row(
    index: usize,
    row: &PastUpdateForm,
    (is_only, has_focus): (bool, bool),
    problems: &FormErrors,
) -> AnyView {
    let field = |part, label| Field::new(PastUpdateForm::field(index, part), label).with_error(problems);
    let heading = format!("update.{index}");
    let number = index + 1;
    let remove = (!is_only).then(|| {
        view! {
            <button type="submit" class="remove" name=REMOVE_UPDATE value=index.to_string()>
                {AdminIcon::Close.view()}
                <span class="unseen">{format!("Remove update {number}")}</span>
            </button>
        }
    });
    view! {
        <div class="past-update" role="group" aria-labelledby=heading.clone()>
            <p class="past-update-head"><span class="label" id=heading.clone()>{format!("Update {number}")}</span>{remove}</p>
            <Segments
                field=field("phase", "Status").with_focus(has_focus)
                choices=phase_choices()
                value=row.phase.clone()
            />
            <DateTimeLocal field=field("at", "Time") value=row.at.clone()/>
            <TextArea field=field("body", "Message") value=row.body.clone() rows=4/>
        </div>
    }
    .into_any()
}

/// Every update as visitors see it, with its time as it was typed.
pub fn past_updates_preview(rows: &[PastUpdateForm], zone: &str) -> AnyView {
    let each = |row: &PastUpdateForm| {
        let time = match row.at.trim() {
            "" => "Time is missing".to_owned(),
            at => format!("{} {zone}", at.replace('T', " ")),
        };
        let said = message_preview(&row.body);
        view! {
            <div class="past-update-preview">
                <p class="said">
                    <strong>{phase_words(&row.phase)}</strong>" "
                    <span class="soft">{time}</span>
                </p>
                <div class="prose" dir="auto" inner_html=said></div>
            </div>
        }
    };
    rows.iter().map(each).collect_view().into_any()
}
