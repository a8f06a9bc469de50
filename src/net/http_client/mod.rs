//! Outgoing HTTP requests: the only place that builds an HTTP client. Protects against server-side request forgery.
//!
//! A host that the operator did not configure is requested over HTTPS on port 443 only, at public addresses only (all
//! addresses of the name are checked, for the connection that uses them), without a proxy from the environment and
//! without redirects. A configured host may have any address, but its name must not resolve to a cloud metadata
//! service.

mod health;
mod public_ip;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use health::{HealthAnswer, LocalServer, ask_for_health};
use public_ip::is_metadata;
pub use public_ip::is_public;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    trusted: TrustedHosts,
    bounds: ResponseLimits,
}

#[derive(Clone, Copy, Debug)]
pub struct ResponseLimits {
    /// From the first byte sent to the last byte received.
    pub time: Duration,
    /// The body, in bytes.
    pub size: usize,
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(15), size: 64 * 1024 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    #[error("{0} can't be requested: {1}")]
    Refused(String, &'static str),
    #[error("the response is longer than {0} bytes")]
    TooLong(usize),
    #[error("{}", error_chain(.0))]
    Failed(#[from] reqwest::Error),
}

impl HttpClient {
    /// Addresses of `named` hosts, which the operator configured, may be private. Fails without trusted root
    /// certificates.
    pub fn new<'a>(named: impl IntoIterator<Item = &'a Url>, bounds: ResponseLimits) -> Result<Self, HttpClientError> {
        // Only the first call in a process installs a provider. Every caller installs the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::with_resolver(TrustedHosts::from_urls(named), bounds, SystemResolver)
    }

    /// The connection uses the checked addresses, so a name that resolves differently a moment later (DNS rebinding)
    /// fails.
    fn with_resolver(
        named: TrustedHosts,
        bounds: ResponseLimits,
        resolver: impl Resolver,
    ) -> Result<Self, HttpClientError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(bounds.time)
            .user_agent(concat!("Candor/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(FilteringResolver { named: named.clone(), resolver: Arc::new(resolver) }))
            .build()?;
        Ok(Self { client, trusted: named, bounds })
    }

    /// Fails on a forbidden address, a timeout and a response that is too long, but not on an error status.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, HttpClientError> {
        self.execute(request, Overlong::Fails).await
    }

    /// As [`HttpClient::send`], but returns the beginning of a response that is too long and reads no further.
    pub async fn send_and_truncate(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, HttpClientError> {
        self.execute(request, Overlong::IsCut).await
    }

    async fn execute(&self, request: Request<Vec<u8>>, overlong: Overlong) -> Result<Response<Bytes>, HttpClientError> {
        let request = reqwest::Request::try_from(request)?;
        self.trusted.check_url(request.url())?;
        let mut answer = self.client.execute(request).await?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        *response.body_mut() = self.read_body(answer, overlong).await?;
        Ok(response)
    }

    /// Whether a request would be refused for its URL alone.
    pub fn check_url(&self, url: &Url) -> Result<(), HttpClientError> {
        self.trusted.check_url(url)
    }

    async fn read_body(&self, mut answer: reqwest::Response, overlong: Overlong) -> Result<Bytes, HttpClientError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await? {
            let room = self.bounds.size - body.len();
            match overlong {
                Overlong::Fails if chunk.len() > room => return Err(HttpClientError::TooLong(self.bounds.size)),
                Overlong::IsCut if chunk.len() > room => {
                    body.extend_from_slice(&chunk[..room]);
                    break;
                }
                _ => body.extend_from_slice(&chunk),
            }
        }
        Ok(body.freeze())
    }
}

/// What happens with a response beyond the limit.
#[derive(Clone, Copy, Debug)]
enum Overlong {
    Fails,
    IsCut,
}

#[derive(Clone, Debug)]
struct TrustedHosts(Arc<BTreeSet<String>>);

impl TrustedHosts {
    fn from_urls<'a>(urls: impl IntoIterator<Item = &'a Url>) -> Self {
        Self(Arc::new(urls.into_iter().filter_map(Url::host_str).map(str::to_owned).collect()))
    }

    fn contains(&self, host: &str) -> bool {
        self.0.contains(host)
    }

    /// Checks everything that the URL alone shows. IP addresses are checked here, because they bypass the resolver.
    fn check_url(&self, url: &Url) -> Result<(), HttpClientError> {
        let refuse = |why| Err(HttpClientError::Refused(url.to_string(), why));
        let Some(host) = url.host() else { return refuse("it has no host") };
        if !["http", "https"].contains(&url.scheme()) {
            return refuse("only https and http are spoken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it holds a name or a password");
        }
        if self.contains(&host.to_string()) {
            return Ok(());
        }
        match host {
            _ if url.scheme() != "https" => refuse("it is not https"),
            _ if url.port_or_known_default() != Some(443) => refuse("it is not on port 443"),
            Host::Ipv4(address) if !is_public(address.into()) => refuse(NOT_PUBLIC_MESSAGE),
            Host::Ipv6(address) if !is_public(address.into()) => refuse(NOT_PUBLIC_MESSAGE),
            _ => Ok(()),
        }
    }
}

const NOT_PUBLIC_MESSAGE: &str = "it is not on the public internet";
const METADATA_MESSAGE: &str = "its name leads to the metadata service of this machine";

trait Resolver: Send + Sync + 'static {
    fn resolve(&self, name: &str) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

struct SystemResolver;

impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Returns only addresses that may be requested.
struct FilteringResolver<R> {
    named: TrustedHosts,
    resolver: Arc<R>,
}

impl<R: Resolver> Resolve for FilteringResolver<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let (is_named, resolver) = (self.named.contains(name.as_str()), self.resolver.clone());
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await?;
            if found.iter().any(|address| is_metadata(address.ip())) {
                return Err(io::Error::other(METADATA_MESSAGE).into());
            }
            if !is_named && !found.iter().all(|address| is_public(address.ip())) {
                return Err(io::Error::other(NOT_PUBLIC_MESSAGE).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The error with its causes, without the URL, which may contain a secret.
fn error_chain(error: &reqwest::Error) -> String {
    let mut text = String::from("no answer");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(named: &[&str], bounds: ResponseLimits) -> HttpClient {
        let named: Vec<Url> = named.iter().map(|url| Url::parse(url).unwrap()).collect();
        HttpClient::new(&named, bounds).unwrap()
    }

    fn asking(url: &str) -> Request<Vec<u8>> {
        Request::get(url).body(Vec::new()).unwrap()
    }

    /// Responds to any request with `text`, then sends nothing more and keeps the connection open.
    async fn server(text: &'static str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(stream.read_u8().await.unwrap());
                }
                stream.write_all(text.as_bytes()).await.unwrap();
                open.push(stream);
            }
        });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn untrusted_hosts_must_be_public() {
        let outbound = outbound(&[], ResponseLimits::default());
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest",
            "https://good@127.0.0.1/",
            "https://user:word@status.example.org/",
            "http://status.example.org/",
            "https://status.example.org:8443/",
        ] {
            let refused = outbound.send(asking(url)).await;
            assert!(matches!(refused, Err(HttpClientError::Refused(..))), "{url}: {refused:?}");
        }
        // A name is checked by the addresses it resolves to.
        let refused = outbound.send(asking("https://localhost/")).await.unwrap_err();
        assert!(refused.to_string().ends_with(NOT_PUBLIC_MESSAGE), "{refused}");
    }

    #[tokio::test]
    async fn trusted_hosts_may_be_private() {
        let there = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        let answer = outbound(&[&there], ResponseLimits::default()).send(asking(&there)).await.unwrap();
        assert_eq!(&answer.body()[..], b"hi");
    }

    /// Returns each answer once, the last one repeatedly, and counts the lookups.
    struct Scripted {
        answers: Vec<Vec<SocketAddr>>,
        asked: Arc<std::sync::atomic::AtomicUsize>,
    }

    impl Resolver for Scripted {
        async fn resolve(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
            let asked = self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(self.answers[asked.min(self.answers.len() - 1)].clone())
        }
    }

    /// A client whose resolver returns `answers`, and the number of lookups.
    fn finding(named: &[&str], answers: &[&[&str]]) -> (HttpClient, Arc<std::sync::atomic::AtomicUsize>) {
        let answers = answers.iter().map(|all| all.iter().map(|one| one.parse().unwrap()).collect()).collect();
        let asked = Arc::default();
        let named: Vec<Url> = named.iter().map(|url| Url::parse(url).unwrap()).collect();
        let resolver = Scripted { answers, asked: Arc::clone(&asked) };
        let _ = rustls::crypto::ring::default_provider().install_default();
        (
            HttpClient::with_resolver(TrustedHosts::from_urls(&named), ResponseLimits::default(), resolver).unwrap(),
            asked,
        )
    }

    #[tokio::test]
    async fn dns_rebinding_never_reaches_localhost() {
        for private in ["127.0.0.1:0", "169.254.169.254:0", "[::1]:0", "10.0.0.1:0"] {
            // One private address is enough to refuse the name.
            let (outbound, _) = finding(&[], &[&["1.1.1.1:0", private]]);
            let refused = outbound.send(asking("https://rebind.test/")).await.unwrap_err();
            assert!(
                refused.to_string().ends_with(NOT_PUBLIC_MESSAGE) || refused.to_string().ends_with(METADATA_MESSAGE),
                "{refused}"
            );
        }
    }

    #[tokio::test]
    async fn checked_address_is_the_one_connected_to() {
        let there = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        let port = Url::parse(&there).unwrap().port().unwrap();
        let named = format!("http://rebind.test:{port}/");
        // Nothing listens on the address of the second answer.
        let (outbound, asked) = finding(&[&named], &[&["127.0.0.1:0"], &["127.0.0.2:0"]]);
        let answer = outbound.send(asking(&named)).await.unwrap();
        assert_eq!(&answer.body()[..], b"hi");
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "the name is looked up once");
    }

    #[tokio::test]
    async fn trusted_host_never_resolves_to_metadata_service() {
        let (outbound, _) = finding(&["http://named.test/"], &[&["169.254.169.254:0"]]);
        let refused = outbound.send(asking("http://named.test/")).await.unwrap_err();
        assert!(refused.to_string().ends_with(METADATA_MESSAGE), "{refused}");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let there = server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n").await;
        let answer = outbound(&[&there], ResponseLimits::default()).send(asking(&there)).await.unwrap();
        assert_eq!(answer.status(), 302);
    }

    #[tokio::test]
    async fn endless_headers_and_slow_bodies_are_limited() {
        for (what, opening, forever, pause) in [
            ("one header", "HTTP/1.1 200 OK\r\nX-Long: ", "x".repeat(60_000), 0),
            ("many headers", "HTTP/1.1 200 OK\r\n", "X-More: 1\r\n".repeat(1_000), 0),
            ("a body in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n".into(), 0),
            ("interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n".into(), 1),
            ("a dripping head", "HTTP/1.1 200 OK\r\nX-Slow: ", "x".into(), 10),
            ("a dripping body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "x".into(), 10),
        ] {
            let there = endless(opening, forever, Duration::from_millis(pause)).await;
            let time = Duration::from_millis(if pause == 0 { 60_000 } else { 300 });
            let answer = outbound(&[&there], ResponseLimits { time, size: 4_096 }).send(asking(&there)).await;
            assert!(answer.is_err(), "{what}");
        }
    }

    #[tokio::test]
    async fn compressed_answers_stay_compressed() {
        let there = server("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb").await;
        let answer = outbound(&[&there], ResponseLimits::default()).send(asking(&there)).await.unwrap();
        assert_eq!(&answer.body()[..], b"bomb");
    }

    /// Sends `opening`, then `forever` repeatedly until the connection ends.
    async fn endless(opening: &'static str, forever: String, pause: Duration) -> String {
        use tokio::io::AsyncWriteExt as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(opening.as_bytes()).await;
            while stream.write_all(forever.as_bytes()).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn oversized_or_slow_response_is_aborted() {
        let there = server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234").await;
        let short = ResponseLimits { size: 4, ..ResponseLimits::default() };
        let error = outbound(&[&there], short).send(asking(&there)).await.unwrap_err();
        assert_eq!(error.to_string(), "the response is longer than 4 bytes");
        let cut = outbound(&[&there], short).send_and_truncate(asking(&there)).await.unwrap();
        assert_eq!((cut.status().as_u16(), &cut.body()[..]), (200, &b"0123"[..]));
        let quick = ResponseLimits { time: Duration::from_millis(50), ..ResponseLimits::default() };
        let error = outbound(&[&there], quick).send(asking(&there)).await.unwrap_err();
        assert!(error.to_string().contains("timed out"), "{error}");
    }
}
