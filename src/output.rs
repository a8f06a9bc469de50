//! Terminal output. `println!` would panic on a full disk or a closed pipe, even if the reported change is committed.

use std::fmt::Arguments;
use std::io::Write as _;
use std::time::Duration;

/// Writes a line to standard output and ignores write errors.
pub fn print_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub fn print_error_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints from a separate thread, because an unread pipe blocks the writer.
pub fn print_detached(line: String) {
    std::thread::spawn(move || print_line(format_args!("{line}")));
}

/// Prints to standard error and waits at most a second, because an unread pipe blocks the writer.
pub fn print_last_line(line: String) {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        print_error_line(format_args!("{line}"));
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(Duration::from_secs(1));
}

/// Like `println!`, without a panic.
macro_rules! say {
    ($($line:tt)*) => { $crate::output::print_line(format_args!($($line)*)) };
}

/// Like `eprintln!`, without a panic.
macro_rules! say_error {
    ($($line:tt)*) => { $crate::output::print_error_line(format_args!($($line)*)) };
}
