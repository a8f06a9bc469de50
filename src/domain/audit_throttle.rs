//! How many refused attempts are told one by one. A flood of them must not fill the disk: beyond a few a
//! minute they are only counted, and one row tells how many there were.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::monotonic::Monotonic;

/// How many are told one by one within a minute: of one address, and in all.
pub const PER_ADDRESS: u32 = 10;
pub const IN_ALL: u32 = 60;
/// A minute.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// The refused attempts of the current minute.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    since: Option<Monotonic>,
    /// How many were told of each address; never more than [`IN_ALL`] addresses.
    told: BTreeMap<String, u32>,
    left_out: Option<LeftOut>,
}

/// Attempts that were only counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub attempts: u64,
    /// Where they came from, if all came from one address.
    pub address: Option<String>,
}

impl Refusals {
    /// Whether one more from `address` is told by itself; else it is counted.
    pub fn admit(&mut self, address: &str, now: Monotonic) -> bool {
        if self.is_over(now) {
            (self.since, self.told) = (Some(now), BTreeMap::new());
        }
        let of_address = self.told.get(address).copied().unwrap_or(0);
        let admitted = of_address < PER_ADDRESS && self.told.values().sum::<u32>() < IN_ALL;
        if admitted {
            self.told.insert(address.to_owned(), of_address + 1);
        } else {
            self.leave_out(address);
        }
        admitted
    }

    /// What was only counted, once the minute is over; then counting begins anew.
    pub fn take_left_out(&mut self, now: Monotonic) -> Option<LeftOut> {
        if self.is_over(now) { self.left_out.take() } else { None }
    }

    fn is_over(&self, now: Monotonic) -> bool {
        self.since.is_none_or(|since| now - since >= WINDOW || now < since)
    }

    fn leave_out(&mut self, address: &str) {
        let first = LeftOut { attempts: 0, address: Some(address.to_owned()) };
        let left_out = self.left_out.get_or_insert(first);
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
    fn ten_a_minute_are_told_and_the_rest_is_counted() {
        let mut refusals = Refusals::default();
        let told = (0..1000).filter(|_| refusals.admit("192.0.2.1", at(0))).count();
        assert_eq!(told, 10);
        assert_eq!(refusals.take_left_out(at(59)), None, "the minute is not over");
        let left_out = LeftOut { attempts: 990, address: Some("192.0.2.1".into()) };
        assert_eq!(refusals.take_left_out(at(60)), Some(left_out));
        assert_eq!(refusals.take_left_out(at(60)), None);
        assert!(refusals.admit("192.0.2.1", at(60)));
    }

    #[test]
    fn many_addresses_together_are_bounded_too() {
        let mut refusals = Refusals::default();
        let told = (0..10_000).filter(|number| refusals.admit(&format!("2001:db8::{number}"), at(0))).count();
        assert_eq!((told, refusals.told.len()), (60, 60));
        assert_eq!(refusals.take_left_out(at(61)), Some(LeftOut { attempts: 9_940, address: None }));
    }

    #[test]
    fn what_was_counted_is_kept_until_it_is_taken() {
        let mut refusals = Refusals::default();
        assert_eq!((0..12).filter(|_| refusals.admit("a", at(0))).count(), 10);
        assert_eq!((0..12).filter(|_| refusals.admit("a", at(70))).count(), 10);
        assert_eq!(refusals.take_left_out(at(140)).map(|left_out| left_out.attempts), Some(4));
    }
}
