//! Writes Markdown: marks, links and line ends.

use crate::format::url::is_safe_url;

/// Puts Markdown's `mark` around a text. White space, and punctuation beside a word, stay outside: with them, Markdown
/// would not recognize the marks.
pub fn mark_text(text: &str, mark: &str, before: Option<char>, after: Option<char>) -> String {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.contains("\n\n") {
        return text.to_owned();
    }
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (lead, rest) = text.split_at(text.len() - text.trim_start().len());
    let (mut middle, mut tail) = (rest.trim_end(), &rest[rest.trim_end().len()..]);
    if tail.is_empty() && is_word(after) {
        let kept = middle.trim_end_matches(|c: char| !c.is_alphanumeric());
        tail = &rest[kept.len()..];
        middle = kept;
    }
    let mut front = lead.to_owned();
    if lead.is_empty() && is_word(before) {
        let kept = middle.trim_start_matches(|c: char| !c.is_alphanumeric());
        front.push_str(&middle[..middle.len() - kept.len()]);
        middle = kept;
    }
    if middle.is_empty() { text.to_owned() } else { format!("{front}{mark}{middle}{mark}{tail}") }
}

/// A Markdown link. Only the text remains if the address can't be linked.
pub fn link(text: &str, address: &str) -> String {
    if !is_safe_url(address) {
        return text.to_owned();
    }
    if text.is_empty() || text == address {
        return address.to_owned();
    }
    format!("[{}]({})", escape_label(text, address), escape_address(address))
}

pub fn escape_label(text: &str, address: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { address.to_owned() } else { text.replace('[', "\\[").replace(']', "\\]") }
}

pub fn escape_address(address: &str) -> String {
    address.replace('(', "%28").replace(')', "%29")
}

pub fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

pub fn is_numbered_line(out: &str) -> bool {
    let line = out.rsplit('\n').next().unwrap_or_default().trim();
    line.strip_suffix('.').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

pub fn trim_spaces(out: &mut String) {
    let length = out.trim_end_matches([' ', '\t']).len();
    out.truncate(length);
}

/// Keeps at most one blank line at the end.
pub fn limit_blank_lines(out: &mut String) {
    let length = out.trim_end_matches('\n').len();
    out.truncate(out.len().min(length + 2));
}
