//! The public API: JSON documents compatible with Statuspage, down to the key order.
//!
//! Each document is a struct with its fields in the documented order, rendered at publish time. `docs/COMPATIBILITY.md`
//! lists what is equal, added and missing.

mod affected_components;
mod badge;
mod component;
mod context;
mod history;
mod incident;
mod incident_flat;
mod openapi;
pub mod schema;
mod showcase;
mod v2;

pub use badge::{badge_path, render_badge, stale_badge};
pub use component::{ComponentRow, component_row, ungrouped_rows};
pub use context::{PageContext, stamp};
pub use history::{MAX_PAGE, history_months, render_quarter};
pub use incident::{AffectedRow, EntryRow, UpdateRow, render_incident};
pub use incident_flat::{flat_incident, flat_maintenance};
pub use openapi::OPENAPI;
pub use showcase::{IncidentTitles, render_showcase};
pub use v2::render_v2_documents;

/// The maximum number of incidents, and of maintenances, in one list.
pub const MAX_LISTED: usize = 50;

fn to_json(document: &impl serde::Serialize) -> String {
    // Serialization fails only for maps with non-string keys and for failing writers.
    serde_json::to_string(document).unwrap_or_default()
}
