use atom_syndication::{Content, Entry as AtomEntry, Feed as AtomFeed, Link, Person, Text};
use chrono::{DateTime, FixedOffset, SubsecRound as _, Utc};

use super::{Feed, FeedEntry, strip_invalid_xml};

pub fn render_atom(feed: &Feed<'_>) -> String {
    let origin = feed.origin;
    let document = AtomFeed {
        title: Text::plain(feed.title()),
        id: feed.id(),
        updated: stamp(feed.updated()),
        authors: vec![Person { name: strip_invalid_xml(&feed.page.name), ..Person::default() }],
        links: vec![
            atom_link("alternate", "text/html", origin.to_owned()),
            atom_link("self", "application/atom+xml", format!("{origin}/history.atom")),
        ],
        entries: feed.entries.iter().map(|it| atom_entry(feed, it)).collect(),
        lang: Some("en-US".to_owned()),
        ..AtomFeed::default()
    };
    document.to_string()
}

fn atom_entry(feed: &Feed<'_>, it: &FeedEntry<'_>) -> AtomEntry {
    AtomEntry {
        title: Text::plain(strip_invalid_xml(it.title)),
        id: feed.entry_id(it),
        published: Some(stamp(it.published)),
        updated: stamp(it.updated),
        links: vec![atom_link("alternate", "text/html", feed.address(it))],
        content: Some(Content {
            value: Some(it.html_with_notice()),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..AtomEntry::default()
    }
}

fn atom_link(rel: &str, kind: &str, href: String) -> Link {
    Link { href, rel: rel.to_owned(), mime_type: Some(kind.to_owned()), ..Link::default() }
}

fn stamp(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.trunc_subsecs(0).fixed_offset()
}
