//! Parses times entered by users and programs.

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

const ACCEPTED_YEARS: std::ops::Range<i32> = 1970..2200;
const OUT_OF_RANGE_MESSAGE: &str = "The year must be between 1970 and 2199.";

const UNREADABLE_MESSAGE: &str = "Write the time like 2026-03-29T14:05:00Z, 2026-03-29 14:05:00 +0200, or in seconds or \
                                  milliseconds since 1970. Without an offset it is in the page's time zone.";

/// Forms with an offset, besides RFC 3339 and RFC 2822: with a space before it, without seconds, of `date`, of Ruby and
/// of JavaScript.
const ZONED_FORMS: [&str; 10] = [
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d %b %y %H:%M %z",
    "%a %b %d %H:%M:%S %z %Y",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%d %H:%M %#z",
    "%d %b %Y %H:%M:%S %z",
    "%a %b %d %Y %H:%M:%S GMT%z",
];
/// Forms without an offset, or with the name of one in place of `UTC`.
const LOCAL_FORMS: [&str; 10] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%a, %d %b %Y %H:%M:%S",
    "%A, %d-%b-%y %H:%M:%S",
    "%a %b %e %H:%M:%S %Y",
    "%d %b %y %H:%M",
    "%d %b %Y %H:%M",
    "%B %d, %Y %H:%M",
];
const DATE_FORMS: [&str; 5] = ["%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y"];

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
    resolve_local(local, zone)
}

fn resolve_local(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, String> {
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

/// Parses an instant in any common form: RFC 3339, RFC 2822, seconds or milliseconds since 1970, and forms of programs.
/// A time without an offset is in `zone`; a day is its midnight.
pub fn parse_any_instant(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    if let Some(at) = zoned.or_else(|| parse_epoch(text)).or_else(|| parse_zoned(text)) {
        return check_accepted_year(cut(at));
    }
    let (bare, zone) = match text.rsplit_once(' ') {
        Some((rest, "UTC" | "GMT" | "Z")) => (rest.to_owned(), Tz::UTC),
        _ if text.contains(" UTC ") || text.contains(" GMT ") => {
            (text.replace(" UTC ", " ").replace(" GMT ", " "), Tz::UTC)
        }
        _ => (text.to_owned(), zone),
    };
    let local = LOCAL_FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(&bare, form).ok());
    let day = || DATE_FORMS.iter().find_map(|form| NaiveDate::parse_from_str(&bare, form).ok());
    let local = local.or_else(|| Some(day()?.and_time(NaiveTime::MIN))).ok_or(UNREADABLE_MESSAGE)?;
    resolve_local(local, zone).map(cut)
}

/// Seconds since 1970, with a fraction or without, have ten digits; milliseconds have thirteen.
fn parse_epoch(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => {
            let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
            DateTime::from_timestamp_micros(number * 1_000_000 + micros)
        }
        13 => DateTime::from_timestamp_millis(number),
        _ => None,
    }
}

fn parse_zoned(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc2822(text) {
        return Some(at.to_utc());
    }
    // Go repeats the offset as a name, `2026-11-21 09:30:00 +0000 UTC`, and JavaScript in brackets.
    let bare = text.split_once(" (").map_or(text, |(bare, _)| bare);
    let words: Vec<&str> = bare.split(' ').collect();
    let zoned = match words.as_slice() {
        [date, clock, offset, _] if offset.starts_with(['+', '-']) => format!("{date} {clock} {offset}"),
        _ => bare.to_owned(),
    };
    let read = |form: &&str| DateTime::parse_from_str(&zoned, form).ok();
    ZONED_FORMS.iter().find_map(read).map(|at| at.to_utc())
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
    fn instant_is_read_in_every_common_form() {
        let expected: DateTime<Utc> = "2026-12-08T15:00:00Z".parse().unwrap();
        let zone = Tz::America__New_York;
        for text in [
            "2026-12-08T10:00:00-05:00",
            "2026-12-08t15:00:00z",
            "2026-12-08 10:00:00 -0500",
            "2026-12-08 10:00:00.000 -0500",
            "2026-12-08 10:00:00-05:00",
            "2026-12-08T10:00:00-0500",
            "2026-12-08T15:00Z",
            "2026-12-08 10:00 -0500",
            "2026-12-08 15:00:00 UTC",
            "2026-12-08 10:00:00 -0500 EST",
            "Tue, 08 Dec 2026 10:00:00 -0500",
            "Tue, 8 Dec 2026 15:00:00 GMT",
            "08 Dec 2026 15:00 +0000",
            "Tue Dec  8 15:00:00 UTC 2026",
            "Tue Dec 08 2026 10:00:00 GMT-0500 (Eastern Standard Time)",
            "1796742000",
            "1796742000.0",
            "1796742000000",
            " 2026-12-08T10:00:00 ",
            "2026-12-08 10:00",
            "2026-12-08T10:00:00.000000",
        ] {
            assert_eq!(parse_any_instant(text, zone), Ok(expected), "{text}");
        }
        let fraction = parse_any_instant("1796742000.1234567", zone).unwrap();
        assert_eq!(fraction, expected + TimeDelta::microseconds(123_456));
        assert_eq!(parse_any_instant("2026-12-08", zone), parse_any_instant("2026-12-08T05:00:00Z", zone));
    }

    #[test]
    fn ambiguous_instants_are_rejected() {
        for text in [
            "",
            "soon",
            "20261208",
            "20261208100000",
            "202612081000",
            "-1796742000",
            "1.5",
            "179674200x",
            "1796742000.x",
            "9999-01-01T00:00:00Z",
            "0026-01-01 10:00",
            "Mon, 08 Dec 2026 10:00:00 -0500",
            "2026-02-30T10:00:00Z",
            "10:00",
        ] {
            assert!(parse_any_instant(text, Tz::UTC).is_err(), "{text}");
        }
        let skipped = parse_any_instant("2026-03-29T01:30", "Europe/Lisbon".parse().unwrap());
        assert!(skipped.unwrap_err().contains("does not exist"));
    }

    #[test]
    fn out_of_range_years_are_rejected() {
        assert!(parse_local("0026-03-29T14:05", Tz::UTC).is_err());
        assert!(parse_local("9999-03-29T14:05", Tz::UTC).is_err());
        assert!(parse_day("-262143-01-01").is_err() && parse_day("2026-03-29").is_ok());
    }
}
