//! Components, their groups and uptime corrections.

pub(in crate::web) mod component;
pub(in crate::web) mod corrections;
pub(in crate::web) mod groups;
