//! Management API: JSON for clients with an API token. The routes read no cookies, so they need no cross-site check.

mod change;
mod components;
mod embed_config;
mod groups;
mod incident_or_maintenance;
mod incident_routes;
mod incident_subscribers;
mod incidents;
mod maintenances;
mod objects;
mod openapi;
mod page_context;
mod pages;
mod params;
mod postmortems;
pub mod rate_limit;
mod request_body;
pub mod routes;
mod subscriber_bulk;
mod subscriber_counts;
mod subscribers;
mod templates;
mod token;
mod unsupported;
mod updates;
mod uptime;

use axum::Router;
use axum::http::Uri;
use axum::middleware::from_fn;
use axum::routing::{any, get};

use self::components::ComponentChange;
use self::embed_config::{EmbedConfigChange, EmbedConfigView};
use self::groups::GroupChange;
use self::incident_or_maintenance::IncidentChange;
use self::objects::{ComponentView, EventView, GroupView, PostmortemView, TemplateView, UpdateView};
use self::pages::{PageChange, PageView};
use self::postmortems::{PostmortemChange, PostmortemPublication};
use self::routes::{Routes, no_content, returns, returns_list, returns_long_list};
use self::subscriber_bulk::SubscriberSelection;
use self::subscriber_counts::{Counts, Histogram};
use self::subscribers::{MAX_LISTED, SubscriberChange, SubscriberCreation, SubscriberView};
use self::templates::TemplateChange;
use self::token::TokenView;
use self::unsupported::{Metric, MetricsProvider, PageAccessGroup, PageAccessUser, User};
use self::updates::UpdateChange;
use self::uptime::{ComponentUptime, GroupUptime};
use super::Error;
use crate::state::State;

pub const PREFIX: &str = "/v1/";

/// The API's route table.
#[rustfmt::skip]
pub fn routes() -> Routes {
    const PAGE_QUERY: &[&str] = &["page", "per_page"];
    const RANGE_QUERY: &[&str] = &["start", "end", "skip_related_events"];
    const SEARCH_QUERY: &[&str] = &["q", "limit", "page"];
    const ACCESS_QUERY: &[&str] = &["email", "page", "per_page"];
    const SUBSCRIBER_QUERY: &[&str] = &["q", "type", "state", "limit", "page", "sort_field", "sort_direction"];
    Routes::default()
        .get("/v1/token", token::show, returns::<TokenView>("Get the token's scope"))
        .get("/v1/pages", pages::index, returns_list::<PageView<'_>>("List pages (there is one)"))
        .get("/v1/pages/{page}", pages::show, returns::<PageView<'_>>("Get the page"))
        .patch_and_put("/v1/pages/{page}", pages::update, returns::<PageView<'_>>("Update the page's name, URL and time zone").with_body::<PageChange>())
        .get("/v1/pages/{page}/components", components::index, returns_list::<ComponentView<'_>>("List components").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/components", components::create, returns::<ComponentView<'_>>("Create a component").with_body::<ComponentChange>().with_status(201))
        .get("/v1/pages/{page}/components/{component}", components::show, returns::<ComponentView<'_>>("Get a component"))
        .patch_and_put("/v1/pages/{page}/components/{component}", components::update, returns::<ComponentView<'_>>("Update a component").with_body::<ComponentChange>())
        .delete("/v1/pages/{page}/components/{component}", components::destroy, no_content("Delete a component"))
        .get("/v1/pages/{page}/components/{component}/uptime", uptime::component_uptime, returns::<ComponentUptime>("Get a component's uptime").with_query(RANGE_QUERY))
        .get("/v1/pages/{page}/component-groups", groups::index, returns_list::<GroupView<'_>>("List groups").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/component-groups", groups::create, returns::<GroupView<'_>>("Create a group").with_body::<GroupChange>().with_status(201))
        .get("/v1/pages/{page}/component-groups/{group}", groups::show, returns::<GroupView<'_>>("Get a group"))
        .patch_and_put("/v1/pages/{page}/component-groups/{group}", groups::update, returns::<GroupView<'_>>("Update a group and its members").with_body::<GroupChange>())
        .delete("/v1/pages/{page}/component-groups/{group}", groups::destroy, returns::<GroupView<'_>>("Delete a group; its components are kept"))
        .get("/v1/pages/{page}/component-groups/{group}/uptime", uptime::group_uptime, returns::<GroupUptime>("Get a group's uptime").with_query(RANGE_QUERY))
        .get("/v1/pages/{page}/incidents", incident_routes::index, returns_list::<EventView<'_>>("List incidents and maintenance, newest first").with_query(SEARCH_QUERY))
        .post("/v1/pages/{page}/incidents", incident_routes::create, returns::<EventView<'_>>("Create an incident or maintenance").with_body::<IncidentChange>().with_status(201))
        .get("/v1/pages/{page}/incidents/unresolved", incident_routes::unresolved, returns_list::<EventView<'_>>("List unresolved incidents").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/scheduled", incident_routes::scheduled, returns_list::<EventView<'_>>("List scheduled maintenance and maintenance in progress").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/upcoming", incident_routes::upcoming, returns_list::<EventView<'_>>("List upcoming maintenance").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/active_maintenance", incident_routes::active_maintenance, returns_list::<EventView<'_>>("List maintenance in progress").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/{incident}", incident_routes::show, returns::<EventView<'_>>("Get an incident or maintenance"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}", incident_routes::update, returns::<EventView<'_>>("Update an incident or post an update").with_body::<IncidentChange>())
        .delete("/v1/pages/{page}/incidents/{incident}", incident_routes::destroy, returns::<EventView<'_>>("Delete an incident or maintenance"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", updates::update, returns::<UpdateView<'_>>("Edit the text or time of an update").with_body::<UpdateChange>())
        .get("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::show, returns::<PostmortemView<'_>>("Get a postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::update, returns::<PostmortemView<'_>>("Create or update a postmortem").with_body::<PostmortemChange>())
        .delete("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::destroy, no_content("Delete a postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/publish", postmortems::publish, returns::<PostmortemView<'_>>("Publish a postmortem").with_body::<PostmortemPublication>())
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/revert", postmortems::revert, returns::<PostmortemView<'_>>("Unpublish a postmortem"))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers", incident_subscribers::index, returns_long_list::<SubscriberView>("List subscribers of an incident", MAX_LISTED).with_query(SUBSCRIBER_QUERY))
        .post("/v1/pages/{page}/incidents/{incident}/subscribers", incident_subscribers::create, returns::<SubscriberView>("Subscribe to an unresolved incident").with_body::<SubscriberCreation>().with_status(201))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", incident_subscribers::show, returns::<SubscriberView>("Get a subscriber of an incident"))
        .delete("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", incident_subscribers::destroy, returns::<SubscriberView>("Unsubscribe from an incident"))
        .post("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation", incident_subscribers::resend, no_content("Send the confirmation again").with_status(201))
        .get("/v1/pages/{page}/incident_templates", templates::index, returns_list::<TemplateView<'_>>("List templates").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/incident_templates", templates::create, returns::<TemplateView<'_>>("Create a template").with_body::<TemplateChange>().with_status(201))
        .get("/v1/pages/{page}/subscribers", subscribers::index, returns_long_list::<SubscriberView>("List subscribers", MAX_LISTED).with_query(SUBSCRIBER_QUERY))
        .post("/v1/pages/{page}/subscribers", subscribers::create, returns::<SubscriberView>("Create a subscriber").with_body::<SubscriberCreation>().with_status(201))
        .get("/v1/pages/{page}/subscribers/count", subscriber_counts::count, returns::<Counts>("Count subscribers").with_query(&["type", "state"]))
        .get("/v1/pages/{page}/subscribers/histogram_by_state", subscriber_counts::histogram, returns::<Histogram>("Count subscribers by state"))
        .get("/v1/pages/{page}/subscribers/unsubscribed", subscribers::unsubscribed, returns_long_list::<SubscriberView>("List those who unsubscribed (always empty: no address is kept)", MAX_LISTED).with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/subscribers/unsubscribe", subscriber_bulk::unsubscribe_many, no_content("Unsubscribe several subscribers").with_body::<SubscriberSelection>().with_status(201))
        .post("/v1/pages/{page}/subscribers/reactivate", subscriber_bulk::reactivate_many, no_content("Reactivate quarantined subscribers").with_body::<SubscriberSelection>().with_status(201))
        .post("/v1/pages/{page}/subscribers/resend_confirmation", subscriber_bulk::resend_many, no_content("Send several confirmations again").with_body::<SubscriberSelection>().with_status(201))
        .get("/v1/pages/{page}/subscribers/{subscriber}", subscribers::show, returns::<SubscriberView>("Get a subscriber"))
        .patch("/v1/pages/{page}/subscribers/{subscriber}", subscribers::update, returns::<SubscriberView>("Change a subscriber's components").with_body::<SubscriberChange>())
        .delete("/v1/pages/{page}/subscribers/{subscriber}", subscribers::destroy, returns::<SubscriberView>("Unsubscribe a subscriber"))
        .post("/v1/pages/{page}/subscribers/{subscriber}/resend_confirmation", subscribers::resend, no_content("Send the confirmation again").with_status(201))
        .get("/v1/pages/{page}/metrics", unsupported::index, returns_list::<Metric>("List metrics (always empty)").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/metrics_providers", unsupported::index, returns_list::<MetricsProvider>("List metrics providers (always empty)").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/page_access_users", unsupported::index, returns_list::<PageAccessUser>("List page access users (always empty)").with_query(ACCESS_QUERY))
        .get("/v1/pages/{page}/page_access_groups", unsupported::index, returns_list::<PageAccessGroup>("List page access groups (always empty)").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/status_embed_config", embed_config::show, returns::<EmbedConfigView<'_>>("Get the settings of the embed"))
        .patch_and_put("/v1/pages/{page}/status_embed_config", embed_config::update, returns::<EmbedConfigView<'_>>("Store settings of the embed, without effect").with_body::<EmbedConfigChange>())
        .get("/v1/organizations/{organization}/users", unsupported::index_users, returns_list::<User>("List users (always empty)").with_query(PAGE_QUERY))
}

pub fn router() -> Router<State> {
    routes()
        .into_router()
        .route("/v1/openapi", get(openapi::show))
        .route("/v1/{*nothing}", any(not_found))
        .layer(from_fn(rate_limit::add_rate_limit_headers))
}

async fn not_found() -> Error {
    Error::NotFound
}

/// Removes the optional suffix `.json` from an API path.
pub fn strip_json_suffix(uri: &mut Uri) {
    let Some(path) = uri.path().strip_suffix(".json").filter(|path| path.starts_with(PREFIX)) else { return };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    if let Ok(plain) = Uri::from_parts(parts) {
        *uri = plain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_paths_accept_json_suffix() {
        for (asked, meant) in [
            ("/v1/pages.json", "/v1/pages"),
            ("/v1/pages/x/incidents.json?q=a.json", "/v1/pages/x/incidents?q=a.json"),
            ("/api/v2/summary.json", "/api/v2/summary.json"),
            ("/v1/pages/json", "/v1/pages/json"),
        ] {
            let mut uri: Uri = asked.parse().unwrap();
            strip_json_suffix(&mut uri);
            assert_eq!(uri.to_string(), meant);
        }
    }
}
