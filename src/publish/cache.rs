//! Deep pages that were rendered: one rendering for all who ask at once, and each page as it was last.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::HeaderValue;
use tokio::sync::Semaphore;

use super::OLD_AFTER;
use super::pages::render_error;
use super::{
    Age, Answer, Deep, Document, Encoding, Publisher, SHORTLY, STRICTEST, Step, Terms, content_security_policy,
};
use crate::db;

/// What the pages may take, in bytes.
const PAGES_BYTES: u64 = 16 * 1024 * 1024;
/// What each page as it was last may take, in bytes; most of them are among the pages too.
const LATEST_BYTES: u64 = 8 * 1024 * 1024;
/// What the addresses at which there is nothing may take, in bytes.
const MISSING_BYTES: u64 = 1024 * 1024;
/// What error pages with a sentence of their own may take, in bytes.
const ERRORS_BYTES: u64 = 1024 * 1024;
/// How many deep pages of each kind are rendered at once: a flood of them leaves the rest of the machine alone.
const TURNS: usize = 2;
/// How long a reader waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a deep page is true for: see [`super::Site::edition`].
type Edition = (i64, i64);

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

/// Turns at rendering. Whoever makes up ids or words to search for waits for others who do.
struct Turns {
    of_one: Semaphore,
    of_searches: Semaphore,
    of_lists: Semaphore,
}

impl Turns {
    fn for_page(&self, page: &Deep) -> &Semaphore {
        match page {
            Deep::Incident(_) | Deep::Event(_) | Deep::Record(..) => &self.of_one,
            Deep::Filtered(filter, _) if filter.text.is_some() => &self.of_searches,
            _ => &self.of_lists,
        }
    }
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
            turns: Turns {
                of_one: Semaphore::new(TURNS),
                of_searches: Semaphore::new(TURNS),
                of_lists: Semaphore::new(TURNS),
            },
        }
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
            return (latest.edition == served.site.edition()).then_some(latest.answer);
        };
        let old = self.deep.old.get(address)?;
        let holds = old.confirmed_at == age.confirmed_at && (!old.while_away || self.is_away());
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
        if self.is_known_missing(&address) {
            return Err(Arc::new(db::Error::NotFound));
        }
        let age = self.site().age.clone();
        match self.deep.pages.try_get_with(key, self.render_deep(page)).await {
            Ok(answer) => {
                if self.deep.latest.get(&address).is_none_or(|latest| latest.edition != edition) {
                    self.deep.latest.insert(address.clone(), Latest { edition, at, answer: answer.clone() });
                }
                Ok(match age {
                    Some(age) => self.aged(&address, answer, age, false).await,
                    None => answer,
                })
            }
            Err(error) if matches!(*error, db::Error::Unavailable(_)) => {
                let latest = self.deep.latest.get(&address).ok_or(error)?;
                // What belongs to an older edition was last true when it was rendered, not when the Site was.
                let age = age.filter(|_| latest.edition == edition);
                if age.is_none() && !self.is_away() && at - latest.at < OLD_AFTER {
                    return Ok(latest.answer);
                }
                let own = || Age { confirmed_at: latest.at, time_zone: self.site().time_zone };
                Ok(self.aged(&address, latest.answer, age.unwrap_or_else(own), true).await)
            }
            Err(error) => {
                if matches!(*error, db::Error::NotFound) {
                    self.deep.missing.insert(address, edition);
                }
                Err(error)
            }
        }
    }

    /// The same page, saying how old it is; ready at once from now on, where the Site says it too.
    async fn aged(&self, address: &str, answer: Arc<Answer>, age: Age, while_away: bool) -> Arc<Answer> {
        let key = format!("{} {} {address}", answer.document().etag(Encoding::Plain), age.confirmed_at);
        let (terms, fresh) = (Terms { age: Some(age.clone()), ..self.deep_terms() }, answer.clone());
        let aging = async move {
            let aging = move || Arc::new(Answer::new(Arc::new(fresh.document().grown_old(&age)), &terms));
            tokio::task::spawn_blocking(aging).await
        };
        let Ok(answer) = self.deep.pages.try_get_with(key, aging).await else { return answer };
        if let Some(Age { confirmed_at, .. }) = self.site().age {
            self.deep.old.insert(address.to_owned(), Old { confirmed_at, while_away, answer: answer.clone() });
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

    async fn render_deep(&self, page: Deep) -> db::Result<Arc<Answer>> {
        // Who is known to be away is not waited for.
        if self.is_away() {
            return Err(db::Error::Unavailable("publishing can't read it either".into()));
        }
        let turn = tokio::time::timeout(PATIENCE, self.deep.turns.for_page(&page).acquire()).await;
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
        self.served().site.edition()
    }

    fn deep_terms(&self) -> Terms {
        let policy = HeaderValue::from_str(&content_security_policy()).unwrap_or(STRICTEST);
        Terms { kept: SHORTLY, policy, secure: self.is_secure(), age: None }
    }
}
