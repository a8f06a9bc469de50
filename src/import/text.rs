//! Texts from elsewhere, made fit to be stored; each change is told.

/// Lines of text without control characters, at most `max` characters, and what had to be done to it.
pub fn lines(text: &str, max: usize) -> (String, Vec<String>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    cut(kept.trim_end(), max)
}

/// One line of text: line ends and tabs become spaces.
pub fn line(text: &str, max: usize) -> (String, Vec<String>) {
    let spaced: String = text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).collect();
    let kept: String = spaced.chars().filter(|c| !c.is_control()).collect();
    cut(kept.trim(), max)
}

fn cut(text: &str, max: usize) -> (String, Vec<String>) {
    let count = text.chars().count();
    if count <= max {
        return (text.to_owned(), Vec::new());
    }
    let kept: String = text.chars().take(max).collect();
    (kept.trim_end().to_owned(), vec![format!("cut from {count} to {max} characters")])
}

/// Whether there is HTML in `text`: a tag that begins with a letter.
pub fn has_html(text: &str) -> bool {
    let opens = |rest: &str| {
        let name = rest.trim_start_matches('/');
        let closed = rest.find('>').is_some_and(|end| !rest[..end].contains("://") || rest[..end].contains(' '));
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && closed
    };
    text.match_indices('<').any(|(at, _)| opens(&text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_one_character_and_controls_are_gone() {
        assert_eq!(lines("a\r\nb\rc\0\u{7}\td  \n", 99), ("a\nb\nc\td".into(), vec![]));
        assert_eq!(line(" a\r\nb\0 ", 99), ("a  b".into(), vec![]));
    }

    #[test]
    fn long_text_is_cut_and_told() {
        let (text, told) = lines(&"ä".repeat(11), 10);
        assert_eq!((text.chars().count(), told), (10, vec!["cut from 11 to 10 characters".to_owned()]));
    }

    #[test]
    fn html_is_told_from_a_smaller_than_sign_and_a_link() {
        for html in ["see <a href=\"https://x.test\">x</a>", "a<br>b", "</b>"] {
            assert!(has_html(html), "{html}");
        }
        for plain in ["1 < 2 > 0", "a <- b", "<https://x.test>", "x <3", "if a<b"] {
            assert!(!has_html(plain), "{plain}");
        }
    }
}
