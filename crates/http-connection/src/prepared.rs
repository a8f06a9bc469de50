//! What every prepared response goes through: reading request headers, and copying response headers.
//!
//! Not inlined, because a function that is inlined into one compiled for size is compiled for size too.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The value of the first header with this name.
#[inline(never)]
pub fn find_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

/// A response with a copy of `headers`.
#[inline(never)]
pub fn build_response(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}
