//! URLs that may become links.

/// Allows http, https and mailto URLs, without characters that a browser strips or that end an attribute or a header.
pub fn is_safe_url(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let rest = ["https://", "http://", "mailto:"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    let clean = url.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"'`\\".contains(c));
    clean && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_urls_are_safe() {
        for good in ["https://example.org", "http://x.test/a?b=c#d", "mailto:help@example.org"] {
            assert!(is_safe_url(good), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "\tjavascript:x",
            "data:text/html,x",
            "//evil",
            "https:evil",
            "https://",
            "https:///x",
            "https://a b",
            "https://a\"b",
            "https://a\nb",
            "vbscript:x",
        ] {
            assert!(!is_safe_url(bad), "{bad}");
        }
    }
}
