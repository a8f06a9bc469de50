//! Leased messages that wait for a sender. At most [`MAX_PER_HOST`] of one host are sent at once; its others wait aside,
//! so that a slow host holds up no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::db::deliveries::Delivery;
use crate::domain::monotonic::Monotonic;

/// Requests at once to one host. The mail server has its own limit.
const MAX_PER_HOST: usize = 4;
/// Messages of busy hosts that are kept aside, for each sender. Beyond that, hosts that answer wait too.
const MAX_PARKED_PER_SENDER: usize = 4;

pub(super) struct Leased {
    pub delivery: Delivery,
    pub lease: Arc<str>,
    /// The latest time to begin an attempt.
    pub until: Monotonic,
}

#[derive(Default)]
pub(super) struct Queue {
    lists: Mutex<Lists>,
    arrived: Notify,
    taken: Notify,
}

#[derive(Default)]
struct Lists {
    ready: VecDeque<Leased>,
    hosts: HashMap<String, Host>,
    /// In all lists of hosts.
    parked: usize,
}

#[derive(Default)]
struct Host {
    sending: usize,
    parked: VecDeque<Leased>,
}

impl Queue {
    /// Whether it has enough messages for so many senders.
    pub(super) fn is_full(&self, senders: usize) -> bool {
        let lists = self.lists();
        lists.ready.len() > senders || lists.parked > MAX_PARKED_PER_SENDER * senders
    }

    pub(super) fn add(&self, batch: Vec<Leased>) {
        self.lists().ready.extend(batch);
        self.arrived.notify_waiters();
    }

    /// Waits for a message of a host that has a place free. Call [`Queue::finish`] when it was sent.
    pub(super) async fn take(&self) -> Leased {
        loop {
            let arrived = self.arrived.notified();
            let (leased, has_taken) = self.lists().take();
            // Also if all were set aside.
            if has_taken {
                self.taken.notify_one();
            }
            if let Some(leased) = leased {
                return leased;
            }
            arrived.await;
        }
    }

    /// Empties the queue.
    pub(super) fn drain(&self) -> Vec<Leased> {
        let mut lists = self.lists();
        let parked: Vec<_> = lists.hosts.values_mut().flat_map(|host| std::mem::take(&mut host.parked)).collect();
        lists.parked = 0;
        std::mem::take(&mut lists.ready).into_iter().chain(parked).collect()
    }

    pub(super) async fn wait_until_taken(&self) {
        self.taken.notified().await;
    }

    /// Frees the place of its host.
    pub(super) fn finish(&self, delivery: &Delivery) {
        if let Some(host) = &delivery.endpoint_host
            && self.lists().finish(host)
        {
            self.arrived.notify_one();
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    /// The next message of a host that has a place free, and whether one was taken from `ready`.
    fn take(&mut self) -> (Option<Leased>, bool) {
        let mut has_taken = false;
        while let Some(leased) = self.ready.pop_front() {
            has_taken = true;
            let Some(name) = &leased.delivery.endpoint_host else { return (Some(leased), true) };
            let host = self.hosts.entry(name.clone()).or_default();
            if host.sending < MAX_PER_HOST {
                host.sending += 1;
                return (Some(leased), true);
            }
            host.parked.push_back(leased);
            self.parked += 1;
        }
        (None, has_taken)
    }

    /// Returns whether a message became ready.
    fn finish(&mut self, name: &str) -> bool {
        let Some(host) = self.hosts.get_mut(name) else { return false };
        host.sending = host.sending.saturating_sub(1);
        let next = host.parked.pop_front();
        if host.sending == 0 && next.is_none() {
            self.hosts.remove(name);
        }
        let Some(next) = next else { return false };
        self.parked -= 1;
        self.ready.push_front(next);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::subscriber::Channel;
    use crate::domain::{NoticeId, SubscriberId};

    fn leased(number: usize, host: &str) -> Leased {
        let delivery = Delivery {
            notice: NoticeId::from_random([0; 12]),
            subscriber: SubscriberId::parse(&format!("s{number:011}")).unwrap(),
            channel: Channel::Webhook,
            created_at: chrono::DateTime::UNIX_EPOCH,
            attempts: 1,
            email: None,
            endpoint: None,
            endpoint_host: Some(host.to_owned()),
            secret: None,
        };
        Leased { delivery, lease: "lease".into(), until: Monotonic::START }
    }

    #[tokio::test]
    async fn parked_messages_of_a_busy_host_let_others_pass() {
        let (queue, senders) = (Queue::default(), 8);
        queue.add((0..5 + senders).map(|number| leased(number, "slow.example")).collect());
        assert!(queue.is_full(senders), "nothing was taken yet");
        let taken: Vec<_> = [queue.take().await, queue.take().await, queue.take().await, queue.take().await].into();
        queue.add(vec![leased(100, "quick.example")]);
        assert_eq!(queue.take().await.delivery.endpoint_host.as_deref(), Some("quick.example"));
        assert!(!queue.is_full(senders), "more messages than senders are parked");
        queue.add((200..200 + 3 * senders).map(|number| leased(number, "slow.example")).collect());
        queue.add(vec![leased(101, "quick.example")]);
        queue.take().await;
        assert!(queue.is_full(senders), "too many are parked");
        queue.finish(&taken[0].delivery);
        assert_eq!(queue.take().await.delivery.subscriber.as_str(), "s00000000004");
        assert!(!queue.is_full(senders));
    }

    #[tokio::test]
    async fn setting_all_messages_aside_counts_as_taking() {
        let queue = Queue::default();
        queue.add((0..4).map(|number| leased(number, "slow.example")).collect());
        for _ in 0..4 {
            queue.take().await;
        }
        queue.wait_until_taken().await;
        queue.add(vec![leased(5, "slow.example")]);
        tokio::select! {
            biased;
            _ = queue.take() => panic!("the host is busy"),
            () = queue.wait_until_taken() => {}
        }
    }
}
