//! Parses times entered by users and programs.

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

const ACCEPTED_YEARS: std::ops::Range<i32> = 1970..2200;
const OUT_OF_RANGE_MESSAGE: &str = "The year must be between 1970 and 2199.";

/// How far the clocks of two nodes may differ.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// Whether something with this `lifetime` that expires at `until` is still valid at `now`. It is not if it was created
/// in the future, when the clock was ahead: it would be valid for too long.
pub fn is_unexpired(lifetime: TimeDelta, until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < until && until - now <= lifetime + CLOCK_TOLERANCE
}

/// Truncates to microseconds, the precision that both databases store.
pub fn cut(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// Parses the value of a `datetime-local` field in `zone`. For a time that occurs twice (clocks go back), the first is
/// used.
pub fn parse_local(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    // Browsers also send an empty value for a field with a date but no time.
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

/// Parses RFC 3339; the offset is required.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text.trim())
        .map_err(|_| {
            "Write the time with its offset, like 2026-03-29T14:05:00Z or 2026-03-29T14:05:00+02:00.".to_owned()
        })
        .and_then(|at| check_accepted_year(cut(at.to_utc())))
}

pub fn parse_zone(name: &str) -> Result<Tz, String> {
    name.trim().parse().map_err(|_| "Choose a time zone from the list, like Europe/Lisbon.".to_owned())
}

/// Parses a date like `2026-03-29`.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| "Write the day as 2026-03-29.")?;
    if ACCEPTED_YEARS.contains(&day.year()) { Ok(day) } else { Err(OUT_OF_RANGE_MESSAGE.to_owned()) }
}

/// Only four-digit years sort correctly as text.
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
        let within = |seconds| is_unexpired(lifetime, now + TimeDelta::seconds(seconds), now);
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
