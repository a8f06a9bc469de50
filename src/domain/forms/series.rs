use chrono::{DateTime, NaiveDate, Utc};

use super::{Fields, MaintenanceForm, NewMaintenance, PlanForm, WindowForm};
use crate::domain::parse_time::parse_day;
use crate::domain::recurrence::{RecurrenceRule, instant};
use crate::domain::recurring_maintenance::MAX_SKIPPED;
use crate::domain::{Component, Invalid, Series, SeriesId};

/// Whether and how a maintenance recurs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecurrenceForm {
    /// A rule from [`Self::RULE_CHOICES`], [`Self::CUSTOM_RULE`], or empty for no recurrence.
    pub repeats: String,
    pub rule: String,
    /// Dates without an occurrence.
    pub skipped: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    pub rule: RecurrenceRule,
    pub skipped: Vec<NaiveDate>,
}

/// A recurring maintenance: its first occurrence and its recurrence.
#[derive(Clone, Debug, Default)]
pub struct SeriesForm {
    /// The id of the new series, so that a form submitted twice creates one series; if invalid, a random one.
    pub id: String,
    pub first: MaintenanceForm,
    pub recurrence: RecurrenceForm,
}

#[derive(Clone, Debug)]
pub struct NewSeries {
    pub first: NewMaintenance,
    pub recurrence: Recurrence,
}

impl RecurrenceForm {
    pub const CUSTOM_RULE: &str = "custom";
    pub const RULE_CHOICES: [(&str, &str); 5] = [
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY", "Every week"),
        ("FREQ=WEEKLY;INTERVAL=2", "Every two weeks"),
        ("FREQ=MONTHLY", "Every month, on the same day"),
        ("FREQ=YEARLY", "Every year"),
    ];

    pub fn read(fields: &Fields) -> Self {
        Self { repeats: fields.text("repeats"), rule: fields.text("rule"), skipped: fields.text("skipped") }
    }

    pub fn is_wanted(&self) -> bool {
        !self.repeats.is_empty()
    }

    fn from_series(series: &Series) -> Self {
        let rule = series.rule.as_str();
        let listed = Self::RULE_CHOICES.iter().any(|(known, _)| *known == rule);
        let days: Vec<String> = series.skipped.iter().map(NaiveDate::to_string).collect();
        Self {
            repeats: if listed { rule.to_owned() } else { Self::CUSTOM_RULE.to_owned() },
            rule: if listed { String::new() } else { rule.to_owned() },
            skipped: days.join("\n"),
        }
    }
}

impl SeriesForm {
    pub fn read(fields: &Fields) -> Self {
        let (first, recurrence) = (MaintenanceForm::read(fields), RecurrenceForm::read(fields));
        Self { id: fields.text("new_id"), first, recurrence }
    }

    /// Fills the form with the newest occurrence if it has not started, else the one after it.
    pub fn from_series(series: &Series, now: DateTime<Utc>) -> Self {
        let newest = series.made_until.unwrap_or(series.first_start);
        let next = if instant(newest, series.zone) > now {
            Some(newest)
        } else {
            series.rule.next_after(series.first_start, Some(newest), &series.skipped)
        };
        let from = instant(next.unwrap_or(newest), series.zone);
        let plan = PlanForm {
            title: series.title.clone(),
            components: series.components.iter().map(ToString::to_string).collect(),
            switches: series.switches,
            version: series.version,
        };
        let window = WindowForm::from_times(from, from + series.length, series.zone);
        Self {
            id: String::new(),
            first: MaintenanceForm { plan, window, body: series.body.clone() },
            recurrence: RecurrenceForm::from_series(series),
        }
    }

    pub fn parse(&self) -> Result<NewSeries, Invalid> {
        let mut invalid = Invalid::new();
        let first = self.first.parse_into(&mut invalid);
        let skipped = self.parse_skipped_dates(&mut invalid);
        let rule = if self.recurrence.repeats == RecurrenceForm::CUSTOM_RULE {
            ("rule", &self.recurrence.rule)
        } else {
            ("repeats", &self.recurrence.repeats)
        };
        let (Some(first), Some(skipped)) = (first, skipped) else { return Err(invalid) };
        let start = first.window.from.with_timezone(&first.window.zone).naive_local();
        let parsed = invalid.take(rule.0, RecurrenceRule::parse(rule.1, start));
        match parsed {
            Some(rule) if invalid.is_empty() => Ok(NewSeries { first, recurrence: Recurrence { rule, skipped } }),
            _ => Err(invalid),
        }
    }

    fn parse_skipped_dates(&self, invalid: &mut Invalid) -> Option<Vec<NaiveDate>> {
        let days = self.recurrence.skipped.split([' ', ',', '\n', '\t']).filter(|day| !day.is_empty());
        let days: Result<Vec<NaiveDate>, String> = days.map(parse_day).collect();
        let few = |days: Vec<NaiveDate>| {
            if days.len() > MAX_SKIPPED { Err(format!("At most {MAX_SKIPPED} days.")) } else { Ok(days) }
        };
        let mut days = invalid.take("skipped", days.and_then(few))?;
        days.sort_unstable();
        days.dedup();
        Some(days)
    }
}

impl NewSeries {
    /// The first occurrence is due at once. Rejects unknown components.
    pub fn begin(self, id: SeriesId, known: &[Component], now: DateTime<Utc>) -> Result<Series, Invalid> {
        let blank = Series {
            id,
            title: String::new(),
            body: String::new(),
            rule: self.recurrence.rule.clone(),
            zone: self.first.window.zone,
            first_start: DateTime::UNIX_EPOCH.naive_utc(),
            length: self.first.window.until - self.first.window.from,
            skipped: Vec::new(),
            switches: self.first.plan.switches,
            components: Vec::new(),
            made_until: None,
            grows_at: Some(now),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let mut series = blank;
        self.apply(&mut series, known, now)?;
        Ok(series)
    }

    /// Changes `series` from its new first start on; earlier occurrences stay. Rejects unknown components.
    pub fn apply(self, series: &mut Series, known: &[Component], now: DateTime<Utc>) -> Result<(), Invalid> {
        let NewSeries { first, recurrence } = self;
        if let Some(gone) = first.plan.components.iter().find(|id| !known.iter().any(|known| known.id == **id)) {
            return Err(Invalid::field("components", format!("Component {gone} was deleted.")));
        }
        series.title = first.plan.title;
        series.body = first.body;
        series.rule = recurrence.rule;
        series.zone = first.window.zone;
        series.first_start = first.window.from.with_timezone(&first.window.zone).naive_local();
        series.length = first.window.until - first.window.from;
        series.skipped = recurrence.skipped;
        series.switches = first.plan.switches;
        series.components = first.plan.components;
        series.made_until = None;
        series.grows_at = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(repeats: &str, rule: &str, skipped: &str) -> SeriesForm {
        let window = WindowForm {
            scheduled_for: "2026-11-26T02:00".into(),
            scheduled_until: "2026-11-26T04:00".into(),
            zone: "Europe/Lisbon".into(),
        };
        let plan = PlanForm { title: "Index rebuild".into(), ..PlanForm::default() };
        SeriesForm {
            id: String::new(),
            first: MaintenanceForm { plan, window, body: "Slower searches.".into() },
            recurrence: RecurrenceForm { repeats: repeats.into(), rule: rule.into(), skipped: skipped.into() },
        }
    }

    #[test]
    fn series_form_round_trips() {
        let now: DateTime<Utc> = "2026-11-20T00:00:00Z".parse().unwrap();
        for given in [form("FREQ=WEEKLY", "", "2026-12-24\n2026-12-31"), form("custom", "FREQ=MONTHLY;BYDAY=4TH", "")] {
            let id = SeriesId::parse("s").unwrap();
            let series = given.parse().unwrap().begin(id, &[], now).unwrap();
            let shown = SeriesForm::from_series(&series, now);
            assert_eq!((&shown.first.window, &shown.recurrence), (&given.first.window, &given.recurrence));
        }
    }

    #[test]
    fn rule_errors_name_their_field() {
        assert!(form("custom", "FREQ=HOURLY", "").parse().unwrap_err().get("rule").unwrap().contains("once a day"));
        assert!(form("FREQ=FOO", "", "").parse().unwrap_err().get("repeats").is_some());
        assert!(form("FREQ=DAILY", "", "tomorrow").parse().unwrap_err().get("skipped").is_some());
    }
}
