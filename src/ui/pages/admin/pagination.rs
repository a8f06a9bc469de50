//! Links to the next page of a list.

use leptos::prelude::*;
use url::form_urlencoded;

/// For lists sorted by time; `pairs` is the query of a search.
pub fn older_link(path: &str, mut pairs: Vec<(&'static str, String)>, cursor: Option<String>) -> Option<AnyView> {
    cursor.map(|cursor| {
        pairs.push(("before", cursor));
        next_page_link(path, pairs, "Older")
    })
}

/// For lists sorted by name.
pub fn more_link(path: &str, cursor: Option<String>) -> Option<AnyView> {
    cursor.map(|cursor| next_page_link(path, vec![("after", cursor)], "More"))
}

fn next_page_link(path: &str, pairs: Vec<(&'static str, String)>, words: &'static str) -> AnyView {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    view! { <p><a class="button" href=format!("{path}?{query}") rel="next">{words}</a></p> }.into_any()
}
