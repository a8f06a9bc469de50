//! QR codes as inline SVG.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone that the QR standard requires, in modules.
const QUIET_ZONE: usize = 4;

/// Always dark on light, whatever the theme: some scanners can't read inverted codes.
#[component]
pub fn Qr(#[prop(into)] text: String, label: &'static str) -> impl IntoView {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let size = code.width() + 2 * QUIET_ZONE;
    Some(view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label=label shape-rendering="crispEdges">
            <rect width=size height=size fill="#fff"/>
            <path d=outline(&code) fill="#000"/>
        </svg>
    })
}

/// One square per dark module.
fn outline(code: &QrCode) -> String {
    let colors = code.to_colors();
    let rows = colors.chunks(code.width()).enumerate();
    let dark = rows.flat_map(|(y, row)| row.iter().enumerate().map(move |(x, color)| (x, y, *color)));
    dark.filter(|(_, _, color)| *color == Color::Dark)
        .map(|(x, y, _)| format!("M{} {}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::render_fragment;

    #[test]
    fn qr_code_starts_after_quiet_zone() {
        let svg = render_fragment(|| view! { <Qr text="otpauth://totp/x?secret=GEZDGNBV" label="The code"/> });
        assert!(svg.contains("d=\"M4 4h1v1h-1zM5 4h1v1h-1z"), "{svg}");
        assert!(svg.contains("role=\"img\" aria-label=\"The code\""), "{svg}");
    }

    #[test]
    fn too_long_text_has_no_qr_code() {
        let text = "x".repeat(5000);
        assert!(!render_fragment(|| view! { <Qr text label="The code"/> }).contains("<svg"));
    }
}
