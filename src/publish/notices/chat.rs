//! Chooses the rendering of a chat or alert channel.

use serde_json::Value;

use super::message::Message;
use super::{Links, NoticeContent, discord, google_chat, matrix, mattermost, ntfy, pagerduty, slack, teams, telegram};
use crate::domain::subscriber::Channel;

/// The body for one subscriber, without the secrets of the endpoint. `was_notified` tells whether the subscriber has a
/// message of this incident. `None` if the channel is none of chat or alerts, or if the event means nothing to it.
pub fn render_chat(content: &NoticeContent, channel: Channel, links: &Links, was_notified: bool) -> Option<Value> {
    let message = Message::new(content);
    match channel {
        Channel::Email | Channel::Webhook => None,
        Channel::Slack => Some(slack::render_slack(&message, links)),
        Channel::Teams => Some(teams::render_teams(&message, links)),
        Channel::Discord => Some(discord::render_discord(&message, links)),
        Channel::GoogleChat => Some(google_chat::render_google_chat(&message, links)),
        Channel::Mattermost => Some(mattermost::render_mattermost(&message)),
        Channel::Ntfy => Some(ntfy::render_ntfy(&message)),
        Channel::Telegram => Some(telegram::render_telegram(&message)),
        Channel::Matrix => Some(matrix::render_matrix(&message)),
        Channel::Pagerduty => pagerduty::render_pagerduty(&message, content, was_notified),
    }
}
