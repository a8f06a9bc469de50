//! Runs the load generator wrk and parses its output.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

#[derive(Clone, Debug)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: u32,
    pub lasting: Duration,
    /// Header lines.
    pub headers: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub requests: u64,
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Error responses and failed connections.
    pub errors: u64,
}

/// Puts `load` on `/`.
pub async fn run(load: Load) -> anyhow::Result<Outcome> {
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new("wrk");
        command.args(["--threads", "1", "--latency"]);
        command.args(["--connections", &load.connections.to_string()]);
        command.args(["--duration", &format!("{}s", load.lasting.as_secs().max(1))]);
        for header in &load.headers {
            command.args(["--header", header]);
        }
        let output = command.arg(format!("http://{}/", load.address)).output().context("wrk")?;
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout)?;
        parse(&said).with_context(|| said.clone())
    })
    .await?
}

fn parse(said: &str) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for line in said.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        match line {
            _ if line.contains(" requests in ") => outcome.requests = words.next().context("requests")?.parse()?,
            _ if line.starts_with("Requests/sec:") => outcome.per_second = words.nth(1).context("rate")?.parse()?,
            _ if line.starts_with("50%") => outcome.p50 = span(words.nth(1).context("p50")?)?,
            _ if line.starts_with("99%") => outcome.p99 = span(words.nth(1).context("p99")?)?,
            _ if line.starts_with("Socket errors:") || line.starts_with("Non-2xx") => {
                outcome.errors += words.filter_map(|word| word.trim_end_matches(',').parse::<u64>().ok()).sum::<u64>();
            }
            _ => {}
        }
    }
    ensure!(outcome.requests > 0, "wrk got no answer");
    Ok(outcome)
}

/// A duration as wrk prints it: `512.00us`, `1.20ms`, `1.02s`.
fn span(text: &str) -> anyhow::Result<Duration> {
    let at = text.find(|sign: char| sign.is_alphabetic()).context("a unit")?;
    let (number, unit) = text.split_at(at);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => 60.0,
    };
    Ok(Duration::from_secs_f64(number.parse::<f64>()? * scale))
}
