//! Who is at the other end.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State as FromState};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use crate::state::State;

/// The address of the client: the peer, or what a trusted proxy says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl std::fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Puts the [`ClientAddress`] beside every request.
pub async fn resolve_address(FromState(state): FromState<State>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let address = client_address(peer, request.headers(), &state.trusted_proxies);
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// The last address in `X-Forwarded-For` that is not one of our proxies, if the peer is one.
fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    while let Some(hop) = hops.pop() {
        match hop.parse::<IpAddr>() {
            Ok(address) if trusted.contains(&address.to_canonical()) => {}
            Ok(address) => return Some(address.to_canonical()),
            Err(_) => break,
        }
    }
    Some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        client_address(Some(peer.parse().unwrap()), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(address("192.0.2.9", "203.0.113.5"), "192.0.2.9");
        assert_eq!(address("10.0.0.1", "203.0.113.5"), "203.0.113.5");
        assert_eq!(address("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.0.0.2"), "203.0.113.5");
        assert_eq!(address("10.0.0.1", "<script>"), "10.0.0.1");
    }
}
