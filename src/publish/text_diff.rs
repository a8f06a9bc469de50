//! What differs between two texts of one document, line by line, as somebody reads it.

use std::time::Instant;

use similar::{ChangeTag, TextDiff};

use crate::domain::diff::{Fate, Line, Lines};

/// How many lines that stay are shown around one that changes.
const AROUND: usize = 3;
/// The most lines shown of one document.
const MAX_LINES: usize = 80;
/// The most characters shown of one line.
const MAX_LINE: usize = 600;

/// What differs between two texts of the content type `kind`. What would take longer than `until` is compared more
/// coarsely.
pub fn differing(kind: &str, before: &str, after: &str, until: Instant) -> Lines {
    let (before, after) = (laid_out(kind, before), laid_out(kind, after));
    let diff = TextDiff::configure().deadline(until).diff_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        if !lines.is_empty() {
            lines.push(Line { fate: Fate::Gap, text: String::new() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let fate = match change.tag() {
                ChangeTag::Delete => Fate::Goes,
                ChangeTag::Equal => Fate::Stays,
                ChangeTag::Insert => Fate::Comes,
            };
            lines.push(Line { fate, text: cut(change.value().trim_end()) });
        }
    }
    let mut changed = lines.iter().filter(|line| matches!(line.fate, Fate::Goes | Fate::Comes)).peekable();
    let only_dates = changed.peek().is_some() && changed.all(|line| is_date(&line.text));
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    Lines { shown: lines, more, only_dates }
}

/// A document for programs is one long line; a person reads one thing in each.
fn laid_out(kind: &str, text: &str) -> String {
    let kind = kind.split(';').next().unwrap_or_default();
    if kind.ends_with("json") {
        let value = serde_json::from_str::<serde_json::Value>(text);
        return value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| text.to_owned());
    }
    if kind.ends_with("xml") {
        return text.replace("><", ">\n<").replace("&gt;&lt;", "&gt;\n&lt;");
    }
    text.to_owned()
}

fn is_date(line: &str) -> bool {
    ["\"updated_at\":", "<updated>", "<pubDate>"].iter().any(|name| line.trim_start().starts_with(name))
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn compared(kind: &str, before: &str, after: &str) -> Lines {
        differing(kind, before, after, Instant::now() + Duration::from_secs(5))
    }

    fn words(lines: &Lines) -> Vec<String> {
        let mark = |fate| match fate {
            Fate::Goes => "-",
            Fate::Stays => " ",
            Fate::Comes => "+",
            Fate::Gap => "~",
        };
        lines.shown.iter().map(|line| format!("{}{}", mark(line.fate), line.text.trim())).collect()
    }

    #[test]
    fn one_long_line_is_compared_thing_by_thing() {
        let lines =
            compared("application/json; charset=utf-8", r#"{"a":1,"b":[{"c":"x"}]}"#, r#"{"a":2,"b":[{"c":"x"}]}"#);
        assert_eq!(words(&lines), [" {", "-\"a\": 1,", "+\"a\": 2,", " \"b\": [", " {", " \"c\": \"x\""]);
        let lines = compared("application/atom+xml", "<a><b>1</b><c>2</c></a>", "<a><b>1</b><c>3</c></a>");
        assert_eq!(words(&lines), [" <a>", " <b>1</b>", "-<c>2</c>", "+<c>3</c>", " </a>"]);
    }

    #[test]
    fn what_lies_between_two_changes_is_left_out() {
        let text = |first: &str, last: &str| [first, "1", "2", "3", "4", "5", "6", "7", "8", last].join("\n");
        let lines = compared("text/calendar", &text("a", "b"), &text("A", "B"));
        assert_eq!(words(&lines), ["-a", "+A", " 1", " 2", " 3", "~", " 6", " 7", " 8", "-b", "+B"]);
    }

    #[test]
    fn a_document_that_only_says_when_it_changed_is_known() {
        let text = |name: &str, at: &str| format!(r#"{{"name":"{name}","updated_at":"{at}"}}"#);
        let kind = "application/json";
        assert!(compared(kind, &text("x", "1"), &text("x", "2")).only_dates);
        assert!(!compared(kind, &text("x", "1"), &text("y", "2")).only_dates);
        assert!(!compared(kind, &text("x", "1"), &text("x", "1")).only_dates);
    }

    #[test]
    fn many_and_long_lines_are_cut_and_counted() {
        let many = "x\n".repeat(1_000);
        let lines = compared("text/calendar", "", &many);
        assert_eq!((lines.shown.len(), lines.more), (MAX_LINES, 1_000 - MAX_LINES));
        let lines = compared("text/calendar", "", &"ä".repeat(10_000));
        assert_eq!(lines.shown[0].text.chars().count(), MAX_LINE + 1);
    }

    #[test]
    fn a_comparison_that_would_take_too_long_ends_all_the_same() {
        let text = |salt: u64| (0..20_000_u64).map(|n| format!("{}\n", n * 7_919 % (salt + 13))).collect::<String>();
        let begun = Instant::now();
        let lines = differing("text/calendar", &text(1_009), &text(2_003), begun + Duration::from_millis(50));
        assert!(lines.more > 0 && begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
