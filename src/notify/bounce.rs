//! Reads what comes back to the envelope sender: delivery reports (RFC 3464) and complaints (RFC 5965). Absence notices
//! arrive there too and mean nothing.

use std::fmt;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::bounce_token::find_token;
use super::mail_failure::{EnhancedStatus, MailFailure, bound_words};
use crate::domain::subscriber::parse_email;

/// Headers in which a mail server notes the address that it delivered to.
const RECIPIENT_HEADERS: [&str; 6] =
    ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Return-Path"];
/// The report types that are complaints about a mail (RFC 5965, 7.3 and its registry).
const COMPLAINTS: [&str; 4] = ["abuse", "fraud", "opt-out", "opt-out-list"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BounceKind {
    /// The address does not exist or accepts no mail.
    Hard,
    /// The mail was not delivered for another reason, such as a full mailbox.
    Soft,
    /// The receiver rejects the sender, which says nothing about the recipient.
    Policy,
    /// The recipient reported the mail as spam.
    Complaint,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// The token of the envelope sender, not yet verified. Without one, nothing proves which mail came back.
    pub token: Option<String>,
    /// As the report says, which is not proven.
    pub recipient: Option<String>,
    pub kind: BounceKind,
    pub status: Option<EnhancedStatus>,
    /// The words of the receiving server, of at most 300 characters.
    pub diagnostic: String,
}

/// Why a mail is no bounce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBounce {
    Empty,
    /// An absence notice or another automatic answer.
    AutomaticReply,
    /// The mail is still on its way.
    Delayed,
    /// The mail was delivered, relayed or expanded to a list.
    Delivered,
    /// A report that complains about no mail, of this type.
    OtherReport(String),
    /// A report without a recipient, an action or a status.
    Incomplete,
    OtherMail,
}

impl fmt::Display for NoBounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("The input is not a mail."),
            Self::AutomaticReply => f.write_str("The mail is an automatic reply, not a bounce."),
            Self::Delayed => f.write_str("The mail reports a delay; the delivery is still being attempted."),
            Self::Delivered => f.write_str("The mail reports a delivery."),
            Self::OtherReport(kind) => write!(f, "The mail is a report of type {kind:?}, not a complaint."),
            Self::Incomplete => f.write_str("The mail is a delivery report without an action or a status."),
            Self::OtherMail => f.write_str("The mail is neither a delivery report nor a complaint."),
        }
    }
}

impl fmt::Display for BounceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hard => "hard bounce",
            Self::Soft => "soft bounce",
            Self::Policy => "rejected sender",
            Self::Complaint => "complaint",
        })
    }
}

/// Reads one mail.
pub fn read_bounce(mail: &[u8]) -> Result<Bounce, NoBounce> {
    let message = MessageParser::new().parse(mail).filter(|message| !message.headers().is_empty());
    let message = message.ok_or(NoBounce::Empty)?;
    if let Some(report) = find_part(&message, &["delivery-status", "global-delivery-status"]) {
        return read_delivery_report(&message, &report);
    }
    if let Some(report) = find_part(&message, &["feedback-report"]) {
        return read_complaint(&message, &report);
    }
    Err(if is_automatic_reply(&message) { NoBounce::AutomaticReply } else { NoBounce::OtherMail })
}

/// The text of the first part of type `message/SUBTYPE`. Parts of an attached mail do not count.
fn find_part(message: &Message<'_>, subtypes: &[&str]) -> Option<String> {
    let is_wanted = |part: &&MessagePart<'_>| {
        let of_type = |subtype: &str| subtypes.iter().any(|wanted| subtype.eq_ignore_ascii_case(wanted));
        part.content_type()
            .is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("message") && kind.subtype().is_some_and(of_type))
    };
    match &message.parts.iter().find(is_wanted)?.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        PartType::Text(text) => Some(text.clone().into_owned()),
        _ => None,
    }
}

fn read_delivery_report(message: &Message<'_>, report: &str) -> Result<Bounce, NoBounce> {
    let blocks = split_blocks(report);
    let recipients = blocks.iter().filter_map(|fields| Some((find_field(fields, "Action")?, fields)));
    let mut outcome = NoBounce::Incomplete;
    for (action, fields) in recipients {
        match action.split_whitespace().next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "failed" => return read_failure(message, fields),
            "delayed" => outcome = NoBounce::Delayed,
            "delivered" | "relayed" | "expanded" => outcome = NoBounce::Delivered,
            _ => {}
        }
    }
    Err(outcome)
}

fn read_failure(message: &Message<'_>, fields: &[(String, String)]) -> Result<Bounce, NoBounce> {
    let diagnostic = find_field(fields, "Diagnostic-Code").map(strip_type).unwrap_or_default();
    let status = find_field(fields, "Status").and_then(EnhancedStatus::parse_first_word);
    // A relay often puts 5.0.0 there and the code of the receiver into the diagnostic.
    let specific = status.filter(|status| !status.is_general());
    let status = specific.or_else(|| EnhancedStatus::find(diagnostic)).or(status).ok_or(NoBounce::Incomplete)?;
    let kind = match MailFailure::of_status(status) {
        MailFailure::Recipient => BounceKind::Hard,
        MailFailure::Policy => BounceKind::Policy,
        MailFailure::MailboxFull | MailFailure::Permanent | MailFailure::Temporary => BounceKind::Soft,
    };
    let recipient = find_field(fields, "Original-Recipient").or_else(|| find_field(fields, "Final-Recipient"));
    Ok(Bounce {
        token: find_message_token(message),
        recipient: recipient.map(strip_type).and_then(parse_recipient),
        kind,
        status: Some(status),
        diagnostic: bound_words(diagnostic),
    })
}

fn read_complaint(message: &Message<'_>, report: &str) -> Result<Bounce, NoBounce> {
    let fields: Vec<_> = split_blocks(report).into_iter().flatten().collect();
    let kind = find_field(&fields, "Feedback-Type").ok_or(NoBounce::Incomplete)?.to_ascii_lowercase();
    if !COMPLAINTS.contains(&kind.as_str()) {
        return Err(NoBounce::OtherReport(bound_words(&kind)));
    }
    let sender = find_field(&fields, "Original-Mail-From").and_then(find_token);
    Ok(Bounce {
        token: sender.or_else(|| find_message_token(message)),
        recipient: find_field(&fields, "Original-Rcpt-To").and_then(parse_recipient),
        kind: BounceKind::Complaint,
        status: None,
        diagnostic: bound_words(&format!("reported as {kind}")),
    })
}

/// The token in the address that the report was sent to, or in the envelope sender of the mail that it returns.
fn find_message_token(message: &Message<'_>) -> Option<String> {
    let returned = message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(message) => Some(message),
        _ => None,
    });
    std::iter::once(message).chain(returned).find_map(find_header_token)
}

fn find_header_token(message: &Message<'_>) -> Option<String> {
    let is_recipient = |name: &str| RECIPIENT_HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name));
    message.headers_raw().filter(|(name, _)| is_recipient(name)).find_map(|(_, value)| find_token(value))
}

fn is_automatic_reply(message: &Message<'_>) -> bool {
    message.headers_raw().any(|(name, value)| {
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "auto-submitted" => value.starts_with("auto-replied") || value.starts_with("auto-generated"),
            "x-autoreply" | "x-autorespond" | "x-auto-reply" => value != "no",
            "precedence" => value == "auto_reply",
            _ => false,
        }
    })
}

/// Fields in blocks that empty lines separate, unfolded.
fn split_blocks(report: &str) -> Vec<Vec<(String, String)>> {
    let mut blocks = vec![Vec::<(String, String)>::new()];
    for line in report.lines() {
        let block = blocks.last_mut();
        if line.trim().is_empty() {
            blocks.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = block.and_then(|block| block.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let (Some(block), Some((name, value))) = (block, line.split_once(':')) {
            block.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    blocks
}

fn find_field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// `rfc822; ines@example.org` without its type.
pub(super) fn strip_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, value)| value).trim()
}

fn parse_recipient(address: &str) -> Option<String> {
    parse_email(address.trim().trim_start_matches('<').trim_end_matches('>'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{NoticeId, SubscriberId};
    use crate::notify::bounce_token::make_token;
    use proptest::prelude::*;

    fn token() -> String {
        let (subscriber, notice) =
            (SubscriberId::parse("8sk2m0q1x7aa").unwrap(), NoticeId::parse("n0t1ce000001").unwrap());
        make_token(&[7; 32], &subscriber, &notice)
    }

    /// A report of this type with these machine-readable fields, to the address with the token.
    fn report(kind: &str, fields: &str) -> String {
        let text = format!(
            "Return-Path: <>\n\
             Delivered-To: bounce+{token}@status.example.org\n\
             From: MAILER-DAEMON@mail.example.org\n\
             To: bounce+{token}@status.example.org\n\
             Subject: Undelivered\n\
             Auto-Submitted: auto-replied\n\
             MIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type={kind};\n\tboundary=\"b1\"\n\
             \n\
             --b1\nContent-Type: text/plain\n\nfailed, Action: failed, Status: 5.1.1\n\
             --b1\nContent-Type: message/{kind}\n\n{fields}\n\
             --b1\nContent-Type: message/rfc822\n\n\
             Return-Path: <status@status.example.org>\nTo: ines@example.org\nSubject: Tiles\n\nText\n\
             --b1--\n",
            token = token(),
        );
        text.replace('\n', "\r\n")
    }

    fn delivery_report(action: &str, status: &str, diagnostic: &str) -> String {
        let fields = format!(
            "Reporting-MTA: dns; mail.example.org\nArrival-Date: Fri, 20 Nov 2026 12:00:00 +0000\n\n\
             Final-Recipient: rfc822; ines@example.org\nAction: {action}\nStatus: {status}\n\
             Remote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; {diagnostic}\n"
        );
        report("delivery-status", &fields)
    }

    #[test]
    fn delivery_failures_are_classified_by_status() {
        use BounceKind::{Hard, Policy, Soft};
        for (status, diagnostic, kind, read) in [
            ("5.1.1", "550 5.1.1 no such user", Hard, "5.1.1"),
            ("5.1.10", "550 5.1.10 recipient not found", Hard, "5.1.10"),
            ("5.2.1", "550 5.2.1 disabled", Hard, "5.2.1"),
            ("5.4.4", "host not found", Hard, "5.4.4"),
            ("5.2.2", "552 5.2.2 over quota", Soft, "5.2.2"),
            ("5.7.26", "550 5.7.26 unauthenticated", Policy, "5.7.26"),
            ("5.7.1", "554 5.7.1 blocked", Policy, "5.7.1"),
            ("5.0.0", "550-5.1.1 no such\n user", Hard, "5.1.1"),
            ("5.0.0", "550 5.7.515 access denied", Policy, "5.7.515"),
            ("5.0.0", "550 no", Soft, "5.0.0"),
            ("5.3.0 (comment)", "oddly", Soft, "5.3.0"),
            ("4.4.7", "expired after five days", Soft, "4.4.7"),
        ] {
            let bounce = read_bounce(delivery_report("failed", status, diagnostic).as_bytes()).unwrap();
            assert_eq!((bounce.kind, bounce.status.unwrap().to_string().as_str()), (kind, read), "{status}");
            assert_eq!(bounce.recipient.as_deref(), Some("ines@example.org"));
            assert_eq!(bounce.token, Some(token()));
            assert_eq!(bounce.diagnostic, diagnostic.replace("\n ", " "));
        }
    }

    #[test]
    fn delays_and_deliveries_are_no_bounces() {
        let read = |action| read_bounce(delivery_report(action, "4.2.0", "450 4.2.0 later").as_bytes());
        assert_eq!(read("delayed"), Err(NoBounce::Delayed));
        for action in ["delivered", "relayed", "Expanded (to a list)"] {
            assert_eq!(read(action), Err(NoBounce::Delivered), "{action}");
        }
        assert_eq!(read("surprised"), Err(NoBounce::Incomplete));
    }

    #[test]
    fn report_without_status_or_action_is_incomplete() {
        for fields in [
            "",
            "Reporting-MTA: dns; mail.example.org\n",
            "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; ines@example.org\nStatus: 5.1.1\n",
            "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; ines@example.org\nAction: failed\n",
        ] {
            let read = read_bounce(report("delivery-status", fields).as_bytes());
            assert_eq!(read, Err(NoBounce::Incomplete), "{fields}");
        }
    }

    #[test]
    fn complaints_are_read() {
        let fields = |kind: &str| {
            format!(
                "Feedback-Type: {kind}\nUser-Agent: example/1\nVersion: 1\n\
                 Original-Mail-From: <bounce+{}@status.example.org>\nOriginal-Rcpt-To: <Ines@Example.org>\n",
                token()
            )
        };
        let bounce = read_bounce(report("feedback-report", &fields("abuse")).as_bytes()).unwrap();
        assert_eq!((bounce.kind, bounce.recipient.as_deref()), (BounceKind::Complaint, Some("ines@example.org")));
        assert_eq!((bounce.token, bounce.diagnostic.as_str()), (Some(token()), "reported as abuse"));
        for other in ["not-spam", "auth-failure", "dmarc"] {
            let read = read_bounce(report("feedback-report", &fields(other)).as_bytes());
            assert_eq!(read, Err(NoBounce::OtherReport(other.to_owned())));
        }
    }

    #[test]
    fn token_of_the_returned_mail_counts_too() {
        let mail = delivery_report("failed", "5.1.1", "550 no").replace(&format!("bounce+{}", token()), "postmaster");
        assert_eq!(read_bounce(mail.as_bytes()).unwrap().token, None);
        let returned = mail.replace("<status@status", &format!("<bounce+{}@status", token()));
        assert_eq!(read_bounce(returned.as_bytes()).unwrap().token, Some(token()));
    }

    #[test]
    fn absence_notices_are_no_bounces() {
        let text = "From: ines@example.org\r\nTo: bounce@status.example.org\r\nSubject: 550 5.1.1 away\r\n";
        for header in ["Auto-Submitted: auto-replied (vacation)", "X-Autoreply: yes", "Precedence: auto_reply"] {
            let mail = format!("{text}{header}\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n");
            assert_eq!(read_bounce(mail.as_bytes()), Err(NoBounce::AutomaticReply), "{header}");
        }
        let mail = format!("{text}\r\nAction: failed\r\nStatus: 5.1.1\r\n");
        assert_eq!(read_bounce(mail.as_bytes()), Err(NoBounce::OtherMail));
    }

    /// A forwarded bounce.
    #[test]
    fn attached_report_is_no_bounce() {
        let inner = delivery_report("failed", "5.1.1", "550 no");
        let mail = format!(
            "From: ines@example.org\r\nTo: status@status.example.org\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: text/plain\r\n\r\nLook\r\n\
             --outer\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--outer--\r\n"
        );
        assert_eq!(read_bounce(mail.as_bytes()), Err(NoBounce::OtherMail));
    }

    #[test]
    fn encoded_report_is_decoded() {
        let mail = delivery_report("failed", "5.1.1", "550 5.1.1 no such user").replace(
            "Content-Type: message/delivery-status\r\n",
            "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        );
        let bounce = read_bounce(mail.replace("Status: 5.1.1\r\nRem", "Status: =35.1.1\r\nRem").as_bytes()).unwrap();
        assert_eq!(bounce.kind, BounceKind::Hard);
    }

    #[test]
    fn foreign_text_is_bounded_and_printable() {
        let diagnostic = format!("550 5.1.1 \u{1b}[31m{}", "x".repeat(5000));
        let bounce = read_bounce(delivery_report("failed", "5.1.1", &diagnostic).as_bytes()).unwrap();
        assert_eq!(bounce.diagnostic.chars().count(), 300);
        assert!(!bounce.diagnostic.contains('\u{1b}'));
        assert_eq!(read_bounce(b""), Err(NoBounce::Empty));
    }

    proptest! {
        /// A cut, changed or invented mail is read or rejected, without a panic.
        #[test]
        fn any_bytes_are_read_or_rejected(cut in 0..2000_usize, at in 0..2000_usize, byte: u8, noise: Vec<u8>) {
            let mut mail = delivery_report("failed", "5.1.1", "550 5.1.1 no such user").into_bytes();
            let place = at % mail.len();
            mail[place] = byte;
            mail.truncate(cut.max(1));
            let _ = read_bounce(&mail);
            let _ = read_bounce(&noise);
        }
    }
}
