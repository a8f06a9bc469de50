//! Sanitizes imported texts; each change is reported as a warning.

use chrono::SecondsFormat;
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use super::html::{convert_html, convert_line};
use crate::domain::id::MAX_ID;
use crate::domain::parse_time::{parse_any_instant, parse_instant};
use crate::domain::update::MAX_BODY;
use crate::format::hex;
use crate::format::markdown::without_comments;

pub const NO_TEXT: &str = "(no text)";
/// The maximum length of a text before conversion, in characters: HTML is longer than Markdown.
const MAX_SOURCE: usize = 4 * MAX_BODY;

/// Removes control characters but newlines and tabs, and truncates to `max` characters. Returns the text and the
/// changes made.
pub fn sanitize_lines(text: &str, max: usize) -> (String, Vec<String>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    truncate_text(kept.trim_end(), max)
}

/// Like [`sanitize_lines`], for a single line: newlines and tabs become spaces, entities and shortcodes characters.
pub fn sanitize_line(text: &str, max: usize) -> (String, Vec<String>) {
    let spaced: String =
        convert_line(text).chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).collect();
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
    let read = parse_any_instant(time, zone);
    read.map_or_else(|_| time.to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
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
    let end = source.char_indices().nth(MAX_SOURCE).map_or(source.len(), |(end, _)| end);
    let text = convert_html(&without_comments(&source[..end].replace("\r\n", "\n")));
    let body = report_changes("a text was ", sanitize_lines(text.trim_start_matches('\n'), MAX_BODY), warn);
    if has_html(&body) {
        warn("a text contains HTML that is shown as typed".into());
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
            ("2026-07-01 14:05:09.123", "2026-07-01T13:05:09.123Z"),
            ("2026-07-01T9:30:00-00:00", "2026-07-01T09:30:00Z"),
            ("2026-07-01T9:30:00+02:00", "2026-07-01T07:30:00Z"),
            ("2026-07-01 9:30", "2026-07-01T08:30:00Z"),
            ("2026-07-01T14:05:09+0200", "2026-07-01T12:05:09Z"),
            ("2026-07-01 14:05:09 +02:00", "2026-07-01T12:05:09Z"),
            ("2026-07-01 14:05:09.5 -0700 MST", "2026-07-01T21:05:09.500Z"),
            ("2026-07-01 14:05:09 UTC", "2026-07-01T14:05:09Z"),
            ("Wed, 01 Jul 2026 14:05:09 +0200", "2026-07-01T12:05:09Z"),
            ("Wed, 01 Jul 2026 14:05:09 GMT", "2026-07-01T14:05:09Z"),
            ("Wednesday, 01-Jul-26 14:05:09 UTC", "2026-07-01T14:05:09Z"),
            ("Wed Jul  1 14:05:09 2026", "2026-07-01T13:05:09Z"),
            ("Wed Jul 01 14:05:09 +0200 2026", "2026-07-01T12:05:09Z"),
            ("01 Jul 26 14:05 UTC", "2026-07-01T14:05:00Z"),
            ("01 Jul 2026", "2026-06-30T23:00:00Z"),
            ("July 1, 2026", "2026-06-30T23:00:00Z"),
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
