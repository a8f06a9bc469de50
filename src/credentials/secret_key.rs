//! Encrypts secrets that must be readable again: those of authenticator apps, and subscribers' endpoints.
//!
//! The key is a file beside the data, so a database backup doesn't reveal the secrets; the server's disk does. Losing
//! the file disables all authenticator apps; recovery codes and passkeys still work.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use crate::format::hex;
use crate::private_folder::create_private_folder;
use crate::regular_file::{self, Links};

const NONCE_BYTES: usize = 12;
/// A key takes 64 bytes.
const MAX_BYTES: u64 = 4096;

/// Clones share the loaded key.
#[derive(Clone)]
pub struct SecretKey {
    file: PathBuf,
    key: Arc<RwLock<Option<[u8; 32]>>>,
}

impl SecretKey {
    /// Creates the file with a new key if it is missing.
    pub fn from_file(file: PathBuf) -> Self {
        Self { file, key: Arc::default() }
    }

    /// Encrypts `secret` with AES-256-GCM and `owner` as associated data.
    pub fn seal(&self, owner: &str, secret: &[u8]) -> anyhow::Result<String> {
        let nonce: [u8; NONCE_BYTES] = crate::credentials::random_bytes();
        let payload = Payload { msg: secret, aad: owner.as_bytes() };
        let sealed = self.cipher()?.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| anyhow::anyhow!("encrypting a secret failed"))?;
        Ok(BASE64_STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    pub fn open(&self, owner: &str, sealed: &str) -> anyhow::Result<Vec<u8>> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).context("a stored secret")?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().context("a stored secret is too short")?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        let opened = self.cipher()?.decrypt(&Nonce::from(*nonce), payload);
        opened
            .map_err(|_| anyhow::anyhow!("{} can't decrypt the stored secrets: it is another key", self.file.display()))
    }

    /// A key for one other purpose, which does not reveal this key: HMAC-SHA256 of the purpose.
    pub fn derive_key(&self, purpose: &str) -> anyhow::Result<[u8; 32]> {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.key()?);
        let derived = ring::hmac::sign(&key, purpose.as_bytes());
        Ok(std::array::from_fn(|at| derived.as_ref()[at]))
    }

    /// Reloads the key if it was loaded. On failure the old key stays in use.
    pub fn reload(&self) -> anyhow::Result<()> {
        if self.loaded().is_some() {
            let key = read_key(&self.file).with_context(|| self.file_name())?;
            *self.key.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
        }
        Ok(())
    }

    fn cipher(&self) -> anyhow::Result<Aes256Gcm> {
        Ok(Aes256Gcm::new(&Key::<Aes256Gcm>::from(self.key()?)))
    }

    fn key(&self) -> anyhow::Result<[u8; 32]> {
        if let Some(key) = self.loaded() {
            return Ok(key);
        }
        let read = read_or_create(&self.file).with_context(|| self.file_name())?;
        Ok(*self.key.write().unwrap_or_else(PoisonError::into_inner).get_or_insert(read))
    }

    fn loaded(&self) -> Option<[u8; 32]> {
        *self.key.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn file_name(&self) -> String {
        format!("the key file {}", self.file.display())
    }
}

fn read_or_create(file: &Path) -> anyhow::Result<[u8; 32]> {
    match file.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create_key(file),
        _ => read_key(file),
    }
}

/// Creates the file atomically, readable by its owner only. If another process was faster, uses its key.
fn create_key(file: &Path) -> anyhow::Result<[u8; 32]> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_private_folder(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(new, "{}", hex(&crate::credentials::random_bytes::<32>()))?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.error.into()),
        _ => read_key(file),
    }
}

fn read_key(file: &Path) -> anyhow::Result<[u8; 32]> {
    let bytes = regular_file::read(file, MAX_BYTES, Links::Followed)?;
    parse_key(&String::from_utf8_lossy(&bytes))
}

fn parse_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        bail!("it must hold 64 hexadecimal digits, as `openssl rand -hex 32` writes them");
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_decrypts_with_same_key_and_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/secret.key");
        let sealed = SecretKey::from_file(file.clone()).seal("ines", b"twenty bytes of salt").unwrap();
        assert_eq!(SecretKey::from_file(file.clone()).open("ines", &sealed).unwrap(), b"twenty bytes of salt");
        assert!(SecretKey::from_file(file.clone()).open("rui", &sealed).is_err());
        assert!(SecretKey::from_file(folder.path().join("other.key")).open("ines", &sealed).is_err());
        assert!(SecretKey::from_file(file.clone()).open("ines", "AAAA").is_err());
        assert_ne!(SecretKey::from_file(file).seal("ines", b"twenty bytes of salt").unwrap(), sealed);
    }

    #[test]
    fn a_reloaded_key_file_replaces_the_key_unless_it_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("secret.key"), folder.path().join("other.key"));
        let key = SecretKey::from_file(file.clone());
        let sealed = key.seal("ines", b"secret").unwrap();
        let sealed_by_other = SecretKey::from_file(other.clone()).seal("ines", b"secret").unwrap();
        std::fs::write(&file, "no key").unwrap();
        assert!(key.reload().is_err() && key.open("ines", &sealed).is_ok());
        std::fs::copy(&other, &file).unwrap();
        key.reload().unwrap();
        assert!(key.open("ines", &sealed_by_other).is_ok() && key.open("ines", &sealed).is_err());
    }

    #[test]
    fn the_key_is_readable_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        SecretKey::from_file(file.clone()).seal("ines", b"x").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn invalid_key_file_is_rejected_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        std::fs::write(&file, "too short").unwrap();
        let error = SecretKey::from_file(file.clone()).seal("ines", b"x").unwrap_err();
        assert!(format!("{error:#}").contains("64 hexadecimal digits"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), "too short");
    }
}
