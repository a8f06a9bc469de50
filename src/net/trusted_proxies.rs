//! The reverse proxies whose forwarding headers are trusted.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks of reverse proxies.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Parses a network (`10.0.0.0/8`) or one address. An IPv4 address written as IPv6 becomes IPv4.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical())));
    network.map_err(|_| "use an IP address or a network like 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_or_networks() {
        let proxies = ["10.0.0.0/8", "192.0.2.7", "fd00::/16", "::ffff:198.51.100.1"];
        let proxies = TrustedProxies::new(proxies.map(|text| parse_network(text).unwrap()));
        for inside in ["10.20.30.40", "192.0.2.7", "fd00::1", "198.51.100.1", "::ffff:10.0.0.1"] {
            assert!(proxies.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "fd01::1", "198.51.100.2"] {
            assert!(!proxies.contains(outside.parse().unwrap()), "{outside}");
        }
        for invalid in ["", "10.0.0.0/33", "proxy.example.org", "10.0.0"] {
            assert!(parse_network(invalid).is_err(), "{invalid}");
        }
    }
}
