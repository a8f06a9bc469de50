//! Messages to people: mail with its bounces, webhooks and chat services. The transaction of a change writes a row to
//! the outbox; this worker composes the mail, sends it and retries.

pub mod bounce;
pub mod bounce_hooks;
pub mod bounce_token;
pub mod challenge;
mod change;
mod confirmation;
pub mod dkim;
pub mod endpoint;
pub mod endpoint_request;
mod mail;
mod mail_failure;
mod mail_headers;
mod mail_pool;
mod password_reset;
mod sender_alarm;
pub mod sender_check;
mod smtp;
mod smtp_stream;
pub mod standard_webhooks;
mod subscription;

pub use confirmation::LIFETIME as CONFIRMATION_LIFETIME;
pub use mail::{ComposedMail, Mailer, OutgoingMail};
pub use mail_failure::{EnhancedStatus, MailFailure, SmtpFailure};
pub use mail_headers::ListId;
pub use mail_pool::{DEFAULT_CONNECTIONS, MailPool, PoolLimits};
pub use smtp::{MailServer, SmtpLimits};
pub use subscription::SubscriberUrls;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Heartbeat};
use crate::credentials::secret_key::SecretKey;
use crate::db::leases::{self, Hold};
use crate::db::outbox::{Kind, Mail, Outcome};
use crate::db::{self, Db, outbox};
use crate::domain::mail_retry::next_attempt;

/// Pause before the outbox is read again after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long the outbox keeps rows of sent mail.
pub const SENT_RETENTION: TimeDelta = TimeDelta::days(1);

#[derive(Clone)]
pub struct MailWorker {
    pub db: Db,
    pub clock: Clock,
    /// Without a mailer, no mail is sent.
    pub mailer: Option<Mailer>,
    /// Scheme, host and port of the links in mail.
    pub origin: String,
    /// Signs the links of subscribers.
    pub secret_key: SecretKey,
    /// Of this run of the server.
    pub node_id: Arc<str>,
    /// Beats after every poll of the outbox.
    pub heartbeat: Arc<Heartbeat>,
    /// Ends a round after the mail that is being sent.
    pub stopping: CancellationToken,
}

impl MailWorker {
    /// Delivers due mail until `stop`. Logs a failure once, when it begins; a panic ends one round only.
    pub async fn run(self, stop: CancellationToken) {
        let mut failing = false;
        let mut changes = self.db.changes().subscribe();
        while !stop.is_cancelled() {
            let round = async {
                match self.deliver_due().await? {
                    Some(left) => Ok(Some(self.clock.now() + left)),
                    None => self.find_next_due().await,
                }
            };
            let round = AssertUnwindSafe(round).catch_unwind().await.ok();
            if let Some(sent) = &round {
                if let (Err(error), false) = (sent, failing) {
                    tracing::warn!("the mail outbox can't be read: {error}");
                }
                failing = sent.is_err();
                self.heartbeat.beat();
            }
            let waiting = async {
                match round {
                    Some(Ok(next)) => {
                        tokio::select! { () = self.clock.sleep_until(next) => {}, _ = changes.changed() => {} }
                    }
                    _ => tokio::time::sleep(RETRY_INTERVAL).await,
                }
            };
            tokio::select! { () = stop.cancelled() => {}, () = waiting => {} }
        }
    }

    async fn find_next_due(&self) -> db::Result<Option<DateTime<Utc>>> {
        match &self.mailer {
            Some(_) => outbox::find_next_due(&mut self.db.read().await?).await,
            None => Ok(None),
        }
    }

    /// Sends all due mail. A mail that can't be sent is postponed or given up. If another node sends the mails, returns
    /// when its lease ends.
    pub async fn deliver_due(&self) -> db::Result<Option<TimeDelta>> {
        let Some(mailer) = &self.mailer else { return Ok(None) };
        let now = self.clock.now();
        if !outbox::is_due(&mut self.db.read().await?, &self.node_id, now).await? {
            return Ok(None);
        }
        let mut tx = self.db.write().await?;
        let token = match leases::hold(&mut tx, leases::OUTBOX, &self.node_id, leases::LEASE, now).await? {
            Hold::Held(token) => token,
            Hold::Elsewhere(left) => return Ok(Some(left)),
        };
        let due = outbox::lease_due(&mut tx, token, now).await?;
        tx.commit_unaudited().await?;
        tokio::select! {
            sent = self.send_all(mailer, due) => sent.map(|()| None),
            lost = self.renew_lease(token) => lost,
        }
    }

    /// Renews the lease until it is lost; what is being sent then goes to its new holder.
    async fn renew_lease(&self, token: i64) -> db::Result<Option<TimeDelta>> {
        loop {
            tokio::time::sleep(leases::RENEWAL).await;
            let renewed = async {
                let mut tx = self.db.deliver().await?;
                let hold =
                    leases::hold(&mut tx, leases::OUTBOX, &self.node_id, leases::LEASE, self.clock.now()).await?;
                tx.commit().await?;
                Ok::<_, db::Error>(hold)
            };
            match renewed.await {
                Ok(Hold::Held(current)) if current == token => {}
                Ok(Hold::Held(_)) => return Ok(None),
                Ok(Hold::Elsewhere(left)) => {
                    tracing::warn!("another node took over sending mail");
                    return Ok(Some(left));
                }
                // The lease outlasts two failures.
                Err(error) => tracing::debug!("the lease of the outbox was not renewed: {error}"),
            }
        }
    }

    async fn send_all(&self, mailer: &Mailer, due: Vec<Mail>) -> db::Result<()> {
        for mail in due {
            if self.stopping.is_cancelled() {
                break;
            }
            match mail.kind.clone() {
                Kind::Reset => password_reset::deliver_reset(self, mailer, mail).await?,
                Kind::Change { recipient, change } => {
                    change::deliver_change_notice(self, mailer, &mail, &recipient, change).await?;
                }
                Kind::Confirmation { recipient } => {
                    confirmation::deliver_confirmation(self, mailer, &mail, &recipient).await?;
                }
                Kind::SenderRejected => sender_alarm::deliver_sender_alarm(self, mailer, &mail).await?,
                Kind::Subscription { subscriber, mail: text } => {
                    subscription::deliver_subscription_mail(self, mailer, &mail, &subscriber, text).await?;
                }
            }
        }
        Ok(())
    }
}

/// Records the outcome of a delivery: sent, postponed or given up.
async fn record_delivery(worker: &MailWorker, mail: &Mail, sent: Result<(), SmtpFailure>) -> db::Result<()> {
    let now = worker.clock.now();
    let mut tx = worker.db.write().await?;
    match sent {
        Ok(()) => outbox::finish(&mut tx, mail, Outcome::Sent, now).await?,
        Err(unsent) => {
            tracing::warn!("a mail could not be sent: {unsent}");
            let again = next_attempt(mail.attempts, mail.created_at, now).filter(|_| unsent.kind.is_retriable());
            match again {
                Some(due_at) => outbox::postpone(&mut tx, mail, due_at).await?,
                None => outbox::finish(&mut tx, mail, Outcome::GivenUp, now).await?,
            }
        }
    }
    tx.commit_unaudited().await
}
