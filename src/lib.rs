//! Candor, a status-page server that renders its pages when they change, not per request.
//!
//! Only this file uses cargo features: `domain`, `format` and `islands` also compile for the browser, all other modules
//! are the server. See docs/ARCHITECTURE.md.

// `println!` panics if standard output is closed or full; use `output` or the log instead.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

// First, because only later modules can use its macros.
#[cfg(feature = "ssr")]
#[macro_use]
pub mod output;

pub mod domain;
pub mod format;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod acme;
#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod background;
#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod counters;
#[cfg(feature = "ssr")]
pub mod credentials;
#[cfg(feature = "ssr")]
pub mod db;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
pub mod log;
#[cfg(feature = "ssr")]
pub mod log_limit;
#[cfg(feature = "ssr")]
pub mod logo;
#[cfg(feature = "ssr")]
pub mod net;
#[cfg(feature = "ssr")]
pub mod notify;
#[cfg(feature = "ssr")]
pub mod oidc;
#[cfg(feature = "ssr")]
pub mod private_folder;
#[cfg(feature = "ssr")]
pub mod publish;
#[cfg(feature = "ssr")]
pub mod regular_file;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
pub mod ui;
#[cfg(feature = "ssr")]
pub mod web;
#[cfg(feature = "ssr")]
pub mod worker;

/// Entry point of the browser module: hydrates the islands.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
