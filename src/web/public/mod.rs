//! Public routes beyond the prepared documents: pages rendered on demand, streams, and errors.

mod cors;
pub(crate) mod event_stream;
mod health;
mod json;
mod pages;

pub use cors::{cors_headers, error_cors_headers};
pub use pages::history_cache_key;
pub use pages::{error_page, not_found};

use axum::Router;
use axum::routing::{MethodRouter, get};

use crate::publish::address::{ADDRESSES, Endpoint};
use crate::state::State;

pub fn router() -> Router<State> {
    ADDRESSES.iter().fold(Router::new(), |router, address| {
        let handler = handler(address.endpoint);
        let handler = if address.has_preflight() { handler.options(cors::preflight) } else { handler };
        router.route(address.pattern, handler)
    })
}

fn handler(endpoint: Endpoint) -> MethodRouter<State> {
    match endpoint {
        Endpoint::Hot => get(pages::show_hot),
        Endpoint::History => get(pages::history),
        Endpoint::Month => get(pages::month),
        Endpoint::Uptime => get(pages::uptime),
        Endpoint::Incident => get(pages::incident),
        Endpoint::ApiIncident => get(json::incident),
        Endpoint::HistoryJson => get(json::history),
        Endpoint::Showcase => get(json::showcase),
        Endpoint::Events => get(event_stream::show),
        Endpoint::Health => get(health::show_health),
        Endpoint::Readiness => get(health::show_readiness),
        Endpoint::NotFound => get(not_found),
    }
}
