//! Sanitizes imported texts; each change is reported as a warning.

use chrono::SecondsFormat;
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use crate::domain::id::MAX_ID;
use crate::domain::parse_time::{parse_day, parse_instant, parse_local};
use crate::domain::update::MAX_BODY;
use crate::format::hex;

const NO_TEXT: &str = "(no text)";

/// Removes control characters but newlines and tabs, and truncates to `max` characters. Returns the text and the
/// changes made.
pub fn sanitize_lines(text: &str, max: usize) -> (String, Vec<String>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    truncate_text(kept.trim_end(), max)
}

/// Like [`sanitize_lines`], for a single line: newlines and tabs become spaces.
pub fn sanitize_line(text: &str, max: usize) -> (String, Vec<String>) {
    let spaced: String = text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).collect();
    let kept: String = spaced.chars().filter(|c| !c.is_control()).collect();
    truncate_text(kept.trim(), max)
}

fn truncate_text(text: &str, max: usize) -> (String, Vec<String>) {
    let count = text.chars().count();
    if count <= max {
        return (text.to_owned(), Vec::new());
    }
    let kept: String = text.chars().take(max).collect();
    (kept.trim_end().to_owned(), vec![format!("cut from {count} to {max} characters")])
}

/// A deterministic id from a name: its letters and digits, with a digest if those lose too much.
pub fn slug(name: &str) -> String {
    let pieces = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|piece| !piece.is_empty());
    let slug = pieces.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let is_whole = name.chars().all(|c| c.is_ascii_alphanumeric() || " -_./".contains(c));
    if is_whole && (1..=MAX_ID).contains(&slug.len()) {
        return slug;
    }
    let digest = hex(&Sha256::digest(name.as_bytes())[..6]);
    let kept = slug.get(..MAX_ID - 13).unwrap_or(&slug).trim_end_matches('-');
    if kept.is_empty() { digest } else { format!("{kept}-{digest}") }
}

/// Interprets a time without offset in `zone`, and a date as midnight. Unreadable text is returned unchanged.
pub fn normalize_time(time: &str, zone: Tz) -> String {
    let time = time.trim();
    if time.is_empty() || parse_instant(time).is_ok() {
        return time.to_owned();
    }
    let local = if parse_day(time).is_ok() { format!("{time} 00:00") } else { time.to_owned() };
    // Fractions of a second are dropped.
    let whole = local.split_once('.').map_or(local.as_str(), |(whole, _)| whole);
    parse_local(whole, zone).map_or_else(|_| time.to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Whether `text` contains an HTML tag.
pub fn has_html(text: &str) -> bool {
    let opens = |rest: &str| {
        let name = rest.trim_start_matches('/');
        let closed = rest.find('>').is_some_and(|end| !rest[..end].contains("://") || rest[..end].contains(' '));
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && closed
    };
    text.match_indices('<').any(|(at, _)| opens(&text[at + 1..]))
}

/// The sanitized text of an update; changes are reported to `warn`.
pub fn convert_body(source: &str, warn: &mut impl FnMut(String)) -> String {
    let body = report_changes("a text was ", sanitize_lines(source, MAX_BODY), warn);
    if has_html(&body) {
        warn("a text contains HTML, which is shown as plain text".into());
    }
    if body.trim().is_empty() {
        warn("an update has no text".into());
        return NO_TEXT.to_owned();
    }
    body
}

pub fn report_changes(what: &str, (text, changes): (String, Vec<String>), warn: &mut impl FnMut(String)) -> String {
    changes.iter().for_each(|change| warn(format!("{what}{change}")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_normalized_and_controls_removed() {
        assert_eq!(sanitize_lines("a\r\nb\rc\0\u{7}\td  \n", 99), ("a\nb\nc\td".into(), vec![]));
        assert_eq!(sanitize_line(" a\r\nb\0 ", 99), ("a  b".into(), vec![]));
    }

    #[test]
    fn long_text_is_cut_and_reported() {
        let (text, warnings) = sanitize_lines(&"ä".repeat(11), 10);
        assert_eq!((text.chars().count(), warnings), (10, vec!["cut from 11 to 10 characters".to_owned()]));
    }

    #[test]
    fn slug_is_deterministic() {
        assert_eq!((slug("Public API"), slug("api")), ("public-api".into(), "api".into()));
        assert_eq!(slug("Почта").len(), 12);
        assert_eq!(slug("Ü1"), slug("Ü1"));
        assert_ne!(slug("A+"), slug("A"));
        let long = slug(&"word ".repeat(20));
        assert!(long.len() <= MAX_ID && long.starts_with("word-word"), "{long}");
    }

    #[test]
    fn time_without_offset_uses_zone() {
        let lisbon: Tz = "Europe/Lisbon".parse().unwrap();
        for (text, at) in [
            ("2026-07-01 14:05:09", "2026-07-01T13:05:09Z"),
            ("2026-07-01", "2026-06-30T23:00:00Z"),
            ("2026-07-01T14:05:09+02:00", "2026-07-01T14:05:09+02:00"),
            ("2026-07-01 14:05:09.123", "2026-07-01T13:05:09Z"),
            ("soon", "soon"),
            ("", ""),
        ] {
            assert_eq!(normalize_time(text, lisbon), at, "{text}");
        }
    }

    #[test]
    fn html_differs_from_less_than_and_autolink() {
        for html in ["see <a href=\"https://x.test\">x</a>", "a<br>b", "</b>"] {
            assert!(has_html(html), "{html}");
        }
        for plain in ["1 < 2 > 0", "a <- b", "<https://x.test>", "x <3", "if a<b"] {
            assert!(!has_html(plain), "{plain}");
        }
    }
}
