//! The clock: passed in wherever time matters, never read on the side. It has two faces: the wall clock, for whatever is
//! written down or shown, which jumps when somebody corrects it; and a monotonic one, for waits and limits.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::monotonic::Monotonic;
use crate::domain::parse_time;

/// The setting that shifts the clock of a program built for tests, in milliseconds. All processes of one test get the
/// same offset, so that they agree on the time.
const TEST_OFFSET: &str = "CANDOR_TEST_CLOCK_OFFSET_MS";

/// When something that is done again and again was done last.
pub struct Heartbeat {
    clock: Clock,
    last: Mutex<Monotonic>,
}

impl Heartbeat {
    /// As if it were done now.
    pub fn new(clock: Clock) -> Self {
        Self { last: Mutex::new(clock.monotonic()), clock }
    }

    /// Notes that it is done now.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.monotonic();
    }

    /// How long ago it was done.
    pub fn age(&self) -> TimeDelta {
        self.clock.monotonic() - *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when something has been going on, if it is.
pub struct OngoingSince {
    clock: Clock,
    since: Mutex<Option<Monotonic>>,
}

impl OngoingSince {
    /// It is not going on.
    pub fn new(clock: Clock) -> Self {
        Self { clock, since: Mutex::default() }
    }

    /// Notes whether it is going on now.
    pub fn set_ongoing(&self, going_on: bool) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = going_on.then(|| since.unwrap_or_else(|| self.clock.monotonic()));
    }

    /// For how long it has been going on.
    pub fn age(&self) -> Option<TimeDelta> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| self.clock.monotonic() - since)
    }
}

/// Tells the time, at the precision the databases keep.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Shifted(TimeDelta),
    Fixed(Arc<Mutex<FixedTimes>>),
}

#[derive(Clone, Copy)]
struct FixedTimes {
    wall: DateTime<Utc>,
    monotonic: Monotonic,
}

/// When this process first asked the machine for its monotonic clock.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

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
        Self(Source::Fixed(Arc::new(Mutex::new(FixedTimes { wall: now, monotonic: Monotonic::START }))))
    }

    /// The time now, UTC, cut to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::Shifted(offset) => system_now() + *offset,
            Source::Fixed(faces) => faces.lock().unwrap_or_else(PoisonError::into_inner).wall,
        }
    }

    /// The monotonic time now: what waits, limits and retries inside this process count by.
    pub fn monotonic(&self) -> Monotonic {
        match &self.0 {
            Source::System | Source::Shifted(_) => {
                let elapsed = TimeDelta::from_std(STARTED.elapsed()).unwrap_or(TimeDelta::MAX);
                Monotonic::START + elapsed
            }
            Source::Fixed(faces) => faces.lock().unwrap_or_else(PoisonError::into_inner).monotonic,
        }
    }

    /// Moves a fixed clock on, both faces of it; the machine's clock moves by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(faces) = &self.0 {
            let mut faces = faces.lock().unwrap_or_else(PoisonError::into_inner);
            faces.wall += by;
            faces.monotonic = faces.monotonic + by;
        }
    }

    /// Sets the wall clock of a fixed clock, as a correction of the machine's clock does; the monotonic face stays.
    pub fn set_wall(&self, now: DateTime<Utc>) {
        if let Source::Fixed(faces) = &self.0 {
            faces.lock().unwrap_or_else(PoisonError::into_inner).wall = now;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
fn system_now() -> DateTime<Utc> {
    parse_time::cut(Utc::now())
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
