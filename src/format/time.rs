//! Formats instants for people, in the time zone of the page.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::{OffsetName, Tz};

use crate::format::duration;

/// The abbreviation of `zone` at `at`, like `UTC` or `WEST`, or the offset if the zone has none.
pub fn zone_name(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match local.offset().abbreviation() {
        Some(name) if !name.starts_with(['+', '-']) => name.to_owned(),
        _ => local.format("UTC%:z").to_string(),
    }
}

pub fn format_clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M").to_string()
}

pub fn format_clock_with_zone(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{} {}", format_clock(at, zone), zone_name(at, zone))
}

pub fn format_day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %Y").to_string()
}

pub fn format_weekday(date: NaiveDate) -> String {
    date.format("%a %-d %b").to_string()
}

pub fn format_full(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{}, {}", format_day(at, zone), format_clock_with_zone(at, zone))
}

/// `7 Oct 2024, 19:56 to 20:29 UTC`. Names the second day if it differs, and only the start if both are equal.
pub fn format_span(from: DateTime<Utc>, to: Option<DateTime<Utc>>, zone: Tz) -> String {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone);
    match to {
        Some(to) if to == from => format_full(from, zone),
        Some(to) if local(to).date_naive() == local(from).date_naive() => {
            format!("{}, {} to {}", format_day(from, zone), format_clock(from, zone), format_clock_with_zone(to, zone))
        }
        Some(to) => format!("{}, {} to {}", format_day(from, zone), format_clock(from, zone), format_full(to, zone)),
        None => format!("since {}", format_full(from, zone)),
    }
}

/// `Thu 26 Nov, 02:00 to 04:00 UTC`. Names the second day if it differs, and the year if it is not that of `now`.
pub fn format_window(from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let day = |at: DateTime<Utc>| {
        let format = if same_year(at, now, zone) { "%a %-d %b" } else { "%a %-d %b %Y" };
        at.with_timezone(&zone).format(format).to_string()
    };
    if today(from, zone) == today(to, zone) {
        return format!("{}, {} to {}", day(from), format_clock(from, zone), format_clock_with_zone(to, zone));
    }
    format!("{}, {} to {}, {}", day(from), format_clock(from, zone), day(to), format_clock_with_zone(to, zone))
}

pub fn format_month(year: i32, month: u32) -> String {
    let first = NaiveDate::from_ymd_opt(year, month, 1);
    first.map(|date| date.format("%B %Y").to_string()).unwrap_or_default()
}

pub fn format_age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match duration::format_duration(now - at) {
        Some(words) if now - at >= TimeDelta::minutes(1) => format!("{words} ago"),
        _ => "just now".to_owned(),
    }
}

pub fn today(now: DateTime<Utc>, zone: Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

pub fn same_year(a: DateTime<Utc>, b: DateTime<Utc>, zone: Tz) -> bool {
    a.with_timezone(&zone).year() == b.with_timezone(&zone).year()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn zone_abbreviation_follows_the_date() {
        let lisbon: Tz = "Europe/Lisbon".parse().unwrap();
        assert_eq!(format_full(at("2026-07-01T12:00:00Z"), lisbon), "1 Jul 2026, 13:00 WEST");
        assert_eq!(format_full(at("2026-01-01T12:00:00Z"), lisbon), "1 Jan 2026, 12:00 WET");
        let dubai: Tz = "Asia/Dubai".parse().unwrap();
        assert_eq!(format_clock_with_zone(at("2026-01-01T12:00:00Z"), dubai), "16:00 UTC+04:00");
    }

    #[test]
    fn span_names_second_day_only_if_different() {
        let start = at("2024-08-05T20:23:00Z");
        assert_eq!(format_span(start, Some(at("2024-08-05T21:00:00Z")), Tz::UTC), "5 Aug 2024, 20:23 to 21:00 UTC");
        assert_eq!(
            format_span(start, Some(at("2024-08-06T00:17:00Z")), Tz::UTC),
            "5 Aug 2024, 20:23 to 6 Aug 2024, 00:17 UTC"
        );
        assert_eq!(format_span(start, Some(start), Tz::UTC), "5 Aug 2024, 20:23 UTC");
        assert_eq!(format_span(start, None, Tz::UTC), "since 5 Aug 2024, 20:23 UTC");
    }

    #[test]
    fn window_omits_redundant_parts() {
        let now = at("2026-11-23T12:00:00Z");
        let words = |from, to| format_window(at(from), at(to), now, Tz::UTC);
        assert_eq!(words("2026-11-26T02:00:00Z", "2026-11-26T04:00:00Z"), "Thu 26 Nov, 02:00 to 04:00 UTC");
        assert_eq!(
            words("2026-12-31T22:00:00Z", "2027-01-01T01:00:00Z"),
            "Thu 31 Dec, 22:00 to Fri 1 Jan 2027, 01:00 UTC"
        );
    }
}
