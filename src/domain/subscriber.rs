//! Subscribers: where messages go, what a subscriber wants to hear about, and the states of a subscription.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, IncidentId, SubscriberId};

/// In bytes (RFC 5321).
pub const MAX_EMAIL: usize = 254;
/// In bytes.
pub const MAX_ENDPOINT: usize = 1000;
/// A subscription that was not confirmed is deleted after this.
pub const UNCONFIRMED_LIFETIME: TimeDelta = TimeDelta::hours(48);
/// A quarantined subscription is deleted after this (as at Statuspage).
pub const QUARANTINE_LIFETIME: TimeDelta = TimeDelta::days(90);
/// How long the keyed hash of an unsubscribed address is kept, so that an import does not add it again.
pub const SUPPRESSION_LIFETIME: TimeDelta = TimeDelta::days(90);
/// The version of the consent text that the subscribe page shows; it is stored with every subscription.
pub const CONSENT_VERSION: i64 = 1;
/// Change the version with the text.
pub const CONSENT_TEXT: &str = "By subscribing, you agree to get these updates. Your address is used for nothing else, \
                                and you can unsubscribe at any time.";

/// How long a message may wait to be sent until the queue counts as stuck.
pub const MAX_WAIT: TimeDelta = TimeDelta::minutes(15);

/// Whether the oldest waiting message waits too long.
pub fn is_queue_stuck(oldest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    oldest.is_some_and(|oldest| now - oldest > MAX_WAIT)
}

/// How messages reach a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Webhook,
    Slack,
    Teams,
    Discord,
    GoogleChat,
    Mattermost,
    Ntfy,
    Telegram,
    Matrix,
    Pagerduty,
}

impl Channel {
    pub const ALL: [Self; 11] = [
        Self::Email,
        Self::Webhook,
        Self::Slack,
        Self::Teams,
        Self::Discord,
        Self::GoogleChat,
        Self::Mattermost,
        Self::Ntfy,
        Self::Telegram,
        Self::Matrix,
        Self::Pagerduty,
    ];
    /// Those that a visitor may choose. The others need a secret of the operator.
    pub const PUBLIC: [Self; 6] =
        [Self::Email, Self::Webhook, Self::Slack, Self::Teams, Self::Discord, Self::GoogleChat];

    pub fn key(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::GoogleChat => "google_chat",
            Self::Mattermost => "mattermost",
            Self::Ntfy => "ntfy",
            Self::Telegram => "telegram",
            Self::Matrix => "matrix",
            Self::Pagerduty => "pagerduty",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Webhook => "Webhook",
            Self::Slack => "Slack",
            Self::Teams => "Microsoft Teams",
            Self::Discord => "Discord",
            Self::GoogleChat => "Google Chat",
            Self::Mattermost => "Mattermost",
            Self::Ntfy => "ntfy",
            Self::Telegram => "Telegram",
            Self::Matrix => "Matrix",
            Self::Pagerduty => "PagerDuty",
        }
    }

    /// The chat service that a webhook address belongs to, by its host; `None` for a webhook of the subscriber's own.
    /// `host` is in lower case.
    pub fn of_host(host: &str) -> Option<Self> {
        let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        match host {
            "hooks.slack.com" | "hooks.slack-gov.com" => Some(Self::Slack),
            "discord.com" | "discordapp.com" | "ptb.discord.com" | "canary.discord.com" => Some(Self::Discord),
            "chat.googleapis.com" => Some(Self::GoogleChat),
            "api.powerautomate.com" => Some(Self::Teams),
            _ if is_below("logic.azure.com") || is_below("api.powerplatform.com") || is_below("webhook.office.com") => {
                Some(Self::Teams)
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriberState {
    /// The address has not confirmed the subscription yet.
    Unconfirmed,
    Active,
    /// Messages were rejected too often; it gets none until it is reactivated.
    Quarantined,
}

impl SubscriberState {
    pub const ALL: [Self; 3] = [Self::Unconfirmed, Self::Active, Self::Quarantined];

    pub fn key(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Active => "active",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Unconfirmed => "Unconfirmed",
            Self::Active => "Active",
            Self::Quarantined => "Quarantined",
        }
    }
}

/// Which updates of incidents a subscriber gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentEvents {
    #[default]
    All,
    /// The first update and the one that resolves the incident.
    OpenedAndResolved,
    None,
}

impl IncidentEvents {
    pub const ALL: [Self; 3] = [Self::All, Self::OpenedAndResolved, Self::None];

    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::OpenedAndResolved => "opened_and_resolved",
            Self::None => "none",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|events| events.key() == key)
    }
}

/// How many subscribers an update reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub count: i64,
    /// Whether `count` is the most that are reached: it depends on what is still to be chosen.
    pub is_limit: bool,
    /// The channels that the page's active subscribers use.
    pub channels: Vec<Channel>,
}

/// The state of a composer's notify switch.
#[derive(Clone, Debug)]
pub struct NotifySwitch {
    pub is_on: bool,
    pub reach: Reach,
}

impl Default for NotifySwitch {
    fn default() -> Self {
        Self { is_on: true, reach: Reach::default() }
    }
}

/// What a subscription covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    Page,
    /// Never empty. Components that are added to the page later are not included.
    Components(Vec<ComponentId>),
    /// Ends when the incident is resolved.
    Incident(IncidentId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    pub id: SubscriberId,
    pub channel: Channel,
    /// The address of an e-mail subscriber, or who is told when an endpoint fails; in lower case. Operator channels
    /// have none.
    pub email: Option<String>,
    /// The host of the endpoint. The endpoint itself is stored encrypted.
    pub endpoint_host: Option<String>,
    pub scope: Scope,
    pub incidents: IncidentEvents,
    pub maintenance: bool,
    pub state: SubscriberState,
    pub paused_at: Option<DateTime<Utc>>,
    pub requested_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub consent_version: i64,
    pub quarantined_at: Option<DateTime<Utc>>,
    /// Why messages were rejected, in the words of the receiving server.
    pub quarantine_reason: Option<String>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Subscriber {
    /// When a quarantined subscription is deleted.
    pub fn purge_at(&self) -> Option<DateTime<Utc>> {
        self.quarantined_at.map(|at| at + QUARANTINE_LIFETIME)
    }
}

/// An e-mail address in the form in which it is stored and compared: trimmed, lower case, one `@` with something on both
/// sides, no spaces or control characters.
pub fn parse_email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;:\\\"@()[]".contains(c))
    };
    let is_domain = is_plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    (email.len() <= MAX_EMAIL && local.len() <= 64 && is_plain(local) && is_domain && !domain.contains(".."))
        .then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_services_are_known_by_their_hosts() {
        for (host, channel) in [
            ("hooks.slack.com", Some(Channel::Slack)),
            ("discord.com", Some(Channel::Discord)),
            ("chat.googleapis.com", Some(Channel::GoogleChat)),
            ("prod-12.westeurope.logic.azure.com", Some(Channel::Teams)),
            ("default1.environment.api.powerplatform.com", Some(Channel::Teams)),
            ("logic.azure.com.example.org", None),
            ("evillogic.azure.com", None),
            ("hooks.example.org", None),
        ] {
            assert_eq!(Channel::of_host(host), channel, "{host}");
        }
    }

    #[test]
    fn keys_lead_back_to_their_values() {
        assert!(Channel::ALL.into_iter().all(|channel| Channel::from_key(channel.key()) == Some(channel)));
        assert!(SubscriberState::ALL.into_iter().all(|state| SubscriberState::from_key(state.key()) == Some(state)));
        assert!(IncidentEvents::ALL.into_iter().all(|events| IncidentEvents::from_key(events.key()) == Some(events)));
    }

    #[test]
    fn email_addresses_are_normalized_and_checked() {
        assert_eq!(parse_email("  Ines@Example.ORG ").as_deref(), Some("ines@example.org"));
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "ines",
            "@example.org",
            "ines@",
            "ines@example",
            "a b@example.org",
            "a@b@example.org",
            &long,
            "a@example..org",
            "a@.org",
            "a\r\nBcc: x@example.org",
            "a,b@example.org",
            "<a@example.org>",
        ] {
            assert_eq!(parse_email(bad), None, "{bad:?}");
        }
    }
}
