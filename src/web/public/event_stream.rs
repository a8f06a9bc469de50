//! `GET /events`: server-sent events that announce a change of the page. The client then fetches the page as usual.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use crate::net::event_streams::{StreamLimit, StreamPermit};
use crate::publish::ChangeEvent;
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::QueryFields;

/// Interval of keep-alive comments, which keep proxies from closing the stream.
pub const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// A comment, which clients ignore.
const KEEP_ALIVE_COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// Reconnect delay of a client, in milliseconds; random, so that not all reconnect in the same second.
const RETRY_MILLIS: std::ops::RangeInclusive<u32> = 1_500..=6_000;
/// `Retry-After` in seconds when the limit is reached.
const RETRY_AFTER_FULL: &str = "30";

/// A client that names the newest change waits for the next one; all others get the newest immediately.
pub async fn show(
    FromState(state): FromState<State>,
    Extension(ClientAddress(client)): Extension<ClientAddress>,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Response {
    let seat = match state.streams().acquire(client) {
        Ok(seat) => seat,
        Err(reason) => return limit_reached(reason),
    };
    let asked = query.text("last");
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or(&asked);
    let mut changes = state.publisher.changes();
    let newest = changes.borrow_and_update().clone();
    let greeting = format!("retry: {}\n\n", rand::random_range(RETRY_MILLIS));
    let event = if newest.matches(last) { newest.initial_event() } else { newest.event() };
    let first = [greeting.as_bytes(), &event].concat().into();
    let follower = StreamClient { changes, ending: state.streams().closed_token(), _seat: seat };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::new(EventBody(ReusableBoxFuture::new(async move { Some((first, follower)) })))).into_response()
}

/// JSON instead of a page, because only scripts read it.
fn limit_reached(reason: StreamLimit) -> Response {
    let headers = [(header::RETRY_AFTER, RETRY_AFTER_FULL)];
    let status = match reason {
        StreamLimit::Total => StatusCode::SERVICE_UNAVAILABLE,
        StreamLimit::PerClient => StatusCode::TOO_MANY_REQUESTS,
    };
    let reason = Json(serde_json::json!({ "error": "too many open event streams" }));
    (status, headers, reason).into_response()
}

/// A client of the stream. There is no buffer: a slow client gets the newest change only.
struct StreamClient {
    changes: watch::Receiver<ChangeEvent>,
    ending: CancellationToken,
    _seat: StreamPermit,
}

impl StreamClient {
    /// The next bytes for the client; `None` when the server stops.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let bytes = tokio::select! {
            biased;
            () = self.ending.cancelled() => return None,
            changed = self.changes.changed() => {
                changed.ok()?;
                self.changes.borrow_and_update().event()
            }
            () = tokio::time::sleep(KEEP_ALIVE) => KEEP_ALIVE_COMMENT,
        };
        Some((bytes, self))
    }
}

struct EventBody(ReusableBoxFuture<'static, Option<(Bytes, StreamClient)>>);

impl hyper::body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = ready!(self.0.poll(context)).map(|(bytes, follower)| {
            self.0.set(follower.next());
            Ok(Frame::data(bytes))
        });
        Poll::Ready(next)
    }
}
