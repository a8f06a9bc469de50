//! The clock: passed in wherever time matters, never read on the side.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::moment;

/// The setting that shifts the clock of a program built for tests, in milliseconds. All processes of one test get the
/// same offset, so that they agree on the time.
const TEST_OFFSET: &str = "CANDOR_TEST_CLOCK_OFFSET_MS";

/// When something that is done again and again was done last.
pub struct Pulse {
    clock: Clock,
    last: Mutex<DateTime<Utc>>,
}

impl Pulse {
    /// As if it were done now.
    pub fn new(clock: Clock) -> Self {
        Self { last: Mutex::new(clock.now()), clock }
    }

    /// Notes that it is done now.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
    }

    /// How long ago it was done.
    pub fn age(&self) -> TimeDelta {
        self.clock.now() - *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the time, at the precision the databases keep.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Shifted(TimeDelta),
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The clock of the program: the machine's clock, which only a build with debug assertions can shift.
    ///
    /// # Errors
    /// A release build refuses to start with a shifted clock; any build refuses an offset that is not a number.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::from_offset(std::env::var(TEST_OFFSET).ok().as_deref(), cfg!(debug_assertions))
    }

    fn from_offset(milliseconds: Option<&str>, built_for_tests: bool) -> anyhow::Result<Self> {
        let Some(milliseconds) = milliseconds else { return Ok(Self::system()) };
        ensure!(built_for_tests, "{TEST_OFFSET} is for tests: a release build does not shift its clock; unset it");
        let offset = milliseconds.parse().ok().and_then(TimeDelta::try_milliseconds);
        let offset =
            offset.with_context(|| format!("{TEST_OFFSET} is not a number of milliseconds: {milliseconds}"))?;
        Ok(Self(Source::Shifted(offset)))
    }

    /// A clock that stands at `now` until it is told to move, for tests.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(now))))
    }

    /// The time now, UTC, cut to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::Shifted(offset) => system_now() + *offset,
            Source::Fixed(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock on; the machine's clock moves by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(now) = &self.0 {
            *now.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
fn system_now() -> DateTime<Utc> {
    moment::cut(Utc::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_build_refuses_a_shifted_clock() {
        assert!(Clock::from_offset(None, false).is_ok());
        let refused = Clock::from_offset(Some("0"), false).err().unwrap();
        assert!(refused.to_string().contains(TEST_OFFSET), "{refused}");
    }

    #[test]
    fn shifted_clock_starts_at_its_offset_and_ticks() {
        let clock = Clock::from_offset(Some("-86400000"), true).unwrap();
        let before = system_now();
        let shifted = clock.now() + TimeDelta::days(1);
        assert!(before <= shifted && shifted <= system_now());
        assert!(Clock::from_offset(Some("tomorrow"), true).is_err());
    }
}
