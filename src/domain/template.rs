//! Templates of incidents, maintenances and updates.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, MaintenancePhase, Phase, Status, TemplateId};

/// In characters.
pub const MAX_NAME: usize = 100;

/// Title and body may contain placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    pub name: String,
    /// The title of the incident or maintenance; may be empty in a template for updates.
    pub title: String,
    /// Markdown.
    pub body: String,
    pub phase: TemplatePhase,
    pub components: Vec<(ComponentId, Status)>,
    /// Whether the composer starts with the notify switch on.
    #[serde(default = "notifies_by_default")]
    pub notify: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// Audit rows of older templates lack the field.
fn notifies_by_default() -> bool {
    true
}

/// What a template is for: its phase is one of incidents or of maintenances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TemplatePhase {
    Incident(Phase),
    Maintenance(MaintenancePhase),
}

impl TemplatePhase {
    pub fn of_incidents() -> Vec<Self> {
        Phase::ALL.map(Self::Incident).to_vec()
    }

    /// Without cancelled: cancelling is a separate action.
    pub fn of_maintenances() -> Vec<Self> {
        let offered = |phase: &MaintenancePhase| *phase != MaintenancePhase::Cancelled;
        MaintenancePhase::ALL.into_iter().filter(offered).map(Self::Maintenance).collect()
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Incident(phase) => phase.key(),
            Self::Maintenance(phase) => phase.key(),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::of_incidents().into_iter().chain(Self::of_maintenances()).find(|phase| phase.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Incident(phase) => phase.words(),
            Self::Maintenance(phase) => phase.words(),
        }
    }

    pub fn is_maintenance(self) -> bool {
        matches!(self, Self::Maintenance(_))
    }
}

impl From<Phase> for TemplatePhase {
    fn from(phase: Phase) -> Self {
        Self::Incident(phase)
    }
}

/// All placeholders. Expressions are never evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The first affected component.
    Component,
    Components,
    Title,
    Phase,
    Date,
    Time,
    Page,
}

impl Placeholder {
    pub const ALL: [Placeholder; 7] = [
        Placeholder::Component,
        Placeholder::Components,
        Placeholder::Title,
        Placeholder::Phase,
        Placeholder::Date,
        Placeholder::Time,
        Placeholder::Page,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Placeholder::Component => "component",
            Placeholder::Components => "components",
            Placeholder::Title => "title",
            Placeholder::Phase => "phase",
            Placeholder::Date => "date",
            Placeholder::Time => "time",
            Placeholder::Page => "page",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placeholder| placeholder.key() == key)
    }
}

/// Replaces the placeholders in one pass, so that placeholders in a value are not replaced. The error is the name of
/// the first placeholder that is unknown or has no value.
pub fn fill_placeholders(text: &str, meaning: impl Fn(Placeholder) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            // Braces without a closing pair are plain text.
            filled.push_str("{{");
            rest = after;
            continue;
        };
        let name = name.trim();
        filled.push_str(&Placeholder::from_key(name).and_then(&meaning).ok_or_else(|| name.to_owned())?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[derive(Clone, Debug)]
pub struct PlaceholderValues {
    pub components: Vec<String>,
    /// `None` for a new incident or maintenance.
    pub title: Option<String>,
    pub phase: TemplatePhase,
    pub date: String,
    pub time: String,
    pub page: String,
}

impl Template {
    /// In the format of a form.
    pub fn statuses(&self) -> BTreeMap<String, String> {
        self.components.iter().map(|(id, status)| (id.to_string(), status.key().to_owned())).collect()
    }

    /// Title and body with placeholders replaced. A placeholder without a value stays, for the manager to see.
    pub fn filled(&self, meanings: &PlaceholderValues) -> (String, String) {
        let word = |placeholder, title: Option<&str>| match placeholder {
            Placeholder::Component => meanings.components.first().cloned(),
            Placeholder::Components => Some(meanings.components.join(", ")).filter(|names| !names.is_empty()),
            Placeholder::Title => title.map(str::to_owned),
            Placeholder::Phase => Some(meanings.phase.words().to_owned()),
            Placeholder::Date => Some(meanings.date.clone()),
            Placeholder::Time => Some(meanings.time.clone()),
            Placeholder::Page => Some(meanings.page.clone()),
        };
        let kept = |placeholder: Placeholder| format!("{{{{{}}}}}", placeholder.key());
        let filled = |text: &str, title: Option<&str>| {
            let meaning = |placeholder| Some(word(placeholder, title).unwrap_or_else(|| kept(placeholder)));
            fill_placeholders(text, meaning).unwrap_or_else(|_| text.to_owned())
        };
        let own = filled(&self.title, meanings.title.as_deref());
        let title = meanings.title.clone().unwrap_or_else(|| own.clone());
        let body = filled(&self.body, Some(&title).filter(|title| !title.is_empty()).map(String::as_str));
        (own, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(title: &str, body: &str) -> Template {
        Template {
            id: TemplateId::parse("t").unwrap(),
            name: "T".into(),
            title: title.into(),
            body: body.into(),
            phase: Phase::Identified.into(),
            components: Vec::new(),
            notify: true,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    fn meanings(components: &[&str]) -> PlaceholderValues {
        PlaceholderValues {
            components: components.iter().map(|name| (*name).to_owned()).collect(),
            title: None,
            phase: Phase::Identified.into(),
            date: "10 Nov 2026".into(),
            time: "12:00 UTC".into(),
            page: "Harbor Mail".into(),
        }
    }

    #[test]
    fn every_placeholder_is_replaced() {
        let it =
            template("{{component}} is slow", "{{title}}: {{ components }}, {{phase}}, {{date}} {{time}}, {{page}}");
        let (title, body) = it.filled(&meanings(&["API", "Mail"]));
        assert_eq!(title, "API is slow");
        assert_eq!(body, "API is slow: API, Mail, Identified, 10 Nov 2026 12:00 UTC, Harbor Mail");
    }

    #[test]
    fn template_phases_are_found_by_their_key() {
        let all = TemplatePhase::of_incidents().into_iter().chain(TemplatePhase::of_maintenances());
        assert_eq!(all.clone().count(), 8);
        for phase in all {
            assert_eq!(TemplatePhase::from_key(phase.key()), Some(phase));
        }
        assert_eq!(TemplatePhase::from_key("cancelled"), None);
    }

    #[test]
    fn placeholder_values_are_not_expanded() {
        let (title, body) = template("{{component}}", "{{title}}").filled(&meanings(&["{{page}} {{time}}"]));
        assert_eq!((title.as_str(), body.as_str()), ("{{page}} {{time}}", "{{page}} {{time}}"));
    }

    #[test]
    fn unresolved_placeholders_stay_in_text() {
        let (title, body) = template("", "{{component}} {{title}} {{time}}").filled(&meanings(&[]));
        assert_eq!((title.as_str(), body.as_str()), ("", "{{component}} {{title}} 12:00 UTC"));
    }

    #[test]
    fn an_update_names_the_title_of_its_incident() {
        let meanings = PlaceholderValues { title: Some("Mail is late".into()), ..meanings(&[]) };
        assert_eq!(template("", "{{title}}!").filled(&meanings).1, "Mail is late!");
    }

    #[test]
    fn unknown_placeholders_are_found_and_open_braces_are_text() {
        let known = |_| Some(String::new());
        for (text, wrong) in [
            ("{{nothing}}", "nothing"),
            ("{{time}} {{__proto__}}", "__proto__"),
            ("{{}}", ""),
            ("{{7*7}}", "7*7"),
            ("{{{time}}}", "{time"),
            ("{{TIME}}", "TIME"),
        ] {
            assert_eq!(fill_placeholders(text, known), Err(wrong.to_owned()), "{text}");
        }
        assert_eq!(fill_placeholders("a {{ b } c", known).as_deref(), Ok("a {{ b } c"));
        assert_eq!(fill_placeholders("a }} {% raw %} ${x}", known).as_deref(), Ok("a }} {% raw %} ${x}"));
    }
}
