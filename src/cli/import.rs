//! `candor import …`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::clock::Clock;
use crate::db::{Db, WriteTx, components, incidents};
use crate::domain::forms::line;
use crate::domain::incident::MAX_DETECTED_BY;
use crate::import::{self, Counts, Known, Options, Report, Source};

/// From how many incidents on a bar shows the progress.
const LONG: usize = 200;
/// How many refusals and warnings of a kind are printed of one document.
const MAX_TOLD: usize = 50;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Read documents of Statuspage's public API: incidents.json, components.json, summary.json, or one incident a line
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
    for (file, report) in statuspage(db, &sources, &options, dry_run, clock).await?.iter().enumerate() {
        tell(&files[file], report, dry_run);
    }
    Ok(())
}

/// Imports documents, each in a transaction of its own, or previews what that would do.
///
/// # Errors
/// Where the database can't be read or written; what earlier documents brought stays.
pub async fn statuspage(
    db: &Db,
    sources: &[Source],
    options: &Options,
    dry_run: bool,
    clock: &Clock,
) -> anyhow::Result<Vec<Report>> {
    let known = learn(db, sources).await?;
    let now = clock.now();
    let mut reports = Vec::new();
    // A preview does all of it in one transaction and drops that: what it says is what would happen.
    let mut preview: Option<WriteTx> = if dry_run { Some(db.write().await.map_err(tell::plainly)?) } else { None };
    for source in sources {
        let bar = progress(source.incidents.len());
        let step = || bar.inc(1);
        let report = match &mut preview {
            Some(tx) => import::apply(tx, source, &known, options, now, step).await.map_err(tell::plainly)?.0,
            None => {
                let mut tx = db.write().await.map_err(tell::plainly)?;
                let applied = import::apply(&mut tx, source, &known, options, now, step).await;
                let (report, entries) = applied.map_err(tell::plainly)?;
                if !report.changes_nothing() {
                    tx.commit_all(&import::actor(), now, &entries).await.map_err(tell::plainly)?;
                }
                report
            }
        };
        bar.finish_and_clear();
        reports.push(report);
    }
    Ok(reports)
}

/// What is known from the database and from all documents, whatever their order.
async fn learn(db: &Db, sources: &[Source]) -> anyhow::Result<Known> {
    let mut known = Known::default();
    sources.iter().for_each(|source| known.learn(source));
    let mut tx = db.read().await.map_err(tell::plainly)?;
    let (groups, stored) = (components::groups(&mut tx).await?, components::list(&mut tx).await?);
    known.learn_stored(&groups, &stored, &incidents::open(&mut tx).await?);
    Ok(known)
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
        println!("  {kind}: {sentence}");
    }
    if sentences.len() > MAX_TOLD {
        println!("  {kind}: and {} more", sentences.len() - MAX_TOLD);
    }
}
