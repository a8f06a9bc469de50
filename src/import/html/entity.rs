//! Decodes entities and the shortcodes of emoji.

/// In bytes; longer ones are not converted.
const MAX_ENTITY: usize = 10;
const MAX_SHORTCODE: usize = 40;

pub fn convert_entities(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (decoded, length) = parse_entity(rest).unwrap_or(("&".to_owned(), 1));
        out.push_str(&decoded);
        rest = &rest[length..];
    }
    out + rest
}

/// The character that the entity at the start of `text` stands for, and the entity's length.
pub fn parse_entity(text: &str) -> Option<(String, usize)> {
    let end = text.bytes().take(MAX_ENTITY + 2).position(|byte| byte == b';')?;
    let name = text.strip_prefix('&')?.get(..end.checked_sub(1)?)?;
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    });
    let decoded = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "times" => '×',
        "deg" => '°',
        "euro" => '€',
        "pound" => '£',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "rarr" => '→',
        "larr" => '←',
        _ => number.and_then(char::from_u32).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))?,
    };
    Some((if decoded == '\u{a0}' { " ".to_owned() } else { decoded.to_string() }, end + 1))
}

/// The emoji of the shortcode at the start of `text`, and the shortcode's length.
pub fn parse_shortcode(text: &str, before: Option<char>) -> Option<(String, usize)> {
    let is_start = before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '/' | '\\' | '=' | '`'));
    let rest = text.strip_prefix(':').filter(|_| is_start)?;
    let end = rest.bytes().take(MAX_SHORTCODE).position(|byte| byte == b':').filter(|end| *end > 0)?;
    let emoji = emojis::get_by_shortcode(&rest[..end])?;
    Some((emoji.as_str().to_owned(), end + 2))
}
