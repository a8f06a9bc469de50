//! Rate limits: a burst, then one request per interval.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::TimeDelta;

use super::monotonic::Monotonic;

/// Above this, idle entries are evicted.
const MAX_NETWORKS: usize = 100_000;

/// A rate limit per key, by default the client's network.
#[derive(Clone, Debug)]
pub struct RateLimit<K = IpAddr> {
    burst: i32,
    /// The interval in which one request becomes available again.
    every: TimeDelta,
    /// When the whole burst is available again.
    rested: HashMap<K, Monotonic>,
}

/// The state of a limit, for response headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub limit: i32,
    pub remaining: i32,
    /// Time until the whole burst is available again.
    pub reset: TimeDelta,
}

impl RateLimit<IpAddr> {
    /// Counts one request. The error is the time to wait; a denied request is not counted.
    pub fn take(&mut self, address: IpAddr, now: Monotonic) -> Result<(), TimeDelta> {
        self.count(network(address), now)
    }
}

impl<K: Eq + Hash + Clone> RateLimit<K> {
    pub fn new(burst: i32, every: TimeDelta) -> Self {
        Self { burst, every, rested: HashMap::new() }
    }

    pub fn per_minute(burst: i32) -> Self {
        Self::new(burst, TimeDelta::minutes(1) / burst.max(1))
    }

    /// Counts one request. The error is the time to wait; a denied request is not counted.
    pub fn count(&mut self, who: K, now: Monotonic) -> Result<(), TimeDelta> {
        self.evict(now);
        let rested = self.rested.entry(who).or_insert(now);
        // Bounds the wait to the time of a whole burst, even if the clock should go back.
        *rested = (*rested).clamp(now, now + self.every * self.burst);
        let next = *rested + self.every;
        let wait = next - now - self.every * self.burst;
        if wait > TimeDelta::zero() {
            return Err(wait);
        }
        *rested = next;
        Ok(())
    }

    pub fn remaining(&self, who: &K, now: Monotonic) -> Allowance {
        let reset = self
            .rested
            .get(who)
            .map_or_else(TimeDelta::zero, |rested| (*rested - now).clamp(TimeDelta::zero(), self.every * self.burst));
        let every = self.every.num_microseconds().unwrap_or(1).max(1);
        let used = (reset.num_microseconds().unwrap_or(0) + every - 1) / every;
        let remaining = (i64::from(self.burst) - used).max(0);
        Allowance { limit: self.burst, remaining: i32::try_from(remaining).unwrap_or(0), reset }
    }

    /// Evicts idle keys. If none is idle, clears all: against that many clients only a global limit helps.
    fn evict(&mut self, now: Monotonic) {
        if self.rested.len() < MAX_NETWORKS {
            return;
        }
        self.rested.retain(|_, rested| *rested > now);
        if self.rested.len() >= MAX_NETWORKS {
            self.rested.clear();
        }
    }
}

/// The unit that limits apply to: an IPv4 address, or an IPv6 /64, which a single client controls.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The largest network that one customer of an internet provider is likely to control: an IPv4 /24 or IPv6 /48.
pub fn network_prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from(u32::from(address) >> 8 << 8)),
        IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from(u128::from(address) >> 80 << 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn burst_of_ten_then_one_per_six_seconds() {
        let mut rate = RateLimit::new(10, TimeDelta::seconds(6));
        let mut take = |second| rate.take(address("192.0.2.1"), Monotonic::START + TimeDelta::seconds(second));
        assert_eq!((0..10).filter(|_| take(0).is_ok()).count(), 10);
        assert_eq!(take(0), Err(TimeDelta::seconds(6)));
        assert_eq!(take(5), Err(TimeDelta::seconds(1)));
        assert_eq!((take(6), take(6)), (Ok(()), Err(TimeDelta::seconds(6))));
        assert_eq!((0..20).filter(|_| take(1000).is_ok()).count(), 10, "no more than a burst is saved up");
    }

    #[test]
    fn clock_set_back_delays_at_most_a_burst() {
        let mut rate = RateLimit::new(2, TimeDelta::seconds(6));
        assert!(rate.count("one", Monotonic::START + TimeDelta::hours(2)).is_ok());
        assert_eq!(rate.count("one", Monotonic::START), Err(TimeDelta::seconds(6)));
        assert_eq!(rate.remaining(&"one", Monotonic::START).reset, TimeDelta::seconds(12));
        assert!(rate.count("one", Monotonic::START + TimeDelta::seconds(12)).is_ok());
    }

    #[test]
    fn allowance_reports_remaining() {
        let mut rate = RateLimit::per_minute(60);
        let at = |second| Monotonic::START + TimeDelta::seconds(second);
        let left = |remaining, seconds| Allowance { limit: 60, remaining, reset: TimeDelta::seconds(seconds) };
        assert_eq!(rate.remaining(&"one", at(0)), left(60, 0));
        for _ in 0..60 {
            rate.count("one", at(0)).unwrap();
        }
        assert_eq!((rate.remaining(&"one", at(0)), rate.remaining(&"other", at(0))), (left(0, 60), left(60, 0)));
        assert_eq!(
            (rate.count("one", at(0)), rate.remaining(&"one", at(3))),
            (Err(TimeDelta::seconds(1)), left(3, 57))
        );
    }

    #[test]
    fn one_household_is_one_network() {
        let mut rate = RateLimit::new(1, TimeDelta::minutes(1));
        let mut take = |text| rate.take(address(text), Monotonic::START).is_ok();
        assert!(take("2001:db8:0:1::1") && !take("2001:db8:0:1:ffff::2") && take("2001:db8:0:2::1"));
        assert!(take("192.0.2.1") && !take("::ffff:192.0.2.1") && take("192.0.2.2"));
    }

    #[test]
    fn delegated_prefix_is_one_network() {
        let of = |text: &str| network_prefix(text.parse().unwrap());
        assert_eq!(of("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:1:2::3"), "2001:db8:1::/48");
    }

    #[test]
    fn stored_networks_are_limited() {
        let mut rate = RateLimit::new(1, TimeDelta::minutes(1));
        for number in 0..1_000_000_u128 {
            let address = Ipv6Addr::from((0x2001_0db8_u128 << 96) + (number << 64));
            assert!(rate.take(address.into(), Monotonic::START).is_ok());
        }
        assert!(rate.rested.len() <= MAX_NETWORKS);
    }
}
