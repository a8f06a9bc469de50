//! Pure types and rules of incidents, maintenance, components, managers and the page.
//!
//! No database, web server, template or clock in here; the module also compiles for the browser. `key()` is the stable
//! name in the database, forms and APIs, `words()` the label people read. `version` grows with every change, and saving
//! an older version is a conflict.

pub mod announcement;
pub mod api_token;
pub mod audit;
mod audit_action;
pub mod audit_throttle;
pub mod brand;
pub mod colour;
pub mod component;
pub mod component_order;
pub mod delivery_retry;
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
mod maintenance_phase;
pub mod manager;
pub mod monotonic;
pub mod node;
pub mod notice;
pub mod oidc_roles;
pub mod operator_endpoint;
pub mod page;
pub mod page_import;
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
pub mod subscriber;
pub mod template;
pub mod update;
pub mod uptime;
pub mod uptime_correction;
pub mod visibility;

pub use announcement::Announcement;
pub use brand::PageBrand;
pub use component::{Component, Group};
pub use draft::SavedDraft;
pub use id::{
    AnnouncementId, ComponentId, CorrectionId, DraftId, GroupId, IncidentId, MaintenanceId, ManagerId, NoticeId,
    PageImportId, PasskeyId, SeriesId, SubscriberId, TemplateId, TokenId, UpdateId,
};
pub use impact::Impact;
pub use incident::Incident;
pub use invalid::Invalid;
pub use maintenance::{Maintenance, MaintenanceUpdate};
pub use maintenance_phase::MaintenancePhase;
pub use manager::{Manager, Role};
pub use notice::Notice;
pub use page::Page;
pub use page_import::{ImportSource, PageImport};
pub use phase::Phase;
pub use postmortem::Postmortem;
pub use recurring_maintenance::Series;
pub use reminder::Reminder;
pub use second_factor::{Factors, LoginPolicy, PasswordPolicy};
pub use status::Status;
pub use subscriber::Subscriber;
pub use template::Template;
pub use update::{AffectedComponent, Update};
pub use uptime_correction::UptimeCorrection;
pub use visibility::Visibility;
