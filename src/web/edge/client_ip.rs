//! The client's address, directly or through a trusted proxy.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State as FromState};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;

use super::forwarded;
use crate::net::http_client::is_public;
use crate::net::peer::Transport;
use crate::net::trusted_proxies::TrustedProxies;
use crate::state::State;

/// The client's address: the peer's, or the one that a trusted proxy reports.
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

/// Adds the [`ClientAddress`] to every request.
pub async fn resolve_address(FromState(state): FromState<State>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let transport = transport(request.extensions());
    let is_proxy = peer.is_some_and(|peer| is_trusted_proxy(peer, transport, &state.trusted_proxies));
    let address = client_address(peer, is_proxy, request.headers(), &state.trusted_proxies);
    request.extensions_mut().insert(ClientAddress(address));
    if let Some(peer) = peer
        && !is_proxy
        && is_untrusted_proxy(peer, transport, request.headers(), &state)
    {
        state.untrusted_proxy().record(peer);
    }
    next.run(request).await
}

/// How the request came; tests without a connection name none.
pub fn transport(extensions: &Extensions) -> Transport {
    extensions.get().copied().unwrap_or(Transport::Tcp)
}

/// Whether the forwarding headers of the peer count. Those of a peer at a Unix socket do.
pub fn is_trusted_proxy(peer: IpAddr, transport: Transport, trusted: &TrustedProxies) -> bool {
    transport == Transport::Unix || trusted.contains(peer)
}

/// Whether a proxy's headers say that it forwarded the request.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    let names = ["forwarded", "via", "x-real-ip"];
    headers.keys().any(|name| names.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-"))
}

/// Whether the peer forwards requests and may be a proxy missing from the settings: a peer with a private address, or,
/// if no proxy is set and the public URL is HTTPS, any peer that speaks no TLS. Other clients may send forwarding
/// headers without a proxy.
fn is_untrusted_proxy(peer: IpAddr, transport: Transport, headers: &HeaderMap, state: &State) -> bool {
    let is_decrypted = state.is_secure() && transport == Transport::Tcp;
    let could_be = !is_public(peer) || is_decrypted && state.trusted_proxies.is_empty();
    could_be && is_forwarded(headers)
}

/// The last address in `X-Forwarded-For` or `Forwarded` (RFC 7239) that is not a trusted proxy, if the peer is one.
///
/// A proxy that writes one of the headers may pass on the other as the client sent it. If they disagree, neither counts.
fn client_address(
    peer: Option<IpAddr>,
    is_proxy: bool,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
) -> Option<IpAddr> {
    let peer = peer?;
    if !is_proxy {
        return Some(peer);
    }
    let by_list = header_text(headers, "x-forwarded-for").map(|text| last_client(text.split(','), peer, trusted));
    let by_standard = header_text(headers, "forwarded").map(|text| {
        let hops = forwarded::elements(&text).map(|element| forwarded::parameter(element, "for").unwrap_or_default());
        last_client(hops.collect::<Vec<_>>().iter().map(String::as_str), peer, trusted)
    });
    match (by_list, by_standard) {
        (Some(one), Some(other)) if one != other => Some(peer),
        (Some(address), _) | (None, Some(address)) => Some(address),
        (None, None) => Some(peer),
    }
}

/// Whether every forwarding header that names a scheme says that the client used HTTPS; false if none does.
pub fn is_forwarded_https(headers: &HeaderMap) -> bool {
    let by_list = header_text(headers, "x-forwarded-proto");
    let by_list = by_list.map(|text| text.rsplit(',').next().unwrap_or_default().trim().to_owned());
    let by_standard = header_text(headers, "forwarded");
    let by_standard = by_standard
        .and_then(|text| forwarded::elements(&text).last().and_then(|last| forwarded::parameter(last, "proto")));
    let mut schemes = by_list.into_iter().chain(by_standard).peekable();
    schemes.peek().is_some() && schemes.all(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// All lines of a header as one list. A line that is not UTF-8 is read too; if it were skipped, the client could choose
/// which line is the last.
fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    lines.map(std::borrow::Cow::into_owned).reduce(|all, line| all + "," + &line)
}

/// The last of `hops` that is not a trusted proxy; the peer if there is none or one can't be read.
fn last_client<'a>(hops: impl DoubleEndedIterator<Item = &'a str>, peer: IpAddr, trusted: &TrustedProxies) -> IpAddr {
    for hop in hops.rev() {
        match parse_hop(hop.trim()) {
            Some(address) if trusted.contains(address) => {}
            Some(address) => return address,
            None => break,
        }
    }
    peer
}

/// The address of one hop; some proxies add a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok()?.into(),
        None => hop.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip())).ok()?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::net::trusted_proxies::parse_network;

    /// The client's address for a connection from `peer` with these lines of `X-Forwarded-For`.
    fn client(peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
        }
        address(peer, Transport::Tcp, &headers)
    }

    fn address(peer: &str, transport: Transport, headers: &HeaderMap) -> String {
        let (peer, proxies) = (peer.parse().unwrap(), proxies());
        let is_proxy = is_trusted_proxy(peer, transport, &proxies);
        client_address(Some(peer), is_proxy, headers, &proxies).unwrap().to_string()
    }

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(["10.0.0.1", "10.0.0.2", "fd00::1"].map(|proxy| parse_network(proxy).unwrap()))
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn standard_forwarded_header_is_read() {
        let client = |lines: &[(&'static str, &str)]| address("10.0.0.1", Transport::Tcp, &headers(lines));
        for (value, meant) in [
            ("for=203.0.113.5", "203.0.113.5"),
            ("For=\"[2001:db8::5]:4711\";proto=https", "2001:db8::5"),
            ("for=198.51.100.1, for=203.0.113.5;by=10.0.0.1, for=10.0.0.2", "203.0.113.5"),
            ("for=\"a, for=198.51.100.1\", for=203.0.113.5", "203.0.113.5"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden, for=\"_gateway\"", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("for=\"203.0.113.5", "10.0.0.1"),
        ] {
            assert_eq!(client(&[("forwarded", value)]), meant, "{value}");
        }
        assert_eq!(client(&[("forwarded", "for=203.0.113.5"), ("x-forwarded-for", "203.0.113.5")]), "203.0.113.5");
        let disagreeing = [("forwarded", "for=198.51.100.9"), ("x-forwarded-for", "203.0.113.5")];
        assert_eq!(client(&disagreeing), "10.0.0.1", "one of them may be the client's own");
    }

    #[test]
    fn peer_at_a_unix_socket_is_a_trusted_proxy() {
        let forwarded = headers(&[("x-forwarded-for", "198.51.100.1, 203.0.113.5")]);
        assert_eq!(address("127.0.0.1", Transport::Unix, &forwarded), "203.0.113.5");
        assert_eq!(address("127.0.0.1", Transport::Unix, &HeaderMap::new()), "127.0.0.1");
        assert_eq!(address("127.0.0.1", Transport::Tls, &forwarded), "127.0.0.1");
    }

    #[test]
    fn forwarded_scheme_is_the_last_in_any_case() {
        for (lines, meant) in [
            (&[("x-forwarded-proto", "https")][..], true),
            (&[("x-forwarded-proto", "HTTPS")], true),
            (&[("x-forwarded-proto", "http, Https")], true),
            (&[("x-forwarded-proto", "https,http")], false),
            (&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")], false),
            (&[("forwarded", "for=192.0.2.1;Proto=\"HTTPS\"")], true),
            (&[("forwarded", "proto=https, for=192.0.2.1;proto=http")], false),
            (&[("forwarded", "for=192.0.2.1;proto=https"), ("x-forwarded-proto", "http")], false),
            (&[("x-forwarded-proto", "")], false),
            (&[], false),
        ] {
            assert_eq!(is_forwarded_https(&headers(lines)), meant, "{lines:?}");
        }
    }

    /// The same through a trusted proxy, in one line.
    fn by_proxy(forwarded: &str) -> String {
        client("10.0.0.1", &[forwarded.as_bytes()])
    }

    #[test]
    fn forwarded_for_is_trusted_from_proxies_only() {
        assert_eq!(client("192.0.2.9", &[b"203.0.113.5"]), "192.0.2.9");
        assert_eq!(by_proxy("203.0.113.5"), "203.0.113.5");
        assert_eq!(by_proxy("198.51.100.1, 203.0.113.5, 10.0.0.2"), "203.0.113.5");
        assert_eq!(client("fd00::1", &[b"203.0.113.5"]), "203.0.113.5");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        let hops = (0..50).map(|hop| format!("198.51.100.{hop}")).collect::<Vec<_>>().join(", ");
        assert_eq!(by_proxy(&hops), "198.51.100.49");
        assert_eq!(by_proxy(&format!("{hops}, 10.0.0.2, 10.0.0.1")), "198.51.100.49");
        assert_eq!(by_proxy("10.0.0.2, 10.0.0.2"), "10.0.0.1", "a proxy that asks for itself");
    }

    #[test]
    fn forwarded_addresses_parse_with_ports() {
        for (written, meant) in [
            ("203.0.113.5:40000", "203.0.113.5"),
            ("  203.0.113.5\t", "203.0.113.5"),
            ("203.0.113.5,10.0.0.2:80", "203.0.113.5"),
            ("2001:db8::5", "2001:db8::5"),
            ("2001:DB8:0:0::5", "2001:db8::5"),
            ("[2001:db8::5]", "2001:db8::5"),
            ("[2001:db8::5]:40000", "2001:db8::5"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("[::ffff:203.0.113.5]:40000", "203.0.113.5"),
            ("203.0.113.5, ::ffff:10.0.0.2", "203.0.113.5"),
            ("203.0.113.5, [fd00::1]:80", "203.0.113.5"),
        ] {
            assert_eq!(by_proxy(written), meant, "{written}");
        }
    }

    #[test]
    fn invalid_forwarded_address_is_not_skipped() {
        for nonsense in [
            "",
            " ",
            ",",
            "unknown",
            "_hidden",
            "for=203.0.113.5",
            "<script>",
            "203.0.113.5;x",
            "203.0.113",
            "0203.0.113.5",
            "0xcb007105",
            "3405803781",
            "203.0.113.5:",
            "203.0.113.5:70000",
            "203.0.113.5/24",
            "[203.0.113.5]",
            "[2001:db8::5",
            "2001:db8::5]",
            "fe80::1%eth0",
            "status.test",
        ] {
            assert_eq!(by_proxy(nonsense), "10.0.0.1", "{nonsense}");
            assert_eq!(by_proxy(&format!("198.51.100.1, {nonsense}")), "10.0.0.1", "{nonsense}");
        }
    }

    #[test]
    fn last_forwarded_header_counts() {
        assert_eq!(client("10.0.0.1", &[b"198.51.100.1", b"203.0.113.5"]), "203.0.113.5");
        assert_eq!(client("10.0.0.1", &[b"203.0.113.5", b"10.0.0.2"]), "203.0.113.5");
        assert_eq!(client("10.0.0.1", &[b"198.51.100.1", b"\xff, 203.0.113.5"]), "203.0.113.5");
        assert_eq!(client("10.0.0.1", &[b"198.51.100.1", b"\xff"]), "10.0.0.1");
    }
}
