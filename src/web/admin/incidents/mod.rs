//! Incidents: posting, editing, publishing, postmortems and drafts.

pub(in crate::web) mod double_submit;
pub(in crate::web) mod drafts;
pub(in crate::web) mod incident;
pub(in crate::web) mod postmortem;
pub(in crate::web) mod publication;
pub(in crate::web) mod updates;
