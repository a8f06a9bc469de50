//! Channels that an operator sets up with a credential: where messages go, and with what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::subscriber::{Channel, MAX_ENDPOINT};

/// Of a credential, a room or a chat, in bytes.
const MAX_KEY: usize = 300;

/// Stored encrypted: as a URL for Mattermost, as JSON for the others.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum OperatorEndpoint {
    Mattermost {
        /// The incoming webhook; its path is the credential.
        url: String,
    },
    Ntfy {
        /// The URL of the server.
        server: String,
        topic: String,
        /// Empty for a topic that needs none.
        token: String,
    },
    Telegram {
        token: String,
        /// The id of the chat, or `@channel`.
        chat: String,
    },
    Matrix {
        /// The URL of the homeserver.
        server: String,
        /// `!room:server`.
        room: String,
        token: String,
    },
    Pagerduty {
        /// The integration key of an Events API v2 integration.
        routing_key: String,
    },
}

/// Names the channel only: the rest holds credentials.
impl fmt::Debug for OperatorEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OperatorEndpoint").field(&self.channel()).finish()
    }
}

impl OperatorEndpoint {
    pub const CHANNELS: [Channel; 5] =
        [Channel::Mattermost, Channel::Ntfy, Channel::Telegram, Channel::Matrix, Channel::Pagerduty];

    pub fn channel(&self) -> Channel {
        match self {
            Self::Mattermost { .. } => Channel::Mattermost,
            Self::Ntfy { .. } => Channel::Ntfy,
            Self::Telegram { .. } => Channel::Telegram,
            Self::Matrix { .. } => Channel::Matrix,
            Self::Pagerduty { .. } => Channel::Pagerduty,
        }
    }

    /// The URL of the server that gets the messages.
    pub fn server(&self) -> &str {
        match self {
            Self::Mattermost { url } => url,
            Self::Ntfy { server, .. } | Self::Matrix { server, .. } => server,
            Self::Telegram { .. } => "https://api.telegram.org",
            Self::Pagerduty { .. } => "https://events.pagerduty.com",
        }
    }

    /// What tells two endpoints of a channel apart, without credentials that may be renewed.
    pub fn target(&self) -> String {
        match self {
            Self::Mattermost { url } => url.clone(),
            Self::Ntfy { server, topic, .. } => format!("{server} {topic}"),
            Self::Telegram { chat, .. } => chat.clone(),
            Self::Matrix { server, room, .. } => format!("{server} {room}"),
            Self::Pagerduty { routing_key } => routing_key.clone(),
        }
    }

    /// The text to encrypt.
    pub fn to_text(&self) -> String {
        match self {
            Self::Mattermost { url } => url.clone(),
            other => serde_json::to_string(other).unwrap_or_default(),
        }
    }

    /// The endpoint of a decrypted text; `None` if it is not one of `channel`.
    pub fn from_text(channel: Channel, text: &str) -> Option<Self> {
        if channel == Channel::Mattermost {
            return Some(Self::Mattermost { url: text.to_owned() });
        }
        serde_json::from_str::<Self>(text).ok().filter(|endpoint| endpoint.channel() == channel)
    }

    /// Whether every part is present, short and free of spaces and control characters.
    pub fn is_complete(&self) -> bool {
        let is_url = |text: &str| {
            (1..=MAX_ENDPOINT).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        let is_key = |text: &str| (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Mattermost { url } => is_url(url),
            Self::Ntfy { server, topic, token } => {
                is_url(server)
                    && (1..=64).contains(&topic.len())
                    && is_plain(topic)
                    && (token.is_empty() || is_key(token))
            }
            Self::Telegram { token, chat } => is_telegram_token(token) && is_key(chat),
            Self::Matrix { server, room, token } => {
                is_url(server) && room.starts_with('!') && is_key(room) && is_key(token)
            }
            Self::Pagerduty { routing_key } => is_key(routing_key) && routing_key.len() <= 100,
        }
    }
}

/// Letters, digits, `-` and `_`.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// `123456:ABC-DEF`
fn is_telegram_token(text: &str) -> bool {
    let Some((bot, key)) = text.split_once(':') else { return false };
    let is_number = (1..=20).contains(&bot.len()) && bot.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 100 && is_number && !key.is_empty() && is_plain(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [OperatorEndpoint; 5] {
        [
            OperatorEndpoint::Mattermost { url: "https://chat.example.org/hooks/x".into() },
            OperatorEndpoint::Ntfy { server: "https://ntfy.sh".into(), topic: "harbor".into(), token: String::new() },
            OperatorEndpoint::Telegram { token: "1:a".into(), chat: "-100".into() },
            OperatorEndpoint::Matrix {
                server: "https://matrix.example.org".into(),
                room: "!r:example.org".into(),
                token: "t".into(),
            },
            OperatorEndpoint::Pagerduty { routing_key: "k".into() },
        ]
    }

    #[test]
    fn stored_text_leads_back_to_the_endpoint() {
        for (endpoint, channel) in all().into_iter().zip(OperatorEndpoint::CHANNELS) {
            assert_eq!(OperatorEndpoint::from_text(channel, &endpoint.to_text()), Some(endpoint.clone()));
            assert!(endpoint.is_complete());
            assert!(!format!("{endpoint:?}").contains("example"), "{endpoint:?}");
        }
        assert_eq!(OperatorEndpoint::from_text(Channel::Ntfy, &all()[4].to_text()), None);
    }

    #[test]
    fn incomplete_endpoints_are_detected() {
        let text = str::to_owned;
        let ntfy = |topic: &str, token: &str| OperatorEndpoint::Ntfy {
            server: text("https://ntfy.example"),
            topic: text(topic),
            token: text(token),
        };
        let telegram = |token: &str| OperatorEndpoint::Telegram { token: text(token), chat: text("1") };
        let matrix = |room: &str, token: &str| OperatorEndpoint::Matrix {
            server: text("https://matrix.example"),
            room: text(room),
            token: text(token),
        };
        let topics = ["", "a/b", "a b", "ä", &"a".repeat(65)].map(|topic| ntfy(topic, ""));
        let tokens = ["", "12", "12:", "12:a/b", "12:a?b", "x:abc", "12:a\r\nb"].map(telegram);
        let rooms = [("room", "x"), ("!r:a", ""), ("!r:a", "a\r\nb: c"), ("!r a", "x")]
            .map(|(room, token)| matrix(room, token));
        let others = [ntfy("harbor", "a b"), OperatorEndpoint::Pagerduty { routing_key: text("a b") }];
        for endpoint in topics.into_iter().chain(tokens).chain(rooms).chain(others) {
            assert!(!endpoint.is_complete(), "{:?} {}", endpoint, endpoint.to_text());
        }
    }
}
