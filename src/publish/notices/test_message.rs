//! A message that shows that a channel works. It says that it is a test, and opens nothing at the receiver.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::message::{Message, single_line};
use super::{Links, discord, google_chat, matrix, mattermost, ntfy, slack, teams, telegram};
use crate::domain::Page;
use crate::domain::page_status::Tone;
use crate::domain::subscriber::Channel;
use crate::format::time;

const TITLE: &str = "Test message";
const TEXT: &str = "This is a test. Updates of incidents and maintenance arrive here.";

/// The body of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestBody {
    /// For a webhook, in the form of Standard Webhooks: receivers of Statuspage's payload find no incident in it.
    Text(String),
    Json(Value),
}

/// `None` for e-mail.
pub fn render_test_message(
    page: &Page,
    origin: &str,
    channel: Channel,
    links: &Links,
    now: DateTime<Utc>,
) -> Option<TestBody> {
    let message = test_message(page, origin, now);
    Some(TestBody::Json(match channel {
        Channel::Email => return None,
        Channel::Webhook => return Some(TestBody::Text(webhook_body(page, origin, now))),
        Channel::Slack => slack::render_slack(&message, links),
        Channel::Teams => teams::render_teams(&message, links),
        Channel::Discord => discord::render_discord(&message, links),
        Channel::GoogleChat => google_chat::render_google_chat(&message, links),
        Channel::Mattermost => mattermost::render_mattermost(&message),
        Channel::Ntfy => ntfy::render_ntfy(&message),
        Channel::Telegram => telegram::render_telegram(&message),
        Channel::Matrix => matrix::render_matrix(&message),
        // PagerDuty checks the key and ignores the end of an alert that it does not know, so no one is paged.
        Channel::Pagerduty => json!({"event_action": "resolve", "dedup_key": message.thread_key}),
    }))
}

fn webhook_body(page: &Page, origin: &str, now: DateTime<Utc>) -> String {
    let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let page = json!({"id": page.id, "name": page.name, "url": origin});
    json!({"type": "webhook.test", "timestamp": timestamp, "data": {"message": TEXT, "page": page}}).to_string()
}

fn test_message(page: &Page, origin: &str, now: DateTime<Utc>) -> Message {
    Message {
        title: TITLE.to_owned(),
        page_title: single_line(&page.title()),
        phase: "Test".to_owned(),
        when: time::format_clock_with_zone(now, page.time_zone),
        at: now,
        body: TEXT.to_owned(),
        components: Vec::new(),
        more_components: 0,
        window: None,
        duration: None,
        next_update: None,
        earlier: Vec::new(),
        link: format!("{origin}/"),
        link_words: "View status page",
        tone: Tone::default(),
        is_over: true,
        thread_key: format!("{}-test", page.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_but_mail_has_a_test() {
        let page = Page {
            id: "k2v7xq0m4c9z".into(),
            name: "Tidewater".into(),
            url: String::new(),
            time_zone: chrono_tz::Tz::UTC,
            logo_text: String::new(),
            links: Vec::new(),
            embedders: Vec::new(),
            brand: crate::domain::PageBrand::default(),
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        };
        let links = Links { manage_url: "https://s.example/m".into(), unsubscribe_url: "https://s.example/u".into() };
        for channel in Channel::ALL {
            let body = render_test_message(&page, "https://s.example", channel, &links, DateTime::UNIX_EPOCH);
            let text = match body {
                Some(TestBody::Text(text)) => text,
                Some(TestBody::Json(json)) => json.to_string(),
                None => String::new(),
            };
            assert_eq!(text.is_empty(), channel == Channel::Email, "{channel:?}");
            let names_itself = text.contains("test") || text.is_empty();
            assert!(names_itself && !text.contains("\"incident\""), "{channel:?}: {text}");
        }
        let pagerduty = render_test_message(&page, "", Channel::Pagerduty, &links, DateTime::UNIX_EPOCH);
        let Some(TestBody::Json(event)) = pagerduty else { panic!("no event") };
        assert_eq!(event["event_action"], "resolve", "a test raises no alert");
    }
}
