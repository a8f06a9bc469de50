//! Leptos components. Each page takes one struct with all its data; `ui` uses neither database nor request. Handlers
//! load the data and call [`render_page`].

pub mod admin_icon;
pub mod admin_layout;
pub mod brand;
pub mod favicon;
pub mod form;
pub mod icon;
pub mod live_script;
pub mod pages;
pub mod passkey;
pub mod pill;
pub mod public_layout;
pub mod qr;
pub mod social_tags;
pub mod time;

use leptos::prelude::*;

const MARKER: &str = "<!>";
const ISLAND_START: &str = "<leptos-island";
const ISLAND_END: &str = "</leptos-island>";

/// Renders a complete HTML document.
pub fn render_page<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    format!("<!DOCTYPE html>{}", render_fragment(view))
}

pub fn render_fragment<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    icon::insert_symbols(&remove_markers(&Owner::new_root(None).with(|| view().to_html())))
}

/// Removes the empty comments that tell hydration where a node begins: only islands are hydrated.
fn remove_markers(html: &str) -> String {
    let mut pieces = html.split(ISLAND_START);
    let mut plain = pieces.next().unwrap_or_default().replace(MARKER, "");
    for piece in pieces {
        let (island, rest) = piece.split_at(piece.find(ISLAND_END).unwrap_or(piece.len()));
        plain.extend([ISLAND_START, island, &rest.replace(MARKER, "")]);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_islands_keep_hydration_markers() {
        let html = "<p>a<!></p><leptos-island data-component=\"X\"><b>b<!></b></leptos-island><!><p>c<!></p>";
        let plain = "<p>a</p><leptos-island data-component=\"X\"><b>b<!></b></leptos-island><p>c</p>";
        assert_eq!(remove_markers(html), plain);
        assert_eq!(remove_markers("<!>a"), "a");
    }
}
