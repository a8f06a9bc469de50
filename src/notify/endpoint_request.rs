//! The request that each channel needs: method, URL, headers and body. What users typed enters a URL only as an encoded
//! segment or parameter.

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;

use super::standard_webhooks::{WebhookKeyPair, WebhookSecret, signature_headers};
use crate::domain::operator_endpoint::OperatorEndpoint;
use crate::domain::subscriber::{Channel, MAX_ENDPOINT};

/// Where the messages of a subscriber go, with its secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    Webhook {
        url: String,
        /// In the form `whsec_…`; the newest first. During a rotation there are two.
        secrets: Vec<String>,
    },
    Slack {
        url: String,
    },
    Teams {
        url: String,
    },
    Discord {
        url: String,
    },
    GoogleChat {
        url: String,
    },
    Operator(OperatorEndpoint),
}

/// A message on its way to one subscriber.
#[derive(Clone, Debug)]
pub struct OutgoingMessage<'a> {
    /// The same in every attempt: letters, digits, `-` and `_`.
    pub id: &'a str,
    pub body: MessageBody,
    /// The same for all messages of an incident.
    pub thread_key: &'a str,
    /// What [`EndpointOutcome::Delivered`](super::endpoint::EndpointOutcome) returned for the subscriber's earlier
    /// message of the same incident.
    pub previous_message_id: Option<&'a str>,
    /// The time of the attempt.
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub enum MessageBody {
    /// A webhook's body, sent and signed as it is.
    Text(String),
    /// A chat message, to which the target adds what it needs.
    Json(Value),
}

#[derive(Clone)]
pub struct EndpointRequest {
    pub channel: Channel,
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Sent instead if the message to edit no longer exists.
    pub replacement: Option<Box<EndpointRequest>>,
}

// Addresses and headers of endpoints are secrets.
impl std::fmt::Debug for EndpointRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointRequest").field("channel", &self.channel).field("host", &self.host()).finish()
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Target").field(&self.channel()).finish()
    }
}

impl EndpointRequest {
    /// In lower case.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    fn json(channel: Channel, method: Method, url: Url, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self { channel, method, url, headers, body: body.to_string(), replacement: None }
    }

    fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Target {
    pub fn channel(&self) -> Channel {
        match self {
            Self::Webhook { .. } => Channel::Webhook,
            Self::Slack { .. } => Channel::Slack,
            Self::Teams { .. } => Channel::Teams,
            Self::Discord { .. } => Channel::Discord,
            Self::GoogleChat { .. } => Channel::GoogleChat,
            Self::Operator(endpoint) => endpoint.channel(),
        }
    }

    /// The target of a subscriber from its decrypted endpoint and secret.
    pub fn from_stored(channel: Channel, endpoint: String, secret: Option<String>) -> Result<Self, &'static str> {
        let url = endpoint;
        Ok(match channel {
            Channel::Email => return Err("an e-mail address is no endpoint"),
            Channel::Webhook => Self::Webhook { url, secrets: secret.into_iter().collect() },
            Channel::Slack => Self::Slack { url },
            Channel::Teams => Self::Teams { url },
            Channel::Discord => Self::Discord { url },
            Channel::GoogleChat => Self::GoogleChat { url },
            Channel::Mattermost | Channel::Ntfy | Channel::Telegram | Channel::Matrix | Channel::Pagerduty => {
                let endpoint = OperatorEndpoint::from_text(channel, &url);
                Self::Operator(endpoint.ok_or("the stored endpoint is of another channel")?)
            }
        })
    }

    /// The URL that requests go to, without what a message adds.
    fn url(&self) -> Result<Url, &'static str> {
        parse_endpoint_url(match self {
            Self::Webhook { url, .. }
            | Self::Slack { url }
            | Self::Teams { url }
            | Self::Discord { url }
            | Self::GoogleChat { url } => url,
            Self::Operator(endpoint) => endpoint.server(),
        })
    }

    /// The request for `message`. Fails with a sentence for the log if the stored target or the kind of body is wrong.
    pub fn request(
        &self,
        message: &OutgoingMessage<'_>,
        key_pair: Option<&WebhookKeyPair>,
    ) -> Result<EndpointRequest, &'static str> {
        let url = self.url()?;
        match (self, &message.body) {
            (Self::Webhook { secrets, .. }, MessageBody::Text(body)) => {
                let secrets: Vec<WebhookSecret> =
                    secrets.iter().filter_map(|text| WebhookSecret::parse(text)).collect();
                let headers = signature_headers(message.id, message.now, body, &secrets, key_pair);
                Ok(webhook_request(url, headers, body.clone()))
            }
            (Self::Slack { .. } | Self::Teams { .. }, MessageBody::Json(body)) => {
                Ok(EndpointRequest::json(self.channel(), Method::POST, url, body))
            }
            (Self::Discord { .. }, MessageBody::Json(body)) => {
                Ok(discord_request(&url, message.previous_message_id, body))
            }
            (Self::GoogleChat { .. }, MessageBody::Json(body)) => {
                Ok(google_chat_request(url, message.thread_key, body.clone()))
            }
            (Self::Operator(endpoint), MessageBody::Json(body)) => operator_request(endpoint, url, message, body),
            _ => Err("the body is not of this channel"),
        }
    }
}

/// The URL of an endpoint that a visitor or a manager typed, and the channel that its host belongs to. Fails with a
/// sentence for that person. The HTTP client checks the address again at every request.
pub fn parse_visitor_url(text: &str) -> Result<(Channel, Url), &'static str> {
    // The parser drops these silently, so the URL would not be the one that was typed.
    if text.trim().contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("Enter a complete URL that begins with https://.");
    }
    let url = parse_endpoint_url(text)?;
    let channel = url.host_str().and_then(Channel::of_host).unwrap_or(Channel::Webhook);
    let path = url.path();
    match channel {
        Channel::Slack if !path.starts_with("/services/") => {
            Err("Enter the URL of an incoming webhook. It begins with https://hooks.slack.com/services/.")
        }
        Channel::Discord if !is_discord_webhook(path) => {
            Err("Enter the URL of a webhook. It begins with https://discord.com/api/webhooks/.")
        }
        Channel::GoogleChat if !path.starts_with("/v1/spaces/") => {
            Err("Enter the URL of a webhook. It begins with https://chat.googleapis.com/v1/spaces/.")
        }
        channel => Ok((channel, url)),
    }
}

/// An absolute http or https URL without name and password. Only the operator's hosts are requested without TLS: the
/// HTTP client checks that.
fn parse_endpoint_url(text: &str) -> Result<Url, &'static str> {
    let text = text.trim();
    if text.len() > MAX_ENDPOINT {
        return Err("The URL is too long: at most 1,000 characters.");
    }
    let mut url = Url::parse(text).map_err(|_| "Enter a complete URL that begins with https://.")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("Enter a complete URL that begins with https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The URL must not contain a user name or a password.");
    }
    url.set_fragment(None);
    Ok(url)
}

fn webhook_request(url: Url, signature: Vec<(&'static str, String)>, body: String) -> EndpointRequest {
    let mut request = EndpointRequest::json(Channel::Webhook, Method::POST, url, &Value::Null);
    request.headers.extend(signature);
    request.body = body;
    request
}

/// The first message is posted, with `wait` so that Discord returns its id; later ones edit it. A `thread_id` in the
/// URL stays.
fn discord_request(url: &Url, message_id: Option<&str>, body: &Value) -> EndpointRequest {
    let mut post = url.clone();
    post.query_pairs_mut().append_pair("wait", "true");
    let post = EndpointRequest::json(Channel::Discord, Method::POST, post, body);
    let Some(id) = message_id.filter(|id| is_number(id)) else { return post };
    let mut edit = url.clone();
    if let Ok(mut path) = edit.path_segments_mut() {
        path.pop_if_empty().extend(["messages", id]);
    }
    let edit = EndpointRequest::json(Channel::Discord, Method::PATCH, edit, body);
    EndpointRequest { replacement: Some(Box::new(post)), ..edit }
}

fn google_chat_request(mut url: Url, thread_key: &str, body: Value) -> EndpointRequest {
    url.query_pairs_mut().append_pair("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
    let body = with_keys(body, [("thread", json!({"threadKey": thread_key}))]);
    EndpointRequest::json(Channel::GoogleChat, Method::POST, url, &body)
}

fn operator_request(
    endpoint: &OperatorEndpoint,
    server: Url,
    message: &OutgoingMessage<'_>,
    body: &Value,
) -> Result<EndpointRequest, &'static str> {
    match endpoint {
        OperatorEndpoint::Mattermost { .. } => {
            Ok(EndpointRequest::json(Channel::Mattermost, Method::POST, server, body))
        }
        OperatorEndpoint::Ntfy { topic, token, .. } => Ok(ntfy_request(server, topic, token, body.clone())),
        OperatorEndpoint::Telegram { token, chat } => {
            telegram_request(&server, token, chat, message.previous_message_id, body)
        }
        OperatorEndpoint::Matrix { room, token, .. } => matrix_request(server, (room, message.id), token, body),
        OperatorEndpoint::Pagerduty { routing_key } => {
            let body = with_keys(body.clone(), [("routing_key", json!(routing_key))]);
            let url = with_segments(server, &["v2", "enqueue"])?;
            Ok(EndpointRequest::json(Channel::Pagerduty, Method::POST, url, &body))
        }
    }
}

/// `token` is empty for a topic that needs none.
fn ntfy_request(mut server: Url, topic: &str, token: &str, body: Value) -> EndpointRequest {
    server.set_path("/");
    let request =
        EndpointRequest::json(Channel::Ntfy, Method::POST, server, &with_keys(body, [("topic", json!(topic))]));
    if token.is_empty() { request } else { request.with_header("authorization", format!("Bearer {token}")) }
}

/// Fails if a part of the URL can't be one.
fn telegram_request(
    api: &Url,
    token: &str,
    chat: &str,
    message_id: Option<&str>,
    body: &Value,
) -> Result<EndpointRequest, &'static str> {
    let url = |method| with_segments(api.clone(), &[&format!("bot{token}"), method]);
    let post = with_keys(body.clone(), [("chat_id", json!(chat))]);
    let post = EndpointRequest::json(Channel::Telegram, Method::POST, url("sendMessage")?, &post);
    let Some(id) = message_id.and_then(|id| id.parse::<i64>().ok()) else { return Ok(post) };
    let edit = with_keys(body.clone(), [("chat_id", json!(chat)), ("message_id", json!(id))]);
    let edit = EndpointRequest::json(Channel::Telegram, Method::POST, url("editMessageText")?, &edit);
    Ok(EndpointRequest { replacement: Some(Box::new(post)), ..edit })
}

/// With the same transaction id, the server stores a repeated message only once.
fn matrix_request(
    homeserver: Url,
    (room_id, transaction_id): (&str, &str),
    token: &str,
    body: &Value,
) -> Result<EndpointRequest, &'static str> {
    let path = ["_matrix", "client", "v3", "rooms", room_id, "send", "m.room.message", transaction_id];
    let url = with_segments(homeserver, &path)?;
    let request = EndpointRequest::json(Channel::Matrix, Method::PUT, url, body);
    Ok(request.with_header("authorization", format!("Bearer {token}")))
}

/// Appends encoded path segments.
fn with_segments(mut url: Url, segments: &[&str]) -> Result<Url, &'static str> {
    if segments.iter().any(|segment| matches!(*segment, "." | ".." | "")) {
        return Err("a part of the URL is empty or leads to another path");
    }
    url.path_segments_mut().map_err(|()| "the URL has no path")?.pop_if_empty().extend(segments);
    Ok(url)
}

fn with_keys(mut body: Value, keys: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.extend(keys.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
    body
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `/api/webhooks/ID/TOKEN`, also with a version of the API.
fn is_discord_webhook(path: &str) -> bool {
    let mut parts = path.trim_end_matches('/').split('/').skip(1);
    if parts.next() != Some("api") {
        return false;
    }
    let mut next = parts.next();
    if next.is_some_and(|part| part.strip_prefix('v').is_some_and(is_number)) {
        next = parts.next();
    }
    let id = parts.next();
    next == Some("webhooks") && id.is_some_and(is_number) && parts.next().is_some() && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(body: MessageBody, previous_message_id: Option<&'a str>) -> OutgoingMessage<'a> {
        let now = DateTime::UNIX_EPOCH;
        OutgoingMessage { id: "delivery1", body, thread_key: "page-incident", previous_message_id, now }
    }

    fn request(target: &Target, previous: Option<&str>) -> EndpointRequest {
        target.request(&message(MessageBody::Json(json!({"text": "x"})), previous), None).unwrap()
    }

    fn body(request: &EndpointRequest) -> Value {
        serde_json::from_str(&request.body).unwrap()
    }

    fn visitor_target(url: &str) -> Target {
        let (channel, url) = parse_visitor_url(url).unwrap();
        Target::from_stored(channel, url.into(), Some(WebhookSecret::generate().reveal())).unwrap()
    }

    fn discord() -> Target {
        visitor_target("https://discord.com/api/webhooks/123/to-ken?thread_id=9#x")
    }

    fn telegram() -> Target {
        Target::Operator(OperatorEndpoint::Telegram { token: "12:Ab-c_d".into(), chat: "-100200".into() })
    }

    #[test]
    fn visitor_urls_lead_to_the_channel_of_their_host() {
        for (url, channel) in [
            ("https://hooks.slack.com/services/T0/B0/x", Channel::Slack),
            ("https://chat.googleapis.com/v1/spaces/S/messages?key=k&token=t", Channel::GoogleChat),
            ("https://prod-1.westeurope.logic.azure.com/workflows/x", Channel::Teams),
            ("https://hooks.example.org/a?b=c", Channel::Webhook),
        ] {
            assert_eq!(visitor_target(url).channel(), channel, "{url}");
        }
        let long = format!("https://example.org/{}", "a".repeat(MAX_ENDPOINT));
        for bad in [
            "",
            "example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user:word@example.org/",
            "https://example.org/a b",
            "https://example.org\\@evil.example/",
            "https://hooks.slack.com/workflows/T0",
            "https://discord.com/api/webhooks/abc/token",
            "https://discord.com/api/webhooks/1/token/slack",
            "https://discord.com/channels/1/2",
            "https://chat.googleapis.com/",
            &long,
        ] {
            assert!(parse_visitor_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn webhook_body_is_signed_as_sent() {
        let target = visitor_target("https://hooks.example.org/a?b=c");
        let sent = target.request(&message(MessageBody::Text("{\"b\": 1}".into()), None), None).unwrap();
        assert_eq!((sent.method, sent.url.as_str()), (Method::POST, "https://hooks.example.org/a?b=c"));
        assert_eq!(sent.body, "{\"b\": 1}");
        let names: Vec<&str> = sent.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]);
    }

    #[test]
    fn discord_posts_first_and_edits_later() {
        let first = request(&discord(), None);
        assert_eq!(first.method, Method::POST);
        assert_eq!(first.url.as_str(), "https://discord.com/api/webhooks/123/to-ken?thread_id=9&wait=true");
        let later = request(&discord(), Some("456"));
        assert_eq!(later.method, Method::PATCH);
        assert_eq!(later.url.as_str(), "https://discord.com/api/webhooks/123/to-ken/messages/456?thread_id=9");
        assert_eq!(later.replacement.unwrap().url, first.url);
        assert_eq!(request(&discord(), Some("../x")).method, Method::POST, "an id is a number");
    }

    #[test]
    fn telegram_sends_first_and_edits_later() {
        let first = request(&telegram(), None);
        assert_eq!(first.url.as_str(), "https://api.telegram.org/bot12:Ab-c_d/sendMessage");
        assert_eq!(body(&first), json!({"text": "x", "chat_id": "-100200"}));
        let later = request(&telegram(), Some("55"));
        assert_eq!(later.url.as_str(), "https://api.telegram.org/bot12:Ab-c_d/editMessageText");
        assert_eq!(body(&later), json!({"text": "x", "chat_id": "-100200", "message_id": 55}));
        assert_eq!(later.replacement.unwrap().url, first.url);
    }

    #[test]
    fn google_chat_keeps_an_incident_in_one_thread() {
        let target = visitor_target("https://chat.googleapis.com/v1/spaces/S/messages?key=k");
        let sent = request(&target, None);
        assert!(sent.url.as_str().ends_with("?key=k&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"));
        assert_eq!(body(&sent)["thread"], json!({"threadKey": "page-incident"}));
    }

    #[test]
    fn matrix_ntfy_and_pagerduty_get_their_keys() {
        let operator = |endpoint| request(&Target::Operator(endpoint), None);
        let (server, room) = ("https://m.example.org".to_owned(), "!a/b?c:example.org".to_owned());
        let sent = operator(OperatorEndpoint::Matrix { server, room, token: "secret".into() });
        assert_eq!(sent.method, Method::PUT);
        let path = "/_matrix/client/v3/rooms/!a%2Fb%3Fc:example.org/send/m.room.message/delivery1";
        assert_eq!(sent.url.path(), path);
        assert!(sent.headers.contains(&("authorization", "Bearer secret".into())));
        let server = "https://ntfy.example.org/ignored".to_owned();
        let sent = operator(OperatorEndpoint::Ntfy { server, topic: "alerts".into(), token: String::new() });
        assert_eq!((sent.url.as_str(), &body(&sent)["topic"]), ("https://ntfy.example.org/", &json!("alerts")));
        assert!(!sent.headers.iter().any(|(name, _)| *name == "authorization"), "{:?}", sent.headers);
        let sent = operator(OperatorEndpoint::Pagerduty { routing_key: "R0".into() });
        let url = "https://events.pagerduty.com/v2/enqueue";
        assert_eq!((sent.url.as_str(), &body(&sent)["routing_key"]), (url, &json!("R0")));
    }

    #[test]
    fn parts_that_change_the_path_are_rejected() {
        for segment in ["..", ".", ""] {
            assert!(with_segments(Url::parse("https://a.example").unwrap(), &[segment, "x"]).is_err(), "{segment}");
        }
        let url = with_segments(Url::parse("https://a.example").unwrap(), &["a/../b?c#d"]).unwrap();
        assert_eq!(url.as_str(), "https://a.example/a%2F..%2Fb%3Fc%23d");
    }

    #[test]
    fn debug_output_hides_addresses_and_secrets() {
        let shown = format!("{:?} {:?} {:?}", discord(), telegram(), request(&discord(), Some("456")));
        assert!(!shown.contains("to-ken") && !shown.contains("Ab-c_d"), "{shown}");
    }

    #[test]
    fn stored_endpoint_must_be_of_its_channel() {
        let pagerduty = OperatorEndpoint::Pagerduty { routing_key: "R0".into() };
        let target = Target::from_stored(Channel::Pagerduty, pagerduty.to_text(), None).unwrap();
        assert_eq!(target, Target::Operator(pagerduty.clone()));
        assert!(Target::from_stored(Channel::Ntfy, pagerduty.to_text(), None).is_err());
        assert!(Target::from_stored(Channel::Email, "ines@example.org".into(), None).is_err());
    }
}
