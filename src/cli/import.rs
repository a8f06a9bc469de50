//! `candor import …`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};
use url::Url;

use super::output;
use super::subscribers::{KeyArgs, print_skipped};
use crate::actions;
use crate::actions::subscriber_import::KnownAddresses;
use crate::clock::Clock;
use crate::db::{Db, components};
use crate::domain::ImportSource;
use crate::domain::audit::Actor;
use crate::domain::forms::parse_line;
use crate::domain::incident::MAX_DETECTED_BY;
use crate::domain::subscriber::SubscriberState;
use crate::import::fetch::{self, DownloadCache, FetchStep, Throttle, ThrottledClient};
use crate::import::subscriber_list::{SubscriberList, read_statuspage, skip_known};
use crate::import::{
    self, CState, Cachet, Format, ImportError, ImportOptions, ImportReport, KindCounts, Kuma, SourceFiles,
    documents_url, fetch_hosted_page, source_format,
};

/// The number of incidents from which a progress bar is shown.
const PROGRESS_BAR_FROM: usize = 200;
/// The exit code if items were refused or documents could not be fetched.
const ITEMS_REFUSED: u8 = 2;
/// The maximum number of errors and of warnings printed per document.
const MAX_PRINTED: usize = 50;
/// The maximum length of a printed error or warning, in characters.
const MAX_LINE: usize = 400;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Import JSON files of Statuspage's API: incidents.json, scheduled-maintenances.json, components.json, summary.json, history.atom, JSON lines, or a folder of them
    ///
    /// IDs are kept, so old links work; importing twice changes nothing. What was edited here since
    /// an import is skipped. The status of a component becomes its manual status only if no
    /// unresolved incident affects it. Each file is imported completely or not at all. The exit code is 2 if
    /// items could not be read or documents could not be fetched; they are listed.
    ///
    /// Or import from a URL: `candor import statuspage https://status.example.org` fetches any public page,
    /// one request at a time, and caches the responses, so an interrupted run resumes and a
    /// dry run fetches only once. With a token it reads the management API instead, for example at
    /// https://api.statuspage.io.
    Statuspage {
        #[command(flatten)]
        manner: ImportArgs,
        #[command(flatten)]
        from: FetchArgs,
    },
    /// Import saved responses of Cachet's API (version 2 or 3): components, groups, incidents, schedules
    Cachet {
        #[command(flatten)]
        manner: ImportArgs,
        /// The time zone set in Cachet, used for its times
        #[arg(long, value_name = "ZONE", default_value_t = Tz::UTC)]
        zone: Tz,
    },
    /// Import cState's Markdown files and its config.yml, or the folder of the whole site
    Cstate {
        #[command(flatten)]
        manner: ImportArgs,
        /// The time zone of times without an offset
        #[arg(long, value_name = "ZONE", default_value_t = Tz::UTC)]
        zone: Tz,
    },
    /// Import a JSON backup of Uptime Kuma, or the response of /api/status-page/SLUG
    Kuma(ImportArgs),
    /// Import saved responses of Instatus' API (pages, components, incidents, maintenances), or a page from its URL
    ///
    /// A public page has no past incidents. With a token, `candor import instatus https://api.instatus.com` reads
    /// all of them.
    Instatus {
        #[command(flatten)]
        manner: ImportArgs,
        #[command(flatten)]
        from: FetchArgs,
    },
    /// Import a status page of OpenStatus from its URL, or its saved document /feed/json
    Openstatus {
        #[command(flatten)]
        manner: ImportArgs,
        #[command(flatten)]
        from: FetchArgs,
    },
    /// Import an Upptime repository from https://github.com/OWNER/NAME, or a clone with its issues as JSON
    ///
    /// In a clone, save the issues with
    /// `gh issue list --state all --limit 9999 --json number,title,body,state,createdAt,closedAt,labels,comments`.
    Upptime {
        #[command(flatten)]
        manner: ImportArgs,
        #[command(flatten)]
        from: FetchArgs,
    },
    /// Import a status page of incident.io from its URL, or its saved documents
    #[command(name = "incident-io")]
    IncidentIo {
        #[command(flatten)]
        manner: ImportArgs,
        #[command(flatten)]
        from: FetchArgs,
    },
}

/// Fetches the page; returns a message for each document that could not be fetched.
async fn fetch_page(
    source: ImportSource,
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    (url, from, has_token): (&Url, &FetchArgs, bool),
) -> anyhow::Result<Vec<String>> {
    match source {
        ImportSource::Statuspage if has_token => fetch::fetch_managed(polite, keep, from.page.as_deref()).await,
        ImportSource::Instatus if has_token => fetch::fetch_instatus_managed(polite, keep, from.page.as_deref()).await,
        source => fetch_hosted_page(source, url, polite, keep).await,
    }
}

/// Where a page is fetched from, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct FetchArgs {
    /// Cache folder for fetched files [default: DATA_DIR/import-HOST]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Fetch everything again, ignoring the cache
    #[arg(long)]
    anew: bool,
    /// File with a token for the management API, which is then used instead of the public page
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Token for the management API
    #[arg(long, env = "CANDOR_IMPORT_TOKEN", hide_env_values = true, hide = true)]
    token: Option<String>,
    /// Page ID, if the token can read several pages
    #[arg(long, value_name = "ID")]
    page: Option<String>,
    /// Folder that contains the cache folders and the server's key file
    #[arg(long, env = "CANDOR_DATA_DIR", default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The server's key file, for imported subscribers [default: DATA_DIR/secret.key]
    #[arg(long, env = "CANDOR_SECRET_KEY_FILE", value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

/// What is imported, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// Exported files, folders with exported files, or (not Cachet, cState and Kuma) the URL of a page
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// "Detected by" of all imported incidents
    #[arg(long, value_name = "NAME")]
    detected_by: Option<String>,
    /// Only report what would be created, changed and skipped
    #[arg(long)]
    dry_run: bool,
}

/// The exit code is 2 if items were refused or documents could not be fetched.
pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<ExitCode> {
    let (source, manner, from) = match command {
        Command::Cachet { manner, zone } => return import_files(&Cachet { zone }, &manner, db, clock).await,
        Command::Cstate { manner, zone } => return import_files(&CState { zone }, &manner, db, clock).await,
        Command::Kuma(manner) => return import_files(&Kuma, &manner, db, clock).await,
        Command::Statuspage { manner, from } => (ImportSource::Statuspage, manner, from),
        Command::Instatus { manner, from } => (ImportSource::Instatus, manner, from),
        Command::Openstatus { manner, from } => (ImportSource::OpenStatus, manner, from),
        Command::Upptime { manner, from } => (ImportSource::Upptime, manner, from),
        Command::IncidentIo { manner, from } => (ImportSource::IncidentIo, manner, from),
    };
    match parse_url_argument(&manner.paths)? {
        Some(url) => import_page(source, &url, manner, &from, (db, clock)).await,
        None => import_files(source_format(source), &manner, db, clock).await,
    }
}

async fn import_files(format: &dyn Format, manner: &ImportArgs, db: &Db, clock: &Clock) -> anyhow::Result<ExitCode> {
    let detected_by = manner.detected_by.as_deref().map(|name| parse_line(name, MAX_DETECTED_BY)).transpose();
    let detected_by = detected_by.map_err(|reason| anyhow::anyhow!("--detected-by: {reason}"))?;
    let options = ImportOptions { detected_by: detected_by.filter(|name| !name.is_empty()) };
    let files = SourceFiles::open(format, &manner.paths)?;
    let bar = progress_bar(import::count_events(&files)?);
    let step = || bar.inc(1);
    let imported = if manner.dry_run {
        import::preview(db, &files, &options, clock.now(), step).await
    } else {
        import::import(db, &files, &options, clock.now(), step).await
    };
    bar.finish_and_clear();
    let mut reports: Vec<ImportReport> = manner.paths.iter().map(|_| ImportReport::default()).collect();
    for (index, report) in imported.map_err(describe_error)?.into_iter().enumerate() {
        reports[files.argument(index)].extend(report);
    }
    for (path, report) in manner.paths.iter().zip(&reports) {
        print_report(&path.display().to_string(), report, manner.dry_run);
    }
    let is_complete = reports.iter().all(|report| report.refusals.is_empty());
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(ITEMS_REFUSED) })
}

/// The URL, if one is given instead of files.
fn parse_url_argument(paths: &[PathBuf]) -> anyhow::Result<Option<Url>> {
    let is_address =
        |path: &&PathBuf| path.to_str().is_some_and(|text| text.starts_with("https://") || text.starts_with("http://"));
    match paths.iter().find(is_address).and_then(|path| path.to_str()) {
        Some(url) if paths.len() == 1 => Ok(Some(url.parse().with_context(|| url.to_owned())?)),
        Some(url) => bail!("{url}: import one page at a time and no files with it"),
        None => Ok(None),
    }
}

async fn import_page(
    source: ImportSource,
    url: &Url,
    manner: ImportArgs,
    from: &FetchArgs,
    (db, clock): (&Db, &Clock),
) -> anyhow::Result<ExitCode> {
    let host = url.host_str().unwrap_or_default().replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    let token = from.token()?;
    let folder = from.keep.clone().unwrap_or_else(|| from.data_dir.join(format!("import-{host}")));
    let keep = DownloadCache::open(&folder, url, from.anew)?;
    let bar = ProgressBar::no_length();
    let watch = |step: FetchStep<'_>| show_step(&bar, step);
    let pace = if token.is_some() { Throttle::managed() } else { Throttle::public() };
    let base = documents_url(source, url)?;
    let polite = ThrottledClient::new(&base, token.as_deref(), pace, clock, &watch)?;
    let is_statuspage = source == ImportSource::Statuspage;
    let mut polite = if is_statuspage { polite } else { polite.with_bearer(token.as_deref()) };
    let problems = fetch_page(source, &mut polite, &keep, (url, from, token.is_some())).await;
    bar.finish_and_clear();
    let problems = problems?;
    let manner = ImportArgs { paths: vec![folder], ..manner };
    let code = import_files(source_format(source), &manner, db, clock).await?;
    if is_statuspage && token.is_some() {
        import_subscribers(&keep, from, manner.dry_run, (db, clock)).await?;
    }
    print_sentences("could not be fetched", &problems);
    if !manner.dry_run {
        keep.mark_imported()?;
    }
    Ok(if problems.is_empty() { code } else { ExitCode::from(ITEMS_REFUSED) })
}

/// Adds the fetched subscribers, each in its state, in one transaction.
async fn import_subscribers(
    keep: &DownloadCache,
    from: &FetchArgs,
    is_dry_run: bool,
    (db, clock): (&Db, &Clock),
) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let known = components::list(&mut tx).await?;
    let mut list = SubscriberList::default();
    for state in fetch::SUBSCRIBER_STATES {
        let documents = (0..).map_while(|number| keep.document(&fetch::subscriber_document(state, number)));
        for document in documents {
            let document: serde_json::Value = serde_json::from_slice(&document)?;
            let rows = document["subscribers"].as_array().map(Vec::as_slice).unwrap_or_default();
            let state = SubscriberState::from_key(state).unwrap_or(SubscriberState::Unconfirmed);
            read_statuspage(rows, state, &known, &mut list);
        }
    }
    if list.wishes.is_empty() && list.skipped.is_empty() {
        return Ok(());
    }
    let key = KeyArgs { secret_key_file: from.secret_key_file.clone(), data_dir: from.data_dir.clone() };
    let keys = key.load(&mut tx).await?;
    skip_known(&mut list, &mut KnownAddresses::load(&mut tx).await?, keys.keys());
    let (found, skipped) = (list.wishes.len(), list.skipped.len());
    say!("  subscribers: {found} created, {skipped} skipped");
    print_skipped(&list);
    if !is_dry_run && found > 0 {
        let imported = actions::subscriber_import::import(&mut tx, keys.keys(), &list.wishes, skipped, now).await;
        let (_, entry) = imported.map_err(output::describe_error)?;
        tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    }
    Ok(())
}

impl FetchArgs {
    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Some(text.trim().to_owned()))
    }
}

fn show_step(bar: &ProgressBar, step: FetchStep<'_>) {
    match step {
        FetchStep::Asking(path) => bar.set_message(path.to_owned()),
        FetchStep::Waiting(seconds) => bar.set_message(format!("waiting {seconds} s (rate limit)")),
        FetchStep::Incidents(done, all) => {
            if bar.length().is_none() {
                bar.set_style(progress_style("{bar:40} {pos} of {len} incidents fetched, {eta} left: {msg}"));
            }
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }
    bar.tick();
}

fn progress_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn describe_error(stopped: ImportError) -> anyhow::Error {
    match stopped {
        ImportError::Database(error) => output::describe_error(error),
        ImportError::Document(broken) => broken.into(),
    }
}

fn progress_bar(incidents: usize) -> ProgressBar {
    if incidents < PROGRESS_BAR_FROM {
        return ProgressBar::hidden();
    }
    ProgressBar::new(incidents as u64).with_style(progress_style("{bar:40} {pos} of {len} incidents, {eta} left"))
}

fn print_report(source: &str, report: &ImportReport, dry_run: bool) {
    let would = if dry_run { " (dry run)" } else { "" };
    say!("{source}{would}");
    for (kind, counts) in report.kinds().iter().filter(|(_, counts)| *counts != KindCounts::default()) {
        let KindCounts { created, changed, unchanged, skipped, refused } = counts;
        say!(
            "  {kind}: {created} created, {changed} changed, {unchanged} unchanged, {skipped} skipped, {refused} refused"
        );
    }
    print_sentences("skipped", &report.skips);
    print_sentences("refused", &report.refusals);
    print_sentences("warning", &report.warnings);
}

fn print_sentences(kind: &str, sentences: &[String]) {
    for sentence in sentences.iter().take(MAX_PRINTED) {
        // The text may quote the document: strip control characters, which could control the terminal.
        let plain: String = sentence.chars().filter(|c| !c.is_control()).take(MAX_LINE).collect();
        say!("  {kind}: {plain}");
    }
    if sentences.len() > MAX_PRINTED {
        say!("  {kind}: and {} more", sentences.len() - MAX_PRINTED);
    }
}
