//! What Markdown may become, judged element by element. The fuzz target of Markdown reads it too.

use candor::format::url::is_safe_url;

use super::html::Page;

/// What Markdown makes, and what feeds say around it.
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

/// Fails where `html` holds an element, an attribute or an address that no text may become.
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
