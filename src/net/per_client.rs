//! Counts connections and event streams per client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Default)]
pub struct ClientCounter(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One counted connection or stream, released on drop.
pub struct ClientSlot {
    counts: ClientCounter,
    address: IpAddr,
}

impl ClientCounter {
    /// Counts one more for `address`, unless it has reached `limit`.
    pub fn acquire(&self, address: IpAddr, limit: usize) -> Option<ClientSlot> {
        let address = client_network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(ClientSlot { counts: self.clone(), address })
    }

    pub fn total(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// The address that limits apply to. One IPv6 client controls a whole /64, so that is counted as one.
fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_per_client_are_limited() {
        let counts = ClientCounter::default();
        let address = "2001:db8::1".parse().unwrap();
        let first = counts.acquire(address, 1);
        assert!(first.is_some());
        assert!(counts.acquire("2001:db8::2".parse().unwrap(), 1).is_none());
        drop(first);
        assert!(counts.acquire(address, 1).is_some());
        assert!(counts.0.lock().unwrap().is_empty());
    }
}
