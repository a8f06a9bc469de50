//! Access control: sessions, managers and their policies, API tokens, login throttling, cross-site checks.

pub mod api_token;
pub mod csrf;
pub mod denied_audit;
pub mod known_browser;
pub mod login_throttle;
pub mod manager;
pub mod routes;
pub mod session;
