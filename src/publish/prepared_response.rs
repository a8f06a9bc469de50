//! A document with its response headers, which the first request builds and later ones copy. All public documents are
//! served through this type: hot pages, on-demand pages and files.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use http_connection::{Conditions, build_response};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::document::CrossOrigin;
use super::stale::{CONFIRMED_AT_HEADER, Staleness};
use super::{Document, Encoding};

/// Headers of every response, whatever its status.
pub const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"),
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The policy for documents other than pages: no loading, no framing.
pub const CSP_NONE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Sent with every response if the site is served over TLS.
pub const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// For documents that any origin may read.
pub const CORS_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
];

/// Pages are cached for seconds, and for a day while this server is unreachable.
pub const CACHE_SHORT: HeaderValue =
    HeaderValue::from_static("public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=86400");

/// For pages with few readers. Caches refresh them rarely, so a copy may show content withdrawn long ago;
/// `stale-if-error` is five minutes here.
pub const CACHE_BRIEF: HeaderValue =
    HeaderValue::from_static("public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=300");

/// For documents whose path changes with their content.
pub const CACHE_FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

#[derive(Clone, Debug)]
pub struct ResponsePolicy {
    /// For successful responses; errors are never cached.
    pub cache_control: HeaderValue,
    pub content_security_policy: HeaderValue,
    /// Whether the site is served over TLS.
    pub secure: bool,
    pub staleness: Option<Staleness>,
    /// `Last-Modified` is omitted while it would be later (RFC 9110, 8.8.2.1).
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct PreparedResponse {
    document: Arc<Document>,
    policy: Arc<ResponsePolicy>,
    status: StatusCode,
    /// By encoding. Built by the first request for it: most documents of a revision get none.
    headers: [OnceLock<ResponseHeaders>; 3],
}

#[derive(Clone, Debug)]
struct ResponseHeaders {
    full: HeaderMap,
    not_modified: HeaderMap,
}

impl PreparedResponse {
    pub fn new(document: Arc<Document>, policy: impl Into<Arc<ResponsePolicy>>) -> Self {
        let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { document, policy: policy.into(), status, headers: Default::default() }
    }

    fn headers(&self, encoding: Encoding) -> &ResponseHeaders {
        self.headers[encoding as usize].get_or_init(|| {
            let full = response_headers(&self.document, encoding, self.status, &self.policy);
            let mut not_modified = full.clone();
            not_modified.remove(header::CONTENT_ENCODING);
            ResponseHeaders { full, not_modified }
        })
    }

    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The response to a request with these headers. With `head_only` it has no body, but its `Content-Length`.
    pub fn respond(&self, request: &HeaderMap, head_only: bool) -> Response<Full<Bytes>> {
        let Conditions { encoding, if_none_match, if_modified_since } = Conditions::from_headers(request);
        let headers = self.headers(encoding);
        let is_known = match (if_none_match, if_modified_since) {
            (Some(tags), _) => self.document.matches(tags),
            (None, Some(since)) => self.is_unmodified_since(since, &headers.full),
            (None, None) => false,
        };
        if is_known && self.status == StatusCode::OK {
            return build_response(StatusCode::NOT_MODIFIED, &headers.not_modified, Bytes::new());
        }
        let bytes = self.document.bytes(encoding);
        if !head_only {
            return build_response(self.status, &headers.full, bytes.clone());
        }
        let mut response = build_response(self.status, &headers.full, Bytes::new());
        response.headers_mut().insert(header::CONTENT_LENGTH, bytes.len().into());
        response
    }

    fn is_unmodified_since(&self, since: &[u8], own: &HeaderMap) -> bool {
        let Some(own) = own.get(header::LAST_MODIFIED) else { return false };
        // Most clients repeat the header that they got.
        own == since
            || parse_http_date(since).zip(self.document.changed_at()).is_some_and(|(since, changed)| changed <= since)
    }

    /// The approximate memory use once every encoding was requested, in bytes.
    pub fn weight(&self) -> usize {
        self.document.weight() + HEADERS_WEIGHT
    }
}

/// The approximate memory use of one document's headers, in bytes.
const HEADERS_WEIGHT: usize = 12 * 1024;

fn response_headers(document: &Document, encoding: Encoding, status: StatusCode, policy: &ResponsePolicy) -> HeaderMap {
    let mut fields: HeaderMap = SECURITY_HEADERS.into_iter().collect();
    fields.extend(HeaderValue::from_str(&document.content_type).map(|kind| (header::CONTENT_TYPE, kind)));
    let is_page = document.content_type.starts_with("text/html");
    fields.insert(
        header::CONTENT_SECURITY_POLICY,
        if is_page { policy.content_security_policy.clone() } else { CSP_NONE },
    );
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if status == StatusCode::OK {
        fields.insert(header::CACHE_CONTROL, policy.cache_control.clone());
        fields.extend(HeaderValue::from_str(document.etag(encoding)).map(|tag| (header::ETAG, tag)));
        // Of a stale document, only the entity tag tells that it is stale.
        let changed_at = document.changed_at().filter(|at| policy.staleness.is_none() && *at <= policy.now);
        fields.extend(changed_at.and_then(http_date).map(|at| (header::LAST_MODIFIED, at)));
        fields.extend(policy.staleness.as_ref().and_then(Staleness::header_value).map(|at| (CONFIRMED_AT_HEADER, at)));
    } else {
        fields.insert(header::CACHE_CONTROL, NO_STORE);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        fields.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if let CrossOrigin::FramedBy(origins) = &document.reach
        && let Some(framable) = csp_with_frame_ancestors(&policy.content_security_policy, origins)
    {
        fields.insert(header::CONTENT_SECURITY_POLICY, framable);
        fields.remove(header::X_FRAME_OPTIONS);
    }
    if document.reach == CrossOrigin::Any {
        for (name, value) in CORS_HEADERS {
            fields.insert(name, value);
        }
        if fields.contains_key(CONFIRMED_AT_HEADER) {
            fields.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_name(CONFIRMED_AT_HEADER));
        }
    }
    if policy.secure {
        fields.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if let Some(name) = encoding.name() {
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    fields
}

/// The length of an HTTP date in bytes, as in `Sun, 06 Nov 1994 08:49:37 GMT`.
const HTTP_DATE_LENGTH: usize = 29;

fn http_date(at: DateTime<Utc>) -> Option<HeaderValue> {
    HeaderValue::from_str(&at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// The obsolete forms are ignored: the client then gets the whole document.
fn parse_http_date(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == HTTP_DATE_LENGTH)?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

fn csp_with_frame_ancestors(policy: &HeaderValue, origins: &str) -> Option<HeaderValue> {
    let policy = policy.to_str().ok()?.replace("frame-ancestors 'none'", &format!("frame-ancestors {origins}"));
    HeaderValue::from_str(&policy).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(document: Document) -> PreparedResponse {
        PreparedResponse::new(
            Arc::new(document),
            ResponsePolicy {
                cache_control: CACHE_SHORT,
                content_security_policy: CSP_NONE,
                secure: true,
                staleness: None,
                now: "2026-11-08T08:49:40Z".parse().unwrap(),
            },
        )
    }

    fn request(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn each_encoding_has_its_own_headers() {
        let answer = answer(Document::html(200, "up".repeat(100)));
        for (accepted, name) in [("br", Some("br")), ("gzip", Some("gzip")), ("", None)] {
            let response = answer.respond(&request(&[(header::ACCEPT_ENCODING, accepted)]), false);
            let headers = response.headers();
            assert_eq!(headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes), name.map(str::as_bytes));
            let known = [(header::ACCEPT_ENCODING, accepted), (header::IF_NONE_MATCH, "*")];
            let known = answer.respond(&request(&known), false);
            assert_eq!(
                (known.status(), known.headers().get(header::CONTENT_ENCODING)),
                (StatusCode::NOT_MODIFIED, None)
            );
            assert_eq!(known.headers()[header::ETAG], headers[header::ETAG]);
        }
    }

    #[test]
    fn unchanged_since_is_304_without_a_tag() {
        let changed_at = "2026-11-08T08:49:37.5Z".parse().unwrap();
        let answer = answer(Document::html(200, "four".into()).with_change_time(None, changed_at));
        let status = |headers: &[(HeaderName, &str)]| answer.respond(&request(headers), false).status();
        let (since, tag) = (header::IF_MODIFIED_SINCE, header::IF_NONE_MATCH);
        let own = "Sun, 08 Nov 2026 08:49:37 GMT";
        assert_eq!(answer.respond(&HeaderMap::new(), false).headers()[header::LAST_MODIFIED], own);
        for later in [own, "Sun, 08 Nov 2026 08:49:38 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"] {
            assert_eq!(status(&[(since.clone(), later)]), StatusCode::NOT_MODIFIED, "{later}");
        }
        let long = "x".repeat(10_000);
        for other in ["Sun, 08 Nov 2026 08:49:36 GMT", "Sunday, 08-Nov-26 08:49:37 GMT", "", "0", &long] {
            assert_eq!(status(&[(since.clone(), other)]), StatusCode::OK, "{other}");
        }
        assert_eq!(status(&[(since.clone(), own), (tag, "\"other\"")]), StatusCode::OK, "the tag decides");
        let known = answer.respond(&request(&[(since, own)]), false);
        assert_eq!(known.headers()[header::LAST_MODIFIED], own);
    }

    #[test]
    fn last_modified_is_never_in_the_future() {
        let document = |at: &str| Document::html(200, "four".into()).with_change_time(None, at.parse().unwrap());
        for (at, stamp) in
            [("2026-11-08T08:49:40.9Z", Some("Sun, 08 Nov 2026 08:49:40 GMT")), ("2026-11-08T08:49:41Z", None)]
        {
            let answer = answer(document(at));
            let response = answer.respond(&HeaderMap::new(), false);
            assert_eq!(response.headers().get(header::LAST_MODIFIED).map(|it| it.to_str().unwrap()), stamp);
            let since = request(&[(header::IF_MODIFIED_SINCE, "Sun, 08 Nov 2026 08:49:41 GMT")]);
            assert_eq!(answer.respond(&since, false).status() == StatusCode::NOT_MODIFIED, stamp.is_some());
        }
    }

    #[test]
    fn errors_are_never_cached() {
        let response =
            answer(Document::html(503, "down".into())).respond(&request(&[(header::IF_NONE_MATCH, "*")]), false);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (&response.headers()[header::CACHE_CONTROL], &response.headers()[header::RETRY_AFTER]),
            (&"no-store".parse().unwrap(), &"5".parse().unwrap())
        );
    }

    #[test]
    fn cross_origin_documents_have_cors_headers() {
        let own = answer(Document::html(200, "four".into())).respond(&HeaderMap::new(), false);
        assert!(!own.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        let shared = answer(Document::cross_origin("application/json", "{}".into())).respond(&HeaderMap::new(), false);
        assert_eq!(shared.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let policies: Vec<_> = shared.headers().get_all("cross-origin-resource-policy").iter().collect();
        assert_eq!(policies, ["cross-origin"]);
    }

    #[test]
    fn head_request_returns_content_length() {
        let response = answer(Document::html(200, "four".into())).respond(&HeaderMap::new(), true);
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "4");
        assert_eq!(hyper::body::Body::size_hint(response.body()).exact(), Some(0));
    }
}
