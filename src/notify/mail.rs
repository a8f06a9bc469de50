//! Composes mail and sends it by SMTP.

use std::net::IpAddr;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use url::{Host, Url};

use super::smtp::{MailServer, SmtpLimits};

#[derive(Clone, Debug)]
pub struct Mailer {
    server: MailServer,
    from: Mailbox,
    /// The host after the `@` of message ids.
    host: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A retry may succeed.
    #[error("{0}")]
    Temporary(String),
    /// A retry can't succeed.
    #[error("{0}")]
    Permanent(String),
}

impl Mailer {
    /// `url` is `smtp://` or `smtps://`. Without `?tls=`, a server on another machine must offer TLS. `authorities` are
    /// additional root certificates in PEM, empty for none.
    pub fn new(url: &str, from: &str, origin: &str, authorities: &[u8]) -> anyhow::Result<Self> {
        let url = with_default_tls(url)?;
        let host = Url::parse(origin)?.host_str().unwrap_or("localhost").to_owned();
        let server = MailServer::new(&url, host.clone(), authorities, SmtpLimits::default())?;
        let from =
            from.parse().with_context(|| format!("{from} is not a valid sender; use Status <status@example.org>"))?;
        Ok(Self { server, from, host })
    }

    /// Sends a text to one address. Every attempt for the same mail must use the same `id`, which becomes the message
    /// id.
    pub async fn send(
        &self,
        id: &str,
        to: &str,
        subject: &str,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(), SendError> {
        let message =
            self.compose(id, to, subject, text, now).map_err(|error| SendError::Permanent(format!("{error:#}")))?;
        match self.server.send(message.envelope(), &message.formatted()).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Permanent(error.to_string())),
            Err(error) => Err(SendError::Temporary(error.to_string())),
        }
    }

    /// Normalizes line ends: lettre sends a bare carriage return unchanged, and some servers take it for a line end, so
    /// the text after it could be read as an SMTP command.
    fn compose(&self, id: &str, to: &str, subject: &str, text: &str, now: DateTime<Utc>) -> anyhow::Result<Message> {
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        Ok(Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse::<Address>()?))
            .subject(single_line(subject))
            .date(now.into())
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .raw_header(automatic)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(text.replace("\r\n", "\n").replace('\r', "\n"))?)
    }
}

/// Control characters become spaces, so that a subject can't inject headers.
fn single_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
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

    /// The unfolded header lines and the body of the mail.
    fn composed(to: &str, subject: &str, text: &str) -> anyhow::Result<(Vec<String>, String)> {
        let mail = mailer().compose("id", to, subject, text, DateTime::UNIX_EPOCH)?;
        let mail = String::from_utf8(mail.formatted()).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        Ok((head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect(), body.to_owned()))
    }

    #[test]
    fn mail_has_message_id_and_auto_submitted() {
        let (head, body) = composed("ines@example.org", "A link", "Text\n").unwrap();
        for line in [
            "From: \"Tidewater Maps\" <status@tidewater.example>",
            "To: ines@example.org",
            "Subject: A link",
            "Message-ID: <id@status.example.org>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(head.iter().any(|have| have == line), "{line}: {head:?}");
        }
        assert_eq!(body, "Text\r\n");
    }

    #[test]
    fn text_cannot_inject_headers_or_mails() {
        let count = composed("ines@example.org", "A link", "Text").unwrap().0.len();
        for nasty in
            ["\r\nBcc: evil@example.org", "\nBcc: evil@example.org", "\rBcc: x", "\0", "\r\n\r\nText", "\u{2028}Bcc: x"]
        {
            let (head, _) = composed("ines@example.org", &format!("A link{nasty}"), "Text").unwrap();
            assert_eq!(head.len(), count, "{head:?}");
            assert!(!head.iter().any(|line| line.starts_with("Bcc")), "{head:?}");
            assert!(composed(&format!("ines@example.org{nasty}"), "A link", "Text").is_err(), "{nasty:?}");
        }
        for text in ["a\r\n.\r\nMAIL FROM:<x@y>", "a\n.\nb", "a\r.\rb", "\r\nSubject: another\r\n\r\n"] {
            let (head, body) = composed("ines@example.org", "A link", text).unwrap();
            assert_eq!(head.len(), count, "{head:?}");
            assert!(!body.replace("\r\n", "").contains(['\r', '\n']), "a bare line end: {body:?}");
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
