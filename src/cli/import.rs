//! `candor import …`

use std::path::PathBuf;

use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::clock::Clock;
use crate::db::Db;
use crate::domain::forms::line;
use crate::domain::incident::MAX_DETECTED_BY;
use crate::import::{self, CState, Cachet, Counts, Files, Format, Kuma, Options, Report, Statuspage, Stopped};

/// From how many incidents on a bar shows the progress.
const LONG: usize = 200;
/// How many refusals and warnings of a kind are printed of one document.
const MAX_TOLD: usize = 50;
/// The longest line printed of a refusal or warning, in characters.
const MAX_LINE: usize = 400;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Read documents of Statuspage's API: incidents.json, scheduled-maintenances.json, components.json, summary.json, history.atom, one incident a line, or a folder of them
    ///
    /// Ids are kept, so old links work; a second import changes nothing. What people changed here since
    /// an import is left alone. The status of a component becomes what it is set to only where no
    /// unresolved incident names it. Every file is kept whole or not at all.
    Statuspage(Manner),
    /// Read the answers of Cachet's API (version 2), saved as files: components, components/groups, incidents, schedules
    Cachet {
        #[command(flatten)]
        manner: Manner,
        /// The time zone of Cachet's settings, in which its times are
        #[arg(long, value_name = "ZONE", default_value_t = Tz::UTC)]
        zone: Tz,
    },
    /// Read cState's Markdown files and its config.yml, or the folder of the whole site
    Cstate {
        #[command(flatten)]
        manner: Manner,
        /// The time zone of times that have no offset
        #[arg(long, value_name = "ZONE", default_value_t = Tz::UTC)]
        zone: Tz,
    },
    /// Read a JSON backup of Uptime Kuma, or what /api/status-page/SLUG answers
    Kuma(Manner),
}

/// What is imported, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Manner {
    /// The documents, or folders that hold them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Who or what noticed the incidents, for all of them
    #[arg(long, value_name = "NAME")]
    detected_by: Option<String>,
    /// Only say what would be created, changed and refused
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::Statuspage(manner) => from_files(&Statuspage, &manner, db, clock).await,
        Command::Cachet { manner, zone } => from_files(&Cachet { zone }, &manner, db, clock).await,
        Command::Cstate { manner, zone } => from_files(&CState { zone }, &manner, db, clock).await,
        Command::Kuma(manner) => from_files(&Kuma, &manner, db, clock).await,
    }
}

async fn from_files(format: &dyn Format, manner: &Manner, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let detected_by = manner.detected_by.as_deref().map(|name| line(name, MAX_DETECTED_BY)).transpose();
    let detected_by = detected_by.map_err(|reason| anyhow::anyhow!("--detected-by: {reason}"))?;
    let options = Options { detected_by: detected_by.filter(|name| !name.is_empty()) };
    let files = Files::at(format, &manner.paths)?;
    let bar = progress(import::count(&files)?);
    let step = || bar.inc(1);
    let imported = if manner.dry_run {
        import::preview(db, &files, &options, clock.now(), step).await
    } else {
        import::import(db, &files, &options, clock.now(), step).await
    };
    bar.finish_and_clear();
    let mut reports: Vec<Report> = manner.paths.iter().map(|_| Report::default()).collect();
    for (index, report) in imported.map_err(plainly)?.into_iter().enumerate() {
        reports[files.argument(index)].extend(report);
    }
    for (path, report) in manner.paths.iter().zip(&reports) {
        tell(&path.display().to_string(), report, manner.dry_run);
    }
    Ok(())
}

fn plainly(stopped: Stopped) -> anyhow::Error {
    match stopped {
        Stopped::Database(error) => tell::plainly(error),
        Stopped::Document(broken) => broken.into(),
    }
}

fn progress(incidents: usize) -> ProgressBar {
    if incidents < LONG {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} incidents, {eta} left");
    ProgressBar::new(incidents as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn tell(source: &str, report: &Report, dry_run: bool) {
    let would = if dry_run { " (nothing is written)" } else { "" };
    println!("{source}{would}");
    for (kind, counts) in report.kinds().iter().filter(|(_, counts)| *counts != Counts::default()) {
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
