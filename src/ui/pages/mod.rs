//! The public and admin pages, named like their handlers in `web`.

pub mod admin;
pub mod public;
