//! The hostile texts of `hostile_strings.txt`.

use std::collections::BTreeSet;

pub fn corpus() -> Vec<String> {
    let lines = include_str!("hostile_strings.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(unescape_line).collect()
}

fn unescape_line(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line.chars());
    while let Some(sign) = rest.next() {
        if sign != '\\' {
            text.push(sign);
            continue;
        }
        text.push(match rest.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some('\\') => '\\',
            Some('"') => '"',
            Some('u') => {
                let code: String = rest.by_ref().skip(1).take_while(|sign| *sign != '}').collect();
                u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).expect(line)
            }
            other => panic!("{other:?} in {line}"),
        });
    }
    text
}

/// The text as a single-line field would save it at most: without control characters.
pub fn as_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// The text as a multi-line field would save it at most.
pub fn as_lines(text: &str) -> String {
    let lines = text
        .replace('\r', "")
        .chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c })
        .collect::<String>();
    format!("{}.", lines.trim_end())
}

#[test]
fn corpus_is_large_and_unique() {
    let corpus = corpus();
    assert!(corpus.len() >= 270, "{}", corpus.len());
    assert_eq!(corpus.iter().collect::<BTreeSet<_>>().len(), corpus.len());
    assert!(corpus.iter().any(|text| text.contains('\0')) && corpus.iter().any(|text| text.contains('\u{202e}')));
}
