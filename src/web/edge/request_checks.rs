//! What is turned away before anything is done for it: a request that a server in front of us might read
//! otherwise than we do, one that was meant for another host, and methods nobody here knows.

use axum::extract::{Request, State as FromState};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::net::allowed_hosts::HostError;
use crate::state::State;

/// The most headers of a request.
pub const MAX_HEADERS: usize = 64;
/// Where whatever watches the server may ask by any name: a load balancer knows an address, not our host.
const HEALTH_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// Turns away what has no place here; the rest goes on.
pub async fn reject_malformed(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    match check_request(&state, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// Whether a request that changes nothing is plain enough to be answered without the router.
pub fn is_wellformed<B>(state: &State, request: &axum::http::Request<B>) -> bool {
    let judged = state.hosts.check_request(request.uri(), request.headers(), request.version());
    judged.is_ok()
        && request.headers().len() <= MAX_HEADERS
        && !request.headers().contains_key(header::TRANSFER_ENCODING)
}

fn check_request(state: &State, request: &Request) -> Option<Response> {
    // hyper counts those of HTTP/1 itself.
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
    // A body comes with its length. Where `Transfer-Encoding` and `Content-Length` come together, two servers
    // may disagree on where a request ends, and hyper hides the second from us; so neither chunks nor both.
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

/// An answer after which the connection ends: nobody knows what comes next on it.
fn closing_response(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, HeaderValue::from_static("close"))]).into_response()
}
