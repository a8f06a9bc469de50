//! What a visitor asks for, checked and stored. The form, the API and the forms of Statuspage's pages share it.

use axum::http::StatusCode;
use url::Url;

use super::verification::check_endpoint;
use super::{count_request, links};
use crate::actions::subscribers::{self, SubscriberKeys, SubscriptionRequest};
use crate::domain::forms::{Choice, NewSubscription, SubscriptionForm};
use crate::domain::subscriber::{Channel, Scope};
use crate::domain::{Invalid, Subscriber};
use crate::publish::Snapshot;
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

pub const NO_MAIL: &str = "This server does not send e-mail, so a subscription can't be confirmed. Use a feed instead.";

/// Checks every field at once.
pub fn parse_request(
    state: &State,
    snapshot: &Snapshot,
    form: &SubscriptionForm,
) -> std::result::Result<SubscriptionRequest, Invalid> {
    match form.parse(&snapshot.components) {
        Ok(new) => check_request(state, snapshot, new),
        Err(mut invalid) => {
            let channel = Channel::from_key(&form.channel).filter(|channel| *channel != Channel::Email);
            if let Some(Err(message)) = channel.map(|channel| check_endpoint(state, channel, form.endpoint.trim())) {
                invalid.add("endpoint", message);
            }
            Err(invalid)
        }
    }
}

/// Checks what needs more than the form itself: the endpoint, and whether the incident is open.
fn check_request(
    state: &State,
    snapshot: &Snapshot,
    new: NewSubscription,
) -> std::result::Result<SubscriptionRequest, Invalid> {
    let NewSubscription { channel, email, endpoint, choice } = new;
    let Choice { scope, incidents, maintenance } = choice;
    let mut invalid = Invalid::new();
    if let Scope::Incident(id) = &scope
        && !snapshot.open.iter().any(|incident| incident.id == *id)
    {
        invalid.add("incident", "This incident is resolved. Subscribe to the page to hear of the next one.");
    }
    let endpoint = endpoint.map(|endpoint| check_endpoint(state, channel, &endpoint));
    let (channel, endpoint) = match endpoint.transpose().map_err(|message| invalid.add("endpoint", message)) {
        Ok(Some((channel, url))) => (channel, Some(url)),
        Ok(None) | Err(()) => (channel, None),
    };
    invalid.check()?;
    Ok(SubscriptionRequest { channel, email: Some(email), endpoint, scope, incidents, maintenance })
}

/// Counts the request and stores it; the address gets a mail.
pub async fn store_request(state: &State, address: ClientAddress, wish: &SubscriptionRequest) -> Result<Subscriber> {
    require_mail(state)?;
    count_request(state.subscription_requests(), state, address)?;
    let links = links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let subscriber = subscribers::request(&mut tx, keys, wish, now).await?;
    tx.commit_unaudited().await?;
    Ok(subscriber)
}

pub fn require_mail(state: &State) -> Result<()> {
    if state.mailer.is_none() { Err(Error::Conflict(NO_MAIL.into())) } else { Ok(()) }
}

/// The channel that an API client means: an endpoint at a chat service is a chat channel.
pub fn channel_of_endpoint(endpoint: &str) -> Channel {
    let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.and_then(|host| Channel::of_host(&host)).unwrap_or(Channel::Webhook)
}

/// The status of a form that was rejected.
pub const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
