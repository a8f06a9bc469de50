//! A whole server on its own port, and connections on which a test sends raw text.

use std::net::SocketAddr;
use std::time::Duration;

use candor::clock::Clock;
use candor::config::{DatabaseConfig, ServeConfig, SiteConfig, TlsConfig};
use candor::net::listen_address::ListenAddress;
use candor::net::trusted_proxies::parse_network;
use candor::server::app::App;
use candor::server::connection_limits::ConnectionLimits;
use candor::state::State;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::tls::TestTls;

/// How long a test waits for a state, on a machine that also runs other tests.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Server {
    pub address: SocketAddr,
    /// The address of the metrics.
    pub metrics: SocketAddr,
    /// The address that redirects, with TLS.
    pub redirect: Option<SocketAddr>,
    /// The authority of the certificate, with TLS.
    pub tls: Option<TestTls>,
    pub state: State,
    pub stop: CancellationToken,
    pub ended: oneshot::Receiver<anyhow::Result<()>>,
}

impl Server {
    /// Starts a server over the database at `url` and publishes.
    pub async fn published(url: &str, clock: &Clock, limits: ConnectionLimits, data: &TempDir) -> Self {
        let server = Self::start(url, clock, limits, data).await;
        let publisher = &server.state.publisher;
        until("it has published", || publisher.site().document("/").is_some_and(|page| page.status == 200)).await;
        server
    }

    /// Starts a server without waiting for it to publish.
    pub async fn start(url: &str, clock: &Clock, limits: ConnectionLimits, data: &TempDir) -> Self {
        Self::behind(&[], url, clock, limits, data).await
    }

    pub async fn behind(proxies: &[&str], url: &str, clock: &Clock, limits: ConnectionLimits, data: &TempDir) -> Self {
        let mut serve = serve_config(data);
        serve.trusted_proxies = proxies.iter().map(|proxy| parse_network(proxy).unwrap()).collect();
        Self::launch(serve, url, clock, limits).await
    }

    /// Starts a server with TLS and waits until it has published.
    pub async fn with_tls(url: &str, clock: &Clock, limits: ConnectionLimits, data: &TempDir) -> Self {
        let (tls, mut serve) = (TestTls::new(), serve_config(data));
        serve.tls.tls_cert = Some(tls.certificate_file());
        serve.tls.tls_key = Some(tls.key_file());
        serve.tls.redirect_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut server = Self::launch(serve, url, clock, limits).await;
        server.tls = Some(tls);
        let publisher = &server.state.publisher;
        until("it has published", || publisher.site().document("/").is_some_and(|page| page.status == 200)).await;
        server
    }

    async fn launch(serve: ServeConfig, url: &str, clock: &Clock, limits: ConnectionLimits) -> Self {
        let database = DatabaseConfig { database_url: url.to_owned(), database_url_file: None };
        let (clock, stop) = (clock.clone(), CancellationToken::new());
        let (say_start, start) = oneshot::channel();
        let (say_end, ended) = oneshot::channel();
        let stopping = stop.clone();
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let app = App::build(&serve, &database, clock).await.unwrap().with_limits(limits);
                let (metrics, redirect) = (app.metrics_address().unwrap(), app.redirect_address());
                drop(say_start.send((app.address().unwrap(), metrics, redirect, app.state().clone())));
                // The receiver is gone if a test has failed.
                drop(say_end.send(app.run(stopping).await));
            });
        });
        let (address, metrics, redirect, state) = start.await.unwrap();
        Self { address, metrics, redirect, tls: None, state, stop, ended }
    }

    /// Connects, with TLS if the server speaks it.
    pub async fn connect(&self) -> RawHttp1 {
        self.over(TcpStream::connect(self.address).await.unwrap(), b"http/1.1").await
    }

    /// Connects for HTTP/2.
    pub async fn connect_http2(&self) -> Box<dyn Connection> {
        self.over(TcpStream::connect(self.address).await.unwrap(), b"h2").await.stream
    }

    pub async fn connect_with_small_buffer(&self) -> RawHttp1 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1024).unwrap();
        let protocol: &[u8] = if self.tls.is_some() { b"h2" } else { b"http/1.1" };
        self.over(socket.connect(self.address).await.unwrap(), protocol).await
    }

    async fn over(&self, stream: TcpStream, protocol: &[u8]) -> RawHttp1 {
        let stream: Box<dyn Connection> = match &self.tls {
            Some(tls) => Box::new(tls.connect(stream, &[protocol]).await.unwrap()),
            None => Box::new(stream),
        };
        RawHttp1::new(stream, self.address.to_string())
    }

    pub async fn answer(&self, request: &str) -> String {
        let mut wire = self.connect().await;
        wire.send_raw(request).await;
        wire.rest().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The settings of a server on a free port.
pub fn serve_config(data: &TempDir) -> ServeConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    ServeConfig {
        listen: ListenAddress::Tcp(any),
        site: SiteConfig { base_url: None, data_dir: data.path().to_owned() },
        allowed_hosts: Vec::new(),
        tls: TlsConfig::default(),
        metrics_listen: Some(any),
        secret_key_file: None,
        endpoint_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        api_writes: candor::state::TOKEN_WRITES,
        api_reads: candor::state::TOKEN_READS,
        node: candor::config::NodeConfig::default(),
        mail: candor::config::MailConfig::default(),
        oidc: candor::config::OidcConfig::default(),
        core_dumps: true,
        accept_empty: false,
        log_json: false,
    }
}

/// A connection, with or without TLS.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

pub struct RawHttp1 {
    pub stream: Box<dyn Connection>,
    host: String,
}

impl RawHttp1 {
    pub fn new(stream: Box<dyn Connection>, host: String) -> Self {
        Self { stream, host }
    }

    /// Replaces `HOST` by the server's address. Ignores errors: the server may have closed the connection.
    pub async fn send_raw(&mut self, text: &str) {
        let _ = self.stream.write_all(text.replace("HOST", &self.host).as_bytes()).await;
    }

    pub async fn get(&mut self, address: &str) {
        self.send_raw(&format!("GET {address} HTTP/1.1\r\nhost: HOST\r\n\r\n")).await;
    }

    /// Reads until `words` arrive; returns everything read.
    pub async fn read_until(&mut self, words: &str) -> String {
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        while !text.contains(words) {
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("in time").unwrap();
            assert!(read > 0, "{words:?} was never said: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        text
    }

    /// Reads until the server closes the connection.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut bytes)).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // If the server closes while we still write, reading fails.
        let _ = read.unwrap_or_else(|_| panic!("the connection is still open: {text}"));
        text
    }
}

/// Waits until `so` is true; panics with `what` on timeout.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
