//! Delivers one message to an endpoint and reads what the answer means on its channel.

use std::time::Duration;

use axum::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use chrono::DateTime;
use serde_json::Value;

use super::endpoint_request::EndpointRequest;
use crate::domain::delivery_retry::MAX_RETRY_AFTER;
use crate::domain::subscriber::Channel;
use crate::net::http_client::{HttpClient, HttpClientError, ResponseLimits};

/// Of requests to endpoints: Standard Webhooks recommends at least 15 seconds. Of an answer only its code matters.
pub const ENDPOINT_LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(15), size: 8 * 1024 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointOutcome {
    Delivered {
        /// What a later message of the same incident refers to: at Discord, Telegram, Matrix and PagerDuty.
        message_id: Option<String>,
    },
    Retry {
        /// How long the endpoint asked to wait, at most 20 minutes.
        after: Option<Duration>,
        /// For managers; contains nothing that the endpoint wrote.
        reason: String,
    },
    /// The endpoint does not exist any more; a retry is pointless.
    Gone { reason: String },
}

/// Sends `request`. If the message that it edits is gone, sends its replacement.
pub async fn deliver(client: &HttpClient, request: EndpointRequest) -> EndpointOutcome {
    match attempt(client, &request).await {
        Attempt::Outcome(outcome) => outcome,
        Attempt::NoSuchMessage => match request.replacement {
            Some(replacement) => match attempt(client, &replacement).await {
                Attempt::Outcome(outcome) => outcome,
                Attempt::NoSuchMessage => retry("the message to edit does not exist"),
            },
            None => retry("the message to edit does not exist"),
        },
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Attempt {
    Outcome(EndpointOutcome),
    NoSuchMessage,
}

async fn attempt(client: &HttpClient, request: &EndpointRequest) -> Attempt {
    match exchange(client, request).await {
        Ok(response) => read_answer(request.channel, &response),
        Err(reason) => Attempt::Outcome(retry(&reason)),
    }
}

/// The answer to `request`, cut to 8 KiB, or why there is none: a sentence without the address.
pub(super) async fn exchange(client: &HttpClient, request: &EndpointRequest) -> Result<Response<Bytes>, String> {
    let mut builder = Request::builder().method(request.method.clone()).uri(request.url.as_str());
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let request = builder.body(request.body.clone().into_bytes()).map_err(|_| "the address is invalid".to_owned())?;
    client.send_and_truncate(request).await.map_err(|error| match error {
        HttpClientError::Refused(_, why) => format!("the address can't be requested: {why}"),
        error => error.to_string(),
    })
}

fn retry(reason: &str) -> EndpointOutcome {
    EndpointOutcome::Retry { after: None, reason: reason.to_owned() }
}

/// Only 2xx is a success; a redirect is a failure.
fn read_answer(channel: Channel, response: &Response<Bytes>) -> Attempt {
    let (status, body) = (response.status(), response.body());
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    if status.is_success() {
        return Attempt::Outcome(EndpointOutcome::Delivered { message_id: message_id(channel, &json) });
    }
    if channel == Channel::Telegram && is_described_as(&json, "message is not modified") {
        return Attempt::Outcome(EndpointOutcome::Delivered { message_id: None });
    }
    if is_missing_message(channel, status, &json) {
        return Attempt::NoSuchMessage;
    }
    if let Some(reason) = gone_reason(channel, status, &json, &String::from_utf8_lossy(body)) {
        return Attempt::Outcome(EndpointOutcome::Gone { reason });
    }
    let after = retry_after(response.headers(), &json).map(|after| after.min(MAX_RETRY_AFTER));
    Attempt::Outcome(EndpointOutcome::Retry { after, reason: describe_status(status) })
}

/// `the endpoint answered 503 Service Unavailable`
fn describe_status(status: StatusCode) -> String {
    let words = status.canonical_reason().map(|words| format!(" {words}")).unwrap_or_default();
    format!("the endpoint answered {}{words}", status.as_u16())
}

fn message_id(channel: Channel, json: &Value) -> Option<String> {
    let id = match channel {
        Channel::Discord => &json["id"],
        Channel::Telegram => &json["result"]["message_id"],
        Channel::Matrix => &json["event_id"],
        Channel::Pagerduty => &json["dedup_key"],
        _ => return None,
    };
    let id = id.as_str().map(str::to_owned).or_else(|| id.as_i64().map(|id| id.to_string()));
    id.filter(|id| !id.is_empty() && id.len() <= 255)
}

fn is_described_as(json: &Value, words: &str) -> bool {
    json["description"].as_str().is_some_and(|text| text.contains(words))
}

/// Discord's code 10008 is an unknown message.
fn is_missing_message(channel: Channel, status: StatusCode, json: &Value) -> bool {
    match channel {
        Channel::Discord => status == StatusCode::NOT_FOUND && json["code"] == 10_008,
        Channel::Telegram => {
            is_described_as(json, "message to edit not found") || is_described_as(json, "message can't be edited")
        }
        _ => false,
    }
}

/// Why the endpoint is gone, by the codes that each service documents.
fn gone_reason(channel: Channel, status: StatusCode, json: &Value, text: &str) -> Option<String> {
    let code = status.as_u16();
    let one_of = |words: &[&'static str]| words.iter().copied().find(|word| text.contains(word));
    let word = match channel {
        _ if code == 410 => Some(""),
        Channel::Slack if matches!(code, 403 | 404) => one_of(&[
            "invalid_token",
            "action_prohibited",
            "no_service",
            "no_team",
            "team_disabled",
            "channel_not_found",
            "channel_is_archived",
        ]),
        Channel::Teams => matches!(code, 401 | 404).then_some(""),
        // An unknown webhook, and an invalid token of one.
        Channel::Discord => (json["code"] == 10_015 || json["code"] == 50_027).then_some(""),
        Channel::GoogleChat => matches!(code, 403 | 404).then_some(""),
        Channel::Mattermost if code == 404 => Some(""),
        Channel::Mattermost => one_of(&["web.incoming_webhook.invalid.app_error"]),
        Channel::Ntfy => matches!(code, 401 | 403).then_some(""),
        Channel::Telegram if matches!(code, 401 | 403 | 404) => Some(""),
        Channel::Telegram => one_of(&["chat not found"]),
        Channel::Matrix if matches!(code, 401 | 403) => one_of(&["M_FORBIDDEN", "M_UNKNOWN_TOKEN"]),
        Channel::Pagerduty if code == 400 => one_of(&["routing_key", "routing key", "Invalid Routing Key"]),
        _ => None,
    }?;
    let described = describe_status(status);
    Some(if word.is_empty() { described } else { format!("{described}: {word}") })
}

/// What the endpoint asked for: the header, in seconds or as a date, or the field of Discord, Telegram or Matrix.
fn retry_after(headers: &HeaderMap, json: &Value) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let seconds = header("retry-after").and_then(|text| match text.trim().parse::<f64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => {
            let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
            let (until, now) = (date(text)?, date(header("date")?)?);
            Some((until - now).as_seconds_f64())
        }
    });
    let fields = [&json["retry_after"], &json["parameters"]["retry_after"]].into_iter().find_map(Value::as_f64);
    let milliseconds = json["retry_after_ms"].as_f64().map(|wait| wait / 1000.0);
    let longest = MAX_RETRY_AFTER.as_secs_f64();
    let wait = seconds.or(fields).or(milliseconds).filter(|wait| wait.is_finite())?;
    Some(Duration::from_secs_f64(wait.clamp(0.0, longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn outcome(channel: Channel, status: u16, body: &str) -> EndpointOutcome {
        match read_answer(channel, &answer(status, &[], body)) {
            Attempt::Outcome(outcome) => outcome,
            Attempt::NoSuchMessage => panic!("{channel:?} {status} {body}: no such message"),
        }
    }

    #[test]
    fn only_2xx_is_delivered() {
        for status in [200, 201, 202, 204] {
            assert_eq!(outcome(Channel::Webhook, status, ""), EndpointOutcome::Delivered { message_id: None });
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 429, 500, 502, 503, 504] {
            assert!(matches!(outcome(Channel::Webhook, status, ""), EndpointOutcome::Retry { .. }), "{status}");
        }
        for channel in Channel::ALL {
            assert!(matches!(outcome(channel, 410, ""), EndpointOutcome::Gone { .. }), "{channel:?}");
        }
    }

    #[test]
    fn message_ids_are_read_where_messages_are_edited() {
        for (channel, body, id) in [
            (Channel::Discord, r#"{"id": "123"}"#, Some("123")),
            (Channel::Telegram, r#"{"ok": true, "result": {"message_id": 45}}"#, Some("45")),
            (Channel::Matrix, r#"{"event_id": "$e:example.org"}"#, Some("$e:example.org")),
            (Channel::Pagerduty, r#"{"status": "success", "dedup_key": "page-incident"}"#, Some("page-incident")),
            (Channel::Webhook, r#"{"id": "123"}"#, None),
            (Channel::Discord, "not JSON", None),
        ] {
            let delivered = EndpointOutcome::Delivered { message_id: id.map(str::to_owned) };
            assert_eq!(outcome(channel, 200, body), delivered, "{channel:?}");
        }
    }

    #[test]
    fn each_service_tells_that_an_endpoint_is_gone() {
        for (channel, status, body) in [
            (Channel::Slack, 404, "no_service"),
            (Channel::Slack, 403, "invalid_token"),
            (Channel::Teams, 404, ""),
            (Channel::Teams, 401, ""),
            (Channel::Discord, 404, r#"{"message": "Unknown Webhook", "code": 10015}"#),
            (Channel::GoogleChat, 403, ""),
            (Channel::Mattermost, 400, r#"{"id": "web.incoming_webhook.invalid.app_error"}"#),
            (Channel::Ntfy, 403, ""),
            (Channel::Telegram, 403, r#"{"ok": false, "description": "Forbidden: bot was blocked by the user"}"#),
            (Channel::Telegram, 400, r#"{"ok": false, "description": "Bad Request: chat not found"}"#),
            (Channel::Matrix, 403, r#"{"errcode": "M_FORBIDDEN"}"#),
            (Channel::Pagerduty, 400, r#"{"status": "invalid event", "errors": ["Invalid routing key"]}"#),
        ] {
            let found = outcome(channel, status, body);
            assert!(matches!(found, EndpointOutcome::Gone { .. }), "{channel:?} {status} {body}: {found:?}");
        }
        for (channel, status, body) in [
            (Channel::Slack, 400, "invalid_payload"),
            (Channel::Slack, 404, "<html>"),
            (Channel::Discord, 404, ""),
            (Channel::Mattermost, 400, r#"{"id": "api.unmarshal_error"}"#),
            (Channel::Telegram, 400, r#"{"description": "Bad Request: can't parse entities"}"#),
            (Channel::Matrix, 403, ""),
            (Channel::Pagerduty, 400, r#"{"errors": ["Length of 'summary' is incorrect"]}"#),
        ] {
            assert!(matches!(outcome(channel, status, body), EndpointOutcome::Retry { .. }), "{channel:?} {body}");
        }
    }

    #[test]
    fn missing_message_leads_to_the_replacement() {
        let attempt = |channel, status, body| read_answer(channel, &answer(status, &[], body));
        let discord = r#"{"message": "Unknown Message", "code": 10008}"#;
        assert_eq!(attempt(Channel::Discord, 404, discord), Attempt::NoSuchMessage);
        let telegram = r#"{"description": "Bad Request: message to edit not found"}"#;
        assert_eq!(attempt(Channel::Telegram, 400, telegram), Attempt::NoSuchMessage);
        let unchanged = r#"{"description": "Bad Request: message is not modified: it is the same"}"#;
        assert_eq!(outcome(Channel::Telegram, 400, unchanged), EndpointOutcome::Delivered { message_id: None });
    }

    #[test]
    fn retry_after_is_read_and_limited() {
        let date = "Sat, 28 Nov 2026 19:00:00 GMT";
        for (headers, body, seconds) in [
            (&[("retry-after", "7")][..], "", Some(7.0)),
            (&[("retry-after", "Sat, 28 Nov 2026 19:01:30 GMT"), ("date", date)], "", Some(90.0)),
            (&[("retry-after", "Sat, 28 Nov 2026 18:00:00 GMT"), ("date", date)], "", Some(0.0)),
            (&[("retry-after", "86400")], "", Some(1200.0)),
            (&[("retry-after", "-5")], "", Some(0.0)),
            (&[("retry-after", "NaN")], "", None),
            (&[("retry-after", "soon")], "", None),
            (&[], r#"{"retry_after": 0.5}"#, Some(0.5)),
            (&[], r#"{"parameters": {"retry_after": 31}}"#, Some(31.0)),
            (&[], r#"{"retry_after_ms": 2500}"#, Some(2.5)),
            (&[], "", None),
        ] {
            let found = match read_answer(Channel::Webhook, &answer(429, headers, body)) {
                Attempt::Outcome(EndpointOutcome::Retry { after, .. }) => after,
                other => panic!("{other:?}"),
            };
            assert_eq!(found.map(|after| after.as_secs_f64()), seconds, "{headers:?} {body}");
        }
    }

    #[test]
    fn reasons_do_not_repeat_the_answer() {
        let found = outcome(Channel::Webhook, 500, "<b>internal secret</b>");
        let reason = "the endpoint answered 500 Internal Server Error".to_owned();
        assert_eq!(found, EndpointOutcome::Retry { after: None, reason });
    }
}
