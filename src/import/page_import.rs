//! Imports a page from an address that a manager entered: fetches it, shows what the import would change, and imports
//! it once the manager confirms. The state is in the database, so that every node shows it; the server that accepted the
//! request holds the documents and does the work.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use url::Url;

use super::fetch::{DownloadCache, FetchStep, Throttle, ThrottledClient};
use super::hosted_source::{documents_url, fetch_hosted_page, source_format};
use super::{ImportError, ImportOptions, ImportReport, SourceFiles, import, preview};
use crate::db::{self, page_imports};
use crate::domain::forms::PageImportForm;
use crate::domain::page_import::{ImportProgress, ImportState, ImportSummary, KindSummary, Notes};
use crate::domain::{ImportSource, Invalid, PageImport, PageImportId};
use crate::net::http_client::{HttpClient, HttpClientError, ResponseLimits};
use crate::private_folder::create_private_folder;
use crate::state::State;

/// Of an address, in bytes.
const MAX_ADDRESS: usize = 500;
/// Of all responses together, in bytes.
const MAX_TOTAL: usize = 512 << 20;
const LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(30), size: 16 << 20 };
/// From the start to the preview.
const MAX_FETCH_TIME: Duration = Duration::from_secs(2 * 60 * 60);
/// How long a preview waits for a decision.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);
/// How often progress is saved.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// How often a preview looks for a decision.
const DECISION_INTERVAL: Duration = Duration::from_millis(250);
/// Every how many looks it gives a sign of life.
const LOOKS_PER_SIGN: u32 = 40;
/// The folder of the documents, in the server's folder.
const FOLDER: &str = "page-imports";

const NO_ADDRESS: &str = "This is no web address, like https://status.example.org.";

/// The source and the address that the form names.
///
/// # Errors
/// A message beside each invalid field, also if the server may not request the address.
pub fn parse_form(state: &State, form: &PageImportForm) -> Result<(ImportSource, Url), Invalid> {
    let mut invalid = Invalid::new();
    let source = ImportSource::from_key(&form.source).ok_or_else(|| "Choose where the page is now.".to_owned());
    let source = invalid.take("source", source);
    let url = invalid.take("address", parse_address(&form.address));
    let (Some(source), Some(url)) = (source, url) else { return Err(invalid) };
    let requested = documents_url(source, &url).map_err(|error| Invalid::field("address", format!("{error:#}.")))?;
    let allowed = outbound(state).map(|client| client.check_url(&requested));
    match allowed {
        Ok(Ok(())) => Ok((source, url)),
        Ok(Err(HttpClientError::Refused(_, why))) => {
            Err(Invalid::field("address", format!("This address can't be requested: {why}.")))
        }
        Ok(Err(error)) | Err(error) => Err(Invalid::field("address", error.to_string())),
    }
}

/// An address without a scheme is taken as https.
fn parse_address(address: &str) -> Result<Url, String> {
    if address.is_empty() {
        return Err("Enter the address of the page.".into());
    }
    if address.len() > MAX_ADDRESS {
        return Err(format!("At most {MAX_ADDRESS} bytes."));
    }
    let complete = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let mut url = Url::parse(&complete).map_err(|_| NO_ADDRESS.to_owned())?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(NO_ADDRESS.into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave out the user name and the password: only public pages can be imported.".into());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The same guard as for the endpoints of subscribers.
fn outbound(state: &State) -> Result<HttpClient, HttpClientError> {
    HttpClient::new(&state.endpoint_hosts, LIMITS)
}

/// Starts the work on an import that was just stored. It ends when the server stops.
pub fn start(state: &State, started: &PageImport, url: Url) {
    let work =
        Work { state: state.clone(), id: started.id.clone(), source: started.source, url, shown: Arc::default() };
    tokio::spawn(state.admin_requests().track_future(async move { work.run().await }));
}

struct Work {
    state: State,
    id: PageImportId,
    source: ImportSource,
    url: Url,
    shown: Arc<Mutex<ImportProgress>>,
}

/// Why the work ends early.
enum Stop {
    /// The row says something else: it was discarded, or is gone.
    Discarded,
    /// The sentence is shown.
    Failed(String),
    Interrupted(&'static str),
}

impl From<db::Error> for Stop {
    fn from(error: db::Error) -> Self {
        tracing::warn!("an import of a page stopped: {error:#}");
        Self::Failed("The database did not answer.".into())
    }
}

impl Work {
    async fn run(&self) {
        let result = tokio::select! {
            result = self.import() => result,
            () = self.state.stopping().cancelled() => Err(Stop::Interrupted("The server was stopped.")),
        };
        let (state, step) = match result {
            Ok(()) | Err(Stop::Discarded) => return,
            Err(Stop::Failed(reason)) => (ImportState::Failed, reason),
            Err(Stop::Interrupted(reason)) => (ImportState::Interrupted, reason.to_owned()),
        };
        self.show(|progress| progress.step = step);
        for from in [ImportState::Fetching, ImportState::Comparing, ImportState::Ready, ImportState::Importing] {
            if let Err(error) = self.change_state(from, state, None).await {
                tracing::warn!("the end of an import could not be saved: {error:#}");
                return;
            }
        }
    }

    async fn import(&self) -> Result<(), Stop> {
        let folder = self.create_folder().map_err(|error| Stop::Failed(format!("{error:#}.")))?;
        let documents = folder.path().join("documents");
        let fetching = tokio::time::timeout(MAX_FETCH_TIME, self.fetch(&documents));
        let problems = self.while_alive(ImportState::Fetching, fetching).await?;
        let problems = problems.unwrap_or_else(|_| Err(anyhow::anyhow!("the page took more than two hours")));
        let problems = problems.map_err(|error| Stop::Failed(as_sentence(&format!("{error:#}"))))?;
        self.show(|progress| {
            *progress = ImportProgress {
                step: "Comparing with what is here".into(),
                documents: progress.documents,
                ..ImportProgress::default()
            };
        });
        self.finish_step(ImportState::Fetching, ImportState::Comparing, None).await?;
        let planned = self.summarize(&documents, &problems, true).await?;
        self.finish_step(ImportState::Comparing, ImportState::Ready, Some(&planned)).await?;
        self.wait_for_decision().await?;
        self.show(|progress| progress.step = "Importing".into());
        let imported = self.summarize(&documents, &problems, false);
        let imported = self.while_alive(ImportState::Importing, imported).await??;
        self.finish_step(ImportState::Importing, ImportState::Done, Some(&imported)).await
    }

    /// A folder for the documents, deleted at the end. Nothing else uses the folder around it: one import runs at a time.
    fn create_folder(&self) -> anyhow::Result<TempDir> {
        let around = self.state.data_dir.join(FOLDER);
        // What a killed server left behind.
        let _ = std::fs::remove_dir_all(&around);
        create_private_folder(&around).context("The documents can't be stored")?;
        tempfile::tempdir_in(&around).context("The documents can't be stored")
    }

    async fn fetch(&self, documents: &Path) -> anyhow::Result<Vec<String>> {
        let keep = DownloadCache::open(documents, &self.url, false)?;
        let pause = *self.state.import_pause().lock().unwrap_or_else(PoisonError::into_inner);
        let pace = Throttle { bounds: LIMITS, total: MAX_TOTAL, pause, ..Throttle::public() };
        let base = documents_url(self.source, &self.url)?;
        let watch = |step: FetchStep<'_>| self.show(|progress| show_step(progress, step));
        let client = outbound(&self.state)?;
        let mut polite = ThrottledClient::for_entered_url(client, &base, pace, &self.state.clock, &watch);
        fetch_hosted_page(self.source, &self.url, &mut polite, &keep).await
    }

    /// A dry run, or the import.
    async fn summarize(&self, documents: &Path, problems: &[String], is_dry_run: bool) -> Result<ImportSummary, Stop> {
        let paths = [documents.to_owned()];
        let failed = |error: ImportError| match error {
            ImportError::Database(error) => Stop::from(error),
            ImportError::Document(broken) => Stop::Failed(as_sentence(&without_folder(&broken.to_string(), documents))),
        };
        let files = SourceFiles::open(source_format(self.source), &paths).map_err(|broken| failed(broken.into()))?;
        let total = super::count_events(&files).map_err(|broken| failed(broken.into()))?;
        self.show(|progress| (progress.done, progress.total) = (0, total));
        let step = || self.show(|progress| progress.done += 1);
        let (db, now) = (&self.state.db, self.state.clock.now());
        let options = ImportOptions::default();
        let reports = if is_dry_run {
            preview(db, &files, &options, now, step).await
        } else {
            import(db, &files, &options, now, step).await
        };
        let mut all = ImportReport::default();
        for report in reports.map_err(failed)? {
            all.extend(report);
        }
        Ok(summary(&all, problems, documents))
    }

    /// Saves the progress of `work` every second; ends it if the import is no longer in `state`.
    async fn while_alive<T>(&self, state: ImportState, work: impl Future<Output = T>) -> Result<T, Stop> {
        let discarded = async {
            loop {
                tokio::time::sleep(PROGRESS_INTERVAL).await;
                // A database that does not answer is no reason to stop fetching.
                if matches!(self.save_progress(state).await, Err(Stop::Discarded)) {
                    return;
                }
            }
        };
        tokio::select! {
            done = work => Ok(done),
            () = discarded => Err(Stop::Discarded),
        }
    }

    async fn wait_for_decision(&self) -> Result<(), Stop> {
        let begun = tokio::time::Instant::now();
        for look in 1_u32.. {
            let found = page_imports::state(&mut self.state.db.read().await?, &self.id).await?;
            match found {
                Some(ImportState::Ready) => {}
                Some(ImportState::Importing) => return Ok(()),
                _ => return Err(Stop::Discarded),
            }
            if begun.elapsed() > MAX_WAIT {
                break;
            }
            if look % LOOKS_PER_SIGN == 0 {
                self.save_progress(ImportState::Ready).await?;
            }
            tokio::time::sleep(DECISION_INTERVAL).await;
        }
        Err(Stop::Interrupted("The preview was not confirmed within an hour."))
    }

    async fn save_progress(&self, state: ImportState) -> Result<(), Stop> {
        let progress = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut tx = self.state.db.write().await?;
        let is_current =
            page_imports::save_progress(&mut tx, &self.id, state, &progress, self.state.clock.now()).await?;
        tx.commit_unaudited().await?;
        if is_current { Ok(()) } else { Err(Stop::Discarded) }
    }

    async fn finish_step(
        &self,
        from: ImportState,
        to: ImportState,
        summary: Option<&ImportSummary>,
    ) -> Result<(), Stop> {
        if self.change_state(from, to, summary).await? { Ok(()) } else { Err(Stop::Discarded) }
    }

    /// Saves progress and state; returns whether the state was `from`.
    async fn change_state(
        &self,
        from: ImportState,
        to: ImportState,
        summary: Option<&ImportSummary>,
    ) -> db::Result<bool> {
        let progress = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.state.clock.now();
        let mut tx = self.state.db.write().await?;
        page_imports::save_progress(&mut tx, &self.id, from, &progress, now).await?;
        let is_changed = page_imports::set_state(&mut tx, &self.id, from, to, now).await?;
        if let Some(summary) = summary.filter(|_| is_changed) {
            page_imports::save_summary(&mut tx, &self.id, summary).await?;
        }
        tx.commit_unaudited().await?;
        Ok(is_changed)
    }

    fn show(&self, change: impl FnOnce(&mut ImportProgress)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn show_step(progress: &mut ImportProgress, step: FetchStep<'_>) {
    match step {
        FetchStep::Asking(path) => {
            progress.documents += 1;
            progress.step = format!("/{path}");
        }
        FetchStep::Waiting(seconds) => {
            progress.step = format!("Waiting {seconds} s, as the server asks");
        }
        FetchStep::Incidents(done, total) => (progress.done, progress.total) = (done, total),
    }
}

fn summary(report: &ImportReport, problems: &[String], documents: &Path) -> ImportSummary {
    let notes = |sentences: &[String]| {
        Notes::new(&sentences.iter().map(|sentence| without_folder(sentence, documents)).collect::<Vec<_>>())
    };
    let kinds = report.kinds().into_iter().map(|(name, counts)| KindSummary {
        name: name.to_owned(),
        created: counts.created,
        changed: counts.changed,
        unchanged: counts.unchanged,
        skipped: counts.skipped,
        refused: counts.refused,
    });
    ImportSummary {
        kinds: kinds.collect(),
        components: report.new_components.clone(),
        incidents: report.new_incidents.clone(),
        maintenances: report.new_maintenances.clone(),
        unfetched: notes(problems),
        refusals: notes(&report.refusals),
        warnings: notes(&report.warnings),
        skips: notes(&report.skips),
    }
}

/// Paths on this server are of no use to a manager.
fn without_folder(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

/// With a capital letter and a full stop.
fn as_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest = letters.as_str();
    // A URL stays as it is.
    let first = if text.starts_with("http") { text[..1].to_owned() } else { first };
    if rest.ends_with('.') { format!("{first}{rest}") } else { format!("{first}{rest}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_completed() {
        for (address, url) in [
            ("status.example.org", "https://status.example.org/"),
            ("https://status.example.org", "https://status.example.org/"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
            ("https://github.com/harbor/upptime?tab=readme#top", "https://github.com/harbor/upptime"),
        ] {
            assert_eq!(parse_address(address).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_is_no_public_web_address_is_refused() {
        let long = "a".repeat(501);
        for address in ["", "ftp://a.example", "https://", "https://a b", "https://ines:secret@a.example", &long] {
            assert!(parse_address(address).is_err(), "{address}");
        }
    }

    #[test]
    fn messages_are_sentences_without_paths_of_the_server() {
        assert_eq!(as_sentence("/summary.json not found"), "/summary.json not found.");
        assert_eq!(as_sentence("nothing was imported."), "Nothing was imported.");
        assert_eq!(as_sentence("https://a.example/: denied"), "https://a.example/: denied.");
        assert_eq!(as_sentence(""), ".");
        let folder = Path::new("/data/page-imports/x/documents");
        let text = "incident in /data/page-imports/x/documents/incidents/a.json: not JSON";
        assert_eq!(without_folder(text, folder), "incident in incidents/a.json: not JSON");
    }
}
