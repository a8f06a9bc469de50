//! The pages, by who reads them.

pub mod public;
