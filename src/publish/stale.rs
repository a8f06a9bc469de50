//! What is said of a document that nobody could confirm for a while.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::format::time;
use crate::ui::pages::public::stale_notice;

/// Where every answer that is old says since when, in RFC 3339: also what has no words of its own for it.
pub const CONFIRMED_AT_HEADER: HeaderName = HeaderName::from_static("candor-confirmed-at");

/// When the database last confirmed what is shown, and the zone in which that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staleness {
    pub confirmed_at: DateTime<Utc>,
    pub time_zone: Tz,
}

impl Staleness {
    /// What a page says.
    pub fn notice(&self) -> String {
        stale_notice(self.confirmed_at, self.time_zone)
    }

    /// What a badge says: `as of 7 Oct 2026, 14:05 UTC`.
    pub fn words(&self) -> String {
        format!("as of {}", time::format_full(self.confirmed_at, self.time_zone))
    }

    /// The value of [`CONFIRMED_AT_HEADER`].
    pub(super) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.confirmed_at.to_rfc3339_opts(SecondsFormat::Secs, true)).ok()
    }
}
