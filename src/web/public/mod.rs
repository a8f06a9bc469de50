//! What visitors read beyond what the front has ready: pages rendered on demand, streams, and errors.

mod events;
mod health;
mod pages;

pub use pages::{error_page, not_found};

use axum::Router;
use axum::routing::get;

use crate::state::State;

/// The public addresses.
pub fn router() -> Router<State> {
    Router::new()
        .route("/", get(pages::hot))
        .route("/history", get(pages::history))
        .route("/history/{month}", get(pages::month))
        .route("/uptime", get(pages::uptime))
        .route("/incidents/{id}", get(pages::incident))
        .route("/maintenance.ics", get(pages::hot))
        .route("/.well-known/candor-audit", get(pages::hot))
        .route("/events", get(events::follow))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}
