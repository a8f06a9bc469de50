//! Atom and RSS feeds of imported pages: the ids of their entries, by incident or maintenance.

use std::path::Path;

use atom_syndication::Feed;
use rss::Channel;

use super::source::{Source, SourceError};

/// Where the root element of a feed must begin, in bytes.
const ROOT_WITHIN: usize = 4096;

/// Whether a file at this path in an imported folder is a feed: at the top, or at the top of a site that Hugo built.
pub(super) fn is_feed(path: &Path) -> bool {
    let is_top = path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent == Path::new("public"));
    is_top && is_feed_name(path) && path.file_stem().is_none_or(|name| name != "sitemap")
}

pub(super) fn is_feed_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["atom", "rss", "xml"].contains(&extension))
}

/// Whether the text has the root element of a feed. Servers answer unknown addresses with a page.
pub(super) fn has_feed(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..ROOT_WITHIN).unwrap_or(bytes));
    head.contains("<feed") || head.contains("<rss")
}

/// Reads the ids of the entries. `find_id` finds the id of the incident or maintenance at a path of the source's page.
pub(super) fn read_feed(bytes: &[u8], find_id: impl Fn(&str) -> Option<String>) -> Result<Source, SourceError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let mut source = Source::default();
    for (entry_id, link) in read_entries(bytes)? {
        match link.as_deref().and_then(path_of).and_then(|path| find_id(path.trim_end_matches('/'))) {
            Some(id) => drop(source.feed_ids.insert(id, entry_id)),
            None => source.remarks.push(format!("the entry “{entry_id}” of the feed is about no incident")),
        }
    }
    Ok(source)
}

/// The id and the link of each entry.
fn read_entries(bytes: &[u8]) -> Result<Vec<(String, Option<String>)>, SourceError> {
    let is_rss = !bytes.windows(5).take(ROOT_WITHIN).any(|word| word == b"<feed");
    if is_rss {
        let channel = Channel::read_from(bytes).map_err(|error| SourceError::NotAFeed(error.to_string()))?;
        let entry = |item: rss::Item| {
            let guid = item.guid.map(|guid| guid.value.trim().to_owned()).filter(|guid| !guid.is_empty());
            // Readers identify an item without a guid by its link.
            guid.or_else(|| item.link.clone()).map(|id| (id, item.link))
        };
        return Ok(channel.items.into_iter().filter_map(entry).collect());
    }
    let feed = Feed::read_from(bytes).map_err(|error| SourceError::NotAFeed(error.to_string()))?;
    let entry = |entry: atom_syndication::Entry| {
        let link = entry.links.into_iter().find(|link| link.rel == "alternate").map(|link| link.href);
        (entry.id, link)
    };
    Ok(feed.entries.into_iter().map(entry).collect())
}

/// The path of a URL, without query and fragment.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.trim().split_once("://")?;
    let path = &rest[rest.find('/')?..];
    Some(path.split(['?', '#']).next().unwrap_or(path))
}

/// The id after the last occurrence of one of these parts of a path, each with the prefix that the id has here.
pub(super) fn id_in_path(path: &str, parts: &[(&str, &str)]) -> Option<String> {
    parts.iter().find_map(|(part, prefix)| {
        let (_, id) = path.rsplit_once(part)?;
        (!id.is_empty() && !id.contains('/')).then(|| format!("{prefix}{id}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "<item><title>t</title><link>https://old.example/issues/a/</link>GUID</item>";

    fn feed_ids(xml: &str) -> Vec<(String, String)> {
        let source = read_feed(xml.as_bytes(), |path| id_in_path(path, &[("/issues/", "x-")])).unwrap();
        source.feed_ids.into_iter().collect()
    }

    #[test]
    fn entries_are_found_by_their_link() {
        let atom = "\n<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><title>t</title>\
            <updated>2026-01-14T08:00:00Z</updated><entry><id>tag:a,1</id><title>t</title>\
            <updated>2026-01-14T08:00:00Z</updated><link href=\"https://old.example/issues/a?x#y\"/></entry></feed>";
        assert_eq!(feed_ids(atom), [("x-a".into(), "tag:a,1".into())]);
        let rss = |guid: &str| format!("<rss version=\"2.0\"><channel>{}</channel></rss>", ITEM.replace("GUID", guid));
        assert_eq!(feed_ids(&rss("<guid>urn:a</guid>")), [("x-a".into(), "urn:a".into())]);
        assert_eq!(feed_ids(&rss("")), [("x-a".into(), "https://old.example/issues/a/".into())]);
        assert!(read_feed(b"<html></html>", |_| None).is_err());
    }

    #[test]
    fn feeds_are_at_the_top_of_the_folder() {
        for (path, is_one) in [
            ("index.xml", true),
            ("public/index.xml", true),
            ("feed.atom", true),
            ("public/sitemap.xml", false),
            ("public/issues/index.xml", false),
            ("feed.json", false),
        ] {
            assert_eq!(is_feed(Path::new(path)), is_one, "{path}");
        }
        assert!(!has_feed(b"<!doctype html><title>Page</title>") && has_feed(b"<?xml?><rss>"));
    }
}
