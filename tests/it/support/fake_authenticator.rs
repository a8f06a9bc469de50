//! A passkey device that answers challenges in the form in which a browser sends them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Flags of the authenticator data: user present, user verified (finger, face or PIN).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// Attested credential data (the public key) follows.
const ATTESTED: u8 = 0x40;

pub struct FakeAuthenticator {
    key: SigningKey,
    id: Vec<u8>,
    /// The user handle from the registration.
    user: String,
    pub origin: String,
    /// Whether the device verifies the user by finger, face or PIN.
    pub verifies: bool,
    uses: u32,
}

impl FakeAuthenticator {
    pub fn at(origin: &str) -> Self {
        let key = SigningKey::from_slice(&candor::credentials::random_bytes::<32>()).expect("a key");
        let id = candor::credentials::random_bytes::<32>().to_vec();
        Self { key, id, user: String::new(), origin: origin.into(), verifies: true, uses: 0 }
    }

    pub fn make(&mut self, options: &Value) -> String {
        let asked = &options["publicKey"];
        self.user = asked["user"]["id"].as_str().expect("a user").to_owned();
        let rp = asked["rp"]["id"].as_str().expect("a site");
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = (point.x().expect("x"), point.y().expect("y"));
        // CBOR map of the COSE key: EC2, ES256, P-256, x, y.
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
        let credential = [&[0; 16][..], &[0, 32], &self.id, &cose].concat();
        let data = [self.head(rp, ATTESTED), credential].concat();
        // CBOR map: "fmt" is "none", "attStmt" is empty, "authData" are bytes.
        let length = u8::try_from(data.len()).expect("short data");
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[length], &data].concat();
        let client = self.client_data("webauthn.create", asked);
        self.answer(json!({ "attestationObject": encode(&object), "clientDataJSON": encode(&client) }))
    }

    pub fn sign(&mut self, options: &Value) -> String {
        let asked = &options["publicKey"];
        let data = self.head(asked["rpId"].as_str().expect("a site"), 0);
        let client = self.client_data("webauthn.get", asked);
        let signature: Signature = self.key.sign(&[&data[..], &Sha256::digest(&client)].concat());
        self.answer(json!({
            "authenticatorData": encode(&data),
            "clientDataJSON": encode(&client),
            "signature": encode(signature.to_der().as_bytes()),
            "userHandle": self.user,
        }))
    }

    /// Authenticator data: hash of the site, flags and use counter.
    fn head(&mut self, rp: &str, more: u8) -> Vec<u8> {
        self.uses += 1;
        let verified = if self.verifies { VERIFIED } else { 0 };
        [&Sha256::digest(rp)[..], &[PRESENT | verified | more], &self.uses.to_be_bytes()].concat()
    }

    fn client_data(&self, kind: &str, asked: &Value) -> Vec<u8> {
        json!({ "type": kind, "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn answer(&self, response: Value) -> String {
        let id = encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
