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
pub struct Trouble {
    pub step: Step,
    pub since: Monotonic,
}

/// The trouble there is, if any.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Option<Trouble>>);

impl Ledger {
    pub(super) fn newest(&self) -> Option<Trouble> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `step` failed; trouble of the same kind is as old as when it began.
    pub(super) fn fails(&self, step: Step, now: Monotonic) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none_or(|trouble| trouble.step != step) {
            *trouble = Some(Trouble { step, since: now });
        }
    }

    /// Notes that `step` went well, and all that comes before it.
    pub(super) fn passes(&self, step: Step) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = trouble.filter(|trouble| trouble.step as u8 > step as u8);
    }
}

/// How long a state is left alone that could not be rendered once; twice as long each time, up to [`LONGEST`].
const SHORTEST: TimeDelta = TimeDelta::seconds(1);
const LONGEST: TimeDelta = TimeDelta::seconds(30);

/// A state that can't be rendered: trying it three times a second would keep a processor busy for nothing.
#[derive(Debug, Default)]
pub(super) struct Setback(Mutex<Option<Wait>>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    revision: i64,
    since: Monotonic,
    lasts: TimeDelta,
}

impl Setback {
    /// Notes whether `revision` could be rendered.
    pub(super) fn note(&self, revision: i64, rendered: bool, now: Monotonic) {
        let mut wait = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = wait.filter(|wait| wait.revision == revision);
        let lasts = before.map_or(SHORTEST, |wait| (wait.lasts * 2).min(LONGEST));
        *wait = (!rendered).then_some(Wait { revision, since: now, lasts });
    }

    /// Whether `revision` is left alone for now; another one is not, nor any after the clock was set back.
    pub(super) fn holds(&self, revision: i64, now: Monotonic) -> bool {
        let wait = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wait.is_some_and(|wait| wait.revision == revision && (wait.since..wait.since + wait.lasts).contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_as_old_as_its_beginning_and_over_when_the_step_goes_well() {
        let (ledger, start) = (Ledger::default(), Monotonic::START);
        ledger.fails(Step::Rendering, start);
        ledger.fails(Step::Rendering, start + TimeDelta::minutes(1));
        ledger.passes(Step::Reading);
        assert_eq!(ledger.newest(), Some(Trouble { step: Step::Rendering, since: start }));
        ledger.passes(Step::Rendering);
        assert_eq!(ledger.newest(), None);
    }

    #[test]
    fn a_state_that_can_t_be_rendered_is_left_alone_ever_longer_and_another_one_is_not() {
        let (setback, start) = (Setback::default(), Monotonic::START);
        let mut tried = Vec::new();
        for second in 0..180 {
            let now = start + TimeDelta::seconds(second);
            if !setback.holds(7, now) {
                setback.note(7, false, now);
                tried.push(second);
            }
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 61, 91, 121, 151]);
        let now = start + TimeDelta::seconds(160);
        assert!(setback.holds(7, now) && !setback.holds(8, now) && !setback.holds(7, start));
        setback.note(8, false, now);
        assert!(!setback.holds(8, now + SHORTEST), "another state begins anew");
        setback.note(8, true, now);
        assert!(!setback.holds(8, now));
    }
}
