//! A manager's own account: password, e-mail, second factors, sessions, API tokens.

pub(in crate::web) mod factors;
pub(in crate::web) mod passkeys;
pub(in crate::web) mod profile;
pub(in crate::web) mod recovery_codes;
pub(in crate::web) mod sessions;
pub(in crate::web) mod shortcuts;
pub(in crate::web) mod tokens;
pub(in crate::web) mod totp;
