//! Endpoints: which URLs may be subscribed, and the challenge that proves that an endpoint wants messages.

use url::Url;

use crate::db::{self, subscribers};
use crate::domain::Subscriber;
use crate::domain::subscriber::Channel;
use crate::net::http_client::{HttpClient, HttpClientError};
use crate::notify::challenge::{CHALLENGE_LIMITS, ChallengeOutcome, challenge_webhook};
use crate::notify::endpoint_request::parse_visitor_url;
use crate::notify::standard_webhooks::webhook_key_pair;
use crate::state::State;
use crate::web::Result;

/// The URL and its channel: endpoints of chat services are known by their host. The message is for the visitor.
pub fn check_endpoint(state: &State, chosen: Channel, text: &str) -> std::result::Result<(Channel, Url), String> {
    let (found, url) = parse_visitor_url(text)?;
    let client = HttpClient::new(&state.endpoint_hosts, CHALLENGE_LIMITS)
        .map_err(|_| "No endpoint can be checked right now.".to_owned())?;
    client.check_url(&url).map_err(|error| match error {
        HttpClientError::Refused(_, why) => format!("This URL can't be used: {why}."),
        other => other.to_string(),
    })?;
    let host = url.host_str().unwrap_or_default();
    if Url::parse(&state.origin).is_ok_and(|own| own.host_str() == Some(host)) {
        return Err("This is the status page itself.".to_owned());
    }
    if chosen != Channel::Webhook && chosen != found {
        return Err(format!("This is not a webhook URL of {}.", chosen.words()));
    }
    Ok((found, url))
}

/// Sends a challenge to the endpoint of a webhook. Chat services can't return it; they are known by their host.
/// The message says why the endpoint was not verified.
pub async fn verify_endpoint(state: &State, subscriber: &Subscriber) -> Result<std::result::Result<(), String>> {
    if subscriber.channel != Channel::Webhook {
        return Ok(Ok(()));
    }
    let Some(endpoint) = open_endpoint(state, subscriber).await? else { return Ok(Ok(())) };
    let client =
        HttpClient::new(&state.endpoint_hosts, CHALLENGE_LIMITS).map_err(|error| anyhow::anyhow!("{error}"))?;
    let key_pair = webhook_key_pair(&state.secret_key)?;
    let receiver = (&subscriber.id, endpoint.into());
    let outcome = challenge_webhook(&client, receiver, &key_pair, state.clock.now()).await;
    Ok(match outcome.map_err(|reason| anyhow::anyhow!(reason))? {
        ChallengeOutcome::Passed => Ok(()),
        ChallengeOutcome::Failed(reason) => Err(sentence(&reason)),
    })
}

/// The decrypted endpoint of a subscriber; `None` for e-mail.
pub async fn open_endpoint(state: &State, subscriber: &Subscriber) -> Result<Option<Url>> {
    let mut tx = state.db.read().await?;
    let address = subscribers::find_address(&mut tx, &subscriber.id).await?;
    drop(tx);
    let Some(sealed) = address.endpoint else { return Ok(None) };
    let opened = state.secret_key.open(subscriber.id.as_str(), &sealed)?;
    let text = String::from_utf8(opened).map_err(db::Error::other)?;
    Ok(Some(Url::parse(&text).map_err(db::Error::other)?))
}

/// `the endpoint answered 404` as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
