//! The server process: listens, accepts connections and stops on a signal.

pub mod activation;
pub mod app;
pub mod connection_limits;
pub mod connections;
pub mod core_dumps;
pub mod http2;
pub mod listener;
pub mod malloc;
pub mod redirect;
pub mod service_manager;
pub mod signals;
pub mod tls;
