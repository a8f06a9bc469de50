//! Entry point: parses the command line and runs the command.

use std::process::ExitCode;
use std::time::Duration;

use candor::clock::Clock;
use candor::{cli, server};

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::parse();
    if matches!(cli.command, cli::Command::Serve(_)) {
        server::malloc::return_freed_memory();
    }
    let clock = match Clock::from_env() {
        Ok(clock) => clock,
        Err(error) => return exit_with_error(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit_with_error(&error.into()),
    };
    let code = runtime.block_on(cli::run(cli, &clock)).unwrap_or_else(|error| exit_with_error(&error));
    // A thread that is stuck on a file or a lock must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

fn exit_with_error(error: &anyhow::Error) -> ExitCode {
    candor::output::print_last_line(format!("candor: {error:#}"));
    ExitCode::FAILURE
}
