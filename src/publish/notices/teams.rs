//! Microsoft Teams: an Adaptive Card through a Workflows webhook. The text consists of runs, which Teams shows as they
//! are; text blocks would read them as Markdown.

use serde_json::{Value, json};

use super::Links;
use super::fit::{cut_text, fit, join_lines};
use super::markup::{Line, Run, read_lines};
use super::message::Message;

/// In bytes. Teams accepts 28 KB.
const MAX_CARD: usize = 27_000;
const MAX_TITLE: usize = 255;
const MAX_COMPONENTS: usize = 3_000;
const MAX_SUMMARY: usize = 300;

pub fn render_teams(message: &Message, links: &Links) -> Value {
    fit(&message.body, |body| card_message(message, body, links), |card| card.to_string().len() <= MAX_CARD)
}

fn card_message(message: &Message, body: &str, links: &Links) -> Value {
    let heading = json!([
        text_run(&message.phase, "bolder"),
        text_run(&format!(" · {} · {}", message.when, message.page_title), "default"),
    ]);
    let title =
        json!([{"type": "TextRun", "text": cut_text(&message.title, MAX_TITLE), "size": "large", "weight": "bolder"}]);
    let mut blocks = vec![block(heading, "none"), block(title, "none")];
    blocks.extend(read_lines(body).iter().filter_map(line_block));
    let components = join_lines(&message.component_lines(), MAX_COMPONENTS);
    let lines = message.time_lines().into_iter().chain(components.lines().map(str::to_owned));
    blocks.extend(lines.map(|line| block(json!([text_run(&line, "default")]), "small")));
    let action = |title: &str, url: &str| json!({"type": "Action.OpenUrl", "title": title, "url": url});
    json!({
        "type": "message",
        "summary": message.summary(MAX_SUMMARY),
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": blocks,
                "actions": [
                    action(message.link_words, &message.link),
                    action("Manage subscription", &links.manage_url),
                    action("Unsubscribe", &links.unsubscribe_url),
                ],
            },
        }],
    })
}

fn block(inlines: Value, spacing: &str) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines, "spacing": spacing})
}

fn text_run(text: &str, weight: &str) -> Value {
    json!({"type": "TextRun", "text": text, "weight": weight})
}

/// `None` for an empty line: blocks have a distance of their own.
fn line_block(line: &Line) -> Option<Value> {
    if line.runs.is_empty() {
        return None;
    }
    let prefix = (!line.prefix.is_empty()).then(|| text_run(&line.prefix, "default"));
    let runs = line.runs.iter().map(|run| styled_run(run, line.is_code));
    let spacing = if line.prefix.is_empty() && !line.is_code { "default" } else { "none" };
    Some(block(prefix.into_iter().chain(runs).collect(), spacing))
}

fn styled_run(run: &Run, in_code: bool) -> Value {
    let mut json = text_run(&run.text, if run.is_bold { "bolder" } else { "default" });
    if run.is_code || in_code {
        json["fontType"] = "monospace".into();
    }
    if let Some(url) = &run.link {
        json["selectAction"] = json!({"type": "Action.OpenUrl", "url": url});
    }
    json
}
