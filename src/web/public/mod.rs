//! What visitors read: looked up in the Site, or in the bounded cache of deep pages.

mod events;
mod health;
mod pages;

pub use pages::{error_page, not_found, respond};

use axum::Router;
use axum::routing::get;

use super::assets;
use crate::state::State;

/// The public addresses.
pub fn router() -> Router<State> {
    Router::new()
        .route("/", get(pages::hot))
        .route("/history", get(pages::history))
        .route("/history/{month}", get(pages::month))
        .route("/uptime", get(pages::uptime))
        .route("/incidents/{id}", get(pages::incident))
        .route("/.well-known/candor-audit", get(pages::hot))
        .route("/events", get(events::follow))
        .route("/assets/{name}", get(assets::show))
        .route("/favicon.svg", get(pages::file))
        .route("/robots.txt", get(pages::file))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}
