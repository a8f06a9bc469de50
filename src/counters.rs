//! Counters for the metrics, which `web::edge::prometheus` renders. An increment is one relaxed atomic addition.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::StatusCode;

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn increment(&self) {
        self.add(1);
    }

    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What the worker last saw of the messages to subscribers.
#[derive(Debug, Default)]
pub struct QueueGauge(Mutex<QueueMeasurement>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueMeasurement {
    /// Messages that are not sent yet.
    pub waiting: i64,
    /// Since when the oldest e-mail waits.
    pub oldest_mail: Option<DateTime<Utc>>,
    /// Whether the mail server rejected this sender within the last hour.
    pub is_sender_rejected: bool,
}

impl QueueGauge {
    pub fn set(&self, measured: QueueMeasurement) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }

    pub fn value(&self) -> QueueMeasurement {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Number and total duration of an operation.
#[derive(Debug, Default)]
pub struct DurationCounter {
    pub count: Counter,
    microseconds: Counter,
}

impl DurationCounter {
    pub fn add(&self, took: Duration) {
        self.count.increment();
        self.microseconds.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.microseconds.value()).as_secs_f64()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseClass {
    /// A document of the published site.
    Site,
    /// A page rendered on demand, served from the cache.
    Cached,
    File,
    /// Any other response of the router.
    Routed,
    Stream,
    Admin,
}

impl ResponseClass {
    /// In the order of their values, because [`ResponseCounts`] indexes by value.
    pub const ALL: [Self; 6] = [Self::Site, Self::Cached, Self::File, Self::Routed, Self::Stream, Self::Admin];

    /// Classifies a response of the router by path.
    pub fn from_path(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        match first {
            "events" => Self::Stream,
            "admin" | "login" | "logout" | "setup" => Self::Admin,
            _ => Self::Routed,
        }
    }

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

/// What a node knows of itself among the others.
#[derive(Debug, Default)]
pub struct NodeGauge(Mutex<NodeMeasurement>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeMeasurement {
    /// Revisions that this node does not serve yet.
    pub revision_lag: i64,
    /// The names of the leases, and whether this node holds them.
    pub leases: Vec<(String, bool)>,
}

impl NodeGauge {
    pub fn set(&self, measured: NodeMeasurement) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }

    pub fn value(&self) -> NodeMeasurement {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Responses by class and status class.
#[derive(Debug, Default)]
pub struct ResponseCounts([[Counter; 5]; ResponseClass::ALL.len()]);

impl ResponseCounts {
    pub fn count(&self, class: ResponseClass, status: StatusCode) {
        let hundreds = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.0[class as usize][hundreds].increment();
    }

    /// The nonzero counts: class, first digit of the status, number.
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
