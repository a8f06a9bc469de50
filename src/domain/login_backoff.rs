//! How wrong passwords slow down the next attempt: for an account, or for a browser it knows.

use chrono::{DateTime, TimeDelta, Utc};

/// How many mistakes in a row cost no waiting: a slip, and a form that was sent twice.
pub const FREE: i64 = 2;
/// After so many in a row no password is looked at any more until it is reset (NIST SP 800-63B, 3.2.2).
pub const MAX_FAILURES: i64 = 100;
/// The longest wait.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// Wrong passwords in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    pub count: i64,
    /// When the last one was tried.
    pub last_at: Option<DateTime<Utc>>,
}

impl Failures {
    /// Whether a password tried at `now` is refused without being looked at.
    pub fn is_locked(&self, now: DateTime<Utc>) -> bool {
        self.count >= MAX_FAILURES || self.last_at.is_some_and(|last| now - last < wait_after(self.count))
    }
}

/// One second, doubling with each mistake that is not free, a quarter of an hour at most.
fn wait_after(count: i64) -> TimeDelta {
    match count - FREE - 1 {
        doublings @ 0..10 => TimeDelta::seconds(1 << doublings).min(LONGEST),
        10.. => LONGEST,
        ..0 => TimeDelta::zero(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_at_a_second_and_doubles_to_a_quarter_of_an_hour() {
        let seconds = |count| wait_after(count).num_seconds();
        assert_eq!([0, 1, 2, 3, 4, 5].map(seconds), [0, 0, 0, 1, 2, 4]);
        assert_eq!([11, 12, 13, 14, 99].map(seconds), [256, 512, 900, 900, 900]);
        assert_eq!([i64::MAX, -1].map(seconds), [900, 0]);
    }

    #[test]
    fn a_lock_opens_by_itself_until_the_hundredth_mistake() {
        let at = DateTime::UNIX_EPOCH;
        let failed = |count| Failures { count, last_at: Some(at) };
        assert!(!Failures::default().is_locked(at));
        assert!(!failed(2).is_locked(at) && failed(3).is_locked(at));
        assert!(!failed(3).is_locked(at + TimeDelta::seconds(1)));
        assert!(failed(99).is_locked(at + TimeDelta::seconds(899)) && !failed(99).is_locked(at + LONGEST));
        assert!(failed(100).is_locked(at + TimeDelta::days(1000)));
    }

    #[test]
    fn whoever_waits_every_time_has_a_hundred_guesses_in_most_of_a_day() {
        let (mut now, mut failures, mut guesses) = (DateTime::UNIX_EPOCH, Failures::default(), 0);
        while failures.count < MAX_FAILURES {
            assert!(!failures.is_locked(now));
            failures = Failures { count: failures.count + 1, last_at: Some(now) };
            now += wait_after(failures.count);
            guesses += 1;
        }
        assert_eq!(guesses, MAX_FAILURES);
        assert!(now - DateTime::UNIX_EPOCH > TimeDelta::hours(21));
    }
}
