//! What visitors read beyond what the front has ready: pages rendered on demand, streams, and errors.

pub(crate) mod event_stream;
mod health;
mod json;
mod pages;

pub use json::{cors_headers, never_on_demand};
pub use pages::history_cache_key;
pub use pages::{error_page, not_found};

use axum::Router;
use axum::routing::get;

use crate::state::State;

/// What the paths of the public addresses begin with.
pub const FIRST_SEGMENTS: [&str; 18] = [
    "",
    ".well-known",
    "api",
    "badge.svg",
    "components",
    "embed",
    "events",
    "feed.json",
    "healthz",
    "history",
    "history.atom",
    "history.json",
    "history.rss",
    "incidents",
    "maintenance.ics",
    "readyz",
    "uptime",
    "uptime_showcase",
];

/// The public addresses.
pub fn router() -> Router<State> {
    Router::new()
        .route("/", get(pages::show_hot))
        .route("/history", get(pages::history))
        .route("/history/{month}", get(pages::month))
        .route("/uptime", get(pages::uptime))
        .route("/incidents/{id}", get(pages::incident).options(json::preflight))
        .route("/api", get(pages::show_hot))
        .route("/api/openapi.json", get(pages::show_hot).options(json::preflight))
        .route("/api/v2/{*path}", get(json::show).options(json::preflight))
        .route("/history.json", get(json::history).options(json::preflight))
        .route("/uptime_showcase", get(json::showcase).options(json::preflight))
        .route("/history.atom", get(pages::show_hot).options(json::preflight))
        .route("/history.rss", get(pages::show_hot).options(json::preflight))
        .route("/feed.json", get(pages::show_hot).options(json::preflight))
        .route("/embed", get(pages::show_hot))
        .route("/embed/{part}", get(pages::show_hot))
        .route("/badge.svg", get(pages::show_hot))
        .route("/components/{id}/badge.svg", get(pages::show_hot))
        .route("/maintenance.ics", get(pages::show_hot))
        .route("/.well-known/candor-audit", get(pages::show_hot))
        .route("/events", get(event_stream::show))
        .route("/healthz", get(health::show_health))
        .route("/readyz", get(health::show_readiness))
}

#[cfg(test)]
mod tests {
    use super::FIRST_SEGMENTS;
    use crate::web::edge::fast_path::first_segment;

    #[test]
    fn first_segments_cover_every_route() {
        let source = include_str!("mod.rs");
        let paths = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split('"').next());
        let mut used: Vec<&str> = paths.map(first_segment).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, FIRST_SEGMENTS);
    }
}
