//! The mail of a notice, as text and as HTML: no remote images, no redirected links, no tables.
//!
//! The subject is the same for all mails of an incident, because Gmail shows them as one conversation only then.

use super::fit::{count_units, fit};
use super::markup::{Markup, convert_markdown};
use super::message::Message;
use super::{Links, NoticeContent};
use crate::domain::Status;
use crate::domain::page_status::Tone;
use crate::format::markdown::render_markdown;

/// In bytes: Gmail cuts mails off at 102 KB.
const MAX_HTML_BODY: usize = 70_000;
/// In units.
const MAX_TEXT_BODY: usize = 30_000;

/// The tokens of the page for a dark ground, by the classes in the HTML.
const DARK_STYLE: &str = "@media (prefers-color-scheme:dark){\
    .ground{background:#111312!important;color:#e9ece9!important}\
    .panel{background:#191c1b!important;border-color:#2a2f2d!important}\
    .ink,.panel a,.foot a{color:#e9ece9!important}\
    .soft{color:#9aa49f!important}\
    .none{color:#4cc38a!important}.minor{color:#e6b450!important}.major{color:#f59855!important}\
    .critical{color:#ff7b72!important}.maintenance{color:#7fb0ff!important}.notice{color:#9aa49f!important}\
    .button{background:#4cc38a!important;color:#0d1410!important}}";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// `Identified`, for a header of its own.
    pub phase: String,
}

/// The mail of a notice without the links of a subscriber: rendered once for all of them.
#[derive(Clone, Debug)]
pub struct EmailTemplate {
    subject: String,
    phase: String,
    text: String,
    html: String,
    page_title: String,
    origin: String,
    zone: String,
}

impl EmailTemplate {
    pub fn new(content: &NoticeContent) -> Self {
        let message = Message::new(content);
        Self {
            subject: format!("{}: {}", message.page_title, message.title),
            text: fit(&message.body, |body| text_part(&message, body), |text| count_units(text) <= MAX_TEXT_BODY),
            html: fit(&message.body, |body| html_part(&message, body), |html| html.len() <= MAX_HTML_BODY),
            phase: message.phase,
            page_title: message.page_title,
            origin: content.origin.clone(),
            zone: content.page.time_zone.name().to_owned(),
        }
    }

    pub fn for_subscriber(&self, links: &Links) -> Email {
        Email {
            subject: self.subject.clone(),
            text: format!("{}{}", self.text, self.text_footer(links)),
            html: format!("{}{}", self.html, self.html_footer(links)),
            phase: self.phase.clone(),
        }
    }

    fn reason(&self) -> String {
        format!("You get this e-mail because this address subscribed to {}.", self.page_title)
    }

    fn text_footer(&self, links: &Links) -> String {
        format!(
            "\n-- \n{}\nStatus page: {}/\nManage your subscription: {}\nUnsubscribe: {}\n{NO_TRACKING}\n\
             Times are in the time zone {}.\n",
            self.reason(),
            self.origin,
            links.manage_url,
            links.unsubscribe_url,
            self.zone
        )
    }

    fn html_footer(&self, links: &Links) -> String {
        format!(
            "<div class=\"foot soft\" style=\"padding:16px 4px;font-size:13px;line-height:1.5;color:#5c6561\">\
             <p style=\"margin:0 0 8px\">{reason}</p>\
             <p style=\"margin:0 0 8px\">{page} · {manage} · {unsubscribe}</p>\
             <p style=\"margin:0 0 8px\">{NO_TRACKING}</p>\
             <p style=\"margin:0\">Times are in the time zone {zone}.</p></div></div></body></html>\n",
            reason = escape(&self.reason()),
            page = footer_link(&format!("{}/", self.origin), "Status page"),
            manage = footer_link(&links.manage_url, "Manage your subscription"),
            unsubscribe = footer_link(&links.unsubscribe_url, "Unsubscribe"),
            zone = escape(&self.zone),
        )
    }
}

const NO_TRACKING: &str = "No tracking: this mail contains no remote images and no redirected links.";

fn footer_link(url: &str, words: &str) -> String {
    format!("<a href=\"{}\" style=\"color:#5c6561\">{words}</a>", escape(url))
}

fn text_part(message: &Message, body: &str) -> String {
    let mut parts = vec![message.heading(), message.title.clone()];
    parts.push(convert_markdown(body, Markup::Plain));
    parts.push(message.time_lines().join("\n"));
    let components = message.component_lines();
    if !components.is_empty() {
        parts.push(format!("Affected components\n- {}", components.join("\n- ")));
    }
    parts.push(format!("{}: {}", message.link_words, message.link));
    parts.retain(|part| !part.is_empty());
    format!("{}\n", parts.join("\n\n"))
}

/// Up to the footer, with two elements open.
fn html_part(message: &Message, body: &str) -> String {
    let more = (message.more_components > 0).then(|| format!("<li>and {} more</li>", message.more_components));
    let components = message.components.iter().map(component_item).chain(more).collect::<String>();
    let components = (!components.is_empty()).then(|| {
        format!(
            "<h2 class=\"ink\" style=\"margin:20px 0 4px;font-size:14px;color:#1b1f1d\">Affected components</h2>\
             <ul style=\"margin:0;padding:0 0 0 20px\">{components}</ul>"
        )
    });
    let times = message
        .time_lines()
        .into_iter()
        .map(|line| format!("<p class=\"soft\" style=\"margin:12px 0 0;color:#5c6561\">{}</p>", escape(&line)));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\
         <title>{title}</title><style>{DARK_STYLE}</style></head>\
         <body class=\"ground\" style=\"margin:0;background:#fbfbf9;color:#1b1f1d;\
         font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif\">\
         <div style=\"max-width:600px;margin:0 auto;padding:24px 16px\">\
         <div class=\"panel\" style=\"padding:24px;background:#ffffff;border:1px solid #e4e6e1;border-radius:12px\">\
         <p style=\"margin:0 0 4px;font-size:14px\"><strong class=\"{key}\" style=\"color:{colour}\">{phase}</strong>\
         <span class=\"soft\" style=\"color:#5c6561\"> · {when}</span></p>\
         <h1 class=\"ink\" dir=\"auto\" \
         style=\"margin:0 0 12px;font-size:20px;line-height:1.25;color:#1b1f1d\">{title}</h1>\
         <div dir=\"auto\" style=\"overflow-wrap:anywhere\">{body}</div>{times}{components}\
         <p style=\"margin:20px 0 0\"><a class=\"button\" href=\"{link}\" \
         style=\"display:inline-block;padding:8px 16px;\
         border-radius:8px;background:#21543d;color:#ffffff;text-decoration:none\">{words}</a></p></div>",
        title = escape(&message.title),
        key = message.tone.key(),
        colour = tone_colour(message.tone),
        phase = escape(&message.phase),
        when = escape(&message.when),
        body = render_markdown(body),
        times = times.collect::<String>(),
        components = components.unwrap_or_default(),
        link = escape(&message.link),
        words = message.link_words,
    )
}

fn component_item((name, status): &(String, Option<Status>)) -> String {
    let status = status.map(|status| {
        let tone = Tone::from(status);
        format!(": <span class=\"{}\" style=\"color:{}\">{}</span>", tone.key(), tone_colour(tone), status.words())
    });
    format!("<li><bdi>{}</bdi>{}</li>", escape(name), status.unwrap_or_default())
}

/// The text colours of the page on a light ground.
fn tone_colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Operational => "#1f7a4d",
        Tone::Notice => "#5c6561",
        Tone::Maintenance => "#2b5fb3",
        Tone::Degraded => "#8a6100",
        Tone::PartialOutage => "#ac4a07",
        Tone::MajorOutage => "#b3261e",
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a string can't fail.
    let _ = pulldown_cmark_escape::escape_html(&mut out, text);
    out
}
