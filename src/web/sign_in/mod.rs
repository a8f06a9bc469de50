//! Signing in: password, second factor, passkey, OpenID Connect, one-time links, confirming an identity again.

pub mod ceremony;
pub mod codes;
pub mod forgotten;
pub mod identities;
pub mod login;
pub mod login_factor;
pub mod login_oidc;
pub mod login_passkey;
pub mod proof;
pub mod proof_elsewhere;
pub mod round_trip;
pub mod setup;
