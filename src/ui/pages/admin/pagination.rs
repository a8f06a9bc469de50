//! The ways on from one page of a list to the next.

use leptos::prelude::*;
use url::form_urlencoded;

/// The link to the next older page of a list, or of what a search found.
pub fn older_link(path: &str, mut pairs: Vec<(&'static str, String)>, cursor: Option<String>) -> Option<AnyView> {
    cursor.map(|cursor| {
        pairs.push(("before", cursor));
        next_page_link(path, pairs, "Older")
    })
}

/// The link to what follows `cursor` in a list by name.
pub fn more_link(path: &str, cursor: Option<String>) -> Option<AnyView> {
    cursor.map(|cursor| next_page_link(path, vec![("after", cursor)], "More"))
}

fn next_page_link(path: &str, pairs: Vec<(&'static str, String)>, words: &'static str) -> AnyView {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    view! { <p><a class="button" href=format!("{path}?{query}") rel="next">{words}</a></p> }.into_any()
}
