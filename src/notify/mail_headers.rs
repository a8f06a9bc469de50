//! Headers of mail. A value never adds a line of its own.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::message::header::{HeaderName, HeaderValue};
use url::Url;

/// In bytes: a header line may have 998 (RFC 5322, 2.1.1).
const MAX_HEADER_VALUE: usize = 900;

/// The mailing list that a mail belongs to (RFC 2919).
#[derive(Clone, Debug)]
pub struct ListId {
    pub name: String,
    /// Like `incidents.status.example.org`.
    pub id: String,
}

/// A header whose value is visible ASCII on one line.
pub(super) fn plain_header(name: &'static str, value: String) -> anyhow::Result<HeaderValue> {
    let is_visible = value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if !is_visible || value.len() > MAX_HEADER_VALUE {
        bail!("{name} must be ASCII of at most {MAX_HEADER_VALUE} bytes without control characters");
    }
    Ok(HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value))
}

/// `"Name" <id>`
pub(super) fn list_header(list: &ListId) -> anyhow::Result<HeaderValue> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if list.id.is_empty() || list.id.len() > 255 || !list.id.bytes().all(is_allowed) {
        bail!("{:?} is not a list id", list.id);
    }
    let name: String = single_line(&list.name).chars().take(100).collect();
    let encoded = format!("{}\r\n <{}>", encode_phrase(&name), list.id);
    let raw = format!("{name} <{}>", list.id);
    Ok(HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str("List-Id"), raw, encoded))
}

/// A display name: quoted, or encoded words (RFC 2047) of at most 75 bytes.
fn encode_phrase(name: &str) -> String {
    if name.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if words.last().is_some_and(|word| word.len() + letter.len_utf8() > 42) {
            words.push(String::new());
        }
        words.last_mut().expect("never empty").push(letter);
    }
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
    encoded.collect::<Vec<_>>().join("\r\n ")
}

/// The URL parser skips line ends, so they are rejected first.
pub(super) fn parse_web_url(url: &str) -> anyhow::Result<String> {
    if url.contains(char::is_control) {
        bail!("a URL must not contain control characters");
    }
    let url = Url::parse(url).context("the unsubscribe URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        bail!("the unsubscribe URL must begin with https://");
    }
    // The parser leaves some brackets unescaped, which would end the header's value.
    Ok(url.to_string().replace('<', "%3C").replace('>', "%3E"))
}

/// Control characters become spaces, so that a subject can't inject headers.
pub(super) fn single_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsubscribe_url_stays_inside_its_brackets() {
        for nasty in ["\r\nBcc: x", "\0", "\n"] {
            let url = format!("https://status.example.org/u/{nasty}");
            assert!(parse_web_url(&url).is_err(), "{nasty:?}");
        }
        for wrong in ["mailto:a@b.example", "javascript:x", "/u/token", "https://"] {
            assert!(parse_web_url(wrong).is_err(), "{wrong}");
        }
        let url = parse_web_url("https://status.example.org/u/a>,<mailto:x?b=<c>#<d>").unwrap();
        assert!(!url.contains(['<', '>', ' ']), "{url}");
    }
}
