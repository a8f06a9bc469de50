//! The reason why the served page is not up to date, and the backoff after failed renderings.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use serde::Serialize;

use crate::domain::monotonic::Monotonic;

/// The step of publishing that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Reading,
    /// Rendering a page failed: a bug.
    Rendering,
    /// Storing the Site on disk. The served page is current, but a restart would show an older one.
    Storing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFailure {
    pub step: Step,
    pub since: Monotonic,
}

#[derive(Debug, Default)]
pub(super) struct LastFailure(Mutex<Option<StepFailure>>);

impl LastFailure {
    pub(super) fn newest(&self) -> Option<StepFailure> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a failure of `step`. Repeated failures of the same step keep the time of the first.
    pub(super) fn record_failure(&self, step: Step, now: Monotonic) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none_or(|trouble| trouble.step != step) {
            *trouble = Some(StepFailure { step, since: now });
        }
    }

    /// Records a success of `step` and clears failures of `step` and the steps before.
    pub(super) fn record_success(&self, step: Step) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = trouble.filter(|trouble| trouble.step as u8 > step as u8);
    }
}

/// The wait after the first failed rendering of a revision. Each further failure doubles it, up to [`MAX_BACKOFF`].
const MIN_BACKOFF: TimeDelta = TimeDelta::seconds(1);
const MAX_BACKOFF: TimeDelta = TimeDelta::seconds(30);

/// Backoff for a revision that fails to render. Without it, three attempts per second would waste a CPU core.
#[derive(Debug, Default)]
pub(super) struct RenderBackoff(Mutex<Option<Backoff>>);

#[derive(Clone, Copy, Debug)]
struct Backoff {
    revision: i64,
    since: Monotonic,
    duration: TimeDelta,
}

impl RenderBackoff {
    pub(super) fn record_outcome(&self, revision: i64, rendered: bool, now: Monotonic) {
        let mut wait = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = wait.filter(|wait| wait.revision == revision);
        let lasts = before.map_or(MIN_BACKOFF, |wait| (wait.duration * 2).min(MAX_BACKOFF));
        *wait = (!rendered).then_some(Backoff { revision, since: now, duration: lasts });
    }

    /// Whether rendering `revision` must still wait. Other revisions never wait.
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
