//! Signatures of webhooks by Standard Webhooks 1.0.0: `v1` with a secret of the endpoint, `v1a` with the page's key
//! pair.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::credentials::random_bytes;
use crate::credentials::secret_key::SecretKey;

const SECRET_PREFIX: &str = "whsec_";
const PRIVATE_PREFIX: &str = "whsk_";
const PUBLIC_PREFIX: &str = "whpk_";
/// In bytes; the specification allows 24 to 64.
const SECRET_LENGTH: usize = 32;
const SEED_LENGTH: usize = 32;

pub const ID_HEADER: &str = "webhook-id";
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub const SIGNATURE_HEADER: &str = "webhook-signature";

const KEY_PAIR: &str = "webhook key pair";

/// The secret that an endpoint shares with the page.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

/// The page's key pair. Receivers verify with its public half and need no secret.
pub struct WebhookKeyPair {
    seed: [u8; SEED_LENGTH],
    pair: Ed25519KeyPair,
}

/// The page's key pair, derived from the server's key.
///
/// # Errors
/// The key file can't be read.
pub fn webhook_key_pair(key: &SecretKey) -> anyhow::Result<WebhookKeyPair> {
    WebhookKeyPair::from_seed(key.derive_key(KEY_PAIR)?)
}

impl WebhookSecret {
    pub fn generate() -> Self {
        Self(random_bytes::<SECRET_LENGTH>().into())
    }

    /// `None` unless `text` is `whsec_` and 24 to 64 bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The form in which receivers enter it.
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    fn sign(&self, signed: &[u8]) -> String {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), signed);
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

impl WebhookKeyPair {
    pub fn generate() -> anyhow::Result<Self> {
        Self::from_seed(random_bytes())
    }

    /// Reads [`WebhookKeyPair::reveal`]. The public half in it must belong to the private one.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.strip_prefix(PRIVATE_PREFIX).unwrap_or_default();
        let bytes = BASE64_STANDARD.decode(text)?;
        let (seed, public) = bytes.split_first_chunk().ok_or_else(|| anyhow::anyhow!("the key is too short"))?;
        let pair = Self::from_seed(*seed)?;
        anyhow::ensure!(public.is_empty() || public == pair.pair.public_key().as_ref(), "the key's halves differ");
        Ok(pair)
    }

    /// The pair that belongs to 32 secret bytes.
    pub fn from_seed(seed: [u8; SEED_LENGTH]) -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        let pair = pair.map_err(|_| anyhow::anyhow!("this is no Ed25519 key"))?;
        Ok(Self { seed, pair })
    }

    /// The private key, to be stored encrypted.
    pub fn reveal(&self) -> String {
        let bytes = [&self.seed[..], self.pair.public_key().as_ref()].concat();
        format!("{PRIVATE_PREFIX}{}", BASE64_STANDARD.encode(bytes))
    }

    /// The key that receivers verify with.
    pub fn public_key(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", BASE64_STANDARD.encode(self.pair.public_key()))
    }

    fn sign(&self, signed: &[u8]) -> String {
        format!("v1a,{}", BASE64_STANDARD.encode(self.pair.sign(signed)))
    }
}

// The secrets must not reach the log.
impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl std::fmt::Debug for WebhookKeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WebhookKeyPair").field(&self.public_key()).finish()
    }
}

/// The headers of one attempt. `id` is the same in every attempt and contains no dot; `now` is the time of the attempt.
/// Each of `secrets` signs, so a receiver accepts the earlier one while both are valid.
pub fn signature_headers(
    id: &str,
    now: DateTime<Utc>,
    body: &str,
    secrets: &[WebhookSecret],
    key_pair: Option<&WebhookKeyPair>,
) -> Vec<(&'static str, String)> {
    let timestamp = now.timestamp().to_string();
    let signed = format!("{id}.{timestamp}.{body}");
    let symmetric = secrets.iter().map(|secret| secret.sign(signed.as_bytes()));
    let signatures: Vec<String> = symmetric.chain(key_pair.map(|pair| pair.sign(signed.as_bytes()))).collect();
    vec![(ID_HEADER, id.to_owned()), (TIMESTAMP_HEADER, timestamp), (SIGNATURE_HEADER, signatures.join(" "))]
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors of the specification's reference implementations.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const PRIVATE: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const SIGNED_BY_PAIR: &str =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_614_265_330, 999_000_000).unwrap()
    }

    #[test]
    fn signatures_match_the_reference_vectors() {
        let (secret, pair) = (WebhookSecret::parse(SECRET).unwrap(), WebhookKeyPair::parse(PRIVATE).unwrap());
        let headers = signature_headers(ID, now(), BODY, &[secret], Some(&pair));
        assert_eq!(
            headers,
            [
                ("webhook-id", ID.to_owned()),
                ("webhook-timestamp", "1614265330".to_owned()),
                ("webhook-signature", format!("{SIGNED} {SIGNED_BY_PAIR}")),
            ]
        );
        assert_eq!(pair.public_key(), PUBLIC);
    }

    #[test]
    fn both_secrets_sign_during_a_rotation() {
        let (new, old) = (WebhookSecret::generate(), WebhookSecret::parse(SECRET).unwrap());
        let headers = signature_headers(ID, now(), BODY, &[new, old], None);
        let signatures: Vec<&str> = headers[2].1.split(' ').collect();
        assert_eq!((signatures.len(), signatures[1]), (2, SIGNED));
        assert!(signatures[0].starts_with("v1,") && signatures[0] != SIGNED);
    }

    #[test]
    fn secrets_and_keys_survive_storing() {
        let secret = WebhookSecret::generate();
        assert_eq!(WebhookSecret::parse(&secret.reveal()), Some(secret.clone()));
        let pair = WebhookKeyPair::generate().unwrap();
        assert_eq!(WebhookKeyPair::parse(&pair.reveal()).unwrap().public_key(), pair.public_key());
        assert_eq!(WebhookKeyPair::parse(PRIVATE).unwrap().reveal(), PRIVATE);
        let shown = format!("{secret:?} {pair:?}");
        assert!(!shown.contains(&secret.reveal()[6..]) && !shown.contains(&pair.reveal()[5..30]), "{shown}");
    }

    #[test]
    fn malformed_secrets_and_keys_are_rejected() {
        for bad in ["", "whsec_", "whsec_%", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", PUBLIC] {
            assert!(WebhookSecret::parse(bad).is_none(), "{bad}");
        }
        let mixed = PRIVATE.replace("VKIDij2", "VKIDij3");
        for bad in ["", "whsk_", "whsk_c2hvcnQ=", PUBLIC, SECRET, mixed.as_str()] {
            assert!(WebhookKeyPair::parse(bad).is_err(), "{bad}");
        }
    }
}
