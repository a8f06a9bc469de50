//! The header `Forwarded` (RFC 7239): a list of elements, each with parameters like `for` and `proto`.

/// The elements, first hop first. A comma in a quoted value does not separate.
pub fn elements(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    split_unquoted(text, ',').into_iter()
}

/// The value of a parameter, without quotes; `None` if it is missing.
pub fn parameter(element: &str, name: &str) -> Option<String> {
    let pairs = split_unquoted(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    values.next().map(unquote)
}

fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|sign: char| {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        !is_quoted && sign == separator
    });
    parts.collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut plain = String::new();
    let mut signs = inner.chars();
    while let Some(sign) = signs.next() {
        plain.extend(if sign == '\\' { signs.next() } else { Some(sign) });
    }
    plain
}
