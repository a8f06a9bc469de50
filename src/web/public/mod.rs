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
use axum::routing::{MethodRouter, delete, get, post};

use crate::publish::address::{ADDRESSES, Endpoint, PublicAddress};
use crate::state::State;
use crate::web::subscribe::{api, bounce_hook, confirm, form, lost_link, manage, unsubscribe};

/// The addresses that only our own pages may change something at.
pub fn router() -> Router<State> {
    router_of(|address| !address.takes_cross_site_changes())
}

/// The addresses where a token or a confirmation by mail counts.
pub fn cross_site_router() -> Router<State> {
    router_of(PublicAddress::takes_cross_site_changes)
}

fn router_of(is_included: impl Fn(&PublicAddress) -> bool) -> Router<State> {
    ADDRESSES.iter().filter(|address| is_included(address)).fold(Router::new(), |router, address| {
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
        Endpoint::UptimeCsv => get(pages::uptime_csv),
        Endpoint::Incident => get(pages::incident),
        Endpoint::ApiIncident => get(json::incident),
        Endpoint::HistoryJson => get(json::history),
        Endpoint::Showcase => get(json::showcase),
        Endpoint::Events => get(event_stream::show),
        Endpoint::Health => get(health::show_health),
        Endpoint::Readiness => get(health::show_readiness),
        Endpoint::WebhookKey => get(json::webhook_key),
        Endpoint::Subscribe => get(form::new).post(form::create),
        Endpoint::SubscriberLinks => get(lost_link::new).post(lost_link::create),
        Endpoint::ConfirmSubscription => get(confirm::show).post(confirm::create),
        Endpoint::ManageSubscription => get(manage::show).post(manage::change),
        Endpoint::Unsubscribe => get(unsubscribe::show).post(unsubscribe::create),
        Endpoint::ApiSubscribers => post(api::create),
        Endpoint::ApiSubscriber => delete(api::destroy),
        Endpoint::ApiResend => post(api::resend),
        Endpoint::StatuspageForm => post(api::statuspage_form),
        Endpoint::BounceHook => post(bounce_hook::create),
        Endpoint::NotFound => get(not_found),
    }
}
