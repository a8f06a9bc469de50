//! Retries of notices to subscribers, and when a failing subscription is quarantined.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The pause before each attempt at an endpoint, in seconds. All attempts take about an hour: an older notice is noise.
const WEBHOOK_PAUSES: [i64; 8] = [0, 5, 30, 120, 300, 600, 900, 1200];
/// A pause is at most this much shorter or longer, in percent, so that endpoints that failed together don't retry
/// together.
const JITTER: i64 = 20;
/// The longest pause that an endpoint may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(20);

/// Doubles after each temporary failure.
const FIRST_MAIL_BACKOFF: TimeDelta = TimeDelta::seconds(30);
const MAX_MAIL_BACKOFF: TimeDelta = TimeDelta::minutes(15);
const NOTICE_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// More than the backoff allows within [`NOTICE_LIFETIME`]; a fallback in case the clock was ahead.
const MAX_MAIL_ATTEMPTS: i64 = 120;

/// An address is quarantined after so many soft bounces without a delivery between them …
const MAX_SOFT_BOUNCES: i64 = 5;
/// … if they are spread over at least this time: a full mailbox may be emptied.
const SOFT_BOUNCE_SPAN: TimeDelta = TimeDelta::days(3);

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    RetryAt(DateTime<Utc>),
    /// All attempts failed.
    Quarantine,
}

/// What follows the `attempts`th failed attempt at an endpoint. `retry_after` is what the endpoint asked for, `random`
/// any number.
pub fn next_webhook_attempt(attempts: i64, retry_after: Option<Duration>, random: u64, now: DateTime<Utc>) -> NextStep {
    let pause = usize::try_from(attempts.max(1)).ok().and_then(|index| WEBHOOK_PAUSES.get(index));
    let Some(pause) = pause else { return NextStep::Quarantine };
    let asked = TimeDelta::from_std(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER)).unwrap_or_default();
    NextStep::RetryAt(now + vary(TimeDelta::seconds(*pause), random).max(asked))
}

fn vary(pause: TimeDelta, random: u64) -> TimeDelta {
    let steps = 2 * JITTER.unsigned_abs() + 1;
    let percent = 100 - JITTER + i64::try_from(random % steps).unwrap_or_default();
    TimeDelta::milliseconds(pause.num_milliseconds() * percent / 100)
}

/// The time of the next attempt after the `attempts`th temporary failure of a mail; `None` to give the mail up.
pub fn next_mail_attempt(attempts: i64, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from((attempts - 1).clamp(0, 10)).unwrap_or_default();
    let next = now + (FIRST_MAIL_BACKOFF * 2_i32.pow(doublings)).min(MAX_MAIL_BACKOFF);
    (next - created_at < NOTICE_LIFETIME && attempts < MAX_MAIL_ATTEMPTS).then_some(next)
}

/// The soft bounces of an address since its last delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftBounces {
    pub count: i64,
    pub first_at: DateTime<Utc>,
}

impl SoftBounces {
    /// One more bounce. `before` are the earlier ones.
    pub fn add(before: Option<Self>, now: DateTime<Utc>) -> Self {
        before.map_or(Self { count: 1, first_at: now }, |before| Self { count: before.count + 1, ..before })
    }

    pub fn must_quarantine(self, now: DateTime<Utc>) -> bool {
        self.count >= MAX_SOFT_BOUNCES && now - self.first_at >= SOFT_BOUNCE_SPAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    /// A random number without effect on the pause.
    const NO_JITTER: u64 = 20;

    fn pause(attempts: i64, retry_after: Option<Duration>, random: u64) -> Option<TimeDelta> {
        match next_webhook_attempt(attempts, retry_after, random, NOW) {
            NextStep::RetryAt(at) => Some(at - NOW),
            NextStep::Quarantine => None,
        }
    }

    #[test]
    fn endpoint_is_quarantined_after_eight_failures() {
        let pauses: Vec<_> = (1..=8).map(|attempts| pause(attempts, None, NO_JITTER)).collect();
        let seconds = [5, 30, 120, 300, 600, 900, 1200].map(|seconds| Some(TimeDelta::seconds(seconds)));
        assert_eq!(pauses[..7], seconds);
        assert_eq!(pauses[7], None);
        assert_eq!((pause(0, None, NO_JITTER), pause(i64::MAX, None, NO_JITTER)), (seconds[0], None));
    }

    #[test]
    fn jitter_is_at_most_a_fifth() {
        let all: Vec<_> = (0..1000).filter_map(|random| pause(2, None, random)).collect();
        let milliseconds = TimeDelta::milliseconds;
        assert_eq!(all.iter().min(), Some(&milliseconds(24_000)));
        assert_eq!(all.iter().max(), Some(&milliseconds(36_000)));
        assert!(pause(7, None, u64::MAX).unwrap() <= TimeDelta::minutes(24));
    }

    #[test]
    fn longer_retry_after_wins_up_to_twenty_minutes() {
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause(1, asked(180), NO_JITTER), Some(TimeDelta::minutes(3)));
        assert_eq!(pause(1, asked(u64::MAX), NO_JITTER), Some(TimeDelta::minutes(20)));
        assert_eq!(pause(5, asked(1), NO_JITTER), Some(TimeDelta::minutes(10)));
    }

    #[test]
    fn mail_backoff_doubles_and_ends_after_a_day() {
        let (mut now, mut pauses, mut attempts) = (NOW, Vec::new(), 1);
        while let Some(next) = next_mail_attempt(attempts, NOW, now) {
            pauses.push((next - now).num_seconds());
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(pauses[..7], [30, 60, 120, 240, 480, 900, 900]);
        assert!(now - NOW < NOTICE_LIFETIME && now - NOW > NOTICE_LIFETIME - MAX_MAIL_BACKOFF);
        assert_eq!(next_mail_attempt(MAX_MAIL_ATTEMPTS, NOW + TimeDelta::days(9), NOW), None);
    }

    #[test]
    fn five_soft_bounces_over_three_days_quarantine() {
        let bounces = |days: &[i64]| {
            let bounce = |before, day: &i64| Some(SoftBounces::add(before, NOW + TimeDelta::days(*day)));
            days.iter().fold(None, bounce).unwrap()
        };
        assert!(bounces(&[0, 1, 2, 2, 3]).must_quarantine(NOW + TimeDelta::days(3)));
        assert!(!bounces(&[0, 0, 0, 0, 0, 0]).must_quarantine(NOW + TimeDelta::hours(71)));
        assert!(!bounces(&[0, 1, 2, 9]).must_quarantine(NOW + TimeDelta::days(9)));
    }
}
