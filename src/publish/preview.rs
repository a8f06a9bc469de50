//! A rehearsal: what a change would make of the public documents, rendered by the publisher itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::on_demand::LoadedPage;
use super::text_diff::diff_texts;
use super::{Document, Encoding, JsonShape, OnDemandPage, Publisher, Site, Snapshot, render_site};
use crate::db::{self, Tx, WriteTx};
use crate::domain::diff::DocumentDiff;
use crate::domain::{IncidentId, MaintenanceId};

/// How long the texts of all documents may be compared; what is left then is compared coarsely.
const DIFF_TIMEOUT: Duration = Duration::from_secs(2);

/// What programs ask for most often; the others follow by their paths.
const POPULAR_PATHS: [&str; 9] = [
    "/badge.svg",
    "/embed",
    "/embed/frame",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/history.atom",
    "/history.rss",
    "/feed.json",
    render_site::CALENDAR_PATH,
];

/// What visitors would read.
#[derive(Debug, Default)]
pub struct SitePreview {
    /// The status page, the matter's own page, the history, then whatever else would change.
    pub renderings: Vec<PreviewedDocument>,
    /// The documents for programs, and for other sites, that would change: they tell the same in other shapes.
    pub machine_documents: Vec<PreviewedDocument>,
    /// The paths of other pages, of which only the header would change: it tells the state of the page.
    pub headers_only: Vec<String>,
    /// The paths of documents for programs in which only the time of the last change would be another.
    pub dates_only: Vec<String>,
    /// The paths of the documents that would stay as they are.
    pub unchanged: Vec<String>,
    /// The path of the matter's own page, where visitors would find it no more.
    pub removed: Option<String>,
}

/// One document as it would be.
#[derive(Debug)]
pub struct PreviewedDocument {
    pub path: String,
    pub difference: Difference,
    pub document: Arc<Document>,
    /// What differs in it, where it is a text for programs that is served already.
    pub lines: DocumentDiff,
}

/// How a document would differ from the one that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    New,
    Changed,
    None,
}

/// What a change is about: the documents of its own that may be too old to be kept ready, its page first.
#[derive(Clone, Debug, Default)]
pub struct PreviewSubject(Vec<OnDemandPage>);

impl PreviewSubject {
    /// An incident or a maintenance.
    pub fn incident(id: &IncidentId) -> Self {
        let mut own = vec![OnDemandPage::Incident(id.clone())];
        own.extend([JsonShape::Api, JsonShape::Flat].map(|form| OnDemandPage::Json(id.clone(), form)));
        own.extend(MaintenanceId::parse(id.as_str()).map(OnDemandPage::CalendarEvent));
        Self(own)
    }

    /// How components did in the past.
    pub fn uptime() -> Self {
        Self(vec![OnDemandPage::Uptime])
    }

    /// The page itself.
    pub fn page() -> Self {
        Self::default()
    }

    /// Those of its documents that are there.
    async fn load(&self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Vec<(String, LoadedPage)>> {
        let mut found = Vec::new();
        for deep in &self.0 {
            match deep.clone().load(tx, now).await {
                Ok(document) => found.push((deep.address(), document)),
                // Visitors don't see it.
                Err(db::Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// What is looked at first.
    fn first_paths(&self) -> Vec<String> {
        let history = matches!(self.0.first(), Some(OnDemandPage::Incident(_))).then(|| "/history".to_owned());
        std::iter::once("/".to_owned()).chain(self.0.first().map(OnDemandPage::address)).chain(history).collect()
    }
}

impl Publisher {
    /// What visitors would read if what was done in `tx` were kept. It is not: the transaction is dropped,
    /// and nothing of the rendering is stored or served.
    ///
    /// # Errors
    /// Where the database can't be read or a page can't be rendered.
    pub async fn preview(&self, mut tx: WriteTx, subject: PreviewSubject) -> anyhow::Result<SitePreview> {
        let now = self.clock.now();
        let after = Snapshot::load(&mut tx, now).await?;
        let own_after = subject.load(&mut tx, now).await?;
        drop(tx);
        let mut tx = self.db.read().await?;
        let before = Snapshot::load(&mut tx, now).await?;
        let own_before = subject.load(&mut tx, now).await?;
        drop(tx);
        let (served, origin) = (self.site(), self.origin.clone());
        let rendered = tokio::task::spawn_blocking(move || {
            // What stands, at this very minute: only then are the differences those of the change.
            let stands = render_site::render_site(&before, &served, &origin, now);
            let would = render_site::render_site(&after, &stands, &origin, now);
            let render = |own: Vec<(String, LoadedPage)>, site: &Site| -> Vec<(String, Arc<Document>)> {
                let cold = own.into_iter().filter(|(path, _)| site.document(path).is_none());
                cold.map(|(path, found)| (path, Arc::new(found.render(&origin, now)))).collect()
            };
            let before = all_documents(&stands, render(own_before, &stands));
            let after = all_documents(&would, render(own_after, &would));
            compare_sites(&before, after, &subject)
        });
        rendered.await.context("rendering the preview")
    }
}

type Documents = BTreeMap<String, Arc<Document>>;

/// Every document that visitors can ask for, by its path.
fn all_documents(site: &Site, own: Vec<(String, Arc<Document>)>) -> Documents {
    let hot = site.pages().filter_map(|(path, _)| Some((path.to_owned(), site.document(path)?.clone())));
    hot.chain(own).collect()
}

fn compare_sites(before: &Documents, after: Documents, subject: &PreviewSubject) -> SitePreview {
    let first = subject.first_paths();
    let place = |path: &str| first.iter().position(|first| first == path);
    let own: Vec<String> = subject.0.iter().map(OnDemandPage::address).collect();
    let until = Instant::now() + DIFF_TIMEOUT;
    let gone = own.first().filter(|path| before.contains_key(*path) && !after.contains_key(*path)).cloned();
    let mut rehearsal = SitePreview { removed: gone, ..SitePreview::default() };
    for (path, document) in after {
        let old = before.get(&path);
        let difference = match old {
            Some(old) if *old == document => Difference::None,
            Some(_) => Difference::Changed,
            None => Difference::New,
        };
        if place(&path).is_some() {
            rehearsal.renderings.push(PreviewedDocument { path, difference, document, lines: DocumentDiff::default() });
        } else if difference == Difference::None {
            rehearsal.unchanged.push(path);
        } else if is_machine_document(&path, &document) {
            let lines = old.map(|old| diff_documents(old, &document, until)).unwrap_or_default();
            if lines.only_dates {
                rehearsal.dates_only.push(path);
            } else {
                rehearsal.machine_documents.push(PreviewedDocument { path, difference, document, lines });
            }
        } else if path.starts_with("/incidents/") || path == "/api" {
            rehearsal.headers_only.push(path);
        } else {
            rehearsal.renderings.push(PreviewedDocument { path, difference, document, lines: DocumentDiff::default() });
        }
    }
    rehearsal.renderings.sort_by_key(|it| place(&it.path).unwrap_or(first.len()));
    let asked = |path: &str| POPULAR_PATHS.iter().position(|other| *other == path);
    rehearsal.machine_documents.sort_by_key(|it| match asked(&it.path) {
        Some(place) => place,
        None if own.contains(&it.path) => POPULAR_PATHS.len(),
        None => POPULAR_PATHS.len() + 1,
    });
    rehearsal
}

/// Whether programs or other sites read it, and not visitors of the page.
fn is_machine_document(path: &str, document: &Document) -> bool {
    !document.content_type.starts_with("text/html") || path.starts_with("/embed")
}

/// What differs in a text; a page and a picture are looked at whole.
fn diff_documents(old: &Document, new: &Document, until: Instant) -> DocumentDiff {
    let kind = new.content_type.as_str();
    if kind.starts_with("text/html") || kind.starts_with("image/") {
        return DocumentDiff::default();
    }
    let text = |document: &Document| String::from_utf8_lossy(document.bytes(Encoding::Plain)).into_owned();
    diff_texts(kind, &text(old), &text(new), until)
}
