//! Counting what each address holds: connections, event streams.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections, or event streams, each address holds.
#[derive(Clone, Default)]
pub struct ByAddress(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of those of an address; given back when dropped.
pub struct Place {
    counts: ByAddress,
    address: IpAddr,
}

impl ByAddress {
    /// One more for `address`, unless it has `limit` already.
    pub fn take(&self, address: IpAddr, limit: usize) -> Option<Place> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { counts: self.clone(), address })
    }

    /// How many all addresses hold.
    pub fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Place {
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

/// The address that limits count for: with IPv6 one client has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_only_so_many() {
        let counts = ByAddress::default();
        let address = "2001:db8::1".parse().unwrap();
        let first = counts.take(address, 1);
        assert!(first.is_some());
        assert!(counts.take("2001:db8::2".parse().unwrap(), 1).is_none());
        drop(first);
        assert!(counts.take(address, 1).is_some());
        assert!(counts.0.lock().unwrap().is_empty());
    }
}
