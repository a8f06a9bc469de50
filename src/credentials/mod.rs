//! Secrets and their verification: passwords, one-time codes, passkeys, tokens and the server's key.

pub mod passkey;
pub mod password;
pub mod secret_key;
pub mod secret_token;
pub mod subscriber_links;
pub mod totp;

/// From a cryptographic generator that is seeded by the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes
}
