//! Durations in words.

use chrono::TimeDelta;

/// The two largest units of `length`, rounded down to minutes: `12m`, `4h 50m`, `2d 3h`; `under 1m` for less than a
/// minute, `None` for zero or less.
pub fn format_duration(length: TimeDelta) -> Option<String> {
    let minutes = length.num_minutes();
    if length <= TimeDelta::zero() {
        return None;
    }
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    Some(match (days, hours, rest) {
        (0, 0, 0) => "under 1m".to_owned(),
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    })
}

/// As [`format_duration`], with the units as on the public page: `12 min`, `4 h 50 min`, `2 d 3 h`.
pub fn spell_duration(length: TimeDelta) -> Option<String> {
    let spell = |part: &str| match part.split_at(part.len() - 1) {
        (number, "m") => format!("{number} min"),
        (number, unit) if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{number} {unit}"),
        _ => part.to_owned(),
    };
    format_duration(length).map(|words| words.split(' ').map(spell).collect::<Vec<_>>().join(" "))
}

/// A sum of durations in hours and minutes, rounded down: `13h 27m`.
pub fn format_total(seconds: i64) -> String {
    let minutes = seconds / 60;
    format!("{}h {}m", minutes / 60, minutes % 60)
}

/// As [`format_total`], with the units as on the public page: `13 h 27 min`, `27 min`.
pub fn spell_total(seconds: i64) -> String {
    let minutes = seconds / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) if seconds > 0 => "under 1 min".to_owned(),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_floored_to_minutes() {
        let cases = [
            (-5, None),
            (0, None),
            (59, Some("under 1m")),
            (760, Some("12m")),
            (3600, Some("1h")),
            (4 * 3600 + 50 * 60 + 59, Some("4h 50m")),
            (2 * 86400 + 3 * 3600 + 59 * 60, Some("2d 3h")),
            (7 * 86400, Some("7d")),
        ];
        for (seconds, expected) in cases {
            assert_eq!(format_duration(TimeDelta::seconds(seconds)).as_deref(), expected, "{seconds} s");
        }
    }

    #[test]
    fn a_spelled_duration_has_spaces() {
        let cases = [
            (0, None),
            (59, Some("under 1 min")),
            (95 * 60, Some("1 h 35 min")),
            (3600, Some("1 h")),
            (51 * 3600, Some("2 d 3 h")),
        ];
        for (seconds, expected) in cases {
            assert_eq!(spell_duration(TimeDelta::seconds(seconds)).as_deref(), expected, "{seconds} s");
        }
    }

    #[test]
    fn a_spelled_total_keeps_its_hours() {
        let cases =
            [(0, "0 min"), (59, "under 1 min"), (1620, "27 min"), (3600, "1 h"), (180 * 3600 + 60, "180 h 1 min")];
        for (seconds, expected) in cases {
            assert_eq!(spell_total(seconds), expected);
        }
    }

    #[test]
    fn a_total_keeps_its_hours() {
        assert_eq!(format_total(0), "0h 0m");
        assert_eq!(format_total(13 * 3600 + 27 * 60 + 59), "13h 27m");
        assert_eq!(format_total(137 * 3600), "137h 0m");
    }
}
