use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State as FromState};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::cors::cors_headers;
use crate::db;
use crate::domain::forms::Fields;
use crate::domain::history::{Cursor, HistoryFilter, Month};
use crate::domain::uptime::UptimeView;
use crate::domain::{IncidentId, MaintenanceId};
use crate::publish::address::canonical_path;
use crate::publish::api::{MAX_PAGE, history_months};
use crate::publish::previous_address::previous_targets;
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
        return match previous_page(&state, client, &query).await {
            // Temporary: next month the page is another month.
            Some(month) => redirect(StatusCode::TEMPORARY_REDIRECT, &format!("/history/{month}"), &[]),
            None => show_hot(state, uri, headers).await,
        };
    }
    on_demand_response(&state.0, client, OnDemandPage::Filtered(filter, cursor), &headers).await
}

/// The newest month of a page of Statuspage's history, which has three months per page. `None` for its first page, and
/// if the month has no page here.
async fn previous_page(state: &State, Extension(ClientAddress(client)): Client, query: &Fields) -> Option<Month> {
    let page = page_number(query).filter(|page| *page > 1)?;
    let zone = state.publisher.snapshot()?.page.time_zone;
    let month = history_months(page, state.clock.now(), zone).first().copied()?;
    let found = state.publisher.on_demand_for(OnDemandPage::Month(month, None), client).await;
    found.is_ok().then_some(month)
}

fn page_number(query: &Fields) -> Option<u32> {
    query.text("page").parse().ok().filter(|page| (1..=MAX_PAGE).contains(page))
}

/// Normalized cache key of a filtered history.
pub fn history_cache_key(uri: &Uri) -> Option<String> {
    if uri.path() != "/history" || uri.query().is_none() {
        return None;
    }
    let query = Fields(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default());
    if page_number(&query).is_some_and(|page| page > 1) {
        return None;
    }
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
pub async fn uptime(
    FromState(state): FromState<State>,
    client: Client,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    on_demand_response(&state, client, OnDemandPage::Uptime(UptimeView::from_query(&query)), &headers).await
}

/// `GET /uptime.csv`
pub async fn uptime_csv(FromState(state): FromState<State>, client: Client, headers: HeaderMap) -> Response {
    on_demand_response(&state, client, OnDemandPage::UptimeCsv, &headers).await
}

/// `GET /incidents/{id}` of an event that is no longer in the published site, `GET /incidents/{id}.ics` of a
/// maintenance, `GET /incidents/{id}.json`, and `GET /incidents/{id}.png`, its link preview.
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
    if let Some(id) = id.strip_suffix(".png").and_then(IncidentId::parse) {
        return on_demand_response(&state, client, OnDemandPage::Picture(id), &headers).await;
    }
    match IncidentId::parse(&id) {
        Some(id) => on_demand_response(&state, client, OnDemandPage::Incident(id), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// Redirects a slight misspelling of an address, and an address of the status page that this one replaces; otherwise 404.
pub async fn not_found(FromState(state): FromState<State>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Error::NotFound.into_response();
    }
    if let Some(address) = canonical_path(request.uri().path()) {
        return canonical_redirect(&address, request.uri().query());
    }
    let client = request.extensions().get().copied().unwrap_or(ClientAddress(None));
    for target in previous_targets(request.uri().path()) {
        let Some(id) = target.event else { return redirect(StatusCode::MOVED_PERMANENTLY, &target.address, &[]) };
        match state.publisher.on_demand_for(OnDemandPage::Incident(id), client.0).await {
            Ok(_) => return redirect(StatusCode::MOVED_PERMANENTLY, &target.address, &[]),
            Err(error) if matches!(*error, OnDemandError::Db(db::Error::NotFound)) => {}
            Err(error) => return Error::from(error).into_response(),
        }
    }
    Error::NotFound.into_response()
}

/// 308 to an address of ours. The query stays, unless it can't be in a header.
fn canonical_redirect(address: &str, query: Option<&str>) -> Response {
    let whole = query.map(|query| format!("{address}?{query}"));
    let location = whole.filter(|whole| HeaderValue::from_str(whole).is_ok()).unwrap_or_else(|| address.to_owned());
    redirect(StatusCode::PERMANENT_REDIRECT, &location, &[(header::CACHE_CONTROL, REDIRECT_CACHE)])
}

/// A redirect to `location`, which begins with an address of ours. Scripts may follow it if they may read the target.
fn redirect(status: StatusCode, location: &str, headers: &[(HeaderName, HeaderValue)]) -> Response {
    let Ok(value) = HeaderValue::from_str(location) else { return Error::NotFound.into_response() };
    let shared = cors_headers(location.split('?').next().unwrap_or_default());
    let mut response = (status, [(header::LOCATION, value)]).into_response();
    response.headers_mut().extend(headers.iter().cloned().chain(shared.into_iter().flatten()));
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
