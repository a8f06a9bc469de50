//! Backoff after wrong passwords, per account or per known browser.

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row without a wait: one typo, and one form that was submitted twice.
pub const FREE_ATTEMPTS: i64 = 2;
/// After this many failures in a row, no password is accepted until a reset (NIST SP 800-63B, 3.2.2).
pub const MAX_FAILURES: i64 = 100;
const MAX_WAIT: TimeDelta = TimeDelta::minutes(15);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginFailures {
    pub count: i64,
    pub last_at: Option<DateTime<Utc>>,
}

impl LoginFailures {
    /// Whether a password is denied without being checked.
    pub fn is_locked(&self, now: DateTime<Utc>) -> bool {
        self.count >= MAX_FAILURES || self.last_at.is_some_and(|last| now - last < wait_after(self.count))
    }
}

/// One second after the free attempts, doubling with each failure, up to [`MAX_WAIT`].
fn wait_after(count: i64) -> TimeDelta {
    match count - FREE_ATTEMPTS - 1 {
        doublings @ 0..10 => TimeDelta::seconds(1 << doublings).min(MAX_WAIT),
        10.. => MAX_WAIT,
        ..0 => TimeDelta::zero(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_from_one_second_to_fifteen_minutes() {
        let seconds = |count| wait_after(count).num_seconds();
        assert_eq!([0, 1, 2, 3, 4, 5].map(seconds), [0, 0, 0, 1, 2, 4]);
        assert_eq!([11, 12, 13, 14, 99].map(seconds), [256, 512, 900, 900, 900]);
        assert_eq!([i64::MAX, -1].map(seconds), [900, 0]);
    }

    #[test]
    fn lock_expires_until_the_hundredth_failure() {
        let at = DateTime::UNIX_EPOCH;
        let failed = |count| LoginFailures { count, last_at: Some(at) };
        assert!(!LoginFailures::default().is_locked(at));
        assert!(!failed(2).is_locked(at) && failed(3).is_locked(at));
        assert!(!failed(3).is_locked(at + TimeDelta::seconds(1)));
        assert!(failed(99).is_locked(at + TimeDelta::seconds(899)) && !failed(99).is_locked(at + MAX_WAIT));
        assert!(failed(100).is_locked(at + TimeDelta::days(1000)));
    }

    #[test]
    fn hundred_guesses_take_most_of_a_day() {
        let (mut now, mut failures, mut guesses) = (DateTime::UNIX_EPOCH, LoginFailures::default(), 0);
        while failures.count < MAX_FAILURES {
            assert!(!failures.is_locked(now));
            failures = LoginFailures { count: failures.count + 1, last_at: Some(now) };
            now += wait_after(failures.count);
            guesses += 1;
        }
        assert_eq!(guesses, MAX_FAILURES);
        assert!(now - DateTime::UNIX_EPOCH > TimeDelta::hours(21));
    }
}
