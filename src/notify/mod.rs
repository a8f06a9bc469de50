//! Telling people something: what is to be told stands in the outbox, written in the transaction that
//! caused it; here it is made into mail and sent, again and again if need be.

mod change;
mod confirmation;
mod mail;
mod password_reset;
mod smtp;

pub use confirmation::LIFETIME as CONFIRMATION_LIFETIME;
pub use mail::{Mailer, SendError};

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Heartbeat};
use crate::db::outbox::{Kind, Mail, Outcome};
use crate::db::{self, Db, outbox};
use crate::domain::mail_retry::next_attempt;

/// How often the outbox is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long it is remembered what was sent.
pub const SENT_RETENTION: TimeDelta = TimeDelta::days(1);

/// Sends what is due, in the name of one server.
#[derive(Clone)]
pub struct MailWorker {
    pub db: Db,
    pub clock: Clock,
    /// What sends mail; without it nothing is sent.
    pub mailer: Option<Mailer>,
    /// Scheme, host and port of the address that links lead to.
    pub origin: String,
    /// Beats with every look at the outbox.
    pub heartbeat: Arc<Heartbeat>,
}

impl MailWorker {
    /// Sends what is due until `stop`. Trouble is logged once, when it begins; a panic ends one round only.
    pub async fn run(self, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            if let Ok(sent) = AssertUnwindSafe(self.deliver_due()).catch_unwind().await {
                if let (Err(error), false) = (&sent, failing) {
                    tracing::warn!("the mail outbox can't be read: {error}");
                }
                failing = sent.is_err();
                self.heartbeat.beat();
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Sends what is due; what could not be sent is postponed or given up.
    ///
    /// # Errors
    /// Where the database can't be used.
    pub async fn deliver_due(&self) -> db::Result<()> {
        let Some(mailer) = &self.mailer else { return Ok(()) };
        let now = self.clock.now();
        if !outbox::is_due(&mut self.db.read().await?, now).await? {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        let due = outbox::lease_due(&mut tx, now).await?;
        tx.commit_unaudited().await?;
        for mail in due {
            match mail.kind.clone() {
                Kind::Reset => password_reset::deliver_reset(self, mailer, mail).await?,
                Kind::Change { recipient, change } => {
                    change::deliver_change_notice(self, mailer, &mail, &recipient, change).await?;
                }
                Kind::Confirmation { recipient } => {
                    confirmation::deliver_confirmation(self, mailer, &mail, &recipient).await?
                }
            }
        }
        Ok(())
    }
}

/// Notes what became of a mail: what failed is tried again or given up.
async fn record_delivery(courier: &MailWorker, mail: &Mail, sent: Result<(), SendError>) -> db::Result<()> {
    let now = courier.clock.now();
    let mut tx = courier.db.write().await?;
    match sent {
        Ok(()) => outbox::finish(&mut tx, &mail.id, Outcome::Sent, now).await?,
        Err(unsent) => {
            tracing::warn!("a mail to a manager could not be sent: {unsent}");
            let again =
                next_attempt(mail.attempts, mail.created_at, now).filter(|_| matches!(unsent, SendError::Temporary(_)));
            match again {
                Some(due_at) => outbox::postpone(&mut tx, &mail.id, due_at).await?,
                None => outbox::finish(&mut tx, &mail.id, Outcome::GivenUp, now).await?,
            }
        }
    }
    tx.commit_unaudited().await
}
