//! Cuts texts to the limits of channels, at a character and with `…`.

/// The most generous count of characters among the channels: in UTF-16 units, of which most characters take one.
pub fn count_units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `text`, or as much of its beginning as `fits` accepts after `render`. Shorter beginnings should fit better.
pub fn fit<T>(text: &str, render: impl Fn(&str) -> T, fits: impl Fn(&T) -> bool) -> T {
    let whole = render(text);
    if fits(&whole) {
        return whole;
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut best = render("…");
    let (mut low, mut high) = (0, ends.len());
    while low < high {
        let middle = low.midpoint(high);
        let cut = render(&format!("{}…", text[..ends[middle]].trim_end()));
        if fits(&cut) {
            (best, low) = (cut, middle + 1);
        } else {
            high = middle;
        }
    }
    best
}

/// At most `max` units.
pub fn cut_text(text: &str, max: usize) -> String {
    cut_rendered(text, str::to_owned, max)
}

/// At most `max` units after `render`.
pub fn cut_rendered(text: &str, render: impl Fn(&str) -> String, max: usize) -> String {
    fit(text, render, |rendered| count_units(rendered) <= max)
}

/// As many lines as `max` units allow, then `and 3 more`.
pub fn join_lines(lines: &[String], max: usize) -> String {
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let rest = format!("\nand {} more", lines.len() - index);
        let is_last = index + 1 == lines.len();
        let reserve = if is_last { 0 } else { count_units(&rest) };
        if count_units(&out) + 1 + count_units(line) + reserve > max {
            out.push_str(&rest);
            break;
        }
        if index > 0 {
            out.push('\n');
        }
        out.push_str(line);
    }
    out.trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(cut_text("short", 5), "short");
        assert_eq!(cut_text("a longer text", 7), "a long…");
        assert_eq!(cut_text("a longer text", 3), "a…");
        assert_eq!(cut_text("🦀🦀🦀", 5), "🦀🦀…");
        assert_eq!(cut_text("ééé", 2), "é…");
        assert_eq!(cut_rendered("&&&&", |text| text.replace('&', "&amp;"), 11), "&amp;&amp;…");
    }

    #[test]
    fn lists_state_how_many_lines_are_left_out() {
        let lines: Vec<String> = (1..=60).map(|number| format!("Component {number}")).collect();
        assert_eq!(join_lines(&lines[..3], 100), "Component 1\nComponent 2\nComponent 3");
        assert_eq!(join_lines(&lines, 40), "Component 1\nComponent 2\nand 58 more");
        assert!(count_units(&join_lines(&lines, 40)) <= 40);
        assert_eq!(join_lines(&lines, 5), "and 60 more");
    }
}
