//! Rebuilds an SVG from an allow-list of elements and attributes. What could load, run or expand anything is refused
//! by name; what is only unknown is left out.

use std::fmt::Write as _;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::check_ratio;
use crate::domain::id::is_id;

/// Largest SVG, in bytes.
const MAX_SVG: usize = 64 * 1024;
const MAX_ELEMENTS: usize = 2_000;
const MAX_DEPTH: usize = 32;
/// Largest side, in user units.
const MAX_SIDE: f64 = 10_000.0;

const ELEMENTS: [&str; 14] = [
    "svg",
    "g",
    "defs",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
];
/// Left out with everything in them.
const IGNORED_ELEMENTS: [&str; 3] = ["title", "desc", "metadata"];

const ATTRIBUTES: [&str; 46] = [
    "clip-path",
    "clip-rule",
    "clipPathUnits",
    "color",
    "cx",
    "cy",
    "d",
    "display",
    "fill",
    "fill-opacity",
    "fill-rule",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "offset",
    "opacity",
    "points",
    "preserveAspectRatio",
    "r",
    "rx",
    "ry",
    "spreadMethod",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "transform",
    "vector-effect",
    "viewBox",
    "visibility",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// The size, 120 units high, and the text.
pub(super) fn rebuild(bytes: &[u8]) -> Result<((u32, u32), String), String> {
    if bytes.len() > MAX_SVG {
        return Err(format!("The SVG is too large: at most {} KB.", MAX_SVG / 1024));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "The SVG must be UTF-8.".to_owned())?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut rebuilt = Rebuilt::default();
    loop {
        match reader.read_event().map_err(|error| format!("The SVG can't be read: {error}."))? {
            Event::Start(element) => rebuilt.open(&element)?,
            Event::End(_) => rebuilt.close(),
            Event::Eof => break,
            event => rebuilt.check(&event)?,
        }
    }
    rebuilt.finish()
}

#[derive(Default)]
struct Rebuilt {
    out: String,
    /// The names of the open elements.
    open: Vec<String>,
    /// How many open elements are being left out.
    ignored: usize,
    elements: usize,
    size: Option<(f64, f64)>,
}

impl Rebuilt {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.open.len() + self.ignored >= MAX_DEPTH {
            return Err("The SVG is too complex. Simplify it, or upload a PNG.".to_owned());
        }
        let name = std::str::from_utf8(element.name().as_ref()).unwrap_or_default().to_owned();
        if self.open.is_empty() && (name != "svg" || !self.out.is_empty()) {
            return Err("The file is not an SVG.".to_owned());
        }
        if self.ignored > 0 || name.contains(':') || IGNORED_ELEMENTS.contains(&name.as_str()) {
            // Even what is left out must not look like an attack.
            self.attributes(element, &name)?;
            self.ignored += 1;
            return Ok(());
        }
        if !ELEMENTS.contains(&name.as_str()) || (name == "svg") != self.open.is_empty() {
            return Err(format!("The SVG has a <{}>, which is not allowed.", shorten(&name)));
        }
        let mut attributes = self.attributes(element, &name)?;
        if self.open.is_empty() {
            let size = view_box(&attributes)?;
            attributes.retain(|(name, _)| !["width", "height", "x", "y", "viewBox"].contains(&name.as_str()));
            let [x, y, width, height] = size;
            self.size = Some((width, height));
            self.out = format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='{x} {y} {width} {height}'");
        } else {
            self.out.push('<');
            self.out.push_str(&name);
        }
        for (name, value) in attributes {
            // The grammar of values has no quotes and no markup.
            let _ = write!(self.out, " {name}='{value}'");
        }
        self.out.push('>');
        self.open.push(name);
        Ok(())
    }

    fn close(&mut self) {
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        let Some(name) = self.open.pop() else { return };
        if self.out.ends_with('>') && ends_with_start_tag(&self.out, &name) {
            self.out.truncate(self.out.len() - 1);
            self.out.push_str("/>");
        } else {
            let _ = write!(self.out, "</{name}>");
        }
    }

    /// Everything but elements.
    fn check(&self, event: &Event<'_>) -> Result<(), String> {
        let refuse = |what: &str| Err(format!("The SVG has {what}, which is not allowed."));
        match event {
            Event::Comment(_) => Ok(()),
            Event::Decl(_) if self.elements == 0 => Ok(()),
            Event::Text(text) if text.trim_ascii().is_empty() => Ok(()),
            // The text of a title.
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if self.ignored > 0 => Ok(()),
            Event::DocType(_) => refuse("a document type"),
            Event::PI(_) | Event::Decl(_) => refuse("a processing instruction"),
            Event::GeneralRef(_) => refuse("an entity"),
            _ => refuse("text"),
        }
    }

    /// The allowed attributes. Refuses event handlers and references to anything outside of the image.
    fn attributes(&self, element: &BytesStart<'_>, of: &str) -> Result<Vec<(String, String)>, String> {
        let mut kept = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| format!("The SVG can't be read: {error}."))?;
            let name = std::str::from_utf8(attribute.key.as_ref()).unwrap_or_default().to_owned();
            let value = text_of(&attribute)?;
            let local = name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
            if local.starts_with("on") {
                return Err(format!("The SVG has the event handler “{}”, which is not allowed.", shorten(&name)));
            }
            if local == "href" || local == "src" {
                if !value.strip_prefix('#').is_some_and(is_id) {
                    return Err("The SVG refers to something outside of itself, which is not allowed.".to_owned());
                }
                if of.ends_with("Gradient") && local == "href" {
                    kept.push(("href".to_owned(), value));
                }
                continue;
            }
            if name == "style" {
                refuse_script(&value)?;
                for declaration in value.split(';') {
                    let Some((name, value)) = declaration.split_once(':') else { continue };
                    keep(&mut kept, name.trim(), value.trim())?;
                }
                continue;
            }
            if name == "id" && is_id(&value) && (of.ends_with("Gradient") || of == "clipPath") {
                kept.push((name, value));
                continue;
            }
            keep(&mut kept, &name, value.trim())?;
        }
        Ok(kept)
    }

    fn finish(self) -> Result<((u32, u32), String), String> {
        let Some((width, height)) = self.size.filter(|_| self.open.is_empty() && self.ignored == 0) else {
            return Err("The file is not a complete SVG.".to_owned());
        };
        check_ratio(width, height)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ratio is bounded")]
        let wide = (width / height * 120.0).round().max(1.0) as u32;
        Ok(((wide, 120), self.out))
    }
}

/// Whether `out` ends with the start tag of `name`, which then has no content.
fn ends_with_start_tag(out: &str, name: &str) -> bool {
    let tag = out.rsplit('<').next().unwrap_or_default();
    !out.ends_with("/>") && tag.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '>']))
}

fn text_of(attribute: &Attribute<'_>) -> Result<String, String> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
    value.map(std::borrow::Cow::into_owned).map_err(|_| "The SVG has an entity, which is not allowed.".to_owned())
}

fn refuse_script(value: &str) -> Result<(), String> {
    let bare: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let lower = bare.to_ascii_lowercase();
    if ["javascript:", "@import", "expression("].into_iter().any(|word| lower.contains(word)) {
        return Err("The SVG has a script, which is not allowed.".to_owned());
    }
    Ok(())
}

/// Keeps the attribute if its name is on the list and its value harmless. A later value replaces an earlier one.
fn keep(kept: &mut Vec<(String, String)>, name: &str, value: &str) -> Result<(), String> {
    let bare: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    refuse_script(value)?;
    let is_reference = bare.to_ascii_lowercase().contains("url(");
    let local = bare.strip_prefix("url(#").and_then(|rest| rest.strip_suffix(')')).is_some_and(is_id);
    if is_reference && !local {
        return Err("The SVG refers to something outside of itself, which is not allowed.".to_owned());
    }
    if !ATTRIBUTES.contains(&name) || value.is_empty() {
        return Ok(());
    }
    let takes_reference = ["fill", "stroke", "clip-path"].contains(&name);
    let plain = |c: char| c.is_ascii_alphanumeric() || " .,+-%#()".contains(c);
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if !value.chars().all(plain) || is_reference && !takes_reference {
        return Ok(());
    }
    kept.retain(|(other, _)| other != name);
    kept.push((name.to_owned(), value));
    Ok(())
}

/// The view box, or one made of width and height.
fn view_box(attributes: &[(String, String)]) -> Result<[f64; 4], String> {
    let value = |name: &str| attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let length = |name| value(name).and_then(|text| text.trim_end_matches("px").parse::<f64>().ok());
    let numbers = match (value("viewBox"), length("width"), length("height")) {
        (Some(text), ..) => {
            let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
            parts.map(|part| part.parse::<f64>().ok()).collect::<Option<Vec<_>>>()
        }
        (None, Some(width), Some(height)) => Some(vec![0.0, 0.0, width, height]),
        _ => None,
    };
    let found: Option<[f64; 4]> = numbers.and_then(|numbers| numbers.try_into().ok());
    let is_good = |[x, y, width, height]: &[f64; 4]| {
        [x, y].into_iter().all(|at| at.abs() <= MAX_SIDE)
            && [width, height].into_iter().all(|it| *it > 0.0 && *it <= MAX_SIDE)
    };
    found.filter(is_good).ok_or_else(|| format!("The SVG needs a size: a viewBox of at most {MAX_SIDE} units."))
}

fn shorten(name: &str) -> String {
    name.chars().take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(content: &str) -> String {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 12\">{content}</svg>")
    }

    fn rebuilt(text: &str) -> Result<String, String> {
        rebuild(text.as_bytes()).map(|(_, text)| text)
    }

    #[test]
    fn drawing_is_kept_and_editor_data_left_out() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Made with a tool -->\n\
            <svg width=\"48\" height=\"24\" viewBox=\"0 0 24 12\" class=\"x\" xmlns=\"http://www.w3.org/2000/svg\" \
            xmlns:tool=\"https://tool.test/ns\" tool:version=\"1\"><title>Acme &amp; &unknown; Co</title>\
            <tool:guide tool:x=\"1\"><path d=\"M0 0\"/></tool:guide>\
            <defs><linearGradient id=\"a\"><stop offset=\"0\" style=\"stop-color:#fff;-tool-x:1\"/></linearGradient></defs>\
            <g data-name=\"Layer\"><path d=\"M0 0h24\n v12z\" fill=\"url(#a)\" style=\"stroke: red; stroke-width: 2\"/></g></svg>";
        let (size, out) = rebuild(text.as_bytes()).unwrap();
        assert_eq!(size, (240, 120));
        assert_eq!(
            out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 12'><defs><linearGradient id='a'>\
             <stop offset='0' stop-color='#fff'/></linearGradient></defs><g>\
             <path d='M0 0h24 v12z' fill='url(#a)' stroke='red' stroke-width='2'/></g></svg>"
        );
        assert_eq!(rebuilt(&out).unwrap(), out, "a rebuilt logo stays as it is");
    }

    #[test]
    fn elements_that_load_run_or_embed_are_refused() {
        for element in [
            "<script>alert(1)</script>",
            "<script href=\"#a\"/>",
            "<style>path{fill:url(https://a.test)}</style>",
            "<foreignObject><p xmlns=\"http://www.w3.org/1999/xhtml\">x</p></foreignObject>",
            "<image href=\"#a\"/>",
            "<use href=\"#a\"/>",
            "<symbol id=\"a\"/>",
            "<pattern id=\"a\"/>",
            "<filter id=\"a\"/>",
            "<mask id=\"a\"/>",
            "<text>x</text>",
            "<a href=\"#a\"><path/></a>",
            "<animate attributeName=\"d\"/>",
            "<set attributeName=\"onload\" to=\"alert(1)\"/>",
            "<iframe/>",
            "<svg/>",
            "<SCRIPT/>",
            "<switch/>",
            "<handler/>",
            "words",
            "<![CDATA[x]]>",
            "<g>&amp;</g>",
        ] {
            let wrong = rebuilt(&svg(element)).unwrap_err();
            assert!(wrong.contains("not allowed"), "{element}: {wrong}");
        }
    }

    #[test]
    fn event_handlers_and_outside_references_are_refused() {
        for attribute in [
            "onload=\"alert(1)\"",
            "ONCLICK=\"x\"",
            "x:onload=\"x\"",
            "fill=\"url(https://a.test/x)\"",
            "fill=\"url( //a.test )\"",
            "fill=\"u&#114;l(data:image/png;base64,AA)\"",
            "style=\"fill:url(https://a.test)\"",
            "style=\"background:url('x')\"",
            "clip-path=\"url(other.svg#a)\"",
            "href=\"https://a.test\"",
            "xlink:href=\"data:image/svg+xml,x\"",
            "href=\"javascript:alert(1)\"",
            "d=\"javascript:alert(1)\"",
            "style=\"@import 'x'\"",
            "fill=\"&evil;\"",
        ] {
            for element in [format!("<path {attribute}/>"), format!("<metadata><x:y {attribute}/></metadata>")] {
                let wrong = rebuilt(&svg(&element)).unwrap_err();
                assert!(wrong.contains("not allowed"), "{element}: {wrong}");
            }
        }
    }

    #[test]
    fn entities_and_document_types_are_refused_unexpanded() {
        let laughs = "<!DOCTYPE svg [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\
            <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><svg viewBox=\"0 0 1 1\">&c;</svg>";
        for text in [
            laughs,
            "<!DOCTYPE svg SYSTEM \"file:///etc/passwd\"><svg viewBox=\"0 0 1 1\"/>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/svg11.dtd\"><svg viewBox=\"0 0 1 1\"/>",
            "<?xml-stylesheet href=\"https://a.test/x.css\"?><svg viewBox=\"0 0 1 1\"/>",
            "<svg viewBox=\"0 0 1 1\"><?php x ?></svg>",
        ] {
            let wrong = rebuilt(text).unwrap_err();
            assert!(wrong.contains("document type") || wrong.contains("processing instruction"), "{text}: {wrong}");
        }
    }

    #[test]
    fn size_depth_and_completeness_are_bounded() {
        for text in [
            "<svg/>".to_owned(),
            "<svg viewBox=\"0 0 0 10\"/>".to_owned(),
            "<svg viewBox=\"0 0 100000000 100000000\"/>".to_owned(),
            "<svg viewBox=\"0 0 nan 1\"/>".to_owned(),
            "<svg viewBox=\"0 0 1 inf\"/>".to_owned(),
            "<svg width=\"100%\" height=\"10\"/>".to_owned(),
            "<svg viewBox=\"0 0 1000 1\"/>".to_owned(),
            "<html viewBox=\"0 0 1 1\"/>".to_owned(),
            "<svg viewBox=\"0 0 1 1\">".to_owned(),
            "<svg viewBox=\"0 0 1 1\"><g></svg>".to_owned(),
            "<svg viewBox=\"0 0 1 1\"/><svg viewBox=\"0 0 1 1\"/>".to_owned(),
            "<svg viewBox=\"0 0 1 1\"/>text".to_owned(),
            "<svg viewBox=\"0 0 1 1\" viewBox=\"0 0 2 2\"/>".to_owned(),
            "< svg>".to_owned(),
            svg(&"<g>".repeat(40)),
            svg(&"<path/>".repeat(MAX_ELEMENTS)),
            svg(&"<path d=\"M0 0\"/>".repeat(8_000)),
        ] {
            assert!(rebuilt(&text).is_err(), "{}", &text[..text.len().min(80)]);
        }
        assert!(rebuild(b"<svg viewBox=\"0 0 1 1\"><path d=\"\xff\"/></svg>").is_err());
    }

    #[test]
    fn output_has_nothing_but_the_list() {
        let odd = "<path d=\"M0 0&quot;&gt;&lt;script&gt;\" fill=\"red&#39; onload=&#39;x\" id=\"p\" class=\"a\" lang=\"en\"/>";
        assert_eq!(
            rebuilt(&svg(odd)).unwrap(),
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 12'><path/></svg>"
        );
    }
}
