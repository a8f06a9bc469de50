//! Deadline for request bodies: a client that sends a byte every few seconds would hold a connection forever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

pub struct TimedBody<B> {
    body: Pin<Box<B>>,
    deadline: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTimeout;

impl<B> TimedBody<B> {
    /// All of `body` must arrive within `limit`.
    pub fn new(body: B, limit: Duration) -> Self {
        Self { body: Box::pin(body), deadline: Box::pin(sleep(limit)) }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for TimedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = self.body.as_mut().poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.deadline.as_mut().poll(context).map(|()| Some(Err(BodyTimeout.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether [`BodyTimeout`] caused `error`.
pub fn is_body_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error + 'static>::is::<BodyTimeout>)
}
