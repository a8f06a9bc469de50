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
use crate::web::erased_handler::erase_handler;
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
        let handler = if address.has_preflight() { handler.options(erase_handler(cors::preflight)) } else { handler };
        router.route(address.pattern, handler)
    })
}

fn handler(endpoint: Endpoint) -> MethodRouter<State> {
    match endpoint {
        Endpoint::Hot => get(erase_handler(pages::show_hot)),
        Endpoint::History => get(erase_handler(pages::history)),
        Endpoint::Month => get(erase_handler(pages::month)),
        Endpoint::Uptime => get(erase_handler(pages::uptime)),
        Endpoint::UptimeCsv => get(erase_handler(pages::uptime_csv)),
        Endpoint::Incident => get(erase_handler(pages::incident)),
        Endpoint::ApiIncident => get(erase_handler(json::incident)),
        Endpoint::HistoryJson => get(erase_handler(json::history)),
        Endpoint::Showcase => get(erase_handler(json::showcase)),
        Endpoint::Events => get(erase_handler(event_stream::show)),
        Endpoint::Health => get(erase_handler(health::show_health)),
        Endpoint::Readiness => get(erase_handler(health::show_readiness)),
        Endpoint::WebhookKey => get(erase_handler(json::webhook_key)),
        Endpoint::Subscribe => get(erase_handler(form::new)).post(erase_handler(form::create)),
        Endpoint::SubscriberLinks => get(erase_handler(lost_link::new)).post(erase_handler(lost_link::create)),
        Endpoint::ConfirmSubscription => get(erase_handler(confirm::show)).post(erase_handler(confirm::create)),
        Endpoint::ManageSubscription => get(erase_handler(manage::show)).post(erase_handler(manage::change)),
        Endpoint::Unsubscribe => get(erase_handler(unsubscribe::show)).post(erase_handler(unsubscribe::create)),
        Endpoint::ApiSubscribers => post(erase_handler(api::create)),
        Endpoint::ApiSubscriber => delete(erase_handler(api::destroy)),
        Endpoint::ApiResend => post(erase_handler(api::resend)),
        Endpoint::StatuspageForm => post(erase_handler(api::statuspage_form)),
        Endpoint::BounceHook => post(erase_handler(bounce_hook::create)),
        Endpoint::NotFound => get(erase_handler(not_found)),
    }
}
