//! Signing in: password, second factor, passkey, OpenID Connect, one-time links, and reauthentication.

pub mod challenges;
pub mod forgot_password;
pub mod login;
pub mod login_oidc;
pub mod login_passkey;
pub mod login_second_factor;
pub mod oidc_connection;
pub mod oidc_flow;
pub mod one_time_links;
pub mod pending_form;
pub mod reauth;
pub mod reauth_oidc;
pub mod second_factor_codes;
