//! Leases due messages, sends them on several connections at once, and records every result before its sender takes the
//! next message: after a kill, at most one message per sender is sent twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::queue::{Leased, Queue};
use crate::clock::Clock;
use crate::credentials::secret_token::fresh_token;
use crate::db::deliveries::{self, Delivery, LEASE, Outcome, Transport};
use crate::db::{self, Db};

/// Messages that one lease holds.
const BATCH: i64 = 200;
/// Results that one transaction records.
const MAX_RESULTS: usize = 256;
/// The longest time that one attempt may take; a message whose lease ends sooner is left to the next lease.
pub const MAX_ATTEMPT: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
/// Pause before a transaction is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Pause before a message whose turn did not come is leased again: meanwhile those behind it are leased.
const PASS_PAUSE: chrono::TimeDelta = chrono::TimeDelta::seconds(5);
/// Pause after another node took what was due.
const RACE_PAUSE: chrono::TimeDelta = chrono::TimeDelta::milliseconds(200);

enum Lease {
    /// Not empty.
    Batch(Vec<Leased>),
    /// When the next message is due, if one waits.
    NothingUntil(Option<DateTime<Utc>>),
}

/// Sends one message.
pub trait SendMessage: Send + Sync + 'static {
    fn send(&self, delivery: &Delivery) -> impl Future<Output = Outcome> + Send;
}

struct Recorded {
    leased: Leased,
    outcome: Outcome,
    done: oneshot::Sender<()>,
}

pub struct Pipeline<S> {
    pub db: Db,
    pub clock: Clock,
    /// Of this run of the server.
    pub node_id: Arc<str>,
    pub transport: Transport,
    pub senders: usize,
    pub sender: S,
    /// Wakes the pipeline when messages were added.
    pub wake: Arc<Notify>,
}

impl<S: SendMessage> Pipeline<S> {
    /// Sends until `stop`. What is being sent then is finished.
    pub async fn run(self, stop: CancellationToken) {
        let pipeline = Arc::new(self);
        let queue = Arc::new(Queue::default());
        let (results, received) = mpsc::channel(MAX_RESULTS);
        // Their tasks end if this future is dropped.
        let (mut recorder, mut senders) = (JoinSet::new(), JoinSet::new());
        recorder.spawn(pipeline.clone().record_results(received));
        for _ in 0..pipeline.senders {
            senders.spawn(pipeline.clone().send_queued(queue.clone(), results.clone(), stop.clone()));
        }
        drop(results);
        pipeline.fill(&queue, &stop).await;
        // Before the last attempts end, because some take long.
        if let Err(error) = pipeline.release(&queue.drain()).await {
            tracing::warn!("leases of messages to subscribers end later: {error}");
        }
        while senders.join_next().await.is_some() {}
        while recorder.join_next().await.is_some() {}
    }

    /// Gives back what no sender took, so that the next process need not wait for the end of the lease.
    async fn release(&self, waiting: &[Leased]) -> db::Result<()> {
        if waiting.is_empty() {
            return Ok(());
        }
        let mut leases = BTreeMap::<&str, Vec<&Delivery>>::new();
        for Leased { delivery, lease, .. } in waiting {
            leases.entry(lease).or_default().push(delivery);
        }
        let mut tx = self.db.deliver().await?;
        for (lease, waiting) in leases {
            deliveries::release_untried(&mut tx, &waiting, lease, self.clock.now()).await?;
        }
        tx.commit().await
    }

    /// Leases messages whenever the queue runs low.
    async fn fill(&self, queue: &Queue, stop: &CancellationToken) {
        let mut failing = false;
        let mut changes = self.db.changes().subscribe();
        while !stop.is_cancelled() {
            if queue.is_full(self.senders) {
                tokio::select! { () = queue.wait_until_taken() => {}, () = stop.cancelled() => {} }
                continue;
            }
            let leased = self.lease().await;
            if let (Err(error), false) = (&leased, failing) {
                tracing::warn!("messages to subscribers can't be read: {error}");
            }
            failing = leased.is_err();
            match leased {
                Ok(Lease::Batch(batch)) => queue.add(batch),
                Ok(Lease::NothingUntil(next)) => {
                    tokio::select! {
                        () = self.clock.sleep_until(next) => {}
                        () = self.wake.notified() => {}
                        _ = changes.changed() => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(_) => tokio::select! { () = tokio::time::sleep(RETRY_PAUSE) => {}, () = stop.cancelled() => {} },
            }
        }
    }

    async fn lease(&self) -> db::Result<Lease> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        if !deliveries::is_due(&mut tx, self.transport, now).await? {
            return Ok(Lease::NothingUntil(deliveries::find_next_due(&mut tx, self.transport).await?));
        }
        drop(tx);
        // Begins with the node, so that others can release what a dead one has leased.
        let lease: Arc<str> = format!("{}~{}", self.node_id, &fresh_token()[..22]).into();
        let until = self.clock.monotonic() + (LEASE - MAX_ATTEMPT);
        let mut tx = self.db.deliver().await?;
        let batch = deliveries::lease_due(&mut tx, self.transport, &lease, now, BATCH).await?;
        tx.commit().await?;
        if batch.is_empty() {
            // Another node was faster.
            return Ok(Lease::NothingUntil(Some(now + RACE_PAUSE)));
        }
        let leased = batch.into_iter().map(|delivery| Leased { delivery, lease: lease.clone(), until });
        Ok(Lease::Batch(leased.collect()))
    }

    async fn send_queued(self: Arc<Self>, queue: Arc<Queue>, results: mpsc::Sender<Recorded>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let leased = tokio::select! { leased = queue.take() => leased, () = stop.cancelled() => return };
            let outcome = if self.clock.monotonic() >= leased.until {
                // The lease is about to end, so another process may take the message.
                Outcome::NotTried { due_at: self.clock.now() + PASS_PAUSE }
            } else {
                // Boxed: the future is large, and hundreds of senders wait most of the time.
                Box::pin(self.sender.send(&leased.delivery)).await
            };
            queue.finish(&leased.delivery);
            let (done, recorded) = oneshot::channel();
            if results.send(Recorded { leased, outcome, done }).await.is_err() {
                return;
            }
            let _ = recorded.await;
        }
    }

    /// Records results, as many at once as have arrived.
    async fn record_results(self: Arc<Self>, mut received: mpsc::Receiver<Recorded>) {
        let mut batch = Vec::new();
        while received.recv_many(&mut batch, MAX_RESULTS).await > 0 {
            while let Err(error) = self.record(&batch).await {
                tracing::warn!("results of messages to subscribers can't be written: {error}");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            // A message may now be due sooner than its lease ends.
            if batch.iter().any(|result| matches!(result.outcome, Outcome::Retry { .. } | Outcome::NotTried { .. })) {
                self.wake.notify_one();
            }
            for result in batch.drain(..) {
                let _ = result.done.send(());
            }
        }
    }

    async fn record(&self, batch: &[Recorded]) -> db::Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.deliver().await?;
        let mut sent = BTreeMap::<&str, Vec<&Delivery>>::new();
        for Recorded { leased, outcome, .. } in batch {
            if *outcome == Outcome::Sent {
                sent.entry(&leased.lease).or_default().push(&leased.delivery);
            } else {
                deliveries::record(&mut tx, &leased.delivery, &leased.lease, outcome, now).await?;
            }
        }
        for (lease, sent) in sent {
            deliveries::record_sent(&mut tx, &sent, lease, now).await?;
        }
        tx.commit().await
    }
}
