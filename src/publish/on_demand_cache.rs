//! Deep pages that were rendered: one rendering for all who ask at once, and each page as it was last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::HeaderValue;

use super::OLD_AFTER;
use super::render_site::render_error;
use super::turns::Turns;
use super::{
    Age, Answer, BRIEFLY, Deep, Document, Encoding, Publisher, STRICTEST, Site, Step, Terms, content_security_policy,
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
pub enum DeepError {
    /// Too many other deep pages are being rendered; never a reason to show an older copy.
    #[error("too many deep pages at once")]
    Busy,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl DeepError {
    fn is_not_found(&self) -> bool {
        matches!(self, Self::Db(db::Error::NotFound))
    }

    fn is_outage(&self) -> bool {
        matches!(self, Self::Db(db::Error::Unavailable(_)))
    }
}

/// What was rendered on demand, bounded by what it weighs.
pub(super) struct Cache {
    /// By edition and address; many who ask for one wait for one rendering.
    pages: moka::future::Cache<String, Arc<Answer>>,
    /// By address alone, each in the edition it was rendered in last.
    latest: moka::sync::Cache<String, Latest>,
    /// By address alone, each as it is shown while the Site says since when it is old.
    old: moka::sync::Cache<String, Old>,
    /// The addresses at which there was nothing, and in which edition.
    missing: moka::sync::Cache<String, Edition>,
    /// Error pages with a sentence of their own, by revision, status and sentence.
    errors: moka::sync::Cache<String, Arc<Answer>>,
    turns: Turns,
}

#[derive(Clone)]
struct Latest {
    edition: Edition,
    at: DateTime<Utc>,
    answer: Arc<Answer>,
}

/// A page that says how old it is, and for how long that is the answer.
#[derive(Clone)]
struct Old {
    edition: Edition,
    /// As long as the Site was confirmed at this time and no later.
    confirmed_at: DateTime<Utc>,
    /// As long as the database can't be read: else a newer one could be rendered.
    while_away: bool,
    answer: Arc<Answer>,
}

impl Cache {
    pub(super) fn new() -> Self {
        let pages = moka::future::Cache::builder().weigher(|_: &String, answer: &Arc<Answer>| weight(answer));
        let latest = moka::sync::Cache::builder().weigher(|_: &String, latest: &Latest| weight(&latest.answer));
        let old = moka::sync::Cache::builder().weigher(|_: &String, old: &Old| weight(&old.answer));
        let errors = moka::sync::Cache::builder().weigher(|_: &String, answer: &Arc<Answer>| weight(answer));
        let missing =
            moka::sync::Cache::builder().weigher(|address: &String, _: &Edition| as_weight(address.len() + 100));
        Self {
            missing: missing.max_capacity(MISSING_BYTES).build(),
            errors: errors.max_capacity(ERRORS_BYTES).build(),
            pages: pages.max_capacity(PAGES_BYTES).build(),
            latest: latest.max_capacity(LATEST_BYTES).build(),
            old: old.max_capacity(LATEST_BYTES).build(),
            turns: Turns::default(),
        }
    }

    /// The same, but whoever waits for a turn is refused after `patience`.
    pub(super) fn refusing_after(self, patience: Duration) -> Self {
        Self { turns: self.turns.within(patience), ..self }
    }

    /// Drops every copy of every page.
    pub(super) fn clear(&self) {
        self.pages.invalidate_all();
        self.latest.invalidate_all();
        self.old.invalidate_all();
    }

    /// Drops the copies of one page.
    fn drop_copies(&self, address: &str) {
        self.latest.invalidate(address);
        self.old.invalidate(address);
    }
}

fn weight(answer: &Answer) -> u32 {
    as_weight(answer.weight())
}

fn as_weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Publisher {
    /// A deep page, if it is ready at `address` and still true, or still as old as it says.
    pub fn cached(&self, address: &str) -> Option<Arc<Answer>> {
        let served = self.served();
        let Some(age) = &served.site.age else {
            let latest = self.deep.latest.get(address)?;
            return (latest.edition == self.edition_of(&served.site)).then_some(latest.answer);
        };
        let old = self.deep.old.get(address)?;
        let holds = old.confirmed_at == age.confirmed_at
            && old.edition.withdrawn == self.withdrawn()
            && (!old.while_away || self.is_away());
        holds.then_some(old.answer)
    }

    /// Whether the database can't be read.
    fn is_away(&self) -> bool {
        self.trouble().is_some_and(|trouble| trouble.step == Step::Reading)
    }

    /// Whether there was nothing at `address`, and nothing was published since.
    pub fn is_known_missing(&self, address: &str) -> bool {
        self.deep.missing.get(address) == Some(self.edition())
    }

    /// A page that lies too deep to be rendered ahead, for nobody in particular: see [`Publisher::deep_for`].
    ///
    /// # Errors
    /// As [`Publisher::deep_for`].
    pub async fn deep(&self, page: Deep) -> Result<Arc<Answer>, Arc<DeepError>> {
        self.deep_for(page, None).await
    }

    /// A page that lies too deep to be rendered ahead. Many readers of one page cause one rendering. Where the
    /// database is away it is shown as it was last, with a note of its age, unless anything was withdrawn since.
    ///
    /// # Errors
    /// `Busy` where too many other deep pages are being rendered; `Unavailable` where the database is away and there
    /// is no copy that may be shown.
    pub async fn deep_for(&self, page: Deep, client: Option<IpAddr>) -> Result<Arc<Answer>, Arc<DeepError>> {
        self.counts.asked.increment();
        let (edition, address, at) = (self.edition(), page.address(), self.clock.now());
        let key = format!("{edition:?} {address}");
        if self.is_known_missing(&address) {
            return Err(Arc::new(db::Error::NotFound.into()));
        }
        let age = self.site().age.clone();
        match self.render_once(key, page, client).await {
            Ok(answer) => {
                if self.deep.latest.get(&address).is_none_or(|latest| latest.edition != edition) {
                    self.deep.latest.insert(address.clone(), Latest { edition, at, answer: answer.clone() });
                }
                Ok(match age {
                    Some(age) => self.aged(&address, Latest { edition, at, answer }, age, false).await,
                    None => answer,
                })
            }
            Err(error) if error.is_outage() => self.copy_during_outage(&address, age, at).await.ok_or(error),
            Err(error) => {
                if error.is_not_found() {
                    self.deep.drop_copies(&address);
                    self.deep.missing.insert(address, edition);
                }
                Err(error)
            }
        }
    }

    async fn render_once(
        &self,
        key: String,
        page: Deep,
        client: Option<IpAddr>,
    ) -> Result<Arc<Answer>, Arc<DeepError>> {
        if let Some(answer) = self.deep.pages.get(&key).await {
            return Ok(answer);
        }
        // Outside of what requests share: a client that waits for its own turns delays no other one.
        let _place = self.deep.turns.for_client(&page, client).await.ok_or(DeepError::Busy)?;
        self.deep.pages.try_get_with(key, self.render_deep(page)).await
    }

    /// The page as it was rendered last, unless anything was withdrawn since.
    async fn copy_during_outage(&self, address: &str, age: Option<Age>, at: DateTime<Utc>) -> Option<Arc<Answer>> {
        let (latest, now) = (self.deep.latest.get(address)?, self.edition());
        if latest.edition.withdrawn != now.withdrawn || latest.edition.site.0 > now.site.0 {
            return None;
        }
        // What belongs to an older edition was last true when it was rendered, not when the Site was.
        let age = age.filter(|_| latest.edition == now);
        if age.is_none() && !self.is_away() && at - latest.at < OLD_AFTER {
            return Some(latest.answer);
        }
        let own = || Age { confirmed_at: latest.at, time_zone: self.site().time_zone };
        let age = age.unwrap_or_else(own);
        Some(self.aged(address, latest, age, true).await)
    }

    /// The same page, saying how old it is; ready at once from now on, where the Site says it too.
    async fn aged(&self, address: &str, latest: Latest, age: Age, while_away: bool) -> Arc<Answer> {
        let Latest { edition, answer, .. } = latest;
        let key = format!("{} {} {address}", answer.document().etag(Encoding::Plain), age.confirmed_at);
        let (terms, fresh) = (Terms { age: Some(age.clone()), ..self.deep_terms() }, answer.clone());
        let aging = async move {
            let aging = move || Arc::new(Answer::new(Arc::new(fresh.document().grown_old(&age)), &terms));
            tokio::task::spawn_blocking(aging).await
        };
        let Ok(answer) = self.deep.pages.try_get_with(key, aging).await else { return answer };
        if let Some(Age { confirmed_at, .. }) = self.site().age {
            let old = Old { edition, confirmed_at, while_away, answer: answer.clone() };
            self.deep.old.insert(address.to_owned(), old);
        }
        answer
    }

    /// The page of an error that has a sentence of its own to say; what refuses a flood is rendered once.
    pub fn error(&self, status: u16, sentence: String) -> Arc<Answer> {
        let snapshot = self.snapshot();
        let key = format!("{:?} {status} {sentence}", snapshot.as_ref().map(|snapshot| snapshot.revision));
        self.deep.errors.get_with(key, || {
            let html = render_error(status, sentence, snapshot.as_deref(), &self.origin, self.clock.now());
            Arc::new(Answer::new(Arc::new(Document::html(status, html)), &self.deep_terms()))
        })
    }

    async fn render_deep(&self, page: Deep) -> Result<Arc<Answer>, DeepError> {
        // Who is known to be away is not waited for.
        if self.is_away() {
            return Err(db::Error::Unavailable("publishing can't read it either".into()).into());
        }
        let _turn = self.deep.turns.for_page(&page).await.ok_or(DeepError::Busy)?;
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let found = page.load(&mut tx, now).await?;
        drop(tx);
        self.counts.rendered.increment();
        let (origin, terms) = (self.origin.clone(), self.deep_terms());
        let rendered = tokio::task::spawn_blocking(move || Answer::new(Arc::new(found.render(&origin, now)), &terms));
        Ok(rendered.await.map(Arc::new).map_err(db::Error::other)?)
    }

    /// Judges what changed since the last look; drops every copy where something may have been withdrawn.
    pub(super) async fn follow_withdrawals(&self, tx: &mut db::Tx, newest: Option<&Digest>) -> db::Result<()> {
        if self.withdrawals.follow(tx, newest).await? {
            self.deep.clear();
        }
        Ok(())
    }

    /// Drops every copy: a change was committed that could not be published, and it may have withdrawn something.
    pub fn outdate_copies(&self) {
        self.withdrawals.outdate();
        self.deep.clear();
    }

    fn edition(&self) -> Edition {
        self.edition_of(&self.served().site)
    }

    fn edition_of(&self, site: &Site) -> Edition {
        Edition { site: site.edition(), withdrawn: self.withdrawn() }
    }

    /// Counts what may have withdrawn something; a commit whose outcome is not known may have.
    fn withdrawn(&self) -> u64 {
        self.withdrawals.count() + self.db.uncertain_commits()
    }

    fn deep_terms(&self) -> Terms {
        let policy = HeaderValue::from_str(&content_security_policy()).unwrap_or(STRICTEST);
        Terms { kept: BRIEFLY, policy, secure: self.is_secure(), age: None }
    }
}
