//! Composes mail, signs it and sends it by SMTP.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MessageBuilder, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use super::bounce_token::add_token;
use super::dkim::DkimSigner;
use super::mail_failure::SmtpFailure;
use super::mail_headers::{ListId, list_header, parse_web_url, plain_header, single_line};
use super::mail_pool::{MailPool, PoolLimits};
use super::smtp::{MailServer, SmtpLimits};
use crate::format::hex;

/// In characters.
const MAX_SUBJECT: usize = 500;

#[derive(Clone, Debug)]
pub struct Mailer {
    pool: MailPool,
    from: Mailbox,
    /// The host after the `@` of message ids.
    host: String,
    dkim: Option<Arc<DkimSigner>>,
    bounces: Option<Address>,
}

/// A mail to one address. Values with line ends or other control characters are rejected or lose them.
#[derive(Clone, Debug, Default)]
pub struct OutgoingMail {
    /// The part of the message id before the `@`; the same for every attempt.
    pub id: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// As `id`, of the mail that begins the thread. It need not exist.
    pub references: Option<String>,
    /// Where one POST unsubscribes (RFC 8058).
    pub unsubscribe_url: Option<String>,
    pub list_id: Option<ListId>,
    /// For the sender's statistics at Gmail.
    pub feedback_id: Option<String>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Where bounces go, see [`Mailer::bounce_address`]. Without one they go to the sender.
    pub envelope_from: Option<String>,
}

/// A mail as it is sent.
#[derive(Clone, Debug)]
pub struct ComposedMail {
    pub envelope: Envelope,
    pub bytes: Vec<u8>,
}

impl Mailer {
    /// `url` is `smtp://` or `smtps://`. Without `?tls=`, a server on another machine must offer TLS. `authorities` are
    /// additional root certificates in PEM, empty for none.
    pub fn new(url: &str, from: &str, origin: &str, authorities: &[u8]) -> anyhow::Result<Self> {
        let url = with_default_tls(url)?;
        let host = Url::parse(origin)?.host_str().unwrap_or("localhost").to_owned();
        let server = MailServer::new(&url, host.clone(), authorities, SmtpLimits::default())?;
        let from: Mailbox =
            from.parse().with_context(|| format!("{from} is not a valid sender; use Status <status@example.org>"))?;
        let from = Mailbox::new(from.name, to_ascii_address(&from.email)?);
        let pool = MailPool::new(server, PoolLimits::default());
        Ok(Self { pool, from, host, dkim: None, bounces: None })
    }

    /// The most connections to the mail server at a time.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { pool: self.pool.with_connections(connections), ..self }
    }

    #[must_use]
    pub fn with_dkim(self, signer: DkimSigner) -> Self {
        Self { dkim: Some(Arc::new(signer)), ..self }
    }

    /// Bounces go to this address with a token, `local+TOKEN@domain`.
    pub fn with_bounce_address(self, address: &str) -> anyhow::Result<Self> {
        let address = address.parse::<Address>().with_context(|| format!("{address} is not an e-mail address"))?;
        if address.user().contains('+') {
            bail!("the bounce address {address} must not contain +, after which Candor puts a token");
        }
        Ok(Self { bounces: Some(to_ascii_address(&address)?), ..self })
    }

    /// The envelope sender with this token, if a bounce address is configured.
    pub fn bounce_address(&self, token: &str) -> Option<String> {
        self.bounces.as_ref().and_then(|address| add_token(address.user(), address.domain(), token))
    }

    pub fn pool(&self) -> &MailPool {
        &self.pool
    }

    pub fn dkim(&self) -> Option<&DkimSigner> {
        self.dkim.as_deref()
    }

    /// The domain of the From address.
    pub fn from_domain(&self) -> &str {
        self.from.email.domain()
    }

    /// The domain of the envelope sender.
    pub fn envelope_domain(&self) -> &str {
        self.bounces.as_ref().map_or(self.from_domain(), Address::domain)
    }

    /// Sends a text about an account to one address. Every attempt for the same mail must use the same `id`, which
    /// becomes the message id.
    pub async fn send(
        &self,
        id: &str,
        to: &str,
        subject: &str,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(), SmtpFailure> {
        let [id, to, subject, text] = [id, to, subject, text].map(str::to_owned);
        self.send_mail(&OutgoingMail { id, to, subject, text, ..OutgoingMail::default() }, now).await
    }

    /// Waits for a free connection; many tasks may send at the same time.
    pub async fn send_mail(&self, mail: &OutgoingMail, now: DateTime<Utc>) -> Result<(), SmtpFailure> {
        let composed =
            self.compose(mail, now).map_err(|error| SmtpFailure::permanent(format!("composing a mail: {error:#}")))?;
        self.pool.send(&composed.envelope, &composed.bytes).await
    }

    /// Composes and signs. The bytes differ between attempts only by the date and the signature.
    pub fn compose(&self, mail: &OutgoingMail, now: DateTime<Utc>) -> anyhow::Result<ComposedMail> {
        let to = to_ascii_address(&mail.to.parse::<Address>().context("the recipient")?)?;
        let sender = match &mail.envelope_from {
            Some(sender) => sender.parse().context("the envelope sender")?,
            None => self.from.email.clone(),
        };
        let envelope = Envelope::new(Some(sender), vec![to.clone()])?;
        let message = Message::builder()
            .envelope(envelope.clone())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(single_line(&mail.subject).chars().take(MAX_SUBJECT).collect::<String>())
            .date(now.into())
            .message_id(Some(self.message_id(&mail.id)?));
        let message = self.add_headers(message, mail)?;
        let message = add_body(message, mail)?.formatted();
        let bytes = match &self.dkim {
            Some(signer) => signer.sign(&message, now)?,
            None => message,
        };
        Ok(ComposedMail { envelope, bytes })
    }

    fn add_headers(&self, mut message: MessageBuilder, mail: &OutgoingMail) -> anyhow::Result<MessageBuilder> {
        if let Some(root) = &mail.references {
            let root = self.message_id(root)?;
            message = message.in_reply_to(root.clone()).references(root);
        }
        let mut headers = vec![
            plain_header("Auto-Submitted", "auto-generated".to_owned())?,
            plain_header("X-Auto-Response-Suppress", "All".to_owned())?,
        ];
        if let Some(url) = &mail.unsubscribe_url {
            headers.push(plain_header("List-Unsubscribe", format!("<{}>", parse_web_url(url)?))?);
            headers.push(plain_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())?);
            headers.push(plain_header("Precedence", "bulk".to_owned())?);
        }
        if let Some(list) = &mail.list_id {
            headers.push(list_header(list)?);
        }
        if let Some(id) = &mail.feedback_id {
            headers.push(plain_header("Feedback-ID", id.clone())?);
        }
        for (name, value) in &mail.headers {
            let name = HeaderName::new_from_ascii((*name).to_owned()).ok().context("a header name")?;
            headers.push(HeaderValue::new(name, single_line(value).chars().take(MAX_SUBJECT).collect()));
        }
        Ok(headers.into_iter().fold(message, MessageBuilder::raw_header))
    }

    fn message_id(&self, id: &str) -> anyhow::Result<String> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.+=".contains(&b);
        if id.is_empty() || id.len() > 200 || !id.bytes().all(is_allowed) {
            bail!("{id:?} can't be part of a message id");
        }
        Ok(format!("<{id}@{}>", self.host))
    }
}

/// The text, and HTML as its alternative. The boundary follows from the id, so attempts do not differ.
fn add_body(message: MessageBuilder, mail: &OutgoingMail) -> anyhow::Result<Message> {
    let text = encode_part(ContentType::TEXT_PLAIN, &mail.text);
    let Some(html) = &mail.html else { return Ok(message.singlepart(text)?) };
    let boundary = format!("candor-{}", hex(&Sha256::digest(mail.id.as_bytes())[..16]));
    let parts = MultiPart::alternative().boundary(boundary);
    Ok(message.multipart(parts.singlepart(text).singlepart(encode_part(ContentType::TEXT_HTML, html)))?)
}

/// Quoted-printable has short lines and no bare carriage return, which some servers take for a line end, so the text
/// after it could be read as an SMTP command. Its `=` keeps a boundary from occurring in the text.
fn encode_part(kind: ContentType, text: &str) -> SinglePart {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(text)
}

/// With an international domain name in ASCII, which every mail server accepts.
fn to_ascii_address(address: &Address) -> anyhow::Result<Address> {
    if address.domain().is_ascii() {
        return Ok(address.clone());
    }
    let domain = Host::parse(address.domain()).context("the domain of an address")?;
    Ok(Address::new(address.user(), domain.to_string())?)
}

fn with_default_tls(url: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(url).context("the address of the SMTP server")?;
    if !matches!(url.scheme(), "smtp" | "smtps") {
        bail!("the SMTP server URL must begin with smtp:// or smtps://");
    }
    let chosen = url.query_pairs().any(|(name, _)| name == "tls");
    if url.scheme() == "smtp" && !chosen && !is_local(&url) {
        url.query_pairs_mut().append_pair("tls", "required");
    }
    Ok(url)
}

/// The URL parser keeps the host of a non-web scheme as text, so an IPv4 address is a `Host::Domain`.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        Mailer::new(
            "smtp://127.0.0.1:25",
            "Tidewater Maps <status@tidewater.example>",
            "https://status.example.org",
            &[],
        )
        .unwrap()
    }

    fn letter(to: &str, subject: &str, text: &str) -> OutgoingMail {
        let [id, to, subject, text] = ["id", to, subject, text].map(str::to_owned);
        OutgoingMail { id, to, subject, text, ..OutgoingMail::default() }
    }

    /// A mail with every header.
    fn notice() -> OutgoingMail {
        OutgoingMail {
            html: Some("<p>Tiles load slowly</p>".to_owned()),
            references: Some("incident.abc.def".to_owned()),
            unsubscribe_url: Some("https://status.example.org/u/token".to_owned()),
            list_id: Some(ListId { name: "Tidewater Maps".to_owned(), id: "incidents.status.example.org".to_owned() }),
            feedback_id: Some("incident:page:candor:status.example.org".to_owned()),
            headers: vec![("X-Candor-Phase", "identified".to_owned())],
            envelope_from: Some("bounce+token@status.example.org".to_owned()),
            ..letter("ines@example.org", "Tiles load slowly", "Tiles load slowly\n")
        }
    }

    /// The unfolded header lines and the body of the mail.
    fn composed(mail: &OutgoingMail) -> anyhow::Result<(Vec<String>, String)> {
        let mail = String::from_utf8(mailer().compose(mail, DateTime::UNIX_EPOCH)?.bytes).unwrap();
        assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "a bare line end: {mail:?}");
        assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 998), "{mail:?}");
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        Ok((head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect(), body.to_owned()))
    }

    fn assert_lines(head: &[String], lines: &[&str]) {
        for line in lines {
            assert!(head.iter().any(|have| have == line), "{line}: {head:#?}");
        }
    }

    #[test]
    fn account_mail_has_text_and_no_list_headers() {
        let (head, body) = composed(&letter("ines@example.org", "A link", "Text\n")).unwrap();
        assert_lines(
            &head,
            &[
                "From: \"Tidewater Maps\" <status@tidewater.example>",
                "To: ines@example.org",
                "Subject: A link",
                "Message-ID: <id@status.example.org>",
                "Auto-Submitted: auto-generated",
                "MIME-Version: 1.0",
                "Date: Thu, 01 Jan 1970 00:00:00 +0000",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
            ],
        );
        assert!(!head.iter().any(|line| line.starts_with("List-") || line.starts_with("Precedence")), "{head:?}");
        assert_eq!(body.trim_end(), "Text");
    }

    #[test]
    fn notice_has_list_and_thread_headers() {
        let (head, body) = composed(&notice()).unwrap();
        assert_lines(
            &head,
            &[
                "List-Unsubscribe: <https://status.example.org/u/token>",
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
                "List-Id: \"Tidewater Maps\" <incidents.status.example.org>",
                "Feedback-ID: incident:page:candor:status.example.org",
                "In-Reply-To: <incident.abc.def@status.example.org>",
                "References: <incident.abc.def@status.example.org>",
                "Auto-Submitted: auto-generated",
                "X-Auto-Response-Suppress: All",
                "Precedence: bulk",
                "X-Candor-Phase: identified",
            ],
        );
        let kinds: Vec<_> = body.lines().filter(|line| line.starts_with("Content-Type")).collect();
        assert_eq!(kinds, ["Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"]);
        let envelope = mailer().compose(&notice(), DateTime::UNIX_EPOCH).unwrap().envelope;
        assert_eq!(envelope.from().unwrap().to_string(), "bounce+token@status.example.org");
    }

    #[test]
    fn attempts_differ_only_by_date() {
        let compose = |seconds| mailer().compose(&notice(), DateTime::from_timestamp(seconds, 0).unwrap()).unwrap();
        assert_eq!(compose(0).bytes, compose(0).bytes);
        let without_date = |mail: ComposedMail| {
            let text = String::from_utf8(mail.bytes).unwrap();
            text.lines().filter(|line| !line.starts_with("Date")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(without_date(compose(0)), without_date(compose(86_400)));
    }

    const NASTY: [&str; 8] = [
        "\r\nBcc: evil@example.org",
        "\nBcc: evil@example.org",
        "\rBcc: x",
        "\0",
        "\r\n\r\nText",
        "\u{2028}Bcc: x",
        "\u{85}Bcc: x",
        "\r\n.\r\nMAIL FROM:<x@example.org>",
    ];

    /// Changes one value of the mail.
    type Field = fn(&mut OutgoingMail, &str);

    #[test]
    fn free_values_cannot_inject_headers() {
        let count = composed(&notice()).unwrap().0.len();
        let fields: [Field; 3] = [
            |mail, nasty| mail.subject += nasty,
            |mail, nasty| mail.list_id.as_mut().unwrap().name += nasty,
            |mail, nasty| mail.headers[0].1 += nasty,
        ];
        for nasty in NASTY {
            for field in fields {
                let mut mail = notice();
                field(&mut mail, nasty);
                let (head, _) = composed(&mail).unwrap();
                assert_eq!(head.len(), count, "{head:#?}");
                assert!(!head.iter().any(|line| line.starts_with("Bcc")), "{head:?}");
            }
        }
    }

    #[test]
    fn control_characters_in_ids_and_addresses_are_rejected() {
        let fields: [Field; 7] = [
            |mail, nasty| mail.id += nasty,
            |mail, nasty| mail.to += nasty,
            |mail, nasty| mail.envelope_from.as_mut().unwrap().push_str(nasty),
            |mail, nasty| mail.references.as_mut().unwrap().push_str(nasty),
            |mail, nasty| mail.feedback_id.as_mut().unwrap().push_str(nasty),
            |mail, nasty| mail.list_id.as_mut().unwrap().id += nasty,
            |mail, nasty| mail.to = format!("{nasty}@example.org"),
        ];
        for nasty in NASTY {
            for (number, field) in fields.into_iter().enumerate() {
                let mut mail = notice();
                field(&mut mail, nasty);
                assert!(composed(&mail).is_err(), "{number}: {nasty:?}");
            }
        }
    }

    #[test]
    fn text_cannot_inject_headers_or_mails() {
        let count = composed(&notice()).unwrap().0.len();
        for text in [
            "a\r\n.\r\nMAIL FROM:<x@y>",
            "a\n.\nb",
            "a\r.\rb",
            "\r\nSubject: another\r\n\r\n",
            "--candor-boundary--\n",
            "\0\u{85}",
        ] {
            let mail = OutgoingMail { text: text.to_owned(), html: Some(text.to_owned()), ..notice() };
            let (head, body) = composed(&mail).unwrap();
            assert_eq!(head.len(), count, "{head:?}");
            assert_eq!(
                body.lines().filter(|line| line.starts_with("--")).count(),
                text.matches("--candor").count() * 2 + 3
            );
        }
    }

    #[test]
    fn long_lines_and_foreign_letters_become_short_ascii_lines() {
        let long = format!("{} ü", "x".repeat(5000));
        let mail = OutgoingMail {
            text: long.clone(),
            html: Some(long.clone()),
            subject: long.clone(),
            list_id: Some(ListId { name: format!("Gezeitenkarten „Übersee“ {long}"), id: "a.example".to_owned() }),
            headers: vec![("X-Candor-Phase", long)],
            ..notice()
        };
        let (head, body) = composed(&mail).unwrap();
        assert!(body.lines().all(|line| line.len() <= 76));
        let list = head.iter().find(|line| line.starts_with("List-Id")).unwrap();
        assert!(list.starts_with("List-Id: =?utf-8?B?") && list.ends_with(" <a.example>"), "{list}");
    }

    #[test]
    fn international_domains_are_sent_in_ascii() {
        let mail = mailer().compose(&letter("ines@bücher.example", "A link", "Text"), DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(mail.envelope.to()[0].to_string(), "ines@xn--bcher-kva.example");
    }

    #[test]
    fn odd_addresses_are_sent_whole_or_rejected() {
        let long = format!("{}@example.org", "a".repeat(320));
        for (address, sent) in [
            ("a+b@example.org", Some("a+b@example.org")),
            ("-oQ/tmp@example.org", Some("-oQ/tmp@example.org")),
            ("\"a b\"@example.org", Some("\"a b\"@example.org")),
            ("a b@example.org", None),
            ("a@example.org,b@example.org", None),
            ("a@example.org>\r\nRCPT TO:<b@example.org", None),
            ("<a@example.org>", None),
            ("a@b@example.org", None),
            (&long, None),
            ("", None),
        ] {
            let mail = mailer().compose(&letter(address, "A link", "Text"), DateTime::UNIX_EPOCH);
            let to = mail.ok().map(|mail| mail.envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(to, sent.map(|sent| vec![sent.to_owned()]), "{address:?}");
        }
    }

    #[test]
    fn bounce_addresses_need_a_configured_address() {
        assert_eq!(mailer().bounce_address("token"), None);
        let mailer = mailer().with_bounce_address("bounce@status.example.org").unwrap();
        assert_eq!(mailer.bounce_address("token").as_deref(), Some("bounce+token@status.example.org"));
        assert_eq!(mailer.envelope_domain(), "status.example.org");
        for wrong in ["bounce", "bounce+x@example.org", "bounce@example.org\r\n"] {
            assert!(mailer.clone().with_bounce_address(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn remote_server_requires_tls() {
        let tls = |url| with_default_tls(url).unwrap().to_string();
        assert_eq!(tls("smtp://mail.example.org"), "smtp://mail.example.org?tls=required");
        for kept in [
            "smtps://u:p@mail.example.org:465",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
            "smtp://mail.example.org?tls=opportunistic",
            "smtp://mail.example.org?tls=none",
        ] {
            assert_eq!(tls(kept), kept);
        }
        assert!(with_default_tls("http://mail.example.org").is_err() && with_default_tls("mail.example.org").is_err());
    }

    #[test]
    fn debug_output_hides_the_password() {
        let mailer =
            Mailer::new("smtps://user:hush-hush@mail.example.org", "a@b.example", "http://127.0.0.1:3000", &[])
                .unwrap();
        assert!(!format!("{mailer:?}").contains("hush-hush"));
        let wrong = Mailer::new("smtps://user:hush-hush@mail.example.org", "nobody", "http://127.0.0.1:3000", &[]);
        assert!(!format!("{:?}", wrong.unwrap_err()).contains("hush-hush"));
    }
}
