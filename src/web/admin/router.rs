//! What every page of the admin passes: sessions, cross-site checks, confirmation, headers, error pages.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use crate::state::State;
use crate::web::access::{csrf, session};
use crate::web::edge::{headers, threads};
use crate::web::error;
use crate::web::page::error_page::{Keeping, keep, tell};
use crate::web::sign_in::reauth::{Asking, ask};

/// The router of the admin. The outer layers answer every failure, a panic and a lost session included, with a page that
/// gives back what was typed.
pub fn router(state: &State) -> Router<State> {
    let (router, table) = super::routes().into_parts();
    let asking = Asking::new(state, &table);
    let keeping = Keeping::new(state, &table);
    router
        .layer(from_fn_with_state(asking, ask))
        .layer(from_fn_with_state(state.clone(), tell))
        .layer(session::layer(state))
        .layer(from_fn_with_state(state.clone(), csrf::refuse_foreign))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn(threads::apart))
        .layer(from_fn_with_state(keeping, keep))
        .layer(from_fn(with_admin_headers))
}

async fn with_admin_headers(request: Request, next: Next) -> Response {
    headers::admin(request, next).await
}
