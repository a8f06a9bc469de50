//! What the senders of messages share: the rendered notices, the links, and what a failure does to a subscriber.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;

use crate::actions;
use crate::actions::subscribers::SubscriberKeys;
use crate::clock::Clock;
use crate::credentials::secret_key::SecretKey;
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::deliveries::Delivery;
use crate::db::{self, Db, deliveries, notices, subscribers};
use crate::domain::NoticeId;
use crate::domain::audit::Actor;
use crate::notify::SubscriberUrls;
use crate::publish::notices::{EmailTemplate, Links, NoticeContent};

/// How long a rendered notice is used; then the current state of the page is read again.
const CONTENT_LIFETIME: Duration = Duration::from_secs(60);
const MAX_CONTENTS: u64 = 64;

/// A notice as it is sent.
pub(super) struct Prepared {
    pub content: NoticeContent,
    pub email: EmailTemplate,
}

#[derive(Clone)]
pub(super) struct Context {
    pub db: Db,
    pub clock: Clock,
    /// Scheme, host and port of the links.
    pub origin: Arc<str>,
    pub secret_key: SecretKey,
    pub links: SubscriberLinks,
    contents: Cache<NoticeId, Option<Arc<Prepared>>>,
}

impl Context {
    /// # Errors
    /// The key file can't be read.
    pub(super) fn new(db: Db, clock: Clock, origin: &str, secret_key: SecretKey) -> anyhow::Result<Self> {
        let links = SubscriberLinks::from_secret_key(&secret_key)?;
        let contents = Cache::builder().max_capacity(MAX_CONTENTS).time_to_live(CONTENT_LIFETIME).build();
        Ok(Self { db, clock, origin: origin.into(), secret_key, links, contents })
    }

    /// `None` if the notice's subject was deleted or hidden.
    pub(super) async fn prepared(&self, id: &NoticeId) -> Result<Option<Arc<Prepared>>, Arc<db::Error>> {
        self.contents.try_get_with(id.clone(), self.prepare(id)).await
    }

    async fn prepare(&self, id: &NoticeId) -> db::Result<Option<Arc<Prepared>>> {
        let mut tx = self.db.read().await?;
        let notice = notices::find(&mut tx, id).await?;
        let Some(content) = NoticeContent::load(&mut tx, &notice, &self.origin).await? else { return Ok(None) };
        let email = EmailTemplate::new(&content);
        Ok(Some(Arc::new(Prepared { content, email })))
    }

    pub(super) fn links_of(&self, delivery: &Delivery) -> Links {
        let urls = SubscriberUrls::new(&self.origin, &self.links, &delivery.subscriber);
        Links { manage_url: urls.manage, unsubscribe_url: urls.unsubscribe }
    }

    /// Stops sending to the subscriber of `delivery`.
    pub(super) async fn quarantine(&self, delivery: &Delivery, reason: &str) -> db::Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let subscriber = match subscribers::find(&mut tx, &delivery.subscriber).await {
            Err(db::Error::NotFound) => return Ok(()),
            found => found?,
        };
        if subscriber.quarantined_at.is_some() {
            return Ok(());
        }
        let keys = SubscriberKeys { secret_key: &self.secret_key, links: &self.links };
        let entry = actions::subscribers::quarantine(&mut tx, keys, &subscriber, (reason, false), now).await?;
        tx.commit(&Actor::server(), now, entry).await?;
        Ok(())
    }

    /// Records that the mail server rejects this sender.
    pub(super) async fn record_sender_rejection(&self, reason: &str) -> db::Result<()> {
        let mut tx = self.db.write().await?;
        actions::bounces::record_sender_rejection(&mut tx, reason, self.clock.now()).await?;
        tx.commit_unaudited().await
    }

    /// Counts a soft bounce; after several over days the subscriber is quarantined.
    pub(super) async fn count_soft_bounce(&self, delivery: &Delivery, reason: &str) -> db::Result<()> {
        let now: DateTime<Utc> = self.clock.now();
        let mut tx = self.db.deliver().await?;
        let bounces = deliveries::count_failure(&mut tx, &delivery.subscriber, now).await?;
        tx.commit().await?;
        if bounces.must_quarantine(now) {
            self.quarantine(delivery, reason).await?;
        }
        Ok(())
    }
}
