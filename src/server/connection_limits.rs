//! Timeouts and maximum numbers of connections.

use std::time::Duration;

use crate::web::public::event_stream::KEEP_ALIVE;

/// Must be longer than the silence between two keep-alives of an event stream, which it would cut otherwise.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const _: () = assert!(IDLE_TIMEOUT.as_secs() > 2 * KEEP_ALIVE.as_secs(), "event streams would be cut");

#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// For a TLS handshake, for the header of a request, and for the next request to begin.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For a client that reads nothing of what was sent to it.
    pub unread: Duration,
    /// For an HTTP/2 connection without a new request and without progress on a response.
    pub idle: Duration,
    /// All event streams, plus room for visitors.
    pub connections: usize,
    /// High, because a whole office may share one address.
    pub per_address: usize,
    pub grace: Duration,
    /// Between two looks at the files of the certificate.
    pub certificate_check: Duration,
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
            certificate_check: Duration::from_secs(60),
        }
    }
}
