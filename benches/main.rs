//! Candor's performance on this machine: `make bench`, `make bench-scale` and `make bench-notify`.
//!
//! All servers run on loopback ports and take turns. The report is Markdown on standard output; progress goes to
//! standard error. See docs/PERFORMANCE.md.

mod baseline;
mod client;
mod compare;
mod consistency;
mod history;
mod notify;
mod on_demand;
mod postgres;
mod process;
mod publishing;
mod report;
mod scale;
mod servers;
mod streams;
mod wrk;

use candor::clock::Clock;
use clap::Parser as _;

/// What is measured.
#[derive(clap::Parser)]
struct Cli {
    #[command(subcommand)]
    measure: Measure,

    /// Said by `cargo bench`, and of no meaning to us
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(clap::Subcommand)]
enum Measure {
    /// One page, served by a TCP loop, a bare handler, nginx and Candor in turn
    Reading(compare::Options),
    /// A long history, many followers, and publishing under load
    Scale(scale::Options),
    /// Messages to many subscribers
    Notify(notify::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    candor::server::connections::raise_open_files();
    match Cli::parse().measure {
        Measure::Reading(options) => compare::run(&options, &Clock::system()).await,
        Measure::Scale(options) => scale::run(&options, &Clock::system()).await,
        Measure::Notify(options) => notify::run(&options, &Clock::system()).await,
    }
}

fn print_progress(what: &str) {
    eprintln!("bench: {what}");
}
