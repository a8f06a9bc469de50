//! Publishing: renders one consistent state of the database into the documents that visitors get.
//!
//! [`Publisher::publish`] renders the hot pages of a revision into a [`Site`] and swaps it in. Requests for them are
//! lookups, without database or templates. Other pages are rendered on demand and kept in a bounded cache.

pub mod address;
pub mod api;
mod calendar;
mod change_event;
#[cfg(test)]
mod consistency;
mod document;
mod export;
mod failure;
pub mod feeds;
mod live_site;
mod machine_documents;
pub mod notices;
mod on_demand;
mod on_demand_cache;
mod on_demand_json;
mod prepared_response;
mod preview;
pub mod previous_address;
mod render_site;
mod site;
mod snapshot;
mod social;
mod stale;
mod succession;
mod turns;
mod uptime;
mod withdrawals;

pub use change_event::ChangeEvent;
pub use document::{CrossOrigin, Document, PreviousVersion, compress};
pub use failure::{Step, StepFailure};
pub use http_connection::Encoding;
pub use live_site::LiveSite;
pub use on_demand::OnDemandPage;
pub use on_demand_cache::OnDemandError;
pub use on_demand_json::JsonShape;
pub use prepared_response::{
    CACHE_BRIEF, CACHE_SHORT, CORS_HEADERS, CSP_NONE, HSTS, PreparedResponse, ResponsePolicy, SECURITY_HEADERS,
};
pub use preview::{Difference, PreviewSubject, PreviewedPage, SitePreview};
pub use render_site::{content_security_policy, form_security_policy, render_site};
pub use site::Site;
pub use snapshot::Snapshot;
pub use stale::{CONFIRMED_AT_HEADER, Staleness};
pub use succession::{Published, SuccessionError};

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use arc_swap::{ArcSwap, Guard};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, watch};

use self::failure::{LastFailure, RenderBackoff};
use self::on_demand_cache::OnDemandCache;
use self::site::StoredSite;
use self::succession::StateOrder;
use self::withdrawals::Withdrawals;
use crate::clock::Clock;
use crate::counters::{Counter, DurationCounter};
use crate::db::{self, Db, Examination};
use crate::domain::monotonic::Monotonic;

/// The age of the last confirmation after which pages show a notice.
const STALE_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Renders a snapshot: takes the previous Site, the origin and the time.
pub type Render = fn(&Snapshot, &Site, &str, DateTime<Utc>) -> Site;

pub struct Publisher {
    db: Db,
    clock: Clock,
    /// Scheme, host and port of the public URL.
    origin: String,
    /// Where the Site is stored between runs.
    file: PathBuf,
    render: Render,
    live_site: ArcSwap<LiveSite>,
    /// Changes whenever the content of `/` does.
    changes: watch::Sender<ChangeEvent>,
    /// What the Site was rendered from; `None` until the database was read.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Serializes publishing, so that an older state never replaces a newer one.
    publishing: Mutex<PublishResult>,
    /// The number of publish requests.
    requested: AtomicU64,
    /// Compared with the database before its state may replace the published one.
    published: RwLock<Published>,
    /// Whether an empty database or one of another page may replace the published state, once.
    accepts_empty: AtomicBool,
    last_failure: LastFailure,
    /// When the database last confirmed the Site in this process.
    confirmed: std::sync::Mutex<Option<Monotonic>>,
    /// Why the database is not read, as a sentence for the operator.
    waiting: RwLock<Option<String>>,
    render_backoff: RenderBackoff,
    on_demand: OnDemandCache,
    withdrawals: Withdrawals,
    counts: PublishCounts,
}

struct PublishResult {
    /// The number of the last request covered: those made before the database was read.
    covers: u64,
    /// The revision, or the error message.
    outcome: Result<i64, String>,
}

impl Default for PublishResult {
    fn default() -> Self {
        Self { covers: 0, outcome: Ok(0) }
    }
}

#[derive(Debug, Default)]
pub struct PublishCounts {
    /// Published Sites, and the time from reading the database to the swap.
    pub published: DurationCounter,
    pub failed: Counter,
    /// Pages rendered on demand.
    pub rendered: Counter,
    /// Requests for on-demand pages that the fast lookup could not answer.
    pub asked: Counter,
}

impl Publisher {
    /// Serves the Site stored in `file` until the first publish.
    pub fn new(db: Db, clock: Clock, origin: String, file: PathBuf) -> Self {
        let (stored, published) = match Site::load_stored(&file) {
            StoredSite::Site(site) => {
                let state = db::DatabaseState { revision: site.revision, ..site.database.clone() };
                (*site, Published::Page(state))
            }
            StoredSite::Nothing => (render_site::empty_site(clock.now(), &origin), Published::Nothing),
            StoredSite::Unreadable => (render_site::empty_site(clock.now(), &origin), Published::Unreadable),
        };
        let is_secure = origin.starts_with("https://");
        Self {
            db,
            clock,
            origin,
            file,
            render: render_site,
            changes: watch::Sender::new(ChangeEvent::from_site(&stored)),
            live_site: ArcSwap::from_pointee(LiveSite::new(Arc::new(stored), is_secure)),
            snapshot: RwLock::new(None),
            publishing: Mutex::default(),
            requested: AtomicU64::new(0),
            published: RwLock::new(published),
            accepts_empty: AtomicBool::new(false),
            last_failure: LastFailure::default(),
            confirmed: std::sync::Mutex::default(),
            waiting: RwLock::default(),
            render_backoff: RenderBackoff::default(),
            on_demand: OnDemandCache::new(),
            withdrawals: Withdrawals::default(),
            counts: PublishCounts::default(),
        }
    }

    #[must_use]
    pub fn with_renderer(self, render: Render) -> Self {
        Self { render, ..self }
    }

    /// Requests for on-demand pages fail with `Busy` after waiting for `patience`.
    #[must_use]
    pub fn with_render_timeout(self, patience: Duration) -> Self {
        Self { on_demand: self.on_demand.with_timeout(patience), ..self }
    }

    /// Lets an empty database, or one of another page, replace the published state once.
    #[must_use]
    pub fn with_accept_empty(self, accepts_empty: bool) -> Self {
        Self { accepts_empty: AtomicBool::new(accepts_empty), ..self }
    }

    pub fn site(&self) -> Arc<Site> {
        self.live_site.load().site.clone()
    }

    /// The live Site with its responses. Hold the guard only while answering a request.
    pub fn live_site(&self) -> Guard<Arc<LiveSite>> {
        self.live_site.load()
    }

    pub fn changes(&self) -> watch::Receiver<ChangeEvent> {
        self.changes.subscribe()
    }

    /// The snapshot of the live Site; `None` before the database was first read.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn last_failure(&self) -> Option<StepFailure> {
        self.last_failure.newest()
    }

    pub fn counts(&self) -> &PublishCounts {
        &self.counts
    }

    /// Renders the newest state, swaps it in and returns its revision. Documents with unchanged text are reused, with
    /// their compressed bytes. Concurrent calls share one rendering that starts after the calls, so it includes what
    /// each caller committed.
    ///
    /// # Errors
    /// If reading the database or rendering fails; the previous Site stays live.
    pub async fn publish(&self) -> anyhow::Result<i64> {
        let ticket = self.requested.fetch_add(1, SeqCst) + 1;
        let mut shared = self.publishing.lock().await;
        if shared.covers < ticket {
            let covers = self.requested.load(SeqCst);
            let outcome = self.publish_newest().await;
            *shared = PublishResult { covers, outcome: outcome.map_err(|error| format!("{error:#}")) };
        }
        shared.outcome.clone().map_err(anyhow::Error::msg)
    }

    async fn publish_newest(&self) -> anyhow::Result<i64> {
        let (begun, now, asked_at) = (Instant::now(), self.clock.now(), self.clock.monotonic());
        let snapshot = self.record_outcome(Step::Reading, self.load_successor(now).await)?;
        let before = self.site();
        let rendered = self.render(snapshot.clone(), before.clone(), now).await;
        self.render_backoff.record_outcome(snapshot.revision, rendered.is_ok(), self.clock.monotonic());
        let site = self.record_outcome(Step::Rendering, rendered)?;
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Published::Page(snapshot.database.clone());
        self.accepts_empty.store(false, Relaxed);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        self.live_site.store(Arc::new(LiveSite::new(site.clone(), self.is_secure())));
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked_at);
        self.changes.send_if_modified(|change| change.advance(&before, &site));
        self.counts.published.add(begun.elapsed());
        let revision = site.revision;
        match self.record_outcome(Step::Storing, self.store(site).await) {
            Ok(()) => self.withdrawals.note_stored(),
            Err(error) => {
                tracing::warn!("the page was published but could not be stored on disk: {error:#}");
                self.drop_outdated_file();
            }
        }
        Ok(revision)
    }

    /// Loads the newest state, if it may replace the published one. For a restored backup, first raises the database
    /// revision above the published one.
    async fn load_successor(&self, now: DateTime<Utc>) -> anyhow::Result<Arc<Snapshot>> {
        if self.was_unreachable() {
            // The database may have been replaced, or a restore may still be running.
            self.check_database(&self.db.examine(now).await?)?;
        }
        let (snapshot, order) = self.load(now).await?;
        let Published::Page(published) = self.published() else { return Ok(snapshot) };
        if order == StateOrder::Current || snapshot.revision > published.revision {
            return Ok(snapshot);
        }
        let (found, known) = (snapshot.revision, published.revision);
        tracing::warn!("the database is at revision {found}, before the published {known}: a backup was restored");
        self.db.continue_above(known, now).await?;
        Ok(self.load(now).await?.0)
    }

    fn was_unreachable(&self) -> bool {
        self.last_failure().is_some_and(|trouble| trouble.step == Step::Reading)
    }

    fn published(&self) -> Published {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the database with this examination may replace the published state.
    ///
    /// # Errors
    /// The reason to wait.
    pub fn check_database(&self, found: &Examination) -> Result<(), SuccessionError> {
        self.published().check_successor(found, self.accepts_empty.load(Relaxed))
    }

    /// Loads the newest state and its order relative to the published one, and invalidates cached pages after
    /// withdrawals.
    async fn load(&self, now: DateTime<Utc>) -> anyhow::Result<(Arc<Snapshot>, StateOrder)> {
        let mut tx = self.db.read().await?;
        let order = match self.published().compare(&db::DatabaseState::load(&mut tx).await?) {
            Err(_) if self.accepts_empty.load(Relaxed) => StateOrder::Older,
            order => order?,
        };
        let snapshot = Snapshot::load(&mut tx, now).await?;
        let newest = db::audit_chain::head(&mut tx).await?;
        self.follow_withdrawals(&mut tx, newest.as_ref()).await?;
        Ok((Arc::new(snapshot), order))
    }

    /// Renders the Site on the blocking pool; a panic there becomes an error.
    async fn render(
        &self,
        snapshot: Arc<Snapshot>,
        before: Arc<Site>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Arc<Site>> {
        let (render, origin) = (self.render, self.origin.clone());
        let rendering = tokio::task::spawn_blocking(move || render(&snapshot, &before, &origin, now));
        rendering.await.map(Arc::new).context("rendering the Site")
    }

    async fn store(&self, site: Arc<Site>) -> anyhow::Result<()> {
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || site.store(&file)).await?
    }

    /// Removes the stored Site if it shows withdrawn content: a restart without a database would serve it.
    fn drop_outdated_file(&self) {
        if !self.withdrawals.invalidates_stored() {
            return;
        }
        match std::fs::remove_file(&self.file) {
            Ok(()) => tracing::warn!("removed the stored page: it contains withdrawn content"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!("the stored page contains withdrawn content and can't be removed: {error}"),
        }
    }

    /// Records success or failure of `step` and passes the result on.
    fn record_outcome<T>(&self, step: Step, result: anyhow::Result<T>) -> anyhow::Result<T> {
        match &result {
            Ok(_) => {
                self.last_failure.record_success(step);
                self.set_waiting(None);
            }
            Err(error) => {
                self.counts.failed.increment();
                self.last_failure.record_failure(step, self.clock.monotonic());
                if step == Step::Reading {
                    self.set_waiting(Some(self.describe_failure(error)));
                }
            }
        }
        result
    }

    /// Publishes if the database is ahead of the Site, for example after a change by another process. Returns whether
    /// it published.
    ///
    /// # Errors
    /// As [`Publisher::publish`], and while the backoff after a failed rendering lasts.
    pub async fn follow(&self) -> anyhow::Result<bool> {
        let newest = self.newest_revision().await;
        if let Ok(revision) = newest
            && (revision != self.site().revision || self.snapshot().is_none() || self.was_unreachable())
            && !self.render_backoff.is_waiting(revision, self.clock.monotonic())
        {
            // `publish` examines the database first and records failures.
            return self.publish().await.map(|_| true);
        }
        let revision = self.record_outcome(Step::Reading, newest.map_err(Into::into))?;
        let behind = revision != self.site().revision || self.snapshot().is_none();
        if behind {
            self.publish_unless_backing_off(revision).await?;
        }
        Ok(behind)
    }

    /// Renders the same revision again, because time has passed.
    pub async fn refresh(&self) -> anyhow::Result<()> {
        self.publish_unless_backing_off(self.site().revision).await
    }

    async fn publish_unless_backing_off(&self, revision: i64) -> anyhow::Result<()> {
        let left_alone = self.render_backoff.is_waiting(revision, self.clock.monotonic());
        ensure!(!left_alone, "revision {revision} could not be rendered; retrying later");
        self.publish().await.map(drop)
    }

    /// Records that the database can't be opened, with the reason for the operator.
    pub fn set_database_unavailable(&self, reason: String) {
        self.last_failure.record_failure(Step::Reading, self.clock.monotonic());
        self.set_waiting(Some(reason));
    }

    /// Why the database is not read, without names of files or hosts.
    pub fn waiting_reason(&self) -> Option<String> {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_waiting(&self, reason: Option<String>) {
        *self.waiting.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    fn describe_failure(&self, error: &anyhow::Error) -> String {
        let refused = error.downcast_ref::<SuccessionError>().map(ToString::to_string);
        refused.or_else(|| self.db.reason_closed()).unwrap_or_else(|| "the database can't be read".to_owned())
    }

    async fn newest_revision(&self) -> db::Result<i64> {
        self.db.read().await?.revision().await
    }

    /// Adds the stale notice to every page if the last confirmation is over a minute old. To be called when publishing
    /// fails; the next publish removes the notice.
    pub async fn mark_stale(&self) {
        let served = self.live_site.load_full();
        let site = served.site.clone();
        if site.staleness.is_some() || site.revision == 0 || !self.is_stale(&site) {
            return;
        }
        let is_secure = self.is_secure();
        let aging = tokio::task::spawn_blocking(move || Arc::new(LiveSite::new(Arc::new(site.as_stale()), is_secure)));
        if let Ok(aged) = aging.await {
            // Skipped if another Site was published in the meantime.
            let swapped = self.live_site.compare_and_swap(&served, aged.clone());
            if Arc::ptr_eq(&swapped, &served) {
                self.changes.send_if_modified(|change| change.advance(&served.site, &aged.site));
            }
        }
    }

    /// Uses the monotonic clock, so that setting the wall clock doesn't matter.
    fn is_stale(&self, site: &Site) -> bool {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        match confirmed {
            Some(at) => self.clock.monotonic() - at >= STALE_AFTER,
            // Stored by an earlier process, whose wall clock may have been ahead.
            None => !(-STALE_AFTER..STALE_AFTER).contains(&(self.clock.now() - site.confirmed_at)),
        }
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}
