//! The clock: passed in wherever time matters, never read on the side.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::moment;

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
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` until it is told to move, for tests.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(now))))
    }

    /// The time now, UTC, cut to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
            Source::System => moment::cut(Utc::now()),
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
