//! Any Markdown becomes only allowed elements with safe links.

#![no_main]

use candor::format::markdown;
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "only what reads the elements is needed")]
#[path = "../../it/support/html.rs"]
mod html;
#[path = "../../it/support/prose.rs"]
mod prose;

fuzz_target!(|text: &str| {
    prose::is_allowed_html(&markdown::render_markdown(text));
    assert!(markdown::plain_summary(text, 100).chars().count() <= 101, "a summary is short");
});
