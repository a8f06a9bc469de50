//! SendGrid's signed event webhook.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::Value;

use super::{HookError, MAX_AGE, METADATA_KEY, read_email, read_status, read_text};
use crate::notify::bounce::{Bounce, BounceKind};
use crate::notify::mail_failure::{MailFailure, bound_words};

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
/// What precedes the 65 bytes of an uncompressed point in a public key of P-256 (RFC 5480).
const KEY_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public key that SendGrid shows for its event webhook.
#[derive(Clone)]
pub(super) struct SendgridKey(Vec<u8>);

impl SendgridKey {
    /// Reads base64 of a public key in DER.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let key = BASE64_STANDARD.decode(text.trim()).ok()?;
        let point = key.strip_prefix(&KEY_PREFIX)?;
        (point.len() == 65 && point[0] == 4).then(|| Self(point.to_vec()))
    }

    /// Checks the signature of the timestamp and the body.
    pub(super) fn verify(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(), HookError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let missing = HookError::Unproven("The request is not signed.");
        let (signature, timestamp) = header(SIGNATURE).zip(header(TIMESTAMP)).ok_or(missing)?;
        let wrong = HookError::Unproven("The signature is wrong.");
        let signature = BASE64_STANDARD.decode(signature).map_err(|_| wrong.clone())?;
        let signed = [timestamp.as_bytes(), body].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0);
        key.verify(&signed, &signature).map_err(|_| wrong.clone())?;
        let at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(wrong)?;
        if (now - at).abs() > MAX_AGE {
            return Err(HookError::Unproven("The request is too old."));
        }
        Ok(())
    }
}

/// `None` for events that are no bounce.
pub(super) fn read_event(event: &Value) -> Option<Bounce> {
    let status = read_status(&event["status"]);
    let reason = read_text(event, "reason");
    let of_status = || match status.map(MailFailure::of_status) {
        Some(MailFailure::Recipient) => BounceKind::Hard,
        Some(MailFailure::Policy) => BounceKind::Policy,
        _ => BounceKind::Soft,
    };
    let kind = match (read_text(event, "event"), read_text(event, "bounce_classification")) {
        ("spamreport", _) => BounceKind::Complaint,
        ("bounce", "Invalid Address" | "Mailbox Unavailable") => BounceKind::Hard,
        ("bounce", "Reputation" | "Content") => BounceKind::Policy,
        ("bounce", _) => of_status(),
        ("dropped", _) if matches!(reason, "Bounced Address" | "Invalid") => BounceKind::Hard,
        ("dropped", _) if reason == "Spam Reporting Address" => BounceKind::Complaint,
        _ => return None,
    };
    Some(Bounce {
        token: event[METADATA_KEY].as_str().map(str::to_owned),
        recipient: read_email(&event["email"]),
        kind,
        status,
        diagnostic: bound_words(reason),
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn key_pair() -> (EcdsaKeyPair, SendgridKey) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let public = BASE64_STANDARD.encode([&KEY_PREFIX[..], pair.public_key().as_ref()].concat());
        let key = SendgridKey::parse(&public).unwrap();
        (pair, key)
    }

    fn signed(pair: &EcdsaKeyPair, timestamp: &str, body: &[u8]) -> HeaderMap {
        let signature = pair.sign(&SystemRandom::new(), &[timestamp.as_bytes(), body].concat()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, BASE64_STANDARD.encode(signature).parse().unwrap());
        headers.insert(TIMESTAMP, timestamp.parse().unwrap());
        headers
    }

    #[test]
    fn signature_covers_timestamp_and_body() {
        let ((pair, key), now) = (key_pair(), DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let headers = signed(&pair, "1790000000", b"[]");
        assert_eq!(key.verify(&headers, b"[]", now), Ok(()));
        assert!(key.verify(&headers, b"[ ]", now).is_err(), "another body");
        assert!(key_pair().1.verify(&headers, b"[]", now).is_err(), "another key");
        assert!(key.verify(&headers, b"[]", now + MAX_AGE + MAX_AGE).is_err(), "a replay");
        let mut later = headers.clone();
        later.insert(TIMESTAMP, "1790000001".parse().unwrap());
        assert!(key.verify(&later, b"[]", now).is_err(), "another time");
        assert!(key.verify(&HeaderMap::new(), b"[]", now).is_err(), "no signature");
        assert!(key.verify(&signed(&pair, "soon", b"[]"), b"[]", now).is_err(), "no time");
    }

    #[test]
    fn sendgrid_events_become_kinds() {
        let event = |event: &str, more: Value| {
            let mut all = json!({"email": "ines@example.org", "timestamp": 1_790_000_000, "event": event,
                                 "candor": "ines.n1.ab", "sg_message_id": "x.filter01"});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read_event(&all).map(|bounce| bounce.kind)
        };
        let class = |words: &str| json!({"bounce_classification": words});
        assert_eq!(event("bounce", class("Invalid Address")), Some(BounceKind::Hard));
        assert_eq!(event("bounce", class("Reputation")), Some(BounceKind::Policy));
        assert_eq!(event("bounce", json!({"status": "5.1.1"})), Some(BounceKind::Hard));
        assert_eq!(event("bounce", json!({"status": "5.7.26"})), Some(BounceKind::Policy));
        assert_eq!(event("bounce", class("Technical")), Some(BounceKind::Soft));
        assert_eq!(event("spamreport", json!({})), Some(BounceKind::Complaint));
        assert_eq!(event("dropped", json!({"reason": "Bounced Address"})), Some(BounceKind::Hard));
        for none in ["delivered", "open", "deferred", "dropped", "unsubscribe", ""] {
            assert_eq!(event(none, json!({})), None, "{none}");
        }
    }
}
