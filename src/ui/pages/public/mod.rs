//! What visitors read. Each page has a struct with exactly what it shows and a `render` that makes the
//! whole document of it.

pub mod api;
mod bars;
mod board;
pub mod embed;
pub mod error;
pub mod history;
pub mod incident;
pub mod maintenance;
mod parts;
mod stale;
pub mod status;
pub mod uptime;

pub use api::ApiPage;
pub use bars::{Bars, DAYS};
pub use embed::EmbedPage;
pub use error::ErrorPage;
pub use history::HistoryPage;
pub use incident::IncidentPage;
pub use maintenance::MaintenancePage;
pub use stale::last_confirmed;
pub use status::StatusPage;
pub use uptime::UptimePage;

#[cfg(test)]
mod sample;
