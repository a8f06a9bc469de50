//! Leptos components: every page takes one struct with exactly what it shows.
//!
//! `ui` knows no database and no request. Whoever renders loads, builds the struct and calls [`render`].

pub mod admin_layout;
pub mod form;
pub mod layout;
pub mod live;
pub mod markdown;
pub mod pages;
pub mod time;

use leptos::prelude::*;

/// The document that `view` describes: complete HTML, no script that was not written there.
pub fn render<V: RenderHtml>(view: impl FnOnce() -> V) -> String {
    let owner = Owner::new_root(None);
    let html = owner.with(|| view().to_html());
    format!("<!DOCTYPE html>{html}")
}
