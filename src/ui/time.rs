//! Times in HTML.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// A `<time>` for machines around `words` for people.
#[component]
pub fn Time(at: DateTime<Utc>, #[prop(into)] words: String) -> impl IntoView {
    view! { <time datetime=at.format("%Y-%m-%dT%H:%M:%SZ").to_string()>{words}</time> }
}
