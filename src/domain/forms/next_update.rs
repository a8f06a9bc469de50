use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::Fields;
use crate::domain::Incident;
use crate::domain::parse_time::{parse_any_instant, parse_zone};

/// The offered intervals, in minutes.
pub const INTERVALS: [i64; 3] = [15, 30, 60];
const MAX_MINUTES: i64 = 30 * 24 * 60;
const UNREADABLE: &str = "Write minutes like 45, or a time like 22:45 or 2026-03-29 14:05.";

/// When the next update is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextUpdateForm {
    /// Minutes, `other`, or `none`; empty if the form has no such field.
    pub choice: String,
    /// For `other`: minutes, a time of day, or a time; without an offset it is in `zone`.
    pub other: String,
    pub zone: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextUpdate {
    #[default]
    None,
    In(TimeDelta),
    /// The next time that clocks in the zone show this.
    Clock(NaiveTime, Tz),
    At(DateTime<Utc>),
}

impl NextUpdateForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            choice: fields.text("next_update"),
            other: fields.text("next_update_other"),
            zone: fields.text("next_update_zone"),
        }
    }

    /// The interval that the newest update promised, if it is one of the offered ones.
    pub fn like_last(incident: &Incident) -> Self {
        let minutes = incident.next_update_at.zip(incident.newest_update()).map(|(due, newest)| {
            let wait = due - newest.posted_at;
            (wait.num_seconds() + 30).div_euclid(60)
        });
        let choice = minutes.filter(|minutes| INTERVALS.contains(minutes));
        let choice = choice.map_or_else(|| "none".to_owned(), |minutes| minutes.to_string());
        Self { choice, ..Self::default() }
    }

    /// A promise in any form that `other` accepts; `None` for no promise.
    pub fn from_text(text: Option<&str>, zone: Tz) -> Self {
        let choice = if text.is_some() { "other" } else { "none" };
        Self { choice: choice.to_owned(), other: text.unwrap_or_default().to_owned(), zone: zone.name().to_owned() }
    }

    pub fn parse(&self) -> Result<NextUpdate, String> {
        match self.choice.as_str() {
            "" | "none" => Ok(NextUpdate::None),
            "other" => self.parse_other(),
            minutes => match minutes.parse() {
                Ok(minutes) if INTERVALS.contains(&minutes) => Ok(NextUpdate::In(TimeDelta::minutes(minutes))),
                _ => Err("Choose when the next update is due.".to_owned()),
            },
        }
    }

    fn parse_other(&self) -> Result<NextUpdate, String> {
        let text = self.other.trim();
        if let Ok(minutes) = text.parse::<i64>()
            && text.len() <= 5
        {
            return match minutes {
                1..=MAX_MINUTES => Ok(NextUpdate::In(TimeDelta::minutes(minutes))),
                _ => Err("Use 1 minute to 30 days.".to_owned()),
            };
        }
        let zone = if self.zone.trim().is_empty() { Tz::UTC } else { parse_zone(&self.zone)? };
        if let Ok(clock) = NaiveTime::parse_from_str(text, "%H:%M") {
            return Ok(NextUpdate::Clock(clock, zone));
        }
        parse_any_instant(text, zone).map(NextUpdate::At).map_err(|_| UNREADABLE.to_owned())
    }
}

impl NextUpdate {
    /// Fails for a time that is past or more than 30 days away.
    pub fn resolve(self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, &'static str> {
        let at = match self {
            Self::None => return Ok(None),
            Self::In(wait) => now + wait,
            Self::Clock(clock, zone) => next_at_clock(clock, zone, now),
            Self::At(at) => at,
        };
        if at <= now {
            return Err("Choose a time in the future.");
        }
        if at - now > TimeDelta::minutes(MAX_MINUTES) {
            return Err("Choose a time within 30 days.");
        }
        Ok(Some(at))
    }
}

fn next_at_clock(clock: NaiveTime, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let days = today.iter_days().take(3);
    // A time that clocks skip on one day exists on the next.
    let times = days.filter_map(|day| zone.from_local_datetime(&day.and_time(clock)).earliest());
    times.map(|at| at.to_utc()).find(|at| *at > now).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-27T22:30:00Z";

    fn resolve(choice: &str, other: &str, zone: &str) -> Result<Option<DateTime<Utc>>, String> {
        let form = NextUpdateForm { choice: choice.into(), other: other.into(), zone: zone.into() };
        form.parse()?.resolve(NOW.parse().unwrap()).map_err(str::to_owned)
    }

    fn at(text: &str) -> Result<Option<DateTime<Utc>>, String> {
        Ok(Some(text.parse().unwrap()))
    }

    #[test]
    fn offered_intervals_count_from_the_update() {
        assert_eq!(resolve("30", "ignored", "nonsense"), at("2026-11-27T23:00:00Z"));
        assert_eq!(resolve("60", "", ""), at("2026-11-27T23:30:00Z"));
        assert_eq!(resolve("none", "12", ""), Ok(None));
        assert_eq!(resolve("", "12", ""), Ok(None));
        assert!(resolve("45", "", "").is_err() && resolve("soon", "", "").is_err());
    }

    #[test]
    fn other_is_minutes_a_clock_or_an_instant() {
        assert_eq!(resolve("other", " 45 ", ""), at("2026-11-27T23:15:00Z"));
        assert_eq!(resolve("other", "23:45", "Europe/Berlin"), at("2026-11-27T22:45:00Z"));
        assert_eq!(resolve("other", "23:15", "Europe/Berlin"), at("2026-11-28T22:15:00Z"), "tomorrow");
        assert_eq!(resolve("other", "2026-11-28 01:00", "Europe/Berlin"), at("2026-11-28T00:00:00Z"));
        assert_eq!(
            resolve("other", "2026-11-28T01:00:00+03:00", "Europe/Berlin"),
            Err("Choose a time in the future.".into())
        );
        assert_eq!(resolve("other", "2026-11-28T02:00:00+03:00", "Europe/Berlin"), at("2026-11-27T23:00:00Z"));
    }

    #[test]
    fn past_distant_and_unreadable_promises_are_rejected() {
        for other in ["", "0", "-5", "99999", "soon", "25:00", "2026-11-27T22:30:00Z", "2027-11-27 10:00"] {
            assert!(resolve("other", other, "UTC").is_err(), "{other}");
        }
        assert!(resolve("other", "23:45", "Atlantis").is_err());
    }

    #[test]
    fn next_promise_repeats_the_last_interval() {
        let mut it = crate::domain::incident::tests::incident(vec![crate::domain::incident::tests::update(
            0,
            crate::domain::Phase::Investigating,
            &[],
        )]);
        let posted_at = it.newest_update().unwrap().posted_at;
        let mut choice = |minutes: Option<i64>| {
            it.next_update_at = minutes.map(|minutes| posted_at + TimeDelta::minutes(minutes));
            NextUpdateForm::like_last(&it).choice
        };
        assert_eq!([Some(30), Some(60), Some(47), None].map(&mut choice), ["30", "60", "none", "none"]);
    }

    #[test]
    fn skipped_clock_time_is_that_of_the_next_day() {
        let form = NextUpdateForm::from_text(Some("01:30"), "Europe/Lisbon".parse().unwrap());
        let before_the_change = "2026-03-29T00:10:00Z".parse().unwrap();
        let due = form.parse().unwrap().resolve(before_the_change);
        assert_eq!(due, Ok(Some("2026-03-30T00:30:00Z".parse().unwrap())));
    }
}
