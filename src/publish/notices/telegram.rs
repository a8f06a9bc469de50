//! Telegram: a message in its HTML, at most 4,096 characters. Later notices of an incident edit it.

use serde_json::{Value, json};

use super::fit::{count_units, cut_rendered, join_lines};
use super::markup::{Markup, convert_markdown, escape, write_link};
use super::message::Message;

const MAX_MESSAGE: usize = 4_096;
const MAX_TITLE: usize = 500;
const MAX_LIST: usize = 700;

pub fn render_telegram(message: &Message) -> Value {
    let text = |text: &str| escape(text, Markup::Telegram);
    let lines = |lines: &[String]| join_lines(&lines.iter().map(|line| text(line)).collect::<Vec<_>>(), MAX_LIST);
    let head = format!(
        "<b>{}</b>\n<b>{}</b> · {} · {}",
        cut_rendered(&message.title, text, MAX_TITLE),
        text(&message.phase),
        text(&message.when),
        cut_rendered(&message.page_title, text, MAX_TITLE),
    );
    let mut tail = vec![lines(&message.time_lines()), lines(&message.component_lines())];
    if !message.earlier.is_empty() {
        tail.push(format!("Earlier\n{}", lines(&message.earlier)));
    }
    tail.push(write_link(message.link_words, &message.link, Markup::Telegram));
    let tail = tail.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    let room = MAX_MESSAGE.saturating_sub(count_units(&head) + count_units(&tail) + 4);
    let body = cut_rendered(&message.body, |body| convert_markdown(body, Markup::Telegram), room);
    let parts = [head, body, tail].into_iter().filter(|part| !part.is_empty());
    json!({
        "text": parts.collect::<Vec<_>>().join("\n\n"),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
    })
}
