//! Publishing: from one consistent state of the database to the bytes that visitors are served.
//!
//! [`Publisher::publish`] renders the hot pages of a revision into a [`Site`] and swaps it in; readers
//! look up, and touch neither database nor template. What lies too deep to be rendered ahead is
//! rendered on first request and kept in a bounded cache under its revision.

mod age;
mod answer;
pub mod api;
mod cache;
mod calendar;
mod change;
mod deep;
mod document;
mod export;
pub mod feeds;
mod lines;
mod pages;
mod record;
mod rehearsal;
mod served;
mod shared;
mod site;
mod snapshot;
mod trouble;
mod turns;
mod uptime;
mod withdrawals;

pub use age::{Age, CONFIRMED_AT};
pub use answer::{Answer, BRIEFLY, FOR_EVERYBODY, PROTECTING, SHORTLY, STRICTEST, TLS_ONLY, Terms};
pub use cache::DeepError;
pub use change::Change;
pub use deep::Deep;
pub use document::{Document, Encoding, Reach};
pub use pages::{content_security_policy, render_site};
pub use record::Form;
pub use rehearsal::{Difference, Rehearsal, Rendering, Subject};
pub use served::Served;
pub use site::Site;
pub use snapshot::Snapshot;
pub use trouble::{Step, Trouble};

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use arc_swap::{ArcSwap, Guard};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, watch};

use self::cache::Cache;
use self::trouble::{Ledger, Setback};
use self::withdrawals::Withdrawals;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::domain::monotonic::Monotonic;
use crate::metrics::{Counter, Timed};

/// How old a Site may be before its pages say so.
const OLD_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How a snapshot becomes a Site, in whose place it comes, under which origin, and when.
pub type Render = fn(&Snapshot, &Site, &str, DateTime<Utc>) -> Site;

/// Makes Sites and holds the one that is served.
pub struct Publisher {
    db: Db,
    clock: Clock,
    /// Scheme, host and port of the address visitors use.
    origin: String,
    /// Where the Site is kept between runs.
    file: PathBuf,
    render: Render,
    served: ArcSwap<Served>,
    /// Moves on whenever the Site shows something else at `/`.
    changes: watch::Sender<Change>,
    /// What the Site was rendered from; none until the database was read.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// One publishing at a time, so that an older state never replaces a newer one.
    publishing: Mutex<Shared>,
    /// How often publishing was asked for.
    asked: AtomicU64,
    trouble: Ledger,
    /// When the database last confirmed the Site to this process.
    confirmed: std::sync::Mutex<Option<Monotonic>>,
    /// The state that could not be rendered last, and until when it is left alone.
    setback: Setback,
    deep: Cache,
    withdrawals: Withdrawals,
    counts: Counts,
}

/// The last publishing, and for whom it was.
struct Shared {
    /// The last caller who had asked before the database was read.
    covers: u64,
    /// The revision, or why there is none.
    outcome: Result<i64, String>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { covers: 0, outcome: Ok(0) }
    }
}

/// What a publisher did since it was made.
#[derive(Debug, Default)]
pub struct Counts {
    /// Sites, and the time from reading the database to the swap.
    pub published: Timed,
    /// Attempts that failed.
    pub failed: Counter,
    /// Deep pages that were rendered.
    pub rendered: Counter,
    /// Deep pages that were asked for and not found at once.
    pub asked: Counter,
}

impl Publisher {
    /// A publisher that serves what `file` holds until it publishes for the first time.
    pub fn new(db: Db, clock: Clock, origin: String, file: PathBuf) -> Self {
        let stored = Site::kept_in(&file).unwrap_or_else(|| pages::empty_site(clock.now(), &origin));
        let is_secure = origin.starts_with("https://");
        Self {
            db,
            clock,
            origin,
            file,
            render: render_site,
            changes: watch::Sender::new(Change::of(&stored)),
            served: ArcSwap::from_pointee(Served::new(Arc::new(stored), is_secure)),
            snapshot: RwLock::new(None),
            publishing: Mutex::default(),
            asked: AtomicU64::new(0),
            trouble: Ledger::default(),
            confirmed: std::sync::Mutex::default(),
            setback: Setback::default(),
            deep: Cache::new(),
            withdrawals: Withdrawals::default(),
            counts: Counts::default(),
        }
    }

    /// The same, rendering by another function.
    #[must_use]
    pub fn rendering_by(self, render: Render) -> Self {
        Self { render, ..self }
    }

    /// The same, but requests for deep pages are refused after waiting for `patience`.
    #[must_use]
    pub fn refusing_after(self, patience: Duration) -> Self {
        Self { deep: self.deep.refusing_after(patience), ..self }
    }

    /// What is served now.
    pub fn site(&self) -> Arc<Site> {
        self.served.load().site.clone()
    }

    /// What is served now, with its answers, for as long as it takes to answer.
    pub fn served(&self) -> Guard<Arc<Served>> {
        self.served.load()
    }

    /// The newest change of what `/` shows, and those that follow.
    pub fn changes(&self) -> watch::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The state that is served now, once the database was read.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why what is served is not the newest state, where that is so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.newest()
    }

    /// What it did so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Renders the newest state and swaps it in; gives its revision. Documents whose text did not
    /// change stay the very same, compressed bytes included. All callers who ask while a Site is rendered share the
    /// next one: it is read after they asked, so what each of them committed is in it.
    ///
    /// # Errors
    /// Where the database can't be read or a page can't be rendered; then the Site before stays.
    pub async fn publish(&self) -> anyhow::Result<i64> {
        let ticket = self.asked.fetch_add(1, SeqCst) + 1;
        let mut shared = self.publishing.lock().await;
        if shared.covers < ticket {
            let covers = self.asked.load(SeqCst);
            let outcome = self.publish_newest().await;
            *shared = Shared { covers, outcome: outcome.map_err(|error| format!("{error:#}")) };
        }
        shared.outcome.clone().map_err(anyhow::Error::msg)
    }

    async fn publish_newest(&self) -> anyhow::Result<i64> {
        let (begun, now, asked_at) = (Instant::now(), self.clock.now(), self.clock.monotonic());
        let snapshot = self.noted(Step::Reading, self.load(now).await.map_err(Into::into))?;
        let before = self.site();
        let rendered = self.render(snapshot.clone(), before.clone(), now).await;
        self.setback.note(snapshot.revision, rendered.is_ok(), self.clock.monotonic());
        let site = self.noted(Step::Rendering, rendered)?;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        self.served.store(Arc::new(Served::new(site.clone(), self.is_secure())));
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked_at);
        self.changes.send_if_modified(|change| change.follow(&before, &site));
        self.counts.published.add(begun.elapsed());
        let revision = site.revision;
        match self.noted(Step::Storing, self.store(site).await) {
            Ok(()) => self.withdrawals.note_stored(),
            Err(error) => {
                tracing::warn!("the Site is published but could not be stored: {error:#}");
                self.drop_outdated_file();
            }
        }
        Ok(revision)
    }

    async fn load(&self, now: DateTime<Utc>) -> db::Result<Arc<Snapshot>> {
        let mut tx = self.db.read().await?;
        let snapshot = Snapshot::load(&mut tx, now).await?;
        self.follow_withdrawals(&mut tx, snapshot.audit.as_ref()).await?;
        Ok(Arc::new(snapshot))
    }

    /// The Site of `snapshot`. A panic in it ends here.
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

    /// Removes the stored Site where it shows what was withdrawn since: a restart without a database would show it.
    fn drop_outdated_file(&self) {
        if !self.withdrawals.outdates_stored() {
            return;
        }
        match std::fs::remove_file(&self.file) {
            Ok(()) => tracing::warn!("the stored Site was removed: it shows what was withdrawn since"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!("the stored Site shows what was withdrawn and can't be removed: {error}"),
        }
    }

    /// The same result, and a note of it for whoever watches.
    fn noted<T>(&self, step: Step, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_ok() {
            self.trouble.passes(step);
        } else {
            self.counts.failed.increment();
            self.trouble.fails(step, self.clock.monotonic());
        }
        result
    }

    /// Publishes if the database has a newer revision than the Site, as after a change by another
    /// process; says whether it did. A state that could not be rendered is left alone for a while.
    ///
    /// # Errors
    /// As [`Publisher::publish`], and where the newest state is left alone.
    pub async fn follow(&self) -> anyhow::Result<bool> {
        let revision = self.noted(Step::Reading, self.newest_revision().await.map_err(Into::into))?;
        let behind = revision != self.site().revision || self.snapshot().is_none();
        if behind {
            self.publish_unless_hopeless(revision).await?;
        }
        Ok(behind)
    }

    /// Renders the same state anew, because time has passed.
    ///
    /// # Errors
    /// As [`Publisher::follow`].
    pub async fn refresh(&self) -> anyhow::Result<()> {
        self.publish_unless_hopeless(self.site().revision).await
    }

    async fn publish_unless_hopeless(&self, revision: i64) -> anyhow::Result<()> {
        let left_alone = self.setback.holds(revision, self.clock.monotonic());
        ensure!(!left_alone, "revision {revision} could not be rendered and is tried again later");
        self.publish().await.map(drop)
    }

    /// Notes that the database can't be opened.
    pub fn waits_for_the_database(&self) {
        self.trouble.fails(Step::Reading, self.clock.monotonic());
    }

    async fn newest_revision(&self) -> db::Result<i64> {
        self.db.read().await?.revision().await
    }

    /// Says on every page when it was last confirmed, once that is longer ago than a minute; to be called
    /// where publishing fails. Publishing takes it back.
    pub async fn grow_old(&self) {
        let served = self.served.load_full();
        let site = served.site.clone();
        if site.age.is_some() || site.revision == 0 || !self.is_old(&site) {
            return;
        }
        let is_secure = self.is_secure();
        let aging = tokio::task::spawn_blocking(move || Arc::new(Served::new(Arc::new(site.grown_old()), is_secure)));
        if let Ok(aged) = aging.await {
            // Unless something was published in the meantime.
            let swapped = self.served.compare_and_swap(&served, aged.clone());
            if Arc::ptr_eq(&swapped, &served) {
                self.changes.send_if_modified(|change| change.follow(&served.site, &aged.site));
            }
        }
    }

    /// Whether the database has not confirmed `site` for too long, whatever the clock was set to meanwhile.
    fn is_old(&self, site: &Site) -> bool {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        match confirmed {
            Some(at) => self.clock.monotonic() - at >= OLD_AFTER,
            // It was stored by an earlier process, whose clock may have been ahead.
            None => !(-OLD_AFTER..OLD_AFTER).contains(&(self.clock.now() - site.confirmed_at)),
        }
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}
