//! Status badges as SVG, for a README or another site.

use crate::domain::ComponentId;
use crate::domain::page_status::Tone;

/// In characters.
const MAX_LABEL: usize = 100;
/// Approximate width of a character, in SVG units.
const CHARACTER_WIDTH: usize = 7;
/// Space left and right of a text, in SVG units.
const TEXT_PADDING: usize = 10;

pub fn badge_path(component: &ComponentId) -> String {
    format!("/components/{component}/badge.svg")
}

pub fn render_badge(label: &str, words: &str, tone: Tone) -> String {
    let label = truncate_label(label);
    let (left, right) = (text_width(&label), text_width(words));
    let (all, middle_left, middle_right) = (left + right, left / 2, left + right / 2);
    let (label, words, colour) = (escape_xml(&label), escape_xml(words), tone_colour(tone));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {words}\"><title>{label}: {words}</title>\
         <rect width=\"{all}\" height=\"20\" rx=\"3\" fill=\"#3b4252\"/>\
         <path d=\"M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\
         <text x=\"{middle_left}\" y=\"14\">{label}</text><text x=\"{middle_right}\" y=\"14\">{words}</text></g></svg>",
        inner = right - 3,
    )
}

/// Appends `words` to a badge made by [`render_badge`]; `None` if `svg` is another image.
pub fn stale_badge(svg: &str, words: &str) -> Option<String> {
    let (_, rest) = svg.split_once("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"")?;
    let (digits, _) = rest.split_once('"')?;
    let width: usize = digits.parse().ok()?;
    let (wider, middle) = (width + text_width(words), width + text_width(words) / 2);
    let aged = svg.replace(&format!("width=\"{digits}\" height"), &format!("width=\"{wider}\" height"));
    let aged = aged.replacen("\"><title>", &format!(", {words}\"><title>"), 1);
    let aged = aged.replacen("</title>", &format!(", {words}</title>"), 1);
    Some(aged.replace("</g></svg>", &format!("<text x=\"{middle}\" y=\"14\">{words}</text></g></svg>")))
}

/// Dark enough for contrast with white text.
fn tone_colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Operational => "#1f7a46",
        Tone::Notice => "#5c6561",
        Tone::Maintenance => "#2f5fb3",
        Tone::Degraded => "#8a6100",
        Tone::PartialOutage => "#b04a00",
        Tone::MajorOutage => "#b3261e",
    }
}

fn text_width(text: &str) -> usize {
    text.chars().count() * CHARACTER_WIDTH + 2 * TEXT_PADDING
}

fn truncate_label(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(MAX_LABEL) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Escapes text for XML and drops characters that XML does not allow.
fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badge_text_is_escaped() {
        let svg = render_badge("<script>alert('x')</script> & \"more\"\u{0}", "Operational", Tone::Operational);
        assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{svg}");
        assert_eq!(svg.matches('<').count(), render_badge("a", "b", Tone::Operational).matches('<').count());
        assert!(svg.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;: Operational"));
    }

    #[test]
    fn stale_badge_is_labelled() {
        let svg = render_badge("Mail", "Operational", Tone::Operational);
        let old = stale_badge(&svg, "as of noon").unwrap();
        assert!(svg.contains("width=\"145\" height") && old.matches("width=\"235\" height").count() == 2, "{old}");
        assert!(
            old.contains("aria-label=\"Mail: Operational, as of noon\"><title>Mail: Operational, as of noon</title>")
        );
        assert!(old.ends_with("<text x=\"190\" y=\"14\">as of noon</text></g></svg>"), "{old}");
        assert_eq!(stale_badge("<svg></svg>", "as of noon"), None);
    }

    #[test]
    fn a_long_name_is_cut() {
        let svg = render_badge(&"ä".repeat(255), "Operational", Tone::Operational);
        assert_eq!(svg.matches('ä').count(), 3 * MAX_LABEL);
        assert!(svg.contains('…') && svg.contains("width=\"824\""), "{svg}");
    }
}
