use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Feed, FeedEntry};

/// JSON Feed 1.1.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JsonFeed", deny_unknown_fields)]
pub struct JsonFeed<'a> {
    version: &'static str,
    title: String,
    home_page_url: &'a str,
    feed_url: String,
    authors: [Author<'a>; 1],
    language: &'static str,
    items: Vec<Item<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FeedAuthor", deny_unknown_fields)]
struct Author<'a> {
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FeedItem", deny_unknown_fields)]
struct Item<'a> {
    id: String,
    url: String,
    title: &'a str,
    content_html: String,
    #[schemars(with = "DateTime<Utc>")]
    date_published: String,
    #[schemars(with = "DateTime<Utc>")]
    date_modified: String,
}

pub fn render_json_feed(feed: &Feed<'_>) -> String {
    let document = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: feed.title(),
        home_page_url: feed.origin,
        feed_url: format!("{}/feed.json", feed.origin),
        authors: [Author { name: &feed.page.name }],
        language: "en-US",
        items: feed.entries.iter().map(|it| json_item(feed, it)).collect(),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

fn json_item<'a>(feed: &Feed<'_>, it: &'a FeedEntry<'_>) -> Item<'a> {
    Item {
        id: feed.entry_id(it),
        url: feed.address(it),
        title: it.title,
        content_html: feed.readable_html(it),
        date_published: stamp(it.published),
        date_modified: stamp(it.updated),
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
