//! Postmark's bounce and spam complaint webhooks.

use serde_json::Value;

use super::{METADATA_KEY, read_email, read_text};
use crate::notify::bounce::{Bounce, BounceKind};
use crate::notify::mail_failure::{EnhancedStatus, bound_words};

/// `None` for events that are no bounce, such as deliveries and absence notices.
pub(super) fn read_report(report: &Value) -> Option<Bounce> {
    let kind = match (read_text(report, "RecordType"), read_text(report, "Type")) {
        ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => BounceKind::Complaint,
        ("Bounce", "HardBounce" | "BadEmailAddress" | "ManuallyDeactivated") => BounceKind::Hard,
        ("Bounce", "SoftBounce" | "DnsError" | "SpamNotification" | "Unknown") => BounceKind::Soft,
        ("Bounce", "Blocked" | "DMARCPolicy" | "SMTPApiError") => BounceKind::Policy,
        _ => return None,
    };
    let details =
        [read_text(report, "Details"), read_text(report, "Description")].into_iter().find(|it| !it.is_empty());
    let details = details.unwrap_or_default();
    Some(Bounce {
        token: report["Metadata"][METADATA_KEY].as_str().map(str::to_owned),
        recipient: read_email(&report["Email"]),
        kind,
        status: EnhancedStatus::find(details),
        diagnostic: bound_words(details),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(kind: &str) -> Value {
        json!({
            "RecordType": "Bounce", "ID": 4_312, "Type": kind, "TypeCode": 1, "MessageID": "6f1c0b4e",
            "Metadata": {"candor": "ines.n1.ab"}, "Email": "ines@example.org", "From": "status@tidewater.example",
            "Details": "smtp;550 5.1.1 no such mailbox", "Description": "The server was unable to deliver.",
            "BouncedAt": "2026-11-20T12:00:00Z", "Inactive": true, "MessageStream": "outbound"
        })
    }

    #[test]
    fn postmark_types_become_kinds() {
        for (name, kind) in [
            ("HardBounce", Some(BounceKind::Hard)),
            ("BadEmailAddress", Some(BounceKind::Hard)),
            ("SoftBounce", Some(BounceKind::Soft)),
            ("DMARCPolicy", Some(BounceKind::Policy)),
            ("Blocked", Some(BounceKind::Policy)),
            ("SpamComplaint", Some(BounceKind::Complaint)),
            ("AutoResponder", None),
            ("Transient", None),
            ("", None),
        ] {
            assert_eq!(read_report(&report(name)).map(|bounce| bounce.kind), kind, "{name}");
        }
        let bounce = read_report(&report("HardBounce")).unwrap();
        assert_eq!(
            (bounce.token.as_deref(), bounce.recipient.as_deref()),
            (Some("ines.n1.ab"), Some("ines@example.org"))
        );
        assert_eq!(bounce.status.unwrap().to_string(), "5.1.1");
        assert_eq!(read_report(&json!({"RecordType": "Delivery", "Email": "ines@example.org"})), None);
        assert_eq!(read_report(&json!([])), None);
    }
}
