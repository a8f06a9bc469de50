//! Throttles the audit log of denied attempts, so that a flood can't fill the disk. Above the limits, attempts are only
//! counted, and one row records the count.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::monotonic::Monotonic;

/// The most attempts recorded per minute, per address and in total.
pub const MAX_PER_ADDRESS: u32 = 10;
pub const MAX_TOTAL: u32 = 60;
const WINDOW: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Debug, Default)]
pub struct DenialThrottle {
    since: Option<Monotonic>,
    /// Recorded attempts per address; at most [`MAX_TOTAL`] addresses.
    recorded: BTreeMap<String, u32>,
    suppressed: Option<Suppressed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    pub attempts: u64,
    /// `None` if they came from several addresses.
    pub address: Option<String>,
}

impl DenialThrottle {
    /// Whether to record this attempt; counts it as suppressed if not.
    pub fn should_record(&mut self, address: &str, now: Monotonic) -> bool {
        if self.is_window_over(now) {
            (self.since, self.recorded) = (Some(now), BTreeMap::new());
        }
        let of_address = self.recorded.get(address).copied().unwrap_or(0);
        let admitted = of_address < MAX_PER_ADDRESS && self.recorded.values().sum::<u32>() < MAX_TOTAL;
        if admitted {
            self.recorded.insert(address.to_owned(), of_address + 1);
        } else {
            self.suppress(address);
        }
        admitted
    }

    /// Returns and resets the count of suppressed attempts once the minute is over.
    pub fn take_suppressed(&mut self, now: Monotonic) -> Option<Suppressed> {
        if self.is_window_over(now) { self.suppressed.take() } else { None }
    }

    fn is_window_over(&self, now: Monotonic) -> bool {
        self.since.is_none_or(|since| now - since >= WINDOW || now < since)
    }

    fn suppress(&mut self, address: &str) {
        let first = Suppressed { attempts: 0, address: Some(address.to_owned()) };
        let left_out = self.suppressed.get_or_insert(first);
        left_out.attempts += 1;
        if left_out.address.as_deref() != Some(address) {
            left_out.address = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Monotonic {
        Monotonic::START + TimeDelta::seconds(second)
    }

    #[test]
    fn ten_denials_per_minute_are_recorded_rest_counted() {
        let mut refusals = DenialThrottle::default();
        let recorded_count = (0..1000).filter(|_| refusals.should_record("192.0.2.1", at(0))).count();
        assert_eq!(recorded_count, 10);
        assert_eq!(refusals.take_suppressed(at(59)), None, "the minute is not over");
        let left_out = Suppressed { attempts: 990, address: Some("192.0.2.1".into()) };
        assert_eq!(refusals.take_suppressed(at(60)), Some(left_out));
        assert_eq!(refusals.take_suppressed(at(60)), None);
        assert!(refusals.should_record("192.0.2.1", at(60)));
    }

    #[test]
    fn denials_of_many_addresses_are_limited() {
        let mut refusals = DenialThrottle::default();
        let recorded_count =
            (0..10_000).filter(|number| refusals.should_record(&format!("2001:db8::{number}"), at(0))).count();
        assert_eq!((recorded_count, refusals.recorded.len()), (60, 60));
        assert_eq!(refusals.take_suppressed(at(61)), Some(Suppressed { attempts: 9_940, address: None }));
    }

    #[test]
    fn suppressed_count_is_kept_until_taken() {
        let mut refusals = DenialThrottle::default();
        assert_eq!((0..12).filter(|_| refusals.should_record("a", at(0))).count(), 10);
        assert_eq!((0..12).filter(|_| refusals.should_record("a", at(70))).count(), 10);
        assert_eq!(refusals.take_suppressed(at(140)).map(|left_out| left_out.attempts), Some(4));
    }
}
