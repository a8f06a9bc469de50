//! What every request passes: the fast path, request checks, headers, the client's address, assets, metrics.

pub mod assets;
pub mod body_timeout;
pub mod client_ip;
pub mod fast_path;
pub mod headers;
pub mod prometheus;
pub mod request_checks;
pub mod threads;
