//! The front of the server: answers what is ready, and sends the rest to the router.
//!
//! Nearly every request is for a document that was rendered long ago. It costs a check of the host, a lookup
//! and a copy of header fields made beforehand: no layer, no allocation for text, no formatting. Therefore
//! such an answer has no request id and no line in the log, either of which would cost more than the answer
//! itself; it is counted (see `metrics`), and the access log is the reverse proxy's. Everything else takes
//! the way through the router and its layers, which has both.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, Uri};
use axum::{BoxError, Router};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::{Response, StatusCode};
use tower::ServiceExt as _;

use super::body_timeout::TimedBody;
use super::{assets, request_checks};
use crate::counters::ResponseClass;
use crate::publish::PreparedResponse;
use crate::publish::address::{has_known_parameter, is_hot_only};
use crate::state::State;
use crate::web::error::{self, PreparedNotFound};
use crate::web::{admin, api, public, router};

/// The body of an answer: bytes that are ready, or what the router makes.
pub type ResponseBody = Either<Full<Bytes>, axum::body::Body>;

/// Everything that answers requests; cheap to clone.
#[derive(Clone)]
pub struct FastPath(Arc<Parts>);

struct Parts {
    state: State,
    router: Router,
    files: HashMap<String, PreparedResponse>,
    nowhere: PreparedNotFound,
    /// The first segments of the admin's and the management API's paths.
    private_segments: HashSet<&'static str>,
    body_timeout: Duration,
}

impl FastPath {
    /// The front of a server with this state.
    pub fn new(state: State, body_timeout: Duration) -> Self {
        let (router, files) = (router(state.clone()), assets::prepared_files(state.is_secure()));
        let (admin, api) = (admin::routes(), api::routes());
        let paths = admin.table().iter().map(|route| route.path).chain(api.table().iter().map(|line| line.path));
        let private_segments = paths.map(first_segment).collect();
        let nowhere = PreparedNotFound::new(state.is_secure());
        Self(Arc::new(Parts { state, router, files, nowhere, private_segments, body_timeout }))
    }

    /// What answers the requests of one connection.
    pub fn connection(&self, peer: SocketAddr) -> Connection {
        Connection { front: self.clone(), peer }
    }

    /// Answers a request; where nobody knows from whom it came, it has no peer.
    pub fn respond<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> ResponseFuture
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        match self.try_fast_path(&request) {
            Some(response) => ResponseFuture::AtOnce(ready(response.map(Either::Left))),
            None => ResponseFuture::Routed(Box::pin(self.clone().route(request, peer))),
        }
    }

    fn try_fast_path<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
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

    /// The answer that is ready for this address: the whole, or a choice of it that somebody asked for before.
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
        // The form of the history names every parameter, also those that are left empty.
        let kept = public::history_cache_key(uri)?;
        if let Some(answer) = publisher.live_site().response(&kept) {
            return Some((ResponseClass::Site, answer.respond(headers, head_only)));
        }
        Some((ResponseClass::Cached, publisher.cached(&kept)?.respond(headers, head_only)))
    }

    /// The page that says there is nothing here, where that is known: no address of ours begins like this one, or the
    /// database said so since it last changed. Whoever looks for holes asks for little else.
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
            ResponseClass::Site
        } else if publisher.is_known_missing(cache_key(uri)) {
            ResponseClass::Cached
        } else {
            return None;
        };
        let answer = if error::wants_json(path, headers) {
            self.0.nowhere.response(path)
        } else {
            served.error(StatusCode::NOT_FOUND.as_u16())?
        };
        Some((class, answer.respond(headers, head_only)))
    }

    async fn route<B>(self, request: Request<B>, peer: Option<SocketAddr>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut request = request;
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
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let Ok(response) = self.0.router.clone().oneshot(request).await;
        self.0.state.responses().count(class, response.status());
        response.map(Either::Right)
    }
}

/// Whether a parameter of the query changes the answer.
fn has_known_query(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| has_known_parameter(uri.path(), query))
}

/// The address under which a page is kept that was rendered on demand.
fn cache_key(uri: &Uri) -> &str {
    uri.path_and_query().filter(|_| has_known_query(uri)).map_or(uri.path(), |whole| whole.as_str())
}

/// What a path begins with: all between its first two slashes.
pub fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// One connection to the [`FastPath`].
#[derive(Clone)]
pub struct Connection {
    front: FastPath,
    peer: SocketAddr,
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        self.front.respond(request, Some(self.peer))
    }
}

/// An answer, ready or on its way. Only the long way needs memory of its own.
pub enum ResponseFuture {
    AtOnce(Ready<Response<ResponseBody>>),
    Routed(Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>),
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::AtOnce(ready) => Pin::new(ready).poll(context).map(Ok),
            Self::Routed(routed) => routed.as_mut().poll(context).map(Ok),
        }
    }
}
