//! Mail that is to be sent: when it is tried again, and when it is given up.

use chrono::{DateTime, TimeDelta, Utc};

/// The first pause after a failure; each one after it is twice as long.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// How long mail is worth sending: nobody waits longer for a link.
const WORTH_SENDING: TimeDelta = TimeDelta::hours(1);
/// More attempts than fit into that time.
const MAX_ATTEMPTS: i64 = 12;
/// How many links for a new password one manager is mailed within an hour.
pub const MAX_RESETS: i64 = 3;
/// The hour.
pub const RESETS_WITHIN: TimeDelta = TimeDelta::hours(1);

/// When to try again what failed for the `attempts`th time at `now`; nothing where it is given up.
pub fn try_again(attempts: i64, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from((attempts - 1).clamp(0, 10)).unwrap_or_default();
    let next = now + (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
    // Counted too, because the clock may have been ahead when it was made.
    (next - created_at < WORTH_SENDING && attempts < MAX_ATTEMPTS).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_double_and_after_an_hour_it_is_given_up() {
        let begun = DateTime::UNIX_EPOCH;
        let (mut now, mut pauses, mut attempts) = (begun, Vec::new(), 1);
        while let Some(next) = try_again(attempts, begun, now) {
            pauses.push((next - now).num_seconds());
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!((try_again(11, begun, begun), try_again(12, begun, begun)), (Some(begun + LONGEST_PAUSE), None));
    }
}
