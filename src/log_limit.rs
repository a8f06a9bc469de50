//! Rate limit for log lines that clients can provoke; suppressed lines are counted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// Internal errors, each with its cause.
pub static FAULTS: LogLimit = LogLimit::per_minute(30);
/// Requests that failed because the database is unavailable.
pub static OUTAGES: LogLimit = LogLimit::per_minute(6);
/// Connections that could not be accepted.
pub static CONNECTIONS: LogLimit = LogLimit::per_minute(6);

#[derive(Debug)]
pub struct LogLimit {
    most: u32,
    window: Mutex<LogWindow>,
}

#[derive(Clone, Copy, Debug)]
struct LogWindow {
    /// `None` before the first line.
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl LogLimit {
    pub const fn per_minute(most: u32) -> Self {
        Self { most, window: Mutex::new(LogWindow { began: None, written: 0, left_out: 0 }) }
    }

    /// Returns a permit if a line may be written now. The first permit of a minute has the number of suppressed lines.
    pub fn acquire(&self) -> Option<LogPermit> {
        self.acquire_at(Instant::now())
    }

    fn acquire_at(&self, now: Instant) -> Option<LogPermit> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.is_none_or(|began| now.saturating_duration_since(began) >= WINDOW) {
            let left_out = window.left_out;
            *window = LogWindow { began: Some(now), written: 1, left_out: 0 };
            return Some(LogPermit { left_out: Some(left_out).filter(|count| *count > 0) });
        }
        if window.written >= self.most {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(LogPermit { left_out: None })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPermit {
    /// Lines suppressed in the previous window, if any; a field of the log line.
    pub left_out: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_limit_counts_suppressed_lines() {
        let (limit, start) = (LogLimit::per_minute(2), Instant::now());
        let admitted: Vec<_> = (0..5).map(|_| limit.acquire_at(start)).collect();
        assert_eq!(admitted.iter().flatten().count(), 2);
        assert_eq!(limit.acquire_at(start + WINDOW), Some(LogPermit { left_out: Some(3) }));
        assert_eq!(limit.acquire_at(start + WINDOW), Some(LogPermit { left_out: None }));
        assert_eq!(limit.acquire_at(start + WINDOW), None);
    }
}
