//! The updates of a past incident, each with its own status, time and message.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Fields, parse_body};
use crate::domain::parse_time::parse_local;
use crate::domain::{Invalid, Phase};

/// Most updates that a past incident can be created with.
pub const MAX_PAST_UPDATES: usize = 20;
/// The hidden field of the form of a past incident.
pub const PAST_INCIDENT: &str = "past";
/// The button that adds an update, and the one that removes the update whose index is its value.
pub const ADD_UPDATE: &str = "add_update";
pub const REMOVE_UPDATE: &str = "remove_update";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastUpdateForm {
    pub phase: String,
    /// The local time, in the zone of the incident's form.
    pub at: String,
    pub body: String,
}

/// An update of a new incident.
#[derive(Clone, Debug)]
pub struct InitialUpdate {
    pub phase: Phase,
    pub body: String,
    /// `None` for now.
    pub at: Option<DateTime<Utc>>,
}

impl PastUpdateForm {
    /// The name of the field `part` of the update at `index`.
    pub fn field(index: usize, part: &str) -> String {
        format!("update.{index}.{part}")
    }

    /// The position, from 1, of the update that `field` belongs to; `None` for other fields.
    pub fn number_of_field(field: &str) -> Option<usize> {
        let (index, _) = field.strip_prefix("update.")?.split_once('.')?;
        Some(index.parse::<usize>().ok()?.saturating_add(1))
    }

    /// The updates of a past incident, at most one more than accepted; empty in any other form.
    pub fn read_all(fields: &Fields) -> Vec<Self> {
        if !fields.has(PAST_INCIDENT) {
            return Vec::new();
        }
        let read = |index| {
            let names = ["phase", "at", "body"].map(|part| Self::field(index, part));
            let [phase, at, body] = names.each_ref().map(|name| fields.text(name));
            names.iter().any(|name| fields.has(name)).then_some(Self { phase, at, body })
        };
        let mut rows: Vec<Self> = (0..=MAX_PAST_UPDATES).filter_map(read).collect();
        if rows.is_empty() {
            rows.push(Self::first());
        }
        rows
    }

    pub fn first() -> Self {
        Self { phase: Phase::default().key().to_owned(), ..Self::default() }
    }
}

/// Adds or removes an update if the button for it was pressed. Returns the index of the update to continue with.
pub(super) fn press_row_button(rows: &mut Vec<PastUpdateForm>, fields: &Fields) -> Option<usize> {
    if rows.is_empty() {
        return None;
    }
    if fields.has(ADD_UPDATE) {
        let newest = rows.last().and_then(|row| Phase::from_key(&row.phase)).unwrap_or_default();
        if rows.len() <= MAX_PAST_UPDATES {
            rows.push(PastUpdateForm { phase: newest.likely_next().key().to_owned(), ..PastUpdateForm::default() });
        }
        return Some(rows.len() - 1);
    }
    let removed = fields.has(REMOVE_UPDATE).then(|| fields.text(REMOVE_UPDATE).parse::<usize>().ok())?;
    if let Some(index) = removed.filter(|index| *index < rows.len() && rows.len() > 1) {
        rows.remove(index);
    }
    Some(removed.unwrap_or_default().min(rows.len() - 1))
}

/// The parsed updates, in order. Rejects times out of order or before `started_at`, and a resolved update before another.
pub(super) fn parse_past_updates(
    rows: &[PastUpdateForm],
    zone: Option<Tz>,
    started_at: Option<DateTime<Utc>>,
    invalid: &mut Invalid,
) -> Vec<InitialUpdate> {
    check_row_count(rows, invalid);
    let mut earliest = started_at.map(|at| (at, "This is before the start of the incident."));
    let mut parsed = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let name = |part| PastUpdateForm::field(index, part);
        let phase = Phase::from_key(&row.phase).ok_or_else(|| "Choose a status.".to_owned());
        let phase = invalid.take(&name("phase"), phase);
        if phase == Some(Phase::Resolved) && index + 1 < rows.len() {
            invalid.add(name("phase"), "Only the last update can be Resolved.");
        }
        let at = zone.and_then(|zone| invalid.take(&name("at"), parse_local(&row.at, zone)));
        if let Some(at) = at {
            if let Some((_, message)) = earliest.filter(|(bound, _)| at < *bound) {
                invalid.add(name("at"), message);
            }
            earliest = Some((at, "This is earlier than the previous update."));
        }
        let body = invalid.take(&name("body"), parse_body(&row.body));
        if let (Some(phase), Some(body)) = (phase, body) {
            parsed.push(InitialUpdate { phase, body, at });
        }
    }
    parsed
}

fn check_row_count(rows: &[PastUpdateForm], invalid: &mut Invalid) {
    if rows.len() > MAX_PAST_UPDATES {
        let sentence = format!("At most {MAX_PAST_UPDATES} updates. Remove one, or post it after publishing.");
        invalid.add("updates", sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(phase: &str, at: &str) -> PastUpdateForm {
        PastUpdateForm { phase: phase.into(), at: at.into(), body: "Text".into() }
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn errors(rows: &[PastUpdateForm], started_at: Option<&str>) -> Vec<(String, String)> {
        let mut invalid = Invalid::new();
        let started_at = started_at.map(|at| at.parse().unwrap());
        parse_past_updates(rows, Some(Tz::Europe__Lisbon), started_at, &mut invalid);
        invalid.iter().map(|(field, message)| (field.to_owned(), message.to_owned())).collect()
    }

    #[test]
    fn rows_are_read_only_from_form_of_past_incident() {
        let sent = [("update.0.phase", "identified"), ("update.0.body", "A"), ("update.2.at", "2026-07-01T10:00")];
        assert!(PastUpdateForm::read_all(&fields(&sent)).is_empty());
        let rows = PastUpdateForm::read_all(&fields(&[&sent[..], &[(PAST_INCIDENT, "1")]].concat()));
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].phase.as_str(), rows[1].at.as_str()), ("identified", "2026-07-01T10:00"));
        assert_eq!(PastUpdateForm::read_all(&fields(&[(PAST_INCIDENT, "1")])), [PastUpdateForm::first()]);
    }

    #[test]
    fn buttons_add_and_remove_rows_up_to_limit() {
        let mut rows = vec![row("investigating", "1"), row("identified", "2")];
        let add = fields(&[(ADD_UPDATE, "1")]);
        assert_eq!(press_row_button(&mut rows, &add), Some(2));
        assert_eq!(rows[2], PastUpdateForm { phase: "monitoring".into(), ..PastUpdateForm::default() });
        assert_eq!(press_row_button(&mut rows, &fields(&[(REMOVE_UPDATE, "0")])), Some(0));
        assert_eq!((rows.len(), rows[0].at.as_str()), (2, "2"));
        for wrong in ["7", "x", "-1"] {
            press_row_button(&mut rows, &fields(&[(REMOVE_UPDATE, wrong)]));
            assert_eq!(rows.len(), 2, "{wrong}");
        }
        for _ in 0..30 {
            press_row_button(&mut rows, &add);
        }
        assert_eq!(rows.len(), MAX_PAST_UPDATES + 1, "one more than accepted, to say so");
        assert_eq!(errors(&rows, None).last().unwrap().0, "updates");
        let mut only = vec![row("resolved", "1")];
        assert_eq!(press_row_button(&mut only, &fields(&[(REMOVE_UPDATE, "0")])), Some(0));
        assert_eq!((only.len(), press_row_button(&mut only, &fields(&[("title", "x")]))), (1, None));
    }

    #[test]
    fn times_are_in_order_and_not_before_start() {
        let rows = [row("investigating", "2026-07-01T10:00"), row("resolved", "2026-07-01T10:00")];
        assert!(errors(&rows, Some("2026-07-01T09:00:00Z")).is_empty(), "Lisbon is an hour ahead");
        let early = errors(&rows, Some("2026-07-01T09:01:00Z"));
        assert_eq!((early.len(), early[0].0.as_str()), (1, "update.0.at"));
        assert!(early[0].1.contains("before the start"), "{early:?}");
        let rows = [row("investigating", "2026-07-01T10:00"), row("resolved", "2026-07-01T09:59")];
        let unsorted = errors(&rows, None);
        assert_eq!((unsorted.len(), unsorted[0].0.as_str()), (1, "update.1.at"));
        let missing = errors(&[row("resolved", "")], None);
        assert_eq!(missing[0].0, "update.0.at");
    }

    #[test]
    fn only_last_update_resolves() {
        let rows = [row("resolved", "2026-07-01T10:00"), row("monitoring", "2026-07-01T10:30")];
        let errors = errors(&rows, None);
        assert_eq!((errors.len(), errors[0].0.as_str()), (1, "update.0.phase"));
    }

    #[test]
    fn every_error_is_beside_its_row() {
        let rows = [
            row("investigating", "2026-07-01T10:00"),
            PastUpdateForm::default(),
            PastUpdateForm { body: " ".into(), ..row("resolved", "2026-07-01T11:00") },
        ];
        let fields: Vec<String> = errors(&rows, None).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["update.1.at", "update.1.body", "update.1.phase", "update.2.body"]);
    }
}
