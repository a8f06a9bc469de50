//! Pure types and rules: what an incident is, how it moves through its phases, what the page says.
//!
//! Nothing in here knows a database, a web server, a template or a clock; it also compiles for the browser.

pub mod api_token;
pub mod audit;
pub mod component;
pub mod correction;
pub mod difference;
pub mod draft;
pub mod factor;
pub mod forms;
pub mod history;
pub mod id;
pub mod identity;
pub mod impact;
pub mod incident;
pub mod invalid;
pub mod login_lock;
pub mod maintenance;
pub mod manager;
pub mod moment;
pub mod monotonic;
pub mod outbox;
pub mod page;
pub mod page_status;
pub mod phase;
pub mod rate;
pub mod recurrence;
pub mod refusals;
pub mod reminder;
pub mod review;
pub mod search;
pub mod series;
pub mod status;
pub mod template;
pub mod update;
pub mod uptime;
pub mod visibility;

pub use component::{Component, Group};
pub use correction::Correction;
pub use draft::SavedDraft;
pub use factor::{Factors, Passwords, Policy};
pub use id::{
    ComponentId, CorrectionId, DraftId, GroupId, IncidentId, MaintenanceId, ManagerId, PasskeyId, SeriesId, TemplateId,
    TokenId, UpdateId,
};
pub use impact::Impact;
pub use incident::Incident;
pub use invalid::Invalid;
pub use maintenance::{Maintenance, MaintenancePhase, MaintenanceUpdate};
pub use manager::{Manager, Role};
pub use page::Page;
pub use phase::Phase;
pub use reminder::Reminder;
pub use review::Review;
pub use series::Series;
pub use status::Status;
pub use template::Template;
pub use update::{AffectedComponent, Update};
pub use visibility::Visibility;
