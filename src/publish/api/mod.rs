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

pub use badge::{badge, badge_path, old_badge, tone, words as badge_words};
pub use component::{ComponentRow, leaves, row as component_row};
pub use context::{Scene, stamp};
pub use history::{MAX_PAGE, months, quarter};
pub use incident::{EntryRow, UpdateRow, single};
pub use incident_flat::{flat, flat_maintenance};
pub use showcase::{Incidents, showcase};
pub use v2::documents;

/// The most incidents, and the most maintenances, in one list.
pub const MAX_LISTED: usize = 50;

/// What the OpenAPI document says; a test asks every address in it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A document as it travels: compact, without a line end.
fn written(document: &impl serde::Serialize) -> String {
    // Only maps whose keys are no texts, and failing writers, can't be written.
    serde_json::to_string(document).unwrap_or_default()
}
