//! The forms that reschedule, extend, start and cancel a maintenance.

use chrono::{DateTime, Utc};

use super::incident::keep_seconds;
use super::maintenance::{check_end, format_local};
use super::{Fields, WindowForm, parse_body};
use crate::domain::parse_time::{parse_local, parse_zone};
use crate::domain::{Invalid, Maintenance, MaintenancePhase, UpdateId};

#[derive(Clone, Debug, Default)]
pub struct ScheduleForm {
    pub window: WindowForm,
    /// Empty for the default text.
    pub body: String,
    pub version: i64,
}

#[derive(Clone, Debug, Default)]
pub struct ExtensionForm {
    pub until: String,
    pub zone: String,
    /// Empty for the default text.
    pub body: String,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct StartForm {
    pub version: i64,
}

#[derive(Clone, Debug, Default)]
pub struct CancellationForm {
    /// Empty for the default text.
    pub body: String,
    pub version: i64,
}

impl ScheduleForm {
    pub fn read(fields: &Fields) -> Self {
        Self { window: WindowForm::read(fields), body: fields.text("body"), version: fields.version() }
    }

    pub fn from_maintenance(maintenance: &Maintenance) -> Self {
        let window = WindowForm::from_times(maintenance.scheduled_for, maintenance.scheduled_until, maintenance.zone);
        Self { window, body: String::new(), version: maintenance.version }
    }

    pub fn apply(&self, maintenance: &mut Maintenance, id: UpdateId, now: DateTime<Utc>) -> Result<(), Invalid> {
        let mut invalid = Invalid::new();
        let window = self.window.parse_into(&mut invalid);
        let text =
            invalid.take("body", parse_optional_body(&self.body, "This maintenance has been moved to another time."));
        if let Some(window) = window {
            check_end(window.until, now, &mut invalid);
        }
        let (Some(window), Some(text)) = (window, text) else { return Err(invalid) };
        invalid.check()?;
        let from = keep_seconds(Some(window.from), Some(maintenance.scheduled_for)).unwrap_or(window.from);
        let until = keep_seconds(Some(window.until), Some(maintenance.scheduled_until)).unwrap_or(window.until);
        let moved = maintenance.reschedule((from, until), window.zone, text, id, now);
        moved.map_err(|sentence| Invalid::field("scheduled_for", sentence))
    }
}

impl ExtensionForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            until: fields.text("until"),
            zone: fields.text("zone"),
            body: fields.text("body"),
            version: fields.version(),
        }
    }

    /// Suggests 30 minutes more.
    pub fn from_maintenance(maintenance: &Maintenance, now: DateTime<Utc>) -> Self {
        let more = maintenance.scheduled_until.max(now) + chrono::TimeDelta::minutes(30);
        Self {
            until: format_local(more, maintenance.zone),
            zone: maintenance.zone.name().to_owned(),
            body: String::new(),
            version: maintenance.version,
        }
    }

    pub fn apply(&self, maintenance: &mut Maintenance, id: UpdateId, now: DateTime<Utc>) -> Result<(), Invalid> {
        let mut invalid = Invalid::new();
        let zone = invalid.take("zone", parse_zone(&self.zone));
        let until = zone.and_then(|zone| invalid.take("until", parse_local(&self.until, zone)));
        let text = invalid.take("body", parse_optional_body(&self.body, "This maintenance takes longer than planned."));
        let (Some(until), Some(text)) = (until, text) else { return Err(invalid) };
        let extended = maintenance.extend(until, text, id, now);
        extended.map_err(|sentence| Invalid::field("until", sentence))
    }
}

impl StartForm {
    pub fn read(fields: &Fields) -> Self {
        Self { version: fields.version() }
    }
}

impl CancellationForm {
    pub fn read(fields: &Fields) -> Self {
        Self { body: fields.text("body"), version: fields.version() }
    }

    pub fn parse(&self) -> Result<String, Invalid> {
        let usual = MaintenancePhase::Cancelled.default_text();
        parse_optional_body(&self.body, usual).map_err(|message| Invalid::field("body", message))
    }
}

/// The text of an update, or `usual` if empty.
fn parse_optional_body(text: &str, usual: &str) -> Result<String, String> {
    if text.trim().is_empty() { Ok(usual.to_owned()) } else { parse_body(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::maintenance::tests::maintenance;
    use chrono::TimeDelta;

    #[test]
    fn empty_text_uses_the_default() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(610);
        let mut it = maintenance(600, 660, &[]);
        it.begin(UpdateId::parse("a").unwrap(), now).unwrap();
        let form = ExtensionForm::from_maintenance(&it, now);
        assert_eq!((form.until.as_str(), form.zone.as_str()), ("1970-01-01T11:30", "UTC"));
        form.apply(&mut it, UpdateId::parse("b").unwrap(), now).unwrap();
        assert_eq!(it.newest_update().unwrap().body, "This maintenance takes longer than planned.");
        assert_eq!(CancellationForm::default().parse().unwrap(), "This maintenance has been cancelled.");
    }
}
