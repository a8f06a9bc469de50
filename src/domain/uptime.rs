//! Uptime percentages.
//!
//! Statuspage's rule: `1 - (major + 0.3 × partial) / covered`. Degraded performance and maintenance count as up. Where
//! causes overlap, only the worst counts. Percentages are truncated, so that 100 means no outage at all.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::forms::Fields;
use super::history::{Month, start_of_day};
use super::{ComponentId, Incident, IncidentId, Phase, Status, UptimeCorrection};

/// The weight of a partial outage relative to a major one.
const PARTIAL_WEIGHT: f64 = 0.3;

/// An interval in which a component was not operational.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusInterval {
    pub component_id: ComponentId,
    /// `None` if the cause is the baseline or a maintenance.
    pub incident_id: Option<IncidentId>,
    pub from: DateTime<Utc>,
    /// `None` while it lasts.
    pub to: Option<DateTime<Utc>>,
    pub status: Status,
}

impl Incident {
    /// The intervals of non-operational components. The first update counts from the incident's start, every other from
    /// its own time, and all end with the incident at the latest.
    pub fn status_intervals(&self) -> Vec<StatusInterval> {
        let mut effects: Vec<StatusInterval> = Vec::new();
        for (index, update) in self.updates.iter().enumerate() {
            let from = if index == 0 { self.started_at } else { update.posted_at.max(self.started_at) };
            let over = update.phase == Phase::Resolved && index > 0;
            for effect in effects.iter_mut().filter(|effect| effect.to.is_none()) {
                let renamed = update.components.iter().any(|named| named.id == effect.component_id);
                if over || renamed {
                    effect.to = Some(from);
                }
            }
            if !over {
                effects.extend(update.components.iter().filter(|c| c.status != Status::Operational).map(|named| {
                    StatusInterval {
                        component_id: named.id.clone(),
                        incident_id: Some(self.id.clone()),
                        from,
                        to: None,
                        status: named.status,
                    }
                }));
            }
        }
        if let Some(end) = self.ended_at {
            for effect in &mut effects {
                effect.to = Some(effect.to.unwrap_or(end).min(end));
            }
        }
        effects.retain(|effect| effect.to.is_none_or(|to| to > effect.from));
        effects
    }
}

/// `baselines` without the `planned` maintenance intervals, which replace the baseline.
pub fn baselines_outside_maintenance(baselines: &[StatusInterval], planned: &[StatusInterval]) -> Vec<StatusInterval> {
    let cut = |baseline: &StatusInterval| {
        planned
            .iter()
            .filter(|work| work.component_id == baseline.component_id)
            .fold(vec![baseline.clone()], |pieces, work| {
                pieces.into_iter().flat_map(|piece| piece.subtract(work)).collect()
            })
    };
    baselines.iter().flat_map(cut).collect()
}

impl StatusInterval {
    /// The parts before and after `other`.
    fn subtract(self, other: &StatusInterval) -> Vec<StatusInterval> {
        let begins_before = |to: Option<DateTime<Utc>>, from| to.is_none_or(|to| from < to);
        if !begins_before(other.to, self.from) || !begins_before(self.to, other.from) {
            return vec![self];
        }
        let before = (self.from < other.from).then(|| StatusInterval { to: Some(other.from), ..self.clone() });
        let after = other.to.filter(|end| begins_before(self.to, *end)).map(|end| StatusInterval { from: end, ..self });
        before.into_iter().chain(after).collect()
    }
}

/// Replaces the corrected intervals. All intervals must belong to one component.
pub fn apply_corrections(effects: Vec<StatusInterval>, corrections: &[UptimeCorrection]) -> Vec<StatusInterval> {
    let mut effects = effects;
    for correction in corrections {
        let really = StatusInterval {
            component_id: correction.component_id.clone(),
            incident_id: None,
            from: correction.from,
            to: Some(correction.to),
            status: correction.status,
        };
        effects = effects.into_iter().flat_map(|effect| effect.subtract(&really)).collect();
        effects.extend((really.status != Status::Operational).then_some(really));
    }
    effects
}

/// The downtime of a component within a range, in seconds. Overlaps count once, at the worst status. Less than a second
/// counts as one, so that no outage is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downtime {
    pub partial: i64,
    pub major: i64,
    /// Counts as up.
    pub degraded: i64,
    /// Counts as up.
    pub maintenance: i64,
    /// Seconds with data: from the start of the component's history to now, within the range.
    pub covered: i64,
    pub worst: Status,
}

impl Downtime {
    /// `effects` are the intervals of one component. There is no data before `start`, the start of its history, and after
    /// `now`.
    pub fn in_span(
        effects: &[StatusInterval],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let (from, to) = (from.max(start), to.min(now));
        if to <= from {
            return Self::default();
        }
        let clipped = |effect: &StatusInterval| {
            let (begin, end) = (effect.from.max(from), effect.to.unwrap_or(now).min(to));
            (end > begin).then_some((begin, end, effect.status))
        };
        let spans: Vec<_> = effects.iter().filter_map(clipped).collect();
        let mut edges: Vec<DateTime<Utc>> = spans.iter().flat_map(|(begin, end, _)| [*begin, *end]).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut lengths: BTreeMap<Status, TimeDelta> = BTreeMap::new();
        for pair in edges.windows(2) {
            let here = spans.iter().filter(|(begin, end, _)| *begin <= pair[0] && *end >= pair[1]);
            if let Some(worst) = here.map(|(_, _, status)| *status).max() {
                *lengths.entry(worst).or_default() += pair[1] - pair[0];
            }
        }
        let seconds = |status| lengths.get(&status).map_or(0, |length| whole_seconds(*length));
        Self {
            partial: seconds(Status::PartialOutage),
            major: seconds(Status::MajorOutage),
            degraded: seconds(Status::DegradedPerformance),
            maintenance: seconds(Status::UnderMaintenance),
            covered: whole_seconds(to - from),
            worst: lengths.keys().copied().max().unwrap_or_default(),
        }
    }

    pub fn combine(self, other: Self) -> Self {
        Self {
            partial: self.partial + other.partial,
            major: self.major + other.major,
            degraded: self.degraded + other.degraded,
            maintenance: self.maintenance + other.maintenance,
            covered: self.covered + other.covered,
            worst: self.worst.max(other.worst),
        }
    }

    /// The seconds that count against the uptime: a partial outage counts in part.
    pub fn counted_seconds(&self) -> i64 {
        (self.major as f64 + PARTIAL_WEIGHT * self.partial as f64).round() as i64
    }

    pub fn has_data(&self) -> bool {
        self.covered > 0
    }

    /// Hundredths of a per cent, truncated: at most 9,999 after any outage. `None` without data.
    pub fn uptime(&self) -> Option<u32> {
        if !self.has_data() {
            return None;
        }
        let out = self.major as f64 + PARTIAL_WEIGHT * self.partial as f64;
        if out <= 0.0 {
            return Some(10_000);
        }
        let share = (1.0 - out / self.covered as f64).max(0.0);
        // Corrects floating-point error, so that an exact value is not truncated to the one below; far less than a
        // second per year.
        let cut = (share * 10_000.0 + 1e-6).floor();
        Some((cut as u32).min(9_999))
    }

    /// `99.97%`, `100%` or `no data`.
    pub fn uptime_words(&self) -> String {
        match self.uptime() {
            None => "no data".to_owned(),
            Some(10_000) => "100%".to_owned(),
            Some(cut) => format!("{}.{:02}%", cut / 100, cut % 100),
        }
    }
}

/// Rounded down, but at least 1 for any time at all.
fn whole_seconds(length: TimeDelta) -> i64 {
    length.num_seconds().max(i64::from(length > TimeDelta::zero()))
}

/// What the uptime page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UptimeView {
    /// The last of the months; `None` for the current one.
    pub until: Option<Month>,
    /// The month of a component that is shown in detail.
    pub detail: Option<(ComponentId, Month)>,
}

impl UptimeView {
    /// Ignores invalid parameters.
    pub fn from_query(query: &Fields) -> Self {
        let month = |name| Month::parse(&query.text(name));
        Self { until: month("until"), detail: ComponentId::parse(&query.text("component")).zip(month("month")) }
    }

    /// Query parameters in a fixed order, so that equal views have equal URLs.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<_> = self.until.map(|until| ("until", until.to_string())).into_iter().collect();
        if let Some((component, month)) = &self.detail {
            pairs.extend([("month", month.to_string()), ("component", component.to_string())]);
        }
        pairs
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UptimeDay {
    pub date: NaiveDate,
    pub outage: Downtime,
    /// Without duplicates.
    pub incidents: Vec<IncidentId>,
    /// Whether an incident or a maintenance started that day, so that the history has an entry for the day.
    pub has_new_event: bool,
}

impl UptimeDay {
    pub fn is_empty(&self) -> bool {
        self.outage.worst == Status::Operational && self.incidents.is_empty()
    }
}

/// The last `count` days up to today in `zone`, oldest first. `effects` are the intervals of one component, `start` is
/// the start of its history.
pub fn uptime_days(
    effects: &[StatusInterval],
    start: DateTime<Utc>,
    count: u64,
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<UptimeDay> {
    let today = now.with_timezone(&zone).date_naive();
    (0..count)
        .rev()
        .filter_map(|back| today.checked_sub_days(Days::new(back)))
        .map(|date| uptime_day(effects, date, start, zone, now))
        .collect()
}

/// Every day of a month, also the days that have not come yet.
pub fn month_days(
    effects: &[StatusInterval],
    month: Month,
    start: DateTime<Utc>,
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<UptimeDay> {
    let days = month.first_day().iter_days().take_while(|day| *day <= month.last_day());
    days.map(|date| uptime_day(effects, date, start, zone, now)).collect()
}

fn uptime_day(
    effects: &[StatusInterval],
    date: NaiveDate,
    start: DateTime<Utc>,
    zone: Tz,
    now: DateTime<Utc>,
) -> UptimeDay {
    let from = start_of_day(date, zone);
    let to = date.succ_opt().map_or(from, |next| start_of_day(next, zone));
    let known_from = from.max(start);
    let touches = |effect: &&StatusInterval| {
        known_from < to && effect.from < to && effect.to.unwrap_or(now) > known_from && effect.from <= now
    };
    let here: Vec<StatusInterval> = effects.iter().filter(touches).cloned().collect();
    let mut incidents: Vec<IncidentId> = Vec::new();
    for id in here.iter().filter_map(|effect| effect.incident_id.clone()) {
        if !incidents.contains(&id) {
            incidents.push(id);
        }
    }
    let began = here.iter().any(|effect| effect.from >= from);
    UptimeDay { date, outage: Downtime::in_span(&here, from, to, start, now), incidents, has_new_event: began }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CorrectionId;
    use crate::domain::incident::tests::{incident, update};
    use chrono::TimeDelta;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn effect(from: &str, to: &str, status: Status) -> StatusInterval {
        let component_id = ComponentId::parse("api").unwrap();
        StatusInterval { component_id, incident_id: None, from: at(from), to: Some(at(to)), status }
    }

    fn minutes(effect: &StatusInterval) -> (i64, Option<i64>) {
        (effect.from.timestamp() / 60, effect.to.map(|to| to.timestamp() / 60))
    }

    #[test]
    fn interval_ends_at_next_update_of_component() {
        let it = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::MajorOutage), ("db", Status::PartialOutage)]),
            update(10, Phase::Identified, &[("api", Status::PartialOutage)]),
            update(20, Phase::Monitoring, &[("api", Status::Operational)]),
            update(30, Phase::Resolved, &[]),
        ]);
        let effects = it.status_intervals();
        let spans: Vec<_> = effects.iter().map(|e| (e.component_id.as_str(), minutes(e), e.status)).collect();
        assert_eq!(
            spans,
            [
                ("api", (0, Some(10)), Status::MajorOutage),
                ("db", (0, Some(30)), Status::PartialOutage),
                ("api", (10, Some(20)), Status::PartialOutage),
            ]
        );
    }

    #[test]
    fn backfilled_downtime_spans_start_to_end() {
        let mut it = incident(vec![update(100, Phase::Resolved, &[("api", Status::MajorOutage)])]);
        it.ended_at = Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(45));
        let effects = it.status_intervals();
        assert_eq!(effects.iter().map(minutes).collect::<Vec<_>>(), [(0, Some(45))]);
    }

    #[test]
    fn reopened_incident_excludes_the_gap() {
        let it = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::MajorOutage)]),
            update(10, Phase::Resolved, &[]),
            update(60, Phase::Investigating, &[("api", Status::PartialOutage)]),
        ]);
        assert_eq!(it.status_intervals().iter().map(minutes).collect::<Vec<_>>(), [(0, Some(10)), (60, None)]);
    }

    #[test]
    fn overlapping_downtime_counts_once_at_worst_status() {
        let effects = [
            effect("2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z", Status::PartialOutage),
            effect("2026-01-01T11:00:00Z", "2026-01-01T11:30:00Z", Status::MajorOutage),
            effect("2026-01-01T11:15:00Z", "2026-01-01T11:45:00Z", Status::MajorOutage),
            effect("2026-01-01T09:00:00Z", "2026-01-01T13:00:00Z", Status::DegradedPerformance),
        ];
        let day = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let outage = Downtime::in_span(&effects, day.0, day.1, DateTime::UNIX_EPOCH, at("2026-02-01T00:00:00Z"));
        assert_eq!((outage.major, outage.partial, outage.covered), (45 * 60, 75 * 60, 86_400));
        assert_eq!(outage.worst, Status::MajorOutage);
    }

    #[test]
    fn correction_overrides_all_intervals() {
        let correction = |from: &str, to: &str, status| UptimeCorrection {
            id: CorrectionId::parse("c").unwrap(),
            component_id: ComponentId::parse("api").unwrap(),
            from: at(from),
            to: at(to),
            status,
            reason: "Because".into(),
            created_at: at(to),
        };
        let mut open = effect("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", Status::MajorOutage);
        open.to = None;
        let effects = vec![effect("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z", Status::PartialOutage), open];
        let corrections = [
            correction("2026-01-01T08:15:00Z", "2026-01-01T08:45:00Z", Status::Operational),
            correction("2026-01-01T09:30:00Z", "2026-01-01T11:00:00Z", Status::PartialOutage),
        ];
        let found = apply_corrections(effects, &corrections);
        let day = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let outage = Downtime::in_span(&found, day.0, day.1, DateTime::UNIX_EPOCH, at("2026-01-01T12:00:00Z"));
        assert_eq!((outage.partial, outage.major), (30 * 60 + 90 * 60, 60 * 60));
        let ended = effect("2026-01-01T08:20:00Z", "2026-01-01T08:40:00Z", Status::MajorOutage);
        assert_eq!(apply_corrections(vec![ended], &corrections[..1]), []);
    }

    #[test]
    fn uptime_is_cut_and_never_rounded_up() {
        let outage = |major, partial, covered| Downtime { major, partial, covered, ..Downtime::default() };
        let cases = [
            (outage(0, 0, 0), "no data"),
            (outage(0, 0, 7_776_000), "100%"),
            (outage(1, 0, 7_776_000), "99.99%"),
            (outage(0, 1, 7_776_000), "99.99%"),
            (outage(3_600, 0, 7_776_000), "99.95%"),
            (outage(0, 12_000, 7_776_000), "99.95%"),
            (outage(86_400, 0, 86_400), "0.00%"),
            (outage(864, 0, 86_400), "99.00%"),
        ];
        for (outage, words) in cases {
            assert_eq!(outage.uptime_words(), words, "{outage:?}");
        }
    }

    #[test]
    fn maintenance_replaces_manual_baseline() {
        let baseline = effect("2026-01-01T10:00:00Z", "2026-01-01T14:00:00Z", Status::MajorOutage);
        let work = |from: &str, to: &str| effect(from, to, Status::UnderMaintenance);
        let spans = |planned: &[StatusInterval]| -> Vec<(u32, u32)> {
            use chrono::Timelike as _;
            let left = baselines_outside_maintenance(std::slice::from_ref(&baseline), planned);
            left.iter().map(|effect| (effect.from.hour(), effect.to.unwrap().hour())).collect()
        };
        assert_eq!(spans(&[]), [(10, 14)]);
        assert_eq!(spans(&[work("2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z")]), [(10, 11), (12, 14)]);
        assert_eq!(spans(&[work("2026-01-01T09:00:00Z", "2026-01-01T12:00:00Z")]), [(12, 14)]);
        assert_eq!(spans(&[work("2026-01-01T14:00:00Z", "2026-01-01T15:00:00Z")]), [(10, 14)]);
        assert_eq!(spans(&[work("2026-01-01T09:00:00Z", "2026-01-01T15:00:00Z")]), []);
        let open = StatusInterval { to: None, ..work("2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z") };
        assert_eq!(spans(&[open]), [(10, 12)]);
        let other = StatusInterval {
            component_id: ComponentId::parse("db").unwrap(),
            ..work("2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z")
        };
        assert_eq!(spans(&[other]), [(10, 14)]);
    }

    #[test]
    fn no_data_before_the_start() {
        let mut early = effect("2026-01-01T10:00:00Z", "2026-01-03T07:00:00Z", Status::MajorOutage);
        early.incident_id = IncidentId::parse("early");
        let days = uptime_days(&[early], at("2026-01-03T06:00:00Z"), 4, Tz::UTC, at("2026-01-04T12:00:00Z"));
        let known: Vec<_> = days.iter().map(|day| (day.outage.covered, day.outage.major)).collect();
        assert_eq!(known, [(0, 0), (0, 0), (64_800, 3_600), (43_200, 0)]);
        assert_eq!(days.iter().map(UptimeDay::is_empty).collect::<Vec<_>>(), [true, true, false, true]);
    }

    #[test]
    fn part_of_a_second_is_downtime() {
        let blip = effect("2026-01-01T10:00:00.2Z", "2026-01-01T10:00:00.7Z", Status::MajorOutage);
        let day = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let outage = Downtime::in_span(&[blip], day.0, day.1, day.0, at("2026-02-01T00:00:00Z"));
        assert_eq!((outage.major, outage.uptime_words().as_str()), (1, "99.99%"));
    }

    #[test]
    fn degraded_and_maintenance_are_measured() {
        let effects = [
            effect("2026-01-01T10:00:00Z", "2026-01-01T11:35:00Z", Status::DegradedPerformance),
            effect("2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z", Status::UnderMaintenance),
        ];
        let day = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let outage = Downtime::in_span(&effects, day.0, day.1, day.0, at("2026-02-01T00:00:00Z"));
        assert_eq!((outage.degraded, outage.maintenance), (95 * 60, 25 * 60));
        assert_eq!(outage.uptime_words(), "100%");
    }

    #[test]
    fn days_follow_zone_across_clock_changes() {
        let lisbon: Tz = "Europe/Lisbon".parse().unwrap();
        let long = effect("2026-10-24T22:30:00Z", "2026-10-26T01:00:00Z", Status::MajorOutage);
        let days = uptime_days(&[long], DateTime::UNIX_EPOCH, 3, lisbon, at("2026-10-26T12:00:00Z"));
        let seconds: Vec<_> = days.iter().map(|day| day.outage.major).collect();
        assert_eq!(seconds, [1_800, 25 * 3_600, 3_600]);
    }
}
