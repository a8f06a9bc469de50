//! Whether the database accepts changes, as the last probe found it.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::{Depth, Outage, failures_of_database};
use crate::clock::Clock;
use crate::domain::monotonic::Monotonic;

/// How often writing is tried while all is well.
const PROBE_EVERY: TimeDelta = TimeDelta::seconds(3);
/// How often while it is not.
const RETRY_EVERY: TimeDelta = TimeDelta::seconds(1);
/// How long a probe may take before it counts as failed, though it goes on: changes of others are worth a while.
const PATIENCE: TimeDelta = TimeDelta::seconds(2);

/// Whether the database takes changes.
pub struct WriteHealth {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    /// Since when a probe is under way.
    begun: Option<Monotonic>,
    ended: Option<Monotonic>,
    failing: Option<(Outage, Monotonic)>,
    /// How many queries of this process had failed before the last probe.
    failures: u64,
}

impl WriteHealth {
    /// Nothing is known to be wrong.
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// What keeps managers from posting, and for how long it has.
    pub fn failure(&self) -> Option<(Outage, TimeDelta)> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let waiting = known.begun.filter(|begun| now - *begun >= PATIENCE);
        known.failing.or(waiting.map(|begun| (Outage::Locked, begun))).map(|(outage, since)| (outage, now - since))
    }

    /// Whether the last probe failed.
    pub fn is_failing(&self) -> bool {
        self.known().failing.is_some()
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a probe should go that is due now. Any query that failed since the last one makes it due.
    pub fn is_due(&self) -> Option<Depth> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let has_failed = known.failing.is_some() || known.failures != failures_of_database();
        // Only a commit shows that it is over: the disk is asked for nothing before.
        let (every, depth) = if has_failed { (RETRY_EVERY, Depth::Committed) } else { (PROBE_EVERY, Depth::Quiet) };
        known.ended.is_none_or(|ended| now - ended >= every).then_some(depth)
    }

    /// A probe begins.
    pub fn begin(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.begun = Some(self.clock.monotonic());
        known.failures = failures_of_database();
    }

    /// The probe has ended, with what failed.
    pub fn end(&self, failed: Option<Outage>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let begun = known.begun.take().unwrap_or(now);
        known.ended = Some(now);
        known.failing = failed.map(|outage| (outage, known.failing.map_or(begun, |(_, since)| since)));
    }
}
