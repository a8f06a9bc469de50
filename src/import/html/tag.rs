//! Parses tags and their attributes.

use super::entity::convert_entities;

/// In bytes; longer tags are not converted.
const MAX_TAG: usize = 4096;

#[derive(Debug)]
pub struct HtmlTag<'a> {
    pub name: String,
    pub closes: bool,
    pub attributes: &'a str,
    /// In bytes.
    pub length: usize,
}

/// Parses the tag at the start of `text`.
pub fn parse_tag(text: &str) -> Option<HtmlTag<'_>> {
    let inside = text.strip_prefix('<')?;
    let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |rest| (true, rest));
    let name_length = inside.find(|c: char| !c.is_ascii_alphanumeric()).filter(|length| *length > 0)?;
    let name = inside[..name_length].to_ascii_lowercase();
    let rest = &inside[name_length..];
    let end = tag_end(rest)?;
    let attributes = rest[..end].trim().trim_end_matches('/').trim();
    let is_plain = rest.starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/');
    // `<a lot>` and `<SOME/ALL>` are text.
    let are_attributes = attributes.is_empty() || attributes.contains('=') && !attributes.starts_with('=');
    let length = text.len() - inside.len() + name_length + end + 1;
    (is_plain && are_attributes && !attributes.starts_with('/')).then_some(HtmlTag { name, closes, attributes, length })
}

/// The position of the `>` outside of quotes, before any other `<`.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in rest.char_indices().take_while(|(at, _)| *at < MAX_TAG) {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '<') => return None,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// The end of the next closing tag of this name.
pub fn closing_tag(text: &str, name: &str) -> Option<usize> {
    text.match_indices("</").find_map(|(at, _)| {
        let rest = &text[at + 2..];
        let is_it = rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        let after = rest.get(name.len()..).filter(|_| is_it)?;
        let blank = after.len() - after.trim_start().len();
        after[blank..].starts_with('>').then_some(at + 2 + name.len() + blank + 1)
    })
}

/// The decoded value of an attribute.
pub fn attribute(attributes: &str, name: &str) -> Option<String> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.match_indices(name).find_map(|(at, _)| {
        let is_name = !lower[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-');
        let after = lower[at + name.len()..].trim_start();
        (is_name && after.starts_with('=')).then(|| lower.len() - after.len() + 1)
    })?;
    let value = attributes[at..].trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split_whitespace().next()?,
    };
    Some(convert_entities(value.trim()))
}
