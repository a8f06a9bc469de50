use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State as FromState};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::json::cors_headers;
use crate::db;
use crate::domain::forms::Fields;
use crate::domain::history::{Cursor, HistoryFilter, Month};
use crate::domain::{IncidentId, MaintenanceId};
use crate::publish::address::canonical_path;
use crate::publish::{JsonShape, OnDemandError, OnDemandPage};
use crate::state::State;
use crate::web::Error;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::QueryFields;

/// A redirect to the right spelling depends on nothing but the path.
const REDIRECT_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=86400");

pub(super) type Client = Extension<ClientAddress>;

/// A page of the published site; the query is ignored.
pub async fn show_hot(FromState(state): FromState<State>, uri: Uri, headers: HeaderMap) -> Response {
    match state.publisher.live_site().response(uri.path()) {
        Some(answer) => answer.respond(&headers, false).map(Body::new),
        None => missing_document(&state).into_response(),
    }
}

/// Why the site lacks a document: nothing was published yet, or there is no such document.
pub(super) fn missing_document(state: &State) -> Error {
    if state.publisher.site().revision == 0 { Error::Busy } else { Error::NotFound }
}

/// `GET /history`: the full history from the published site; filtered views are rendered on demand.
pub async fn history(
    state: FromState<State>,
    client: Client,
    uri: Uri,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    let filter = HistoryFilter::from_query(&query);
    let cursor = Cursor::parse(&query.text("before"));
    if filter.is_all() && cursor.is_none() {
        return show_hot(state, uri, headers).await;
    }
    on_demand_response(&state.0, client, OnDemandPage::Filtered(filter, cursor), &headers).await
}

/// Normalized cache key of a filtered history.
pub fn history_cache_key(uri: &Uri) -> Option<String> {
    if uri.path() != "/history" || uri.query().is_none() {
        return None;
    }
    let query = Fields(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default());
    Some(OnDemandPage::Filtered(HistoryFilter::from_query(&query), Cursor::parse(&query.text("before"))).address())
}

/// `GET /history/{month}`
pub async fn month(
    state: FromState<State>,
    client: Client,
    Path(month): Path<String>,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    match Month::parse(&month) {
        Some(month) => {
            on_demand_response(
                &state.0,
                client,
                OnDemandPage::Month(month, Cursor::parse(&query.text("before"))),
                &headers,
            )
            .await
        }
        None => Error::NotFound.into_response(),
    }
}

/// `GET /uptime`
pub async fn uptime(FromState(state): FromState<State>, client: Client, headers: HeaderMap) -> Response {
    on_demand_response(&state, client, OnDemandPage::Uptime, &headers).await
}

/// `GET /incidents/{id}` of an event that is no longer in the published site, `GET /incidents/{id}.ics` of a
/// maintenance, and `GET /incidents/{id}.json`.
pub async fn incident(
    FromState(state): FromState<State>,
    client: Client,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(id) = id.strip_suffix(".ics").and_then(MaintenanceId::parse) {
        return on_demand_response(&state, client, OnDemandPage::CalendarEvent(id), &headers).await;
    }
    if let Some(id) = id.strip_suffix(".json").and_then(IncidentId::parse) {
        return on_demand_response(&state, client, OnDemandPage::Json(id, JsonShape::Flat), &headers).await;
    }
    match IncidentId::parse(&id) {
        Some(id) => on_demand_response(&state, client, OnDemandPage::Incident(id), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// Redirects a slight misspelling of an address to the address; otherwise 404.
pub async fn not_found(request: Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match canonical_path(request.uri().path()).filter(|_| is_read) {
        Some(address) => canonical_redirect(&address, request.uri().query()),
        None => Error::NotFound.into_response(),
    }
}

/// 308 to an address of ours. The query stays, unless it can't be in a header.
fn canonical_redirect(address: &str, query: Option<&str>) -> Response {
    let whole = query.and_then(|query| HeaderValue::from_str(&format!("{address}?{query}")).ok());
    let Some(location) = whole.or_else(|| HeaderValue::from_str(address).ok()) else {
        return Error::NotFound.into_response();
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, REDIRECT_CACHE)];
    let mut response = (StatusCode::PERMANENT_REDIRECT, headers).into_response();
    response.headers_mut().extend(cors_headers(address).into_iter().flatten());
    response
}

pub(super) async fn on_demand_response(
    state: &State,
    Extension(ClientAddress(client)): Client,
    page: OnDemandPage,
    headers: &HeaderMap,
) -> Response {
    let is_filtered = matches!(page, OnDemandPage::Filtered(..));
    let is_unavailable =
        |error: &OnDemandError| matches!(error, OnDemandError::Busy | OnDemandError::Db(db::Error::Unavailable(_)));
    match state.publisher.on_demand_for(page, client).await {
        Ok(answer) => answer.respond(headers, false).map(Body::new),
        Err(error) if is_filtered && is_unavailable(&error) => filter_unavailable(state, headers),
        Err(error) => Error::from(error).into_response(),
    }
}

/// Says that a filtered view needs the database, and links to the full history, which doesn't.
fn filter_unavailable(state: &State, headers: &HeaderMap) -> Response {
    match state.publisher.live_site().filter_unavailable() {
        Some(answer) => answer.respond(headers, false).map(Body::new),
        None => Error::Busy.into_response(),
    }
}

/// An error page: from the published site, or rendered if it has a `sentence`.
pub fn error_page(state: &State, status: StatusCode, sentence: Option<String>, headers: &HeaderMap) -> Response {
    let (served, status) = (state.publisher.live_site(), status.as_u16());
    match served.error(status).filter(|_| sentence.is_none()) {
        Some(answer) => answer.respond(headers, false).map(Body::new),
        None => state.publisher.error(status, sentence.unwrap_or_default()).respond(headers, false).map(Body::new),
    }
}
