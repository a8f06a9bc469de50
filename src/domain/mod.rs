//! Pure types and rules: what an incident is, how it moves through its phases, what the page says.
//!
//! Nothing in here knows a database, a web server, a template or a clock; it also compiles for the browser.

pub mod api_token;
pub mod audit;
mod audit_action;
pub mod audit_throttle;
pub mod component;
pub mod draft;
pub mod forms;
pub mod history;
pub mod id;
pub mod impact;
pub mod incident;
pub mod invalid;
pub mod login_backoff;
pub mod mail_retry;
pub mod maintenance;
pub mod manager;
pub mod monotonic;
pub mod oidc_roles;
pub mod page;
pub mod page_status;
pub mod parse_time;
pub mod phase;
pub mod postmortem;
pub mod rate_limit;
pub mod recurrence;
pub mod recurring_maintenance;
pub mod reminder;
pub mod search;
pub mod second_factor;
pub mod status;
pub mod template;
pub mod update;
pub mod uptime;
pub mod uptime_correction;
pub mod visibility;

pub use component::{Component, Group};
pub use draft::SavedDraft;
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
pub use postmortem::Postmortem;
pub use recurring_maintenance::Series;
pub use reminder::Reminder;
pub use second_factor::{Factors, LoginPolicy, PasswordPolicy};
pub use status::Status;
pub use template::Template;
pub use update::{AffectedComponent, Update};
pub use uptime_correction::UptimeCorrection;
pub use visibility::Visibility;
