//! Time that only moves forward, for waits and limits inside one process. Unlike the wall clock it does not jump when
//! the machine's clock is corrected, and it means nothing to another process or after a restart.

use std::ops::{Add, Sub};

use chrono::TimeDelta;

/// A point on the monotonic clock of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(TimeDelta);

impl Monotonic {
    /// Where the clock began.
    pub const START: Self = Self(TimeDelta::zero());
}

impl Add<TimeDelta> for Monotonic {
    type Output = Self;

    fn add(self, by: TimeDelta) -> Self {
        Self(self.0 + by)
    }
}

impl Sub for Monotonic {
    type Output = TimeDelta;

    fn sub(self, earlier: Self) -> TimeDelta {
        self.0 - earlier.0
    }
}
