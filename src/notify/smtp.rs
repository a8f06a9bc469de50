//! An SMTP client with limits on the duration of a session and on the bytes received. lettre limits only the time to
//! connect, and checks a line's length only after reading the line.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::{Context as _, bail};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
#[expect(deprecated, reason = "lettre has no other way to speak TLS over a stream of ours")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

/// How long connecting to one address may take; a host may have several addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long `QUIT` may take after the server has accepted the mail.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct SmtpLimits {
    /// From the first packet until the server has accepted the mail.
    pub time: Duration,
    /// The most bytes received between two writes of ours. A certificate chain has some thousand bytes, a response some
    /// hundred. lettre parses the whole response again for each of its lines, so a long response costs much CPU time.
    pub received: usize,
}

impl Default for SmtpLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(20), received: 32 * 1024 }
    }
}

#[derive(Clone)]
pub struct MailServer {
    host: String,
    port: u16,
    tls: TlsMode,
    tls_parameters: TlsParameters,
    credentials: Option<Credentials>,
    /// The name sent with `EHLO`.
    hello: ClientId,
    bounds: SmtpLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TlsMode {
    Never,
    /// STARTTLS, if the server offers it.
    Opportunistic,
    /// STARTTLS; fails if the server does not offer it.
    Required,
    /// TLS from the first byte.
    Implicit,
}

#[derive(Debug, thiserror::Error)]
pub enum SmtpFailure {
    #[error("{0}")]
    Smtp(#[from] SmtpError),
    #[error("connecting to the mail server: {0}")]
    Connecting(#[from] io::Error),
    #[error("the mail server did not accept it within {0} s")]
    TooSlow(u64),
}

impl SmtpFailure {
    /// Whether the server rejected the mail permanently (5xx).
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Smtp(error) if error.is_permanent())
    }
}

impl std::fmt::Debug for MailServer {
    /// Without the credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl MailServer {
    /// `hello` is the name sent with `EHLO`.
    pub fn new(url: &Url, hello: String, authorities: &[u8], bounds: SmtpLimits) -> anyhow::Result<Self> {
        let host = match url.host().context("the SMTP server URL has no host")? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (tls, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtps", _) => (TlsMode::Implicit, SUBMISSIONS_PORT),
            ("smtp", None) => (TlsMode::Never, SMTP_PORT),
            ("smtp", Some("none")) => (TlsMode::Never, SMTP_PORT),
            ("smtp", Some("required")) => (TlsMode::Required, SUBMISSION_PORT),
            ("smtp", Some("opportunistic")) => (TlsMode::Opportunistic, SUBMISSION_PORT),
            _ => bail!("the SMTP server URL: ?tls= must be required, opportunistic or none"),
        };
        let decoded = |text| percent_decode_str(text).decode_utf8().map(String::from);
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        let port = url.port().unwrap_or(port);
        let tls_parameters = tls_parameters(&host, authorities)?;
        Ok(Self { host, port, tls, tls_parameters, credentials, hello: ClientId::Domain(hello), bounds })
    }

    pub async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), SmtpFailure> {
        let conversation = async {
            let mut connection = self.connect().await?;
            if let Some(credentials) = &self.credentials {
                connection.auth(DEFAULT_MECHANISMS, credentials).await?;
            }
            connection.send(envelope, mail).await?;
            Ok::<_, SmtpFailure>(connection)
        };
        let too_slow = |_| SmtpFailure::TooSlow(self.bounds.time.as_secs());
        let mut connection = timeout(self.bounds.time, conversation).await.map_err(too_slow)??;
        // The server has accepted the mail, so a failed `QUIT` is ignored.
        let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let (stream, most) = (self.connect_tcp().await?, self.bounds.received);
        let stream = LimitedStream { stream, limit: most, left: most };
        let tls = || self.tls_parameters.clone();
        if self.tls == TlsMode::Implicit {
            let stream = TlsStream::handshake(stream, tls()).await?;
            return Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await?);
        }
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await?;
        if self.tls == TlsMode::Required || self.tls == TlsMode::Opportunistic && connection.can_starttls() {
            connection.starttls(tls(), &self.hello).await?;
        }
        Ok(connection)
    }

    /// Connects to the first address of the host that answers.
    async fn connect_tcp(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "its host name does not resolve");
        for address in tokio::net::lookup_host((self.host.as_str(), self.port)).await? {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }
}

/// Fails when more than `limit` bytes are read between two writes.
#[derive(Debug)]
struct LimitedStream {
    stream: TcpStream,
    limit: usize,
    left: usize,
}

impl AsyncTokioStream for LimitedStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let read = into.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the mail server's response is too long"))),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.left = self.limit;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// TLS to `host` that also trusts the `authorities`, certificates in PEM.
fn tls_parameters(host: &str, authorities: &[u8]) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !authorities.is_empty() {
        builder = builder.add_root_certificate(Certificate::from_pem(authorities).context("the SMTP CA file")?);
    }
    Ok(builder.build()?)
}

/// lettre's TLS over a [`LimitedStream`].
#[expect(deprecated, reason = "as above")]
#[derive(Debug)]
struct TlsStream(AsyncNetworkStream);

impl TlsStream {
    #[expect(deprecated, reason = "as above")]
    async fn handshake(stream: LimitedStream, tls: TlsParameters) -> Result<Self, SmtpError> {
        let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(stream));
        stream.upgrade_tls(tls).await?;
        Ok(Self(stream))
    }
}

impl AsyncTokioStream for TlsStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = ready!(futures_io::AsyncRead::poll_read(Pin::new(&mut self.0), cx, into.initialize_unfilled()))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        futures_io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_close(Pin::new(&mut self.0), cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    /// Sends a mail to a server that sends `opening`, then `forever` repeatedly with pauses of `pause`.
    async fn sent_to(
        opening: &'static str,
        forever: &'static [u8],
        pause: Duration,
        bounds: SmtpLimits,
    ) -> SmtpFailure {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(opening.as_bytes()).await;
            while stream.write_all(forever).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        let server = MailServer::new(&url, "status.example.org".into(), &[], bounds).unwrap();
        let (from, to) = ("a@tidewater.example".parse().unwrap(), "b@tidewater.example".parse().unwrap());
        let envelope = Envelope::new(Some(from), vec![to]).unwrap();
        server.send(&envelope, b"Subject: A link\r\n\r\nText\r\n").await.unwrap_err()
    }

    #[tokio::test]
    async fn smtp_responses_are_limited_by_size() {
        let bounds = SmtpLimits { time: Duration::from_secs(600), received: 4 * 1024 };
        let failure = sent_to("", &[b'2'; 60_000], Duration::ZERO, bounds).await;
        assert!(failure.to_string().contains("too long") && !failure.is_permanent(), "an endless line: {failure}");
        let failure = sent_to("220 here\r\n", b"250-more\r\n", Duration::ZERO, bounds).await;
        assert!(failure.to_string().contains("too long"), "endless lines: {failure}");
        let failure = sent_to("220 here\r\n250 here\r\n", &[b'2'; 60_000], Duration::ZERO, bounds).await;
        assert!(failure.to_string().contains("too long"), "after the greeting: {failure}");
    }

    #[tokio::test]
    async fn smtp_sessions_are_limited_by_time() {
        let bounds = SmtpLimits { time: Duration::from_millis(300), ..SmtpLimits::default() };
        for (opening, drip) in [("", &b""[..]), ("", b"2"), ("220 here\r\n", b"2")] {
            let failure = sent_to(opening, drip, Duration::from_millis(20), bounds).await;
            assert!(matches!(failure, SmtpFailure::TooSlow(_)), "{opening:?}, {drip:?}: {failure}");
        }
    }

    #[test]
    fn the_address_names_port_tls_and_credentials() {
        let server = |url| MailServer::new(&Url::parse(url).unwrap(), "here".into(), &[], SmtpLimits::default());
        for (url, tls, port) in [
            ("smtp://mail.example.org", TlsMode::Never, 25),
            ("smtp://[::1]:2525", TlsMode::Never, 2525),
            ("smtp://mail.example.org?tls=required", TlsMode::Required, 587),
            ("smtp://mail.example.org?tls=opportunistic", TlsMode::Opportunistic, 587),
            ("smtps://mail.example.org", TlsMode::Implicit, 465),
        ] {
            let server = server(url).unwrap();
            assert_eq!((server.tls, server.port, server.credentials), (tls, port, None), "{url}");
        }
        assert_eq!(server("smtp://[::1]").unwrap().host, "::1");
        assert!(server("smtp://mail.example.org?tls=maybe").is_err());
        let credentials = server("smtps://status%40example.org:hush%2Fhush@mail.example.org").unwrap().credentials;
        assert_eq!(credentials, Some(Credentials::new("status@example.org".into(), "hush/hush".into())));
    }
}
