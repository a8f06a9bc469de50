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

use super::body_timeout::Timely;
use super::{assets, request_checks};
use crate::counters::Class;
use crate::publish::Answer;
use crate::state::State;
use crate::web::error::{self, Nowhere};
use crate::web::{admin, api, public, router};

/// The parameters that mean something, by address; one that ends in a slash stands for all below it. Every other one is
/// passed over.
const PARAMETERS: [(&str, &[&str]); 4] = [
    ("/history", &["q", "component", "impact", "range", "from", "to", "before"]),
    ("/history/", &["before"]),
    ("/history.json", &["page"]),
    ("/uptime_showcase", &["components"]),
];

/// The body of an answer: bytes that are ready, or what the router makes.
pub type Sent = Either<Full<Bytes>, axum::body::Body>;

/// Everything that answers requests; cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<Parts>);

struct Parts {
    state: State,
    router: Router,
    files: HashMap<String, Answer>,
    nowhere: Nowhere,
    /// What the paths that the router knows begin with.
    beginnings: HashSet<&'static str>,
    body_timeout: Duration,
}

impl Front {
    /// The front of a server with this state.
    pub fn new(state: State, body_timeout: Duration) -> Self {
        let (router, files) = (router(state.clone()), assets::answers(state.is_secure()));
        let (admin, api) = (admin::routes(), api::routes());
        let tables = admin.table().iter().map(|route| route.path).chain(api.table().iter().map(|line| line.path));
        let beginnings = tables.map(beginning).chain(public::BEGINNINGS).collect();
        let nowhere = Nowhere::new(state.is_secure());
        Self(Arc::new(Parts { state, router, files, nowhere, beginnings, body_timeout }))
    }

    /// What answers the requests of one connection.
    pub fn visit(&self, peer: SocketAddr) -> Visit {
        Visit { front: self.clone(), peer }
    }

    /// Answers a request; where nobody knows from whom it came, it has no peer.
    pub fn answer<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> Answering
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        match self.at_once(&request) {
            Some(response) => Answering::AtOnce(ready(response.map(Either::Left))),
            None => Answering::Routed(Box::pin(self.clone().route(request, peer))),
        }
    }

    fn at_once<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let head_only = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => return None,
        };
        if !request_checks::is_plain(&self.0.state, request) {
            return None;
        }
        let (uri, headers) = (request.uri(), request.headers());
        let found = self.find(uri, headers, head_only).or_else(|| self.miss(uri, headers, head_only));
        let (class, response) = found?;
        self.0.state.responses().count(class, response.status());
        Some(response)
    }

    /// The answer that is ready for this address: the whole, or a choice of it that somebody asked for before.
    fn find(&self, uri: &Uri, headers: &HeaderMap, head_only: bool) -> Option<(Class, Response<Full<Bytes>>)> {
        let publisher = &self.0.state.publisher;
        let path = uri.path();
        if !chooses(uri)
            && let Some(answer) = publisher.served().answer(path)
        {
            return Some((Class::Site, answer.to(headers, head_only)));
        }
        if let Some(answer) = self.0.files.get(path) {
            return Some((Class::File, answer.to(headers, head_only)));
        }
        if let Some(answer) = publisher.cached(address(uri)) {
            return Some((Class::Cached, answer.to(headers, head_only)));
        }
        // The form of the history names every parameter, also those that are left empty.
        let kept = public::kept_at(uri)?;
        if let Some(answer) = publisher.served().answer(&kept) {
            return Some((Class::Site, answer.to(headers, head_only)));
        }
        Some((Class::Cached, publisher.cached(&kept)?.to(headers, head_only)))
    }

    /// The page that says there is nothing here, where that is known: no address of ours begins like this one, or the
    /// database said so since it last changed. Whoever looks for holes asks for little else.
    fn miss(&self, uri: &Uri, headers: &HeaderMap, head_only: bool) -> Option<(Class, Response<Full<Bytes>>)> {
        let (publisher, path) = (&self.0.state.publisher, uri.path());
        let served = publisher.served();
        if served.site.revision == 0 {
            return None;
        }
        let class = if !self.0.beginnings.contains(beginning(path)) || public::is_ready_or_nowhere(path) {
            Class::Site
        } else if publisher.is_known_missing(address(uri)) {
            Class::Cached
        } else {
            return None;
        };
        let answer = if error::wants_json(path, headers) {
            self.0.nowhere.for_programs(path)
        } else {
            served.error(StatusCode::NOT_FOUND.as_u16())?
        };
        Some((class, answer.to(headers, head_only)))
    }

    async fn route<B>(self, request: Request<B>, peer: Option<SocketAddr>) -> Response<Sent>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut request = request;
        api::without_ending(request.uri_mut());
        let class = Class::of_routed(request.uri().path());
        let timeout = self.0.body_timeout;
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                axum::body::Body::empty()
            } else {
                axum::body::Body::new(Timely::new(body, timeout))
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

/// Whether the query asks for a choice of what stands at the path.
fn chooses(uri: &Uri) -> bool {
    let Some(query) = uri.query() else { return false };
    let path = uri.path();
    let is_at = |address: &str| path == address || address.ends_with('/') && path.starts_with(address);
    let Some((_, names)) = PARAMETERS.iter().find(|(address, _)| is_at(address)) else { return false };
    // A name may be written with escapes: whoever does that takes the long way.
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        name.contains('%') || names.contains(&name)
    })
}

/// The address under which a page is kept that was rendered on demand.
fn address(uri: &Uri) -> &str {
    uri.path_and_query().filter(|_| chooses(uri)).map_or(uri.path(), |whole| whole.as_str())
}

/// What a path begins with: all between its first two slashes.
pub fn beginning(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// One connection to the [`Front`].
#[derive(Clone)]
pub struct Visit {
    front: Front,
    peer: SocketAddr,
}

impl hyper::service::Service<Request<Incoming>> for Visit {
    type Response = Response<Sent>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.front.answer(request, Some(self.peer))
    }
}

/// An answer, ready or on its way. Only the long way needs memory of its own.
pub enum Answering {
    AtOnce(Ready<Response<Sent>>),
    Routed(Pin<Box<dyn Future<Output = Response<Sent>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<Sent>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::AtOnce(ready) => Pin::new(ready).poll(context).map(Ok),
            Self::Routed(routed) => routed.as_mut().poll(context).map(Ok),
        }
    }
}
