//! The HTTP edge: which address leads where, who may go there, and what every answer carries.

pub mod access;
pub mod admin;
pub mod api;
pub mod edge;
pub mod error;
pub mod form;
pub mod page;
pub mod public;
pub mod sign_in;

pub use edge::fast_path::FastPath;
pub use error::Error;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

use access::csrf;
use edge::{client_ip, headers, request_checks};

use crate::state::State;

/// The largest body of a request: the longest text of an update, every character escaped in the
/// longest way, and the other fields, in bytes.
pub(crate) const MAX_BODY: usize = 512 * 1024;

/// What a handler answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every address Candor answers, but for what the [`FastPath`] has ready.
fn router(state: State) -> Router {
    // It judges what is sent itself, so that its pages can give it back.
    let admin = admin::router::router(&state);
    let public = public::router()
        .fallback(public::not_found)
        .layer(from_fn_with_state(state.clone(), csrf::reject_cross_origin));
    Router::new()
        .merge(public)
        .merge(api::router())
        // Inside of what makes a page of its refusal and adds the headers.
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .merge(admin)
        .layer(CatchPanicLayer::custom(error::panic_response))
        .layer(from_fn_with_state(state.clone(), request_checks::reject_malformed))
        .layer(from_fn_with_state(state.clone(), error::render_error))
        .layer(from_fn_with_state(state.clone(), client_ip::resolve_address))
        .layer(from_fn_with_state(state.clone(), headers::add_default_headers))
        .layer(TraceLayer::new_for_http().make_span_with(headers::request_span).on_failure(headers::log_failure))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn(headers::drop_client_request_id))
        .with_state(state)
}
