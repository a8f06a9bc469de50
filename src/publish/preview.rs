//! Preview: the public documents after a change, rendered by the publisher and not stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::on_demand::LoadedPage;
use super::{Document, JsonShape, OnDemandPage, Publisher, Site, Snapshot, render_site};
use crate::db::{self, Tx, WriteTx};
use crate::domain::{IncidentId, MaintenanceId};

/// What a change does to the public documents.
#[derive(Debug, Default)]
pub struct SitePreview {
    /// The status page, the subject's own page, the history, then every other page that changes.
    pub pages: Vec<PreviewedPage>,
    /// The paths of the API documents, feeds, badges and embeds that change.
    pub machine_paths: Vec<String>,
    /// The paths of other pages, of which only the header with the page's status changes.
    pub header_paths: Vec<String>,
    /// The path of the subject's own page, if visitors can no longer read it.
    pub removed: Option<String>,
}

/// One page after the change.
#[derive(Debug)]
pub struct PreviewedPage {
    pub path: String,
    pub difference: Difference,
    pub document: Arc<Document>,
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
    let own = subject.0.first().map(OnDemandPage::address);
    let removed = own.filter(|path| before.contains_key(path) && !after.contains_key(path));
    let mut preview = SitePreview { removed, ..SitePreview::default() };
    for (path, document) in after {
        let difference = match before.get(&path) {
            Some(old) if *old == document => Difference::None,
            Some(_) => Difference::Changed,
            None => Difference::New,
        };
        let is_first = place(&path).is_some();
        if difference == Difference::None && !is_first {
            continue;
        }
        if is_machine_document(&path, &document) {
            preview.machine_paths.push(path);
        } else if !is_first && (path.starts_with("/incidents/") || path == "/api") {
            preview.header_paths.push(path);
        } else {
            preview.pages.push(PreviewedPage { path, difference, document });
        }
    }
    preview.pages.sort_by_key(|page| place(&page.path).unwrap_or(first.len()));
    preview
}

/// Whether programs or other sites read it, and not visitors of the page.
fn is_machine_document(path: &str, document: &Document) -> bool {
    !document.content_type.starts_with("text/html") || path.starts_with("/embed")
}
