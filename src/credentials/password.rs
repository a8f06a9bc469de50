//! Passwords: what is accepted, how they are hashed, how many at a time.
//!
//! argon2id with m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage Cheat Sheet); 15 characters at
//! least because the password is the only factor, no rules of composition (NIST SP 800-63B-4).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The shortest password, in characters.
pub const MIN_CHARS: usize = 15;
/// The longest password, in bytes.
pub const MAX_BYTES: usize = 1024;
/// How many characters a password must have beside the context words.
const MIN_OWN_CHARS: usize = 8;
/// How much of a password is looked at when it is judged; beyond this nothing weak is left, in characters.
const MAX_CHECKED_CHARS: usize = 80;
/// How many may wait for their turn before the next is sent away.
const MAX_WAITING: usize = 50;
/// How many more may wait who come with a browser that their account knows: a flood of strangers takes no place of theirs.
const MAX_KNOWN_WAITING: usize = 10;

/// One password is hashed per core at a time: each takes 19 MiB and some 20 ms.
static QUEUE: LazyLock<HashQueue> =
    LazyLock::new(|| HashQueue::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)));

/// How often the work of hashing was done since the start.
static HASHINGS: AtomicU64 = AtomicU64::new(0);

/// Why a password could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many wait already.
    #[error("too many logins at once")]
    Busy,
    /// A fault of ours.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// Whether a password may be chosen; `context` are words an attacker would try first: the name, the
/// address, the name of the page.
///
/// # Errors
/// A sentence for the person who chose it.
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
    let judged: String = password.chars().take(MAX_CHECKED_CHARS).collect();
    if zxcvbn::zxcvbn(&judged, &words).score() < zxcvbn::Score::Three {
        return Err("This is a commonly used password, or close to one. Choose another.".into());
    }
    Ok(())
}

/// How many characters are left of `password` without the `words`, whatever their case.
fn chars_without_words(password: &str, words: &[&str]) -> usize {
    let strip = |left: String, word: &&str| left.replace(&word.to_lowercase(), "");
    words.iter().fold(password.to_lowercase(), strip).chars().count()
}

/// The hash of `password`, as a PHC string with its salt and parameters.
///
/// # Errors
/// Where too many wait already.
pub async fn hash_password(password: String) -> Result<String, Error> {
    queue_slot()?.run(move || hash_now(password.as_bytes())).await?
}

/// What became of a login.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and hashed with weaker parameters than today's: keep this hash instead.
    Outdated(String),
}

/// Whether `password` belongs to `hash`. Without a hash the same time is spent on one that nothing
/// matches, so that nobody learns from the clock which addresses exist.
///
/// # Errors
/// Where too many wait already.
pub async fn verify_password(password: String, hash: Option<String>) -> Result<Verdict, Error> {
    queue_slot()?.verify(password, hash).await
}

/// How often a password was hashed since the start, or compared, which costs the same.
pub fn hash_count() -> u64 {
    HASHINGS.load(Ordering::Relaxed)
}

/// A place among those who wait for their turn.
///
/// # Errors
/// `Busy`, at once, where too many wait already.
pub fn queue_slot() -> Result<QueueSlot, Error> {
    QUEUE.slot()
}

/// A place for whoever comes with a browser that their account knows.
///
/// # Errors
/// `Busy`, at once, where too many of them wait already.
pub fn queue_slot_for_known() -> Result<QueueSlot, Error> {
    QUEUE.slot_for_known()
}

/// Who is hashing, and who waits to.
struct HashQueue {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
}

/// A place in the queue; given up when dropped, as when the client has gone.
pub struct QueueSlot {
    turns: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
}

impl HashQueue {
    fn new(turns: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let (places, known_places) = (semaphore(turns + MAX_WAITING), semaphore(MAX_KNOWN_WAITING));
        Self { turns: semaphore(turns), places, known_places }
    }

    fn slot(&self) -> Result<QueueSlot, Error> {
        self.slot_in(&self.places)
    }

    fn slot_for_known(&self) -> Result<QueueSlot, Error> {
        self.slot_in(&self.known_places)
    }

    fn slot_in(&self, places: &Arc<Semaphore>) -> Result<QueueSlot, Error> {
        let held = places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(QueueSlot { turns: self.turns.clone(), held })
    }
}

impl QueueSlot {
    /// Whether `password` belongs to `hash`, as [`verify_password`].
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn verify(self, password: String, hash: Option<String>) -> Result<Verdict, Error> {
        self.run(move || verify_now(&password, hash.as_deref())).await?
    }

    /// Does the work when its turn comes. The turn and the place are over when the work is, not when nobody
    /// waits for it any more: otherwise whoever hangs up early would have any number hashed at once.
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
        let queue = HashQueue::new(1);
        let waiting: Vec<QueueSlot> = (0..=MAX_WAITING).map(|_| queue.slot().unwrap()).collect();
        assert!(matches!(queue.slot(), Err(Error::Busy)));
        assert!(queue.slot_for_known().is_ok(), "no stranger takes the place of somebody known");
        drop(waiting);
        assert!(queue.slot().is_ok(), "who goes away leaves the place to others");
    }

    #[tokio::test]
    async fn disconnect_frees_neither_permit_nor_queue_slot() {
        let queue = HashQueue::new(1);
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
