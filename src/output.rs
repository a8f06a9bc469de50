//! What people read on the terminal. The library's `println!` ends the program with a panic where standard output is a
//! full disk or a pipe that ended, even where the change it tells of is committed.

use std::fmt::Arguments;
use std::io::Write as _;
use std::time::Duration;

/// Writes a line to standard output; it is lost where that can't be written.
pub fn print_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The same for standard error.
pub fn print_error_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a line to standard output from a thread of its own: it may be a pipe that is not read.
pub fn print_detached(line: String) {
    std::thread::spawn(move || print_line(format_args!("{line}")));
}

/// Writes the last line of the program to standard error, which may be a pipe that is not read: it is not waited for
/// longer than a second.
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
