//! The HTTP/1 connection loop, and what every prepared response goes through.
//!
//! hyper is generic over the service, the stream and the body, so its loop is compiled in the crate that names them. Here
//! it is compiled once, for speed, while the crate that renders pages is compiled for size.

mod allowed_hosts;
mod encoding;
mod prepared;
mod request_length;
mod stream;
mod timer;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;

pub use allowed_hosts::{AllowedHosts, HostError};
pub use encoding::Encoding;
pub use prepared::{Conditions, PathMap, build_response, names_etag};
pub use request_length::AmbiguousLength;
use request_length::ScannedStream;
pub use stream::Stream;
use timer::ConnectionTimer;

/// The body of a response: prepared bytes, or the router's.
pub type ResponseBody = Either<Full<Bytes>, axum::body::Body>;

/// Answers the requests of one connection.
pub trait Responder: Send + Sync + 'static {
    /// The response to a request for a prepared document.
    fn find_prepared(&self, _request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        None
    }

    /// The response to any other request.
    fn route(&self, request: Request<Incoming>) -> ResponseFuture;
}

/// Answers one request.
pub fn respond(responder: &dyn Responder, request: Request<Incoming>) -> ResponseFuture {
    match responder.find_prepared(&request) {
        Some(response) => ResponseFuture::ready(response),
        None => responder.route(request),
    }
}

/// A response, ready or pending; only pending ones are allocated.
pub enum ResponseFuture {
    Ready(Ready<Response<ResponseBody>>),
    Pending(Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>),
}

impl ResponseFuture {
    pub fn ready(response: Response<Full<Bytes>>) -> Self {
        Self::Ready(ready(response.map(Either::Left)))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(ready) => Pin::new(ready).poll(context).map(Ok),
            Self::Pending(pending) => pending.as_mut().poll(context).map(Ok),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// How long a client may take to send a request header.
    pub time: Duration,
    /// The size of the read buffer, in bytes. hyper fills it before it checks the length of a header.
    pub size: usize,
    /// The number of fields.
    pub fields: usize,
}

/// Serves `stream` until it closes; `watcher` ends it after the current response. Sets `ambiguous` when a request has
/// two lengths.
///
/// Boxed, so that the loop is compiled in this crate.
pub fn serve_http1(
    stream: Stream,
    responder: Arc<dyn Responder>,
    ambiguous: AmbiguousLength,
    limits: HeadLimits,
    watcher: Watcher,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let stream = TokioIo::new(ScannedStream::new(stream, ambiguous));
        let connection = http1_builder(limits).serve_connection(stream, Dispatcher(responder));
        drop(watcher.watch(connection).await);
    })
}

fn http1_builder(limits: HeadLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(ConnectionTimer::default())
        .header_read_timeout(limits.time)
        .max_buf_size(limits.size)
        .max_headers(limits.fields);
    builder
}

struct Dispatcher(Arc<dyn Responder>);

impl Service<Request<Incoming>> for Dispatcher {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        respond(&*self.0, request)
    }
}
