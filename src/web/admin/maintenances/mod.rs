//! Maintenance: scheduling, rescheduling, updates and recurring maintenance.

pub(in crate::web) mod composer;
pub(in crate::web) mod deletion;
pub(in crate::web) mod maintenance;
pub(in crate::web) mod recurring;
pub(in crate::web) mod schedule;
mod step_form;
pub(in crate::web) mod steps;
pub(in crate::web) mod updates;
