//! The HTML that Markdown may produce. The Markdown fuzz target uses it too.

use candor::format::url::is_safe_url;

use super::html::Page;

/// Elements that Markdown produces, and those that feeds add.
const ELEMENTS: [&str; 21] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "small",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "var",
];

/// Fails if `html` contains an element, attribute or address that is not allowed.
#[track_caller]
pub fn is_allowed_html(html: &str) {
    for element in Page::read(html).elements() {
        assert!(ELEMENTS.contains(&element.name.as_str()), "{} in {html}", element.name);
        for (name, value) in &element.attributes {
            let is_known = match (element.name.as_str(), name.as_str()) {
                ("a", "href") => is_safe_url(value),
                ("a", "rel") => value == "noopener nofollow ugc",
                ("ol", "start") => value.parse::<u64>().is_ok(),
                ("table", "tabindex") => value == "0",
                ("var", "data-var") => ["date", "time"].contains(&value.as_str()),
                _ => false,
            };
            assert!(is_known, "{name}={value} in {html}");
        }
    }
}
