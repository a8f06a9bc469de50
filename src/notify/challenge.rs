//! The challenge of a webhook: before its first notice, an endpoint must show that it expects messages, so Candor can't
//! be aimed at servers of others. Endpoints of chat services need none.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::endpoint::exchange;
use super::endpoint_request::{EndpointRequest, MessageBody, OutgoingMessage, Target};
use super::standard_webhooks::WebhookKeyPair;
use crate::credentials::secret_token::fresh_token;
use crate::domain::SubscriberId;
use crate::net::http_client::{HttpClient, ResponseLimits};

/// The answer that a challenge may have.
pub const CHALLENGE_LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(10), size: 8 * 1024 };

const ANSWER_HEADER: &str = "webhook-challenge";

/// A random text that the endpoint must return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeOutcome {
    Passed,
    /// Why, as a sentence without anything that the endpoint wrote.
    Failed(String),
}

/// Sends a challenge to the webhook at `url`.
///
/// # Errors
/// The stored URL is none.
pub async fn challenge_webhook(
    client: &HttpClient,
    (subscriber, url): (&SubscriberId, String),
    key_pair: &WebhookKeyPair,
    now: DateTime<Utc>,
) -> Result<ChallengeOutcome, &'static str> {
    let challenge = Challenge::generate();
    let id = format!("verify-{subscriber}");
    let body = MessageBody::Text(challenge.body(now));
    let message = OutgoingMessage { id: &id, body, thread_key: &id, previous_message_id: None, now };
    let target = Target::Webhook { url, secrets: Vec::new() };
    let request = target.request(&message, Some(key_pair))?;
    Ok(challenge.verify(client, &request).await)
}

impl Challenge {
    pub fn generate() -> Self {
        Self(fresh_token())
    }

    /// The body to send, in the form of Standard Webhooks.
    pub fn body(&self, now: DateTime<Utc>) -> String {
        let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({"type": "webhook.verification", "timestamp": timestamp, "data": {"challenge": self.0}}).to_string()
    }

    /// Sends `request`, which has [`Challenge::body`]. The endpoint passes with a 2xx that returns the challenge: in
    /// the header `webhook-challenge`, as the whole body, or as `{"challenge": "…"}`. A body that merely contains it
    /// would be that of any server that repeats what it gets.
    pub async fn verify(&self, client: &HttpClient, request: &EndpointRequest) -> ChallengeOutcome {
        let response = match exchange(client, request).await {
            Ok(response) => response,
            Err(reason) => return ChallengeOutcome::Failed(reason),
        };
        let status = response.status();
        if !status.is_success() {
            return ChallengeOutcome::Failed(format!("the endpoint answered {}", status.as_u16()));
        }
        let header = response.headers().get(ANSWER_HEADER).and_then(|value| value.to_str().ok());
        if self.is_answered(header, response.body()) {
            return ChallengeOutcome::Passed;
        }
        ChallengeOutcome::Failed("the endpoint did not return the challenge".to_owned())
    }

    fn is_answered(&self, header: Option<&str>, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body);
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        [header.map(str::trim), Some(text.trim()), json["challenge"].as_str(), json.as_str()]
            .contains(&Some(self.0.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_must_be_returned_exactly() {
        let challenge = Challenge("random".into());
        let body = challenge.body(DateTime::UNIX_EPOCH);
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            json!({"type": "webhook.verification", "timestamp": "1970-01-01T00:00:00.000Z",
                   "data": {"challenge": "random"}})
        );
        for (header, answer) in
            [(None, "random\n"), (None, "{\"challenge\": \"random\"}"), (None, "\"random\""), (Some(" random"), "")]
        {
            assert!(challenge.is_answered(header, answer.as_bytes()), "{header:?} {answer}");
        }
        for (header, answer) in [(None, ""), (None, body.as_str()), (None, "<p>random</p>"), (Some("rand"), "ok")] {
            assert!(!challenge.is_answered(header, answer.as_bytes()), "{header:?} {answer}");
        }
        assert_ne!(Challenge::generate(), Challenge::generate());
    }
}
