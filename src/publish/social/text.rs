//! Text on a canvas, in a subset of Inter SemiBold (SIL Open Font License, see `OFL.txt`): Latin letters only.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, ScaleFont as _, point};

use super::canvas::{Canvas, Colour};

static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("inter-semibold.ttf")).ok());

/// Long texts are cut before they are measured.
const MAX_CHARS: usize = 400;
/// The space taken from between two letters, as a share of the size.
const TRACKING: f32 = 0.014;

/// Whether the font has every letter of `text`, and `text` has any.
pub fn is_covered(text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).take(MAX_CHARS).collect::<Vec<_>>();
    let letters = letters(text);
    FONT.as_ref().is_some_and(|font| !letters.is_empty() && letters.iter().all(|c| font.glyph_id(*c).0 != 0))
}

/// Sets `text` on the line that starts at `at`.
pub fn draw(canvas: &mut Canvas, text: &str, size: f32, at: (f32, f32), colour: Colour) {
    let Some(font) = FONT.as_ref() else { return };
    for glyph in place_glyphs(font, text, size, at).0 {
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
        outline.draw(|x, y, coverage| canvas.blend(left + x as i32, top + y as i32, colour, coverage));
    }
}

/// The glyphs of a line and its width.
fn place_glyphs(font: &FontRef<'_>, text: &str, size: f32, at: (f32, f32)) -> (Vec<Glyph>, f32) {
    let units = font.units_per_em().unwrap_or(1.0);
    // `PxScale` is the height from the descender to the ascender; a size is that of the em square.
    let scale = PxScale::from(size * font.height_unscaled() / units);
    let scaled = font.as_scaled(scale);
    let (mut x, mut last, mut glyphs) = (at.0, None, Vec::new());
    for c in text.chars() {
        let id = font.glyph_id(c);
        if let Some(last) = last {
            x += scaled.kern(last, id) - size * TRACKING;
        }
        glyphs.push(id.with_scale_and_position(scale, point(x, at.1)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, x - at.0)
}

fn line_width(text: &str, size: f32) -> f32 {
    FONT.as_ref().map_or(0.0, |font| place_glyphs(font, text, size, (0.0, 0.0)).1)
}

/// `text` with an ellipsis if it is wider than `width`.
pub fn shorten(text: &str, size: f32, width: f32) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters: Vec<char> = text.chars().take(MAX_CHARS).collect();
    if letters.len() == text.chars().count() && line_width(&text, size) <= width {
        return text;
    }
    loop {
        let cut = format!("{}…", letters.iter().collect::<String>().trim_end());
        if letters.pop().is_none() || line_width(&cut, size) <= width {
            return cut;
        }
    }
}

/// The largest of the sizes at which `text` fits into its number of lines; at the smallest one, the rest is cut.
pub fn fit_lines(text: &str, width: f32, sizes: &[(f32, usize)]) -> (f32, Vec<String>) {
    let text: String = text.chars().take(MAX_CHARS).collect();
    for (size, most) in sizes {
        let lines = wrap_words(&text, *size, width);
        if lines.len() <= *most && lines.iter().all(|line| line_width(line, *size) <= width) {
            return (*size, balance_lines(&text, *size, width, lines));
        }
    }
    let (size, most) = sizes.last().copied().unwrap_or((32.0, 1));
    let mut lines = wrap_words(&text, size, width);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        // A line that is too long by itself is cut in any case.
        lines.push(format!("{rest}…"));
    }
    (size, lines.iter().map(|line| shorten(line, size, width)).collect())
}

/// The same number of lines, about equally long.
fn balance_lines(text: &str, size: f32, width: f32, lines: Vec<String>) -> Vec<String> {
    let (mut best, mut narrower) = (lines, width * 0.95);
    while narrower > width * 0.4 {
        let lines = wrap_words(text, size, narrower);
        if lines.len() != best.len() || lines.iter().any(|line| line_width(line, size) > narrower) {
            break;
        }
        (best, narrower) = (lines, narrower - width * 0.05);
    }
    best
}

/// Lines of whole words; a longer word has a line of its own.
fn wrap_words(text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| line_width(line, size) <= width) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn font_has_latin_letters_only() {
        for text in ["All systems operational", "Søk, Gdańsk, Čeština – “ß”, 99.9 %", " A\u{a0}"] {
            assert!(is_covered(text), "{text}");
        }
        for text in ["", " ", "Статус", "状態", "OK ✓", "\u{202e}A"] {
            assert!(!is_covered(text), "{text}");
        }
    }

    #[test]
    fn lines_are_never_wider_than_their_space() {
        let sizes = [(88.0, 2), (52.0, 3)];
        for text in ["A", &"word ".repeat(100), &"W".repeat(900), "one two three four five six seven eight nine"] {
            let (size, lines) = fit_lines(text, 700.0, &sizes);
            assert!((1..=3).contains(&lines.len()), "{lines:?}");
            assert!(lines.iter().all(|line| line_width(line, size) <= 700.0), "{lines:?}");
        }
        assert_eq!(fit_lines("Partial outage", 700.0, &sizes), (88.0, vec!["Partial outage".to_owned()]));
        let two = fit_lines("Satellite imagery: partial outage", 1024.0, &sizes).1;
        assert_eq!(two, ["Satellite imagery:", "partial outage"], "balanced");
        let (_, cut) = fit_lines(&"word ".repeat(100), 700.0, &sizes);
        assert!(cut[2].ends_with('…') && cut.len() == 3, "{cut:?}");
    }
}
