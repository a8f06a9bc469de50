//! The hosts under which this server answers. A request for another host tries to make our responses, or a cache in
//! front of us, appear under a foreign name, or was meant for another server.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderMap};
use hyper::{Uri, Version};

#[derive(Clone, Debug)]
pub struct AllowedHosts(Vec<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The request names no host, or more than one.
    Ambiguous,
    Foreign,
}

impl AllowedHosts {
    /// The host of `origin` and the hosts in `more`. A host without a port is also allowed with ports 80 and 443.
    pub fn new(origin: &str, more: &[String]) -> Self {
        let own = origin.split_once("://").map_or(origin, |(_, host)| host);
        let mut hosts = Self(Vec::new());
        for host in std::iter::once(own).chain(more.iter().map(String::as_str)) {
            hosts.allow(host.trim());
        }
        hosts
    }

    /// Adds the listen address, and the loopback names if that address is loopback or unspecified.
    #[must_use]
    pub fn with_listen_address(mut self, address: SocketAddr) -> Self {
        let port = address.port();
        let mut hosts = vec![address.to_string()];
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        for host in hosts {
            if let Some(name) = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")) {
                self.0.push(name.to_owned());
            }
            self.0.push(host);
        }
        self
    }

    fn allow(&mut self, host: &str) {
        let host = host.to_ascii_lowercase();
        if !has_port(&host) {
            self.0.extend([format!("{host}:443"), format!("{host}:80")]);
        }
        self.0.insert(0, host);
    }

    pub fn check_request(&self, target: &Uri, headers: &HeaderMap, version: Version) -> Result<(), HostError> {
        let mut named = headers.get_all(HOST).iter();
        let host = match (named.next(), named.next(), target.authority()) {
            (Some(host), None, None) => host.as_bytes(),
            (Some(host), None, Some(target)) if target.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()) => {
                host.as_bytes()
            }
            // HTTP/2 names the host in the target; `Host` may be missing.
            (None, None, Some(target)) if version >= Version::HTTP_2 => target.as_str().as_bytes(),
            _ => return Err(HostError::Ambiguous),
        };
        if host.is_empty() {
            return Err(HostError::Ambiguous);
        }
        let ours = |host: &[u8]| self.0.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(host));
        let ours = ours(host) || without_root_dot(host).is_some_and(|host| ours(&host));
        if ours { Ok(()) } else { Err(HostError::Foreign) }
    }
}

/// The host without the dot of the DNS root: `name.` and `name.:443` are the host `name`.
fn without_root_dot(host: &[u8]) -> Option<Vec<u8>> {
    let port = host.iter().rposition(|byte| *byte == b':').unwrap_or(host.len());
    let name = host[..port].strip_suffix(b".")?;
    Some([name, &host[port..]].concat())
}

/// Whether `host` ends with a port. A bare IPv6 address has colons but no port.
fn has_port(host: &str) -> bool {
    let bare = host.parse::<IpAddr>().is_ok() || host.ends_with(']');
    !bare && host.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &AllowedHosts, target: &str, named: &[&str]) -> Result<(), HostError> {
        let mut headers = HeaderMap::new();
        for host in named {
            headers.append(HOST, host.parse().unwrap());
        }
        hosts.check_request(&target.parse().unwrap(), &headers, Version::HTTP_11)
    }

    #[test]
    fn request_names_exactly_one_allowed_host() {
        let hosts = AllowedHosts::new("https://status.example.org", &["up.example.org".into(), "10.0.0.1:8080".into()])
            .with_listen_address("127.0.0.1:3000".parse().unwrap());
        for host in [
            "status.example.org",
            "STATUS.example.org:443",
            "up.example.org",
            "up.example.org:80",
            "10.0.0.1:8080",
            "127.0.0.1:3000",
            "localhost:3000",
            "[::1]:3000",
            "status.example.org.",
            "status.example.org.:443",
        ] {
            assert_eq!(check(&hosts, "/", &[host]), Ok(()), "{host}");
        }
        for host in [
            "evil.test",
            "evil.test.",
            "status.example.org..",
            "status.example.org:8443",
            "status.example.org:443@evil.test",
            "10.0.0.1",
            "localhost",
            "x, status.example.org",
        ] {
            assert_eq!(check(&hosts, "/", &[host]), Err(HostError::Foreign), "{host}");
        }
    }

    #[test]
    fn ambiguous_host_is_rejected() {
        let hosts = AllowedHosts::new("http://status.test", &[]);
        for named in [&[][..], &[""], &["status.test", "status.test"], &["status.test", "evil.test"]] {
            assert_eq!(check(&hosts, "/", named), Err(HostError::Ambiguous), "{named:?}");
        }
        assert_eq!(check(&hosts, "http://status.test/", &["status.test"]), Ok(()));
        assert_eq!(check(&hosts, "http://evil.test/", &["status.test"]), Err(HostError::Ambiguous));
        assert_eq!(check(&hosts, "http://status.test/", &[]), Err(HostError::Ambiguous));
    }

    #[test]
    fn http_2_names_the_host_in_its_target() {
        let hosts = AllowedHosts::new("http://status.test", &[]);
        let judge = |target: &str| hosts.check_request(&target.parse().unwrap(), &HeaderMap::new(), Version::HTTP_2);
        assert_eq!((judge("http://status.test/"), judge("http://evil.test/")), (Ok(()), Err(HostError::Foreign)));
    }

    #[test]
    fn port_is_recognized_after_ipv6() {
        assert!(has_port("a:1") && has_port("[::1]:1") && has_port("10.0.0.1:80"));
        assert!(!has_port("a") && !has_port("[::1]") && !has_port("::1") && !has_port("10.0.0.1"));
    }
}
