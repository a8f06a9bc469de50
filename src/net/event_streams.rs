//! Open event streams: how many there may be, and their end.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::net::per_client::{ByAddress, Place};

/// The most streams at once; connections allow for all of them.
pub const MAX_STREAMS: usize = 20_000;
/// The most streams at once to one client.
pub const MAX_PER_CLIENT: usize = 20;

/// Counts the open streams.
#[derive(Clone)]
pub struct Streams {
    most: usize,
    all: Arc<Semaphore>,
    by_client: ByAddress,
    end: CancellationToken,
}

/// The right to one stream; given back when dropped.
pub struct Seat {
    _place: Place,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSeat {
    /// All are taken, or the server stops.
    ForAnybody,
    /// The client has as many as one may have.
    ForThisClient,
}

impl Streams {
    /// None yet, and at most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            all: Arc::new(Semaphore::new(most)),
            by_client: ByAddress::default(),
            end: CancellationToken::new(),
        }
    }

    /// A seat for a client.
    ///
    /// # Errors
    /// Where none is free, or the streams have ended.
    pub fn enter(&self, client: Option<IpAddr>) -> Result<Seat, NoSeat> {
        if self.end.is_cancelled() {
            return Err(NoSeat::ForAnybody);
        }
        let permit = self.all.clone().try_acquire_owned().map_err(|_| NoSeat::ForAnybody)?;
        let client = client.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
        let place = self.by_client.take(client, MAX_PER_CLIENT).ok_or(NoSeat::ForThisClient)?;
        Ok(Seat { _place: place, _permit: permit })
    }

    /// Ends every stream: a server that stops waits for its connections, and a stream never ends by itself.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// Whether they ended.
    pub fn have_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.most - self.all.available_permits()
    }

    /// Cancelled when the streams end.
    pub fn ending(&self) -> CancellationToken {
        self.end.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_limited_in_all_and_for_each_client() {
        let streams = Streams::new(MAX_PER_CLIENT + 1);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().unwrap()));
        let mut seats: Vec<_> = (0..MAX_PER_CLIENT).map(|_| streams.enter(one).unwrap()).collect();
        assert_eq!(streams.enter(one).err(), Some(NoSeat::ForThisClient));
        seats.push(streams.enter(other).unwrap());
        assert_eq!(streams.enter(other).err(), Some(NoSeat::ForAnybody));
        seats.clear();
        assert!(streams.enter(one).is_ok());
        streams.end();
        assert_eq!(streams.enter(one).err(), Some(NoSeat::ForAnybody));
    }
}
