//! The answers to challenges of the certificate authority.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::store::AcmeStore;

/// Where the authority asks (RFC 8555, 8.3).
const PREFIX: &str = "/.well-known/acme-challenge/";
/// An authority's token has 22 characters or more; ours are stored as they are, so a limit suffices.
const MAX_TOKEN: usize = 200;
/// Lookups in the database at a time, so that strangers can't occupy it. Further ones wait: an authority asks for each
/// domain from several places at once.
const LOOKUPS: usize = 2;
const LOOKUP_PATIENCE: Duration = Duration::from_secs(5);

/// Clones share the answers.
#[derive(Clone)]
pub struct Challenges(Arc<Shared>);

struct Shared {
    own: Mutex<HashMap<String, String>>,
    store: AcmeStore,
    lookups: Semaphore,
}

impl Challenges {
    pub fn new(store: AcmeStore) -> Self {
        Self(Arc::new(Shared { own: Mutex::default(), store, lookups: Semaphore::new(LOOKUPS) }))
    }

    /// The token that a path asks for.
    pub fn token(path: &str) -> Option<&str> {
        let token = path.strip_prefix(PREFIX)?;
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (!token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(is_valid)).then_some(token)
    }

    pub(super) async fn add(&self, token: &str, answer: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), answer.to_owned());
        self.0.store.share_challenge(token, answer, now).await
    }

    pub(super) async fn clear(&self) {
        let own = std::mem::take(&mut *self.0.own.lock().unwrap_or_else(PoisonError::into_inner));
        for token in own.keys() {
            self.0.store.withdraw_challenge(token).await;
        }
    }

    /// The answer to a token of this node or another.
    pub async fn answer(&self, token: &str) -> Option<String> {
        let own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        if own.is_some() {
            return own;
        }
        let _permit = timeout(LOOKUP_PATIENCE, self.0.lookups.acquire()).await.ok()?.ok()?;
        self.0.store.shared_challenge(token).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_added_tokens_are_answered() {
        let folder = tempfile::tempdir().unwrap();
        let challenges = Challenges::new(AcmeStore::folder(folder.path()));
        challenges.add("token_1-x", "token_1-x.print", DateTime::<Utc>::MIN_UTC).await.unwrap();
        assert_eq!(challenges.answer("token_1-x").await.as_deref(), Some("token_1-x.print"));
        assert_eq!(challenges.answer("another").await, None);
        challenges.clear().await;
        assert_eq!(challenges.answer("token_1-x").await, None);
    }

    #[test]
    fn token_is_in_the_path() {
        assert_eq!(Challenges::token("/.well-known/acme-challenge/aB-_9"), Some("aB-_9"));
        for path in
            ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/a/b", "/.well-known/acme-challenge/a%2F"]
        {
            assert_eq!(Challenges::token(path), None, "{path}");
        }
    }
}
