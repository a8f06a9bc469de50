//! The log, on standard error. If standard error is a full disk, a closed pipe or an unread pipe, lines are lost, but
//! no request waits: lines queue for a writer thread, and lines that don't fit or can't be written are counted and
//! dropped.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::counters::Counter;

const MAX_QUEUED_LINES: usize = 10_000;
/// Used without `RUST_LOG`. tower-sessions warns of every expired session as "possibly suspicious". h2 warns of client
/// errors, which would let clients fill the log.
const DEFAULT_FILTER: &str = "info,h2=error,tower_sessions=error,sqlx=warn";

static FAILED_LINES: Counter = Counter::new();
/// Counts lines dropped because the queue was full.
static DROPPED_LINES: OnceLock<ErrorCounter> = OnceLock::new();

pub fn lost_lines() -> u64 {
    let crowded = DROPPED_LINES.get().map_or(0, ErrorCounter::dropped_lines);
    FAILED_LINES.value() + u64::try_from(crowded).unwrap_or(u64::MAX)
}

/// Starts the log, filtered by `RUST_LOG`. Dropping the guard writes the queued lines, unless that takes too long.
pub fn start_log(json: bool) -> WorkerGuard {
    let (writer, guard) = queued_writer(std::io::stderr(), MAX_QUEUED_LINES);
    let _ = DROPPED_LINES.set(writer.error_counter());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    // An internal error would be reported on standard error, which panics if standard error can't be written.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false)
        .log_internal_errors(false);
    let started = if json { log.json().try_init() } else { log.try_init() };
    // Fails only if the process already has a log, which then stays in use.
    drop(started);
    std::panic::set_hook(Box::new(log_panic));
    guard
}

fn queued_writer(into: impl Write + Send + 'static, queue: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(queue).thread_name("log").finish(LossyWriter(into))
}

/// Replaces the standard hook, which blocks on standard error, forever if it is an unread pipe.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let cause = panic.payload_as_str().unwrap_or("a value that is no text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let trace = std::backtrace::Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        tracing::error!("panicked at {place}: {cause}\n{trace}");
    } else {
        tracing::error!("panicked at {place}: {cause}");
    }
}

/// Accepts every line and counts those that can't be written.
struct LossyWriter<W>(W);

impl<W: Write> Write for LossyWriter<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if self.0.write_all(line).is_err() {
            FAILED_LINES.increment();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, pipe};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn unwritable_lines_are_counted_and_dropped() {
        let before = FAILED_LINES.value();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(LossyWriter(full).write(b"a line\n").unwrap(), 7);
        let (reader, dead) = pipe().unwrap();
        drop(reader);
        assert_eq!(LossyWriter(dead).write(b"a line\n").unwrap(), 7);
        assert!(FAILED_LINES.value() >= before + 2);
    }

    #[test]
    fn unread_pipe_does_not_block_writers() {
        let (unread, into): (PipeReader, _) = pipe().unwrap();
        let (mut log, guard) = queued_writer(into, 10);
        let (done, is_done) = mpsc::channel();
        let lines = log.error_counter();
        std::thread::spawn(move || {
            for _ in 0..1_000 {
                log.write_all(&[b'x'; 4096]).unwrap();
            }
            done.send(()).unwrap();
        });
        assert!(is_done.recv_timeout(std::time::Duration::from_secs(30)).is_ok(), "a writer waited for the reader");
        assert!(lines.dropped_lines() > 0);
        drop(unread);
        drop(guard);
    }
}
