//! The other end of a connection.

use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// 127.0.0.1 for a Unix socket.
    pub address: SocketAddr,
    pub transport: Transport,
}

/// Known to each request as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Tls,
    /// Only a reverse proxy and programs of this machine can connect, so the peer is a trusted proxy.
    Unix,
}
