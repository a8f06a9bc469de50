//! An SMTP server on its own port that accepts mail, or rejects it on request.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> String {
        let begin = format!("{name}: ");
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        head.split("\r\n").find_map(|line| line.strip_prefix(&begin)).unwrap_or_default().to_owned()
    }

    /// The body without the soft line breaks of quoted-printable.
    pub fn text(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        body.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n")
    }
}

/// The certificate of a mail server that signs itself.
pub struct Certificate {
    pub pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    pub fn of_host(host: &str) -> Self {
        Self::new(CertificateParams::new(vec![host.to_owned()]).unwrap())
    }

    pub fn expired(host: &str) -> Self {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        Self::new(params)
    }

    fn new(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        Self { pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

#[derive(Clone)]
pub struct FakeSmtpServer {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    /// The credentials of the clients, still encoded.
    logins: Mutex<Vec<String>>,
    /// Commands and the replies that reject the next ones of them. An empty reply means none at all.
    refusals: Mutex<Vec<(&'static str, &'static str)>>,
    /// The number of the connection and the command; `OPEN` and `CLOSE` are its beginning and its end.
    log: Mutex<Vec<(usize, String)>>,
    tls: Option<TlsAcceptor>,
    is_implicit: bool,
    /// Sent with the reply to STARTTLS, before TLS.
    injected: &'static str,
    /// Closes all connections.
    closing: Mutex<CancellationToken>,
}

/// The state of one connection.
#[derive(Default)]
struct Session {
    number: usize,
    is_encrypted: bool,
    from: String,
    to: Vec<String>,
}

enum Ending {
    Closed,
    StartTls,
}

impl FakeSmtpServer {
    pub async fn open() -> Self {
        Self::serve(Shared::default()).await
    }

    /// Offers STARTTLS, and AUTH only after it.
    pub async fn with_starttls(certificate: &Certificate) -> Self {
        Self::serve(Shared { tls: Some(certificate.acceptor.clone()), ..Shared::default() }).await
    }

    /// TLS from the first byte.
    pub async fn with_tls(certificate: &Certificate) -> Self {
        let tls = Some(certificate.acceptor.clone());
        let server = Self::serve(Shared { tls, is_implicit: true, ..Shared::default() }).await;
        Self { url: server.url.replace("smtp://", "smtps://"), ..server }
    }

    /// As [`Self::with_starttls`], and sends `injected` in clear text before TLS begins.
    pub async fn with_injection(certificate: &Certificate, injected: &'static str) -> Self {
        Self::serve(Shared { tls: Some(certificate.acceptor.clone()), injected, ..Shared::default() }).await
    }

    async fn serve(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Self { url, shared: Arc::new(shared) };
        let serving = server.clone();
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                let server = serving.clone();
                tokio::spawn(async move { server.shared.serve_connection(stream, number).await });
            }
        });
        server
    }

    pub fn reject_next_mail(&self, reply: &'static str) {
        self.reject_next("MAIL", reply);
    }

    /// Rejects the next `command` that is not yet rejected. `.` is the end of DATA. The connection ends after a reply
    /// with 421; after an empty one the server sends nothing more.
    pub fn reject_next(&self, command: &'static str, reply: &'static str) {
        self.shared.refusals.lock().unwrap().push((command, reply));
    }

    pub fn close_connections(&self) {
        std::mem::take(&mut *self.shared.closing.lock().unwrap()).cancel();
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub fn logins(&self) -> Vec<String> {
        self.shared.logins.lock().unwrap().clone()
    }

    /// The commands of one connection, of which the first is 1.
    pub fn commands(&self, number: usize) -> Vec<String> {
        let log = self.shared.log.lock().unwrap();
        log.iter().filter(|(of, _)| *of == number).map(|(_, command)| command.clone()).collect()
    }

    /// The most connections that were open at a time.
    pub fn most_connections(&self) -> usize {
        let (mut open, mut most) = (0, 0);
        for (_, command) in self.shared.log.lock().unwrap().iter() {
            match command.as_str() {
                "OPEN" => open += 1,
                "CLOSE" => open -= 1,
                _ => {}
            }
            most = most.max(open);
        }
        most
    }

    pub fn connections(&self) -> usize {
        self.shared.log.lock().unwrap().iter().map(|(number, _)| *number).max().unwrap_or_default()
    }
}

impl Shared {
    async fn serve_connection(&self, stream: TcpStream, number: usize) {
        let closing = self.closing.lock().unwrap().clone();
        self.note(number, "OPEN");
        // An error means that the client has closed the connection.
        let _ = closing.run_until_cancelled(self.talk(stream, number)).await;
        self.note(number, "CLOSE");
    }

    async fn talk(&self, mut stream: TcpStream, number: usize) -> std::io::Result<()> {
        let mut session = Session { number, is_encrypted: self.is_implicit, ..Session::default() };
        if let (true, Some(tls)) = (self.is_implicit, &self.tls) {
            let mut stream = tls.accept(stream).await?;
            stream.write_all(b"220 sink\r\n").await?;
            self.answer_commands(&mut BufReader::new(stream), &mut session).await?;
            return Ok(());
        }
        stream.write_all(b"220 sink\r\n").await?;
        let mut stream = BufReader::new(stream);
        let ending = self.answer_commands(&mut stream, &mut session).await?;
        if let (Ending::StartTls, Some(tls)) = (ending, &self.tls) {
            session.is_encrypted = true;
            let mut stream = BufReader::new(tls.accept(stream.into_inner()).await?);
            self.answer_commands(&mut stream, &mut session).await?;
        }
        Ok(())
    }

    fn note(&self, number: usize, command: &str) {
        self.log.lock().unwrap().push((number, command.to_owned()));
    }

    async fn answer_commands<S>(&self, stream: &mut BufReader<S>, session: &mut Session) -> std::io::Result<Ending>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(Ending::Closed);
            }
            let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let verb = verb.to_ascii_uppercase();
            self.note(session.number, &verb);
            if verb == "STARTTLS" {
                stream.write_all(format!("220 go on\r\n{}", self.injected).as_bytes()).await?;
                return Ok(Ending::StartTls);
            }
            let mut reply = self.reply(&verb, rest, session).to_owned();
            if verb == "DATA" && reply.starts_with("354") {
                stream.write_all(b"354 go on\r\n").await?;
                reply = self.accept_mail(read_data(stream).await?, session).to_owned();
            }
            if reply.is_empty() {
                std::future::pending::<()>().await;
            }
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            if verb == "QUIT" || reply.starts_with("421") {
                return Ok(Ending::Closed);
            }
        }
    }

    fn refusal(&self, command: &str) -> Option<&'static str> {
        let mut refusals = self.refusals.lock().unwrap();
        let place = refusals.iter().position(|(refused, _)| *refused == command)?;
        Some(refusals.remove(place).1)
    }

    fn reply(&self, verb: &str, rest: &str, session: &mut Session) -> &'static str {
        if let Some(reply) = self.refusal(verb) {
            return reply;
        }
        match verb {
            "EHLO" if self.tls.is_some() && !session.is_encrypted => "250-sink\r\n250 STARTTLS",
            "EHLO" => "250-sink\r\n250 AUTH PLAIN",
            "RSET" | "NOOP" => "250 sink",
            "AUTH" => {
                self.logins.lock().unwrap().push(rest.trim_start_matches("PLAIN ").to_owned());
                "235 welcome"
            }
            "MAIL" => {
                session.from = rest.to_owned();
                session.to.clear();
                "250 go on"
            }
            "RCPT" => {
                session.to.push(rest.to_owned());
                "250 go on"
            }
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "502 what",
        }
    }

    fn accept_mail(&self, data: String, session: &mut Session) -> &'static str {
        if let Some(reply) = self.refusal(".") {
            return reply;
        }
        let mail = Mail { from: std::mem::take(&mut session.from), to: std::mem::take(&mut session.to), data };
        self.mails.lock().unwrap().push(mail);
        "250 taken"
    }
}

/// Reads DATA up to the line with a single dot and removes the dots that were added to other lines (RFC 5321, 4.5.2).
async fn read_data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data += line.strip_prefix('.').unwrap_or(&line);
    }
}
