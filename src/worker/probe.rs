//! Finds out whether managers could post, before one of them has to.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{self, Depth, Outage};
use crate::domain::monotonic::Monotonic;
use crate::state::State;

/// How often it is looked whether there is reason to try.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How often writing is tried while all is well.
const PROBE_EVERY: TimeDelta = TimeDelta::seconds(3);
/// How often while it is not.
const RETRY_EVERY: TimeDelta = TimeDelta::seconds(1);
/// How long a probe may take before it counts as failed, though it goes on: changes of others are worth a while.
const PATIENCE: TimeDelta = TimeDelta::seconds(2);
/// How long a probe may take at all: the answer may never come, where the network fell silent.
const GIVE_UP: Duration = Duration::from_secs(45);

/// Whether the database takes changes.
pub struct Writes {
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

impl Writes {
    /// Nothing is known to be wrong.
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// What keeps managers from posting, and for how long it has.
    pub fn trouble(&self) -> Option<(Outage, TimeDelta)> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let waiting = known.begun.filter(|begun| now - *begun >= PATIENCE);
        known.failing.or(waiting.map(|begun| (Outage::Locked, begun))).map(|(outage, since)| (outage, now - since))
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a probe should go that is due now. Any query that failed since the last one makes it due.
    fn is_due(&self) -> Option<Depth> {
        let (known, now) = (self.known(), self.clock.monotonic());
        let has_failed = known.failing.is_some() || known.failures != db::failures_of_database();
        // Only a commit shows that it is over: the disk is asked for nothing before.
        let (every, depth) = if has_failed { (RETRY_EVERY, Depth::Committed) } else { (PROBE_EVERY, Depth::Quiet) };
        known.ended.is_none_or(|ended| now - ended >= every).then_some(depth)
    }

    fn begin(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.begun = Some(self.clock.monotonic());
        known.failures = db::failures_of_database();
    }

    fn end(&self, failed: Option<Outage>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let begun = known.begun.take().unwrap_or(now);
        known.ended = Some(now);
        known.failing = failed.map(|outage| (outage, known.failing.map_or(begun, |(_, since)| since)));
    }
}

/// Tries to write whenever that is due, until `stop`.
pub async fn run(state: State, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = probe_if_due(&state) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Tries to write if that is due.
pub async fn probe_if_due(state: &State) {
    let writes = state.writes();
    let Some(depth) = writes.is_due() else { return };
    writes.begin();
    let probed = match tokio::time::timeout(GIVE_UP, state.db.probe(depth)).await {
        Ok(probed) => probed,
        Err(_) => Err(db::Error::Unavailable(format!("no answer in {} s", GIVE_UP.as_secs()))),
    };
    let was_failing = writes.known().failing.is_some();
    let failed = probed.as_ref().err().map(Outage::of);
    writes.end(failed);
    match (probed, was_failing) {
        (Err(error), false) => tracing::warn!("nothing can be written to the database: {error:#}"),
        (Ok(()), true) => tracing::info!("the database can be written again"),
        _ => {}
    }
}
