//! What programs are answered: JSON, for who brings a token. These routes read no cookie, so they stand
//! outside of what refuses foreign pages.

mod change;
mod components;
mod groups;
mod incident_or_maintenance;
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
mod updates;
mod uptime;

use axum::Router;
use axum::http::Uri;
use axum::middleware::from_fn;
use axum::routing::{any, get};

use self::routes::{Routes, gives, gives_nothing};
use super::Error;
use crate::state::State;

/// Where every address of the API begins.
pub const ROOT: &str = "/v1/";

/// Every route of the API with who may take it.
#[rustfmt::skip]
pub fn routes() -> Routes {
    const PAGED: &[&str] = &["page", "per_page"];
    const RANGE: &[&str] = &["start", "end", "skip_related_events"];
    const FOUND: &[&str] = &["q", "limit", "page"];
    const PEOPLE: &[&str] = &["q", "type", "state", "limit", "page", "sort_field", "sort_direction"];
    Routes::default()
        .get("/v1/token", token::show, gives("Get the token's scope", "Token"))
        .get("/v1/pages", pages::index, gives("List pages (there is one)", "[Page]"))
        .get("/v1/pages/{page}", pages::show, gives("Get the page", "Page"))
        .patch_and_put("/v1/pages/{page}", pages::update, gives("Update the page's name, URL and time zone", "Page").taking("PageChange"))
        .get("/v1/pages/{page}/components", components::index, gives("List components", "[Component]").asking(PAGED))
        .post("/v1/pages/{page}/components", components::create, gives("Create a component", "Component").taking("ComponentChange").answering(201))
        .get("/v1/pages/{page}/components/{component}", components::show, gives("Get a component", "Component"))
        .patch_and_put("/v1/pages/{page}/components/{component}", components::update, gives("Update a component", "Component").taking("ComponentChange"))
        .delete("/v1/pages/{page}/components/{component}", components::destroy, gives_nothing("Delete a component"))
        .get("/v1/pages/{page}/components/{component}/uptime", uptime::of_component, gives("Get a component's uptime", "Uptime").asking(RANGE))
        .get("/v1/pages/{page}/component-groups", groups::index, gives("List groups", "[Group]").asking(PAGED))
        .post("/v1/pages/{page}/component-groups", groups::create, gives("Create a group", "Group").taking("GroupChange").answering(201))
        .get("/v1/pages/{page}/component-groups/{group}", groups::show, gives("Get a group", "Group"))
        .patch_and_put("/v1/pages/{page}/component-groups/{group}", groups::update, gives("Update a group and its members", "Group").taking("GroupChange"))
        .delete("/v1/pages/{page}/component-groups/{group}", groups::destroy, gives("Delete a group; its components are kept", "Group"))
        .get("/v1/pages/{page}/component-groups/{group}/uptime", uptime::of_group, gives("Get a group's uptime", "Uptime").asking(RANGE))
        .get("/v1/pages/{page}/incidents", incident_or_maintenance::index, gives("List incidents and maintenance, newest first", "[Incident]").asking(FOUND))
        .post("/v1/pages/{page}/incidents", incident_or_maintenance::create, gives("Create an incident or maintenance", "Incident").taking("IncidentChange").answering(201))
        .get("/v1/pages/{page}/incidents/unresolved", incident_or_maintenance::unresolved, gives("List unresolved incidents", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/scheduled", incident_or_maintenance::scheduled, gives("List scheduled maintenance and maintenance in progress", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/upcoming", incident_or_maintenance::upcoming, gives("List upcoming maintenance", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/active_maintenance", incident_or_maintenance::active_maintenance, gives("List maintenance in progress", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::show, gives("Get an incident or maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::update, gives("Update an incident or post an update", "Incident").taking("IncidentChange"))
        .delete("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::destroy, gives("Delete an incident or maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", updates::update, gives("Edit the text or time of an update", "Update").taking("UpdateChange"))
        .get("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::show, gives("Get a postmortem", "Postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::update, gives("Create or update a postmortem", "Postmortem").taking("PostmortemChange"))
        .delete("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::destroy, gives_nothing("Delete a postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/publish", postmortems::publish, gives("Publish a postmortem", "Postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/revert", postmortems::revert, gives("Unpublish a postmortem", "Postmortem"))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers", subscribers::of_incident, gives("List subscribers (always empty)", "[Subscriber]").asking(PAGED))
        .get("/v1/pages/{page}/incident_templates", templates::index, gives("List templates", "[Template]").asking(PAGED))
        .post("/v1/pages/{page}/incident_templates", templates::create, gives("Create a template", "Template").taking("TemplateChange").answering(201))
        .get("/v1/pages/{page}/subscribers", subscribers::index, gives("List subscribers (always empty)", "[Subscriber]").asking(PEOPLE))
        .post("/v1/pages/{page}/subscribers", subscribers::create, gives("Create a subscriber (not supported)", "Subscriber").answering(201))
        .get("/v1/pages/{page}/subscribers/count", subscribers::count, gives("Count subscribers (always 0)", "Counts"))
        .get("/v1/pages/{page}/subscribers/histogram_by_state", subscribers::histogram, gives("Count subscribers by state (always 0)", "Histogram"))
        .get("/v1/pages/{page}/subscribers/unsubscribed", subscribers::index, gives("List subscribers (always empty)", "[Subscriber]").asking(PAGED))
        .get("/v1/pages/{page}/subscribers/{subscriber}", subscribers::show, gives("Not found", "Subscriber"))
}

/// The addresses of the API.
pub fn router() -> Router<State> {
    routes()
        .into_router()
        .route("/v1/openapi", get(openapi::show))
        .route("/v1/{*nothing}", any(not_found))
        .layer(from_fn(rate_limit::tell))
}

async fn not_found() -> Error {
    Error::NotFound
}

/// Takes the `.json` off an address of the API: with it or without, it is the same.
pub fn without_ending(uri: &mut Uri) {
    let Some(path) = uri.path().strip_suffix(".json").filter(|path| path.starts_with(ROOT)) else { return };
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
    fn an_address_of_the_api_may_end_as_its_document_would() {
        for (asked, meant) in [
            ("/v1/pages.json", "/v1/pages"),
            ("/v1/pages/x/incidents.json?q=a.json", "/v1/pages/x/incidents?q=a.json"),
            ("/api/v2/summary.json", "/api/v2/summary.json"),
            ("/v1/pages/json", "/v1/pages/json"),
        ] {
            let mut uri: Uri = asked.parse().unwrap();
            without_ending(&mut uri);
            assert_eq!(uri.to_string(), meant);
        }
    }
}
