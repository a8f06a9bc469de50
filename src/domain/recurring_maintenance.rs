//! Recurring maintenance.
//!
//! A series has one future occurrence: when an occurrence is due to start, the next one is created. Each occurrence is
//! a separate maintenance that can be rescheduled, extended or cancelled independently.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::maintenance::{Automation, Occurrence, PlannedComponent};
use super::recurrence::{RecurrenceRule, instant};
use super::{Component, ComponentId, Maintenance, MaintenanceId, MaintenancePhase, SeriesId, Status, UpdateId};

pub const MAX_SKIPPED: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    pub id: SeriesId,
    pub title: String,
    /// The first update of each occurrence, in Markdown.
    pub body: String,
    pub rule: RecurrenceRule,
    /// The time zone of the rule.
    pub zone: Tz,
    /// The first start, in local time of the zone.
    pub first_start: NaiveDateTime,
    #[serde(with = "seconds")]
    pub length: TimeDelta,
    /// Dates without an occurrence.
    pub skipped: Vec<NaiveDate>,
    pub switches: Automation,
    pub components: Vec<ComponentId>,
    /// The start of the newest occurrence, in local time of the zone.
    pub made_until: Option<NaiveDateTime>,
    /// When to create the next occurrence; `None` once the series has ended.
    pub grows_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Series {
    pub fn has_ended(&self) -> bool {
        self.grows_at.is_none()
    }

    pub fn end(&mut self) {
        self.grows_at = None;
    }

    /// Creates the next occurrence that does not end before `now`, with the current names of `components`. Ends the
    /// series and returns `None` if there is none.
    pub fn plan_next_occurrence(
        &mut self,
        ids: (MaintenanceId, UpdateId),
        components: &[Component],
        now: DateTime<Utc>,
    ) -> Option<Maintenance> {
        let mut last = self.made_until;
        let start = loop {
            let Some(start) = self.rule.next_after(self.first_start, last, &self.skipped) else {
                self.end();
                return None;
            };
            if instant(start, self.zone) + self.length > now {
                break start;
            }
            last = Some(start);
        };
        self.made_until = Some(start);
        let made = self.occurrence(start, ids, components, now);
        self.grows_at = Some(made.scheduled_for);
        Some(made)
    }

    /// The starts of at most `count` occurrences after the newest.
    pub fn future_starts(&self, count: usize) -> Vec<DateTime<Utc>> {
        let next = |last: &Option<NaiveDateTime>| self.rule.next_after(self.first_start, *last, &self.skipped);
        let starts = std::iter::successors(next(&self.made_until), |start| next(&Some(*start)));
        starts.take(count).map(|start| instant(start, self.zone)).collect()
    }

    fn occurrence(
        &self,
        start: NaiveDateTime,
        ids: (MaintenanceId, UpdateId),
        components: &[Component],
        now: DateTime<Utc>,
    ) -> Maintenance {
        let scheduled_for = instant(start, self.zone);
        let mut made = Maintenance {
            id: ids.0,
            title: self.title.clone(),
            phase: MaintenancePhase::Scheduled,
            scheduled_for,
            scheduled_until: scheduled_for + self.length,
            zone: self.zone,
            started_at: None,
            ended_at: None,
            switches: self.switches,
            remind_at: None,
            components: planned_components(&self.components, components),
            occurrence: Some(Occurrence { series_id: self.id.clone(), start }),
            created_at: now,
            updated_at: now,
            version: 1,
            impact_override: None,
            updates: Vec::new(),
        };
        let named = made.named_components(Status::Operational);
        made.push_update(MaintenancePhase::Scheduled, self.body.clone(), named, ids.1, now, now);
        made.plan_reminder(now);
        made
    }
}

/// The `chosen` components with their current names, without deleted ones.
pub fn planned_components(chosen: &[ComponentId], components: &[Component]) -> Vec<PlannedComponent> {
    let chosen = components.iter().filter(|component| chosen.contains(&component.id));
    chosen.map(|component| PlannedComponent { id: component.id.clone(), name: component.name.clone() }).collect()
}

mod seconds {
    use chrono::TimeDelta;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(length: &TimeDelta, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(length.num_seconds())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimeDelta, D::Error> {
        i64::deserialize(from).map(TimeDelta::seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn weekly() -> Series {
        let first_start = "2026-10-11T02:00:00".parse().unwrap();
        Series {
            id: SeriesId::parse("weekly").unwrap(),
            title: "Index rebuild".into(),
            body: "Searches are slower.".into(),
            rule: RecurrenceRule::parse("FREQ=WEEKLY;COUNT=4", first_start).unwrap(),
            zone: Tz::Europe__Lisbon,
            first_start,
            length: TimeDelta::minutes(90),
            skipped: vec!["2026-10-18".parse().unwrap()],
            switches: Automation { reminds: true, starts: true, completes: true, marks: true },
            components: Vec::new(),
            made_until: None,
            grows_at: Some(DateTime::UNIX_EPOCH),
            created_at: at("2026-10-01T00:00:00Z"),
            updated_at: at("2026-10-01T00:00:00Z"),
            version: 1,
        }
    }

    fn grow(series: &mut Series, now: &str) -> Option<String> {
        let ids = (MaintenanceId::parse("m").unwrap(), UpdateId::parse("u").unwrap());
        series.plan_next_occurrence(ids, &[], at(now)).map(|made| made.scheduled_for.to_rfc3339())
    }

    #[test]
    fn future_starts_follow_the_newest_occurrence() {
        let mut series = weekly();
        grow(&mut series, "2026-10-01T00:00:00Z");
        // The 18th is skipped.
        assert_eq!(series.future_starts(2), [at("2026-10-25T02:00:00Z"), at("2026-11-01T02:00:00Z")]);
    }

    #[test]
    fn each_start_makes_the_next_occurrence_until_the_rule_ends() {
        let mut series = weekly();
        assert_eq!(grow(&mut series, "2026-10-01T00:00:00Z").as_deref(), Some("2026-10-11T01:00:00+00:00"));
        assert_eq!(series.grows_at, Some(at("2026-10-11T01:00:00Z")));
        // The 18th is skipped; by the 25th the clocks have gone back.
        assert_eq!(grow(&mut series, "2026-10-11T01:00:00Z").as_deref(), Some("2026-10-25T02:00:00+00:00"));
        assert_eq!(grow(&mut series, "2026-10-25T02:00:00Z").as_deref(), Some("2026-11-01T02:00:00+00:00"));
        assert_eq!(grow(&mut series, "2026-11-01T02:00:00Z"), None);
        assert!(series.has_ended());
    }

    #[test]
    fn after_downtime_only_future_occurrences_are_created() {
        let mut series = weekly();
        assert_eq!(grow(&mut series, "2026-10-25T03:00:00Z").as_deref(), Some("2026-10-25T02:00:00+00:00"));
        let mut series = weekly();
        assert_eq!(grow(&mut series, "2026-10-25T03:30:00Z").as_deref(), Some("2026-11-01T02:00:00+00:00"));
    }
}
