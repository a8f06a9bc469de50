//! Times in HTML.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// A `<time>` element with machine-readable `datetime`.
#[component]
pub fn Time(at: DateTime<Utc>, #[prop(into)] words: String) -> impl IntoView {
    view! { <time datetime=at.format("%Y-%m-%dT%H:%M:%SZ").to_string()>{words}</time> }
}
