//! The messages of notices on every channel: their form, and that neither hostile nor long texts break it.

use candor::domain::notice::Event;
use candor::domain::subscriber::Channel;
use candor::format::url::is_safe_url;
use candor::publish::notices::{BodyForm, EmailTemplate, NoticeContent, Subject, render_chat, render_webhook};
use serde_json::Value;

use crate::hostile_text::{as_line, as_lines, corpus};
use crate::notice_content::{
    INCIDENT_LINK, component_content, content_of_text, incident_content, links, maintenance_content, postmortem_content,
};
use crate::support::html::Page;
use crate::support::html_allowlist::is_allowed_html;

const CHATS: [Channel; 9] = [
    Channel::Slack,
    Channel::Teams,
    Channel::Discord,
    Channel::GoogleChat,
    Channel::Mattermost,
    Channel::Ntfy,
    Channel::Telegram,
    Channel::Matrix,
    Channel::Pagerduty,
];

fn chat(content: &NoticeContent, channel: Channel) -> Value {
    render_chat(content, channel, &links(), false).unwrap()
}

fn webhook(content: &NoticeContent, form: BodyForm) -> String {
    render_webhook(content, form, &links(), crate::notice_content::at(1))
}

/// One key per line, in the order of the document.
fn by_lines(json: &str) -> String {
    json.replace(",\"", ",\n\"")
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[test]
fn mails_are_as_recorded() {
    for (name, content) in [
        ("mail-identified", incident_content(2)),
        ("mail-resolved", incident_content(3)),
        ("mail-postmortem", postmortem_content()),
        ("mail-scheduled", maintenance_content(Event::MaintenanceScheduled)),
    ] {
        let mail = EmailTemplate::new(&content).for_subscriber(&links());
        let html = mail.html.replace("><", ">\n<");
        insta::assert_snapshot!(name, format!("{} | {}\n\n{}\n\n{html}", mail.subject, mail.phase, mail.text));
    }
}

#[test]
fn webhooks_are_as_recorded() {
    for (name, content) in [
        ("webhook-resolved", incident_content(3)),
        ("webhook-postmortem", postmortem_content()),
        ("webhook-maintenance", maintenance_content(Event::MaintenanceStarted)),
        ("webhook-component", component_content()),
    ] {
        let [first, second] = [BodyForm::Statuspage, BodyForm::Standard].map(|form| by_lines(&webhook(&content, form)));
        insta::assert_snapshot!(name, format!("{first}\n\n{second}"));
    }
}

#[test]
fn chat_messages_are_as_recorded() {
    for channel in CHATS {
        let shown = [incident_content(2), incident_content(3), maintenance_content(Event::MaintenanceStarted)]
            .map(|content| serde_json::to_string_pretty(&chat(&content, channel)).unwrap());
        insta::assert_snapshot!(format!("chat-{}", channel.key()), shown.join("\n\n"));
    }
}

/// The keys of Statuspage's payload, from a recorded delivery.
#[test]
fn a_promised_update_is_named_in_every_message() {
    let mut content = incident_content(2);
    let due = crate::notice_content::at(60);
    let words = |content: &NoticeContent| {
        let mail = EmailTemplate::new(content).for_subscriber(&links());
        let chats = CHATS.into_iter().filter(|channel| *channel != Channel::Pagerduty);
        let chats = chats.map(|channel| chat(content, channel).to_string());
        [mail.text, mail.html].into_iter().chain(chats).collect::<Vec<_>>()
    };
    assert!(words(&content).iter().all(|text| !text.contains("Next update due")));
    if let Subject::Incident(incident, _) = &mut content.subject {
        incident.next_update_at = Some(due);
    }
    for text in words(&content) {
        assert!(text.contains("Next update due by "), "{text}");
    }
    let payload: Value = serde_json::from_str(&webhook(&content, BodyForm::Statuspage)).unwrap();
    let said = payload["incident"]["next_update_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    assert_eq!(said.unwrap(), due);
    // The notice of an earlier update says nothing about the promise of a later one.
    if let Subject::Incident(incident, _) = &mut content.subject {
        content.notice.update_id = Some(incident.updates[0].id.clone());
    }
    assert!(words(&content).iter().all(|text| !text.contains("Next update due")));
}

#[test]
fn webhook_has_the_keys_of_statuspage_in_order() {
    let keys = |text: &str| -> Vec<String> {
        let before = text.split("\":").map(|part| part.rsplit('"').next().unwrap_or_default().to_owned());
        let mut keys: Vec<String> = before.collect();
        keys.pop();
        keys
    };
    let incident = "meta unsubscribe documentation generated_at page id status_indicator status_description incident \
        name status created_at updated_at monitoring_at resolved_at impact shortlink postmortem_ignored \
        postmortem_body postmortem_body_last_updated_at postmortem_published_at postmortem_notified_subscribers \
        postmortem_notified_twitter backfilled scheduled_for scheduled_until scheduled_remind_prior \
        scheduled_reminded_at impact_override scheduled_auto_in_progress scheduled_auto_completed id page_id \
        incident_updates status body created_at wants_twitter_update twitter_updated_at updated_at display_at \
        affected_components code name old_status new_status custom_tweet deliver_notifications id incident_id \
        components status name created_at updated_at position description showcase id page_id group_id";
    let component = "meta unsubscribe documentation generated_at page id status_indicator status_description component \
        status name created_at updated_at position description showcase id page_id group_id component_update \
        old_status new_status created_at component_type id component_id";
    for (content, expected) in [(incident_content(1), incident), (component_content(), component)] {
        let found = keys(&webhook(&content, BodyForm::Statuspage));
        assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn subject_is_the_same_for_all_mails_of_an_incident() {
    let subjects =
        [1, 2, 3].map(|updates| EmailTemplate::new(&incident_content(updates)).for_subscriber(&links()).subject);
    assert_eq!(subjects[0], "Tidewater Maps Status: Satellite tiles load slowly");
    assert!(subjects.iter().all(|subject| *subject == subjects[0]), "{subjects:?}");
}

#[test]
fn first_line_of_a_mail_is_phase_and_time() {
    for (content, line) in [
        (incident_content(2), "Identified · 22:13 WET"),
        (incident_content(3), "Resolved · 23:48 WET"),
        (maintenance_content(Event::MaintenanceReminder), "Reminder · 10 Nov 2026, 21:13 WET"),
        (maintenance_content(Event::MaintenanceCancelled), "Cancelled · 23:53 WET"),
        (postmortem_content(), "Postmortem · 16:53 WET"),
    ] {
        let mail = EmailTemplate::new(&content).for_subscriber(&links());
        assert_eq!(mail.text.lines().next(), Some(line));
        assert_eq!(Page::read(&mail.html).select("p")[0].words(), line);
    }
}

#[test]
fn pagerduty_opens_acknowledges_and_resolves_one_alert() {
    let event = |content: &NoticeContent, was_notified| {
        let json = render_chat(content, Channel::Pagerduty, &links(), was_notified)?;
        assert_eq!(json["dedup_key"], format!("k2v7xq0m4c9z-{}", content.notice.subject_id));
        Some(json["event_action"].as_str().unwrap().to_owned())
    };
    assert_eq!(event(&incident_content(1), false).as_deref(), Some("trigger"));
    assert_eq!(event(&incident_content(2), true).as_deref(), Some("acknowledge"));
    assert_eq!(event(&incident_content(2), false).as_deref(), Some("trigger"), "the first notice was replaced");
    assert_eq!(event(&incident_content(3), true).as_deref(), Some("resolve"));
    assert_eq!(event(&maintenance_content(Event::MaintenanceStarted), false).as_deref(), Some("trigger"));
    assert_eq!(event(&maintenance_content(Event::MaintenanceCancelled), false).as_deref(), Some("resolve"));
    assert_eq!(event(&maintenance_content(Event::MaintenanceScheduled), false), None);
    assert_eq!(event(&postmortem_content(), true), None);
}

/// Every message of `content`, checked.
#[track_caller]
fn check_all(content: &NoticeContent, what: &str) {
    check_mail(content, what);
    for form in [BodyForm::Statuspage, BodyForm::Standard] {
        let json: Value = serde_json::from_str(&webhook(content, form)).unwrap();
        let title = &json["incident"]["name"].as_str().or(json["data"]["incident"]["name"].as_str());
        let Subject::Incident(incident, _) = &content.subject else { panic!("{what}") };
        assert_eq!(*title, Some(incident.title.as_str()), "{what}");
    }
    assert!(webhook(content, BodyForm::Standard).len() <= 20_000, "{what}");
    for channel in CHATS {
        let json = chat(content, channel);
        let text = json.to_string();
        assert!(text.contains(INCIDENT_LINK), "{channel:?} cuts the link: {what}");
        match channel {
            Channel::Slack => check_slack(&json, what),
            Channel::Teams => check_teams(&json, &text, what),
            Channel::Discord => check_discord(&json, what),
            Channel::GoogleChat => check_google_chat(&json, &text, what),
            Channel::Mattermost => check_mattermost(&json, &text, what),
            Channel::Ntfy => {
                assert!(json["message"].as_str().unwrap().len() <= 4_096 && text.len() <= 8_192, "{what}");
                assert!(json["title"].as_str().unwrap().len() <= 250, "{what}");
                assert_eq!(json["click"], INCIDENT_LINK);
            }
            Channel::Telegram => {
                let html = json["text"].as_str().unwrap();
                check_tags(html, &["b", "code", "pre", "a"], what);
                assert!(units(html) <= 4_096 && html.contains(&format!("<a href=\"{INCIDENT_LINK}\">")), "{what}");
            }
            Channel::Matrix => {
                is_allowed_html(json["formatted_body"].as_str().unwrap());
                assert!(text.len() <= 60_000 && json["m.mentions"] == serde_json::json!({}), "{what}");
            }
            _ => {
                assert!(units(json["payload"]["summary"].as_str().unwrap()) <= 1_024, "{what}");
                assert!(json["dedup_key"].as_str().unwrap().len() <= 255 && text.len() < 512_000, "{what}");
            }
        }
    }
}

#[track_caller]
fn check_mail(content: &NoticeContent, what: &str) {
    let mail = EmailTemplate::new(content).for_subscriber(&links());
    assert!(!mail.subject.chars().any(char::is_control), "{what}: {}", mail.subject);
    assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{what}");
    assert!(mail.text.contains(INCIDENT_LINK) && mail.text.contains(&links().unsubscribe_url), "{what}");
    assert!(mail.html.len() < 100_000 && units(&mail.text) < 32_000, "{what}: {}", mail.html.len());
    let page = Page::read(&mail.html);
    let own = ["html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "bdi", "span"];
    let text = "a blockquote br code del em hr li ol p pre strong table tbody td th thead tr ul";
    for element in page.elements() {
        let name = element.name.as_str();
        assert!(own.contains(&name) || text.split(' ').any(|known| known == name), "{what}: <{name}>");
        for (name, value) in &element.attributes {
            let is_known = match name.as_str() {
                "href" => is_safe_url(value),
                "style" => !value.contains("url(") && !value.contains("expression"),
                "class" | "rel" | "lang" | "dir" | "charset" | "name" | "content" | "start" | "tabindex" => true,
                _ => false,
            };
            assert!(is_known, "{what}: {name}={value}");
        }
    }
    for (selector, count) in [("style", 1), ("title", 1), ("body", 1), ("h1", 1), ("div.foot", 1)] {
        assert_eq!(page.select(selector).len(), count, "{what}: {selector}");
    }
    let addresses: Vec<&str> = page.select("div.foot a").iter().filter_map(|link| link.attr("href")).collect();
    assert_eq!(addresses[1..], [links().manage_url, links().unsubscribe_url], "{what}");
    assert_eq!(page.select("a.button")[0].attr("href"), Some(INCIDENT_LINK), "{what}");
}

#[track_caller]
fn check_slack(json: &Value, what: &str) {
    let blocks = json["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50 && units(json["text"].as_str().unwrap()) <= 3_000, "{what}");
    let mut total = 0;
    for block in blocks {
        let text = if block["type"] == "context" { &block["elements"][0] } else { &block["text"] };
        let words = text["text"].as_str().unwrap();
        let most = if block["type"] == "header" { 150 } else { 3_000 };
        assert!((1..=most).contains(&units(words)), "{what}: {} of {}", units(words), block["type"]);
        total += units(words);
        if text["type"] == "mrkdwn" {
            assert_eq!(text["verbatim"], true);
            check_mrkdwn(words, what);
        }
    }
    assert!(total <= 13_000, "{what}: {total}");
    check_mrkdwn(json["text"].as_str().unwrap(), what);
}

/// Angle brackets belong to links only, and `&` to entities.
#[track_caller]
fn check_mrkdwn(words: &str, what: &str) {
    for part in words.split('<').skip(1) {
        let (link, rest) = part.split_once('>').unwrap_or_else(|| panic!("{what}: {words}"));
        let url = link.split('|').next().unwrap();
        assert!(is_safe_url(&url.replace("&amp;", "&")), "{what}: {link}");
        assert!(!rest.contains('>'), "{what}: {words}");
    }
    check_entities(words, what);
}

#[track_caller]
fn check_entities(text: &str, what: &str) {
    for part in text.split('&').skip(1) {
        let is_entity = ["amp;", "lt;", "gt;", "quot;", "#39;", "#x27;"].iter().any(|known| part.starts_with(known));
        assert!(is_entity, "{what}: &{part}");
    }
}

#[track_caller]
fn check_teams(json: &Value, text: &str, what: &str) {
    assert!(text.len() <= 28_000, "{what}: {}", text.len());
    let card = &json["attachments"][0]["content"];
    for block in card["body"].as_array().unwrap() {
        assert_eq!(block["type"], "RichTextBlock", "{what}");
        for run in block["inlines"].as_array().unwrap() {
            assert_eq!(run["type"], "TextRun", "{what}");
            assert!(run["selectAction"]["url"].as_str().is_none_or(is_safe_url), "{what}: {run}");
        }
    }
    assert_eq!(card["actions"][0]["url"], INCIDENT_LINK, "{what}");
}

#[track_caller]
fn check_discord(json: &Value, what: &str) {
    assert_eq!(json["allowed_mentions"], serde_json::json!({"parse": []}), "{what}");
    let embed = &json["embeds"][0];
    let length = |value: &Value| value.as_str().map_or(0, units);
    assert!((1..=80).contains(&length(&json["username"])), "{what}: {}", json["username"]);
    assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4_096, "{what}");
    let mut total = length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]);
    for field in embed["fields"].as_array().unwrap() {
        assert!((1..=1_024).contains(&length(&field["value"])), "{what}: {field}");
        total += length(&field["name"]) + length(&field["value"]);
    }
    assert!(total <= 6_000 && embed["url"] == INCIDENT_LINK, "{what}: {total}");
}

#[track_caller]
fn check_google_chat(json: &Value, text: &str, what: &str) {
    assert!(text.len() <= 32_000, "{what}: {}", text.len());
    assert!(!json["fallbackText"].as_str().unwrap().contains('<'), "{what}");
    for widget in json["cardsV2"][0]["card"]["sections"][0]["widgets"].as_array().unwrap() {
        if let Some(html) = widget["textParagraph"]["text"].as_str() {
            check_tags(html, &["b", "a", "br"], what);
        }
    }
}

#[track_caller]
fn check_mattermost(json: &Value, text: &str, what: &str) {
    let attachment = &json["attachments"][0];
    let length: usize = attachment["fields"].as_array().unwrap().iter().map(|field| units(&field.to_string())).sum();
    assert!(length + units(attachment["text"].as_str().unwrap()) < 16_383, "{what}");
    for word in ["@all", "@here", "@channel", "@everyone"] {
        assert!(!text.to_lowercase().contains(word), "{what}: {text}");
    }
    assert_eq!(attachment["title_link"], INCIDENT_LINK);
}

/// The tags are known, closed in order and have no attribute but a safe `href`.
#[track_caller]
fn check_tags(html: &str, known: &[&str], what: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("{what}: {part}"));
        assert!(!text.contains('>'), "{what}: {part}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{what}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(known.contains(&name), "{what}: <{tag}>");
        if name == "a" {
            let url = attributes.strip_prefix("href=\"").and_then(|rest| rest.strip_suffix('"')).expect(tag);
            assert!(is_safe_url(&url.replace("&amp;", "&")), "{what}: {tag}");
        } else {
            assert_eq!(attributes, "", "{what}: <{tag}>");
        }
        if name != "br" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{what}: {open:?}");
    check_entities(html, what);
}

#[test]
fn hostile_texts_break_no_message() {
    for text in corpus() {
        check_all(&content_of_text(&as_line(&text), &as_lines(&text), 3), &text);
    }
}

#[test]
fn long_texts_are_cut_to_the_limits() {
    for sign in
        ["a", "&", "<", "\"", "*", "`", "🦀", "é", "@everyone ", "**b** ", "[x](https://a.example/) ", "\n", "\n\n- a"]
    {
        let repeat = |most: usize| sign.chars().cycle().take(most).collect::<String>();
        let (title, body) = (as_line(&repeat(255)), repeat(25_000));
        check_all(&content_of_text(&title, &as_lines(&body), 60), &format!("{sign:?}"));
    }
}

#[test]
fn sixty_components_are_listed_or_counted() {
    let content = content_of_text("Name of the component", "Text", 60);
    let mail = EmailTemplate::new(&content).for_subscriber(&links());
    assert_eq!(mail.text.matches(": Partial outage").count(), 60);
    let slack = chat(&content, Channel::Slack).to_string();
    let shown = slack.matches(": Partial outage").count();
    assert!((20..60).contains(&shown) && slack.contains(&format!("and {} more", 60 - shown)), "{shown}");
}

#[test]
fn cut_texts_reveal_no_comments() {
    let body = format!("Text <!-- {} --> end", "secret ".repeat(3_000));
    let content = content_of_text("Title", &body, 1);
    for channel in CHATS {
        assert!(!chat(&content, channel).to_string().contains("secret"), "{channel:?}");
    }
    let mail = EmailTemplate::new(&content).for_subscriber(&links());
    assert!(!mail.text.contains("secret") && !mail.html.contains("secret"));
    assert!(!webhook(&content, BodyForm::Standard).contains("secret"));
}

#[test]
fn mail_has_no_remote_content_and_says_so() {
    let mail = EmailTemplate::new(&incident_content(2)).for_subscriber(&links());
    for remote in ["<img", "src=", "url(", "@import", "<link", "<script"] {
        assert!(!mail.html.contains(remote), "{remote}");
    }
    let words = "No tracking: this mail contains no remote images and no redirected links.";
    assert!(mail.html.contains(words) && mail.text.contains(words));
    assert!(mail.html.contains("lang=\"en\"") && mail.html.contains("content=\"light dark\""));
}
