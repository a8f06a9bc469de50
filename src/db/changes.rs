//! Tells the tasks of this process that something was committed, here or by another process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Notifications of this process's own commits arrive late in a burst.
const OWN_REVISIONS: usize = 32;

/// Shared by all clones of a `Db`.
#[derive(Clone, Debug)]
pub struct Changes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How many changes were announced, by this process and by others.
    counts: watch::Sender<[u64; 2]>,
    /// The newest revisions that this process committed.
    own: Mutex<VecDeque<i64>>,
    is_listening: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A transaction of this process, which may publish by its own.
    Here,
    /// Another process, or the time to look whether there was one.
    Elsewhere,
}

impl Default for Changes {
    fn default() -> Self {
        Self(Arc::new(Shared {
            counts: watch::Sender::new([0, 0]),
            own: Mutex::default(),
            is_listening: AtomicBool::new(false),
        }))
    }
}

impl Changes {
    pub fn announce(&self, origin: Origin) {
        self.0.counts.send_modify(|counts| counts[usize::from(origin == Origin::Elsewhere)] += 1);
    }

    pub fn subscribe(&self) -> Subscription {
        let mut counts = self.0.counts.subscribe();
        let seen = *counts.borrow_and_update();
        Subscription { counts, seen }
    }

    pub(super) fn set_listening(&self, is_listening: bool) {
        self.0.is_listening.store(is_listening, Relaxed);
    }

    pub(super) fn is_listening(&self) -> bool {
        self.0.is_listening.load(Relaxed)
    }

    /// Call before the commit of `revision`.
    pub(super) fn add_own(&self, revision: i64) {
        let mut own = self.own();
        own.push_back(revision);
        if own.len() > OWN_REVISIONS {
            own.pop_front();
        }
    }

    /// Call if the commit failed: another process may commit the same revision.
    pub(super) fn remove_own(&self, revision: i64) {
        self.own().retain(|own| *own != revision);
    }

    pub(super) fn is_own(&self, revision: i64) -> bool {
        self.own().contains(&revision)
    }

    fn own(&self) -> MutexGuard<'_, VecDeque<i64>> {
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Subscription {
    counts: watch::Receiver<[u64; 2]>,
    seen: [u64; 2],
}

impl Subscription {
    /// Waits for a change since the last call. `Elsewhere` if there were several and one was from elsewhere.
    pub async fn changed(&mut self) -> Origin {
        if self.counts.changed().await.is_err() {
            // The database is gone, so nothing changes any more.
            std::future::pending::<()>().await;
        }
        let now = *self.counts.borrow_and_update();
        let origin = if now[1] == self.seen[1] { Origin::Here } else { Origin::Elsewhere };
        self.seen = now;
        origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_are_told_once_with_their_origin() {
        let changes = Changes::default();
        changes.announce(Origin::Elsewhere);
        let mut subscription = changes.subscribe();
        changes.announce(Origin::Here);
        assert_eq!(subscription.changed().await, Origin::Here);
        changes.announce(Origin::Here);
        changes.announce(Origin::Elsewhere);
        assert_eq!(subscription.changed().await, Origin::Elsewhere);
        let again = tokio::time::timeout(std::time::Duration::from_millis(20), subscription.changed());
        assert!(again.await.is_err(), "nothing happened since");
    }
}
