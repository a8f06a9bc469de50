//! Amazon SES's bounce and complaint notifications, the content of an SNS message.

use serde_json::Value;

use super::{read_email, read_status, read_text};
use crate::notify::bounce::{Bounce, BounceKind, strip_type};
use crate::notify::bounce_token::find_token;
use crate::notify::mail_failure::{MailFailure, bound_words};

/// Empty for notifications that are no bounce. A notification names every recipient that it is about; our mails have
/// one.
pub(super) fn read_notification(notification: &Value) -> Vec<Bounce> {
    let kind = [read_text(notification, "notificationType"), read_text(notification, "eventType")];
    let token = notification["mail"]["source"].as_str().and_then(find_token);
    match kind.into_iter().find(|kind| !kind.is_empty()) {
        Some("Bounce") => read_bounces(&notification["bounce"], token.as_deref()),
        Some("Complaint") => read_complaints(&notification["complaint"], token.as_deref()),
        _ => Vec::new(),
    }
}

fn read_bounces(bounce: &Value, token: Option<&str>) -> Vec<Bounce> {
    let is_permanent = read_text(bounce, "bounceType") == "Permanent";
    let recipients = recipients(&bounce["bouncedRecipients"]);
    let read = |recipient: &Value| {
        let status = read_status(&recipient["status"]);
        // SES calls some policy rejections permanent, and a missing domain (5.4.4) transient.
        let kind = match status.map(MailFailure::of_status) {
            Some(MailFailure::Policy) => BounceKind::Policy,
            Some(MailFailure::Recipient) => BounceKind::Hard,
            _ if is_permanent => BounceKind::Hard,
            _ => BounceKind::Soft,
        };
        let diagnostic = bound_words(strip_type(read_text(recipient, "diagnosticCode")));
        let recipient = read_email(&recipient["emailAddress"]);
        Bounce { token: token.map(str::to_owned), recipient, kind, status, diagnostic }
    };
    recipients.iter().map(read).collect()
}

fn read_complaints(complaint: &Value, token: Option<&str>) -> Vec<Bounce> {
    let kind = read_text(complaint, "complaintFeedbackType");
    if kind == "not-spam" {
        return Vec::new();
    }
    let diagnostic = bound_words(&format!("reported as {}", if kind.is_empty() { "abuse" } else { kind }));
    let read = |recipient: &Value| Bounce {
        token: token.map(str::to_owned),
        recipient: read_email(&recipient["emailAddress"]),
        kind: BounceKind::Complaint,
        status: None,
        diagnostic: diagnostic.clone(),
    };
    recipients(&complaint["complainedRecipients"]).iter().map(read).collect()
}

/// SES sends a mail to at most 50.
fn recipients(list: &Value) -> &[Value] {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    &all[..all.len().min(50)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounce(kind: &str, status: &str) -> Value {
        json!({
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": kind, "bounceSubType": "General", "feedbackId": "0100-x",
                "bouncedRecipients": [{"emailAddress": "ines@example.org", "action": "failed", "status": status,
                                       "diagnosticCode": format!("smtp; 550 {status} rejected")}],
                "timestamp": "2026-11-20T12:00:00.000Z"
            },
            "mail": {"source": "bounce+8sk2m0q1x7aa.n0t1ce000001.0123456789abcdef0123@status.example.org",
                     "messageId": "0100-y", "destination": ["ines@example.org"]}
        })
    }

    #[test]
    fn ses_bounces_are_judged_by_their_status() {
        for (kind, status, expected) in [
            ("Permanent", "5.1.1", BounceKind::Hard),
            ("Permanent", "5.0.0", BounceKind::Hard),
            ("Permanent", "5.7.26", BounceKind::Policy),
            ("Transient", "5.4.4", BounceKind::Hard),
            ("Transient", "4.2.2", BounceKind::Soft),
            ("Undetermined", "", BounceKind::Soft),
        ] {
            let found = read_notification(&bounce(kind, status)).remove(0);
            assert_eq!(found.kind, expected, "{kind} {status}");
            assert_eq!(found.token.as_deref(), Some("8sk2m0q1x7aa.n0t1ce000001.0123456789abcdef0123"));
            assert_eq!(found.recipient.as_deref(), Some("ines@example.org"));
        }
    }

    #[test]
    fn ses_complaints_are_read() {
        let complaint = |kind: Value| {
            let complained = json!([{"emailAddress": "ines@example.org"}]);
            read_notification(&json!({"eventType": "Complaint", "mail": {"source": "status@tidewater.example"},
                "complaint": {"complaintFeedbackType": kind, "complainedRecipients": complained}}))
        };
        assert_eq!(complaint(json!("abuse"))[0].kind, BounceKind::Complaint);
        assert_eq!(complaint(Value::Null)[0].diagnostic, "reported as abuse");
        assert_eq!(complaint(json!("not-spam")), []);
        for other in [json!({"notificationType": "Delivery"}), json!({}), json!([]), json!({"eventType": "Bounce"})] {
            assert_eq!(read_notification(&other), [], "{other}");
        }
    }
}
