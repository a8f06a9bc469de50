//! Subscriptions: requested by visitors, added by managers and programs, ended by the subscriber.
//!
//! The audit log names subscribers by id and never holds an address, so that an address can be erased.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use url::Url;

use crate::credentials::random_bytes;
use crate::credentials::secret_key::SecretKey;
use crate::credentials::secret_token::hash_token;
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::subscribers::{self, SealedAddress};
use crate::db::suppressions::{self, SuppressionReason};
use crate::db::{self, Result, Tx, WriteTx, deliveries, notices, outbox};
use crate::domain::audit::{Action, Entry};
use crate::domain::operator_endpoint::OperatorEndpoint;
use crate::domain::subscriber::{CONSENT_VERSION, Channel, IncidentEvents, Scope, SubscriberState};
use crate::domain::{Subscriber, SubscriberId};
use crate::notify::endpoint_request::parse_visitor_url;
use crate::notify::standard_webhooks::WebhookSecret;

/// Mails that requests can cause to one address in [`MAILS_WINDOW`].
const MAX_MAILS: i64 = 3;
const MAILS_WINDOW: TimeDelta = TimeDelta::hours(24);
/// How long after a mail about a subscription a request causes no other.
const MAIL_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// Endpoints that one e-mail address may confirm.
pub const MAX_ENDPOINTS: usize = 5;
/// Unconfirmed endpoints of one host.
pub const MAX_UNCONFIRMED_OF_HOST: i64 = 50;

/// What a visitor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRequest {
    pub channel: Channel,
    /// In the form of [`crate::domain::subscriber::parse_email`]; `None` for an operator's channel.
    pub email: Option<String>,
    /// Where messages go, unless the channel is e-mail.
    pub endpoint: Option<Url>,
    pub scope: Scope,
    pub incidents: IncidentEvents,
    pub maintenance: bool,
}

/// The server's keys for addresses and links.
#[derive(Clone, Copy)]
pub struct SubscriberKeys<'a> {
    pub secret_key: &'a SecretKey,
    pub links: &'a SubscriberLinks,
}

impl SubscriptionRequest {
    /// What identifies the subscription: the address or the endpoint.
    pub(super) fn address(&self) -> &str {
        match &self.endpoint {
            Some(endpoint) => endpoint.as_str(),
            None => self.email.as_deref().unwrap_or_default(),
        }
    }

    pub(super) fn subscriber(&self, state: SubscriberState, now: DateTime<Utc>) -> Subscriber {
        Subscriber {
            id: SubscriberId::from_random(random_bytes()),
            channel: self.channel,
            email: self.email.clone(),
            endpoint_host: self.endpoint.as_ref().and_then(Url::host_str).map(str::to_owned),
            scope: self.scope.clone(),
            incidents: self.incidents,
            maintenance: self.maintenance,
            state,
            paused_at: None,
            requested_at: now,
            confirmed_at: (state != SubscriberState::Unconfirmed).then_some(now),
            consent_version: CONSENT_VERSION,
            quarantined_at: (state == SubscriberState::Quarantined).then_some(now),
            quarantine_reason: None,
            updated_at: now,
            version: 1,
        }
    }

    pub(super) fn seal(&self, keys: SubscriberKeys<'_>, id: &SubscriberId) -> Result<SealedAddress> {
        let seal = |text: &str| keys.secret_key.seal(id.as_str(), text.as_bytes()).map_err(db::Error::other);
        let has_secret = self.channel == Channel::Webhook;
        Ok(SealedAddress {
            hash: hash_token(self.address()),
            endpoint: self.endpoint.as_ref().map(|endpoint| seal(endpoint.as_str())).transpose()?,
            secret: has_secret.then(|| seal(&WebhookSecret::generate().reveal())).transpose()?,
        })
    }
}

/// Stores a visitor's request and mails the address: a confirmation link, or the links of a subscription that exists.
/// The caller answers the same in every case. A subscription causes at most one mail an hour, and an address gets at
/// most [`MAX_MAILS`] in a day; each request adds one row to the outbox either way.
///
/// # Errors
/// `Full` if too many subscriptions wait for the same host, or at the maximum number of subscribers.
pub async fn request(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    wish: &SubscriptionRequest,
    now: DateTime<Utc>,
) -> Result<Subscriber> {
    let subscriber = match find_existing(tx, wish).await? {
        None => {
            check_host_limit(tx, wish).await?;
            let added = wish.subscriber(SubscriberState::Unconfirmed, now);
            subscribers::insert(tx, &added, &wish.seal(keys, &added.id)?).await?;
            added
        }
        // Until the address confirms, the last request counts.
        Some(mut pending) if pending.state == SubscriberState::Unconfirmed => {
            pending.scope = wish.scope.clone();
            (pending.incidents, pending.maintenance) = (wish.incidents, wish.maintenance);
            (pending.requested_at, pending.consent_version) = (now, CONSENT_VERSION);
            subscribers::update(tx, &mut pending, now).await?;
            pending
        }
        Some(existing) => existing,
    };
    mail(tx, &subscriber, MAIL_INTERVAL, now).await?;
    Ok(subscriber)
}

/// Chat services have one host for all their customers.
async fn check_host_limit(tx: &mut WriteTx, wish: &SubscriptionRequest) -> Result<()> {
    let host = wish.endpoint.as_ref().and_then(Url::host_str).filter(|_| wish.channel == Channel::Webhook);
    let Some(host) = host else { return Ok(()) };
    if subscribers::count_unconfirmed_of_host(tx, host).await? >= MAX_UNCONFIRMED_OF_HOST {
        return Err(db::Error::Full("Too many subscriptions wait for this host. Confirm some, or try again tomorrow."));
    }
    Ok(())
}

/// Queues the mail that fits the state of the subscription, unless its address got enough. `interval` is the time
/// between two mails about the same subscription.
async fn mail(tx: &mut WriteTx, subscriber: &Subscriber, interval: TimeDelta, now: DateTime<Utc>) -> Result<()> {
    let since = (now - MAILS_WINDOW, now - interval);
    let (of_address, own) = outbox::subscriber_mails_since(tx, subscriber, since).await?;
    let kind = match subscriber.state {
        SubscriberState::Active => outbox::SubscriptionMail::Links,
        SubscriberState::Unconfirmed | SubscriberState::Quarantined => outbox::SubscriptionMail::Confirmation,
    };
    if of_address >= MAX_MAILS || own > 0 {
        return outbox::add_unsent_subscription_mail(tx, &subscriber.id, kind, now).await;
    }
    outbox::add_subscription_mail(tx, &subscriber.id, kind, now).await
}

/// Queues the confirmation or the links of a subscription again, for a manager.
pub async fn resend(tx: &mut WriteTx, subscriber: &Subscriber, now: DateTime<Utc>) -> Result<()> {
    mail(tx, subscriber, TimeDelta::zero(), now).await
}

/// As [`resend`], for a visitor who knows the id: at most once an hour.
pub async fn request_resend(tx: &mut WriteTx, subscriber: &Subscriber, now: DateTime<Utc>) -> Result<()> {
    mail(tx, subscriber, MAIL_INTERVAL, now).await
}

/// Mails the links of every subscription of `email`: a link was lost. An unknown address gets nothing.
pub async fn mail_links(tx: &mut WriteTx, email: &str, now: DateTime<Utc>) -> Result<()> {
    for subscriber in subscribers::list_by_email(tx, email).await?.into_iter().take(MAX_ENDPOINTS) {
        mail(tx, &subscriber, MAIL_INTERVAL, now).await?;
    }
    Ok(())
}

/// Confirms a subscription, or reactivates a quarantined one: its address works again. `None` if it is active already.
///
/// # Errors
/// `Full` if the address has [`MAX_ENDPOINTS`] endpoints.
pub async fn confirm(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    mut subscriber: Subscriber,
    now: DateTime<Utc>,
) -> Result<(Subscriber, Option<Entry>)> {
    if subscriber.state == SubscriberState::Active {
        return Ok((subscriber, None));
    }
    if subscriber.channel != Channel::Email
        && subscriber.state == SubscriberState::Unconfirmed
        && let Some(email) = &subscriber.email
        && subscribers::count_endpoints(tx, email).await? >= MAX_ENDPOINTS as i64
    {
        return Err(db::Error::Full("An e-mail address can have 5 endpoints. Unsubscribe one of them first."));
    }
    let before = subscriber.clone();
    activate(&mut subscriber, now);
    subscriber.confirmed_at = Some(now);
    subscribers::update(tx, &mut subscriber, now).await?;
    queue_current_state(tx, &before, now).await?;
    if let Some(email) = &subscriber.email {
        suppressions::delete(tx, &keys.links.address_hmac(email)).await?;
    }
    let entry = entry(Action::SubscriberConfirm, &subscriber)
        .before(&audited_subscriber(&before))
        .after(&audited_subscriber(&subscriber));
    Ok((subscriber, Some(entry)))
}

/// The subscription of the same address to the same, if there is one.
pub async fn find_existing(tx: &mut Tx, wish: &SubscriptionRequest) -> Result<Option<Subscriber>> {
    let incident = match &wish.scope {
        Scope::Incident(id) => Some(id),
        Scope::Page | Scope::Components(_) => None,
    };
    subscribers::find_by_address(tx, wish.channel, &hash_token(wish.address()), incident).await
}

/// Adds a subscriber for a manager or a program, at once if the address has agreed already. `Conflict` if the address
/// has subscribed.
pub async fn add(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    wish: &SubscriptionRequest,
    state: SubscriberState,
    now: DateTime<Utc>,
) -> Result<(Subscriber, Entry)> {
    let added = wish.subscriber(state, now);
    subscribers::insert(tx, &added, &wish.seal(keys, &added.id)?).await?;
    if state == SubscriberState::Unconfirmed {
        mail(tx, &added, MAIL_INTERVAL, now).await?;
    }
    let entry = entry(Action::SubscriberAdd, &added).after(&audited_subscriber(&added));
    Ok((added, entry))
}

/// Adds a channel of the operator: active at once, for the whole page. `Conflict` if it exists.
pub async fn add_operator_channel(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    endpoint: &OperatorEndpoint,
    now: DateTime<Utc>,
) -> Result<(Subscriber, Entry)> {
    let url = Url::parse(endpoint.server()).map_err(db::Error::other)?;
    let wish = SubscriptionRequest {
        channel: endpoint.channel(),
        email: None,
        endpoint: Some(url),
        scope: Scope::Page,
        incidents: IncidentEvents::All,
        maintenance: true,
    };
    let added = wish.subscriber(SubscriberState::Active, now);
    let sealed = keys.secret_key.seal(added.id.as_str(), endpoint.to_text().as_bytes()).map_err(db::Error::other)?;
    let address = SealedAddress { hash: hash_token(&endpoint.target()), endpoint: Some(sealed), secret: None };
    subscribers::insert(tx, &added, &address).await?;
    let entry = entry(Action::SubscriberAdd, &added).after(&audited_subscriber(&added));
    Ok((added, entry))
}

/// Records that a manager or a program had a mail sent again.
pub fn record_resend(subscriber: &Subscriber) -> Entry {
    entry(Action::SubscriberResend, subscriber)
}

/// Records that a manager sent a test message.
pub fn record_test(subscriber: &Subscriber) -> Entry {
    entry(Action::SubscriberTest, subscriber)
}

/// The endpoint of a subscriber with its credentials, decrypted; `None` for an e-mail address.
pub async fn open_endpoint(tx: &mut Tx, key: &SecretKey, id: &SubscriberId) -> Result<Option<String>> {
    let Some(sealed) = subscribers::find_address(tx, id).await?.endpoint else { return Ok(None) };
    let opened = key.open(id.as_str(), &sealed).map_err(db::Error::other)?;
    Ok(Some(String::from_utf8_lossy(&opened).into_owned()))
}

/// The channel and URL of a webhook that a manager or a program names.
pub fn parse_endpoint(text: &str) -> std::result::Result<(Channel, Url), String> {
    let (channel, url) = parse_visitor_url(text)?;
    if url.scheme() != "https" {
        return Err("The URL must begin with https://.".into());
    }
    Ok((channel, url))
}

/// Saves changed choices, a pause or its end.
pub async fn edit(tx: &mut WriteTx, before: &Subscriber, after: &mut Subscriber, now: DateTime<Utc>) -> Result<Entry> {
    subscribers::update(tx, after, now).await?;
    Ok(entry(Action::SubscriberEdit, after).before(&audited_subscriber(before)).after(&audited_subscriber(after)))
}

/// Ends a subscription. Its address is suppressed, so that an import does not add it again.
pub async fn unsubscribe(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    subscriber: &Subscriber,
    now: DateTime<Utc>,
) -> Result<Entry> {
    end(tx, keys, subscriber, SuppressionReason::Unsubscribed, now).await?;
    Ok(entry(Action::SubscriberUnsubscribe, subscriber).before(&audited_subscriber(subscriber)))
}

/// Deletes every subscription of an e-mail address with its delivery log.
pub async fn erase(tx: &mut WriteTx, keys: SubscriberKeys<'_>, email: &str, now: DateTime<Utc>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for subscriber in subscribers::list_by_email(tx, email).await? {
        end(tx, keys, &subscriber, SuppressionReason::Erased, now).await?;
        entries.push(entry(Action::SubscriberErase, &subscriber));
    }
    Ok(entries)
}

/// As [`erase`], for the address of `subscriber`; an operator's channel has none and is deleted alone.
pub async fn erase_subscriber(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    subscriber: &Subscriber,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>> {
    match &subscriber.email {
        Some(email) => erase(tx, keys, email, now).await,
        None => {
            end(tx, keys, subscriber, SuppressionReason::Erased, now).await?;
            Ok(vec![entry(Action::SubscriberErase, subscriber)])
        }
    }
}

async fn end(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    subscriber: &Subscriber,
    reason: SuppressionReason,
    now: DateTime<Utc>,
) -> Result<()> {
    subscribers::delete(tx, &subscriber.id).await?;
    // Who unsubscribes a webhook may go on to get mail, and the subscription to one incident says nothing of others.
    let ends_all = subscriber.channel == Channel::Email && !matches!(subscriber.scope, Scope::Incident(_));
    match &subscriber.email {
        Some(email) if ends_all || reason == SuppressionReason::Erased => {
            suppressions::insert(tx, &keys.links.address_hmac(email), reason, now).await
        }
        _ => Ok(()),
    }
}

/// Stops sending to an address that rejects messages. The owner of an endpoint is notified by e-mail.
pub async fn quarantine(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    before: &Subscriber,
    (reason, is_complaint): (&str, bool),
    now: DateTime<Utc>,
) -> Result<Entry> {
    let mut after = Subscriber {
        state: SubscriberState::Quarantined,
        quarantined_at: Some(now),
        quarantine_reason: Some(reason.chars().take(deliveries::MAX_REASON).collect()),
        confirmed_at: before.confirmed_at.or(Some(now)),
        ..before.clone()
    };
    subscribers::update(tx, &mut after, now).await?;
    match &before.email {
        Some(email) if is_complaint => {
            let hmac = keys.links.address_hmac(email);
            suppressions::insert(tx, &hmac, SuppressionReason::Complaint, now).await?;
        }
        Some(_) if before.channel != Channel::Email => {
            outbox::add_subscription_mail(tx, &before.id, outbox::SubscriptionMail::EndpointFailure, now).await?;
        }
        _ => {}
    }
    Ok(entry(Action::SubscriberQuarantine, &after)
        .before(&audited_subscriber(before))
        .after(&audited_subscriber(&after)))
}

/// Sends to a quarantined subscriber again. An endpoint gets the current state of what it missed.
pub async fn reactivate(tx: &mut WriteTx, before: &Subscriber, now: DateTime<Utc>) -> Result<Entry> {
    let mut after = before.clone();
    activate(&mut after, now);
    subscribers::update(tx, &mut after, now).await?;
    queue_current_state(tx, before, now).await?;
    Ok(entry(Action::SubscriberReactivate, &after)
        .before(&audited_subscriber(before))
        .after(&audited_subscriber(&after)))
}

/// Queues the current state of open incidents and maintenance for an endpoint that was quarantined.
async fn queue_current_state(tx: &mut WriteTx, before: &Subscriber, now: DateTime<Utc>) -> Result<()> {
    if before.state == SubscriberState::Quarantined && before.channel != Channel::Email {
        notices::queue_current_state(tx, &before.id, now).await?;
    }
    Ok(())
}

fn activate(subscriber: &mut Subscriber, now: DateTime<Utc>) {
    subscriber.state = SubscriberState::Active;
    (subscriber.quarantined_at, subscriber.quarantine_reason) = (None, None);
    subscriber.confirmed_at = subscriber.confirmed_at.or(Some(now));
}

/// What the audit log holds of a subscriber: no address.
#[derive(Serialize)]
struct AuditedSubscriber<'a> {
    channel: Channel,
    scope: &'a Scope,
    incidents: IncidentEvents,
    maintenance: bool,
    state: SubscriberState,
    paused: bool,
}

fn audited_subscriber(subscriber: &Subscriber) -> AuditedSubscriber<'_> {
    AuditedSubscriber {
        channel: subscriber.channel,
        scope: &subscriber.scope,
        incidents: subscriber.incidents,
        maintenance: subscriber.maintenance,
        state: subscriber.state,
        paused: subscriber.paused_at.is_some(),
    }
}

fn entry(action: Action, subscriber: &Subscriber) -> Entry {
    Entry::new(action, &subscriber.id, format!("{} subscriber {}", subscriber.channel.words(), subscriber.id))
}
