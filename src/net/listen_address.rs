//! Where the server listens: an address and port, or a Unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The server's user and group.
const DEFAULT_MODE: u32 = 0o660;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    Tcp(SocketAddr),
    /// A path, and the mode of the socket: who may write to it may connect.
    Unix {
        path: PathBuf,
        mode: u32,
    },
}

impl ListenAddress {
    /// `None` for a Unix socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix { .. } => None,
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    /// `127.0.0.1:3000`, `[::]:3000`, `unix:/run/candor/candor.sock` or `unix:/run/candor/candor.sock,mode=666`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(socket) = text.strip_prefix("unix:") else {
            let address = text.parse().map(Self::Tcp);
            return address.map_err(|_| "use an address with a port like 127.0.0.1:3000, or unix:/PATH".to_owned());
        };
        let (path, mode) = match socket.rsplit_once(",mode=") {
            Some((path, mode)) => (path, parse_mode(mode)?),
            None => (socket, DEFAULT_MODE),
        };
        if !path.starts_with('/') {
            return Err("the path of a Unix socket begins with a slash: unix:/PATH".to_owned());
        }
        Ok(Self::Unix { path: path.into(), mode })
    }
}

fn parse_mode(digits: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "the mode of a Unix socket is like 660".to_owned())
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, mode } => write!(f, "unix:{},mode={mode:o}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tcp_or_unix() {
        let unix = |path: &str, mode| ListenAddress::Unix { path: path.into(), mode };
        for (text, meant) in [
            ("127.0.0.1:3000", ListenAddress::Tcp("127.0.0.1:3000".parse().unwrap())),
            ("[::]:443", ListenAddress::Tcp("[::]:443".parse().unwrap())),
            ("unix:/run/candor.sock", unix("/run/candor.sock", 0o660)),
            ("unix:/run/candor.sock,mode=0666", unix("/run/candor.sock", 0o666)),
        ] {
            assert_eq!(text.parse(), Ok(meant.clone()), "{text}");
            assert_eq!(meant.to_string().parse(), Ok(meant), "{text}");
        }
        for invalid in
            ["", "3000", "localhost:3000", "unix:", "unix:candor.sock", "unix:/a,mode=999", "unix:/a,mode=1777"]
        {
            assert!(invalid.parse::<ListenAddress>().is_err(), "{invalid}");
        }
    }
}
