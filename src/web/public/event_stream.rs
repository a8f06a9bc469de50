//! `GET /events`: tells whoever follows the page that it shows something else. What it shows is fetched
//! like any page.

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

/// How often a quiet stream says that it still is one, to the proxies between us.
pub const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// A comment, which a client passes over.
const KEEP_ALIVE_COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// When a client comes back after its stream was cut, in milliseconds: not all in the same second.
const RETRY_MILLIS: std::ops::RangeInclusive<u32> = 1_500..=6_000;
/// When one may ask again for whom there was no room, in seconds.
const RETRY_AFTER_FULL: &str = "30";

/// `GET /events`. Who names the newest change is told of the next one; everybody else of that one at once.
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
    let told = if newest.matches(last) { newest.initial_event() } else { newest.event() };
    let first = [greeting.as_bytes(), &told].concat().into();
    let follower = StreamClient { changes, ending: state.streams().closed_token(), _seat: seat };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::new(EventBody(ReusableBoxFuture::new(async move { Some((first, follower)) })))).into_response()
}

/// No page: nobody looks at this answer.
fn limit_reached(reason: StreamLimit) -> Response {
    let headers = [(header::RETRY_AFTER, RETRY_AFTER_FULL)];
    let status = match reason {
        StreamLimit::Total => StatusCode::SERVICE_UNAVAILABLE,
        StreamLimit::PerClient => StatusCode::TOO_MANY_REQUESTS,
    };
    let reason = Json(serde_json::json!({ "error": "too many open event streams" }));
    (status, headers, reason).into_response()
}

/// One client of the stream. It has no buffer: whoever is slow is told of the newest change only.
struct StreamClient {
    changes: watch::Receiver<ChangeEvent>,
    ending: CancellationToken,
    _seat: StreamPermit,
}

impl StreamClient {
    /// What it is told next; nothing when the server stops.
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

/// The body of the answer: what the follower is told, one after the other.
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
