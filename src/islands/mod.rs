//! Code that runs in the browser.

pub mod composer;
