//! Secrets and how they are checked: passwords, one-time codes, passkeys, tokens, the server's own key.

pub mod passkey;
pub mod password;
pub mod secret_key;
pub mod secret_token;
pub mod totp;

/// Random bytes from the operating system, for identifiers and tokens.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes
}
