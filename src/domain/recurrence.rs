//! Recurrence rules (RFC 5545).
//!
//! A rule is expanded in local time and converted to UTC afterwards, so that "every Thursday at two" stays at two
//! across daylight saving changes. A local time in a gap moves later by the length of the gap; of a local time that
//! occurs twice, the first is used.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};
use serde::{Deserialize, Serialize};

/// In bytes.
pub const MAX_RULE: usize = 500;
/// Bounds the cost of one search.
const MAX_OCCURRENCES_SCANNED: usize = 20_000;

/// A valid rule: the value of an `RRULE` property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecurrenceRule(String);

impl RecurrenceRule {
    /// `first` is the first start. Rejects invalid rules, rules that recur more than once a day, and rules with a time
    /// of day.
    pub fn parse(text: &str, first: NaiveDateTime) -> Result<Self, String> {
        let text = text.trim().trim_start_matches("RRULE:").to_ascii_uppercase();
        if text.len() > MAX_RULE {
            return Err(format!("At most {MAX_RULE} characters."));
        }
        let unclear = || "Write it as FREQ=WEEKLY;BYDAY=TH or choose from the list.".to_owned();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"=;,+-".contains(&b)) {
            return Err(unclear());
        }
        let rule: RRule<Unvalidated> = text.parse().map_err(|_| unclear())?;
        if matches!(rule.get_freq(), Frequency::Hourly | Frequency::Minutely | Frequency::Secondly) {
            return Err("At most once a day: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.".into());
        }
        if ["BYHOUR", "BYMINUTE", "BYSECOND"].iter().any(|part| text.contains(part)) {
            return Err("Remove the time of day from the rule; the start time is used.".into());
        }
        let parsed = Self(text);
        parsed.set(first).ok_or_else(|| "Invalid rule: it contradicts itself or the first start.".to_owned())?;
        parsed.next_after(first, None, &[]).ok_or("This rule produces no dates.")?;
        Ok(parsed)
    }

    /// Skips validation, which happened before the rule was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first start after `last`, or from `first` on without `last`, that is not on a `skipped` date. All in local
    /// time.
    pub fn next_after(
        &self,
        first: NaiveDateTime,
        last: Option<NaiveDateTime>,
        skipped: &[NaiveDate],
    ) -> Option<NaiveDateTime> {
        let starts = self.set(first)?.limit();
        let starts = starts.into_iter().map(|start| start.naive_utc()).take(MAX_OCCURRENCES_SCANNED);
        let mut later = starts.filter(|start| last.is_none_or(|last| *start > last));
        later.find(|start| *start >= first && !skipped.contains(&start.date()))
    }

    /// Expands local time as if it were UTC, which has no gaps.
    fn set(&self, first: NaiveDateTime) -> Option<RRuleSet> {
        let rule: RRule<Unvalidated> = self.0.parse().ok()?;
        rule.build(rrule::Tz::UTC.from_utc_datetime(&first)).ok()
    }
}

impl std::fmt::Display for RecurrenceRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The instant of the local time `local` in `zone`.
pub fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(at) = zone.from_local_datetime(&local).earliest() {
        return at.to_utc();
    }
    // In a gap the offset before the gap applies, which moves the time later by the gap's length.
    let before = (1..=48).map(|halves| local - TimeDelta::minutes(30 * halves));
    let offset =
        before.filter_map(|earlier| zone.from_local_datetime(&earlier).latest().map(|at| (earlier, at))).next();
    offset.map_or_else(|| local.and_utc(), |(earlier, at)| at.to_utc() + (local - earlier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Tz {
        name.parse().unwrap()
    }

    fn starts(rule: &str, first: &str, zone: Tz, count: usize) -> Vec<String> {
        let first = local(first);
        let rule = RecurrenceRule::parse(rule, first).unwrap();
        let all =
            std::iter::successors(rule.next_after(first, None, &[]), |last| rule.next_after(first, Some(*last), &[]));
        all.take(count).map(|start| instant(start, zone).to_rfc3339()).collect()
    }

    #[test]
    fn local_hour_is_kept_across_clock_changes() {
        let weekly = starts("FREQ=WEEKLY", "2026-10-18T02:00:00", zone("Europe/Lisbon"), 3);
        assert_eq!(weekly, ["2026-10-18T01:00:00+00:00", "2026-10-25T02:00:00+00:00", "2026-11-01T02:00:00+00:00"]);
        // The change is half an hour, in April.
        let weekly = starts("FREQ=WEEKLY", "2027-03-28T12:00:00", zone("Australia/Lord_Howe"), 2);
        assert_eq!(weekly, ["2027-03-28T01:00:00+00:00", "2027-04-04T01:30:00+00:00"]);
    }

    #[test]
    fn skipped_time_moves_later_and_repeated_uses_first() {
        let daily = starts("FREQ=DAILY", "2026-03-28T01:30:00", zone("Europe/Lisbon"), 3);
        assert_eq!(daily, ["2026-03-28T01:30:00+00:00", "2026-03-29T01:30:00+00:00", "2026-03-30T00:30:00+00:00"]);
        let daily = starts("FREQ=DAILY", "2026-10-24T01:30:00", zone("Europe/Lisbon"), 3);
        assert_eq!(daily, ["2026-10-24T00:30:00+00:00", "2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"]);
        // Lord Howe skips 02:00 to 02:30 in October.
        let gap = instant(local("2026-10-04T02:15:00"), zone("Australia/Lord_Howe"));
        assert_eq!(gap.to_rfc3339(), "2026-10-03T15:45:00+00:00");
        // Samoa skipped a whole day.
        let gap = instant(local("2011-12-30T12:00:00"), zone("Pacific/Apia"));
        assert_eq!(gap.to_rfc3339(), "2011-12-30T22:00:00+00:00");
    }

    #[test]
    fn skipped_dates_and_rule_end_apply() {
        let first = local("2026-12-10T02:00:00");
        let rule = RecurrenceRule::parse("FREQ=WEEKLY;COUNT=4", first).unwrap();
        let skipped = ["2026-12-24".parse().unwrap()];
        let after = |last: &str| rule.next_after(first, Some(local(last)), &skipped);
        assert_eq!(after("2026-12-10T02:00:00"), Some(local("2026-12-17T02:00:00")));
        assert_eq!(after("2026-12-17T02:00:00"), Some(local("2026-12-31T02:00:00")));
        assert_eq!(after("2026-12-31T02:00:00"), None);
        let until = RecurrenceRule::parse("FREQ=DAILY;UNTIL=20261211T020000Z", first).unwrap();
        assert_eq!(until.next_after(first, Some(local("2026-12-11T02:00:00")), &[]), None);
        let monthly = starts("RRULE:FREQ=MONTHLY;BYDAY=-1SU", "2026-01-25T03:00:00", Tz::UTC, 3);
        assert_eq!(monthly, ["2026-01-25T03:00:00+00:00", "2026-02-22T03:00:00+00:00", "2026-03-29T03:00:00+00:00"]);
    }

    #[test]
    fn invalid_and_excessive_rules_are_rejected() {
        let first = local("2026-12-10T02:00:00");
        for bad in [
            "",
            "weekly",
            "FREQ=HOURLY",
            "FREQ=SECONDLY;COUNT=3",
            "FREQ=DAILY;BYHOUR=1,2,3",
            "FREQ=DAILY\nEXDATE:20260101",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=DAILY;UNTIL=20200101T000000Z",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            &"FREQ=DAILY;BYDAY=MO,".repeat(40),
        ] {
            assert!(RecurrenceRule::parse(bad, first).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn occurrences_are_at_local_hour_or_after_gap(
            day in 0_i64..3000, minutes in 0_i64..1440, place in 0_usize..4, interval in 1_u16..9,
        ) {
            let zone = zone(["Europe/Lisbon", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"][place]);
            let first = local("2024-01-01T00:00:00") + TimeDelta::days(day) + TimeDelta::minutes(minutes);
            let rule = RecurrenceRule::parse(&format!("FREQ=DAILY;INTERVAL={interval}"), first).unwrap();
            let mut last = None;
            let mut earlier = None;
            for _ in 0..80 {
                let start = rule.next_after(first, last, &[]).unwrap();
                prop_assert_eq!(start.time(), first.time());
                let at = instant(start, zone);
                prop_assert!(earlier.is_none_or(|earlier| at > earlier));
                let shown = at.with_timezone(&zone).naive_local();
                let skipped = zone.from_local_datetime(&start).earliest().is_none();
                prop_assert_eq!(shown > start, skipped, "{} is shown as {}", start, shown);
                prop_assert!(shown >= start);
                (last, earlier) = (Some(start), Some(at));
            }
        }
    }
}
