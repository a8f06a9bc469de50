//! Random tokens that are shown once and stored as SHA-256.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::distr::{Alphanumeric, SampleString as _};
use sha2::{Digest as _, Sha256};

use crate::format::hex;

pub fn fresh_token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(crate::credentials::random_bytes::<32>())
}

/// Lets secret scanners recognize a token.
const API_PREFIX: &str = "candor_";
/// Random letters and digits (190 bits).
const API_RANDOM: usize = 32;
const API_CHECKSUM: usize = 6;

pub fn fresh_api_token() -> String {
    let begin = API_PREFIX.to_owned() + &Alphanumeric.sample_string(&mut rand::rng(), API_RANDOM);
    let checksum = checksum(&begin);
    begin + &checksum
}

pub fn is_api_token(text: &str) -> bool {
    let whole = API_PREFIX.len() + API_RANDOM + API_CHECKSUM;
    let plain = text.len() == whole && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && text.starts_with(API_PREFIX) && checksum(&text[..whole - API_CHECKSUM]) == text[whole - API_CHECKSUM..]
}

pub fn token_ending(token: &str) -> &str {
    token.get(token.len().saturating_sub(4)..).unwrap_or_default()
}

/// CRC-32 in base 62, which distinguishes a mistyped token from an unknown one.
fn checksum(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; API_CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    digits.into_iter().map(char::from).collect()
}

pub fn hash_token(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_stored_hashed() {
        let (a, b) = (fresh_token(), fresh_token());
        assert_ne!(a, b);
        assert_eq!((a.len(), hash_token(&a).len()), (43, 64));
    }

    #[test]
    fn api_token_checksum_detects_typos() {
        let token = fresh_api_token();
        assert!(is_api_token(&token) && token.starts_with("candor_") && token.len() == 45, "{token}");
        assert_ne!(token, fresh_api_token());
        assert_eq!(token_ending(&token), &token[41..]);
        let mut slips: Vec<String> =
            (0..token.len()).map(|at| format!("{}_{}", &token[..at], &token[at + 1..])).collect();
        slips.retain(|slip| *slip != token);
        slips.extend(["".into(), "candor_".into(), token[..44].into(), format!("{token}x"), token.to_uppercase()]);
        slips.push("é".repeat(22) + "x");
        for slip in slips {
            assert!(!is_api_token(&slip), "{slip}");
        }
    }

    #[test]
    fn checksum_is_stable() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum("123456789"), "3jZRME");
    }
}
