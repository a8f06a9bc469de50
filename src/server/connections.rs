//! Accepting connections, with the limits that `axum::serve` does not have: nobody can hold a
//! connection open by sending nothing, or hold all of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::log_limit::{CONNECTIONS, LogPermit};
use crate::net::per_client::ClientCounter;
use crate::server::connection_limits::ConnectionLimits;
use crate::server::http2;
use crate::web::FastPath;
use crate::web::edge::fast_path::Connection;
use crate::web::edge::request_checks;

/// The largest head of a request that is surely taken, in bytes. hyper reads as much as its buffer has room for before it
/// looks at the length, and the buffer doubles as it grows: more than 64 KiB of it are never filled in one go.
const MAX_HEAD: usize = 48 * 1024;
/// How long accepting rests after an error that will not pass at once, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How long until a client that has sent half a greeting is looked at again.
const PEEK_INTERVAL: Duration = Duration::from_millis(20);
/// What an HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Answers connections of `listener` until `stop`, and counts those `open`; then they get some time to end.
pub async fn serve(
    open: ClientCounter,
    listener: TcpListener,
    front: FastPath,
    trusted: Vec<IpAddr>,
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
        let is_trusted = trusted.contains(&peer.ip().to_canonical());
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
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("shutdown timeout: connections did not close in {} s and were aborted", limits.grace.as_secs());
    }
}

/// Asks the system for as many open files as it allows; many give 1024 to who does not ask.
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

/// Answers the requests of one connection. How it ends is the client's affair.
async fn serve_connection(
    stream: TcpStream,
    visit: Connection,
    limits: ConnectionLimits,
    watcher: Watcher,
    stop: CancellationToken,
) {
    drop(stream.set_nodelay(true));
    // Who reads nothing of what it asked for would hold the connection for ever.
    let unread = u32::try_from(limits.unread.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread);
    let Ok(Some(version)) = tokio::time::timeout(limits.head, sniff_version(&stream)).await else { return };
    match version {
        HttpVersion::One => {
            let connection = http1_builder(limits.head).serve_connection(TokioIo::new(stream), visit);
            drop(watcher.watch(connection).await);
        }
        // Thrice as large, and rare behind a proxy: the others should not make room for it. It ends by itself after
        // `stop`, and is waited for as long as there is its watcher.
        HttpVersion::Two => {
            Box::pin(http2::serve_http2(stream, visit, limits, stop)).await;
            drop(watcher);
        }
    }
}

/// Which HTTP a client speaks.
enum HttpVersion {
    One,
    Two,
}

/// Waits until the client has said which version of HTTP it speaks, and leaves unread what it said; none where it left.
///
/// hyper-util's builder for both versions would wait for that for ever, and reads the first bytes into a buffer of its
/// own, for which each connection of HTTP/1 would hold 8 KB more as long as it lives.
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

fn http1_builder(head: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD)
        .max_headers(request_checks::MAX_HEADERS);
    builder
}
