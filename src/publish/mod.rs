//! Publishing: from one consistent state of the database to the bytes that visitors are served.
//!
//! [`Publisher::publish`] renders the hot pages of a revision into a [`Site`] and swaps it in; readers
//! look up, and touch neither database nor template. What lies too deep to be rendered ahead is
//! rendered on first request and kept in a bounded cache under its revision.

mod answer;
mod change;
mod deep;
mod document;
mod export;
mod pages;
mod served;
mod site;
mod snapshot;
mod trouble;

pub use answer::{Answer, PROTECTING, SHORTLY, STRICTEST, TLS_ONLY, Terms};
pub use change::Change;
pub use deep::Deep;
pub use document::{Document, Encoding, hex};
pub use pages::{content_security_policy, render_error, render_site};
pub use served::Served;
pub use site::Site;
pub use snapshot::Snapshot;
pub use trouble::{Step, Trouble};

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arc_swap::{ArcSwap, Guard};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hyper::header::HeaderValue;
use tokio::sync::{Mutex, Semaphore, watch};

use self::trouble::Ledger;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::metrics::{Counter, Timed};
use crate::ui::pages::public::last_confirmed;

/// What the cache of deep pages may take, in bytes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What the newest rendering of each deep page may take, in bytes; most of it is that of the cache.
const LATEST_BYTES: u64 = 8 * 1024 * 1024;
/// How many deep pages are rendered at once: a flood of them leaves the rest of the machine alone.
const DEEP_TURNS: usize = 2;
/// How old a Site may be before its pages say so.
const OLD_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How long a reader of a deep page waits for a turn.
const DEEP_PATIENCE: Duration = Duration::from_secs(5);

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
    publishing: Mutex<()>,
    trouble: Ledger,
    /// Deep pages by edition and address; many who ask for one wait for one rendering.
    deep: moka::future::Cache<String, Arc<Answer>>,
    /// Deep pages by address alone, each in the edition it was rendered in last.
    latest: moka::sync::Cache<String, Latest>,
    deep_turns: Semaphore,
    counts: Counts,
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

/// What a deep page is true for: the state of the database, and the day.
type Edition = (i64, NaiveDate);

#[derive(Clone)]
struct Latest {
    edition: Edition,
    at: DateTime<Utc>,
    answer: Arc<Answer>,
}

impl Publisher {
    /// A publisher that serves what `file` holds until it publishes for the first time.
    pub fn new(db: Db, clock: Clock, origin: String, file: PathBuf) -> Self {
        let stored = Site::read(&file).unwrap_or_else(|_| pages::empty_site(clock.now(), &origin));
        let weight = |answer: &Answer| u32::try_from(answer.weight()).unwrap_or(u32::MAX);
        let weigh = move |_: &String, answer: &Arc<Answer>| weight(answer);
        let weigh_latest = move |_: &String, latest: &Latest| weight(&latest.answer);
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
            publishing: Mutex::new(()),
            trouble: Ledger::default(),
            deep: moka::future::Cache::builder().weigher(weigh).max_capacity(CACHE_BYTES).build(),
            latest: moka::sync::Cache::builder().weigher(weigh_latest).max_capacity(LATEST_BYTES).build(),
            deep_turns: Semaphore::new(DEEP_TURNS),
            counts: Counts::default(),
        }
    }

    /// The same, rendering by another function.
    #[must_use]
    pub fn rendering_by(self, render: Render) -> Self {
        Self { render, ..self }
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
    /// change stay the very same, compressed bytes included.
    ///
    /// # Errors
    /// Where the database can't be read or a page can't be rendered; then the Site before stays.
    pub async fn publish(&self) -> anyhow::Result<i64> {
        let _turn = self.publishing.lock().await;
        let (begun, now) = (Instant::now(), self.clock.now());
        let snapshot = self.noted(Step::Reading, self.load(now).await.map_err(Into::into))?;
        let before = self.site();
        let rendered = self.render(snapshot.clone(), before.clone(), now).await;
        let site = self.noted(Step::Rendering, rendered)?;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        self.served.store(Arc::new(Served::new(site.clone(), self.is_secure())));
        self.changes.send_if_modified(|change| change.follow(&before, &site));
        self.counts.published.add(begun.elapsed());
        let revision = site.revision;
        if let Err(error) = self.noted(Step::Storing, self.store(site).await) {
            tracing::warn!("the Site is published but could not be stored: {error:#}");
        }
        Ok(revision)
    }

    async fn load(&self, now: DateTime<Utc>) -> db::Result<Arc<Snapshot>> {
        let mut tx = self.db.read().await?;
        Ok(Arc::new(Snapshot::load(&mut tx, now).await?))
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

    /// The same result, and a note of it for whoever watches.
    fn noted<T>(&self, step: Step, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_ok() {
            self.trouble.passes(step);
        } else {
            self.counts.failed.increment();
            self.trouble.fails(step, self.clock.now());
        }
        result
    }

    /// Publishes if the database has a newer revision than the Site, as after a change by another
    /// process; says whether it did.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub async fn follow(&self) -> anyhow::Result<bool> {
        let revision = self.noted(Step::Reading, self.newest_revision().await.map_err(Into::into))?;
        let behind = revision != self.site().revision || self.snapshot().is_none();
        if behind {
            self.publish().await?;
        }
        Ok(behind)
    }

    async fn newest_revision(&self) -> db::Result<i64> {
        self.db.read().await?.revision().await
    }

    /// Says on every page when it was last confirmed, once that is longer ago than a minute; to be called
    /// where publishing fails. Publishing takes it back.
    pub async fn grow_old(&self) {
        let served = self.served.load_full();
        let site = served.site.clone();
        if site.notice.is_some() || site.revision == 0 || self.clock.now() - site.confirmed_at < OLD_AFTER {
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

    /// A deep page, if it is ready at `address` and still true.
    pub fn cached(&self, address: &str) -> Option<Arc<Answer>> {
        let latest = self.latest.get(address)?;
        let is_true = latest.edition == self.edition() && self.served().site.notice.is_none();
        is_true.then_some(latest.answer)
    }

    /// A page that lies too deep to be rendered ahead. Many readers of one page cause one rendering. Where
    /// the database is away it is shown as it was last, and says so.
    ///
    /// # Errors
    /// `Unavailable` where it was not shown before and the database is away or too many other deep pages are
    /// being rendered.
    pub async fn deep(&self, page: Deep) -> Result<Arc<Answer>, Arc<db::Error>> {
        self.counts.asked.increment();
        let (edition, address, at) = (self.edition(), page.address(), self.clock.now());
        let key = format!("{} {} {address}", edition.0, edition.1);
        let notice = self.site().notice.clone();
        match self.deep.try_get_with(key, self.render_deep(page)).await {
            Ok(answer) => {
                if self.latest.get(&address).is_none_or(|latest| latest.edition != edition) {
                    self.latest.insert(address.clone(), Latest { edition, at, answer: answer.clone() });
                }
                Ok(match notice {
                    Some(notice) => self.aged(&address, answer, notice).await,
                    None => answer,
                })
            }
            Err(error) if matches!(*error, db::Error::Unavailable(_)) => {
                let latest = self.latest.get(&address).ok_or(error)?;
                let notice = notice.unwrap_or_else(|| last_confirmed(latest.at, self.site().time_zone));
                Ok(self.aged(&address, latest.answer, notice).await)
            }
            Err(error) => Err(error),
        }
    }

    /// The same page with `notice`.
    async fn aged(&self, address: &str, answer: Arc<Answer>, notice: String) -> Arc<Answer> {
        let key = format!("{} {notice} {address}", answer.document().etag(Encoding::Plain));
        let (terms, fresh) = (self.deep_terms(), answer.clone());
        let aging = async move {
            let aging = move || Arc::new(Answer::new(Arc::new(fresh.document().with_notice(&notice)), &terms));
            tokio::task::spawn_blocking(aging).await
        };
        self.deep.try_get_with(key, aging).await.unwrap_or(answer)
    }

    async fn render_deep(&self, page: Deep) -> db::Result<Arc<Answer>> {
        let turn = tokio::time::timeout(DEEP_PATIENCE, self.deep_turns.acquire()).await;
        let _turn = turn.map_err(|_| db::Error::Unavailable("too many deep pages at once".into()))?;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let found = page.load(&mut tx, now).await?;
        drop(tx);
        self.counts.rendered.increment();
        let (origin, terms) = (self.origin.clone(), self.deep_terms());
        let rendered = tokio::task::spawn_blocking(move || Answer::new(Arc::new(found.render(&origin, now)), &terms));
        rendered.await.map(Arc::new).map_err(db::Error::other)
    }

    fn edition(&self) -> Edition {
        (self.served().site.revision, self.clock.now().date_naive())
    }

    fn deep_terms(&self) -> Terms {
        let policy = HeaderValue::from_str(&content_security_policy()).unwrap_or(STRICTEST);
        Terms { kept: SHORTLY, policy, secure: self.is_secure() }
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}
