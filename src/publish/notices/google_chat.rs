//! Google Chat: a card. A message may have 32,000 bytes.

use serde_json::{Value, json};

use super::Links;
use super::fit::{cut_text, fit, join_lines};
use super::markup::{Markup, convert_markdown, escape};
use super::message::Message;

/// In bytes.
const MAX_MESSAGE: usize = 31_000;
const MAX_TITLE: usize = 255;
const MAX_COMPONENTS: usize = 3_000;
const MAX_SUMMARY: usize = 300;

pub fn render_google_chat(message: &Message, links: &Links) -> Value {
    fit(&message.body, |body| card_message(message, body, links), |card| card.to_string().len() <= MAX_MESSAGE)
}

fn card_message(message: &Message, body: &str, links: &Links) -> Value {
    let text = |text: &str| escape(text, Markup::GoogleChat);
    let paragraph = |html: String| json!({"textParagraph": {"text": html}});
    let mut widgets = vec![paragraph(format!("<b>{}</b> · {}", text(&message.phase), text(&message.when)))];
    let body = convert_markdown(body, Markup::GoogleChat);
    let times = message.time_lines().iter().map(|line| text(line)).collect::<Vec<_>>().join("<br>");
    let components: Vec<String> = message.component_lines().iter().map(|line| text(line)).collect();
    let components = join_lines(&components, MAX_COMPONENTS).replace('\n', "<br>");
    widgets.extend([body, times, components].into_iter().filter(|html| !html.is_empty()).map(paragraph));
    let button = |words: &str, url: &str| json!({"text": words, "onClick": {"openLink": {"url": url}}});
    widgets.push(json!({"buttonList": {"buttons": [
        button(message.link_words, &message.link),
        button("Manage subscription", &links.manage_url),
        button("Unsubscribe", &links.unsubscribe_url),
    ]}}));
    json!({
        // Angle brackets would mention people.
        "fallbackText": message.summary(MAX_SUMMARY).replace(['<', '>'], " "),
        "cardsV2": [{
            "cardId": message.thread_key,
            "card": {
                "header": {
                    "title": cut_text(&message.title, MAX_TITLE),
                    "subtitle": cut_text(&message.page_title, MAX_TITLE),
                },
                "sections": [{"widgets": widgets}],
            },
        }],
    })
}
