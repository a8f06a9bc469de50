//! Settings of the page.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::PageBrand;

pub const MAX_PAGE_TEXT: usize = 255;
pub const MAX_LINKS: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// 12 letters and digits, for the public API.
    pub id: String,
    pub name: String,
    /// The company's website, linked from the page's name; may be empty.
    pub url: String,
    /// For displayed times and for the boundaries of days.
    pub time_zone: Tz,
    /// Empty to use the name.
    pub logo_text: String,
    pub links: Vec<Link>,
    /// Origins that may embed our pages in a frame, like `https://www.example.org`.
    #[serde(default)]
    pub embedders: Vec<String>,
    #[serde(default)]
    pub brand: PageBrand,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

pub const MAX_EMBEDDERS: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    /// http, https or mailto.
    pub url: String,
}

impl Page {
    pub fn logo(&self) -> &str {
        if self.logo_text.is_empty() { &self.name } else { &self.logo_text }
    }

    /// `Harbor Mail Status`; a name that ends with the word stays as it is.
    pub fn title(&self) -> String {
        let says_status = self.name.split_whitespace().last().is_some_and(|word| word.eq_ignore_ascii_case("status"));
        if says_status { self.name.clone() } else { format!("{} Status", self.name) }
    }
}

/// Whether `text` is exactly an origin, like `https://www.example.org:8443`.
pub fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_label = |label: &str| {
        let clean = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        clean && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= MAX_PAGE_TEXT && name.split('.').all(is_label) && port.is_none_or(is_port)
}

/// A port as browsers serialize it: no sign, no leading zero, not 0.
fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0') && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_has_the_word_status_once() {
        let page = |name: &str| Page {
            id: "p".into(),
            name: name.into(),
            url: String::new(),
            time_zone: Tz::UTC,
            logo_text: String::new(),
            links: Vec::new(),
            embedders: Vec::new(),
            brand: PageBrand::default(),
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        };
        for (name, title) in [("Status", "Status"), ("Harbor", "Harbor Status"), ("Harbor status", "Harbor status")] {
            assert_eq!(page(name).title(), title);
        }
    }

    #[test]
    fn origin_has_no_path_or_wildcard() {
        for good in ["https://example.org", "http://localhost:8080", "https://a-b.example.co.uk", "http://127.0.0.1"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "https://",
            "https://*.example.org",
            "https://a.test:",
            "https://a.test:+80",
            "https://a.test:-80",
            "https://a.test:00443",
            "https://a.test:0",
            "https://a.test:65536",
            "https://a.test:80:80",
            "https://example.org/",
            "https://a b",
            "https://example.org;script-src *",
            "https://a.test:x",
            "https://a.test:99999",
            "ftp://a.test",
            "https://a..b",
            "https://-a.test",
            "https://user@a.test",
            "https://A.test",
            "https://ä.test",
            "'none'",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
