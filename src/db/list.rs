//! Cursors and search patterns of list queries.

use chrono::{DateTime, Utc};

use crate::domain::history::Cursor;

/// Later than any stored time (years have four digits).
pub(super) fn end_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Start and id of the last item before the page; without a cursor, the page starts with the newest item.
pub(super) fn behind(cursor: Option<&Cursor>) -> (DateTime<Utc>, &str) {
    cursor.map_or((end_of_time(), ""), |cursor| (cursor.started_at, cursor.id.as_str()))
}

/// A `like` pattern for texts that contain `text`, with its wildcards escaped.
pub(super) fn containing(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// The same in lower case; empty for an empty text, which matches everything.
pub(super) fn pattern(text: &str) -> String {
    if text.is_empty() { String::new() } else { containing(&text.to_lowercase()) }
}
