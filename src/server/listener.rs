//! What connections are accepted from.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use http_connection::Stream;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
use tokio::net::{TcpListener, UnixListener};

use crate::net::peer::{Peer, Transport};

/// Connections that wait until they are accepted; the system may have a lower limit.
const BACKLOG: i32 = 1024;

pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Peer { address, transport: Transport::Tcp }))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                Ok((Stream::Unix(stream), Peer { address, transport: Transport::Unix }))
            }
        }
    }

    /// `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

/// Listens on a TCP address; on `[::]` for IPv4 too, whatever the system's default is.
pub fn bind_tcp(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = if address.ip().is_unspecified() && address.is_ipv6() {
        bind_dual_stack(address).map_err(io::Error::from)
    } else {
        bind_single_stack(address)
    };
    let listener = bound.with_context(|| format!("listening on {address}"))?;
    Ok(TcpListener::from_std(listener)?)
}

fn bind_single_stack(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind_dual_stack(address: SocketAddr) -> rustix::io::Result<std::net::TcpListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET6, SocketType::STREAM, flags, None)?;
    set_socket_reuseaddr(&socket, true)?;
    set_ipv6_v6only(&socket, false)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}
