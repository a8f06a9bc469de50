//! Asks quarantined webhooks whether they answer again. One that returns the challenge is reactivated and gets the current
//! state.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::actions;
use crate::db::{self, subscribers};
use crate::domain::SubscriberId;
use crate::domain::audit::Actor;
use crate::domain::subscriber::SubscriberState;
use crate::net::http_client::HttpClient;
use crate::notify::challenge::{ChallengeOutcome, challenge_webhook};
use crate::notify::standard_webhooks::WebhookKeyPair;

/// How often webhooks that are due are looked for.
const INTERVAL: Duration = Duration::from_secs(20);
/// Challenges at once.
const CHALLENGES: usize = 4;

pub(super) struct Revival {
    pub context: Context,
    pub client: HttpClient,
    pub key_pair: WebhookKeyPair,
}

impl Revival {
    pub(super) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.probe_due().await {
                tracing::debug!("quarantined webhooks can't be read: {error}");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn probe_due(&self) -> db::Result<()> {
        let now = self.context.clock.now();
        if !subscribers::is_probe_due(&mut self.context.db.read().await?, now).await? {
            return Ok(());
        }
        let mut tx = self.context.db.deliver().await?;
        let due = subscribers::take_due_probes(&mut tx, now).await?;
        tx.commit().await?;
        futures_util::stream::iter(due).for_each_concurrent(CHALLENGES, |id| self.probe(id)).await;
        Ok(())
    }

    async fn probe(&self, id: SubscriberId) {
        if let Err(error) = self.try_probe(&id).await {
            tracing::warn!("a quarantined webhook can't be asked: {error:#}");
        }
    }

    async fn try_probe(&self, id: &SubscriberId) -> anyhow::Result<()> {
        let mut tx = self.context.db.read().await?;
        let url = actions::subscribers::open_endpoint(&mut tx, &self.context.secret_key, id).await?;
        drop(tx);
        let (Some(url), now) = (url, self.context.clock.now()) else { return Ok(()) };
        let outcome = challenge_webhook(&self.client, (id, url), &self.key_pair, now).await;
        if outcome.map_err(|reason| anyhow::anyhow!(reason))? != ChallengeOutcome::Passed {
            return Ok(());
        }
        let mut tx = self.context.db.write().await?;
        let subscriber = subscribers::find(&mut tx, id).await?;
        if subscriber.state == SubscriberState::Quarantined {
            let entry = actions::subscribers::reactivate(&mut tx, &subscriber, now).await?;
            tx.commit_private(&Actor::server(), now, &[entry]).await?;
        }
        Ok(())
    }
}
