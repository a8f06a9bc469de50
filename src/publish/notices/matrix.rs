//! Matrix: a notice with text and HTML. An event may have 64 KiB, with what the server adds.

use serde_json::{Value, json};

use super::fit::{cut_rendered, fit, join_lines};
use super::markup::{Markup, convert_markdown, escape, write_link};
use super::message::Message;
use crate::format::markdown::render_markdown;

/// In bytes.
const MAX_EVENT: usize = 50_000;
const MAX_TITLE: usize = 1_000;
const MAX_LIST: usize = 4_000;

pub fn render_matrix(message: &Message) -> Value {
    fit(&message.body, |body| event_content(message, body), |event| event.to_string().len() <= MAX_EVENT)
}

/// The empty `m.mentions` says that names in the text mention nobody.
fn event_content(message: &Message, body: &str) -> Value {
    // Matrix and Telegram share the HTML of a line.
    let html = |text: &str| escape(text, Markup::Telegram);
    let lines: Vec<String> = message.time_lines().into_iter().chain(message.component_lines()).collect();
    let list = join_lines(&lines, MAX_LIST);
    let link = format!("{}: {}", message.link_words, message.link);
    let plain = [message.title.clone(), message.heading(), convert_markdown(body, Markup::Plain), list.clone(), link];
    let formatted = format!(
        "<p><strong>{}</strong><br><strong>{}</strong> · {} · {}</p>{}<p>{}</p><p>{}</p>",
        cut_rendered(&message.title, html, MAX_TITLE),
        html(&message.phase),
        html(&message.when),
        html(&message.page_title),
        render_markdown(body),
        html(&list).replace('\n', "<br>"),
        write_link(message.link_words, &message.link, Markup::Telegram),
    );
    json!({
        "msgtype": "m.notice",
        "body": plain.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n"),
        "format": "org.matrix.custom.html",
        "formatted_body": formatted.replace("<p></p>", ""),
        "m.mentions": {},
    })
}
