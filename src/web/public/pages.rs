use axum::body::Body;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};

use crate::db;
use crate::domain::history::{Cursor, Filter, Month};
use crate::domain::{IncidentId, MaintenanceId};
use crate::publish::{Deep, Document, Encoding, content_security_policy, render_error};
use crate::state::State;
use crate::web::form::Search;
use crate::web::{Error, assets};

/// How long a copy may be shown: a moment by browsers and caches, longer where we can't be reached.
const SHORTLY: HeaderValue =
    HeaderValue::from_static("public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=86400");

/// A page of the Site, whatever the query says.
pub async fn hot(FromState(state): FromState<State>, uri: Uri, headers: HeaderMap) -> Response {
    let site = state.publisher.site();
    match site.document(uri.path()) {
        Some(document) => respond(document, &headers, SHORTLY, Some(&site.content_security_policy)),
        None => Error::NotFound.into_response(),
    }
}

/// `GET /history`: all of it from the Site; a choice of it is rendered on demand.
pub async fn history(state: FromState<State>, uri: Uri, Search(query): Search, headers: HeaderMap) -> Response {
    let filter = Filter::read(&query);
    let cursor = Cursor::parse(&query.text("before"));
    if filter.is_all() && cursor.is_none() {
        return hot(state, uri, headers).await;
    }
    deep(&state.0, Deep::Filtered(filter, cursor), &headers).await
}

/// `GET /history/{month}`
pub async fn month(
    state: FromState<State>,
    Path(month): Path<String>,
    Search(query): Search,
    headers: HeaderMap,
) -> Response {
    match Month::parse(&month) {
        Some(month) => deep(&state.0, Deep::Month(month, Cursor::parse(&query.text("before"))), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// `GET /uptime`
pub async fn uptime(FromState(state): FromState<State>, headers: HeaderMap) -> Response {
    deep(&state, Deep::Uptime, &headers).await
}

/// `GET /incidents/{id}`: an incident or a maintenance, from the Site while it is recent, else on demand;
/// `GET /incidents/{id}.ics`: a maintenance for a calendar.
pub async fn incident(state: FromState<State>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    if state.publisher.site().document(uri.path()).is_some() {
        return hot(state, uri, headers).await;
    }
    if let Some(id) = id.strip_suffix(".ics").and_then(MaintenanceId::parse) {
        return deep(&state.0, Deep::Event(id), &headers).await;
    }
    match IncidentId::parse(&id) {
        Some(id) => deep(&state.0, Deep::Incident(id), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// A file with a fixed name.
pub async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let name = uri.path().trim_start_matches('/');
    assets::fixed(name, &headers).unwrap_or_else(|| Error::NotFound.into_response())
}

/// What stands nowhere.
pub async fn not_found() -> Error {
    Error::NotFound
}

async fn deep(state: &State, page: Deep, headers: &HeaderMap) -> Response {
    let is_filtered = matches!(page, Deep::Filtered(..));
    match state.publisher.deep(page).await {
        Ok(document) => respond(&document, headers, SHORTLY, Some(&content_security_policy())),
        Err(error) if is_filtered && matches!(*error, db::Error::Unavailable(_)) => filter_unavailable(state),
        Err(error) => Error::from(error).into_response(),
    }
}

/// Says that a filtered view needs the database, and leads to the history that doesn't.
fn filter_unavailable(state: &State) -> Response {
    let site = state.publisher.site();
    let Some(document) = site.filter_unavailable() else { return Error::Busy.into_response() };
    let bytes = document.bytes(Encoding::Plain).clone();
    let mut response = uncached(StatusCode::SERVICE_UNAVAILABLE, bytes, &site.content_security_policy);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The page that says an error: from the Site, unless it has a sentence of its own to say.
pub fn error_page(state: &State, status: StatusCode, sentence: Option<String>) -> Response {
    let site = state.publisher.site();
    if let Some(document) = site.error(status.as_u16()).filter(|_| sentence.is_none()) {
        return uncached(status, document.bytes(Encoding::Plain).clone(), &site.content_security_policy);
    }
    let snapshot = state.publisher.snapshot();
    let html = render_error(status.as_u16(), sentence, snapshot.as_deref(), &state.origin, state.clock.now());
    uncached(status, html, &content_security_policy())
}

/// The page of an error: nobody keeps it, and compressing it would cost more than sending it.
fn uncached(status: StatusCode, html: impl Into<Body>, policy: &str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_SECURITY_POLICY, policy)];
    (status, headers, Html(html.into())).into_response()
}

/// The answer that carries `document`, or says that the reader has it already.
pub fn respond(document: &Document, request: &HeaderMap, cache: HeaderValue, policy: Option<&str>) -> Response {
    let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let encoding = Encoding::accepted(text(header::ACCEPT_ENCODING));
    let known = document.status == 200 && document.matches(text(header::IF_NONE_MATCH));
    let body = if known { Body::empty() } else { Body::from(document.bytes(encoding).clone()) };
    let mut response = Response::new(body);
    *response.status_mut() = match StatusCode::from_u16(document.status) {
        Ok(StatusCode::OK) if known => StatusCode::NOT_MODIFIED,
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, document.etag(encoding));
    set(header::CONTENT_TYPE, &document.content_type);
    if let Some(policy) = policy {
        set(header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(name) = encoding.name()
        && !known
    {
        set(header::CONTENT_ENCODING, name);
    }
    response
}
