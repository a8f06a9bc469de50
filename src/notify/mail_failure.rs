//! Why a mail was not accepted, and what follows from it.

use std::fmt;

/// The longest quotation of a mail server, in characters.
pub const MAX_WORDS: usize = 300;

/// What a failed mail means for its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFailure {
    /// A retry may succeed.
    Temporary,
    /// The address does not exist or accepts no mail.
    Recipient,
    /// The mailbox is full and may have room later.
    MailboxFull,
    /// The server rejects the sender: no valid login, missing SPF, DKIM or DMARC, complaints, a blocked address. The
    /// operator must act. It says nothing about the recipient.
    Policy,
    /// Another permanent rejection.
    Permanent,
}

/// A failed mail and the server's words, of at most [`MAX_WORDS`] characters and without control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct SmtpFailure {
    pub kind: MailFailure,
    pub status: Option<EnhancedStatus>,
    pub words: String,
}

/// An enhanced status code like 5.1.1 (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedStatus {
    pub class: u16,
    pub subject: u16,
    pub detail: u16,
}

/// The part of an SMTP session that a reply belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Greeting, EHLO, STARTTLS and AUTH.
    Session,
    Sender,
    Recipient,
    Data,
}

impl MailFailure {
    /// Whether the same mail may be accepted later.
    pub fn is_retriable(self) -> bool {
        matches!(self, Self::Temporary | Self::MailboxFull)
    }

    /// The codes are explained in RFC 3463 and in IANA's registry of enhanced status codes.
    pub(super) fn of_status(status: EnhancedStatus) -> Self {
        match (status.class, status.subject, status.detail) {
            (5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1) | (5, 4, 4) => Self::Recipient,
            (5, 2, 2) => Self::MailboxFull,
            (5, 1, 7 | 8) | (5, 7, _) => Self::Policy,
            (5, ..) => Self::Permanent,
            _ => Self::Temporary,
        }
    }

    /// Classifies a rejection; its text may begin with an enhanced status code.
    pub(super) fn of_reply(step: Step, code: u16, status: Option<EnhancedStatus>) -> Self {
        if code < 500 {
            return Self::Temporary;
        }
        if let Some(status) = status.filter(|status| status.class == 5) {
            return Self::of_status(status);
        }
        match (step, code) {
            (Step::Session, _) | (Step::Sender, 530 | 535 | 550 | 553 | 554) => Self::Policy,
            (Step::Recipient, 550) => Self::Recipient,
            (Step::Recipient, 552) => Self::MailboxFull,
            _ => Self::Permanent,
        }
    }
}

impl SmtpFailure {
    pub(super) fn temporary(words: impl fmt::Display) -> Self {
        Self { kind: MailFailure::Temporary, status: None, words: bound_words(&words.to_string()) }
    }

    pub(super) fn permanent(words: impl fmt::Display) -> Self {
        Self { kind: MailFailure::Permanent, status: None, words: bound_words(&words.to_string()) }
    }

    pub(super) fn rejected(step: Step, code: u16, text: &str) -> Self {
        let status = EnhancedStatus::parse_first_word(text);
        let kind = MailFailure::of_reply(step, code, status);
        Self { kind, status, words: bound_words(&format!("{code} {text}")) }
    }
}

impl EnhancedStatus {
    /// Reads `5.1.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split('.').map(|part| Some(part).filter(is_part)?.parse().ok());
        let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && matches!(class, 2 | 4 | 5)).then_some(Self { class, subject, detail })
    }

    pub(super) fn parse_first_word(text: &str) -> Option<Self> {
        Self::parse(text.split_whitespace().next()?)
    }

    /// The first word that is a code.
    pub(super) fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| Self::parse(word.trim_matches('.')))
    }

    /// Whether it says nothing beyond its class, like 5.0.0.
    pub(super) fn is_general(self) -> bool {
        (self.subject, self.detail) == (0, 0)
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// Foreign text for the log and the dashboard: at most [`MAX_WORDS`] characters; runs of control characters and spaces
/// become one space.
pub(super) fn bound_words(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_are_classified_by_code_and_step() {
        use MailFailure::{MailboxFull, Permanent, Policy, Recipient, Temporary};
        for (step, code, text, kind) in [
            (Step::Recipient, 550, "5.1.1 <ines@example.org>: user unknown", Recipient),
            (Step::Recipient, 550, "5.1.10 null MX", Recipient),
            (Step::Recipient, 550, "5.2.1 disabled", Recipient),
            (Step::Recipient, 550, "no such user", Recipient),
            (Step::Data, 550, "no such user", Permanent),
            (Step::Data, 550, "5.1.1 no such user", Recipient),
            (Step::Recipient, 552, "5.2.2 over quota", MailboxFull),
            (Step::Recipient, 552, "over quota", MailboxFull),
            (Step::Data, 552, "5.3.4 too large", Permanent),
            (Step::Data, 550, "5.7.26 unauthenticated", Policy),
            (Step::Data, 550, "5.7.515 access denied", Policy),
            (Step::Sender, 550, "5.1.8 sender rejected", Policy),
            (Step::Sender, 550, "sender rejected", Policy),
            (Step::Session, 535, "bad credentials", Policy),
            (Step::Session, 554, "no service for you", Policy),
            (Step::Recipient, 550, "5.5.0 oddly", Permanent),
            (Step::Recipient, 450, "4.2.0 greylisted", Temporary),
            (Step::Recipient, 421, "4.7.28 slow down", Temporary),
            (Step::Recipient, 452, "4.2.2 over quota", Temporary),
            (Step::Recipient, 450, "5.1.1 a code of another class", Temporary),
            (Step::Recipient, 550, "4.1.1 a code of another class", Recipient),
        ] {
            assert_eq!(SmtpFailure::rejected(step, code, text).kind, kind, "{code} {text}");
        }
    }

    #[test]
    fn status_codes_are_parsed_strictly() {
        assert_eq!(EnhancedStatus::parse("5.7.515").unwrap().to_string(), "5.7.515");
        for bad in ["", "5", "5.1", "5.1.1.1", "5.1.x", "3.1.1", "5..1", "5.1.1000", "+5.1.1", "5.-1.1"] {
            assert_eq!(EnhancedStatus::parse(bad), None, "{bad}");
        }
        assert_eq!(EnhancedStatus::find("smtp; 550-5.1.1 unknown").unwrap().to_string(), "5.1.1");
        assert_eq!(EnhancedStatus::find("from 192.0.2.7 at 10:20"), None);
    }

    #[test]
    fn server_words_are_bounded_and_printable() {
        let failure = SmtpFailure::rejected(Step::Data, 550, &format!("a\u{1b}[2J\r\nb {}", "é".repeat(400)));
        assert!(failure.words.starts_with("550 a [2J b éé"), "{}", failure.words);
        assert_eq!(failure.words.chars().count(), MAX_WORDS);
    }
}
