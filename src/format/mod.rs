//! Text formats without domain rules: times, durations, Markdown, URLs, hexadecimal. Also compiled for the browser.

pub mod duration;
pub mod markdown;
pub mod number;
pub mod time;
pub mod url;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
