//! Every change to the data. The admin, the management API, the command line, the worker and the importers call these.
//!
//! An action writes its rows in the caller's transaction, makes the follow-up changes (schedules the next occurrence,
//! deletes the posted draft) and returns the audit entries. The caller checks permissions and input first, and passes
//! the entries to [`WriteTx::commit`](crate::db::WriteTx::commit), which creates the revision. A caller must handle
//! `Full` on adding (the limit of rows is reached), `Conflict` on saving (the row changed since it was read) and
//! `NotFound` (the row, or one it refers to, is gone).

pub mod announcements;
pub mod bounces;
pub mod components;
pub mod drafts;
pub mod groups;
pub mod imported;
pub mod incidents;
pub mod maintenances;
pub mod managers;
pub mod notices;
pub mod page_imports;
mod positions;
pub mod postmortems;
pub mod recurring_maintenances;
pub mod settings;
pub mod subscriber_import;
pub mod subscribers;
pub mod templates;
pub mod tokens;
