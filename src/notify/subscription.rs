//! Mails about one subscription: its confirmation, its links, the failure of its endpoint. They contain no text that a
//! visitor typed, because the recipient may be a stranger.

use super::{MailWorker, Mailer, record_delivery};
use crate::credentials::subscriber_links::{LinkKind, SubscriberLinks};
use crate::db::outbox::{self, Mail, Outcome, SubscriptionMail};
use crate::db::{self, page_settings, subscribers};
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::domain::{Subscriber, SubscriberId};

/// Where the links of subscribers lead.
const CONFIRM_PATH: &str = "/subscribe/confirm";
const MANAGE_PATH: &str = "/subscribe/manage";
const UNSUBSCRIBE_PATH: &str = "/subscribe/unsubscribe";

/// The links of one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberUrls {
    pub confirm: String,
    pub manage: String,
    pub unsubscribe: String,
}

impl SubscriberUrls {
    pub fn new(origin: &str, links: &SubscriberLinks, id: &SubscriberId) -> Self {
        let url = |path, kind| format!("{origin}{path}/{}", links.token(kind, id));
        Self {
            confirm: url(CONFIRM_PATH, LinkKind::Confirm),
            manage: url(MANAGE_PATH, LinkKind::Manage),
            unsubscribe: url(UNSUBSCRIBE_PATH, LinkKind::Unsubscribe),
        }
    }
}

/// Mails a subscriber about the subscription, if it still is in the state that the mail is about.
pub(super) async fn deliver_subscription_mail(
    worker: &MailWorker,
    mailer: &Mailer,
    mail: &Mail,
    id: &SubscriberId,
    kind: SubscriptionMail,
) -> db::Result<()> {
    let mut tx = worker.db.read().await?;
    let page = page_settings::load(&mut tx).await?.name;
    let subscriber = match subscribers::find(&mut tx, id).await {
        Ok(subscriber) if fits(&subscriber, kind) => Some(subscriber),
        Ok(_) | Err(db::Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    drop(tx);
    let Some((subscriber, email)) = subscriber.and_then(|it| it.email.clone().map(|email| (it, email))) else {
        let mut tx = worker.db.write().await?;
        outbox::finish(&mut tx, mail, Outcome::NoRecipient, worker.clock.now()).await?;
        return tx.commit_unaudited().await;
    };
    let links = SubscriberLinks::from_secret_key(&worker.secret_key).map_err(db::Error::other)?;
    let urls = SubscriberUrls::new(&worker.origin, &links, id);
    let (subject, text) = match kind {
        SubscriptionMail::Confirmation => confirmation_text(&page, &worker.origin, &urls, &subscriber),
        SubscriptionMail::Links => links_text(&page, &urls, &subscriber),
        SubscriptionMail::EndpointFailure => failure_text(&page, &urls, &subscriber),
    };
    let sent = mailer.send(&mail.id, &email, &subject, &text, worker.clock.now()).await;
    record_delivery(worker, mail, sent).await
}

fn fits(subscriber: &Subscriber, kind: SubscriptionMail) -> bool {
    match kind {
        SubscriptionMail::Confirmation => subscriber.state != SubscriberState::Active,
        SubscriptionMail::Links => subscriber.state == SubscriberState::Active,
        SubscriptionMail::EndpointFailure => subscriber.state == SubscriberState::Quarantined,
    }
}

/// What receives the messages.
fn receiver(subscriber: &Subscriber) -> String {
    match &subscriber.endpoint_host {
        Some(host) if subscriber.channel == Channel::Webhook => format!("the webhook at {host}"),
        Some(_) => format!("the {} channel", subscriber.channel.words()),
        None => "this address".to_owned(),
    }
}

fn confirmation_text(page: &str, origin: &str, urls: &SubscriberUrls, subscriber: &Subscriber) -> (String, String) {
    let text = format!(
        "Someone, probably you, wants updates of {page} ({origin}) sent to {}.\n\n\
         Confirm the subscription within 48 hours:\n\n{}\n\n\
         If you didn't request this, ignore this e-mail. You will get no updates, and the request is deleted.\n",
        receiver(subscriber),
        urls.confirm,
    );
    (format!("Confirm your subscription to {page}"), text)
}

fn links_text(page: &str, urls: &SubscriberUrls, subscriber: &Subscriber) -> (String, String) {
    let text = format!(
        "Updates of {page} are sent to {}. Someone, probably you, asked for the links of this subscription.\n\n\
         Change what you get, pause or export your data:\n\n{}\n\n\
         Unsubscribe:\n\n{}\n\n\
         If you didn't request this, ignore this e-mail. Nothing changes.\n",
        receiver(subscriber),
        urls.manage,
        urls.unsubscribe,
    );
    (format!("Your subscription to {page}"), text)
}

fn failure_text(page: &str, urls: &SubscriberUrls, subscriber: &Subscriber) -> (String, String) {
    let reason = subscriber.quarantine_reason.as_deref().unwrap_or("it did not accept messages");
    let text = format!(
        "Updates of {page} can't be sent to {}: {reason}\n\n\
         No further messages are sent there. Once it accepts messages again, reactivate it:\n\n{}\n\n\
         After 90 days the subscription is deleted. To delete it now:\n\n{}\n",
        receiver(subscriber),
        urls.manage,
        urls.unsubscribe,
    );
    (format!("A subscription to {page} stopped working"), text)
}
