//! Early checks that reject a request which a proxy might parse differently, one for another host, and unknown methods.

use axum::extract::{Request, State as FromState};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_connection::{AmbiguousLength, HostError};

use crate::state::State;

pub const MAX_HEADERS: usize = 64;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// Health checks may use any host name: a load balancer connects by address.
const HEALTH_PATHS: [&str; 2] = ["/healthz", "/readyz"];

pub async fn reject_malformed(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    if let Some(refusal) = check_request(&state, &request) {
        return refusal;
    }
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    // What follows a chunked body is not scanned for ambiguous lengths.
    if is_chunked {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    response
}

/// Whether a GET or HEAD request may be answered without the router.
pub fn is_wellformed<B>(state: &State, request: &axum::http::Request<B>) -> bool {
    let result = state.hosts.check_request(request.uri(), request.headers(), request.version());
    result.is_ok()
        && request.headers().len() <= MAX_HEADERS
        && !request.headers().contains_key(header::TRANSFER_ENCODING)
}

fn check_request(state: &State, request: &Request) -> Option<Response> {
    // For HTTP/2; hyper limits the headers of HTTP/1.
    if request.headers().len() > MAX_HEADERS {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
    }
    match *request.method() {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {}
        Method::TRACE | Method::CONNECT => {
            let allow = [(header::ALLOW, "GET,HEAD,POST")];
            return Some((StatusCode::METHOD_NOT_ALLOWED, allow).into_response());
        }
        _ => return Some(StatusCode::NOT_IMPLEMENTED.into_response()),
    }
    if !has_clear_length(request) {
        return Some(closing_response(StatusCode::BAD_REQUEST));
    }
    if HEALTH_PATHS.contains(&request.uri().path()) {
        return None;
    }
    match state.hosts.check_request(request.uri(), request.headers(), request.version()) {
        Ok(()) => None,
        Err(HostError::Ambiguous) => Some(closing_response(StatusCode::BAD_REQUEST)),
        Err(HostError::Foreign) => Some(StatusCode::MISDIRECTED_REQUEST.into_response()),
    }
}

/// Whether it is clear where the request ends: it has one length, or one coding, `chunked`, and a method with a body.
fn has_clear_length(request: &Request) -> bool {
    let headers = request.headers();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return true };
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let is_ambiguous = request.extensions().get::<AmbiguousLength>().is_some_and(AmbiguousLength::is_set);
    let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
    has_body && is_chunked && !is_ambiguous && !headers.contains_key(header::CONTENT_LENGTH)
}

/// Closes the connection, because it is unclear where the next request on it begins.
fn closing_response(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, CLOSE)]).into_response()
}
