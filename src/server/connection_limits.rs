//! The limits of connections: how long each step may take, and how many there may be.

use std::time::Duration;

use crate::web::public::event_stream::KEEP_ALIVE;

/// How long a connection may go unused: longer than an event stream with nothing to tell is silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const _: () = assert!(IDLE_TIMEOUT.as_secs() > 2 * KEEP_ALIVE.as_secs(), "event streams would be cut");

/// Limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How long a client may take to send the head of a request, and to begin the next one.
    pub head: Duration,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How long a client may leave unread what was sent to it.
    pub unread: Duration,
    /// How long a connection of HTTP/2 may stay when nothing is asked on it and nothing of an answer is taken.
    pub idle: Duration,
    /// The most connections at once: every event stream, and room for those who come for a page.
    pub connections: usize,
    /// The most connections at once from one address; a whole office may sit behind one.
    pub per_address: usize,
    /// How long open requests get to end after a signal.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            unread: Duration::from_secs(30),
            idle: IDLE_TIMEOUT,
            connections: 25_000,
            per_address: 100,
            grace: Duration::from_secs(8),
        }
    }
}
