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
use crate::web::erased_handler::erase;
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
        let handler = if address.has_preflight() { handler.options(erase(cors::preflight)) } else { handler };
        router.route(address.pattern, handler)
    })
}

fn handler(endpoint: Endpoint) -> MethodRouter<State> {
    match endpoint {
        Endpoint::Hot => get(erase(pages::show_hot)),
        Endpoint::History => get(erase(pages::history)),
        Endpoint::Month => get(erase(pages::month)),
        Endpoint::Uptime => get(erase(pages::uptime)),
        Endpoint::UptimeCsv => get(erase(pages::uptime_csv)),
        Endpoint::Incident => get(erase(pages::incident)),
        Endpoint::ApiIncident => get(erase(json::incident)),
        Endpoint::HistoryJson => get(erase(json::history)),
        Endpoint::Showcase => get(erase(json::showcase)),
        Endpoint::Events => get(erase(event_stream::show)),
        Endpoint::Health => get(erase(health::show_health)),
        Endpoint::Readiness => get(erase(health::show_readiness)),
        Endpoint::WebhookKey => get(erase(json::webhook_key)),
        Endpoint::Subscribe => get(erase(form::new)).post(erase(form::create)),
        Endpoint::SubscriberLinks => get(erase(lost_link::new)).post(erase(lost_link::create)),
        Endpoint::ConfirmSubscription => get(erase(confirm::show)).post(erase(confirm::create)),
        Endpoint::ManageSubscription => get(erase(manage::show)).post(erase(manage::change)),
        Endpoint::Unsubscribe => get(erase(unsubscribe::show)).post(erase(unsubscribe::create)),
        Endpoint::ApiSubscribers => post(erase(api::create)),
        Endpoint::ApiSubscriber => delete(erase(api::destroy)),
        Endpoint::ApiResend => post(erase(api::resend)),
        Endpoint::StatuspageForm => post(erase(api::statuspage_form)),
        Endpoint::BounceHook => post(erase(bounce_hook::create)),
        Endpoint::NotFound => get(erase(not_found)),
    }
}
