//! HTTP/2 connections with an idle timeout. hyper keeps a connection as long as the client answers pings.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_connection::{ResponseBody, Stream, respond};
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::server::connection_limits::ConnectionLimits;
use crate::web::edge::fast_path::Connection;

const MAX_CONCURRENT_STREAMS: u32 = 100;
/// The largest decompressed request header, in bytes.
const MAX_HEAD: u32 = 16 * 1024;

pub async fn serve_http2(stream: Stream, visit: Connection, limits: ConnectionLimits, stop: CancellationToken) {
    let used = Arc::new(Notify::new());
    let noticed = used.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        noticed.notify_one();
        let (answering, used) = (respond(&visit, request), noticed.clone());
        async move { answering.await.map(|answer| answer.map(|body| TrackedBody { body, rest: Bytes::new(), used })) }
    });
    let mut connection = pin!(http2_builder(limits.head).serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = wait_until_idle(&used, limits) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    // A client that does not read its response would hold the connection forever.
    drop(timeout(limits.unread, connection).await);
}

/// Returns when no request came for `limits.head` (the first one) or `limits.idle`, and no response made progress.
/// Pings, settings and window updates don't count as use.
async fn wait_until_idle(used: &Notify, limits: ConnectionLimits) {
    let mut patience = limits.head;
    while timeout(patience, used.notified()).await.is_ok() {
        patience = limits.idle;
    }
}

fn http2_builder(head: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(head)
        .keep_alive_timeout(head)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(MAX_HEAD);
    builder
}

/// The largest piece of a response passed on at once, in bytes: one HTTP/2 frame. A piece counts as use only when its
/// first byte is taken, so a slow reader of a larger piece would be cut off.
const MAX_CHUNK: usize = 16 * 1024;

/// A response body that notifies `used` when hyper takes a piece. hyper takes none while the client's window is full.
struct TrackedBody {
    body: ResponseBody,
    rest: Bytes,
    used: Arc<Notify>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = <ResponseBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            let given = ready!(Pin::new(&mut self.body).poll_frame(context));
            self.used.notify_one();
            match given {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        } else {
            self.used.notify_one();
        }
        let length = self.rest.len().min(MAX_CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut whole = SizeHint::new();
        whole.set_lower(rest + body.lower());
        if let Some(upper) = body.upper() {
            whole.set_upper(rest + upper);
        }
        whole
    }
}
