//! Deep pages that were rendered: one rendering for all who ask at once, and each page as it was last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::HeaderValue;

use super::STALE_AFTER;
use super::render_site::render_error;
use super::turns::RenderPermits;
use super::{
    CACHE_BRIEF, CSP_NONE, Document, Encoding, OnDemandPage, PreparedResponse, Publisher, ResponsePolicy, Site,
    Staleness, Step, content_security_policy,
};
use crate::db;
use crate::domain::audit::Digest;

/// What the pages may take, in bytes.
const PAGES_BYTES: u64 = 16 * 1024 * 1024;
/// What each page as it was last may take, in bytes; most of them are among the pages too.
const LATEST_BYTES: u64 = 8 * 1024 * 1024;
/// What the addresses at which there is nothing may take, in bytes.
const MISSING_BYTES: u64 = 1024 * 1024;
/// What error pages with a sentence of their own may take, in bytes.
const ERRORS_BYTES: u64 = 1024 * 1024;

/// What a deep page is true for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edition {
    /// See [`super::Site::edition`].
    site: (i64, i64),
    /// How much had been withdrawn before: see [`super::withdrawals`].
    withdrawn: u64,
}

/// Why a deep page can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum OnDemandError {
    /// Too many other deep pages are being rendered; never a reason to show an older copy.
    #[error("too many deep pages at once")]
    Busy,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl OnDemandError {
    fn is_not_found(&self) -> bool {
        matches!(self, Self::Db(db::Error::NotFound))
    }

    fn is_outage(&self) -> bool {
        matches!(self, Self::Db(db::Error::Unavailable(_)))
    }
}

/// What was rendered on demand, bounded by what it weighs.
pub(super) struct OnDemandCache {
    /// By edition and address; many who ask for one wait for one rendering.
    pages: moka::future::Cache<String, Arc<PreparedResponse>>,
    /// By address alone, each in the edition it was rendered in last.
    latest: moka::sync::Cache<String, LatestCopy>,
    /// By address alone, each as it is shown while the Site says since when it is old.
    stale: moka::sync::Cache<String, StaleCopy>,
    /// The addresses at which there was nothing, and in which edition.
    missing: moka::sync::Cache<String, Edition>,
    /// Error pages with a sentence of their own, by revision, status and sentence.
    errors: moka::sync::Cache<String, Arc<PreparedResponse>>,
    permits: RenderPermits,
}

#[derive(Clone)]
struct LatestCopy {
    edition: Edition,
    at: DateTime<Utc>,
    answer: Arc<PreparedResponse>,
}

/// A page that says how old it is, and for how long that is the answer.
#[derive(Clone)]
struct StaleCopy {
    edition: Edition,
    /// As long as the Site was confirmed at this time and no later.
    confirmed_at: DateTime<Utc>,
    /// As long as the database can't be read: else a newer one could be rendered.
    during_outage: bool,
    answer: Arc<PreparedResponse>,
}

impl OnDemandCache {
    pub(super) fn new() -> Self {
        let pages = moka::future::Cache::builder()
            .weigher(|_: &String, answer: &Arc<PreparedResponse>| response_weight(answer));
        let latest =
            moka::sync::Cache::builder().weigher(|_: &String, latest: &LatestCopy| response_weight(&latest.answer));
        let old = moka::sync::Cache::builder().weigher(|_: &String, old: &StaleCopy| response_weight(&old.answer));
        let errors =
            moka::sync::Cache::builder().weigher(|_: &String, answer: &Arc<PreparedResponse>| response_weight(answer));
        let missing =
            moka::sync::Cache::builder().weigher(|address: &String, _: &Edition| clamp_weight(address.len() + 100));
        Self {
            missing: missing.max_capacity(MISSING_BYTES).build(),
            errors: errors.max_capacity(ERRORS_BYTES).build(),
            pages: pages.max_capacity(PAGES_BYTES).build(),
            latest: latest.max_capacity(LATEST_BYTES).build(),
            stale: old.max_capacity(LATEST_BYTES).build(),
            permits: RenderPermits::default(),
        }
    }

    /// The same, but whoever waits for a turn is refused after `patience`.
    pub(super) fn with_timeout(self, patience: Duration) -> Self {
        Self { permits: self.permits.with_timeout(patience), ..self }
    }

    /// Drops every copy of every page.
    pub(super) fn clear(&self) {
        self.pages.invalidate_all();
        self.latest.invalidate_all();
        self.stale.invalidate_all();
    }

    /// Drops the copies of one page.
    fn drop_copies(&self, address: &str) {
        self.latest.invalidate(address);
        self.stale.invalidate(address);
    }
}

fn response_weight(answer: &PreparedResponse) -> u32 {
    clamp_weight(answer.weight())
}

fn clamp_weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Publisher {
    /// A deep page, if it is ready at `address` and still true, or still as old as it says.
    pub fn cached(&self, address: &str) -> Option<Arc<PreparedResponse>> {
        let served = self.live_site();
        let Some(age) = &served.site.staleness else {
            let latest = self.on_demand.latest.get(address)?;
            return (latest.edition == self.edition_of(&served.site)).then_some(latest.answer);
        };
        let old = self.on_demand.stale.get(address)?;
        let holds = old.confirmed_at == age.confirmed_at
            && old.edition.withdrawn == self.withdrawn()
            && (!old.during_outage || self.is_database_down());
        holds.then_some(old.answer)
    }

    /// Whether the database can't be read.
    fn is_database_down(&self) -> bool {
        self.last_failure().is_some_and(|trouble| trouble.step == Step::Reading)
    }

    /// Whether there was nothing at `address`, and nothing was published since.
    pub fn is_known_missing(&self, address: &str) -> bool {
        self.on_demand.missing.get(address) == Some(self.edition())
    }

    /// A page that lies too deep to be rendered ahead, for nobody in particular: see [`Publisher::on_demand_for`].
    ///
    /// # Errors
    /// As [`Publisher::on_demand_for`].
    pub async fn on_demand(&self, page: OnDemandPage) -> Result<Arc<PreparedResponse>, Arc<OnDemandError>> {
        self.on_demand_for(page, None).await
    }

    /// A page that lies too deep to be rendered ahead. Many readers of one page cause one rendering. Where the
    /// database is away it is shown as it was last, with a note of its age, unless anything was withdrawn since.
    ///
    /// # Errors
    /// `Busy` where too many other deep pages are being rendered; `Unavailable` where the database is away and there
    /// is no copy that may be shown.
    pub async fn on_demand_for(
        &self,
        page: OnDemandPage,
        client: Option<IpAddr>,
    ) -> Result<Arc<PreparedResponse>, Arc<OnDemandError>> {
        self.counts.asked.increment();
        let (edition, address, at) = (self.edition(), page.address(), self.clock.now());
        let key = format!("{edition:?} {address}");
        if self.is_known_missing(&address) {
            return Err(Arc::new(db::Error::NotFound.into()));
        }
        let age = self.site().staleness.clone();
        match self.render_once(key, page, client).await {
            Ok(answer) => {
                if self.on_demand.latest.get(&address).is_none_or(|latest| latest.edition != edition) {
                    self.on_demand.latest.insert(address.clone(), LatestCopy { edition, at, answer: answer.clone() });
                }
                Ok(match age {
                    Some(age) => self.stale_copy(&address, LatestCopy { edition, at, answer }, age, false).await,
                    None => answer,
                })
            }
            Err(error) if error.is_outage() => self.copy_during_outage(&address, age, at).await.ok_or(error),
            Err(error) => {
                if error.is_not_found() {
                    self.on_demand.drop_copies(&address);
                    self.on_demand.missing.insert(address, edition);
                }
                Err(error)
            }
        }
    }

    async fn render_once(
        &self,
        key: String,
        page: OnDemandPage,
        client: Option<IpAddr>,
    ) -> Result<Arc<PreparedResponse>, Arc<OnDemandError>> {
        if let Some(answer) = self.on_demand.pages.get(&key).await {
            return Ok(answer);
        }
        // Outside of what requests share: a client that waits for its own turns delays no other one.
        let _place = self.on_demand.permits.acquire_for_client(&page, client).await.ok_or(OnDemandError::Busy)?;
        self.on_demand.pages.try_get_with(key, self.render_on_demand(page)).await
    }

    /// The page as it was rendered last, unless anything was withdrawn since.
    async fn copy_during_outage(
        &self,
        address: &str,
        age: Option<Staleness>,
        at: DateTime<Utc>,
    ) -> Option<Arc<PreparedResponse>> {
        let (latest, now) = (self.on_demand.latest.get(address)?, self.edition());
        if latest.edition.withdrawn != now.withdrawn || latest.edition.site.0 > now.site.0 {
            return None;
        }
        // What belongs to an older edition was last true when it was rendered, not when the Site was.
        let age = age.filter(|_| latest.edition == now);
        if age.is_none() && !self.is_database_down() && at - latest.at < STALE_AFTER {
            return Some(latest.answer);
        }
        let own = || Staleness { confirmed_at: latest.at, time_zone: self.site().time_zone };
        let age = age.unwrap_or_else(own);
        Some(self.stale_copy(address, latest, age, true).await)
    }

    /// The same page, saying how old it is; ready at once from now on, where the Site says it too.
    async fn stale_copy(
        &self,
        address: &str,
        latest: LatestCopy,
        age: Staleness,
        while_away: bool,
    ) -> Arc<PreparedResponse> {
        let LatestCopy { edition, answer, .. } = latest;
        let key = format!("{} {} {address}", answer.document().etag(Encoding::Plain), age.confirmed_at);
        let (terms, fresh) =
            (ResponsePolicy { staleness: Some(age.clone()), ..self.on_demand_policy() }, answer.clone());
        let aging = async move {
            let aging = move || Arc::new(PreparedResponse::new(Arc::new(fresh.document().as_stale(&age)), &terms));
            tokio::task::spawn_blocking(aging).await
        };
        let Ok(answer) = self.on_demand.pages.try_get_with(key, aging).await else { return answer };
        if let Some(Staleness { confirmed_at, .. }) = self.site().staleness {
            let old = StaleCopy { edition, confirmed_at, during_outage: while_away, answer: answer.clone() };
            self.on_demand.stale.insert(address.to_owned(), old);
        }
        answer
    }

    /// The page of an error that has a sentence of its own to say; what refuses a flood is rendered once.
    pub fn error(&self, status: u16, sentence: String) -> Arc<PreparedResponse> {
        let snapshot = self.snapshot();
        let key = format!("{:?} {status} {sentence}", snapshot.as_ref().map(|snapshot| snapshot.revision));
        self.on_demand.errors.get_with(key, || {
            let html = render_error(status, sentence, snapshot.as_deref(), &self.origin, self.clock.now());
            Arc::new(PreparedResponse::new(Arc::new(Document::html(status, html)), &self.on_demand_policy()))
        })
    }

    async fn render_on_demand(&self, page: OnDemandPage) -> Result<Arc<PreparedResponse>, OnDemandError> {
        // Who is known to be away is not waited for.
        if self.is_database_down() {
            return Err(db::Error::Unavailable("publishing can't read it either".into()).into());
        }
        let _turn = self.on_demand.permits.acquire_for_page(&page).await.ok_or(OnDemandError::Busy)?;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let found = page.load(&mut tx, now).await?;
        drop(tx);
        self.counts.rendered.increment();
        let (origin, terms) = (self.origin.clone(), self.on_demand_policy());
        let rendered =
            tokio::task::spawn_blocking(move || PreparedResponse::new(Arc::new(found.render(&origin, now)), &terms));
        Ok(rendered.await.map(Arc::new).map_err(db::Error::other)?)
    }

    /// Judges what changed since the last look; drops every copy where something may have been withdrawn.
    pub(super) async fn follow_withdrawals(&self, tx: &mut db::Tx, newest: Option<&Digest>) -> db::Result<()> {
        if self.withdrawals.follow(tx, newest).await? {
            self.on_demand.clear();
        }
        Ok(())
    }

    /// Drops every copy: a change was committed that could not be published, and it may have withdrawn something.
    pub fn invalidate_copies(&self) {
        self.withdrawals.invalidate_all();
        self.on_demand.clear();
    }

    fn edition(&self) -> Edition {
        self.edition_of(&self.live_site().site)
    }

    fn edition_of(&self, site: &Site) -> Edition {
        Edition { site: site.edition(), withdrawn: self.withdrawn() }
    }

    /// Counts what may have withdrawn something; a commit whose outcome is not known may have.
    fn withdrawn(&self) -> u64 {
        self.withdrawals.count() + self.db.uncertain_commits()
    }

    fn on_demand_policy(&self) -> ResponsePolicy {
        let policy = HeaderValue::from_str(&content_security_policy()).unwrap_or(CSP_NONE);
        ResponsePolicy {
            cache_control: CACHE_BRIEF,
            content_security_policy: policy,
            secure: self.is_secure(),
            staleness: None,
        }
    }
}
