//! Pure types and rules: what an incident is, how it moves through its phases, what the page says.
//!
//! Nothing in here knows a database, a web server, a template or a clock; it also compiles for the browser.

pub mod api_token;
pub mod audit;
pub mod component;
pub mod duration;
pub mod factor;
pub mod forms;
pub mod history;
pub mod id;
pub mod impact;
pub mod incident;
pub mod invalid;
pub mod login_lock;
pub mod maintenance;
pub mod manager;
pub mod moment;
pub mod outbox;
pub mod page;
pub mod page_status;
pub mod phase;
pub mod rate;
pub mod recurrence;
pub mod refusals;
pub mod series;
pub mod status;
pub mod update;
pub mod uptime;

pub use component::{Component, Group};
pub use factor::{Factors, Policy};
pub use id::{ComponentId, GroupId, IncidentId, MaintenanceId, ManagerId, PasskeyId, SeriesId, TokenId, UpdateId};
pub use impact::Impact;
pub use incident::Incident;
pub use invalid::Invalid;
pub use maintenance::{Maintenance, MaintenancePhase, MaintenanceUpdate};
pub use manager::{Manager, Role};
pub use page::Page;
pub use phase::Phase;
pub use series::Series;
pub use status::Status;
pub use update::{AffectedComponent, Update};
