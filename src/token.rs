//! Secrets that are handed out once: random, shown once, stored as their SHA-256.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::db::hex;

/// A fresh token of 256 random bits, safe in a URL.
pub fn fresh() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(crate::db::random::<32>())
}

/// What is stored of a token: its SHA-256 in hexadecimal.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_stored_hashed() {
        let (a, b) = (fresh(), fresh());
        assert_ne!(a, b);
        assert_eq!((a.len(), hash(&a).len()), (43, 64));
    }
}
