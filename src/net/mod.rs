//! Network rules: limits per client, the TLS certificate, event streams, DNS records, outgoing HTTP requests.

pub mod certificate;
pub mod dns;
pub mod event_streams;
pub mod http_client;
pub mod listen_address;
pub mod peer;
pub mod per_client;
pub mod trusted_proxies;
pub mod unnamed_proxy;
