//! Signed links of subscribers, and keyed hashes of their addresses.
//!
//! A link holds the subscriber's id and an HMAC-SHA256 over its purpose and the id, cut to 128 bits. No link is stored;
//! deleting the subscriber ends its links. The key is derived from the server's key file.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use subtle::ConstantTimeEq as _;

use super::secret_key::SecretKey;
use crate::domain::SubscriberId;
use crate::format::hex;

const SIGNATURE_BYTES: usize = 16;
/// Differs from the key of every [`LinkKind`].
const FORM_PURPOSE: &str = "form";

/// What a link allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Confirms a subscription.
    Confirm,
    /// Shows, changes and ends a subscription.
    Manage,
    /// Ends a subscription.
    Unsubscribe,
}

impl LinkKind {
    fn key(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Manage => "manage",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

#[derive(Clone)]
pub struct SubscriberLinks {
    links: hmac::Key,
    addresses: hmac::Key,
}

impl SubscriberLinks {
    /// # Errors
    /// The key file can't be read or created.
    pub fn from_secret_key(key: &SecretKey) -> anyhow::Result<Self> {
        let derived = |purpose| Ok::<_, anyhow::Error>(hmac::Key::new(hmac::HMAC_SHA256, &key.derive_key(purpose)?));
        Ok(Self { links: derived("subscriber links")?, addresses: derived("suppressed addresses")? })
    }

    /// `ID.SIGNATURE`, safe in a path.
    pub fn token(&self, kind: LinkKind, id: &SubscriberId) -> String {
        format!("{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(self.signature(kind, id.as_str())))
    }

    /// `None` unless the token was made for this kind of link.
    pub fn verify(&self, kind: LinkKind, token: &str) -> Option<SubscriberId> {
        let (id, signature) = token.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_right = bool::from(self.signature(kind, id).ct_eq(&signature));
        SubscriberId::parse(id).filter(|_| is_right)
    }

    /// The time at which a form was sent to a visitor, signed: `MILLISECONDS.SIGNATURE`.
    pub fn form_stamp(&self, now: DateTime<Utc>) -> String {
        let at = now.timestamp_millis().to_string();
        format!("{at}.{}", BASE64_URL_SAFE_NO_PAD.encode(self.sign(FORM_PURPOSE, &at)))
    }

    /// How long ago a form was sent; `None` unless the stamp is ours.
    pub fn form_age(&self, stamp: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
        let (at, signature) = stamp.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_right = bool::from(self.sign(FORM_PURPOSE, at).ct_eq(&signature));
        let at = DateTime::from_timestamp_millis(at.parse().ok()?)?;
        is_right.then(|| now - at)
    }

    /// The hash that stays of an unsubscribed address.
    pub fn address_hmac(&self, address: &str) -> String {
        hex(hmac::sign(&self.addresses, address.as_bytes()).as_ref())
    }

    fn signature(&self, kind: LinkKind, id: &str) -> [u8; SIGNATURE_BYTES] {
        self.sign(kind.key(), id)
    }

    fn sign(&self, purpose: &str, text: &str) -> [u8; SIGNATURE_BYTES] {
        let whole = hmac::sign(&self.links, format!("{purpose}\n{text}").as_bytes());
        std::array::from_fn(|at| whole.as_ref()[at])
    }
}

impl std::fmt::Debug for SubscriberLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubscriberLinks")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(folder: &tempfile::TempDir) -> SubscriberLinks {
        SubscriberLinks::from_secret_key(&SecretKey::from_file(folder.path().join("key"))).unwrap()
    }

    #[test]
    fn a_link_allows_only_its_own_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let links = links(&folder);
        let id = SubscriberId::parse("k2v7xq0m4c9z").unwrap();
        let token = links.token(LinkKind::Unsubscribe, &id);
        assert_eq!(links.verify(LinkKind::Unsubscribe, &token), Some(id.clone()));
        assert_eq!(links.verify(LinkKind::Manage, &token), None);
        for forged in [
            "",
            ".",
            "k2v7xq0m4c9z",
            "k2v7xq0m4c9z.",
            "other.AAAA",
            &token[..token.len() - 1],
            &token.replace("k2v7", "k2v8"),
            &format!("{token}A"),
        ] {
            assert_eq!(links.verify(LinkKind::Unsubscribe, forged), None, "{forged}");
        }
    }

    #[test]
    fn form_stamps_are_signed() {
        let folder = tempfile::tempdir().unwrap();
        let links = links(&folder);
        let sent = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let stamp = links.form_stamp(sent);
        assert_eq!(links.form_age(&stamp, sent + TimeDelta::seconds(3)), Some(TimeDelta::seconds(3)));
        for forged in ["", ".", "1800000000123", "1700000000123.AAAA", &stamp.replace("18000", "17000")] {
            assert_eq!(links.form_age(forged, sent), None, "{forged}");
        }
    }

    #[test]
    fn links_of_another_key_are_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = SubscriberId::parse("k2v7xq0m4c9z").unwrap();
        let token = links(&one).token(LinkKind::Manage, &id);
        assert_eq!(links(&other).verify(LinkKind::Manage, &token), None);
        assert_ne!(links(&one).address_hmac("ines@example.org"), links(&other).address_hmac("ines@example.org"));
    }
}
