//! Reading instants that people and programs write.

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The years in which anything can lie.
const ACCEPTED_YEARS: std::ops::Range<i32> = 1970..2200;
const OUT_OF_RANGE_MESSAGE: &str = "The year must be between 1970 and 2199.";

/// How far the clocks of two nodes may differ: what was the present for one may lie so far in the future of the other.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// Whether something that lasts for `lifetime` and ends at `until` has not ended at `now`. What began in the future, while
/// the clock was ahead, has: else it would last as much longer as the clock was ahead.
pub fn is_accepted_year(lifetime: TimeDelta, until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < until && until - now <= lifetime + CLOCK_TOLERANCE
}

/// An instant at the precision both databases keep: microseconds.
pub fn cut(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// The instant that `text`, as a browser's `datetime-local` field writes it, means in `zone`.
/// Where the clocks go back and an hour comes twice, the first of the two is meant.
pub fn parse_local(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    // What a browser sends of a field with a day and no time, too.
    if text.is_empty() {
        return Err("Enter a date and a time.".to_owned());
    }
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .ok_or("Write the time as 2026-03-29 14:05.")?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => check_accepted_year(at.to_utc()),
        LocalResult::None => {
            Err(format!("{} does not exist in {zone} on that day (daylight saving change).", local.format("%H:%M")))
        }
    }
}

/// The instant in `text`, which must say its offset: `2026-03-29T14:05:00Z` or `…+02:00`.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text.trim())
        .map_err(|_| {
            "Write the time with its offset, like 2026-03-29T14:05:00Z or 2026-03-29T14:05:00+02:00.".to_owned()
        })
        .and_then(|at| check_accepted_year(cut(at.to_utc())))
}

/// The zone called `name` in the IANA database.
pub fn parse_zone(name: &str) -> Result<Tz, String> {
    name.trim().parse().map_err(|_| "Choose a time zone from the list, like Europe/Lisbon.".to_owned())
}

/// The day in `text`, as `2026-03-29`.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| "Write the day as 2026-03-29.")?;
    if ACCEPTED_YEARS.contains(&day.year()) { Ok(day) } else { Err(OUT_OF_RANGE_MESSAGE.to_owned()) }
}

/// Years with four digits only: others sort wrongly as text.
fn check_accepted_year(at: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if ACCEPTED_YEARS.contains(&at.year()) { Ok(at) } else { Err(OUT_OF_RANGE_MESSAGE.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_read_in_its_zone() {
        let lisbon: Tz = "Europe/Lisbon".parse().unwrap();
        let summer = parse_local("2026-07-01T14:05", lisbon).unwrap();
        assert_eq!(summer.to_rfc3339(), "2026-07-01T13:05:00+00:00");
        let winter = parse_local("2026-01-01 14:05", lisbon).unwrap();
        assert_eq!(winter.to_rfc3339(), "2026-01-01T14:05:00+00:00");
        assert!(parse_local(" ", lisbon).unwrap_err().contains("a date and a time"));
    }

    #[test]
    fn lifetime_expires_despite_clock_changes() {
        let (now, lifetime) = (DateTime::UNIX_EPOCH, TimeDelta::minutes(10));
        let within = |seconds| is_accepted_year(lifetime, now + TimeDelta::seconds(seconds), now);
        assert!(within(1) && within(600) && within(660));
        assert!(!within(0) && !within(-1), "it is over");
        assert!(!within(661), "it began in the future");
    }

    #[test]
    fn skipped_hour_is_rejected_and_repeated_hour_uses_first() {
        let lisbon: Tz = "Europe/Lisbon".parse().unwrap();
        assert!(parse_local("2026-03-29T01:30", lisbon).unwrap_err().contains("does not exist"));
        let first = parse_local("2026-10-25T01:30", lisbon).unwrap();
        assert_eq!(first.to_rfc3339(), "2026-10-25T00:30:00+00:00");
    }

    #[test]
    fn instant_requires_an_offset() {
        assert!(parse_instant("2026-03-29T14:05:00").is_err());
        let at = parse_instant("2026-03-29T14:05:00+02:00").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-03-29T12:05:00+00:00");
    }

    #[test]
    fn out_of_range_years_are_rejected() {
        assert!(parse_local("0026-03-29T14:05", Tz::UTC).is_err());
        assert!(parse_local("9999-03-29T14:05", Tz::UTC).is_err());
        assert!(parse_day("-262143-01-01").is_err() && parse_day("2026-03-29").is_ok());
    }
}
