//! The front of the server: sends prepared responses, and passes other requests to the router.
//!
//! Most requests are for a document that is already rendered. Such a response costs a host check, a lookup and a copy
//! of prepared headers: no layer, no allocation for text, no formatting. So it has no request id and no log line, which
//! would cost more than the response; it is counted (`web::edge::prometheus`), and the reverse proxy has the access
//! log. Responses of the router have both.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, Uri};
use axum::{BoxError, Router};
use bytes::Bytes;
use http_body_util::{Either, Full};
use http_connection::{AmbiguousLength, PathMap, Responder, ResponseBody, ResponseFuture};
use hyper::body::{Body, Incoming};
use hyper::{Response, StatusCode};
use tower::ServiceExt as _;

use super::body_timeout::TimedBody;
use super::{assets, request_checks};
use crate::counters::ResponseClass;
use crate::domain::IncidentId;
use crate::net::peer::Peer;
use crate::publish::address::{canonical_path, has_known_parameter, is_hot_only};
use crate::publish::previous_address::previous_targets;
use crate::publish::{OnDemandPage, PreparedResponse};
use crate::state::State;
use crate::web::error::{self, PreparedNotFound};
use crate::web::{admin, api, public, router};

/// Answers all requests; cheap to clone.
#[derive(Clone)]
pub struct FastPath(Arc<Parts>);

struct Parts {
    state: State,
    router: Router,
    files: PathMap<PreparedResponse>,
    not_found: PreparedNotFound,
    /// The first segments of the admin's and the management API's paths.
    private_segments: HashSet<&'static str>,
    body_timeout: Duration,
}

impl FastPath {
    pub fn new(state: State, body_timeout: Duration) -> Self {
        let (router, files) = (router(state.clone()), assets::prepared_files(state.is_secure()));
        let (admin, api) = (admin::routes(), api::routes());
        let paths = admin.table().iter().map(|route| route.path).chain(api.table().iter().map(|line| line.path));
        let private_segments = paths.map(first_segment).collect();
        let not_found = PreparedNotFound::new(state.is_secure());
        Self(Arc::new(Parts { state, router, files, not_found, private_segments, body_timeout }))
    }

    /// The service for one connection.
    pub fn connection(&self, peer: Peer) -> Connection {
        Connection { front: self.clone(), peer, ambiguous: AmbiguousLength::default() }
    }

    /// Answers a request; `peer` is `None` in tests without a connection.
    pub fn respond<B>(&self, request: Request<B>, peer: Option<Peer>) -> ResponseFuture
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        match self.find_prepared(&request) {
            Some(response) => ResponseFuture::ready(response),
            None => ResponseFuture::Pending(Box::pin(self.clone().route(request, peer))),
        }
    }

    fn find_prepared<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let head_only = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => return None,
        };
        if !request_checks::is_wellformed(&self.0.state, request) {
            return None;
        }
        let (uri, headers) = (request.uri(), request.headers());
        let found = self.lookup(uri, headers, head_only).or_else(|| self.known_missing(uri, headers, head_only));
        let (class, response) = found?;
        self.0.state.responses().count(class, response.status());
        Some(response)
    }

    /// The response from the published site, a static file or the cache of on-demand pages.
    fn lookup(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        head_only: bool,
    ) -> Option<(ResponseClass, Response<Full<Bytes>>)> {
        let publisher = &self.0.state.publisher;
        let path = uri.path();
        if !has_known_query(uri)
            && let Some(answer) = publisher.live_site().response(path)
        {
            return Some((ResponseClass::Site, answer.respond(headers, head_only)));
        }
        if let Some(answer) = self.0.files.get(path) {
            return Some((ResponseClass::File, answer.respond(headers, head_only)));
        }
        if let Some(answer) = publisher.cached(cache_key(uri)) {
            return Some((ResponseClass::Cached, answer.respond(headers, head_only)));
        }
        // The form of the history sends all parameters, even empty ones, so its key is normalized.
        let kept = public::history_cache_key(uri)?;
        if let Some(answer) = publisher.live_site().response(&kept) {
            return Some((ResponseClass::Site, answer.respond(headers, head_only)));
        }
        Some((ResponseClass::Cached, publisher.cached(&kept)?.respond(headers, head_only)))
    }

    /// The 404 if the path is known to be missing: the published site alone could answer it, or the database had no
    /// such page since the last change. This keeps scanners away from the database.
    fn known_missing(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        head_only: bool,
    ) -> Option<(ResponseClass, Response<Full<Bytes>>)> {
        let (publisher, path) = (&self.0.state.publisher, uri.path());
        let served = publisher.live_site();
        if served.site.revision == 0 {
            return None;
        }
        let class = if !self.0.private_segments.contains(first_segment(path)) && is_hot_only(path) {
            if self.may_redirect(path) {
                return None;
            }
            ResponseClass::Site
        } else if publisher.is_known_missing(cache_key(uri)) {
            ResponseClass::Cached
        } else {
            return None;
        };
        let answer = if error::wants_json(path, headers) {
            self.0.not_found.response(path)
        } else {
            served.error(StatusCode::NOT_FOUND.as_u16())?
        };
        Some((class, answer.respond(headers, head_only)))
    }

    /// Whether the router may answer an unknown path with a redirect.
    fn may_redirect(&self, path: &str) -> bool {
        let is_missing =
            |id: IncidentId| self.0.state.publisher.is_known_missing(&OnDemandPage::Incident(id).address());
        canonical_path(path).is_some() || previous_targets(path).any(|target| !target.event.is_some_and(is_missing))
    }

    async fn route<B>(self, request: Request<B>, peer: Option<Peer>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut request = request;
        strip_slashes(request.uri_mut());
        api::strip_json_suffix(request.uri_mut());
        let class = ResponseClass::from_path(request.uri().path());
        let timeout = self.0.body_timeout;
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                axum::body::Body::empty()
            } else {
                axum::body::Body::new(TimedBody::new(body, timeout))
            }
        });
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer.address));
            request.extensions_mut().insert(peer.transport);
        }
        let Ok(response) = self.0.router.clone().oneshot(request).await;
        self.0.state.responses().count(class, response.status());
        response.map(Either::Right)
    }
}

/// Removes slashes at the end of a path of the management API.
fn strip_slashes(uri: &mut Uri) {
    let path = uri.path().trim_end_matches('/');
    if path.len() == uri.path().len() || !path.starts_with(api::PREFIX) {
        return;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    if let Ok(bare) = Uri::from_parts(parts) {
        *uri = bare;
    }
}

/// Whether the query has a parameter that changes the response.
fn has_known_query(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| has_known_parameter(uri.path(), query))
}

/// Cache key of a page that is rendered on demand.
fn cache_key(uri: &Uri) -> &str {
    uri.path_and_query().filter(|_| has_known_query(uri)).map_or(uri.path(), |whole| whole.as_str())
}

/// The part of a path between its first two slashes.
pub fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

#[derive(Clone)]
pub struct Connection {
    front: FastPath,
    peer: Peer,
    ambiguous: AmbiguousLength,
}

impl Connection {
    /// For the reader of the connection.
    pub fn ambiguous_length(&self) -> AmbiguousLength {
        self.ambiguous.clone()
    }
}

impl Responder for Connection {
    fn find_prepared(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.front.find_prepared(request)
    }

    fn route(&self, mut request: Request<Incoming>) -> ResponseFuture {
        if self.ambiguous.is_set() {
            request.extensions_mut().insert(self.ambiguous.clone());
        }
        ResponseFuture::Pending(Box::pin(self.front.clone().route(request, Some(self.peer))))
    }
}
