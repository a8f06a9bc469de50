//! What visitors read beyond what the front has ready: pages rendered on demand, streams, and errors.

pub(crate) mod event_stream;
mod health;
mod json;
mod pages;

pub use json::{for_everybody, is_ready_or_nowhere};
pub use pages::kept_at;
pub use pages::{error_page, not_found};

use axum::Router;
use axum::routing::get;

use crate::state::State;

/// What the paths of the public addresses begin with.
pub const BEGINNINGS: [&str; 18] = [
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
        .route("/", get(pages::hot))
        .route("/history", get(pages::history))
        .route("/history/{month}", get(pages::month))
        .route("/uptime", get(pages::uptime))
        .route("/incidents/{id}", get(pages::incident).options(json::preflight))
        .route("/api", get(pages::hot))
        .route("/api/openapi.json", get(pages::hot).options(json::preflight))
        .route("/api/v2/{*path}", get(json::show).options(json::preflight))
        .route("/history.json", get(json::history).options(json::preflight))
        .route("/uptime_showcase", get(json::showcase).options(json::preflight))
        .route("/history.atom", get(pages::hot).options(json::preflight))
        .route("/history.rss", get(pages::hot).options(json::preflight))
        .route("/feed.json", get(pages::hot).options(json::preflight))
        .route("/embed", get(pages::hot))
        .route("/embed/{part}", get(pages::hot))
        .route("/badge.svg", get(pages::hot))
        .route("/components/{id}/badge.svg", get(pages::hot))
        .route("/maintenance.ics", get(pages::hot))
        .route("/.well-known/candor-audit", get(pages::hot))
        .route("/events", get(event_stream::follow))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}

#[cfg(test)]
mod tests {
    use super::BEGINNINGS;
    use crate::web::edge::fast_path::beginning;

    #[test]
    fn the_beginning_of_every_address_is_known() {
        let source = include_str!("mod.rs");
        let paths = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split('"').next());
        let mut used: Vec<&str> = paths.map(beginning).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, BEGINNINGS);
    }
}
