//! The owner's brand on public pages: logo, stylesheet of tokens, and texts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leptos::prelude::*;

use crate::domain::Page;
use crate::domain::brand::{Appearance, Logo, LogoFormat, PageBrand, Scheme};
use crate::format::markdown;

/// Height of a logo on public pages, in CSS pixels.
const LOGO_HEIGHT: u32 = 30;
const MAX_LOGO_WIDTH: u32 = 180;
/// A logo this many times as wide as high has the name in it.
const WORDMARK_RATIO: u32 = 2;

/// The exact content of the `<style>` with the brand; the CSP allows its hash. `None` for the default brand.
pub fn brand_stylesheet(brand: &PageBrand) -> Option<String> {
    let mut css = brand.css();
    if brand.logos().next().is_some() {
        css += ".logo{display:flex;align-items:center;gap:.625rem}.logo img{display:block;object-fit:contain}";
    }
    if !brand.about.is_empty() {
        css += ".in>.text{flex-basis:100%;max-width:40rem;margin-block-end:1rem}";
    }
    (!css.is_empty()).then_some(css)
}

/// The logo with the name, or one of them.
pub fn logo(page: &Page) -> AnyView {
    let brand = &page.brand;
    let (light, dark) = (brand.logo_for(Scheme::Light), brand.logo_for(Scheme::Dark));
    let shown = match brand.appearance {
        Appearance::Dark => dark,
        _ => light,
    };
    let Some(shown) = shown else { return view! { {page.logo().to_owned()} }.into_any() };
    let other = dark.filter(|dark| brand.appearance == Appearance::Automatic && *dark != shown);
    let is_wordmark = shown.width >= shown.height * WORDMARK_RATIO;
    let alt = if is_wordmark { page.logo().to_owned() } else { String::new() };
    let name = (!is_wordmark).then(|| view! { <span>{page.logo().to_owned()}</span> });
    let (width, height) = logo_size(shown);
    let image = view! { <img src=logo_url(shown) alt=alt width=width height=height/> };
    let image = match other {
        Some(other) => {
            let dark = view! { <source media="(prefers-color-scheme:dark)" srcset=logo_url(other)/> };
            view! { <picture>{dark}{image}</picture> }.into_any()
        }
        None => image.into_any(),
    };
    view! { {image}{name} }.into_any()
}

/// In CSS pixels.
fn logo_size(logo: &Logo) -> (u32, u32) {
    let width = (logo.width * LOGO_HEIGHT).div_ceil(logo.height.max(1));
    (width.clamp(1, MAX_LOGO_WIDTH), LOGO_HEIGHT)
}

/// A `data:` URL for a small logo, otherwise its path. An image runs no script and loads nothing, whatever it holds.
pub fn logo_url(logo: &Logo) -> String {
    if logo.is_inline() { logo_data_url(logo) } else { logo.path() }
}

/// A `data:` URL of any logo.
pub fn logo_data_url(logo: &Logo) -> String {
    match (logo.format, std::str::from_utf8(&logo.bytes)) {
        (LogoFormat::Svg, Ok(text)) => format!("data:image/svg+xml,{}", escape_svg(text)),
        (format, _) => format!("data:{};base64,{}", format.media_type(), BASE64_STANDARD.encode(&logo.bytes)),
    }
}

/// Only what a URL in an attribute can't hold: shorter, and it compresses better than base64.
fn escape_svg(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '#' => out.push_str("%23"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '"' => out.push('\''),
            // `srcset` ends at a space.
            ' ' | '\n' | '\t' | '\r' => out.push_str("%20"),
            ',' => out.push_str("%2C"),
            c => out.push(c),
        }
    }
    out
}

/// The owner's text about the page.
pub fn about(brand: &PageBrand) -> Option<AnyView> {
    let html = (!brand.about.is_empty()).then(|| markdown::render_markdown(&brand.about))?;
    Some(view! { <div class="text" dir="auto" inner_html=html></div> }.into_any())
}

/// Label and URL of the support address.
pub fn support_link(brand: &PageBrand) -> Option<(&'static str, String)> {
    match brand.support.as_str() {
        "" => None,
        url if url.contains("://") || url.starts_with("mailto:") => Some(("Support", url.to_owned())),
        address => Some(("Support", format!("mailto:{address}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(width: u32, text: &str) -> Logo {
        let bytes = text.as_bytes().to_vec();
        Logo { format: LogoFormat::Svg, width, height: 120, digest: "0123456789abcdef".into(), bytes }
    }

    #[test]
    fn default_brand_has_no_stylesheet() {
        assert_eq!(brand_stylesheet(&PageBrand::default()), None);
    }

    #[test]
    fn small_logo_is_inline_and_a_large_one_is_a_file() {
        let small = svg(120, "<svg viewBox='0 0 1 1'><path fill='#fff' d='M0 0,1 1'/></svg>");
        assert_eq!(
            logo_url(&small),
            "data:image/svg+xml,%3Csvg%20viewBox='0%200%201%201'%3E%3Cpath%20fill='%23fff'%20d='M0%200%2C1%201'/%3E%3C/svg%3E"
        );
        assert_eq!(logo_url(&svg(120, &" ".repeat(5000))), "/brand/0123456789abcdef.svg");
    }

    #[test]
    fn logo_is_at_most_180_pixels_wide() {
        assert_eq!(logo_size(&svg(120, "")), (30, 30));
        assert_eq!(logo_size(&svg(1400, "")), (180, 30));
    }

    #[test]
    fn support_is_an_address_or_a_link() {
        let link = |support: &str| support_link(&PageBrand { support: support.into(), ..PageBrand::default() });
        assert_eq!(link(""), None);
        assert_eq!(link("help@example.org").unwrap().1, "mailto:help@example.org");
        assert_eq!(link("https://example.org/help").unwrap().1, "https://example.org/help");
    }
}
