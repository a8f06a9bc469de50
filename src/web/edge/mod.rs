//! What every request passes: the fast path, request checks, headers, the client's address, assets, metrics.

pub mod assets;
pub mod client;
pub mod deadline;
pub mod front;
pub mod gate;
pub mod headers;
pub mod metrics;
pub mod threads;
