//! The icon of a public page in the browser's tab: the shape and colour of the page status. Inlined, so that it needs
//! no request on a bad network.

use super::brand::logo_url;
use crate::domain::PageBrand;
use crate::domain::page_status::Tone;

/// The owner's icon while all is well, otherwise [`favicon_uri`]: a status must not look calm.
pub fn page_icon(brand: &PageBrand, tone: Option<Tone>) -> String {
    match (&brand.favicon, tone) {
        (Some(own), Some(Tone::Operational)) => logo_url(own),
        _ => favicon_uri(tone),
    }
}

/// As a data URI. `None` is neutral: the status is unknown, or nothing is set up.
pub fn favicon_uri(tone: Option<Tone>) -> String {
    // Light and dark fill, outline, glyph.
    let (light, dark, outline, glyph) = match tone {
        None | Some(Tone::Notice) => ("5c6561", "9aa49f", CIRCLE, "M10 16h.01M16 16h.01M22 16h.01"),
        Some(Tone::Operational) => ("1f7a4d", "4cc38a", CIRCLE, "m9.5 16.5 4.5 4.5 8.5-9"),
        Some(Tone::Maintenance) => (
            "2b5fb3",
            "7fb0ff",
            "M3 8a5 5 0 0 1 5-5h16a5 5 0 0 1 5 5v16a5 5 0 0 1-5 5H8a5 5 0 0 1-5-5z",
            "M10 12.5h12M10 19.5h12",
        ),
        Some(Tone::Degraded) => (
            "8a6100",
            "e6b450",
            "M13.5 3.5a3 3 0 0 1 5 0l12 22a2.5 2.5 0 0 1-2 4h-25a2.5 2.5 0 0 1-2-4z",
            "M16 12v6.5M16 24h.01",
        ),
        Some(Tone::PartialOutage) => (
            "ac4a07",
            "f59855",
            "M14 1.5a3 3 0 0 1 4 0L30.5 14a3 3 0 0 1 0 4L18 30.5a3 3 0 0 1-4 0L1.5 18a3 3 0 0 1 0-4z",
            "M10.5 16h11",
        ),
        Some(Tone::MajorOutage) => ("b3261e", "ff7b72", "M10 2h12l8 8v12l-8 8H10l-8-8V10z", "m11.5 11.5 9 9m0-9-9 9"),
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cstyle%3E\
         path{{fill:%23{light};stroke:%23fff;stroke-width:0}}path+path{{fill:none;stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round}}\
         @media(prefers-color-scheme:dark){{path{{fill:%23{dark};stroke:%23111312}}}}%3C/style%3E\
         %3Cpath d='{outline}'/%3E%3Cpath d='{glyph}'/%3E%3C/svg%3E"
    )
}

const CIRCLE: &str = "M16 1a15 15 0 1 1 0 30 15 15 0 0 1 0-30z";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::brand::{Logo, LogoFormat};

    #[test]
    fn own_icon_never_hides_a_status() {
        let icon = |size: usize| Logo {
            format: LogoFormat::Png,
            width: 64,
            height: 64,
            digest: "0123456789abcdef".into(),
            bytes: vec![7; size],
        };
        let brand = |size| PageBrand { favicon: Some(icon(size)), ..PageBrand::default() };
        assert!(page_icon(&brand(9), Some(Tone::Operational)).starts_with("data:image/png;base64,"));
        assert_eq!(page_icon(&brand(5000), Some(Tone::Operational)), "/brand/0123456789abcdef.png");
        for tone in [Tone::Notice, Tone::Maintenance, Tone::Degraded, Tone::PartialOutage, Tone::MajorOutage] {
            assert_eq!(page_icon(&brand(9), Some(tone)), favicon_uri(Some(tone)));
        }
        assert_eq!(page_icon(&brand(9), None), favicon_uri(None), "the status is unknown");
        assert_eq!(page_icon(&PageBrand::default(), Some(Tone::Operational)), favicon_uri(Some(Tone::Operational)));
    }
}
