//! Which responses scripts of any origin may read.

use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::publish::CORS_HEADERS;
use crate::publish::address::{PublicAddress, is_api_path, is_cross_origin};

/// `OPTIONS`: CORS preflight; any origin is allowed.
pub async fn preflight(uri: Uri) -> Response {
    let methods = PublicAddress::find(uri.path()).map_or(&[][..], PublicAddress::methods);
    let (listed, allow) = match methods {
        ["POST"] => ("POST", "POST,OPTIONS"),
        ["DELETE"] => ("DELETE", "DELETE,OPTIONS"),
        _ => ("GET, HEAD", "GET,HEAD,OPTIONS"),
    };
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(listed)),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
        (header::ALLOW, HeaderValue::from_static(allow)),
    ];
    (StatusCode::NO_CONTENT, CORS_HEADERS, allowed).into_response()
}

/// The CORS headers at `path`, if scripts of any origin may read it.
pub fn cors_headers(path: &str) -> Option<[(HeaderName, HeaderValue); 2]> {
    is_cross_origin(path).then_some(CORS_HEADERS)
}

/// The CORS headers of an error at `path`.
pub fn error_cors_headers(path: &str) -> Option<[(HeaderName, HeaderValue); 2]> {
    (is_api_path(path) || is_cross_origin(path)).then_some(CORS_HEADERS)
}
