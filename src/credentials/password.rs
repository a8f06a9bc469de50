//! Password rules and hashing: argon2id with m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage Cheat Sheet); at least
//! 15 characters, because the password is the only factor, and no composition rules (NIST SP 800-63B-4).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub const MIN_CHARS: usize = 15;
pub const MAX_BYTES: usize = 1024;
/// Characters that must remain without the context words.
const MIN_OWN_CHARS: usize = 8;
/// zxcvbn reads only this many characters; a longer password is not weak.
const MAX_CHECKED_CHARS: usize = 80;
/// How many requests may wait before further ones fail with [`Error::Busy`].
const MAX_WAITING: usize = 50;
/// Separate places for browsers that the account knows, so that a flood of other logins can't lock managers out.
const MAX_KNOWN_WAITING: usize = 10;

static HASHINGS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("too many logins at once")]
    Busy,
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// `context` holds words that attackers try first: names and the email address. The error is a sentence for the user.
pub fn check_password(password: &str, context: &[&str]) -> Result<(), String> {
    let count = password.chars().count();
    if password.len() > MAX_BYTES {
        return Err(format!("At most {MAX_BYTES} bytes."));
    }
    if count < MIN_CHARS {
        return Err(format!(
            "Too short: use at least {MIN_CHARS} characters (this has {count}). A passphrase is easy to remember."
        ));
    }
    let words: Vec<&str> =
        context.iter().flat_map(|text| text.split(['@', '.', ' ', '-'])).filter(|word| word.len() > 2).collect();
    if chars_without_words(password, &words) < MIN_OWN_CHARS {
        return Err("Do not base it on your name, e-mail address or page name. Choose another.".into());
    }
    let checked: String = password.chars().take(MAX_CHECKED_CHARS).collect();
    if zxcvbn::zxcvbn(&checked, &words).score() < zxcvbn::Score::Three {
        return Err("This is a commonly used password, or close to one. Choose another.".into());
    }
    Ok(())
}

fn chars_without_words(password: &str, words: &[&str]) -> usize {
    let strip = |left: String, word: &&str| left.replace(&word.to_lowercase(), "");
    words.iter().fold(password.to_lowercase(), strip).chars().count()
}

/// Hashes without waiting in a queue, for commands and tests. A server uses [`QueueSlot::hash`].
pub async fn hash_password(password: String) -> Result<String, Error> {
    let hashing = tokio::task::spawn_blocking(move || hash_now(password.as_bytes()));
    hashing.await.map_err(|error| Error::Failed(error.to_string()))?
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Correct, but hashed with weaker parameters: store this hash instead.
    Outdated(String),
}

pub fn hash_count() -> u64 {
    HASHINGS.load(Ordering::Relaxed)
}

/// Requests of one server that wait for a password hash.
pub struct PasswordQueue {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
}

/// A place in the queue, freed on drop, for example when the client disconnects.
pub struct QueueSlot {
    turns: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
}

impl Default for PasswordQueue {
    /// One hash per core at a time: each takes 19 MiB and about 20 ms.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

impl PasswordQueue {
    fn new(turns: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let (places, known_places) = (semaphore(turns + MAX_WAITING), semaphore(MAX_KNOWN_WAITING));
        Self { turns: semaphore(turns), places, known_places }
    }

    /// Takes a place in the queue, or fails at once with [`Error::Busy`].
    pub fn slot(&self) -> Result<QueueSlot, Error> {
        self.slot_in(&self.places)
    }

    /// Like [`PasswordQueue::slot`], for a browser that the account knows.
    pub fn slot_for_known(&self) -> Result<QueueSlot, Error> {
        self.slot_in(&self.known_places)
    }

    fn slot_in(&self, places: &Arc<Semaphore>) -> Result<QueueSlot, Error> {
        let held = places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(QueueSlot { turns: self.turns.clone(), held })
    }
}

impl QueueSlot {
    pub async fn hash(self, password: String) -> Result<String, Error> {
        self.run(move || hash_now(password.as_bytes())).await?
    }

    /// Without a hash, verifies against a dummy hash, so that timing doesn't reveal which accounts exist.
    pub async fn verify(self, password: String, hash: Option<String>) -> Result<Verdict, Error> {
        self.run(move || verify_now(&password, hash.as_deref())).await?
    }

    /// Waits for a turn and runs `work`. Turn and place are freed when `work` ends, not when the request is cancelled:
    /// otherwise clients that disconnect early could start any number of hashes.
    async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let turn = self.turns.acquire_owned().await.map_err(|error| Error::Failed(error.to_string()))?;
        let held = self.held;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, held));
            done
        });
        working.await.map_err(|error| Error::Failed(error.to_string()))
    }
}

fn argon2id() -> Result<Argon2<'static>, Error> {
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8]) -> Result<String, Error> {
    HASHINGS.fetch_add(1, Ordering::Relaxed);
    let hashed = argon2id()?.hash_password(password);
    hashed.map(|hash| hash.to_string()).map_err(|error| Error::Failed(error.to_string()))
}

fn verify_now(password: &str, hash: Option<&str>) -> Result<Verdict, Error> {
    static DUMMY_HASH: LazyLock<Option<String>> =
        LazyLock::new(|| hash_now(&crate::credentials::random_bytes::<32>()).ok());
    let known = hash.is_some() && password.len() <= MAX_BYTES;
    let Some(hash) = hash.or(DUMMY_HASH.as_deref()) else { return Ok(Verdict::Wrong) };
    let password = if known { password } else { "" };
    let parsed = PasswordHash::new(hash).map_err(|error| Error::Failed(error.to_string()))?;
    HASHINGS.fetch_add(1, Ordering::Relaxed);
    if argon2id()?.verify_password(password.as_bytes(), &parsed).is_err() || !known {
        return Ok(Verdict::Wrong);
    }
    if hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") {
        return Ok(Verdict::Right);
    }
    hash_now(password.as_bytes()).map(Verdict::Outdated)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn verify_password(password: String, hash: Option<String>) -> Result<Verdict, Error> {
        PasswordQueue::new(1).slot()?.verify(password, hash).await
    }

    #[tokio::test]
    async fn passwords_are_compared_exactly() {
        for password in ["correct horse battery", " Ünïcödé 🙂 with spaces ", &"x".repeat(MAX_BYTES)] {
            let hash = hash_password(password.to_owned()).await.unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert_eq!(verify_password(password.to_owned(), Some(hash.clone())).await.unwrap(), Verdict::Right);
            assert_eq!(verify_password(format!("{password} "), Some(hash)).await.unwrap(), Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn full_queue_rejects_immediately() {
        let queue = PasswordQueue::new(1);
        let waiting: Vec<QueueSlot> = (0..=MAX_WAITING).map(|_| queue.slot().unwrap()).collect();
        assert!(matches!(queue.slot(), Err(Error::Busy)));
        assert!(queue.slot_for_known().is_ok(), "an unknown account does not take the slot of a known one");
        drop(waiting);
        assert!(queue.slot().is_ok(), "who goes away leaves the place to others");
    }

    #[tokio::test]
    async fn disconnect_frees_neither_permit_nor_queue_slot() {
        let queue = PasswordQueue::new(1);
        let (begun, begins) = std::sync::mpsc::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let work = queue.slot().unwrap().run(move || {
            begun.send(()).unwrap();
            ends.recv().unwrap();
        });
        let impatient = tokio::spawn(work);
        tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        impatient.abort();
        assert!(impatient.await.is_err());
        assert_eq!((queue.turns.available_permits(), queue.places.available_permits()), (0, MAX_WAITING));
        end.send(()).unwrap();
        queue.slot().unwrap().run(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn unknown_account_matches_no_password() {
        assert_eq!(verify_password(String::new(), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(verify_password("anything at all".into(), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_weaker_hash_is_replaced_at_login() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, Some(32)).unwrap());
        let hash = weak.hash_password(b"an old but long password").unwrap().to_string();
        let verdict = verify_password("an old but long password".into(), Some(hash)).await.unwrap();
        assert!(matches!(verdict, Verdict::Outdated(new) if new.contains("m=19456")));
    }

    #[test]
    fn passwords_are_long_and_uncommon() {
        assert!(check_password("harbour crane whistles", &[]).is_ok());
        for bad in [
            "short",
            "fourteen chars",
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(check_password(bad, &[]).is_err(), "{bad}");
        }
        assert!(check_password("tidewatertidewater", &["Tidewater Maps"]).is_err());
        assert!(check_password("InesFigueiredo1", &["Ines Figueiredo", "candor"]).is_err());
        assert!(check_password(&"é".repeat(513), &[]).is_err());
    }
}
