//! Who may do what: sessions, managers and their policies, API tokens, throttling of logins, cross-site checks.

pub mod auth;
pub mod bearer;
pub mod csrf;
pub mod device;
pub mod login_lock;
pub mod refusal;
pub mod routes;
pub mod session;
