//! Form parsing. A `…Form` keeps what the user typed, to show it again; a `New…` type is the parsed input.
//!
//! `read` takes the fields from a submission, `from_…` fills the form from a stored value, and `parse` returns the
//! parsed input or an error message per invalid field.

mod announcement;
mod api_token;
mod brand;
mod component;
mod correction;
mod incident;
mod maintenance;
mod maintenance_steps;
mod maintenance_update;
mod manager;
mod next_update;
mod operator_channel;
mod page;
mod page_import;
mod past_updates;
mod policy;
mod postmortem;
mod series;
mod setup;
mod subscriber;
mod subscription;
mod template;
mod update;

pub use announcement::{AnnouncementForm, NewAnnouncement};
pub use api_token::{ApiTokenForm, NewApiToken};
pub use brand::{ACCENT_CHOICE, BrandFile, BrandForm, BrandSettings, DEFAULT, OWN};
pub use component::{ComponentForm, GroupForm, NewComponent, NewGroup};
pub use correction::{CorrectionForm, NewCorrection};
pub use incident::{IncidentDetails, IncidentDetailsForm, IncidentForm, NewIncident};
pub use maintenance::{MaintenanceForm, NewMaintenance, Plan, PlanForm, Window, WindowForm};
pub use maintenance_steps::{CancellationForm, ExtensionForm, ScheduleForm, StartForm};
pub use maintenance_update::{MaintenanceUpdateForm, NewMaintenanceUpdate};
pub use manager::{ManagerForm, NewManager};
pub use next_update::{INTERVALS, NextUpdate, NextUpdateForm};
pub use operator_channel::OperatorChannelForm;
pub use page::{PageForm, PageSettings};
pub use page_import::PageImportForm;
pub use past_updates::{ADD_UPDATE, InitialUpdate, MAX_PAST_UPDATES, PAST_INCIDENT, PastUpdateForm, REMOVE_UPDATE};
pub use policy::PolicyForm;
pub use postmortem::PostmortemForm;
pub use series::{NewSeries, Recurrence, RecurrenceForm, SeriesForm};
pub use setup::{ComponentNamesForm, MAX_NEW_COMPONENTS};
pub use subscriber::{SubscriberChoices, SubscriberForm};
pub use subscription::{Choice, ChoiceForm, FEED, NewSubscription, SubscriptionForm};
pub use template::{NewTemplate, TemplateForm};
pub use update::{NewUpdate, UpdateEdit, UpdateEditForm, UpdateForm};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ComponentId, Invalid, Status};
use crate::format::markdown::without_comments;

/// The fields of a submission, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The last value of `name`, with `\n` line ends; empty if missing.
    pub fn text(&self, name: &str) -> String {
        let value = self.0.iter().rev().find(|(key, _)| key == name);
        value.map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
    }

    pub fn values(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether the check box `name` is ticked, or the button `name` was pressed.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The notify switch of a composer; `None` if the form has none.
    pub fn notify_choice(&self) -> Option<bool> {
        self.has("notify_switch").then(|| self.has("notify"))
    }

    /// The version from which the form was filled; 0, which no row has, if missing.
    pub fn version(&self) -> i64 {
        self.text("version").parse().unwrap_or(0)
    }

    /// The `component.ID` fields by id, without those left at "not affected" (empty).
    pub fn components(&self) -> BTreeMap<String, String> {
        let named = self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix("component.")?, value)));
        named.filter(|(_, value)| !value.is_empty()).map(|(id, value)| (id.to_owned(), value.clone())).collect()
    }
}

/// One line of text, which may be empty. `max` is in characters.
pub fn parse_line(text: &str, max: usize) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("Use one line of plain text.".into());
    }
    check_length(text, max)
}

/// One line of text that must not be empty; `missing` is the error message.
pub fn parse_required_line(text: &str, max: usize, missing: &str) -> Result<String, String> {
    let text = parse_line(text, max)?;
    if text.is_empty() { Err(missing.into()) } else { Ok(text) }
}

/// Text that may be empty. `max` is in characters. Only line ends and tabs are allowed as control characters.
pub fn parse_lines(text: &str, max: usize) -> Result<String, String> {
    let text = text.trim_end();
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
        return Err("Remove the control characters. Plain text and Markdown are allowed.".into());
    }
    check_length(text, max)
}

/// A message, without HTML comments: they are never published, not even in JSON documents.
pub fn parse_body(text: &str) -> Result<String, String> {
    let text = parse_lines(&without_comments(text), super::update::MAX_BODY)?;
    if text.trim().is_empty() { Err("Enter a message.".into()) } else { Ok(text) }
}

fn check_length(text: &str, max: usize) -> Result<String, String> {
    let count = text.chars().count();
    if count > max { Err(format!("At most {max} characters; this has {count}.")) } else { Ok(text.to_owned()) }
}

fn parse_component_statuses(chosen: &BTreeMap<String, String>, invalid: &mut Invalid) -> Vec<(ComponentId, Status)> {
    let mut statuses = Vec::new();
    for (id, status) in chosen {
        match (ComponentId::parse(id), Status::from_key(status)) {
            (Some(id), Some(status)) => statuses.push((id, status)),
            _ => invalid.add(format!("component.{id}"), "Choose a status from the list."),
        }
    }
    statuses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_limited_and_has_no_control_characters() {
        assert_eq!(parse_line("  Mail  ", 10).as_deref(), Ok("Mail"));
        assert!(parse_line("a\r\nSet-Cookie: x", 100).is_err());
        assert!(parse_line("a\0b", 100).is_err());
        assert!(parse_line("12345", 4).unwrap_err().contains("At most 4"));
        assert!(parse_required_line("  ", 4, "Enter a name.").is_err());
        assert!(parse_body(" \n ").is_err());
        assert!(parse_body(&"ä".repeat(25_000)).is_ok());
        assert!(parse_body(&"ä".repeat(25_001)).is_err());
    }

    #[test]
    fn unchosen_components_are_omitted() {
        let field = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let fields = Fields(vec![field("component.api", "major_outage"), field("component.db", "")]);
        let mut invalid = Invalid::new();
        let statuses = parse_component_statuses(&fields.components(), &mut invalid);
        assert_eq!(statuses, [(ComponentId::parse("api").unwrap(), Status::MajorOutage)]);
        assert!(invalid.is_empty());
    }
}
