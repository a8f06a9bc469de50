//! Signs mail with DKIM (RFC 6376), relaxed/relaxed, with RSA or Ed25519 (RFC 8463). lettre's own signatures need the
//! crate rsa, whose timing reveals private keys (RUSTSEC-2023-0071).

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// Every header of our mails that a receiver acts on; RFC 8058 requires both List-Unsubscribe headers.
const SIGNED_HEADERS: [&str; 17] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Precedence",
    "Feedback-ID",
    "Reply-To",
];
/// Signed once more than it occurs, so that a second one can't be added.
const OVERSIGNED: &str = "From";
/// The line length of the signature header, in bytes.
const LINE: usize = 72;

pub struct DkimSigner {
    domain: String,
    selector: String,
    key: SigningKey,
}

enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for DkimSigner {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DkimSigner")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl DkimSigner {
    /// `pem` has an RSA key of 2048 to 4096 bits (PKCS#8 or PKCS#1) or an Ed25519 key (PKCS#8).
    pub fn new(domain: &str, selector: &str, pem: &[u8]) -> anyhow::Result<Self> {
        let domain = parse_dns_name(domain).with_context(|| format!("{domain:?} is not a DKIM domain"))?;
        let selector = parse_dns_name(selector).with_context(|| format!("{selector:?} is not a DKIM selector"))?;
        Ok(Self { domain, selector, key: SigningKey::from_pem(pem)? })
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name of the TXT record with the public key.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The TXT record with the public key.
    pub fn record(&self) -> String {
        format!("v=DKIM1; k={}; p={}", self.key.type_name(), self.public_key())
    }

    /// The public key as in the `p=` tag of the record.
    pub fn public_key(&self) -> String {
        BASE64_STANDARD.encode(self.key.public())
    }

    /// Puts the signature before `mail`, a complete mail with CRLF line ends.
    pub fn sign(&self, mail: &[u8], now: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        let header = self.signature_header(mail, now)?;
        Ok([header.as_bytes(), b"\r\n", mail].concat())
    }

    fn signature_header(&self, mail: &[u8], now: DateTime<Utc>) -> anyhow::Result<String> {
        let (head, body) = split_mail(mail);
        let head = std::str::from_utf8(head).context("a mail header is not UTF-8")?;
        let headers = split_headers(head);
        let signed = choose_headers(&headers);
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let body_hash = BASE64_STANDARD.encode(digest(&SHA256, &canonicalize_body(body)));
        let unsigned = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={body_hash};\r\n b=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            now.timestamp(),
            fold_names(&names),
        );
        let mut input: String =
            signed.iter().filter_map(|(_, field)| *field).map(|field| canonicalize_header(field) + "\r\n").collect();
        input += &canonicalize_header(&unsigned);
        let signature = BASE64_STANDARD.encode(self.key.sign(input.as_bytes())?);
        Ok(unsigned + &fold_signature(&signature))
    }
}

impl SigningKey {
    fn from_pem(pem: &[u8]) -> anyhow::Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem).context("the DKIM key file has no private key in PEM")?;
        match key {
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self::Ed25519(key));
                }
                RsaKeyPair::from_pkcs8(der).map(Box::new).map(Self::Rsa).map_err(describe_key_error)
            }
            PrivateKeyDer::Pkcs1(key) => {
                RsaKeyPair::from_der(key.secret_pkcs1_der()).map(Box::new).map(Self::Rsa).map_err(describe_key_error)
            }
            _ => bail!("the DKIM key must be RSA or Ed25519"),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa",
            Self::Ed25519(_) => "ed25519",
        }
    }

    fn sign(&self, input: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .map_err(|_| anyhow::anyhow!("the DKIM signature failed"))?;
                Ok(signature)
            }
            // RFC 8463 signs the hash.
            Self::Ed25519(key) => Ok(key.sign(digest(&SHA256, input).as_ref()).as_ref().to_vec()),
        }
    }

    /// For RSA the SubjectPublicKeyInfo, for Ed25519 the bare key.
    fn public(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => wrap_rsa_public_key(key.public().as_ref()),
            Self::Ed25519(key) => key.public_key().as_ref().to_vec(),
        }
    }
}

fn describe_key_error(error: ring::error::KeyRejected) -> anyhow::Error {
    anyhow::anyhow!("the DKIM key is not an RSA key of 2048 to 4096 bits or an Ed25519 key ({error})")
}

/// Letters, digits and hyphens, in lower case; an international domain name becomes ASCII.
fn parse_dns_name(text: &str) -> Option<String> {
    let name = url::Host::parse(text).ok()?;
    let url::Host::Domain(name) = name else { return None };
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')).then_some(name)
}

/// Splits at the empty line, which belongs to neither.
fn split_mail(mail: &[u8]) -> (&[u8], &[u8]) {
    match mail.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
        Some(end) => (&mail[..end], &mail[end + 4..]),
        None => (mail, b""),
    }
}

/// The header fields with their folded lines.
fn split_headers(head: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (end, _) in head.match_indices("\r\n") {
        if !head[end + 2..].starts_with([' ', '\t']) {
            fields.push(&head[start..end]);
            start = end + 2;
        }
    }
    fields.push(&head[start..]);
    fields
}

fn field_name(field: &str) -> &str {
    field.split(':').next().unwrap_or_default().trim_end()
}

/// The names for `h=`, each with its field; of several with the same name the last comes first. The oversigned name has
/// none.
fn choose_headers<'a>(headers: &[&'a str]) -> Vec<(&'static str, Option<&'a str>)> {
    let mut chosen = Vec::new();
    for name in SIGNED_HEADERS {
        let fields = headers.iter().rev().filter(|field| field_name(field).eq_ignore_ascii_case(name));
        chosen.extend(fields.map(|field| (name, Some(*field))));
    }
    chosen.push((OVERSIGNED, None));
    chosen
}

/// RFC 6376, 3.4.2: lower-case name, unfolded, runs of white space as one space, none at the end and around the colon.
fn canonicalize_header(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    let words = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    format!("{}:{}", name.trim_end().to_ascii_lowercase(), words.collect::<Vec<_>>().join(" "))
}

/// RFC 6376, 3.4.4: runs of white space as one space, none at line ends, no empty lines at the end.
fn canonicalize_body(body: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let line = canonicalize_line(line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        canonical.extend(std::iter::repeat_n(*b"\r\n", std::mem::take(&mut empty_lines)).flatten());
        canonical.extend(line);
        canonical.extend(b"\r\n");
    }
    canonical
}

fn canonicalize_line(line: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut canonical = Vec::with_capacity(line.len());
    for run in line.chunk_by(|a, b| is_space(a) == is_space(b)) {
        canonical.extend(if is_space(&run[0]) { b" " } else { run });
    }
    if canonical.last() == Some(&b' ') {
        canonical.pop();
    }
    canonical
}

fn fold_names(names: &[&str]) -> String {
    let mut folded = String::new();
    let mut length = 3;
    for (number, name) in names.iter().enumerate() {
        if number > 0 {
            folded.push(':');
        }
        if length + name.len() + 1 > LINE {
            folded.push_str("\r\n ");
            length = 1;
        }
        folded.push_str(name);
        length += name.len() + 1;
    }
    folded
}

/// `signature` is base64, so every byte is a character.
fn fold_signature(signature: &str) -> String {
    let lines = signature.as_bytes().chunks(LINE).map(|line| line.iter().copied().map(char::from).collect::<String>());
    lines.collect::<Vec<_>>().join("\r\n ")
}

/// The SubjectPublicKeyInfo of an RSAPublicKey (RFC 5280, 4.1): the algorithm rsaEncryption and a bit string.
fn wrap_rsa_public_key(key: &[u8]) -> Vec<u8> {
    const ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let bits = encode_der(3, &[&[0], key].concat());
    encode_der(0x30, &[&ALGORITHM[..], &bits].concat())
}

fn encode_der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte > 0).unwrap_or(length.len() - 1)..];
    let mut der = vec![tag];
    if let [short @ 0..=127] = length {
        der.push(*short);
    } else {
        der.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
        der.extend(length);
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8463, appendix A: the secret key of the example as PKCS#8.
    const ED25519_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

    /// The example of RFC 6376, 3.4.5.
    const EXAMPLE: &[u8] = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";

    #[test]
    fn rfc_6376_example_is_canonicalized() {
        let (head, body) = split_mail(EXAMPLE);
        let headers: Vec<_> =
            split_headers(std::str::from_utf8(head).unwrap()).into_iter().map(canonicalize_header).collect();
        assert_eq!(headers, ["a:X", "b:Y Z"]);
        assert_eq!(canonicalize_body(body), b" C\r\nD E\r\n");
    }

    #[test]
    fn body_end_is_normalized() {
        for (body, canonical) in [
            (&b""[..], &b""[..]),
            (b"\r\n\r\n", b""),
            (b"a", b"a\r\n"),
            (b"a\r\n \t\r\n\r\n", b"a\r\n"),
            (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
        ] {
            assert_eq!(canonicalize_body(body), canonical, "{body:?}");
        }
        // RFC 6376, 3.4.4: the hash of the empty body.
        let hash = BASE64_STANDARD.encode(digest(&SHA256, &canonicalize_body(b"")));
        assert_eq!(hash, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn last_of_repeated_headers_is_signed_first() {
        let headers = ["from: a", "Subject: 1", "X-Other: b", "subject : 2"];
        let chosen = choose_headers(&headers);
        let expected = [
            ("From", Some("from: a")),
            ("Subject", Some("subject : 2")),
            ("Subject", Some("Subject: 1")),
            ("From", None),
        ];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn ed25519_record_is_that_of_rfc_8463() {
        let signer = DkimSigner::new("football.example.com", "brisbane", ED25519_KEY.as_bytes()).unwrap();
        assert_eq!(signer.record_name(), "brisbane._domainkey.football.example.com");
        assert_eq!(signer.record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let mail = b"From: a@football.example.com\r\nList-Unsubscribe: <https://x.example/>\r\n\r\nText\r\n";
        let signed = String::from_utf8(signer.sign(mail, DateTime::UNIX_EPOCH).unwrap()).unwrap();
        assert!(signed.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;"), "{signed}");
        assert!(signed.contains("\r\n h=From:List-Unsubscribe:From;\r\n"), "{signed}");
        assert!(signed.ends_with(std::str::from_utf8(mail).unwrap()));
    }

    #[test]
    fn signature_header_is_folded() {
        let names = fold_names(&SIGNED_HEADERS);
        assert!(names.split("\r\n").all(|line| line.len() < 76), "{names}");
        assert_eq!(names.replace("\r\n ", ""), SIGNED_HEADERS.join(":"));
        let signature = "A".repeat(344);
        let folded = fold_signature(&signature);
        assert!(folded.split("\r\n").all(|line| line.len() < 76), "{folded}");
        assert_eq!(folded.replace("\r\n ", ""), signature);
    }

    #[test]
    fn unusable_keys_and_names_are_rejected() {
        let error = |domain, selector, pem: &str| {
            format!("{:#}", DkimSigner::new(domain, selector, pem.as_bytes()).unwrap_err())
        };
        assert!(error("example.org", "s", "no key").contains("no private key"));
        let ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert!(error("example.org", "s", ec).contains("must be RSA or Ed25519"));
        for name in ["", "a b", "a;b", "a\r\nb", "127.0.0.1"] {
            assert!(error(name, "s", ED25519_KEY).contains("is not a DKIM domain"), "{name:?}");
            assert!(error("example.org", name, ED25519_KEY).contains("is not a DKIM selector"), "{name:?}");
        }
    }

    #[test]
    fn der_lengths_are_encoded() {
        assert_eq!(encode_der(4, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(encode_der(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(encode_der(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(encode_der(4, &[]), [4, 0]);
    }
}
