//! Protection against cross-site requests.
//!
//! A request that may change something must be same-origin by `Sec-Fetch-Site`, which every current browser sends, or
//! else by `Origin`. Without either header it is refused: the rule of Go's CrossOriginProtection, but failing closed.

use axum::extract::{Request, State as FromState};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::denied_audit;
use crate::domain::audit::Action;
use crate::state::State;
use crate::web::Error;
use crate::web::edge::client_ip::ClientAddress;

pub async fn reject_cross_origin(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_same_origin(request.headers(), &state.origin) {
        return next.run(request).await;
    }
    if is_known_path(request.uri().path()) {
        let address = request.extensions().get().copied().unwrap_or(ClientAddress(None));
        let what = denied_audit::describe_request(request.method(), request.uri().path());
        denied_audit::record_anonymous_denial(&state, address, Action::ManagerDenyCrossSite, &what).await;
    }
    Error::Foreign.into_response()
}

/// Whether a denied request gets an audit row: only on paths that act for a manager.
fn is_known_path(path: &str) -> bool {
    ["/admin", "/forgotten", "/login", "/logout", "/setup"].iter().any(|begin| path.starts_with(begin))
}

fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(from)) => from == origin,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_same_origin(&headers, "https://status.example.org")
    }

    #[test]
    fn cross_origin_changes_are_rejected() {
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("sec-fetch-site", "none")]));
        assert!(ours(&[("origin", "https://status.example.org")]));
        for site in ["same-site", "cross-site", "", "SAME-ORIGIN"] {
            assert!(!ours(&[("sec-fetch-site", site), ("origin", "https://status.example.org")]), "{site}");
        }
        for origin in [
            "null",
            "https://status.example.org.evil.test",
            "http://status.example.org",
            "https://status.example.org:8443",
            "https://STATUS.example.org",
            "https://status.example.org.",
            "https://evil.test",
        ] {
            assert!(!ours(&[("origin", origin)]), "{origin}");
        }
        assert!(!ours(&[]));
    }
}
