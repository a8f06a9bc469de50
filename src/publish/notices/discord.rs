//! Discord: one message per incident, which later notices edit. `allowed_mentions` keeps `@everyone` in a title from
//! notifying everybody. Limits from Discord's reference of embeds.

use serde_json::{Value, json};

use super::Links;
use super::fit::{count_units, cut_rendered, cut_text, join_lines};
use super::markup::{Markup, convert_markdown, escape, write_link};
use super::message::Message;

const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4_096;
const MAX_FIELD: usize = 1_024;
const MAX_FOOTER: usize = 300;
/// A webhook's name may have 80 characters, and not every one: see [`sender_name`].
const MAX_NAME: usize = 80;

pub fn render_discord(message: &Message, links: &Links) -> Value {
    let text = |text: &str| escape(text, Markup::Discord);
    let head = format!("**{}** · {}", text(&message.phase), text(&message.when));
    let foot = [
        write_link(message.link_words, &message.link, Markup::Discord),
        write_link("Manage", &links.manage_url, Markup::Discord),
        write_link("Unsubscribe", &links.unsubscribe_url, Markup::Discord),
    ]
    .join(" · ");
    let room = MAX_DESCRIPTION.saturating_sub(count_units(&head) + count_units(&foot) + 4);
    let body = cut_rendered(&message.body, |body| convert_markdown(body, Markup::Discord), room);
    let description = [head, body, foot].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    let components: Vec<String> = message.component_lines().iter().map(|line| text(line)).collect();
    let earlier: Vec<String> = message.earlier.iter().map(|line| text(line)).collect();
    let mut fields = Vec::new();
    for (name, lines) in [("Affected components", components), ("Earlier", earlier)] {
        if !lines.is_empty() {
            fields.push(json!({"name": name, "value": join_lines(&lines, MAX_FIELD / 2), "inline": false}));
        }
    }
    if let Some(times) = message.time_lines().first() {
        fields.push(json!({"name": "Time", "value": cut_rendered(times, text, MAX_FIELD / 2), "inline": false}));
    }
    json!({
        "username": sender_name(&message.page_title),
        "content": "",
        "embeds": [{
            "title": cut_rendered(&message.title, text, MAX_TITLE),
            "url": message.link,
            "description": description,
            "color": message.fill_colour(),
            "timestamp": message.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "fields": fields,
            "footer": {"text": cut_text(&message.page_title, MAX_FOOTER)},
        }],
        "allowed_mentions": {"parse": []},
    })
}

/// Discord refuses names that contain `discord`, `clyde` or some signs.
fn sender_name(page_title: &str) -> String {
    let name = page_title.replace(['@', '#', ':', '`'], " ");
    let lower = name.to_lowercase();
    if lower.contains("discord") || lower.contains("clyde") || name.trim().is_empty() {
        return "Status".to_owned();
    }
    cut_text(name.trim(), MAX_NAME)
}
