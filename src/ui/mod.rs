//! Leptos components: every page takes one struct with exactly what it shows.
//!
//! `ui` knows no database and no request. Whoever renders loads, builds the struct and calls [`render_page`].

pub mod admin_layout;
pub mod form;
pub mod live_script;
pub mod pages;
pub mod passkey;
pub mod public_layout;
pub mod qr;
pub mod time;

use leptos::prelude::*;

/// The document that `view` describes: complete HTML, no script that was not written there.
pub fn render_page<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    format!("<!DOCTYPE html>{}", render_fragment(view))
}

/// The piece of HTML that `view` describes.
pub fn render_fragment<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    Owner::new_root(None).with(|| view().to_html())
}
