//! Counting, at the price of one relaxed addition. Every room keeps its own numbers; `web::metrics` tells them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hyper::StatusCode;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// None yet.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// As it stands.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How often something was done, and how long it took in all.
#[derive(Debug, Default)]
pub struct DurationCounter {
    pub count: Counter,
    microseconds: Counter,
}

impl DurationCounter {
    /// Once more, for this long.
    pub fn add(&self, took: Duration) {
        self.count.increment();
        self.microseconds.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// In all, in seconds.
    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.microseconds.value()).as_secs_f64()
    }
}

/// What kind of thing was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseClass {
    /// A document of the Site.
    Site,
    /// A page from the cache of deep pages.
    Cached,
    /// A file that is served as it is.
    File,
    /// Anything that took the way through the router, but for the two below.
    Routed,
    /// An event stream.
    Stream,
    /// The admin and the login.
    Admin,
}

impl ResponseClass {
    /// All of them, in the order of their values.
    pub const ALL: [Self; 6] = [Self::Site, Self::Cached, Self::File, Self::Routed, Self::Stream, Self::Admin];

    /// The kind of a request that the router answers.
    pub fn from_path(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        match first {
            "events" => Self::Stream,
            "admin" | "login" | "logout" | "setup" => Self::Admin,
            _ => Self::Routed,
        }
    }

    /// Its name among the numbers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Cached => "cached",
            Self::File => "file",
            Self::Routed => "routed",
            Self::Stream => "stream",
            Self::Admin => "admin",
        }
    }
}

/// How many requests of each class were answered with which class of status.
#[derive(Debug, Default)]
pub struct ResponseCounts([[Counter; 5]; ResponseClass::ALL.len()]);

impl ResponseCounts {
    /// One more.
    pub fn count(&self, class: ResponseClass, status: StatusCode) {
        let hundreds = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.0[class as usize][hundreds].increment();
    }

    /// Each class with the first digit of the status and its number, where there were any.
    pub fn counts(&self) -> impl Iterator<Item = (ResponseClass, usize, u64)> {
        let all = ResponseClass::ALL.into_iter().zip(&self.0);
        all.flat_map(|(class, row)| row.iter().zip(1..).map(move |(count, digit)| (class, digit, count.value())))
            .filter(|(.., count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted_by_class_and_status() {
        let responses = ResponseCounts::default();
        for status in [StatusCode::OK, StatusCode::OK, StatusCode::NOT_MODIFIED] {
            responses.count(ResponseClass::Site, status);
        }
        responses.count(ResponseClass::from_path("/admin/incidents"), StatusCode::NOT_FOUND);
        let counts: Vec<_> = responses.counts().collect();
        assert_eq!(counts, [(ResponseClass::Site, 2, 2), (ResponseClass::Site, 3, 1), (ResponseClass::Admin, 4, 1)]);
    }

    #[test]
    fn class_order_matches_values() {
        assert!(ResponseClass::ALL.iter().enumerate().all(|(index, class)| *class as usize == index));
    }
}
