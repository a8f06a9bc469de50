//! Publishing: from one consistent state of the database to the bytes that visitors are served.
//!
//! [`Publisher::publish`] renders the hot pages of a revision into a [`Site`] and swaps it in; readers
//! look up, and touch neither database nor template. What lies too deep to be rendered ahead is
//! rendered on first request and kept in a bounded cache under its revision.

mod change;
mod deep;
mod document;
mod export;
mod pages;
mod site;
mod snapshot;

pub use change::Change;
pub use deep::Deep;
pub use document::{Document, Encoding};
pub use pages::{content_security_policy, render_error};
pub use site::Site;
pub use snapshot::Snapshot;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use chrono::TimeDelta;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::clock::Clock;
use crate::db::{self, Db};

/// What the cache of deep pages may take, in bytes.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// How many deep pages are rendered at once: a flood of them leaves the rest of the machine alone.
const DEEP_TURNS: usize = 2;
/// How old a Site may be before its pages say so.
const OLD_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How long a reader of a deep page waits for a turn.
const DEEP_PATIENCE: Duration = Duration::from_secs(5);

/// Makes Sites and holds the one that is served.
pub struct Publisher {
    db: Db,
    clock: Clock,
    /// Scheme, host and port of the address visitors use.
    origin: String,
    /// Where the Site is kept between runs.
    file: PathBuf,
    site: ArcSwap<Site>,
    /// Moves on whenever the Site shows something else at `/`.
    changes: watch::Sender<Change>,
    /// What the Site was rendered from; none until the database was read.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// One publishing at a time, so that an older state never replaces a newer one.
    publishing: Mutex<()>,
    deep: moka::future::Cache<String, Arc<Document>>,
    deep_turns: Semaphore,
}

impl Publisher {
    /// A publisher that serves what `file` holds until it publishes for the first time.
    pub fn new(db: Db, clock: Clock, origin: String, file: PathBuf) -> Self {
        let stored = Site::read(&file).unwrap_or_else(|_| pages::empty_site(clock.now(), &origin));
        let weigh = |_: &String, document: &Arc<Document>| u32::try_from(document.weight()).unwrap_or(u32::MAX);
        Self {
            db,
            clock,
            origin,
            file,
            changes: watch::Sender::new(Change::of(&stored)),
            site: ArcSwap::from_pointee(stored),
            snapshot: RwLock::new(None),
            publishing: Mutex::new(()),
            deep: moka::future::Cache::builder().weigher(weigh).max_capacity(CACHE_BYTES).build(),
            deep_turns: Semaphore::new(DEEP_TURNS),
        }
    }

    /// What is served now.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// The newest change of what `/` shows, and those that follow.
    pub fn changes(&self) -> watch::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The state that is served now, once the database was read.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Renders the newest state and swaps it in; gives its revision. Documents whose text did not
    /// change stay the very same, compressed bytes included.
    ///
    /// # Errors
    /// Where the database can't be read or a page can't be rendered; then the Site before stays.
    pub async fn publish(&self) -> anyhow::Result<i64> {
        let _turn = self.publishing.lock().await;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let snapshot = Arc::new(Snapshot::load(&mut tx, now).await?);
        drop(tx);
        let (before, origin) = (self.site(), self.origin.clone());
        let (rendering, replaced) = (snapshot.clone(), before.clone());
        let site = tokio::task::spawn_blocking(move || pages::render_site(&rendering, &replaced, &origin, now));
        let site = Arc::new(site.await.context("rendering the Site")?);
        let revision = site.revision;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        self.site.store(site.clone());
        self.changes.send_if_modified(|change| change.follow(&before, &site));
        let file = self.file.clone();
        let stored = tokio::task::spawn_blocking(move || site.store(&file)).await?;
        if let Err(error) = stored {
            tracing::warn!("the Site is published but could not be stored: {error:#}");
        }
        Ok(revision)
    }

    /// Publishes if the database has a newer revision than the Site, as after a change by another
    /// process; says whether it did.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub async fn follow(&self) -> anyhow::Result<bool> {
        let revision = self.db.read().await?.revision().await?;
        let behind = revision != self.site().revision || self.snapshot().is_none();
        if behind {
            self.publish().await?;
        }
        Ok(behind)
    }

    /// Says on every page when it was last confirmed, once that is longer ago than a minute; to be called
    /// where publishing fails. Publishing takes it back.
    pub async fn grow_old(&self) {
        let site = self.site();
        if site.notice.is_some() || site.revision == 0 || self.clock.now() - site.confirmed_at < OLD_AFTER {
            return;
        }
        let aging = tokio::task::spawn_blocking(move || (Arc::new(site.grown_old()), site)).await;
        if let Ok((aged, site)) = aging {
            // Unless something was published in the meantime.
            let swapped = self.site.compare_and_swap(&site, aged.clone());
            if Arc::ptr_eq(&swapped, &site) {
                self.changes.send_if_modified(|change| change.follow(&site, &aged));
            }
        }
    }

    /// A page that lies too deep to be rendered ahead. Many readers of one page cause one rendering.
    ///
    /// # Errors
    /// `Unavailable` where the database is away or too many other deep pages are being rendered.
    pub async fn deep(&self, page: Deep) -> Result<Arc<Document>, Arc<db::Error>> {
        let day = self.clock.now().date_naive();
        let site = self.site();
        let key = format!("{} {day} {}", site.revision, page.address());
        let document = self.deep.try_get_with(key.clone(), self.render_deep(page)).await?;
        let Some(notice) = &site.notice else { return Ok(document) };
        let aged = async { Arc::new(document.with_notice(notice)) };
        Ok(self.deep.get_with(format!("old {key}"), aged).await)
    }

    async fn render_deep(&self, page: Deep) -> db::Result<Arc<Document>> {
        let turn = tokio::time::timeout(DEEP_PATIENCE, self.deep_turns.acquire()).await;
        let _turn = turn.map_err(|_| db::Error::Unavailable("too many deep pages at once".into()))?;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let found = page.load(&mut tx, now).await?;
        drop(tx);
        let origin = self.origin.clone();
        let rendered = tokio::task::spawn_blocking(move || found.render(&origin, now));
        rendered.await.map(Arc::new).map_err(db::Error::other)
    }
}
