//! Why what is shown is not the newest state, and since when.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

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
    pub since: DateTime<Utc>,
}

/// The trouble there is, if any.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Option<Trouble>>);

impl Ledger {
    pub(super) fn newest(&self) -> Option<Trouble> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `step` failed; trouble of the same kind is as old as when it began.
    pub(super) fn fails(&self, step: Step, now: DateTime<Utc>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn trouble_is_as_old_as_its_beginning_and_over_when_the_step_goes_well() {
        let (ledger, start) = (Ledger::default(), DateTime::UNIX_EPOCH);
        ledger.fails(Step::Rendering, start);
        ledger.fails(Step::Rendering, start + TimeDelta::minutes(1));
        ledger.passes(Step::Reading);
        assert_eq!(ledger.newest(), Some(Trouble { step: Step::Rendering, since: start }));
        ledger.passes(Step::Rendering);
        assert_eq!(ledger.newest(), None);
    }
}
