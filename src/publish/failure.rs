//! Why what is shown is not the newest state, and since when.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use serde::Serialize;

use crate::domain::monotonic::Monotonic;

/// What publishing could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Reading the database.
    Reading,
    /// Rendering a page: a fault of ours.
    Rendering,
    /// Keeping the Site on the disk. What is served is the newest, but a restart would show an older one.
    Storing,
}

/// A step that fails, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFailure {
    pub step: Step,
    pub since: Monotonic,
}

/// The trouble there is, if any.
#[derive(Debug, Default)]
pub(super) struct LastFailure(Mutex<Option<StepFailure>>);

impl LastFailure {
    pub(super) fn newest(&self) -> Option<StepFailure> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `step` failed; trouble of the same kind is as old as when it began.
    pub(super) fn record_failure(&self, step: Step, now: Monotonic) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none_or(|trouble| trouble.step != step) {
            *trouble = Some(StepFailure { step, since: now });
        }
    }

    /// Notes that `step` went well, and all that comes before it.
    pub(super) fn record_success(&self, step: Step) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = trouble.filter(|trouble| trouble.step as u8 > step as u8);
    }
}

/// How long a state is left alone that could not be rendered once; twice as long each time, up to [`MAX_BACKOFF`].
const MIN_BACKOFF: TimeDelta = TimeDelta::seconds(1);
const MAX_BACKOFF: TimeDelta = TimeDelta::seconds(30);

/// A state that can't be rendered: trying it three times a second would keep a processor busy for nothing.
#[derive(Debug, Default)]
pub(super) struct RenderBackoff(Mutex<Option<Backoff>>);

#[derive(Clone, Copy, Debug)]
struct Backoff {
    revision: i64,
    since: Monotonic,
    duration: TimeDelta,
}

impl RenderBackoff {
    /// Notes whether `revision` could be rendered.
    pub(super) fn record_outcome(&self, revision: i64, rendered: bool, now: Monotonic) {
        let mut wait = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = wait.filter(|wait| wait.revision == revision);
        let lasts = before.map_or(MIN_BACKOFF, |wait| (wait.duration * 2).min(MAX_BACKOFF));
        *wait = (!rendered).then_some(Backoff { revision, since: now, duration: lasts });
    }

    /// Whether `revision` is left alone for now; another one is not, nor any after the clock was set back.
    pub(super) fn is_waiting(&self, revision: i64, now: Monotonic) -> bool {
        let wait = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wait.is_some_and(|wait| wait.revision == revision && (wait.since..wait.since + wait.duration).contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_keeps_start_time_until_step_succeeds() {
        let (ledger, start) = (LastFailure::default(), Monotonic::START);
        ledger.record_failure(Step::Rendering, start);
        ledger.record_failure(Step::Rendering, start + TimeDelta::minutes(1));
        ledger.record_success(Step::Reading);
        assert_eq!(ledger.newest(), Some(StepFailure { step: Step::Rendering, since: start }));
        ledger.record_success(Step::Rendering);
        assert_eq!(ledger.newest(), None);
    }

    #[test]
    fn render_backoff_grows_per_revision() {
        let (setback, start) = (RenderBackoff::default(), Monotonic::START);
        let mut tried = Vec::new();
        for second in 0..180 {
            let now = start + TimeDelta::seconds(second);
            if !setback.is_waiting(7, now) {
                setback.record_outcome(7, false, now);
                tried.push(second);
            }
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 61, 91, 121, 151]);
        let now = start + TimeDelta::seconds(160);
        assert!(setback.is_waiting(7, now) && !setback.is_waiting(8, now) && !setback.is_waiting(7, start));
        setback.record_outcome(8, false, now);
        assert!(!setback.is_waiting(8, now + MIN_BACKOFF), "another state begins anew");
        setback.record_outcome(8, true, now);
        assert!(!setback.is_waiting(8, now));
    }
}
