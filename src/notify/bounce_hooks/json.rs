//! Candor's own form of a report, for relays without a format that Candor reads.

use serde_json::Value;

use super::{HookError, read_email, read_status, read_text};
use crate::notify::bounce::{Bounce, BounceKind};
use crate::notify::mail_failure::bound_words;

/// Reads `{"type": "hard", "email": "…", "token": "…", "status": "5.1.1", "reason": "…"}`. The type is `hard`, `soft`,
/// `complaint` or `policy`; the mail is named by its token or its address.
pub(super) fn read_report(report: &Value) -> Result<Bounce, HookError> {
    let kind = match read_text(report, "type") {
        "hard" => BounceKind::Hard,
        "soft" => BounceKind::Soft,
        "complaint" => BounceKind::Complaint,
        "policy" => BounceKind::Policy,
        _ => return Err(HookError::Malformed("\"type\" must be hard, soft, complaint or policy.")),
    };
    let (token, recipient) = (report["token"].as_str().map(str::to_owned), read_email(&report["email"]));
    if token.is_none() && recipient.is_none() {
        return Err(HookError::Malformed("A report needs \"token\" or \"email\"."));
    }
    let status = read_status(&report["status"]);
    Ok(Bounce { token, recipient, kind, status, diagnostic: bound_words(read_text(report, "reason")) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn own_form_is_read() {
        let report = json!({"type": "hard", "email": "Ines@Example.org", "status": "5.1.1", "reason": "no\nmailbox"});
        let bounce = read_report(&report).unwrap();
        assert_eq!((bounce.kind, bounce.recipient.as_deref()), (BounceKind::Hard, Some("ines@example.org")));
        assert_eq!((bounce.diagnostic.as_str(), bounce.token), ("no mailbox", None));
        for malformed in
            [json!({}), json!({"type": "hard"}), json!({"type": "open", "email": "a@example.org"}), json!(7)]
        {
            assert!(read_report(&malformed).is_err(), "{malformed}");
        }
    }
}
