//! Rules of the network: which hosts Candor serves, limits for each client, event streams, outgoing HTTP requests.

pub mod by_address;
pub mod hosts;
pub mod outbound;
pub mod streams;
pub mod unnamed_proxy;
