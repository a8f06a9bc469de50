//! Whether the database accepted a change at the last probe.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::{Depth, Outage, failures_of_database};
use crate::clock::Clock;
use crate::domain::monotonic::Monotonic;

// A little less than whole seconds, at which probes are due.
const PROBE_EVERY: TimeDelta = TimeDelta::milliseconds(2800);
const RETRY_EVERY: TimeDelta = TimeDelta::milliseconds(800);
/// After this time a running probe counts as failed, since managers' changes are blocked too.
const PATIENCE: TimeDelta = TimeDelta::seconds(2);

pub struct WriteHealth {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    /// Start of the running probe.
    begun: Option<Monotonic>,
    ended: Option<Monotonic>,
    failing: Option<(Outage, Monotonic)>,
    /// The count of failed queries at the last probe.
    failures: u64,
}

impl WriteHealth {
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// Why managers can't save, and for how long.
    pub fn failure(&self) -> Option<(Outage, TimeDelta)> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let waiting = known.begun.filter(|begun| now - *begun >= PATIENCE);
        known.failing.or(waiting.map(|begun| (Outage::Locked, begun))).map(|(outage, since)| (outage, now - since))
    }

    pub fn is_failing(&self) -> bool {
        self.known().failing.is_some()
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The depth of the probe that is due. A query that failed since the last probe makes the next one a retry.
    pub fn is_due(&self) -> Option<Depth> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let has_failed = known.failing.is_some() || known.failures != failures_of_database();
        // After a failure, only a commit shows that writing works. A healthy probe writes nothing to disk.
        let (every, depth) = if has_failed { (RETRY_EVERY, Depth::Committed) } else { (PROBE_EVERY, Depth::Quiet) };
        known.ended.is_none_or(|ended| now - ended >= every).then_some(depth)
    }

    pub fn begin(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.begun = Some(self.clock.monotonic());
        known.failures = failures_of_database();
    }

    /// Ends the probe with its result.
    pub fn end(&self, failed: Option<Outage>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let begun = known.begun.take().unwrap_or(now);
        known.ended = Some(now);
        known.failing = failed.map(|outage| (outage, known.failing.map_or(begun, |(_, since)| since)));
    }
}
