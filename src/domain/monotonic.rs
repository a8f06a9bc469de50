//! A clock for waits and limits within one process. Unlike the wall clock it never jumps. Its values mean nothing to
//! another process or after a restart.

use std::ops::{Add, Sub};

use chrono::TimeDelta;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(TimeDelta);

impl Monotonic {
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
