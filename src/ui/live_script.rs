//! The script of the public pages: `public/live.js`, minified, under a URL with its content hash.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

static SCRIPT: LazyLock<String> = LazyLock::new(|| minify_script(include_str!("../../public/live.js")));

static SCRIPT_URL: LazyLock<String> = LazyLock::new(|| {
    let hash: String = Sha256::digest(live_script())[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/live.{hash}.js")
});

pub fn live_script() -> &'static str {
    &SCRIPT
}

/// The URL may be cached forever, because it contains the hash.
pub fn live_script_url() -> &'static str {
    &SCRIPT_URL
}

/// Removes lines that are comments, indentation and empty lines. Correct only for this file, which has no multi-line
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
