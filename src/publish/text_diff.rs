//! What differs between two texts of one document, line by line, as somebody reads it.

use std::time::Instant;

use similar::{ChangeTag, TextDiff};

use crate::domain::diff::{DiffLine, DocumentDiff, LineChange};

/// How many lines that stay are shown around one that changes.
const CONTEXT_LINES: usize = 3;
/// The most lines shown of one document.
const MAX_LINES: usize = 80;
/// The most characters shown of one line.
const MAX_LINE: usize = 600;

/// What differs between two texts of the content type `kind`. What would take longer than `until` is compared more
/// coarsely.
pub fn diff_texts(kind: &str, before: &str, after: &str, until: Instant) -> DocumentDiff {
    let (before, after) = (pretty_print(kind, before), pretty_print(kind, after));
    let diff = TextDiff::configure().deadline(until).diff_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT_LINES) {
        if !lines.is_empty() {
            lines.push(DiffLine { tag: LineChange::Gap, text: String::new() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let fate = match change.tag() {
                ChangeTag::Delete => LineChange::Removed,
                ChangeTag::Equal => LineChange::Unchanged,
                ChangeTag::Insert => LineChange::Added,
            };
            lines.push(DiffLine { tag: fate, text: truncate_line(change.value().trim_end()) });
        }
    }
    let mut changed =
        lines.iter().filter(|line| matches!(line.tag, LineChange::Removed | LineChange::Added)).peekable();
    let only_dates = changed.peek().is_some() && changed.all(|line| is_date_line(&line.text));
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    DocumentDiff { shown: lines, hidden: more, only_dates }
}

/// A document for programs is one long line; a person reads one thing in each.
fn pretty_print(kind: &str, text: &str) -> String {
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

fn is_date_line(line: &str) -> bool {
    ["\"updated_at\":", "<updated>", "<pubDate>"].iter().any(|name| line.trim_start().starts_with(name))
}

fn truncate_line(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn compared(kind: &str, before: &str, after: &str) -> DocumentDiff {
        diff_texts(kind, before, after, Instant::now() + Duration::from_secs(5))
    }

    fn words(lines: &DocumentDiff) -> Vec<String> {
        let mark = |fate| match fate {
            LineChange::Removed => "-",
            LineChange::Unchanged => " ",
            LineChange::Added => "+",
            LineChange::Gap => "~",
        };
        lines.shown.iter().map(|line| format!("{}{}", mark(line.tag), line.text.trim())).collect()
    }

    #[test]
    fn single_line_json_is_diffed_by_item() {
        let lines =
            compared("application/json; charset=utf-8", r#"{"a":1,"b":[{"c":"x"}]}"#, r#"{"a":2,"b":[{"c":"x"}]}"#);
        assert_eq!(words(&lines), [" {", "-\"a\": 1,", "+\"a\": 2,", " \"b\": [", " {", " \"c\": \"x\""]);
        let lines = compared("application/atom+xml", "<a><b>1</b><c>2</c></a>", "<a><b>1</b><c>3</c></a>");
        assert_eq!(words(&lines), [" <a>", " <b>1</b>", "-<c>2</c>", "+<c>3</c>", " </a>"]);
    }

    #[test]
    fn unchanged_lines_between_changes_are_omitted() {
        let text = |first: &str, last: &str| [first, "1", "2", "3", "4", "5", "6", "7", "8", last].join("\n");
        let lines = compared("text/calendar", &text("a", "b"), &text("A", "B"));
        assert_eq!(words(&lines), ["-a", "+A", " 1", " 2", " 3", "~", " 6", " 7", " 8", "-b", "+B"]);
    }

    #[test]
    fn date_only_change_is_detected() {
        let text = |name: &str, at: &str| format!(r#"{{"name":"{name}","updated_at":"{at}"}}"#);
        let kind = "application/json";
        assert!(compared(kind, &text("x", "1"), &text("x", "2")).only_dates);
        assert!(!compared(kind, &text("x", "1"), &text("y", "2")).only_dates);
        assert!(!compared(kind, &text("x", "1"), &text("x", "1")).only_dates);
    }

    #[test]
    fn long_diffs_are_cut_and_counted() {
        let many = "x\n".repeat(1_000);
        let lines = compared("text/calendar", "", &many);
        assert_eq!((lines.shown.len(), lines.hidden), (MAX_LINES, 1_000 - MAX_LINES));
        let lines = compared("text/calendar", "", &"ä".repeat(10_000));
        assert_eq!(lines.shown[0].text.chars().count(), MAX_LINE + 1);
    }

    #[test]
    fn slow_diff_stops_at_its_deadline() {
        let text = |salt: u64| (0..20_000_u64).map(|n| format!("{}\n", n * 7_919 % (salt + 13))).collect::<String>();
        let begun = Instant::now();
        let lines = diff_texts("text/calendar", &text(1_009), &text(2_003), begun + Duration::from_millis(50));
        assert!(lines.hidden > 0 && begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
