//! What every answer carries, whatever its status.

use axum::extract::{Request, State as FromState};
use axum::http::header::{self, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Span;

use super::public::for_everybody;
use crate::publish::{PROTECTING, STRICTEST, TLS_ONLY};
use crate::state::State;

/// Adds what is missing; a handler's own value wins. What the front has ready carries the same already.
pub async fn add(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let shared = for_everybody(request.uri().path());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in shared.into_iter().flatten().chain(PROTECTING) {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(STRICTEST);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if state.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    response
}

/// The request id is ours: what a client sends in its place is forgotten.
pub async fn forget_foreign_request_id(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove("x-request-id");
    next.run(request).await
}

/// The span of a request in the log: its method, its path without the query (which may hold what a
/// visitor searched for), its id.
pub fn span<B>(request: &axum::http::Request<B>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", id, method = %request.method(), path = told_path(request.uri().path()))
}

/// A path as it may be told: that of a one-time link is a secret.
pub fn told_path(path: &str) -> &str {
    if path.trim_start_matches('/').starts_with("setup/") { "/setup/…" } else { path }
}

/// The value that lets this page's own scripts run, new for every answer.
#[derive(Clone, Debug)]
pub struct Nonce(pub String);

/// What an admin page may load: its own scripts by their nonce, our stylesheet and what `style` names.
pub fn admin_policy(nonce: &str, style: &str) -> String {
    let gap = if style.is_empty() { "" } else { " " };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'{gap}{style}; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
         object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Gives an admin page its [`Nonce`] and the policy that names it; nothing of the admin is cached.
pub async fn admin(mut request: Request, next: Next) -> Response {
    let nonce = crate::db::hex(&crate::db::random::<16>());
    request.extensions_mut().insert(Nonce(nonce.clone()));
    let mut response = next.run(request).await;
    if let Ok(policy) = HeaderValue::from_str(&admin_policy(&nonce, "")) {
        response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
