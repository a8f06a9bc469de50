//! The scripts of the public pages, minified, under URLs with their content hash.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

static SCRIPT: LazyLock<String> = LazyLock::new(|| minify_script(include_str!("../../public/live.js")));

static SCRIPT_URL: LazyLock<String> = LazyLock::new(|| script_url("live", live_script()));

static SUBSCRIBE_SCRIPT: LazyLock<String> = LazyLock::new(|| minify_script(include_str!("../../public/subscribe.js")));

static SUBSCRIBE_SCRIPT_URL: LazyLock<String> = LazyLock::new(|| script_url("subscribe", subscribe_script()));

fn script_url(name: &str, script: &str) -> String {
    let hash: String = Sha256::digest(script)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{name}.{hash}.js")
}

pub fn live_script() -> &'static str {
    &SCRIPT
}

/// The URL may be cached forever, because it contains the hash.
pub fn live_script_url() -> &'static str {
    &SCRIPT_URL
}

/// Counts what is chosen in the forms of subscribers.
pub fn subscribe_script() -> &'static str {
    &SUBSCRIBE_SCRIPT
}

pub fn subscribe_script_url() -> &'static str {
    &SUBSCRIBE_SCRIPT_URL
}

/// Removes lines that are comments, indentation and empty lines. Correct only for these files, which have no multi-line
/// strings.
fn minify_script(source: &str) -> String {
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minified_script_keeps_its_code() {
        assert_eq!(minify_script("// why\n{\n  // more\n  const a = 'b';\n\n}\n"), "{\nconst a = 'b';\n}");
        assert!(live_script().starts_with("'use strict';\n{\n") && live_script().ends_with("\n}"));
        assert!(!live_script().lines().any(|line| line.starts_with("//") || line.starts_with(' ')));
    }
}
