//! The components in page order, with effective and manual status.

use leptos::prelude::*;

use crate::domain::component::StatusReason;
use crate::domain::page_status::Tone;
use crate::domain::{Component, ComponentId, Group, Incident, Maintenance, Status};
use crate::ui::admin_icon::{AdminIcon, tone_class};
use crate::ui::form::Choice;

#[derive(Clone, Debug, Default)]
pub struct ComponentBoard {
    pub sections: Vec<BoardSection>,
}

#[derive(Clone, Debug)]
pub struct BoardSection {
    pub group: Option<Group>,
    pub rows: Vec<BoardRow>,
}

#[derive(Clone, Debug)]
pub struct BoardRow {
    pub component: Component,
    /// The worse of the manual status (or the maintenance's) and the status set by open incidents.
    pub effective: Status,
    /// Why it is not operational.
    pub reason: Option<StatusReason>,
}

impl ComponentBoard {
    pub fn new(groups: &[Group], components: &[Component], open: &[Incident], planned: &[Maintenance]) -> Self {
        let row = |component: &Component| BoardRow {
            component: component.clone(),
            effective: component.effective_status(open, planned),
            reason: component.status_reason(open, planned, &[]),
        };
        let within = |group: &Group| {
            let mut members: Vec<&Component> =
                components.iter().filter(|c| c.group_id.as_ref() == Some(&group.id)).collect();
            members.sort_by_key(|component| component.position);
            BoardSection { group: Some(group.clone()), rows: members.into_iter().map(row).collect() }
        };
        let grouped = groups.iter().map(|group| ((group.position, 0), within(group)));
        let alone = components.iter().filter(|component| component.group_id.is_none());
        let alone =
            alone.map(|component| ((component.position, 1), BoardSection { group: None, rows: vec![row(component)] }));
        let mut placed: Vec<_> = grouped.chain(alone).collect();
        placed.sort_by_key(|(place, _)| *place);
        Self { sections: merge_ungrouped(placed.into_iter().map(|(_, section)| section)) }
    }

    /// Every component in page order.
    pub fn rows(&self) -> impl Iterator<Item = &BoardRow> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    pub fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }

    pub fn name_of(&self, id: &ComponentId) -> Option<&str> {
        self.rows().find(|row| row.component.id == *id).map(|row| row.component.name.as_str())
    }
}

/// Merges adjacent sections without a group.
fn merge_ungrouped(sections: impl Iterator<Item = BoardSection>) -> Vec<BoardSection> {
    let mut joined: Vec<BoardSection> = Vec::new();
    for section in sections {
        match joined.last_mut() {
            Some(last) if last.group.is_none() && section.group.is_none() => last.rows.extend(section.rows),
            _ => joined.push(section),
        }
    }
    joined
}

pub fn status_words(status: Status) -> AnyView {
    view! { <span class=format!("status {}", status.key())>{status.words()}</span> }.into_any()
}

/// The control that shows a status and opens the menu of a `<details class="pick">`.
pub fn status_summary(status: Status, about: &str) -> AnyView {
    view! {
        <summary class=tone_class(Tone::from(status))>
            {AdminIcon::from(status).view()}
            <span class="unseen" dir="auto">{format!("{about}: ")}</span>
            <span>{status.words()}</span>
            {AdminIcon::Chevron.view()}
        </summary>
    }
    .into_any()
}

/// Submit buttons that set a status. `current` is ticked.
pub fn status_buttons(current: Option<Status>) -> AnyView {
    let button = |status: Status| {
        let is_current = current == Some(status);
        let tone = tone_class(Tone::from(status));
        view! {
            <button type="submit" class="choice" name="status" value=status.key() aria-current=is_current.then_some("true")>
                <span class=tone>{AdminIcon::from(status).view()}</span>
                <span>{status.words()}</span>
                {is_current.then(|| AdminIcon::Tick.view())}
            </button>
        }
    };
    let order = [
        Status::Operational,
        Status::DegradedPerformance,
        Status::PartialOutage,
        Status::MajorOutage,
        Status::UnderMaintenance,
    ];
    order.into_iter().map(button).collect_view().into_any()
}

pub fn status_choices() -> Vec<Choice> {
    Status::ALL.into_iter().map(|status| Choice::new(status.key(), status.words())).collect()
}
