//! Sends notices to webhooks and chat services.

use std::sync::Arc;

use super::context::{Context, Prepared};
use super::pipeline::SendMessage;
use crate::credentials::random_bytes;
use crate::db::deliveries::{self, Delivery, Outcome};
use crate::domain::delivery_retry::{NextStep, next_webhook_attempt};
use crate::domain::subscriber::Channel;
use crate::net::http_client::HttpClient;
use crate::notify::endpoint::{EndpointOutcome, deliver};
use crate::notify::endpoint_request::{EndpointRequest, MessageBody, OutgoingMessage, Target};
use crate::notify::standard_webhooks::WebhookKeyPair;
use crate::publish::notices::{BodyForm, render_chat, render_webhook};

pub(super) struct HttpSender {
    pub context: Context,
    pub client: HttpClient,
    pub key_pair: WebhookKeyPair,
}

impl HttpSender {
    async fn try_send(&self, delivery: &Delivery) -> Result<Outcome, String> {
        let prepared = self.context.prepared(&delivery.notice).await.map_err(|error| error.to_string())?;
        let Some(prepared) = prepared else { return Ok(Outcome::Cancelled) };
        let target = self.target(delivery)?;
        let Some(request) = self.request(delivery, &prepared, &target).await? else { return Ok(Outcome::Cancelled) };
        match deliver(&self.client, request).await {
            EndpointOutcome::Delivered { message_id } => {
                if let Some(id) = message_id {
                    self.store_message_id(delivery, &prepared, &id).await.map_err(|error| error.to_string())?;
                }
                Ok(Outcome::Sent)
            }
            EndpointOutcome::Retry { after, reason } => {
                let (now, random) = (self.context.clock.now(), u64::from_le_bytes(random_bytes()));
                match next_webhook_attempt(delivery.attempts, after, random, now) {
                    NextStep::RetryAt(at) => Ok(Outcome::Retry { at, reason }),
                    NextStep::Quarantine => self.give_up(delivery, reason).await,
                }
            }
            EndpointOutcome::Gone { reason } => self.give_up(delivery, reason).await,
        }
    }

    async fn give_up(&self, delivery: &Delivery, reason: String) -> Result<Outcome, String> {
        self.context.quarantine(delivery, &reason).await.map_err(|error| error.to_string())?;
        Ok(Outcome::Rejected(reason))
    }

    /// Where the message goes, with its secrets.
    fn target(&self, delivery: &Delivery) -> Result<Target, String> {
        let id = delivery.subscriber.as_str();
        let open = |sealed: &Option<String>| {
            let sealed = sealed.as_deref().ok_or_else(|| "the subscriber has no endpoint".to_owned())?;
            let bytes = self.context.secret_key.open(id, sealed).map_err(|error| error.to_string())?;
            String::from_utf8(bytes).map_err(|error| error.to_string())
        };
        let endpoint = open(&delivery.endpoint)?;
        let secret = delivery.secret.is_some().then(|| open(&delivery.secret)).transpose()?;
        Ok(Target::from_stored(delivery.channel, endpoint, secret)?)
    }

    /// `None` if the event means nothing on this channel.
    async fn request(
        &self,
        delivery: &Delivery,
        prepared: &Arc<Prepared>,
        target: &Target,
    ) -> Result<Option<EndpointRequest>, String> {
        let content = &prepared.content;
        let (links, subject) = (self.context.links_of(delivery), content.notice.subject_id.as_str());
        let previous = self.find_message_id(delivery, subject).await.map_err(|error| error.to_string())?;
        let now = self.context.clock.now();
        let body = if delivery.channel == Channel::Webhook {
            MessageBody::Text(render_webhook(content, BodyForm::Statuspage, &links, now))
        } else {
            match render_chat(content, delivery.channel, &links, previous.is_some()) {
                Some(body) => MessageBody::Json(body),
                None => return Ok(None),
            }
        };
        let id = delivery.message_id();
        let message =
            OutgoingMessage { id: &id, body, thread_key: subject, previous_message_id: previous.as_deref(), now };
        Ok(Some(target.request(&message, Some(&self.key_pair))?))
    }

    async fn find_message_id(&self, delivery: &Delivery, subject: &str) -> crate::db::Result<Option<String>> {
        if delivery.channel == Channel::Webhook {
            return Ok(None);
        }
        deliveries::find_chat_message(&mut self.context.db.read().await?, &delivery.subscriber, subject).await
    }

    async fn store_message_id(&self, delivery: &Delivery, prepared: &Prepared, id: &str) -> crate::db::Result<()> {
        let mut tx = self.context.db.deliver().await?;
        let subject = prepared.content.notice.subject_id.as_str();
        let now = self.context.clock.now();
        deliveries::store_chat_message(&mut tx, &delivery.subscriber, subject, id, now).await?;
        tx.commit().await
    }
}

impl SendMessage for HttpSender {
    async fn send(&self, delivery: &Delivery) -> Outcome {
        match self.try_send(delivery).await {
            Ok(outcome) => outcome,
            Err(reason) => Outcome::Retry { at: self.context.clock.now() + super::READ_RETRY, reason },
        }
    }
}
