//! The clock, passed in wherever time matters: wall-clock time for what is stored or shown, monotonic time for timeouts
//! and limits.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::monotonic::Monotonic;
use crate::domain::parse_time;

/// Shifts the clock of a test build, in milliseconds. All processes of one test get the same offset.
const TEST_OFFSET: &str = "CANDOR_TEST_CLOCK_OFFSET_MS";

/// Smaller differences are the time that the database's answer takes, and normal clock synchronization.
const MIN_LEAD: TimeDelta = TimeDelta::seconds(2);

/// How often a sleeper looks at a clock that a test moves.
const FIXED_CLOCK_POLL: Duration = Duration::from_millis(20);

/// When a repeated task last ran.
pub struct Heartbeat {
    clock: Clock,
    last: Mutex<Monotonic>,
}

impl Heartbeat {
    pub fn new(clock: Clock) -> Self {
        Self { last: Mutex::new(clock.monotonic()), clock }
    }

    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.monotonic();
    }

    pub fn age(&self) -> TimeDelta {
        self.clock.monotonic() - *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a condition has held, if it holds now.
pub struct OngoingSince {
    clock: Clock,
    since: Mutex<Option<Monotonic>>,
}

impl OngoingSince {
    pub fn new(clock: Clock) -> Self {
        Self { clock, since: Mutex::default() }
    }

    /// Keeps the start if the condition already held.
    pub fn set_ongoing(&self, going_on: bool) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = going_on.then(|| since.unwrap_or_else(|| self.clock.monotonic()));
    }

    pub fn age(&self) -> Option<TimeDelta> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| self.clock.monotonic() - since)
    }
}

#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// With the lead of the database's clock in microseconds, if the two differ.
    System(Arc<AtomicI64>),
    Shifted(TimeDelta),
    Fixed(Arc<Mutex<FixedTimes>>),
}

#[derive(Clone, Copy)]
struct FixedTimes {
    wall: DateTime<Utc>,
    monotonic: Monotonic,
}

/// Start of the monotonic clock: its first use in this process.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// The system clock, shifted by `CANDOR_TEST_CLOCK_OFFSET_MS`. A release build refuses to start with an offset.
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

    /// A clock for tests, which only [`Clock::advance`] and [`Clock::set_wall`] change.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(FixedTimes { wall: now, monotonic: Monotonic::START }))))
    }

    /// The UTC time, truncated to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System(lead) => system_now() + TimeDelta::microseconds(lead.load(Relaxed)),
            Source::Shifted(offset) => system_now() + *offset,
            Source::Fixed(faces) => faces.lock().unwrap_or_else(PoisonError::into_inner).wall,
        }
    }

    /// Follows the clock of a database, which shows `now`, if the machine's clock is wrong. Nodes that share a database
    /// then agree about the time. Test clocks stay as they are.
    pub fn follow_database(&self, now: DateTime<Utc>) {
        if let Source::System(lead) = &self.0 {
            let difference = now - system_now();
            let difference = if difference.abs() < MIN_LEAD { TimeDelta::zero() } else { difference };
            let known = TimeDelta::microseconds(lead.load(Relaxed));
            if (difference - known).abs() >= MIN_LEAD {
                tracing::warn!(
                    "the clocks of this machine and of the database differ by {} s",
                    difference.num_seconds()
                );
                lead.store(difference.num_microseconds().unwrap_or_default(), Relaxed);
            }
        }
    }

    /// The monotonic time, for timeouts, limits and retries inside this process.
    pub fn monotonic(&self) -> Monotonic {
        match &self.0 {
            Source::System(_) | Source::Shifted(_) => {
                let elapsed = TimeDelta::from_std(STARTED.elapsed()).unwrap_or(TimeDelta::MAX);
                Monotonic::START + elapsed
            }
            Source::Fixed(faces) => faces.lock().unwrap_or_else(PoisonError::into_inner).monotonic,
        }
    }

    /// Sleeps until the wall time is `at`; without one, for ever. Setting the machine's clock meanwhile has no effect.
    pub async fn sleep_until(&self, at: Option<DateTime<Utc>>) {
        let Some(at) = at else { return std::future::pending().await };
        match &self.0 {
            Source::System(_) | Source::Shifted(_) => {
                tokio::time::sleep((at - self.now()).to_std().unwrap_or_default()).await;
            }
            Source::Fixed(_) => {
                while self.now() < at {
                    tokio::time::sleep(FIXED_CLOCK_POLL).await;
                }
            }
        }
    }

    /// Advances both the wall and the monotonic time of a fixed clock; other clocks ignore the call.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(faces) = &self.0 {
            let mut faces = faces.lock().unwrap_or_else(PoisonError::into_inner);
            faces.wall += by;
            faces.monotonic = faces.monotonic + by;
        }
    }

    /// Sets only the wall time of a fixed clock, as a correction of the system clock does.
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
