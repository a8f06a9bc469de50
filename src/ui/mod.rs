//! Leptos components. Each page takes one struct with all its data; `ui` uses neither database nor request. Handlers
//! load the data and call [`render_page`].

pub mod admin_layout;
pub mod form;
pub mod live_script;
pub mod pages;
pub mod passkey;
pub mod public_layout;
pub mod qr;
pub mod time;

use leptos::prelude::*;

/// Renders a complete HTML document.
pub fn render_page<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    format!("<!DOCTYPE html>{}", render_fragment(view))
}

pub fn render_fragment<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    Owner::new_root(None).with(|| view().to_html())
}
