//! The cache of on-demand pages. Concurrent requests for a page share one rendering.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::HeaderValue;

use super::STALE_AFTER;
use super::render_site::render_error;
use super::turns::RenderPermits;
use super::{
    CACHE_BRIEF, CSP_NONE, Document, Encoding, OnDemandPage, PreparedResponse, PreviousVersion, Publisher,
    ResponsePolicy, Site, Staleness, Step,
};
use crate::db;
use crate::domain::audit::Digest;

/// Bytes for rendered pages.
const PAGES_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes for the latest copy of each page; most of them share memory with the rendered pages.
const LATEST_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes for addresses known to be missing.
const MISSING_BYTES: u64 = 1024 * 1024;
/// Bytes for the times at which pages changed.
const CHANGES_BYTES: u64 = 1024 * 1024;
/// Bytes for error pages with a custom message.
const ERRORS_BYTES: u64 = 1024 * 1024;

/// The cache version of an on-demand page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edition {
    /// See [`super::Site::edition`].
    site: (i64, i64),
    /// The number of withdrawals so far; see [`super::withdrawals`].
    withdrawn: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum OnDemandError {
    /// Too many on-demand renderings. Not an outage: no stale copy is served.
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

/// All caches are bounded by size.
pub(super) struct OnDemandCache {
    /// By edition and address.
    pages: moka::future::Cache<String, Arc<PreparedResponse>>,
    /// By address: the latest rendering, also used during outages.
    latest: moka::sync::Cache<String, LatestCopy>,
    /// By address: the copy with the stale notice.
    stale: moka::sync::Cache<String, StaleCopy>,
    /// The edition in which an address was missing.
    missing: moka::sync::Cache<String, Edition>,
    /// By address: the entity tag of the latest rendering and when it changed. Outlives withdrawals: otherwise the time
    /// of change would tell when managers change something hidden.
    changes: moka::sync::Cache<String, (String, DateTime<Utc>)>,
    /// Error pages with a custom message, by revision, status and message.
    errors: moka::sync::Cache<String, Arc<PreparedResponse>>,
    permits: RenderPermits,
}

#[derive(Clone)]
struct LatestCopy {
    edition: Edition,
    at: DateTime<Utc>,
    answer: Arc<PreparedResponse>,
}

#[derive(Clone)]
struct StaleCopy {
    edition: Edition,
    /// Valid only while the Site has this confirmation time.
    confirmed_at: DateTime<Utc>,
    /// Valid only while the database can't be read; otherwise a newer copy could be rendered.
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
        let changes = moka::sync::Cache::builder()
            .weigher(|address: &String, _: &(String, DateTime<Utc>)| clamp_weight(address.len() + 150));
        Self {
            changes: changes.max_capacity(CHANGES_BYTES).build(),
            missing: missing.max_capacity(MISSING_BYTES).build(),
            errors: errors.max_capacity(ERRORS_BYTES).build(),
            pages: pages.max_capacity(PAGES_BYTES).build(),
            latest: latest.max_capacity(LATEST_BYTES).build(),
            stale: old.max_capacity(LATEST_BYTES).build(),
            permits: RenderPermits::default(),
        }
    }

    pub(super) fn with_timeout(self, patience: Duration) -> Self {
        Self { permits: self.permits.with_timeout(patience), ..self }
    }

    pub(super) fn clear(&self) {
        self.pages.invalidate_all();
        self.latest.invalidate_all();
        self.stale.invalidate_all();
    }

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
    /// A ready response for `address`, if it is of the current edition, or a stale copy that is still valid.
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

    fn is_database_down(&self) -> bool {
        self.last_failure().is_some_and(|trouble| trouble.step == Step::Reading)
    }

    /// Whether `address` was missing in the current edition.
    pub fn is_known_missing(&self, address: &str) -> bool {
        self.on_demand.missing.get(address) == Some(self.edition())
    }

    /// [`Publisher::on_demand_for`] without a per-client limit.
    pub async fn on_demand(&self, page: OnDemandPage) -> Result<Arc<PreparedResponse>, Arc<OnDemandError>> {
        self.on_demand_for(page, None).await
    }

    /// Renders a page on demand or serves it from the cache; `client` limits concurrent renderings per client. During a
    /// database outage the latest copy is served with a stale notice, unless anything was withdrawn since.
    ///
    /// # Errors
    /// `Busy` if too many renderings are queued; `Unavailable` if the database is down and no copy may be served.
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
        // Outside of the shared rendering: a client waiting for its own permit must not delay other clients.
        let _place = self.on_demand.permits.acquire_for_client(&page, client).await.ok_or(OnDemandError::Busy)?;
        self.on_demand.pages.try_get_with(key, self.render_on_demand(page)).await
    }

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
        // A copy of an older edition was last valid when rendered, not when the Site was confirmed.
        let age = age.filter(|_| latest.edition == now);
        if age.is_none() && !self.is_database_down() && at - latest.at < STALE_AFTER {
            return Some(latest.answer);
        }
        let own = || Staleness { confirmed_at: latest.at, time_zone: self.site().time_zone };
        let age = age.unwrap_or_else(own);
        Some(self.stale_copy(address, latest, age, true).await)
    }

    /// The page with its stale notice. Cached for [`Publisher::cached`] while the Site is stale too.
    async fn stale_copy(
        &self,
        address: &str,
        latest: LatestCopy,
        age: Staleness,
        while_away: bool,
    ) -> Arc<PreparedResponse> {
        let LatestCopy { edition, answer, .. } = latest;
        let key = format!("{} {} {address}", answer.document().etag(Encoding::Plain), age.confirmed_at);
        let (policy, fresh) =
            (ResponsePolicy { staleness: Some(age.clone()), ..self.on_demand_policy() }, answer.clone());
        let aging = async move {
            let aging = move || Arc::new(PreparedResponse::new(Arc::new(fresh.document().as_stale(&age)), policy));
            tokio::task::spawn_blocking(aging).await
        };
        let Ok(answer) = self.on_demand.pages.try_get_with(key, aging).await else { return answer };
        if let Some(Staleness { confirmed_at, .. }) = self.site().staleness {
            let old = StaleCopy { edition, confirmed_at, during_outage: while_away, answer: answer.clone() };
            self.on_demand.stale.insert(address.to_owned(), old);
        }
        answer
    }

    /// An error page with a custom message. Cached, so that rejecting a flood of requests costs one rendering.
    pub fn error(&self, status: u16, sentence: String) -> Arc<PreparedResponse> {
        let snapshot = self.snapshot();
        let key = format!("{:?} {status} {sentence}", snapshot.as_ref().map(|snapshot| snapshot.revision));
        self.on_demand.errors.get_with(key, || {
            let html = render_error(status, sentence, snapshot.as_deref(), &self.origin, self.clock.now());
            Arc::new(PreparedResponse::new(Arc::new(Document::html(status, html)), self.on_demand_policy()))
        })
    }

    async fn render_on_demand(&self, page: OnDemandPage) -> Result<Arc<PreparedResponse>, OnDemandError> {
        // Fail fast instead of waiting for a database known to be down.
        if self.is_database_down() {
            return Err(db::Error::Unavailable("publishing can't read it either".into()).into());
        }
        let _turn = self.on_demand.permits.acquire_for_page(&page).await.ok_or(OnDemandError::Busy)?;
        let (now, address) = (self.clock.now(), page.address());
        let mut tx = self.db.read().await?;
        let found = page.load(&mut tx, now).await?;
        drop(tx);
        self.counts.rendered.increment();
        let (origin, policy) = (self.origin.clone(), self.on_demand_policy());
        let changes = self.on_demand.changes.clone();
        let rendered = tokio::task::spawn_blocking(move || {
            let document = found.render(&origin, now);
            let tag = document.etag(Encoding::Plain).to_owned();
            let before = changes.get(&address);
            let before = before.map(|(known, changed_at)| PreviousVersion { is_same: known == tag, changed_at });
            let document = document.with_change_time(before, now);
            changes.insert(address, (tag, document.changed_at().unwrap_or(now)));
            PreparedResponse::new(Arc::new(document), policy)
        });
        Ok(rendered.await.map(Arc::new).map_err(db::Error::other)?)
    }

    /// Drops every copy if an audit row since the last publish may be a withdrawal.
    pub(super) async fn follow_withdrawals(&self, tx: &mut db::Tx, newest: Option<&Digest>) -> db::Result<()> {
        if self.withdrawals.follow(tx, newest).await? {
            self.on_demand.clear();
        }
        Ok(())
    }

    /// Drops every copy. Needed after a change that was committed but not published: it may be a withdrawal.
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

    /// The number of possible withdrawals, including commits with unknown outcome.
    fn withdrawn(&self) -> u64 {
        self.withdrawals.count() + self.db.uncertain_commits()
    }

    fn on_demand_policy(&self) -> ResponsePolicy {
        // The policy of the brand that the pages are rendered with.
        let policy = HeaderValue::from_str(&self.site().content_security_policy).unwrap_or(CSP_NONE);
        ResponsePolicy {
            cache_control: CACHE_BRIEF,
            content_security_policy: policy,
            secure: self.is_secure(),
            staleness: None,
            now: self.clock.now(),
        }
    }
}
