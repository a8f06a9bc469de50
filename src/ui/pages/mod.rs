//! The pages, by the names they have in `web`.

pub mod admin;
