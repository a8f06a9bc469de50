//! Bounces and complaints that mail providers report by HTTP. A report counts only if its sender proves who it is: by a
//! token, or by a signature of the provider. It names the subscriber by the token of the mail, or by the address.

mod json;
mod postmark;
mod sendgrid;
mod ses;
mod sns;

pub use sns::{SnsAction, SnsClient, StoredAnswers};

use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use self::sendgrid::SendgridKey;
use self::sns::TopicArn;
use super::bounce::Bounce;
use super::mail_failure::EnhancedStatus;
use crate::domain::subscriber::parse_email;

/// The name of the token in the metadata that providers return.
const METADATA_KEY: &str = "candor";
/// Reports of one request. Providers send at most 1,000.
const MAX_REPORTS: usize = 2_000;
/// A signed message older than this is a replay. Providers repeat a message for up to a day.
const MAX_AGE: TimeDelta = TimeDelta::days(2);
/// In characters.
const MIN_TOKEN: usize = 16;

/// Which providers may report bounces, and how they prove who they are. The default accepts none.
#[derive(Clone, Default)]
pub struct BounceHooks {
    token: Option<Arc<str>>,
    topics: Vec<TopicArn>,
    sns: Option<SnsClient>,
    sendgrid_key: Option<SendgridKey>,
}

/// The sender of reports, as named in the address of its hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BounceSource {
    Ses,
    Postmark,
    Sendgrid,
    /// A relay without a format of its own.
    Json,
}

/// Why a request to a hook is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// The hook is not configured.
    #[error("This hook is not configured.")]
    Disabled,
    #[error("{0}")]
    Unproven(&'static str),
    #[error("{0}")]
    Malformed(&'static str),
    /// What is needed to check the proof can't be read right now.
    #[error("{0}")]
    Unavailable(String),
}

impl std::fmt::Debug for BounceHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BounceHooks").field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl BounceSource {
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "ses" => Some(Self::Ses),
            "postmark" => Some(Self::Postmark),
            "sendgrid" => Some(Self::Sendgrid),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl BounceHooks {
    /// `token` is the password of Postmark and of other relays, `topics` the ARNs of the SNS topics of SES, and
    /// `sendgrid_key` SendGrid's verification key.
    pub fn new(token: Option<&str>, topics: &[String], sendgrid_key: Option<&str>) -> anyhow::Result<Self> {
        if token.is_some_and(|token| token.len() < MIN_TOKEN) {
            bail!("the token of the mail hooks must have at least {MIN_TOKEN} characters");
        }
        let topics = topics
            .iter()
            .map(|topic| TopicArn::parse(topic).with_context(|| format!("{topic} is not the ARN of an SNS topic")));
        let sendgrid_key =
            sendgrid_key.map(|key| SendgridKey::parse(key).context("the key of SendGrid's event webhook"));
        let topics: Vec<TopicArn> = topics.collect::<anyhow::Result<_>>()?;
        let sns = (!topics.is_empty()).then(SnsClient::https).transpose()?;
        Ok(Self { token: token.map(Into::into), topics, sns, sendgrid_key: sendgrid_key.transpose()? })
    }

    #[must_use]
    pub fn with_sns_client(self, client: SnsClient) -> Self {
        Self { sns: Some(client), ..self }
    }

    /// Headers with which Postmark and SendGrid return the token of a mail in their reports. SES returns the envelope
    /// sender.
    pub fn mail_headers(&self, token: &str) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.token.is_some() {
            headers.push(("X-PM-Metadata-candor", token.to_owned()));
        }
        if self.sendgrid_key.is_some() {
            headers.push(("X-SMTPAPI", json!({"unique_args": {METADATA_KEY: token}}).to_string()));
        }
        headers
    }

    /// The reports of a request by Postmark.
    pub fn read_postmark(&self, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Bounce>, HookError> {
        self.check_token(headers)?;
        Ok(postmark::read_report(&parse_json(body)?).into_iter().collect())
    }

    /// The reports of a request by SendGrid.
    pub fn read_sendgrid(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Vec<Bounce>, HookError> {
        let key = self.sendgrid_key.as_ref().ok_or(HookError::Disabled)?;
        key.verify(headers, body, now)?;
        Ok(entries(&parse_json(body)?)?.iter().filter_map(sendgrid::read_event).collect())
    }

    /// The reports of a request in Candor's own form.
    pub fn read_json(&self, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Bounce>, HookError> {
        self.check_token(headers)?;
        entries(&parse_json(body)?)?.iter().map(json::read_report).collect()
    }

    /// What a message of an allowed SNS topic asks for. Confirms the subscription of the topic.
    pub async fn read_sns(&self, body: &[u8], now: DateTime<Utc>) -> Result<SnsAction, HookError> {
        let client = self.sns.as_ref().filter(|_| !self.topics.is_empty()).ok_or(HookError::Disabled)?;
        sns::read_message(&self.topics, client, body, now).await
    }

    /// A bearer token, or the password of HTTP basic authentication with any name.
    fn check_token(&self, headers: &HeaderMap) -> Result<(), HookError> {
        let wanted = self.token.as_deref().ok_or(HookError::Disabled)?;
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(read_credentials);
        let is_right = given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(wanted.as_bytes())));
        if is_right { Ok(()) } else { Err(HookError::Unproven("The token is missing or wrong.")) }
    }
}

fn read_credentials(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    let decoded = BASE64_STANDARD.decode(value.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

fn parse_json(body: &[u8]) -> Result<Value, HookError> {
    serde_json::from_slice(body).map_err(|_| HookError::Malformed("The body is not JSON."))
}

/// One report, or a list of them.
fn entries(body: &Value) -> Result<&[Value], HookError> {
    let entries = body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
    if entries.len() > MAX_REPORTS {
        return Err(HookError::Malformed("The body has more than 2,000 reports."));
    }
    Ok(entries)
}

fn read_email(value: &Value) -> Option<String> {
    value.as_str().and_then(parse_email)
}

fn read_text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn read_status(value: &Value) -> Option<EnhancedStatus> {
    value.as_str().and_then(EnhancedStatus::parse_first_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-of-the-relay";

    fn hooks() -> BounceHooks {
        BounceHooks::new(Some(TOKEN), &[], None).unwrap()
    }

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::header::AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn hooks_need_their_token() {
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        for right in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), basic(&format!("candor:{TOKEN}"))] {
            assert_eq!(hooks().check_token(&headers(&right)), Ok(()), "{right}");
        }
        for wrong in
            ["Bearer ", "Bearer a-token", TOKEN, &format!("Digest {TOKEN}"), &basic(TOKEN), &basic(":"), "Basic %"]
        {
            assert!(matches!(hooks().check_token(&headers(wrong)), Err(HookError::Unproven(_))), "{wrong}");
        }
        assert!(matches!(hooks().check_token(&HeaderMap::new()), Err(HookError::Unproven(_))));
        assert_eq!(BounceHooks::default().check_token(&headers(&format!("Bearer {TOKEN}"))), Err(HookError::Disabled));
    }

    #[test]
    fn weak_tokens_and_wrong_settings_are_rejected() {
        assert!(BounceHooks::new(Some("short"), &[], None).is_err());
        assert!(BounceHooks::new(None, &["arn:aws:sqs:eu-west-1:1:x".to_owned()], None).is_err());
        assert!(BounceHooks::new(None, &[], Some("bm90IGEga2V5")).is_err());
        assert!(!format!("{:?}", hooks()).contains(TOKEN));
    }

    #[test]
    fn mails_carry_their_token_to_the_provider() {
        assert_eq!(BounceHooks::default().mail_headers("a.b.c"), []);
        assert_eq!(hooks().mail_headers("a.b.c"), [("X-PM-Metadata-candor", "a.b.c".to_owned())]);
    }

    #[test]
    fn reports_of_one_request_are_limited() {
        let many = Value::Array(vec![Value::Null; MAX_REPORTS + 1]);
        assert!(entries(&many).is_err() && entries(&Value::Null).unwrap().len() == 1);
    }
}
