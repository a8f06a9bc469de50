//! Channels that an operator sets up with a credential: where messages go, and with what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::subscriber::{Channel, MAX_ENDPOINT};

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
        let is_token = |text: &str| {
            (1..=MAX_ENDPOINT).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        match self {
            Self::Mattermost { url } => is_token(url),
            Self::Ntfy { server, topic, token } => {
                let is_topic =
                    topic.len() <= 64 && topic.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
                is_token(server) && is_token(topic) && is_topic && (token.is_empty() || is_token(token))
            }
            Self::Telegram { token, chat } => is_token(token) && is_token(chat) && !token.contains('/'),
            Self::Matrix { server, room, token } => {
                is_token(server) && room.starts_with('!') && is_token(room) && is_token(token)
            }
            Self::Pagerduty { routing_key } => is_token(routing_key) && routing_key.len() <= 100,
        }
    }
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
        for endpoint in [
            OperatorEndpoint::Ntfy { server: "https://ntfy.sh".into(), topic: "a/b".into(), token: String::new() },
            OperatorEndpoint::Telegram { token: "a/b".into(), chat: "1".into() },
            OperatorEndpoint::Matrix { server: "https://m".into(), room: "r".into(), token: "t".into() },
            OperatorEndpoint::Pagerduty { routing_key: "a b".into() },
        ] {
            assert!(!endpoint.is_complete(), "{endpoint:?}");
        }
    }
}
