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
        .get("/v1/token", token::show, gives("What the token is good for", "Token"))
        .get("/v1/pages", pages::index, gives("Lists the pages: there is one", "[Page]"))
        .get("/v1/pages/{page}", pages::show, gives("Tells of the page", "Page"))
        .patch_and_put("/v1/pages/{page}", pages::update, gives("Changes name, address and zone of the page", "Page").taking("PageChange"))
        .get("/v1/pages/{page}/components", components::index, gives("Lists the components", "[Component]").asking(PAGED))
        .post("/v1/pages/{page}/components", components::create, gives("Adds a component", "Component").taking("ComponentChange").answering(201))
        .get("/v1/pages/{page}/components/{component}", components::show, gives("Tells of a component", "Component"))
        .patch_and_put("/v1/pages/{page}/components/{component}", components::update, gives("Changes a component", "Component").taking("ComponentChange"))
        .delete("/v1/pages/{page}/components/{component}", components::destroy, gives_nothing("Deletes a component"))
        .get("/v1/pages/{page}/components/{component}/uptime", uptime::of_component, gives("How long a component was out", "Uptime").asking(RANGE))
        .get("/v1/pages/{page}/component-groups", groups::index, gives("Lists the groups", "[Group]").asking(PAGED))
        .post("/v1/pages/{page}/component-groups", groups::create, gives("Adds a group of components", "Group").taking("GroupChange").answering(201))
        .get("/v1/pages/{page}/component-groups/{group}", groups::show, gives("Tells of a group", "Group"))
        .patch_and_put("/v1/pages/{page}/component-groups/{group}", groups::update, gives("Changes a group and its members", "Group").taking("GroupChange"))
        .delete("/v1/pages/{page}/component-groups/{group}", groups::destroy, gives("Deletes a group; its components stay", "Group"))
        .get("/v1/pages/{page}/component-groups/{group}/uptime", uptime::of_group, gives("How long the components of a group were out", "Uptime").asking(RANGE))
        .get("/v1/pages/{page}/incidents", incident_or_maintenance::index, gives("Lists incidents and maintenances, the newest first", "[Incident]").asking(FOUND))
        .post("/v1/pages/{page}/incidents", incident_or_maintenance::create, gives("Opens an incident, or plans a maintenance", "Incident").taking("IncidentChange").answering(201))
        .get("/v1/pages/{page}/incidents/unresolved", incident_or_maintenance::unresolved, gives("Lists open incidents", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/scheduled", incident_or_maintenance::scheduled, gives("Lists maintenances to come and going on", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/upcoming", incident_or_maintenance::upcoming, gives("Lists maintenances to come", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/active_maintenance", incident_or_maintenance::active_maintenance, gives("Lists maintenances going on", "[Incident]").asking(PAGED))
        .get("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::show, gives("Tells of an incident or a maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::update, gives("Changes an incident, or posts an update", "Incident").taking("IncidentChange"))
        .delete("/v1/pages/{page}/incidents/{incident}", incident_or_maintenance::destroy, gives("Deletes an incident or a maintenance", "Incident"))
        .patch_and_put("/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", updates::update, gives("Changes the text of an update, or the time it shows", "Update").taking("UpdateChange"))
        .get("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::show, gives("Tells of a review", "Postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::update, gives("Writes a review", "Postmortem").taking("PostmortemChange"))
        .delete("/v1/pages/{page}/incidents/{incident}/postmortem", postmortems::destroy, gives_nothing("Deletes a review"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/publish", postmortems::publish, gives("Publishes a review", "Postmortem"))
        .put("/v1/pages/{page}/incidents/{incident}/postmortem/revert", postmortems::revert, gives("Withdraws a review", "Postmortem"))
        .get("/v1/pages/{page}/incidents/{incident}/subscribers", subscribers::of_incident, gives("Lists nobody", "[Subscriber]").asking(PAGED))
        .get("/v1/pages/{page}/incident_templates", templates::index, gives("Lists the templates", "[Template]").asking(PAGED))
        .post("/v1/pages/{page}/incident_templates", templates::create, gives("Adds a template", "Template").taking("TemplateChange").answering(201))
        .get("/v1/pages/{page}/subscribers", subscribers::index, gives("Lists nobody", "[Subscriber]").asking(PEOPLE))
        .post("/v1/pages/{page}/subscribers", subscribers::create, gives("Is refused: nobody can subscribe yet", "Subscriber").answering(201))
        .get("/v1/pages/{page}/subscribers/count", subscribers::count, gives("Counts nobody", "Counts"))
        .get("/v1/pages/{page}/subscribers/histogram_by_state", subscribers::histogram, gives("Counts nobody, by state", "Histogram"))
        .get("/v1/pages/{page}/subscribers/unsubscribed", subscribers::index, gives("Lists nobody", "[Subscriber]").asking(PAGED))
        .get("/v1/pages/{page}/subscribers/{subscriber}", subscribers::show, gives("There is none", "Subscriber"))
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
