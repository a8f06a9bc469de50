//! Sessions of managers that this process has seen in the database. Used only to order the queue of the admin, before a
//! session is loaded: an invented cookie is not among them.

use std::sync::LazyLock;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

const MAX_SESSIONS: u64 = 10_000;
/// As long as a session lasts without use.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// By the hash of the cookie's value.
static SESSIONS: LazyLock<moka::sync::Cache<[u8; 32], ()>> =
    LazyLock::new(|| moka::sync::Cache::builder().max_capacity(MAX_SESSIONS).time_to_idle(LIFETIME).build());

fn hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

/// Records a session that the database has and that belongs to a manager.
pub fn remember_session(cookie: &str) {
    SESSIONS.insert(hash(cookie), ());
}

pub fn forget_session(cookie: &str) {
    SESSIONS.invalidate(&hash(cookie));
}

pub fn is_known_session(cookie: &str) -> bool {
    SESSIONS.contains_key(&hash(cookie))
}
