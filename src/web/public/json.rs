//! What programs ask for beyond what the front has ready. Anybody's script may read it: it is public and takes
//! no cookie.

use std::collections::BTreeSet;

use axum::extract::State as FromState;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::pages::{Client, missing_document, on_demand_response, show_hot};
use crate::domain::history::Month;
use crate::domain::{ComponentId, IncidentId};
use crate::publish::api::MAX_PAGE;
use crate::publish::{CORS_HEADERS, JsonShape, OnDemandPage};
use crate::state::State;
use crate::web::form::QueryFields;

/// The most components whose last days are asked for at once.
const MAX_COMPONENTS: usize = 100;

/// `GET /api/v2/...`: what is ready, else one incident.
pub async fn show(state: FromState<State>, client: Client, uri: Uri, headers: HeaderMap) -> Response {
    if state.publisher.live_site().response(uri.path()).is_some() {
        return show_hot(state, uri, headers).await;
    }
    let id = uri.path().strip_prefix("/api/v2/incidents/").and_then(|rest| rest.strip_suffix(".json"));
    match id.and_then(IncidentId::parse) {
        Some(id) => on_demand_response(&state.0, client, OnDemandPage::Json(id, JsonShape::Api), &headers).await,
        None => missing_document(&state).into_response(),
    }
}

/// `GET /history.json`: page 1 where the query names no other.
pub async fn history(
    FromState(state): FromState<State>,
    client: Client,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    let page = query.text("page").parse().unwrap_or(1_u32).clamp(1, MAX_PAGE);
    on_demand_response(&state, client, OnDemandPage::Quarter(page), &headers).await
}

/// `GET /uptime_showcase`: all components, or those that the query names, in the order of the page.
pub async fn showcase(
    state: FromState<State>,
    client: Client,
    uri: Uri,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    let named = query.text("components");
    let asked: BTreeSet<&str> = named.split(',').map(str::trim).take(MAX_COMPONENTS).collect();
    let Some(snapshot) = state.publisher.snapshot().filter(|_| !named.is_empty()) else {
        return show_hot(state, uri, headers).await;
    };
    let known = snapshot.components.iter().map(|component| &component.id);
    let chosen: Vec<ComponentId> = known.filter(|id| asked.contains(id.as_str())).cloned().collect();
    if chosen.len() == snapshot.components.len() && !chosen.is_empty() {
        return show_hot(state, uri, headers).await;
    }
    on_demand_response(&state.0, client, OnDemandPage::Showcase(chosen), &headers).await
}

/// `OPTIONS`: a script of any origin may ask.
pub async fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
        (header::ALLOW, HeaderValue::from_static("GET,HEAD,OPTIONS")),
    ];
    (StatusCode::NO_CONTENT, CORS_HEADERS, allowed).into_response()
}

/// Whether nothing but what is ready stands at `path`: of the documents of the API only that of one incident is
/// rendered on demand, and of badges and frames none. What is no id and no month stands for nothing either.
pub fn never_on_demand(path: &str) -> bool {
    if let Some(named) = ["/incidents/", "/api/v2/incidents/"].iter().find_map(|folder| path.strip_prefix(folder)) {
        let id = [".json", ".ics"].iter().find_map(|ending| named.strip_suffix(ending)).unwrap_or(named);
        // With escapes it may be one all the same.
        return !id.contains('%') && IncidentId::parse(id).is_none();
    }
    if let Some(month) = path.strip_prefix("/history/") {
        return !month.contains('%') && Month::parse(month).is_none();
    }
    ["/api/", "/embed/", "/components/"].iter().any(|folder| path.starts_with(folder))
}

/// What an answer at `path` carries beside, where it is one that anybody's script may read: also errors.
pub fn cors_headers(path: &str) -> Option<[(HeaderName, HeaderValue); 2]> {
    let begins = path.starts_with("/api/v2/") || path.starts_with("/api/openapi");
    let is = ["/history.json", "/feed.json", "/uptime_showcase"].contains(&path);
    let incident = path.starts_with("/incidents/") && path.ends_with(".json");
    (begins || is || incident).then_some(CORS_HEADERS)
}
