use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State as FromState};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::db;
use crate::domain::forms::Fields;
use crate::domain::history::{Cursor, Filter, Month};
use crate::domain::{IncidentId, MaintenanceId};
use crate::publish::{Deep, DeepError, Form};
use crate::state::State;
use crate::web::Error;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::Search;

/// Who asks.
pub(super) type Client = Extension<ClientAddress>;

/// A page of the Site, whatever the query says.
pub async fn hot(FromState(state): FromState<State>, uri: Uri, headers: HeaderMap) -> Response {
    match state.publisher.served().answer(uri.path()) {
        Some(answer) => answer.to(&headers, false).map(Body::new),
        None => nothing(&state).into_response(),
    }
}

/// Why a document that every Site holds is not in this one: nothing was published yet, or it never was.
pub(super) fn nothing(state: &State) -> Error {
    if state.publisher.site().revision == 0 { Error::Busy } else { Error::NotFound }
}

/// `GET /history`: all of it from the Site; a choice of it is rendered on demand.
pub async fn history(
    state: FromState<State>,
    client: Client,
    uri: Uri,
    Search(query): Search,
    headers: HeaderMap,
) -> Response {
    let filter = Filter::read(&query);
    let cursor = Cursor::parse(&query.text("before"));
    if filter.is_all() && cursor.is_none() {
        return hot(state, uri, headers).await;
    }
    deep(&state.0, client, Deep::Filtered(filter, cursor), &headers).await
}

/// Where a choice of the history is kept, however it was asked for.
pub fn kept_at(uri: &Uri) -> Option<String> {
    if uri.path() != "/history" || uri.query().is_none() {
        return None;
    }
    let query = Fields(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default());
    Some(Deep::Filtered(Filter::read(&query), Cursor::parse(&query.text("before"))).address())
}

/// `GET /history/{month}`
pub async fn month(
    state: FromState<State>,
    client: Client,
    Path(month): Path<String>,
    Search(query): Search,
    headers: HeaderMap,
) -> Response {
    match Month::parse(&month) {
        Some(month) => deep(&state.0, client, Deep::Month(month, Cursor::parse(&query.text("before"))), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// `GET /uptime`
pub async fn uptime(FromState(state): FromState<State>, client: Client, headers: HeaderMap) -> Response {
    deep(&state, client, Deep::Uptime, &headers).await
}

/// `GET /incidents/{id}` of an incident or maintenance that is not in the Site any more, and
/// `GET /incidents/{id}.ics` of a maintenance, for a calendar, `GET /incidents/{id}.json` for programs.
pub async fn incident(
    FromState(state): FromState<State>,
    client: Client,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(id) = id.strip_suffix(".ics").and_then(MaintenanceId::parse) {
        return deep(&state, client, Deep::Event(id), &headers).await;
    }
    if let Some(id) = id.strip_suffix(".json").and_then(IncidentId::parse) {
        return deep(&state, client, Deep::Record(id, Form::Flat), &headers).await;
    }
    match IncidentId::parse(&id) {
        Some(id) => deep(&state, client, Deep::Incident(id), &headers).await,
        None => Error::NotFound.into_response(),
    }
}

/// What stands nowhere.
pub async fn not_found() -> Error {
    Error::NotFound
}

pub(super) async fn deep(
    state: &State,
    Extension(ClientAddress(client)): Client,
    page: Deep,
    headers: &HeaderMap,
) -> Response {
    let is_filtered = matches!(page, Deep::Filtered(..));
    let is_unavailable =
        |error: &DeepError| matches!(error, DeepError::Busy | DeepError::Db(db::Error::Unavailable(_)));
    match state.publisher.deep_for(page, client).await {
        Ok(answer) => answer.to(headers, false).map(Body::new),
        Err(error) if is_filtered && is_unavailable(&error) => filter_unavailable(state, headers),
        Err(error) => Error::from(error).into_response(),
    }
}

/// Says that a filtered view needs the database, and leads to the history that doesn't.
fn filter_unavailable(state: &State, headers: &HeaderMap) -> Response {
    match state.publisher.served().filter_unavailable() {
        Some(answer) => answer.to(headers, false).map(Body::new),
        None => Error::Busy.into_response(),
    }
}

/// The page that says an error: from the Site, unless it has a sentence of its own to say.
pub fn error_page(state: &State, status: StatusCode, sentence: Option<String>, headers: &HeaderMap) -> Response {
    let (served, status) = (state.publisher.served(), status.as_u16());
    match served.error(status).filter(|_| sentence.is_none()) {
        Some(answer) => answer.to(headers, false).map(Body::new),
        None => state.publisher.error(status, sentence.unwrap_or_default()).to(headers, false).map(Body::new),
    }
}
