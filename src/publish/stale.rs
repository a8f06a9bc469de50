//! How responses show that the database has not confirmed them for a while.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::format::time;
use crate::ui::pages::public::stale_notice;

/// Set on every stale response, also those without a visible notice; RFC 3339.
pub const CONFIRMED_AT_HEADER: HeaderName = HeaderName::from_static("candor-confirmed-at");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staleness {
    pub confirmed_at: DateTime<Utc>,
    pub time_zone: Tz,
}

impl Staleness {
    pub fn notice(&self) -> String {
        stale_notice(self.confirmed_at, self.time_zone)
    }

    /// The suffix of a badge: `as of 7 Oct 2026, 14:05 UTC`.
    pub fn words(&self) -> String {
        format!("as of {}", time::format_full(self.confirmed_at, self.time_zone))
    }

    pub(super) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.confirmed_at.to_rfc3339_opts(SecondsFormat::Secs, true)).ok()
    }
}
