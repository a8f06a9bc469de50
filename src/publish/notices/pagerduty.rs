//! PagerDuty: Events v2. All events of an incident have one `dedup_key`, so they concern one alert.

use serde_json::{Value, json};

use super::NoticeContent;
use super::fit::cut_text;
use super::markup::{Markup, convert_markdown};
use super::message::{Message, single_line};
use crate::domain::Phase;
use crate::domain::notice::Event;
use crate::domain::page_status::Tone;

const MAX_SUMMARY: usize = 1_024;
const MAX_TEXT: usize = 10_000;

/// `None` for events that neither open nor change nor close an alert. An update acknowledges the alert only if there is
/// one: PagerDuty drops an acknowledgement of an unknown alert.
pub fn render_pagerduty(message: &Message, content: &NoticeContent, was_notified: bool) -> Option<Value> {
    let action = match content.notice.event {
        Event::MaintenanceScheduled | Event::MaintenanceReminder | Event::PostmortemPublished => return None,
        _ if message.is_over => "resolve",
        Event::IncidentUpdated if was_notified && message.phase != Phase::Investigating.words() => "acknowledge",
        _ => "trigger",
    };
    let summary = single_line(&format!("{}: {}", message.title, message.phase));
    let first = message.components.first().map(|(name, _)| cut_text(name, MAX_SUMMARY));
    Some(json!({
        "event_action": action,
        "dedup_key": message.thread_key,
        "client": cut_text(&message.page_title, MAX_SUMMARY),
        "client_url": message.link,
        "links": [{"href": message.link, "text": message.link_words}],
        "payload": {
            "summary": cut_text(&summary, MAX_SUMMARY),
            "source": content.origin,
            "severity": severity(message.tone),
            "timestamp": message.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "component": first,
            "class": content.notice.event.key(),
            "custom_details": {
                "phase": message.phase,
                "message": cut_text(&convert_markdown(&message.body, Markup::Plain), MAX_TEXT),
                "components": message.component_lines(),
            },
        },
    }))
}

fn severity(tone: Tone) -> &'static str {
    match tone {
        Tone::MajorOutage => "critical",
        Tone::PartialOutage => "error",
        Tone::Degraded => "warning",
        Tone::Maintenance | Tone::Notice | Tone::Operational => "info",
    }
}
