//! The pages, by who reads them; each has the name it has in `web`.

pub mod admin;
pub mod public;
