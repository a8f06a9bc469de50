//! Sends notices by mail.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use url::Url;

use super::context::Context;
use super::pipeline::SendMessage;
use crate::actions::bounces::BOUNCE_KEY;
use crate::db::deliveries::{Delivery, Outcome};
use crate::domain::delivery_retry::next_mail_attempt;
use crate::domain::monotonic::Monotonic;
use crate::notify::bounce_hooks::BounceHooks;
use crate::notify::bounce_token::make_token;
use crate::notify::{ListId, MailFailure, Mailer, OutgoingMail, SmtpFailure};

pub(super) struct MailSender {
    context: Context,
    mailer: Mailer,
    /// The host of the page.
    host: String,
    bounce_key: [u8; 32],
    hooks: BounceHooks,
    alarmed_at: Mutex<Option<Monotonic>>,
}

const ALARM_INTERVAL: TimeDelta = TimeDelta::minutes(1);

impl MailSender {
    /// # Errors
    /// The key file can't be read, or the origin is no URL.
    pub(super) fn new(context: Context, mailer: Mailer, hooks: BounceHooks) -> anyhow::Result<Self> {
        let host = Url::parse(&context.origin)?.host_str().unwrap_or("localhost").to_owned();
        let bounce_key = context.secret_key.derive_key(BOUNCE_KEY)?;
        Ok(Self { context, mailer, host, bounce_key, hooks, alarmed_at: Mutex::default() })
    }

    /// `None` if there is nothing to send any more.
    async fn compose(&self, delivery: &Delivery) -> Result<Option<OutgoingMail>, String> {
        let Some(prepared) = self.context.prepared(&delivery.notice).await.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let Some(to) = delivery.email.clone() else { return Ok(None) };
        let links = self.context.links_of(delivery);
        let email = prepared.email.for_subscriber(&links);
        let page = &prepared.content.page;
        let token = make_token(&self.bounce_key, &delivery.subscriber, &delivery.notice);
        let mut headers = self.hooks.mail_headers(&token);
        headers.push(("X-Candor-Phase", email.phase));
        Ok(Some(OutgoingMail {
            id: delivery.message_id(),
            to,
            subject: email.subject,
            text: email.text,
            html: Some(email.html),
            // The same for all mails of an incident to this subscriber, so that mail programs show one thread.
            references: Some(format!("{}-{}", prepared.content.notice.subject_id, delivery.subscriber)),
            unsubscribe_url: Some(links.unsubscribe_url),
            list_id: Some(ListId { name: page.title(), id: format!("incidents.{}", self.host) }),
            feedback_id: Some(format!("{}:{}:candor", prepared.content.notice.subject_id, page.id)),
            headers,
            envelope_from: self.mailer.bounce_address(&token),
        }))
    }

    /// Every mail is rejected for the same reason, so one of them a minute is recorded.
    async fn raise_alarm(&self, reason: &str) {
        let now = self.context.clock.monotonic();
        {
            let mut last = self.alarmed_at.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| now - last < ALARM_INTERVAL) {
                return;
            }
            *last = Some(now);
        }
        tracing::error!("the mail server rejects this sender, subscribers get no mail: {reason}");
        if let Err(error) = self.context.record_sender_rejection(reason).await {
            tracing::warn!("the rejection of mail can't be recorded: {error}");
        }
    }

    async fn judge(&self, delivery: &Delivery, failure: &SmtpFailure) -> Outcome {
        let reason = failure.words.clone();
        let recorded = match failure.kind {
            MailFailure::Temporary | MailFailure::Policy => {
                if failure.kind == MailFailure::Policy {
                    self.raise_alarm(&reason).await;
                }
                let now = self.context.clock.now();
                return match next_mail_attempt(delivery.attempts, delivery.created_at, now) {
                    Some(at) => Outcome::Retry { at, reason },
                    None => Outcome::Expired(reason),
                };
            }
            MailFailure::Recipient => self.context.quarantine(delivery, &reason).await,
            MailFailure::MailboxFull => self.context.count_soft_bounce(delivery, &reason).await,
            MailFailure::Permanent => Ok(()),
        };
        if let Err(error) = recorded {
            tracing::warn!("the state of a subscriber can't be written: {error}");
        }
        Outcome::Rejected(reason)
    }
}

impl SendMessage for MailSender {
    async fn send(&self, delivery: &Delivery) -> Outcome {
        let now = self.context.clock.now();
        match self.compose(delivery).await {
            Ok(Some(mail)) => match self.mailer.send_mail(&mail, now).await {
                Ok(()) => Outcome::Sent,
                Err(failure) => self.judge(delivery, &failure).await,
            },
            Ok(None) => Outcome::Cancelled,
            Err(reason) => Outcome::Retry { at: now + super::READ_RETRY, reason },
        }
    }
}
