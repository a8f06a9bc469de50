//! Accepts connections with limits that `axum::serve` lacks: idle connections time out, and one client can't take all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http_connection::{AmbiguousLength, HeadLimits, Responder, Stream, serve_http1};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log_limit::{CONNECTIONS, LogPermit};
use crate::net::peer::{Peer, Transport};
use crate::net::per_client::ClientCounter;
use crate::net::trusted_proxies::TrustedProxies;
use crate::server::connection_limits::ConnectionLimits;
use crate::server::http2;
use crate::server::listener::Listener;
use crate::server::redirect::Redirect;
use crate::server::tls::accept_tls;
use crate::web::FastPath;
use crate::web::edge::request_checks;

/// The largest request header that is certainly accepted, in bytes. hyper doubles its buffer as it grows, so it never
/// reads more than 64 KiB at once.
const MAX_HEAD: usize = 48 * 1024;
/// Pause after an `accept` error that persists for a while, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A listener and what answers there.
pub struct Entrance {
    pub listener: Listener,
    pub service: Service,
}

#[derive(Clone)]
pub enum Service {
    /// The page and the admin; with TLS on TCP connections if there is an acceptor.
    Site(FastPath, Option<TlsAcceptor>),
    Redirect(Redirect),
}

/// What all listeners share.
pub struct Sharing {
    /// Counts the connections.
    pub open: ClientCounter,
    /// Requests that run to their end even if the client disconnects.
    pub running: TaskTracker,
    pub trusted: TrustedProxies,
    pub limits: ConnectionLimits,
    pub stop: CancellationToken,
}

/// Stops accepting at `stop` and gives open connections and running requests `limits.grace` to end.
pub async fn serve(entrances: Vec<Entrance>, sharing: Sharing) {
    let all = Arc::new(Semaphore::new(sharing.limits.connections));
    let graceful = GracefulShutdown::new();
    join_all(entrances.iter().map(|entrance| accept_connections(entrance, &sharing, &all, &graceful))).await;
    drop(entrances);
    let Sharing { running, limits, .. } = sharing;
    let ending = async {
        graceful.shutdown().await;
        // Those whose client has disconnected still need the database.
        running.close();
        running.wait().await;
    };
    if timeout(limits.grace, ending).await.is_err() {
        tracing::warn!("shutdown timeout: connections did not close in {} s and were aborted", limits.grace.as_secs());
    }
}

async fn accept_connections(
    Entrance { listener, service }: &Entrance,
    sharing: &Sharing,
    all: &Arc<Semaphore>,
    graceful: &GracefulShutdown,
) {
    let (limits, stop) = (sharing.limits, &sharing.stop);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept_connection(listener, all) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let is_proxy = peer.transport == Transport::Unix || sharing.trusted.contains(peer.address.ip());
        let most = if is_proxy { limits.connections } else { limits.per_address };
        let Some(place) = sharing.open.acquire(peer.address.ip(), most) else {
            tracing::debug!("too many connections from {}", peer.address.ip());
            continue;
        };
        let (service, watcher, stop) = (service.clone(), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            serve_connection(stream, service, peer, limits, watcher, stop).await;
            drop((place, permit));
        });
    }
}

/// Raises the open files limit to the hard limit. Many systems start a process with 1024.
pub fn raise_open_files() {
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }) {
        tracing::warn!("the open files limit can't be raised: {error}");
    }
}

async fn accept_connection(listener: &Listener, all: &Arc<Semaphore>) -> Option<(Stream, Peer, OwnedSemaphorePermit)> {
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
    stream: Stream,
    service: Service,
    mut peer: Peer,
    limits: ConnectionLimits,
    watcher: Watcher,
    stop: CancellationToken,
) {
    let acceptor = if let Service::Site(_, acceptor) = &service { acceptor.as_ref() } else { None };
    let ready = async {
        let mut stream = prepare_stream(stream, acceptor, limits).await?;
        timeout(limits.head, stream.wait_for_bytes()).await??;
        io::Result::Ok(stream)
    };
    let stream = tokio::select! {
        biased;
        ready = ready => ready,
        // Browsers open connections that they may never use; they must not delay the shutdown.
        () = stop.cancelled() => return,
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!("{} sent no request: {error}", peer.address.ip()),
    };
    if matches!(stream, Stream::Tls(_)) {
        peer.transport = Transport::Tls;
    }
    let head = HeadLimits { time: limits.head, size: MAX_HEAD, fields: request_checks::MAX_HEADERS };
    match service {
        // Boxed: the HTTP/2 future is three times as large, so it should not enlarge every task. It ends after `stop`;
        // holding the watcher makes shutdown wait for it.
        Service::Site(front, _) if stream.is_http2() => {
            Box::pin(http2::serve_http2(stream, front.connection(peer), limits, stop)).await;
            drop(watcher);
        }
        Service::Site(front, _) => {
            let visit = front.connection(peer);
            let ambiguous = visit.ambiguous_length();
            serve_http1(stream, Arc::new(visit), ambiguous, head, watcher).await;
        }
        Service::Redirect(redirect) => {
            let responder: Arc<dyn Responder> = Arc::new(redirect);
            serve_http1(stream, responder, AmbiguousLength::default(), head, watcher).await;
        }
    }
}

/// Sets the options of a TCP connection, and shakes hands if it speaks TLS.
async fn prepare_stream(
    stream: Stream,
    acceptor: Option<&TlsAcceptor>,
    limits: ConnectionLimits,
) -> io::Result<Stream> {
    let Stream::Tcp(stream) = stream else { return Ok(stream) };
    drop(stream.set_nodelay(true));
    // Drops a client that does not read its response; it would hold the connection forever.
    let unread = u32::try_from(limits.unread.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread);
    match acceptor {
        Some(acceptor) => timeout(limits.head, accept_tls(acceptor, stream)).await?,
        None => Ok(Stream::Tcp(stream)),
    }
}
