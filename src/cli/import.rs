//! `candor import …`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::clock::Clock;
use crate::db::Db;
use crate::domain::forms::line;
use crate::domain::incident::MAX_DETECTED_BY;
use crate::import::{self, Counts, Options, Report, Source};

/// From how many incidents on a bar shows the progress.
const LONG: usize = 200;
/// How many refusals and warnings of a kind are printed of one document.
const MAX_TOLD: usize = 50;
/// The longest line printed of a refusal or warning, in characters.
const MAX_LINE: usize = 400;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Read documents of Statuspage's public API: incidents.json, scheduled-maintenances.json, components.json, summary.json, or one incident a line
    ///
    /// Ids are kept, so old links work; a second import changes nothing. What people changed here since
    /// an import is left alone. The status of a component becomes what it is set to only where no
    /// unresolved incident names it. Every file is kept whole or not at all.
    Statuspage {
        /// The documents
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Who or what noticed the incidents, for all of them
        #[arg(long, value_name = "NAME")]
        detected_by: Option<String>,
        /// Only say what would be created, changed and refused
        #[arg(long)]
        dry_run: bool,
    },
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let Command::Statuspage { files, detected_by, dry_run } = command;
    let detected_by = detected_by.map(|name| line(&name, MAX_DETECTED_BY)).transpose();
    let detected_by = detected_by.map_err(|reason| anyhow::anyhow!("--detected-by: {reason}"))?;
    let options = Options { detected_by: detected_by.filter(|name| !name.is_empty()) };
    let sources = files.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<Source>>>()?;
    let bar = progress(sources.iter().map(|source| source.incidents.len() + source.maintenances.len()).sum());
    let step = || bar.inc(1);
    let imported = if dry_run {
        import::preview(db, &sources, &options, clock.now(), step).await
    } else {
        import::import(db, &sources, &options, clock.now(), step).await
    };
    bar.finish_and_clear();
    for (file, report) in files.iter().zip(&imported.map_err(tell::plainly)?) {
        tell(file, report, dry_run);
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Source> {
    let nothing = || format!("nothing is imported: {}", file.display());
    let bytes = std::fs::read(file).with_context(nothing)?;
    import::read(&bytes).with_context(nothing)
}

fn progress(incidents: usize) -> ProgressBar {
    if incidents < LONG {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} incidents, {eta} left");
    ProgressBar::new(incidents as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn tell(file: &Path, report: &Report, dry_run: bool) {
    let would = if dry_run { " (nothing is written)" } else { "" };
    println!("{}{would}", file.display());
    let kinds = [
        ("page", report.page),
        ("groups", report.groups),
        ("components", report.components),
        ("incidents", report.incidents),
        ("maintenances", report.maintenances),
    ];
    for (kind, counts) in kinds.iter().filter(|(_, counts)| *counts != Counts::default()) {
        let Counts { created, changed, unchanged, refused } = counts;
        println!("  {kind}: {created} created, {changed} changed, {unchanged} unchanged, {refused} refused");
    }
    tell_some("refused", &report.refusals);
    tell_some("warning", &report.warnings);
}

fn tell_some(kind: &str, sentences: &[String]) {
    for sentence in sentences.iter().take(MAX_TOLD) {
        // It may quote the document: nothing in it may steer the terminal.
        let plain: String = sentence.chars().filter(|c| !c.is_control()).take(MAX_LINE).collect();
        println!("  {kind}: {plain}");
    }
    if sentences.len() > MAX_TOLD {
        println!("  {kind}: and {} more", sentences.len() - MAX_TOLD);
    }
}
