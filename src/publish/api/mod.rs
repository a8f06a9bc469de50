//! The public API: documents in the shapes that readers of Statuspage know, key by key and in their order.
//!
//! Each kind of document is a struct whose fields stand in the documented order; it is written when the page
//! is published. `docs/COMPATIBILITY.md` says what is the same, what is more, and what is not there.

mod affected_components;
mod badge;
mod component;
mod context;
mod history;
mod incident;
mod incident_flat;
mod showcase;
mod v2;

pub use badge::{badge_path, badge_words, render_badge, stale_badge, status_tone};
pub use component::{ComponentRow, component_row, ungrouped_rows};
pub use context::{PageContext, stamp};
pub use history::{MAX_PAGE, history_months, render_quarter};
pub use incident::{EntryRow, UpdateRow, render_incident};
pub use incident_flat::{flat_incident, flat_maintenance};
pub use showcase::{IncidentTitles, render_showcase};
pub use v2::render_v2_documents;

/// The most incidents, and the most maintenances, in one list.
pub const MAX_LISTED: usize = 50;

/// What the OpenAPI document says; a test asks every address in it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A document as it travels: compact, without a line end.
fn to_json(document: &impl serde::Serialize) -> String {
    // Only maps whose keys are no texts, and failing writers, can't be written.
    serde_json::to_string(document).unwrap_or_default()
}
