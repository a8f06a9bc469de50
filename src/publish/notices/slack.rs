//! Slack: an incoming webhook with blocks. Limits from Slack's reference of blocks; all blocks together may have about
//! 13,200 characters, which is not documented (slackapi/bolt-js#2509).

use serde_json::{Value, json};

use super::Links;
use super::fit::{cut_rendered, cut_text, join_lines};
use super::markup::{Markup, convert_markdown, escape, write_link};
use super::message::Message;

/// A plain-text header.
const MAX_HEADER: usize = 150;
/// The text of a section.
const MAX_SECTION: usize = 3_000;
const MAX_COMPONENTS: usize = 2_000;
const MAX_CONTEXT: usize = 1_500;
const MAX_SUMMARY: usize = 300;

pub fn render_slack(message: &Message, links: &Links) -> Value {
    let text = |text: &str| escape(text, Markup::Slack);
    let heading = format!("*{}* · {} · {}", text(&message.phase), text(&message.when), text(&message.page_title));
    let times = message.time_lines().iter().map(|line| text(line)).collect::<Vec<_>>().join("\n");
    let components: Vec<String> = message.component_lines().iter().map(|line| text(line)).collect();
    let body = cut_rendered(&message.body, |body| convert_markdown(body, Markup::Slack), MAX_SECTION);
    let link = |words, url: &str| write_link(words, url, Markup::Slack);
    let foot = [
        link(message.link_words, &message.link),
        link("Manage", &links.manage_url),
        link("Unsubscribe", &links.unsubscribe_url),
    ];
    let title = cut_text(&message.title, MAX_HEADER);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": title, "emoji": false}}),
        context(&cut_rendered(&heading, str::to_owned, MAX_CONTEXT)),
    ];
    let sections = [body, times, join_lines(&components, MAX_COMPONENTS)];
    blocks.extend(sections.iter().filter(|words| !words.trim().is_empty()).map(|words| section(words)));
    blocks.push(context(&foot.join(" · ")));
    let summary = cut_rendered(&message.summary(MAX_SUMMARY), text, MAX_SECTION);
    json!({"text": summary, "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

/// `verbatim` keeps Slack from reading names and addresses in the text as mentions and links.
fn section(words: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": true}})
}

fn context(words: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": true}]})
}
