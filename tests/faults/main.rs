//! Faults that need the real binary: a full disk, failing system calls, a log without a reader, clock jumps, a proxy,
//! kill -9. `make faults` runs them; they need root, strace, faketime and nginx, which `.ci/tools faults` installs.

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

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 10, 12, 0, 0).unwrap()
}

fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
