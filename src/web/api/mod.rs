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
pub mod routes;
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

use self::routes::{Routes, no_content, returns};
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
        .get("/v1/token", token::show, returns("Get the token's scope", "Token"))
        .get("/v1/pages", pages::index, returns("List pages (there is one)", "[Page]"))
        .get("/v1/pages/{page}", pages::show, returns("Get the page", "Page"))
        .patch_and_put("/v1/pages/{page}", pages::update, returns("Update the page's name, URL and time zone", "Page").with_body("PageChange"))
        .get("/v1/pages/{page}/components", components::index, returns("List components", "[Component]").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/components", components::create, returns("Create a component", "Component").with_body("ComponentChange").with_status(201))
        .get("/v1/pages/{page}/components/{component}", components::show, returns("Get a component", "Component"))
        .patch_and_put("/v1/pages/{page}/components/{component}", components::update, returns("Update a component", "Component").with_body("ComponentChange"))
        .delete("/v1/pages/{page}/components/{component}", components::destroy, no_content("Delete a component"))
        .get("/v1/pages/{page}/components/{component}/uptime", uptime::component_uptime, returns("Get a component's uptime", "Uptime").with_query(RANGE_QUERY))
        .get("/v1/pages/{page}/component-groups", groups::index, returns("List groups", "[Group]").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/component-groups", groups::create, returns("Create a group", "Group").with_body("GroupChange").with_status(201))
        .get("/v1/pages/{page}/component-groups/{group}", groups::show, returns("Get a group", "Group"))
        .patch_and_put("/v1/pages/{page}/component-groups/{group}", groups::update, returns("Update a group and its members", "Group").with_body("GroupChange"))
        .delete("/v1/pages/{page}/component-groups/{group}", groups::destroy, returns("Delete a group; its components are kept", "Group"))
        .get("/v1/pages/{page}/component-groups/{group}/uptime", uptime::group_uptime, returns("Get a group's uptime", "GroupUptime").with_query(RANGE_QUERY))
        .get("/v1/pages/{page}/incidents", incident_routes::index, returns("List incidents and maintenance, newest first", "[Incident]").with_query(SEARCH_QUERY))
        .post("/v1/pages/{page}/incidents", incident_routes::create, returns("Create an incident or maintenance", "Incident").with_body("IncidentChange").with_status(201))
        .get("/v1/pages/{page}/incidents/unresolved", incident_routes::unresolved, returns("List unresolved incidents", "[Incident]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/scheduled", incident_routes::scheduled, returns("List scheduled maintenance and maintenance in progress", "[Incident]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/upcoming", incident_routes::upcoming, returns("List upcoming maintenance", "[Incident]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/active_maintenance", incident_routes::active_maintenance, returns("List maintenance in progress", "[Incident]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/incidents/{incident}", incident_routes::show, returns("Get an incident or maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}", incident_routes::update, returns("Update an incident or post an update", "Incident").with_body("IncidentChange"))
        .delete("/v1/pages/{page}/incidents/{incident}", incident_routes::destroy, returns("Delete an incident or maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", updates::update, returns("Edit the text or time of an update", "Update").with_body("UpdateChange"))
        .get("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::show, returns("Get a postmortem", "Postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::update, returns("Create or update a postmortem", "Postmortem").with_body("PostmortemChange"))
        .delete("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::destroy, no_content("Delete a postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/publish", postmortems::publish, returns("Publish a postmortem", "Postmortem").with_body("PostmortemPublication"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/revert", postmortems::revert, returns("Unpublish a postmortem", "Postmortem"))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers", incident_subscribers::index, returns("List subscribers of an incident", "[Subscriber]").with_query(SUBSCRIBER_QUERY))
        .post("/v1/pages/{page}/incidents/{incident}/subscribers", incident_subscribers::create, returns("Subscribe to an unresolved incident", "Subscriber").with_body("SubscriberCreation").with_status(201))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", incident_subscribers::show, returns("Get a subscriber of an incident", "Subscriber"))
        .delete("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", incident_subscribers::destroy, returns("Unsubscribe from an incident", "Subscriber"))
        .post("/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation", incident_subscribers::resend, no_content("Send the confirmation again").with_status(201))
        .get("/v1/pages/{page}/incident_templates", templates::index, returns("List templates", "[Template]").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/incident_templates", templates::create, returns("Create a template", "Template").with_body("TemplateChange").with_status(201))
        .get("/v1/pages/{page}/subscribers", subscribers::index, returns("List subscribers", "[Subscriber]").with_query(SUBSCRIBER_QUERY))
        .post("/v1/pages/{page}/subscribers", subscribers::create, returns("Create a subscriber", "Subscriber").with_body("SubscriberCreation").with_status(201))
        .get("/v1/pages/{page}/subscribers/count", subscribers::count, returns("Count subscribers", "Counts").with_query(&["type", "state"]))
        .get("/v1/pages/{page}/subscribers/histogram_by_state", subscribers::histogram, returns("Count subscribers by state", "Histogram"))
        .get("/v1/pages/{page}/subscribers/unsubscribed", subscribers::unsubscribed, returns("List those who unsubscribed (always empty: no address is kept)", "[Subscriber]").with_query(PAGE_QUERY))
        .post("/v1/pages/{page}/subscribers/unsubscribe", subscribers::unsubscribe_many, no_content("Unsubscribe several subscribers").with_body("SubscriberSelection").with_status(201))
        .post("/v1/pages/{page}/subscribers/reactivate", subscribers::reactivate_many, no_content("Reactivate quarantined subscribers").with_body("SubscriberSelection").with_status(201))
        .post("/v1/pages/{page}/subscribers/resend_confirmation", subscribers::resend_many, no_content("Send several confirmations again").with_body("SubscriberSelection").with_status(201))
        .get("/v1/pages/{page}/subscribers/{subscriber}", subscribers::show, returns("Get a subscriber", "Subscriber"))
        .patch("/v1/pages/{page}/subscribers/{subscriber}", subscribers::update, returns("Change a subscriber's components", "Subscriber").with_body("SubscriberChange"))
        .delete("/v1/pages/{page}/subscribers/{subscriber}", subscribers::destroy, returns("Unsubscribe a subscriber", "Subscriber"))
        .post("/v1/pages/{page}/subscribers/{subscriber}/resend_confirmation", subscribers::resend, no_content("Send the confirmation again").with_status(201))
        .get("/v1/pages/{page}/metrics", unsupported::index, returns("List metrics (always empty)", "[Metric]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/metrics_providers", unsupported::index, returns("List metrics providers (always empty)", "[MetricsProvider]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/page_access_users", unsupported::index, returns("List page access users (always empty)", "[PageAccessUser]").with_query(ACCESS_QUERY))
        .get("/v1/pages/{page}/page_access_groups", unsupported::index, returns("List page access groups (always empty)", "[PageAccessGroup]").with_query(PAGE_QUERY))
        .get("/v1/pages/{page}/status_embed_config", embed_config::show, returns("Get the settings of the embed", "EmbedConfig"))
        .patch_and_put("/v1/pages/{page}/status_embed_config", embed_config::update, returns("Store settings of the embed, without effect", "EmbedConfig").with_body("EmbedConfigChange"))
        .get("/v1/organizations/{organization}/users", unsupported::index_users, returns("List users (always empty)", "[User]").with_query(PAGE_QUERY))
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
