//! An SMTP client with limits on the duration of a session and on the bytes received. lettre limits only the time to
//! connect, and checks a line's length only after reading the line.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error as SmtpError, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use super::mail_failure::{SmtpFailure, Step};
use super::smtp_stream::{LimitedStream, TlsStream};

/// How long connecting to one address may take; a host may have several addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long `QUIT` may take after the server has accepted the mail.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);
/// The server closes the connection (RFC 5321, 3.8).
const CLOSING: u16 = 421;

#[derive(Clone, Copy, Debug)]
pub struct SmtpLimits {
    /// From the first packet of a mail until the server has accepted it, with the connection if it needs one.
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

/// One connection to the mail server, after EHLO and AUTH.
pub(super) struct SmtpSession {
    connection: AsyncSmtpConnection,
    pub(super) is_encrypted: bool,
    /// The mails sent or rejected in this session.
    pub(super) mails: u32,
    /// The last mail was rejected, so the next needs RSET before it.
    needs_reset: bool,
}

/// Why a session sent no mail.
pub(super) struct SendProblem {
    pub(super) failure: SmtpFailure,
    pub(super) session: SessionState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionState {
    /// The session takes further mails.
    Open,
    /// The server closed it before it saw anything of this mail.
    ClosedBefore,
    Closed,
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

    pub fn limits(&self) -> SmtpLimits {
        self.bounds
    }

    pub(super) async fn open(&self) -> Result<SmtpSession, SmtpFailure> {
        let mut connection = self.connect().await?;
        if let Some(credentials) = &self.credentials {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(|error| describe_smtp_error(&error, Step::Session))?;
        }
        let is_encrypted = self.tls == TlsMode::Implicit || connection.is_encrypted();
        Ok(SmtpSession { connection, is_encrypted, mails: 0, needs_reset: false })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpFailure> {
        let tcp = self.connect_tcp().await;
        let stream = tcp.and_then(|stream| LimitedStream::new(stream, self.bounds.received));
        let stream =
            stream.map_err(|error| SmtpFailure::temporary(format!("connecting to the mail server: {error}")))?;
        self.greet(stream).await.map_err(|error| describe_smtp_error(&error, Step::Session))
    }

    async fn greet(&self, stream: LimitedStream) -> Result<AsyncSmtpConnection, SmtpError> {
        let tls = || self.tls_parameters.clone();
        if self.tls == TlsMode::Implicit {
            let stream = TlsStream::handshake(stream, tls()).await?;
            return AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
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

impl SmtpSession {
    /// Whether the session, idle since the last mail, takes another.
    pub(super) async fn is_ready(&mut self, ask: bool) -> bool {
        let is_ready = match (self.needs_reset, ask) {
            (true, _) => self.connection.command(Rset).await.is_ok(),
            (false, true) => self.connection.command(Noop).await.is_ok(),
            (false, false) => true,
        };
        self.needs_reset = false;
        is_ready
    }

    /// Sends one mail. After [`SessionState::Open`] the session takes another one.
    pub(super) async fn send(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<(), SendProblem> {
        self.mails += 1;
        let parameters = self.mail_parameters(envelope, mail)?;
        let sender = self.connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
        self.check(sender, Step::Sender)?;
        for recipient in envelope.to() {
            let answer = self.connection.command(Rcpt::new(recipient.clone(), Vec::new())).await;
            self.check(answer, Step::Recipient)?;
        }
        let data = self.connection.command(Data).await;
        self.check(data, Step::Data)?;
        let accepted = self.connection.message(mail).await;
        self.check(accepted, Step::Data)
    }

    fn mail_parameters(&self, envelope: &Envelope, mail: &[u8]) -> Result<Vec<MailParameter>, SendProblem> {
        let server = self.connection.server_info();
        let lacks = |extension: Extension, what: &str| {
            let failure = SmtpFailure::permanent(format!("the mail server does not support {extension} ({what})"));
            (!server.supports_feature(extension)).then_some(SendProblem { failure, session: SessionState::Open })
        };
        let mut parameters = Vec::new();
        let is_plain = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !envelope.from().into_iter().chain(envelope.to()).all(is_plain) {
            lacks(Extension::SmtpUtfEight, "the address is not ASCII").map_or(Ok(()), Err)?;
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() {
            lacks(Extension::EightBitMime, "the mail is not ASCII").map_or(Ok(()), Err)?;
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    fn check<T>(&mut self, answer: Result<T, SmtpError>, step: Step) -> Result<(), SendProblem> {
        let Err(error) = answer else { return Ok(()) };
        let session = match error.status().map(u16::from) {
            Some(code) if code != CLOSING => SessionState::Open,
            _ if step == Step::Sender => SessionState::ClosedBefore,
            _ => SessionState::Closed,
        };
        self.needs_reset = true;
        Err(SendProblem { failure: describe_smtp_error(&error, step), session })
    }

    /// Failures are ignored, because the mails were already accepted.
    pub(super) async fn quit(mut self) {
        let _ = timeout(QUIT_TIMEOUT, self.connection.command(Quit)).await;
    }
}

fn describe_smtp_error(error: &SmtpError, step: Step) -> SmtpFailure {
    let Some(code) = error.status() else { return SmtpFailure::temporary(error) };
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    SmtpFailure::rejected(step, code.into(), &text)
}

/// TLS to `host` that also trusts the `authorities`, certificates in PEM.
fn tls_parameters(host: &str, authorities: &[u8]) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !authorities.is_empty() {
        builder = builder.add_root_certificate(Certificate::from_pem(authorities).context("the SMTP CA file")?);
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::mail_failure::MailFailure;
    use crate::notify::mail_pool::{MailPool, PoolLimits};
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
        let pool = MailPool::new(server, PoolLimits::default());
        let (from, to) = ("a@tidewater.example".parse().unwrap(), "b@tidewater.example".parse().unwrap());
        let envelope = Envelope::new(Some(from), vec![to]).unwrap();
        pool.send(&envelope, b"Subject: A link\r\n\r\nText\r\n").await.unwrap_err()
    }

    #[tokio::test]
    async fn smtp_responses_are_limited_by_size() {
        let bounds = SmtpLimits { time: Duration::from_secs(600), received: 4 * 1024 };
        let failure = sent_to("", &[b'2'; 60_000], Duration::ZERO, bounds).await;
        assert!(
            failure.to_string().contains("too long") && failure.kind == MailFailure::Temporary,
            "an endless line: {failure}"
        );
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
            assert!(failure.words.contains("did not accept it within"), "{opening:?}, {drip:?}: {failure}");
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
