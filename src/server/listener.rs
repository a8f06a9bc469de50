//! What connections are accepted from.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use http_connection::Stream;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
use tokio::net::{TcpListener, UnixListener};

use crate::net::listen_address::ListenAddress;
use crate::net::peer::{Peer, Transport};

/// Connections that wait until they are accepted; the system may have a lower limit.
const BACKLOG: i32 = 1024;

pub enum Listener {
    Tcp(TcpListener),
    /// With the file to remove at the end; an inherited socket has none.
    Unix(UnixListener, Option<SocketFile>),
}

impl Listener {
    pub fn bind(address: &ListenAddress) -> anyhow::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => bind_tcp(*address).map(Self::Tcp),
            ListenAddress::Unix { path, mode } => {
                bind_unix(path, *mode).with_context(|| format!("listening on {}", path.display()))
            }
        }
    }

    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Peer { address, transport: Transport::Tcp }))
            }
            Self::Unix(listener, _) => {
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
            Self::Unix(..) => None,
        }
    }
}

/// The file of a Unix socket, removed on drop unless another server has replaced it.
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if file_identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file_identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|about| (about.dev(), about.ino()))
}

fn bind_unix(path: &Path, mode: u32) -> anyhow::Result<Listener> {
    remove_stale_socket(path)?;
    let listener = UnixListener::bind(path)?;
    let file = SocketFile { path: path.to_owned(), identity: file_identity(path)? };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(Listener::Unix(listener, Some(file)))
}

/// Removes the socket of a server that ended without removing it.
fn remove_stale_socket(path: &Path) -> anyhow::Result<()> {
    let about = match std::fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !about.file_type().is_socket() {
        bail!("there is a file that is not a socket");
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => bail!("another server listens there"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(std::fs::remove_file(path)?),
        Err(error) => Err(error.into()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stale_socket_is_replaced_and_live_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candor.sock");
        // Closed without being removed.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = bind_unix(&path, 0o606).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o606);
        let refused = bind_unix(&path, 0o606).map(drop).unwrap_err();
        assert_eq!(refused.to_string(), "another server listens there");
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn only_the_own_socket_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candor.sock");
        let listener = bind_unix(&path, 0o660).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "another").unwrap();
        drop(listener);
        assert!(path.exists());
        assert!(bind_unix(&path, 0o660).is_err(), "it is not a socket");
        assert_eq!(std::fs::read(&path).unwrap(), b"another");
    }
}
