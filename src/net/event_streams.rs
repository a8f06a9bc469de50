//! Limits on open event streams.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::net::per_client::{ClientCounter, ClientSlot};

/// `ConnectionLimits::connections` leaves room for all of them.
pub const MAX_STREAMS: usize = 20_000;
pub const MAX_PER_CLIENT: usize = 20;

#[derive(Clone)]
pub struct EventStreams {
    limit: usize,
    all: Arc<Semaphore>,
    by_client: ClientCounter,
    end: CancellationToken,
}

/// A permit for one stream, released on drop.
pub struct StreamPermit {
    _place: ClientSlot,
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamLimit {
    /// All permits are taken, or the server is stopping.
    Total,
    /// The client has [`MAX_PER_CLIENT`] streams.
    PerClient,
}

impl EventStreams {
    pub fn new(most: usize) -> Self {
        Self {
            limit: most,
            all: Arc::new(Semaphore::new(most)),
            by_client: ClientCounter::default(),
            end: CancellationToken::new(),
        }
    }

    pub fn acquire(&self, client: Option<IpAddr>) -> Result<StreamPermit, StreamLimit> {
        if self.end.is_cancelled() {
            return Err(StreamLimit::Total);
        }
        let permit = self.all.clone().try_acquire_owned().map_err(|_| StreamLimit::Total)?;
        let client = client.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
        let place = self.by_client.acquire(client, MAX_PER_CLIENT).ok_or(StreamLimit::PerClient)?;
        Ok(StreamPermit { _place: place, _permit: permit })
    }

    /// Ends every stream. A stream never ends on its own, so a stopping server would wait for it.
    pub fn close_all(&self) {
        self.end.cancel();
    }

    pub fn are_closed(&self) -> bool {
        self.end.is_cancelled()
    }

    pub fn count_open(&self) -> usize {
        self.limit - self.all.available_permits()
    }

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
