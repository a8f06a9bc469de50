//! The browser module: hydrates the islands of the candor crate. On other targets it is empty.
#![cfg(target_arch = "wasm32")]

pub use candor::hydrate;
