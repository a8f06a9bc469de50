//! The request that each channel needs: method, URL, headers and body. What users typed enters a URL only as an encoded
//! segment or parameter.

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::standard_webhooks::{WebhookKeyPair, WebhookSecret, signature_headers};
use crate::domain::subscriber::{Channel, MAX_ENDPOINT};

const TELEGRAM: &str = "https://api.telegram.org/";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Where the messages of a subscriber go, with its secrets: stored encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
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
    Mattermost {
        url: String,
    },
    Ntfy {
        server: String,
        topic: String,
        token: Option<String>,
    },
    Telegram {
        token: String,
        chat_id: String,
        /// The topic of a group.
        thread_id: Option<i64>,
    },
    Matrix {
        homeserver: String,
        room_id: String,
        token: String,
    },
    Pagerduty {
        routing_key: String,
    },
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
            Self::Mattermost { .. } => Channel::Mattermost,
            Self::Ntfy { .. } => Channel::Ntfy,
            Self::Telegram { .. } => Channel::Telegram,
            Self::Matrix { .. } => Channel::Matrix,
            Self::Pagerduty { .. } => Channel::Pagerduty,
        }
    }

    /// The target of a URL that a visitor typed, on the channel that its host belongs to. A webhook gets a new secret.
    pub fn from_visitor_url(text: &str) -> Result<Self, &'static str> {
        let url = parse_endpoint_url(text)?;
        let target = match url.host_str().and_then(Channel::of_host) {
            Some(Channel::Slack) => Self::Slack { url: url.into() },
            Some(Channel::Teams) => Self::Teams { url: url.into() },
            Some(Channel::Discord) => Self::Discord { url: url.into() },
            Some(Channel::GoogleChat) => Self::GoogleChat { url: url.into() },
            _ => Self::Webhook { url: url.into(), secrets: vec![WebhookSecret::generate().reveal()] },
        };
        target.check().map(|()| target)
    }

    /// The URL that requests go to, without what a message adds.
    pub fn url(&self) -> Result<Url, &'static str> {
        match self {
            Self::Webhook { url, .. }
            | Self::Slack { url }
            | Self::Teams { url }
            | Self::Discord { url }
            | Self::GoogleChat { url }
            | Self::Mattermost { url } => parse_endpoint_url(url),
            Self::Ntfy { server, .. } => parse_endpoint_url(server),
            Self::Matrix { homeserver, .. } => parse_endpoint_url(homeserver),
            Self::Telegram { .. } => parse_endpoint_url(TELEGRAM),
            Self::Pagerduty { .. } => parse_endpoint_url(PAGERDUTY),
        }
    }

    /// Fails with a sentence for the person who typed it. The HTTP client checks addresses again at every request.
    pub fn check(&self) -> Result<(), &'static str> {
        let url = self.url()?;
        let path = url.path();
        let is_key = |text: &str| !text.is_empty() && text.len() <= 300 && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Webhook { secrets, .. } if secrets.iter().any(|secret| WebhookSecret::parse(secret).is_none()) => {
                Err("A secret must begin with whsec_ and have 24 to 64 bytes in base64.")
            }
            Self::Slack { .. } if !path.starts_with("/services/") => {
                Err("Enter the URL of an incoming webhook. It begins with https://hooks.slack.com/services/.")
            }
            Self::Discord { .. } if !is_discord_webhook(path) => {
                Err("Enter the URL of a webhook. It begins with https://discord.com/api/webhooks/.")
            }
            Self::GoogleChat { .. } if !path.starts_with("/v1/spaces/") => {
                Err("Enter the URL of a webhook. It begins with https://chat.googleapis.com/v1/spaces/.")
            }
            Self::Ntfy { topic, token, .. } if !is_topic(topic) || !token.as_deref().is_none_or(is_key) => {
                Err("A topic has 1 to 64 letters, digits, - and _; a token has no spaces.")
            }
            Self::Telegram { token, chat_id, .. } if !is_telegram_token(token) || !is_key(chat_id) => {
                Err("Enter the bot's token, like 123456:ABC-DEF, and the id of the chat.")
            }
            Self::Matrix { room_id, token, .. } if !room_id.starts_with('!') || !is_key(room_id) || !is_key(token) => {
                Err("Enter the room's id, which begins with !, and an access token.")
            }
            Self::Pagerduty { routing_key } if !is_key(routing_key) => Err("Enter the integration key of the service."),
            _ => Ok(()),
        }
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
            (Self::Slack { .. } | Self::Teams { .. } | Self::Mattermost { .. }, MessageBody::Json(body)) => {
                Ok(EndpointRequest::json(self.channel(), Method::POST, url, body))
            }
            (Self::Discord { .. }, MessageBody::Json(body)) => {
                Ok(discord_request(&url, message.previous_message_id, body))
            }
            (Self::GoogleChat { .. }, MessageBody::Json(body)) => {
                Ok(google_chat_request(url, message.thread_key, body.clone()))
            }
            (Self::Ntfy { topic, token, .. }, MessageBody::Json(body)) => {
                Ok(ntfy_request(url, topic, token.as_deref(), body.clone()))
            }
            (Self::Telegram { token, chat_id, thread_id }, MessageBody::Json(body)) => {
                telegram_request(&url, token, (chat_id, *thread_id), message.previous_message_id, body)
            }
            (Self::Matrix { room_id, token, .. }, MessageBody::Json(body)) => {
                matrix_request(url, (room_id, message.id), token, body)
            }
            (Self::Pagerduty { routing_key }, MessageBody::Json(body)) => {
                let body = with_keys(body.clone(), [("routing_key", json!(routing_key))]);
                Ok(EndpointRequest::json(Channel::Pagerduty, Method::POST, url, &body))
            }
            _ => Err("the body is not of this channel"),
        }
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

fn ntfy_request(mut server: Url, topic: &str, token: Option<&str>, body: Value) -> EndpointRequest {
    server.set_path("/");
    let request =
        EndpointRequest::json(Channel::Ntfy, Method::POST, server, &with_keys(body, [("topic", json!(topic))]));
    match token {
        Some(token) => request.with_header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// Fails if a part of the URL can't be one.
fn telegram_request(
    api: &Url,
    token: &str,
    (chat_id, thread_id): (&str, Option<i64>),
    message_id: Option<&str>,
    body: &Value,
) -> Result<EndpointRequest, &'static str> {
    let url = |method| with_segments(api.clone(), &[&format!("bot{token}"), method]);
    let mut keys = vec![("chat_id", json!(chat_id))];
    keys.extend(thread_id.map(|id| ("message_thread_id", json!(id))));
    let post = with_keys(body.clone(), keys);
    let post = EndpointRequest::json(Channel::Telegram, Method::POST, url("sendMessage")?, &post);
    let Some(id) = message_id.and_then(|id| id.parse::<i64>().ok()) else { return Ok(post) };
    let edit = with_keys(body.clone(), [("chat_id", json!(chat_id)), ("message_id", json!(id))]);
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

fn is_topic(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

fn is_telegram_token(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let parts = text.split_once(':');
    text.len() <= 100 && parts.is_some_and(|(bot, key)| is_number(bot) && !key.is_empty() && key.bytes().all(is_plain))
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
        target.check().unwrap();
        target.request(&message(MessageBody::Json(json!({"text": "x"})), previous), None).unwrap()
    }

    fn body(request: &EndpointRequest) -> Value {
        serde_json::from_str(&request.body).unwrap()
    }

    fn discord() -> Target {
        Target::from_visitor_url("https://discord.com/api/webhooks/123/to-ken?thread_id=9#x").unwrap()
    }

    fn telegram() -> Target {
        Target::Telegram { token: "12:Ab-c_d".into(), chat_id: "-100200".into(), thread_id: Some(7) }
    }

    #[test]
    fn visitor_urls_lead_to_the_channel_of_their_host() {
        for (url, channel) in [
            ("https://hooks.slack.com/services/T0/B0/x", Channel::Slack),
            ("https://chat.googleapis.com/v1/spaces/S/messages?key=k&token=t", Channel::GoogleChat),
            ("https://prod-1.westeurope.logic.azure.com/workflows/x", Channel::Teams),
            ("https://hooks.example.org/a?b=c", Channel::Webhook),
        ] {
            assert_eq!(Target::from_visitor_url(url).unwrap().channel(), channel, "{url}");
        }
        let long = format!("https://example.org/{}", "a".repeat(MAX_ENDPOINT));
        for bad in [
            "",
            "example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user:word@example.org/",
            "https://hooks.slack.com/workflows/T0",
            "https://discord.com/api/webhooks/abc/token",
            "https://discord.com/api/webhooks/1/token/slack",
            "https://discord.com/channels/1/2",
            "https://chat.googleapis.com/",
            &long,
        ] {
            assert!(Target::from_visitor_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn webhook_body_is_signed_as_sent() {
        let target = Target::from_visitor_url("https://hooks.example.org/a?b=c").unwrap();
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
        assert_eq!(body(&first), json!({"text": "x", "chat_id": "-100200", "message_thread_id": 7}));
        let later = request(&telegram(), Some("55"));
        assert_eq!(later.url.as_str(), "https://api.telegram.org/bot12:Ab-c_d/editMessageText");
        assert_eq!(body(&later), json!({"text": "x", "chat_id": "-100200", "message_id": 55}));
        assert_eq!(later.replacement.unwrap().url, first.url);
    }

    #[test]
    fn google_chat_keeps_an_incident_in_one_thread() {
        let target = Target::from_visitor_url("https://chat.googleapis.com/v1/spaces/S/messages?key=k").unwrap();
        let sent = request(&target, None);
        assert!(sent.url.as_str().ends_with("?key=k&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"));
        assert_eq!(body(&sent)["thread"], json!({"threadKey": "page-incident"}));
    }

    #[test]
    fn matrix_ntfy_and_pagerduty_get_their_keys() {
        let room_id = "!a/b?c:example.org".to_owned();
        let target = Target::Matrix { homeserver: "https://m.example.org".into(), room_id, token: "secret".into() };
        let sent = request(&target, None);
        assert_eq!(sent.method, Method::PUT);
        let path = "/_matrix/client/v3/rooms/!a%2Fb%3Fc:example.org/send/m.room.message/delivery1";
        assert_eq!(sent.url.path(), path);
        assert!(sent.headers.contains(&("authorization", "Bearer secret".into())));
        let server = "https://ntfy.example.org/ignored".to_owned();
        let sent = request(&Target::Ntfy { server, topic: "alerts".into(), token: None }, None);
        assert_eq!((sent.url.as_str(), &body(&sent)["topic"]), ("https://ntfy.example.org/", &json!("alerts")));
        let sent = request(&Target::Pagerduty { routing_key: "R0".into() }, None);
        assert_eq!((sent.url.as_str(), &body(&sent)["routing_key"]), (PAGERDUTY, &json!("R0")));
    }

    #[test]
    fn parts_that_change_the_path_are_rejected() {
        for token in ["", "12", "12:", "12:a/b", "12:a?b", "x:abc", "12:a\r\nb"] {
            let target = Target::Telegram { token: token.into(), chat_id: "1".into(), thread_id: None };
            assert!(target.check().is_err(), "{token:?}");
        }
        for topic in ["", "a/b", "a b", "ä", &"a".repeat(65)] {
            let target = Target::Ntfy { server: "https://n.example".into(), topic: topic.into(), token: None };
            assert!(target.check().is_err(), "{topic}");
        }
        for (room, token) in [("room", "x"), ("!r:a", ""), ("!r:a", "a\r\nb: c"), ("!r a", "x")] {
            let homeserver = "https://m.example".to_owned();
            let target = Target::Matrix { homeserver, room_id: room.into(), token: token.into() };
            assert!(target.check().is_err(), "{room} {token:?}");
        }
        assert!(with_segments(Url::parse("https://a.example").unwrap(), &["..", "x"]).is_err());
    }

    #[test]
    fn debug_output_hides_addresses_and_secrets() {
        let shown = format!("{:?} {:?} {:?}", discord(), telegram(), request(&discord(), Some("456")));
        assert!(!shown.contains("to-ken") && !shown.contains("Ab-c_d"), "{shown}");
    }

    #[test]
    fn targets_survive_storing() {
        for target in [discord(), telegram(), Target::Pagerduty { routing_key: "R0".into() }] {
            let stored = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<Target>(&stored).unwrap(), target);
            assert!(stored.contains(&format!("\"channel\":\"{}\"", target.channel().key())), "{stored}");
        }
    }
}
