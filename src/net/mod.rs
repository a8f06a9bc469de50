//! Network rules: allowed hosts, limits per client, event streams, DNS records, outgoing HTTP requests.

pub mod allowed_hosts;
pub mod dns;
pub mod event_streams;
pub mod http_client;
pub mod per_client;
pub mod trusted_proxies;
pub mod unnamed_proxy;
