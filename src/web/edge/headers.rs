//! Headers of every response, whatever its status.

use std::time::Duration;

use axum::extract::{Request, State as FromState};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::classify::ServerErrorsFailureClass;
use tracing::Span;
use url::form_urlencoded;

use crate::log_limit::{FAULTS, LogPermit};
use crate::publish::{CSP_NONE, HSTS, SECURITY_HEADERS};
use crate::state::State;
use crate::web::public::{cors_headers, error_cors_headers};

/// Adds missing headers; a handler's own value wins. Prepared responses have the same headers already.
pub async fn add_default_headers(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (shared, shared_error) = (cors_headers(path), error_cors_headers(path));
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let shared = if is_error { shared_error } else { shared };
    let headers = response.headers_mut();
    for (name, value) in shared.into_iter().flatten().chain(SECURITY_HEADERS) {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CSP_NONE);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if state.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// Request ids are our own; the client's is dropped.
pub async fn drop_client_request_id(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove("x-request-id");
    next.run(request).await
}

/// The log span of a request: its id, method and path, without the query, which may hold search terms.
pub fn request_span<B>(request: &axum::http::Request<B>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let method = request.method().as_str();
    let method = if method.len() > MAX_LOGGED_METHOD { "…" } else { method };
    tracing::info_span!("request", id, method, path = loggable_path(request.uri().path()))
}

/// Logs a failed request, unless clients can provoke the failure at will: an unknown method, a full queue, or an
/// outage, which has its own log lines.
pub fn log_failure(failure: ServerErrorsFailureClass, latency: Duration, _: &Span) {
    if let ServerErrorsFailureClass::StatusCode(StatusCode::NOT_IMPLEMENTED | StatusCode::SERVICE_UNAVAILABLE) = failure
    {
        tracing::debug!("request failed: {failure}");
    } else if let Some(LogPermit { left_out }) = FAULTS.acquire() {
        let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(left_out, milliseconds, "request failed: {failure}");
    }
}

/// Longest path in the log, in characters, and longest method, in bytes.
const MAX_LOGGED_PATH: usize = 200;
const MAX_LOGGED_METHOD: usize = 16;
/// Length of the token in a one-time link; our ids are shorter.
const LINK_TOKEN_LENGTH: usize = 43;
/// Length of the signature after the dot in the link of a subscriber.
const SIGNATURE_LENGTH: usize = 22;
/// What follows is the token of a link.
const PATHS_BEFORE_TOKENS: [&str; 4] = ["setup", "confirm", "manage", "unsubscribe"];

/// A path for the log: truncated, and without the token of a one-time link, however the path is encoded.
pub fn loggable_path(path: &str) -> String {
    let mut after_setup = false;
    let shown = |segment: &'_ str| {
        // An escaped `setup` is another path, but the token after it is still secret.
        let decoded = form_urlencoded::parse(segment.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
        let has_signature = decoded.split('.').skip(1).any(|part| part.len() >= SIGNATURE_LENGTH);
        let is_secret = after_setup && !segment.is_empty() || segment.len() >= LINK_TOKEN_LENGTH || has_signature;
        after_setup |= PATHS_BEFORE_TOKENS.iter().any(|name| decoded.eq_ignore_ascii_case(name));
        if is_secret { "…".to_owned() } else { segment.to_owned() }
    };
    let shown: Vec<String> = path.split('/').map(shown).collect();
    let shown = shown.join("/");
    match shown.char_indices().nth(MAX_LOGGED_PATH) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The CSP nonce of the page's scripts, new for every response.
#[derive(Clone, Debug)]
pub struct Nonce(pub String);

/// The CSP of an admin page: its scripts by nonce, our stylesheet, and the style sources in `style`.
pub fn admin_csp(nonce: &str, style: &str) -> String {
    let gap = if style.is_empty() { "" } else { " " };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'{gap}{style}; img-src 'self' data:; connect-src 'self'; frame-src 'self'; \
         form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Adds the [`Nonce`] and the CSP to an admin page, and disables caching. `styles` are further style sources.
pub async fn add_admin_headers(mut request: Request, next: Next, styles: &str) -> Response {
    let nonce = crate::format::hex(&crate::credentials::random_bytes::<16>());
    request.extensions_mut().insert(Nonce(nonce.clone()));
    let mut response = next.run(request).await;
    if let Ok(policy) = HeaderValue::from_str(&admin_csp(&nonce, styles)) {
        response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::loggable_path;

    #[test]
    fn link_token_is_never_logged() {
        let token = crate::credentials::secret_token::fresh_token();
        for path in ["/setup/", "//setup/", "/setup//", "/x/setup/", "/Setup/", "/%73etup/", "/s%65tup/x/", "/"] {
            let logged = loggable_path(&format!("{path}{token}"));
            assert!(!logged.contains(&token) && logged.ends_with('…'), "{logged}");
            assert!(!loggable_path(&format!("{path}{token}/more")).contains(&token), "{path}");
        }
        assert_eq!(loggable_path("/setup/short"), "/setup/…");
        let signed = "k2v7xq0m4c9z.AbCdEfGhIjKlMnOpQrStUv";
        for path in ["/subscribe/confirm/", "/subscribe/manage/", "/subscribe//unsubscribe/", "/api/v2/subscribers/"] {
            assert!(!loggable_path(&format!("{path}{signed}.json")).contains("AbCd"), "{path}");
        }
        assert!(!loggable_path("/api/v2/subscribers/k2v7xq0m4c9z%2EAbCdEfGhIjKlMnOpQrStUv").contains("AbCd"));
    }

    #[test]
    fn logged_path_is_short() {
        for path in ["/admin/incidents/q9s3e7u1a5lh/edit", "/", "//", ""] {
            assert_eq!(loggable_path(path), path);
        }
        assert_eq!(loggable_path(&"/x".repeat(4_000)).chars().count(), 201);
        assert_eq!(loggable_path(&format!("/{}", "é".repeat(4_000))), "/…");
    }
}
