//! Faults that only a whole process meets: a full disk, a system call that fails, a log without a reader, a clock that
//! jumps, a proxy in front, kill -9. `make faults` runs them with the real binary; they need root, strace, faketime
//! and nginx, which `.ci/tools faults` installs.

mod clock;
mod disk;
mod files;
mod log;
mod mail;
mod postgresql;
mod proxy;
mod server;

#[path = "../it/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the integration tests, which use all of it")]
mod postgres;

#[path = "../it/support/failure.rs"]
#[allow(dead_code, reason = "shared with the integration tests, which use all of it")]
mod failure;

use chrono::{DateTime, TimeZone as _, Utc};

/// The time at which the shared PostgreSQL template is prepared.
fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 10, 12, 0, 0).unwrap()
}

/// Says aloud that a test did not run.
fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
