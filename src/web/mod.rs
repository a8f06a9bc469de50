//! HTTP layer: routes, access control, and the headers of every response.

pub mod access;
pub mod admin;
pub mod api;
pub mod edge;
mod erased_handler;
pub mod error;
pub mod form;
pub mod page;
pub mod public;
pub mod sign_in;
pub mod subscribe;

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

/// Largest request body in bytes: the longest update with every character escaped the longest way, and the other
/// fields.
pub(crate) const MAX_BODY: usize = 512 * 1024;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All routes; the [`FastPath`] answers some of them earlier.
fn router(state: State) -> Router {
    // The admin limits its bodies itself, so that its error pages can return the submitted form.
    let admin = admin::router::router(&state);
    let public = public::router()
        .fallback(public::not_found)
        .layer(from_fn_with_state(state.clone(), csrf::reject_cross_origin));
    Router::new()
        .merge(public)
        .merge(public::cross_site_router())
        .merge(api::router())
        // Inside the layers that render the error page and add the headers.
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
