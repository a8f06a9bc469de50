//! Whatever somebody writes into an update becomes elements of a short list, whose links lead where links may.

#![no_main]

use candor::domain::page::is_safe_url;
use candor::ui::markdown;
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "only what reads the elements is needed")]
#[path = "../../it/support/html.rs"]
mod html;

const ELEMENTS: [&str; 19] = [
    "a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th",
    "thead", "tr", "ul",
];

fuzz_target!(|text: &str| {
    let rendered = markdown::render(text);
    for element in html::Page::read(&rendered).elements() {
        assert!(ELEMENTS.contains(&element.name.as_str()), "{} in {rendered}", element.name);
        for (name, value) in &element.attributes {
            let is_known = match (element.name.as_str(), name.as_str()) {
                ("a", "href") => is_safe_url(value),
                ("a", "rel") => value == "noopener nofollow ugc",
                ("ol", "start") => value.parse::<u64>().is_ok(),
                ("table", "tabindex") => value == "0",
                _ => false,
            };
            assert!(is_known, "{name}={value} in {rendered}");
        }
    }
    assert!(markdown::summary(text, 100).chars().count() <= 101, "a summary is short");
});
