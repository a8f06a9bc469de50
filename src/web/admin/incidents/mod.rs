//! Incidents: posting, editing, publishing, postmortems and drafts.

pub(in crate::web) mod drafts;
pub(in crate::web) mod incident;
pub(in crate::web) mod publication;
pub(in crate::web) mod reviews;
pub(in crate::web) mod sent_before;
pub(in crate::web) mod updates;
