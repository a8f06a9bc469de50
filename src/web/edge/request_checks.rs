//! Early checks that reject a request which a proxy might parse differently, one for another host, and unknown methods.

use axum::extract::{Request, State as FromState};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::net::allowed_hosts::HostError;
use crate::state::State;

pub const MAX_HEADERS: usize = 64;
/// Health checks may use any host name: a load balancer connects by address.
const HEALTH_PATHS: [&str; 2] = ["/healthz", "/readyz"];

pub async fn reject_malformed(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    match check_request(&state, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
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
    // A body needs a `Content-Length`. If `Transfer-Encoding` comes with it, two servers may disagree where the request
    // ends (request smuggling), and hyper hides `Content-Length` then, so `Transfer-Encoding` is always rejected.
    if request.headers().contains_key(header::TRANSFER_ENCODING) {
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

/// Closes the connection, because it is unclear where the next request on it begins.
fn closing_response(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))]).into_response()
}
