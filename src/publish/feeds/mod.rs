//! Feeds of the newest incidents and maintenances as Atom, RSS and JSON Feed. The output is deterministic: it has no
//! time of rendering.

mod atom;
mod json_feed;
mod rss_feed;

pub use atom::render_atom;
pub use json_feed::{JsonFeed, render_json_feed};
pub use rss_feed::render_rss;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::{Incident, Maintenance, MaintenancePhase, Page, Phase, Update};
use crate::format::markdown;
use crate::format::time;
use crate::publish::Snapshot;

const MAX_ENTRIES: usize = 25;

/// The content of a feed, independent of the format.
pub struct Feed<'a> {
    page: &'a Page,
    origin: &'a str,
    /// Newest first.
    entries: Vec<FeedEntry<'a>>,
}

struct FeedEntry<'a> {
    id: &'a str,
    /// The id of the entry's feed item at the service it was imported from.
    source_id: Option<&'a str>,
    title: &'a str,
    published: DateTime<Utc>,
    updated: DateTime<Utc>,
    /// The start and end of a maintenance, the actual ones once begun.
    window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// For programs that read Statuspage's feeds: the window of a maintenance in the form they look for.
    notice: Option<String>,
    /// All updates as HTML, newest first.
    html: String,
}

impl<'a> Feed<'a> {
    pub fn from_snapshot(snapshot: &'a Snapshot, origin: &'a str) -> Self {
        let zone = snapshot.page.time_zone;
        let incidents = snapshot.listed.iter().map(|it| incident_entry(it, snapshot, zone));
        let maintenances = snapshot.listed_maintenances.iter().map(|it| maintenance_entry(it, snapshot, zone));
        let mut entries: Vec<FeedEntry<'_>> = incidents.chain(maintenances).collect();
        entries.sort_by(|a, b| (b.published, b.id).cmp(&(a.published, a.id)));
        entries.truncate(MAX_ENTRIES);
        Self { page: &snapshot.page, origin: origin.trim_end_matches('/'), entries }
    }

    fn title(&self) -> String {
        strip_invalid_xml(&format!("{} - Incident History", self.page.title()))
    }

    fn updated(&self) -> DateTime<Utc> {
        self.entries.iter().map(|entry| entry.updated).max().unwrap_or(self.page.updated_at)
    }

    /// The id of the feed itself.
    fn id(&self) -> String {
        format!("tag:{},2005:/history", self.page.id)
    }

    /// The id of an entry: the one that readers know from the imported page, or one in Statuspage's form with the page's id
    /// instead of its host, which may change. If the id changed, feed readers would show the entry as new.
    fn entry_id(&self, entry: &FeedEntry<'_>) -> String {
        let own = || format!("tag:{},2005:Incident/{}", self.page.id, entry.id);
        entry.source_id.map_or_else(own, str::to_owned)
    }

    fn address(&self, entry: &FeedEntry<'_>) -> String {
        format!("{}/incidents/{}", self.origin, entry.id)
    }

    /// The HTML for people, with the window of a maintenance in words.
    fn readable_html(&self, entry: &FeedEntry<'_>) -> String {
        let window = entry.window.map(|(from, to)| time::format_span(from, Some(to), self.page.time_zone));
        let window = window.map(|words| format!("<p><strong>Maintenance: {words}</strong></p>"));
        format!("{}{}", window.unwrap_or_default(), entry.html)
    }
}

impl FeedEntry<'_> {
    /// The HTML of Statuspage's feeds. Only their notice tells a maintenance from an incident.
    fn html_with_notice(&self) -> String {
        format!("{}{}", self.notice.as_deref().unwrap_or_default(), self.html)
    }
}

fn incident_entry<'a>(it: &'a Incident, snapshot: &'a Snapshot, zone: Tz) -> FeedEntry<'a> {
    let postmortem = snapshot.postmortem_for(it);
    let html = postmortem
        .map(|postmortem| render_update("Postmortem", postmortem.at, &postmortem.body, zone))
        .unwrap_or_default();
    let changed = postmortem.map_or(it.updated_at, |postmortem| postmortem.at.max(it.updated_at));
    FeedEntry {
        id: it.id.as_str(),
        source_id: snapshot.feed_ids.get(it.id.as_str()).map(String::as_str),
        title: &it.title,
        published: it.updates.first().map_or(it.created_at, |first| first.posted_at),
        updated: changed,
        window: None,
        notice: None,
        html: html + &render_updates(&it.updates, Phase::words, zone),
    }
}

fn maintenance_entry<'a>(it: &'a Maintenance, snapshot: &'a Snapshot, zone: Tz) -> FeedEntry<'a> {
    let window = it.window();
    let times = format_window(window.0, Some(window.1), zone);
    FeedEntry {
        id: it.id.as_str(),
        source_id: snapshot.feed_ids.get(it.id.as_str()).map(String::as_str),
        title: &it.title,
        published: it.updates.first().map_or(it.created_at, |first| first.posted_at),
        updated: it.updated_at,
        window: Some(window),
        notice: Some(format!("<p><strong>THIS IS A SCHEDULED EVENT {times}</strong></p>")),
        html: render_updates(&it.updates, MaintenancePhase::words, zone),
    }
}

/// All updates, newest first. An update that doesn't change the phase is labelled `Update`.
fn render_updates<P: Copy + PartialEq>(updates: &[Update<P>], words: fn(P) -> &'static str, zone: Tz) -> String {
    let mut before = None;
    let mut all = Vec::with_capacity(updates.len());
    for update in updates {
        let label = if before == Some(update.phase) { "Update" } else { words(update.phase) };
        before = Some(update.phase);
        all.push(render_update(label, update.posted_at, &update.body, zone));
    }
    all.into_iter().rev().collect()
}

fn render_update(label: &str, at: DateTime<Utc>, body: &str, zone: Tz) -> String {
    let when = format!("{}, {} {}", format_day(at, zone), format_clock(at, zone), time::zone_name(at, zone));
    format!("<p><small>{when}</small><br><strong>{label}</strong> - {}", render_inline(body))
}

/// Renders Markdown to HTML that continues an open paragraph and closes it.
fn render_inline(body: &str) -> String {
    let html = markdown::render_markdown(&strip_invalid_xml(body));
    let html = html.trim_end();
    match html.strip_prefix("<p>") {
        Some(rest) => rest.to_owned(),
        None => format!("</p>{html}"),
    }
}

/// Renders Markdown to HTML; a single paragraph loses its `<p>` tags.
pub fn render_message(body: &str) -> String {
    let html = markdown::render_markdown(&strip_invalid_xml(body));
    let html = html.trim_end();
    let only = html.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    only.filter(|only| !only.contains("<p>")).unwrap_or(html).to_owned()
}

/// A time range as `Mar <var data-var='date'> 1</var>, <var data-var='time'>10:02</var> - …12:40… MST`, the markup that
/// Statuspage clients parse. The end has a date only if it differs, and is omitted for ongoing entries.
pub fn format_window(from: DateTime<Utc>, to: Option<DateTime<Utc>>, zone: Tz) -> String {
    let begin = format!("{}, {}", format_day(from, zone), format_clock(from, zone));
    match to {
        None => format!("{begin} {}", time::zone_name(from, zone)),
        Some(to) => {
            let end = if time::today(from, zone) == time::today(to, zone) {
                format_clock(to, zone)
            } else {
                format!("{}, {}", format_day(to, zone), format_clock(to, zone))
            };
            format!("{begin} - {end} {}", time::zone_name(to, zone))
        }
    }
}

fn format_day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%b <var data-var='date'>%e</var>").to_string()
}

fn format_clock(at: DateTime<Utc>, zone: Tz) -> String {
    format!("<var data-var='time'>{}</var>", time::format_clock(at, zone))
}

/// Removes characters that XML does not allow.
fn strip_invalid_xml(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let fits = |c: &char| matches!(c, '\n' | '\t') || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_continues_after_its_label() {
        let at = "2026-03-01T19:40:00Z".parse().unwrap();
        assert_eq!(
            render_update("Resolved", at, "It is **over**.\n\nReally.", Tz::America__Denver),
            "<p><small>Mar <var data-var='date'> 1</var>, <var data-var='time'>12:40</var> MST</small><br>\
             <strong>Resolved</strong> - It is <strong>over</strong>.</p>\n<p>Really.</p>"
        );
        assert!(render_update("Update", at, "- one\n- two", Tz::UTC).contains("<strong>Update</strong> - </p><ul>"));
    }

    #[test]
    fn short_message_has_no_paragraph_tags() {
        assert_eq!(render_message("Over & <b>out</b>."), "Over &amp; &lt;b&gt;out&lt;/b&gt;.");
        assert_eq!(render_message("a\n\nb"), "<p>a</p>\n<p>b</p>");
    }

    #[test]
    fn window_names_second_day_if_different() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let from = at("2026-03-01T22:02:00Z");
        let words = |to| format_window(from, to, Tz::UTC);
        assert_eq!(words(None), "Mar <var data-var='date'> 1</var>, <var data-var='time'>22:02</var> UTC");
        assert!(words(Some(at("2026-03-01T23:00:00Z"))).ends_with("</var> - <var data-var='time'>23:00</var> UTC"));
        let other = words(Some(at("2026-03-12T01:00:00Z")));
        assert!(other.ends_with(" - Mar <var data-var='date'>12</var>, <var data-var='time'>01:00</var> UTC"));
    }
}
