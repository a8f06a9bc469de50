//! Text formats without any rule of the domain: times, durations, Markdown, URLs, hexadecimal digits. Also compiles for the
//! browser.

pub mod duration;
pub mod markdown;
pub mod time;
pub mod url;

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
