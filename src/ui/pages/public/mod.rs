//! The public pages. Each has a struct with all its data and a `render` function for the document.

mod announcement;
pub mod api;
mod component_list;
pub mod embed;
pub mod error;
mod event_page;
pub mod history;
pub mod incident;
mod incident_card;
pub mod maintenance;
mod stale;
pub mod status;
pub mod subscribe;
pub mod subscribe_links;
pub mod subscription;
pub mod uptime;
mod uptime_bars;

pub use api::ApiPage;
pub use embed::EmbedPage;
pub use error::ErrorPage;
pub use history::HistoryPage;
pub use incident::IncidentPage;
pub use maintenance::MaintenancePage;
pub use stale::stale_notice;
pub use status::StatusPage;
pub use uptime::UptimePage;
pub use uptime_bars::{DAYS, DayIncident, UptimeBars};

#[cfg(test)]
mod fixtures;
