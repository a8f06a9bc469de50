//! Processing of every request: fast path, request checks, headers, client address, static files, metrics.

pub mod assets;
pub mod body_timeout;
pub mod client_ip;
pub mod fast_path;
mod forwarded;
pub mod headers;
pub mod known_sessions;
pub mod prometheus;
pub mod request_checks;
pub mod threads;
