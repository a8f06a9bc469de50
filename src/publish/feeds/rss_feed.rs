use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rss::extension::Extension;
use rss::{Channel, Guid, Item};

use super::{Feed, FeedEntry, strip_invalid_xml};
use crate::db::feed_ids::UUID_PREFIX;

pub fn render_rss(feed: &Feed<'_>) -> String {
    let channel = Channel {
        title: feed.title(),
        link: feed.origin.to_owned(),
        description: strip_invalid_xml(&format!("Incidents and maintenance of {}", feed.page.name)),
        pub_date: Some(stamp(feed, feed.updated())),
        items: feed.entries.iter().map(|it| rss_item(feed, it)).collect(),
        ..Channel::default()
    };
    channel.to_string()
}

/// A maintenance has its start as date, and its end in the extra element `maintenanceEndDate`: the scheduled ones, and
/// the actual ones once begun.
fn rss_item(feed: &Feed<'_>, it: &FeedEntry<'_>) -> Item {
    let mut extensions = BTreeMap::new();
    if let Some((_, until)) = it.window {
        let name = "maintenanceEndDate".to_owned();
        let end = Extension { name: name.clone(), value: Some(stamp(feed, until)), ..Extension::default() };
        extensions.insert(String::new(), BTreeMap::from([(name, vec![end])]));
    }
    Item {
        title: Some(strip_invalid_xml(it.title)),
        description: Some(it.html_with_notice()),
        pub_date: Some(stamp(feed, it.window.map_or(it.published, |(start, _)| start))),
        link: Some(feed.address(it)),
        guid: Some(Guid { value: guid(feed, it), permalink: false }),
        extensions,
        ..Item::default()
    }
}

/// The entry's id, as in the other feeds. Readers of Statuspage's RSS feed know an imported entry by its address, and
/// those of Cachet's by its bare UUID.
fn guid(feed: &Feed<'_>, it: &FeedEntry<'_>) -> String {
    if let Some(uuid) = it.source_id.and_then(|id| id.strip_prefix(UUID_PREFIX)) {
        return uuid.to_owned();
    }
    let tag = it.source_id.and_then(|id| id.strip_prefix("tag:")?.split_once(",2005:Incident/"));
    match tag {
        // Candor's own ids have the page's id, which has no dot, instead of a host.
        Some((host, _)) if host.contains('.') => format!("https://{host}/incidents/{}", it.id),
        _ => feed.entry_id(it),
    }
}

fn stamp(feed: &Feed<'_>, at: DateTime<Utc>) -> String {
    at.with_timezone(&feed.page.time_zone).to_rfc2822()
}
