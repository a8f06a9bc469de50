//! Public JSON beyond the prepared documents. Scripts of any origin may read it, because it is public and needs no
//! cookie.

use std::collections::BTreeSet;

use axum::extract::{Path, Request, State as FromState};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::pages::{Client, not_found, on_demand_response, show_hot};
use crate::domain::{ComponentId, IncidentId};
use crate::notify::standard_webhooks::webhook_key_pair;
use crate::publish::api::MAX_PAGE;
use crate::publish::{CORS_HEADERS, JsonShape, OnDemandPage};
use crate::state::State;
use crate::web::Error;
use crate::web::form::QueryFields;

/// Maximum number of components that a request may name.
const MAX_COMPONENTS: usize = 100;

/// `GET /api/v2/incidents/{id}.json`: from the published site, or rendered on demand.
pub async fn incident(state: FromState<State>, client: Client, Path(name): Path<String>, request: Request) -> Response {
    match name.strip_suffix(".json").and_then(IncidentId::parse) {
        Some(id) => {
            on_demand_response(&state.0, client, OnDemandPage::Json(id, JsonShape::Api), request.headers()).await
        }
        None => not_found(state, request).await,
    }
}

/// `GET /history.json`: page 1 by default.
pub async fn history(
    FromState(state): FromState<State>,
    client: Client,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    let page = query.text("page").parse().unwrap_or(1_u32).clamp(1, MAX_PAGE);
    on_demand_response(&state, client, OnDemandPage::Quarter(page), &headers).await
}

/// `GET /uptime_showcase`: all components, or those that the query names, in page order.
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

/// `GET /.well-known/candor-webhook-key`: the public key as text, `whpk_…`, as Standard Webhooks writes it.
pub async fn webhook_key(FromState(state): FromState<State>) -> Result<Response, Error> {
    let key = webhook_key_pair(&state.secret_key)?.public_key();
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, CORS_HEADERS, key).into_response())
}
