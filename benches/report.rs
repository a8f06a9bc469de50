//! The Markdown tables of the report, and their statistics.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    quantile(figures, 0.5)
}

/// The value below which the share `part` of the figures lies; the largest for 1.
pub fn quantile(figures: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    figures.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

pub fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// In megabytes (10^6 bytes).
pub fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let mut text = line(&head);
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

/// A row of the table of targets.
pub fn target_row(what: &str, target: &str, figure: String, met: bool) -> Vec<String> {
    vec![what.to_owned(), target.to_owned(), figure, if met { "met" } else { "**not met**" }.to_owned()]
}

/// The date, the machine and its load.
pub fn machine(now: DateTime<Utc>) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: String, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory: u64 = field(read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    format!(
        "{}: {} cores ({}), {} GiB, Linux {}; load average before: {}\n",
        now.format("%-d %B %Y, %H:%M UTC"),
        cores,
        field(read("/proc/cpuinfo"), "model name"),
        memory / 1024 / 1024,
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}
