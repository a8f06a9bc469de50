//! Open event streams: how many there may be, and their end.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::net::per_client::{ClientCounter, ClientSlot};

/// The most streams at once; connections allow for all of them.
pub const MAX_STREAMS: usize = 20_000;
/// The most streams at once to one client.
pub const MAX_PER_CLIENT: usize = 20;

/// Counts the open streams.
#[derive(Clone)]
pub struct EventStreams {
    limit: usize,
    all: Arc<Semaphore>,
    by_client: ClientCounter,
    end: CancellationToken,
}

/// The right to one stream; given back when dropped.
pub struct StreamPermit {
    _place: ClientSlot,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamLimit {
    /// All are taken, or the server stops.
    Total,
    /// The client has as many as one may have.
    PerClient,
}

impl EventStreams {
    /// None yet, and at most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            limit: most,
            all: Arc::new(Semaphore::new(most)),
            by_client: ClientCounter::default(),
            end: CancellationToken::new(),
        }
    }

    /// A seat for a client.
    ///
    /// # Errors
    /// Where none is free, or the streams have ended.
    pub fn acquire(&self, client: Option<IpAddr>) -> Result<StreamPermit, StreamLimit> {
        if self.end.is_cancelled() {
            return Err(StreamLimit::Total);
        }
        let permit = self.all.clone().try_acquire_owned().map_err(|_| StreamLimit::Total)?;
        let client = client.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
        let place = self.by_client.acquire(client, MAX_PER_CLIENT).ok_or(StreamLimit::PerClient)?;
        Ok(StreamPermit { _place: place, _permit: permit })
    }

    /// Ends every stream: a server that stops waits for its connections, and a stream never ends by itself.
    pub fn close_all(&self) {
        self.end.cancel();
    }

    /// Whether they ended.
    pub fn are_closed(&self) -> bool {
        self.end.is_cancelled()
    }

    /// How many are open.
    pub fn count_open(&self) -> usize {
        self.limit - self.all.available_permits()
    }

    /// Cancelled when the streams end.
    pub fn closed_token(&self) -> CancellationToken {
        self.end.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_limited_in_total_and_per_client() {
        let streams = EventStreams::new(MAX_PER_CLIENT + 1);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().unwrap()));
        let mut seats: Vec<_> = (0..MAX_PER_CLIENT).map(|_| streams.acquire(one).unwrap()).collect();
        assert_eq!(streams.acquire(one).err(), Some(StreamLimit::PerClient));
        seats.push(streams.acquire(other).unwrap());
        assert_eq!(streams.acquire(other).err(), Some(StreamLimit::Total));
        seats.clear();
        assert!(streams.acquire(one).is_ok());
        streams.close_all();
        assert_eq!(streams.acquire(one).err(), Some(StreamLimit::Total));
    }
}
