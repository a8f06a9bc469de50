//! Middleware of the admin: sessions, cross-site checks, reauthentication, headers, error pages.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State as FromState};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use super::preview::stylesheet_hashes;
use crate::state::State;
use crate::web::access::{csrf, session};
use crate::web::edge::{headers, threads};
use crate::web::error;
use crate::web::page::error_page::{SessionExpiredLayer, preserve_form, render_admin_error};
use crate::web::sign_in::pending_form::resume_form;
use crate::web::sign_in::reauth::{ReauthLayer, require_reauth};

/// The paths of pages with a composer. A form that is continued after a login may be one.
const COMPOSERS: [&str; 4] = ["/admin/incidents", "/admin/maintenances", "/admin/drafts", "/admin/pending-forms"];

/// The router of the admin. The outer layers respond to every failure, even a panic or an expired session, with a page
/// that returns the submitted form.
pub fn router(state: &State) -> Router<State> {
    let (router, table) = super::routes().into_parts();
    let asking = ReauthLayer::new(state, &table);
    let keeping = SessionExpiredLayer::new(state, &table);
    let router = router
        // `preserve_form` has limited the body.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(asking, require_reauth))
        .layer(from_fn_with_state(state.clone(), render_admin_error))
        .layer(session::session_layer(state))
        .layer(from_fn(session::keep_cookie_for_scripts))
        .layer(from_fn_with_state(state.clone(), csrf::reject_cross_origin))
        .layer(CatchPanicLayer::custom(error::panic_response))
        .layer(from_fn_with_state(state.admin_requests().clone(), threads::run_in_background))
        .layer(from_fn_with_state(keeping, preserve_form));
    let admin = router.clone().with_state(state.clone());
    router.layer(from_fn_with_state(admin, resume_form)).layer(from_fn_with_state(state.clone(), with_admin_headers))
}

/// The composers frame previews of the public page, which inherit their policy: it allows the page's stylesheets too.
async fn with_admin_headers(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let composes = COMPOSERS.iter().any(|path| request.uri().path().starts_with(path));
    let shown = composes.then(|| state.publisher.snapshot()).flatten();
    let styles = shown.map(|shown| stylesheet_hashes(&shown.page)).unwrap_or_default();
    headers::add_admin_headers(request, next, &styles).await
}
