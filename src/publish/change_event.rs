//! The server-sent event for a change of the status page.

use bytes::Bytes;

use super::{Encoding, Site};

#[derive(Clone, Debug)]
pub struct ChangeEvent {
    /// The entity tag of the uncompressed page, without quotes.
    id: String,
    /// The revision that changed the page. The page may have changed since as time passed ("open for 13m").
    revision: i64,
    /// The event in wire format, shared by all clients.
    event: Bytes,
}

impl ChangeEvent {
    pub(super) fn from_site(site: &Site) -> Self {
        Self::new(change_id(site), site.revision)
    }

    fn new(id: String, revision: i64) -> Self {
        let event = format!("id: {id}\nevent: published\ndata: {{\"revision\":{revision}}}\n\n");
        Self { id, revision, event: event.into() }
    }

    /// Updates the event to `site`; returns whether the content of `/` changed.
    pub(super) fn advance(&mut self, before: &Site, site: &Site) -> bool {
        let id = change_id(site);
        if id == self.id {
            return false;
        }
        let revision = if site.revision == before.revision { self.revision } else { site.revision };
        *self = Self::new(id, revision);
        true
    }

    /// Whether `last` is this event's id, or the entity tag of the page in any encoding.
    pub fn matches(&self, last: &str) -> bool {
        let tag = last.trim_start_matches("W/").trim_matches('"');
        tag.split_once('-').map_or(tag, |(tag, _)| tag) == self.id
    }

    /// The first event for a client that already has this change. It carries the revision, so that the client can
    /// ignore later changes of the same revision.
    pub fn initial_event(&self) -> Bytes {
        format!("event: here\ndata: {{\"revision\":{}}}\n\n", self.revision).into()
    }

    pub fn event(&self) -> Bytes {
        self.event.clone()
    }
}

fn change_id(site: &Site) -> String {
    let tag = site.document("/").map_or("", |page| page.etag(Encoding::Plain));
    tag.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::Document;
    use chrono::DateTime;
    use std::collections::HashMap;
    use std::sync::Arc;

    fn site(revision: i64, text: &str) -> Site {
        let page = Arc::new(Document::html(200, text.to_owned()));
        Site::new(
            revision,
            DateTime::UNIX_EPOCH,
            String::new(),
            chrono_tz::Tz::UTC,
            HashMap::from([("/".to_owned(), page)]),
        )
    }

    #[test]
    fn only_a_different_page_is_a_change() {
        let (first, quiet, loud) = (site(1, "up"), site(2, "up"), site(3, "down"));
        let mut change = ChangeEvent::from_site(&first);
        assert!(!change.advance(&first, &quiet));
        assert!(change.advance(&quiet, &loud));
        assert!(change.event().ends_with(b"event: published\ndata: {\"revision\":3}\n\n"));
    }

    #[test]
    fn time_passing_makes_no_revision() {
        let (first, quiet, later) = (site(1, "open for 1m"), site(2, "open for 1m"), site(2, "open for 2m"));
        let mut change = ChangeEvent::from_site(&first);
        assert!(!change.advance(&first, &quiet));
        assert!(change.advance(&quiet, &later));
        assert_eq!(change.revision, 1);
    }

    #[test]
    fn change_matches_its_id_and_every_etag() {
        let site = site(1, "up");
        let change = ChangeEvent::from_site(&site);
        let page = site.document("/").unwrap();
        for encoding in [Encoding::Plain, Encoding::Gzip, Encoding::Brotli] {
            assert!(change.matches(page.etag(encoding)) && change.matches(&format!("W/{}", page.etag(encoding))));
        }
        assert!(change.matches(&change.id) && !change.matches("") && !change.matches("other"));
    }
}
