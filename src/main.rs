//! The program: reads the command line and does what it says.

use std::process::ExitCode;

use candor::cli::{self, Cli};
use candor::clock::Clock;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    runtime.block_on(cli::run(cli, &Clock::system())).unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("candor: {error:#}");
    ExitCode::FAILURE
}
