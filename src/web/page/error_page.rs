//! Error pages of the admin, with the text that was submitted.
//!
//! They cover every form in the route table: [`preserve_form`] reads the body and passes it on. [`render_admin_error`]
//! renders an error that has no page, for the logged-in manager. If that needs a database that is unavailable,
//! [`preserve_form`] renders the error in the layout of the login.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State as FromState};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::layout::{admin_context, logged_out_layout, offline_layout};
use super::submitted_text::{MAX_ECHO_ANONYMOUS, MAX_ECHO_MANAGER, SubmittedForm};
use crate::db;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{AdminError, ErrorLayout, ExpiredLogin, TypedForm};
use crate::web::access::manager::{CanEnter, Manager};
use crate::web::access::routes::{Access, Route};
use crate::web::edge::headers::Nonce;
use crate::web::edge::threads;
use crate::web::error::{CrossOriginDenied, FactorRequired, LoginRequired, factors_path, message_of, wants_json};
use crate::web::sign_in::login::login_page;
use crate::web::sign_in::pending_form::keep_form;

/// Longest wait for the layout of the logged-in manager.
const LAYOUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The routes that take forms.
#[derive(Clone)]
pub struct SessionExpiredLayer {
    state: State,
    routes: Arc<HashMap<&'static str, Access>>,
}

impl SessionExpiredLayer {
    pub fn new(state: &State, table: &[Route]) -> Self {
        let posts = table.iter().filter(|route| route.method == Method::POST);
        Self { state: state.clone(), routes: Arc::new(posts.map(|route| (route.path, route.access)).collect()) }
    }

    fn access(&self, parts: &Parts) -> Option<Access> {
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str)?;
        (parts.method == Method::POST).then(|| self.routes.get(path).copied()).flatten()
    }
}

/// Reads a form before its handler runs, and returns it with an error that has no page.
pub async fn preserve_form(
    FromState(keeping): FromState<SessionExpiredLayer>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(access) = keeping.access(&parts) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let sent = SubmittedForm::read(&parts, access, body).await;
    parts.extensions.insert(sent.clone());
    let response = next.run(Request::from_parts(parts, sent.body())).await;
    if !needs_page(&response) {
        return response;
    }
    match sent.typed(MAX_ECHO_ANONYMOUS) {
        Some(typed) => {
            let around = ErrorLayout::Plain(offline_layout(&keeping.state));
            error_response(response, around, Some((&sent, typed))).await
        }
        None => response,
    }
}

/// Renders an error that has no page as a page of the admin, if a manager is logged in.
pub async fn render_admin_error(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let sent = parts.extensions.remove::<SubmittedForm>();
    let mut asked = parts.clone();
    let response = match sent.as_ref().and_then(SubmittedForm::error) {
        Some(fault) => fault.into_response(),
        None => next.run(Request::from_parts(parts, body)).await,
    };
    match sent {
        Some(sent) => form_error_page(&state, &mut asked, response, &sent).await,
        None => page_error_page(&state, &mut asked, response).await,
    }
}

async fn form_error_page(state: &State, asked: &mut Parts, response: Response, sent: &SubmittedForm) -> Response {
    if let Some(LoginRequired(next)) = response.extensions().get().cloned() {
        let typed = sent.typed(MAX_ECHO_ANONYMOUS).filter(|typed| sent.is_guarded && !typed.shown.is_empty());
        let Some(typed) = typed else { return response };
        return session_expired_page(state, asked, next, (sent, typed)).await;
    }
    if response.extensions().get::<FactorRequired>().is_some() {
        let typed = sent.typed(MAX_ECHO_ANONYMOUS).filter(|typed| sent.is_guarded && !typed.shown.is_empty());
        let kept = if typed.is_some() { kept_form(state, asked, sent).await } else { None };
        return kept.map_or(response, |path| Redirect::to(&factors_path(&path)).into_response());
    }
    // Without the database, the layout can't be loaded either.
    if !needs_page(&response) || response.status() == StatusCode::SERVICE_UNAVAILABLE || !sent.is_guarded {
        return response;
    }
    let Some(shell) = load_layout(state, asked).await else { return response };
    match sent.typed(MAX_ECHO_MANAGER) {
        Some(typed) => error_response(response, ErrorLayout::Admin(Box::new(shell)), Some((sent, typed))).await,
        None if is_described(asked, &response) => {
            error_response(response, ErrorLayout::Admin(Box::new(shell)), None).await
        }
        None => response,
    }
}

async fn page_error_page(state: &State, asked: &mut Parts, response: Response) -> Response {
    if !is_described(asked, &response) {
        return response;
    }
    match load_layout(state, asked).await {
        Some(shell) => error_response(response, ErrorLayout::Admin(Box::new(shell)), None).await,
        None => response,
    }
}

/// Whether the response is an error without a page.
fn needs_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    is_plain && (response.status().is_client_error() || response.status().is_server_error())
}

/// Whether the error page has a text for this status without a form.
fn is_described(asked: &Parts, response: &Response) -> bool {
    let path = asked.uri.path();
    (path == "/admin" || path.starts_with("/admin/"))
        && !wants_json(path, &asked.headers)
        && !response.headers().contains_key(header::CONTENT_TYPE)
        && AdminError::DESCRIBED_STATUSES.contains(&response.status().as_u16())
}

async fn load_layout(state: &State, asked: &mut Parts) -> Option<AdminContext> {
    let loading = async {
        let manager = Manager::<CanEnter>::from_request_parts(asked, state).await.ok()?;
        let mut tx = state.db.read().await.ok()?;
        let shell: db::Result<AdminContext> = admin_context(state, &mut tx, &manager, &Fields::default()).await;
        shell.inspect_err(|error| tracing::debug!("an error could not be shown in the admin: {error}")).ok()
    };
    tokio::time::timeout(LAYOUT_TIMEOUT, loading).await.ok().flatten()
}

/// The path that continues the form, if it could be kept.
async fn kept_form(state: &State, asked: &Parts, sent: &SubmittedForm) -> Option<String> {
    keep_form(state, &asked.headers, sent).await.unwrap_or_else(|error| {
        tracing::debug!("a form was not kept: {error}");
        None
    })
}

/// The login on the page of the form; after it the form goes on. If the form can't be kept, the manager logs in in
/// another tab and sends it from here.
async fn session_expired_page(
    state: &State,
    asked: &Parts,
    next: String,
    (sent, typed): (&SubmittedForm, TypedForm),
) -> Response {
    let nonce = asked.extensions.get::<Nonce>().map(|nonce| nonce.0.clone()).unwrap_or_default();
    let shell = logged_out_layout(state, &nonce).await;
    let login = match kept_form(state, asked, sent).await {
        Some(path) => ExpiredLogin::Here(Box::new(login_page(state, shell.clone(), String::new(), path, None))),
        None => ExpiredLogin::NewTab(next.clone()),
    };
    let action = matches!(login, ExpiredLogin::NewTab(_)).then(|| sent.address.clone());
    let (around, status) = (ErrorLayout::Plain(shell), StatusCode::UNAUTHORIZED);
    let page =
        AdminError { around, status: status.as_u16(), detail: None, typed: Some(typed), action, login: Some(login) };
    let html = threads::render_in_background(move || page.html()).await;
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], html).into_response()
}

async fn error_response(
    response: Response,
    around: ErrorLayout,
    form: Option<(&SubmittedForm, TypedForm)>,
) -> Response {
    let (mut head, _) = response.into_parts();
    let is_foreign = head.extensions.get::<CrossOriginDenied>().is_some();
    let detail = message_of(&head.extensions);
    let status = head.status.as_u16();
    let (address, typed) = form.map(|(sent, typed)| (sent.address.clone(), typed)).unzip();
    // A form from another site must not be submitted from our page.
    let goes_again = !is_foreign && typed.as_ref().is_some_and(|typed| typed.is_whole) && !matches!(status, 404 | 413);
    let failure = AdminError { around, status, detail, typed, action: address.filter(|_| goes_again), login: None };
    let html = threads::render_in_background(move || failure.html()).await;
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, Body::from(html))
}
