//! Every change, once: the admin, the management API, the command line, the worker and the importers call these.
//!
//! An action writes its rows in the caller's transaction, does what follows from the change (the next occurrence of a
//! recurring maintenance, the draft that was posted), and returns the audit entries. The caller checks permissions and
//! input first, and commits the entries with [`WriteTx::commit`](crate::db::WriteTx::commit), which makes the revision.

pub mod components;
pub mod drafts;
pub mod groups;
pub mod imported;
pub mod incidents;
pub mod maintenances;
pub mod managers;
pub mod postmortems;
pub mod recurring_maintenances;
pub mod settings;
pub mod templates;
pub mod tokens;
