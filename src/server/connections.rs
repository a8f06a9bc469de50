//! Accepts connections with limits that `axum::serve` lacks: idle connections time out, and one client can't take all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_connection::{HeadLimits, serve_http1};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log_limit::{CONNECTIONS, LogPermit};
use crate::net::per_client::ClientCounter;
use crate::net::trusted_proxies::TrustedProxies;
use crate::server::connection_limits::ConnectionLimits;
use crate::server::http2;
use crate::web::FastPath;
use crate::web::edge::fast_path::Connection;
use crate::web::edge::request_checks;

/// The largest request header that is certainly accepted, in bytes. hyper doubles its buffer as it grows, so it never
/// reads more than 64 KiB at once.
const MAX_HEAD: usize = 48 * 1024;
/// Pause after an `accept` error that persists for a while, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

const PEEK_INTERVAL: Duration = Duration::from_millis(20);
/// The preface of an HTTP/2 connection (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Stops accepting at `stop` and gives open connections and `running` requests `limits.grace` to end. `open` counts the
/// connections.
pub async fn serve(
    open: ClientCounter,
    running: TaskTracker,
    listener: TcpListener,
    front: FastPath,
    trusted: TrustedProxies,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    let all = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept_connection(&listener, &all) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let is_trusted = trusted.contains(peer.ip());
        let most = if is_trusted { limits.connections } else { limits.per_address };
        let Some(place) = open.acquire(peer.ip(), most) else {
            tracing::debug!("too many connections from {}", peer.ip());
            continue;
        };
        let (visit, watcher, stop) = (front.connection(peer), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            serve_connection(stream, visit, limits, watcher, stop).await;
            drop((place, permit));
        });
    }
    drop(listener);
    let ending = async {
        graceful.shutdown().await;
        // Those whose client has disconnected still need the database.
        running.close();
        running.wait().await;
    };
    if tokio::time::timeout(limits.grace, ending).await.is_err() {
        tracing::warn!("shutdown timeout: connections did not close in {} s and were aborted", limits.grace.as_secs());
    }
}

/// Raises the open files limit to the hard limit. Many systems start a process with 1024.
pub fn raise_open_files() {
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }) {
        tracing::warn!("the open files limit can't be raised: {error}");
    }
}

async fn accept_connection(
    listener: &TcpListener,
    all: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = all.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            if let Some(LogPermit { left_out }) = CONNECTIONS.acquire() {
                tracing::warn!(left_out, "accepting a connection: {error}");
            }
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            None
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    visit: Connection,
    limits: ConnectionLimits,
    watcher: Watcher,
    stop: CancellationToken,
) {
    drop(stream.set_nodelay(true));
    // Drops a client that does not read its response; it would hold the connection forever.
    let unread = u32::try_from(limits.unread.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread);
    let sniffed = tokio::time::timeout(limits.head, sniff_version(&stream));
    let version = tokio::select! {
        biased;
        sniffed = sniffed => sniffed.ok().flatten(),
        // Browsers open connections that they may never use; they must not delay the shutdown.
        () = stop.cancelled() => None,
    };
    let Some(version) = version else { return };
    match version {
        HttpVersion::One => {
            let head = HeadLimits { time: limits.head, size: MAX_HEAD, fields: request_checks::MAX_HEADERS };
            let ambiguous = visit.ambiguous_length();
            serve_http1(stream, Arc::new(visit), ambiguous, head, watcher).await;
        }
        // Boxed: the HTTP/2 future is three times as large and rare behind a proxy, so it should not enlarge every
        // task. It ends after `stop`; holding the watcher makes shutdown wait for it.
        HttpVersion::Two => {
            Box::pin(http2::serve_http2(stream, visit, limits, stop)).await;
            drop(watcher);
        }
    }
}

enum HttpVersion {
    One,
    Two,
}

/// Peeks at the first bytes without consuming them; `None` if the client closed the connection.
///
/// hyper-util's builder for both versions has no timeout for this, and it copies the first bytes into its own buffer,
/// which costs each HTTP/1 connection 8 KB for its lifetime.
async fn sniff_version(stream: &TcpStream) -> Option<HttpVersion> {
    let mut start = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut start).await {
            Ok(0) | Err(_) => return None,
            Ok(length) if !PREFACE.starts_with(&start[..length]) => return Some(HttpVersion::One),
            Ok(length) if length == PREFACE.len() => return Some(HttpVersion::Two),
            Ok(_) => tokio::time::sleep(PEEK_INTERVAL).await,
        }
    }
}
