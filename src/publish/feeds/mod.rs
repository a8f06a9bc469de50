//! Feeds: the newest incidents and maintenances for feed readers, in three languages that say the same.
//!
//! The same entries always give the same bytes: nothing in them tells when they were written.

mod atom;
mod json_feed;
mod rss_feed;

pub use atom::atom;
pub use json_feed::json_feed;
pub use rss_feed::rss;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::{Incident, Maintenance, MaintenancePhase, Page, Phase, Update};
use crate::format::markdown;
use crate::format::time;
use crate::publish::Snapshot;

/// How many entries a feed holds.
const MAX_ENTRIES: usize = 25;

/// A feed before it is put into words.
pub struct Feed<'a> {
    page: &'a Page,
    origin: &'a str,
    /// Newest first.
    entries: Vec<Entry<'a>>,
}

/// One incident or maintenance.
struct Entry<'a> {
    id: &'a str,
    /// The id that readers knew it by where it came from, if it came from elsewhere.
    known_as: Option<&'a str>,
    title: &'a str,
    published: DateTime<Utc>,
    updated: DateTime<Utc>,
    /// Start and end of a maintenance, as planned.
    window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Every update, newest first.
    html: String,
}

impl<'a> Feed<'a> {
    /// The newest of `snapshot`.
    pub fn of(snapshot: &'a Snapshot, origin: &'a str) -> Self {
        let zone = snapshot.page.time_zone;
        let incidents = snapshot.listed.iter().map(|it| incident_entry(it, snapshot, zone));
        let maintenances = snapshot.listed_maintenances.iter().map(|it| maintenance_entry(it, snapshot, zone));
        let mut entries: Vec<Entry<'_>> = incidents.chain(maintenances).collect();
        entries.sort_by(|a, b| (b.published, b.id).cmp(&(a.published, a.id)));
        entries.truncate(MAX_ENTRIES);
        Self { page: &snapshot.page, origin: origin.trim_end_matches('/'), entries }
    }

    fn title(&self) -> String {
        plain(&format!("{} Status - Incident History", self.page.name))
    }

    /// When anything in it changed last.
    fn updated(&self) -> DateTime<Utc> {
        self.entries.iter().map(|entry| entry.updated).max().unwrap_or(self.page.updated_at)
    }

    /// The id by which readers know an entry: always the same, or they show it as new.
    fn tag(&self, entry: &Entry<'_>) -> String {
        let own = || format!("tag:{},2005:Incident/{}", self.host(), entry.id);
        entry.known_as.map_or_else(own, str::to_owned)
    }

    fn address(&self, entry: &Entry<'_>) -> String {
        format!("{}/incidents/{}", self.origin, entry.id)
    }

    /// The host that ids begin with, without its port.
    fn host(&self) -> &str {
        let host = self.origin.split_once("://").map_or(self.origin, |(_, host)| host);
        host.split_once(':').map_or(host, |(name, _)| name)
    }
}

fn incident_entry<'a>(it: &'a Incident, snapshot: &'a Snapshot, zone: Tz) -> Entry<'a> {
    let review = snapshot.review_of(it);
    let told = review.map(|review| paragraph("Postmortem", review.at, &review.body, zone)).unwrap_or_default();
    let changed = review.map_or(it.updated_at, |review| review.at.max(it.updated_at));
    Entry {
        id: it.id.as_str(),
        known_as: snapshot.feed_ids.get(it.id.as_str()).map(String::as_str),
        title: &it.title,
        published: it.updates.first().map_or(it.created_at, |first| first.posted_at),
        updated: changed,
        window: None,
        html: told + &paragraphs(&it.updates, Phase::words, zone),
    }
}

fn maintenance_entry<'a>(it: &'a Maintenance, snapshot: &'a Snapshot, zone: Tz) -> Entry<'a> {
    let window = (it.scheduled_for, it.scheduled_until);
    let planned = moments(window.0, Some(window.1), zone);
    let told = format!("<p><strong>THIS IS A SCHEDULED EVENT {planned}</strong></p>");
    Entry {
        id: it.id.as_str(),
        known_as: snapshot.feed_ids.get(it.id.as_str()).map(String::as_str),
        title: &it.title,
        published: it.updates.first().map_or(it.created_at, |first| first.posted_at),
        updated: it.updated_at,
        window: Some(window),
        html: told + &paragraphs(&it.updates, MaintenancePhase::words, zone),
    }
}

/// Every update, newest first. One that leaves the phase as it was is called an update.
fn paragraphs<P: Copy + PartialEq>(updates: &[Update<P>], words: fn(P) -> &'static str, zone: Tz) -> String {
    let mut before = None;
    let mut all = Vec::with_capacity(updates.len());
    for update in updates {
        let label = if before == Some(update.phase) { "Update" } else { words(update.phase) };
        before = Some(update.phase);
        all.push(paragraph(label, update.posted_at, &update.body, zone));
    }
    all.into_iter().rev().collect()
}

fn paragraph(label: &str, at: DateTime<Utc>, body: &str, zone: Tz) -> String {
    let when = format!("{}, {} {}", day(at, zone), clock(at, zone), time::zone_name(at, zone));
    format!("<p><small>{when}</small><br><strong>{label}</strong> - {}", inline(body))
}

/// A text as HTML that goes on where a paragraph is open, and closes it.
fn inline(body: &str) -> String {
    let html = markdown::render(&plain(body));
    let html = html.trim_end();
    match html.strip_prefix("<p>") {
        Some(rest) => rest.to_owned(),
        None => format!("</p>{html}"),
    }
}

/// A text as HTML that stands by itself; one short paragraph goes without its tags.
pub fn message(body: &str) -> String {
    let html = markdown::render(&plain(body));
    let html = html.trim_end();
    let only = html.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    only.filter(|only| !only.contains("<p>")).unwrap_or(html).to_owned()
}

/// `Mar <var data-var='date'> 1</var>, <var data-var='time'>10:02</var> - …12:40… MST`, as programs look for
/// it; the second day is named where it is another one, and what goes on has no end.
pub fn moments(from: DateTime<Utc>, to: Option<DateTime<Utc>>, zone: Tz) -> String {
    let begin = format!("{}, {}", day(from, zone), clock(from, zone));
    match to {
        None => format!("{begin} {}", time::zone_name(from, zone)),
        Some(to) => {
            let end = if time::today(from, zone) == time::today(to, zone) {
                clock(to, zone)
            } else {
                format!("{}, {}", day(to, zone), clock(to, zone))
            };
            format!("{begin} - {end} {}", time::zone_name(to, zone))
        }
    }
}

fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%b <var data-var='date'>%e</var>").to_string()
}

fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    format!("<var data-var='time'>{}</var>", time::clock(at, zone))
}

/// Text without what XML can't hold.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let fits = |c: &char| matches!(c, '\n' | '\t') || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_on_behind_its_label() {
        let at = "2026-03-01T19:40:00Z".parse().unwrap();
        assert_eq!(
            paragraph("Resolved", at, "It is **over**.\n\nReally.", Tz::America__Denver),
            "<p><small>Mar <var data-var='date'> 1</var>, <var data-var='time'>12:40</var> MST</small><br>\
             <strong>Resolved</strong> - It is <strong>over</strong>.</p>\n<p>Really.</p>"
        );
        assert!(paragraph("Update", at, "- one\n- two", Tz::UTC).contains("<strong>Update</strong> - </p><ul>"));
    }

    #[test]
    fn a_message_is_as_short_as_it_can_be() {
        assert_eq!(message("Over & <b>out</b>."), "Over &amp; &lt;b&gt;out&lt;/b&gt;.");
        assert_eq!(message("a\n\nb"), "<p>a</p>\n<p>b</p>");
    }

    #[test]
    fn moments_name_the_second_day_where_it_is_another() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let from = at("2026-03-01T22:02:00Z");
        let words = |to| moments(from, to, Tz::UTC);
        assert_eq!(words(None), "Mar <var data-var='date'> 1</var>, <var data-var='time'>22:02</var> UTC");
        assert!(words(Some(at("2026-03-01T23:00:00Z"))).ends_with("</var> - <var data-var='time'>23:00</var> UTC"));
        let other = words(Some(at("2026-03-12T01:00:00Z")));
        assert!(other.ends_with(" - Mar <var data-var='date'>12</var>, <var data-var='time'>01:00</var> UTC"));
    }
}
