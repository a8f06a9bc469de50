//! Everything that runs in the browser, and nothing else.

pub mod composer;
