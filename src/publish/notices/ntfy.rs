//! ntfy: a JSON message to the root of the server. It may have 4,096 bytes of text, and the JSON twice as many.

use serde_json::{Value, json};

use super::fit::fit;
use super::markup::{Markup, convert_markdown};
use super::message::Message;
use crate::domain::page_status::Tone;

/// In bytes.
const MAX_MESSAGE: usize = 4_000;
const MAX_JSON: usize = 8_000;
const MAX_TITLE: usize = 250;

pub fn render_ntfy(message: &Message) -> Value {
    let fits = |json: &Value| {
        json["message"].as_str().is_some_and(|text| text.len() <= MAX_MESSAGE) && json.to_string().len() <= MAX_JSON
    };
    fit(&message.body, |body| ntfy_message(message, body), fits)
}

fn ntfy_message(message: &Message, body: &str) -> Value {
    let title = format!("{}: {}", message.page_title, message.title);
    let mut lines = vec![message.heading(), convert_markdown(body, Markup::Plain)];
    lines.extend(message.time_lines());
    lines.push(join_bytes(&message.component_lines(), MAX_MESSAGE / 4));
    lines.retain(|line| !line.is_empty());
    json!({
        "title": fit(&title, str::to_owned, |title| title.len() <= MAX_TITLE),
        "message": lines.join("\n"),
        "priority": priority(message),
        "click": message.link,
        "actions": [{"action": "view", "label": message.link_words, "url": message.link}],
    })
}

/// As many lines as `max` bytes allow.
fn join_bytes(lines: &[String], max: usize) -> String {
    fit(&lines.join("\n"), str::to_owned, |text| text.len() <= max)
}

/// From 1 to 5; from 4 on, phones ring.
fn priority(message: &Message) -> u8 {
    match message.tone {
        Tone::MajorOutage => 5,
        Tone::PartialOutage => 4,
        Tone::Degraded | Tone::Maintenance | Tone::Operational => 3,
        Tone::Notice => 2,
    }
}
