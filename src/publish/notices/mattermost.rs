//! Mattermost: an incoming webhook with an attachment of real Markdown. A post may have 16,383 characters.

use serde_json::{Value, json};

use super::fit::{cut_rendered, cut_text, join_lines};
use super::markup::{Markup, convert_markdown, escape, write_link};
use super::message::Message;

const MAX_TITLE: usize = 500;
const MAX_BODY: usize = 10_000;
const MAX_FIELD: usize = 2_000;
const MAX_SUMMARY: usize = 300;

pub fn render_mattermost(message: &Message) -> Value {
    let text = |text: &str| escape(text, Markup::Mattermost);
    let body = cut_rendered(&message.body, |body| convert_markdown(body, Markup::Mattermost), MAX_BODY);
    let head = format!("**{}** · {}", text(&message.phase), text(&message.when));
    let link = write_link(message.link_words, &message.link, Markup::Mattermost);
    let parts = [head, body, link].into_iter().filter(|part| !part.is_empty());
    let components: Vec<String> = message.component_lines().iter().map(|line| text(line)).collect();
    let mut fields = Vec::new();
    if !components.is_empty() {
        let value = join_lines(&components, MAX_FIELD);
        fields.push(json!({"short": false, "title": "Affected components", "value": value}));
    }
    if let Some(times) = message.time_lines().first() {
        fields.push(json!({"short": false, "title": "Time", "value": cut_rendered(times, text, MAX_FIELD)}));
    }
    json!({
        "attachments": [{
            "fallback": cut_rendered(&message.summary(MAX_SUMMARY), text, MAX_TITLE),
            "color": format!("#{:06x}", message.fill_colour()),
            "title": cut_rendered(&message.title, text, MAX_TITLE),
            "title_link": message.link,
            "text": parts.collect::<Vec<_>>().join("\n\n"),
            "fields": fields,
            "footer": cut_text(&message.page_title.replace('@', " "), MAX_TITLE),
        }],
    })
}
